"""Where a model runs."""

from __future__ import annotations

import torch


def pick_device(name: str = "auto") -> torch.device:
    """'auto' takes CUDA where there is a card, else the CPU. ValueError where CUDA is asked for and absent."""
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"Device '{name}' is not one of auto, cpu, cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("Device 'cuda' was asked for, but torch sees no CUDA card here: use --device cpu or auto.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
