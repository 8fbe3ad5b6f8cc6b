"""Where a model runs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch


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
