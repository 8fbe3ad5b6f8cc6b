"""Attention and 2D rotary positions as pure functions. Legend: B batch, N tokens, H heads, K head width."""

from __future__ import annotations

import torch
from torch import Tensor


def rope_2d(rows: int, columns: int, head_width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Cosines and sines (2, rows * columns, head_width / 2) of a token grid; half of the angles follow x, half y.

    Positions count from the grid's centre, so that a crop and the full frame agree about the middle.
    """
    quarter = head_width // 4
    if quarter * 4 != head_width:
        raise ValueError(f"A head of width {head_width} cannot hold 2D rotary positions: choose a width divisible by 4.")
    frequency = 100.0 ** (-torch.arange(quarter, device=device, dtype=torch.float32) / quarter)
    x = (torch.arange(rows, device=device) - (rows - 1) / 2)[:, None, None] * frequency
    y = (torch.arange(columns, device=device) - (columns - 1) / 2)[None, :, None] * frequency
    angles = torch.cat([x.expand(rows, columns, quarter), y.expand(rows, columns, quarter)], -1).reshape(rows * columns, 2 * quarter)
    return torch.stack([angles.cos(), angles.sin()]).to(dtype)


def rotate(q_BHNK: Tensor, rope: Tensor) -> Tensor:
    """Queries or keys turned by their token's angles."""
    cos, sin = rope
    a, b = q_BHNK.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def attend(q_BHNK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor) -> Tensor:
    """Softmax attention, (B, N, H * K)."""
    if not q_BHNK.numel():
        out = q_BHNK  # of a history without frames; torch 2.11's fused attention on CUDA returns None for it
    elif q_BHNK.device.type == "cpu" and torch.is_grad_enabled():
        # On a CPU torch's fused attention is fast forwards and slow backwards: plain products train a third faster.
        out = (q_BHNK @ k_BHMK.transpose(-1, -2) * q_BHNK.shape[-1] ** -0.5).softmax(-1) @ v_BHMK
    else:
        out = torch.nn.functional.scaled_dot_product_attention(q_BHNK, k_BHMK, v_BHMK)
    return out.transpose(1, 2).flatten(2)
