"""Where a model runs."""

from __future__ import annotations

import ctypes
import platform
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch

OWN_MAPPING_BYTES = 1 << 20
"""From this size on a block of memory is a mapping of its own, which goes back to the system when it is freed."""
KEPT_FREE_BYTES = 1 << 24
"""Of smaller blocks at most so much stays here, free."""


def pick_device(name: str = "auto") -> torch.device:
    """'auto' takes CUDA where there is a card, else the CPU. ValueError where CUDA is asked for and absent."""
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"Device '{name}' is not one of auto, cpu, cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("Device 'cuda' was asked for, but torch sees no CUDA card here: use --device cpu or auto.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def half_precision(device: torch.device) -> AbstractContextManager[object]:
    """Autocast to bfloat16 where the hardware multiplies it, and nothing elsewhere.

    On a processor without bfloat16 products torch emulates them: measured on AVX2, a matrix product is 90 times slower than in
    float32 and a training step 8 times. So a CPU takes bfloat16 only where it has AVX-512 BF16 or AMX.
    """
    if device.type == "cpu" and not cpu_multiplies_bfloat16():
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


@cache
def cpu_multiplies_bfloat16() -> bool:
    """Whether this processor has AVX-512 BF16 or AMX."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def hand_memory_back() -> bool:
    """Has this process return what it frees; False where the allocator is not glibc's. A GPU's memory is not concerned.

    Left alone, glibc raises the size from which a block is a mapping of its own to the largest that was ever freed, and then a frame's
    tensors fragment the heap: a rollout grew by 70 MB at a time, 12 % over 600 frames. It grows by nothing now, and is no slower.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc, own_mapping, trim = ctypes.CDLL(None), -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
    return bool(libc.mallopt(own_mapping, OWN_MAPPING_BYTES) and libc.mallopt(trim, KEPT_FREE_BYTES))
