"""Convolutions that finish STOccDiT's velocity at latent resolution (ours, not the paper's; off where `local_width` is 0).

A transformer over 3.2 m tokens learns late that a wall goes straight on into the next token. Convolutions know it from the start:
with an hour of training on a CPU that is the difference between fragments and facades. Zero-initialised at the way out, so a
model without them is where this one begins. Legend: B batch, T noisy frames, N tokens, D width, W local width, C latent channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LocalBlock(nn.Module):
    """Two 3 x 3 convolutions around a skip, their middle scaled and shifted by the timestep."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.modulation = nn.Linear(condition, 2 * width)
        for layer in (self.modulation, self.conv2):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        shift, scale = self.modulation(condition)[..., None, None].chunk(2, 1)       # (B*T, W, 1, 1) each
        h = self.conv1(F.silu(_norm(x)))                                             # (B*T, W, H, W)
        return x + self.conv2(F.silu(_norm(h) * (1 + scale) + shift))


class LocalHead(nn.Module):
    """What the tokens say, the noisy latents and the layout, mixed by convolutions: a correction of the velocity."""

    def __init__(self, latent: int, width: int, blocks: int, tokens: int, patch: int, layout: int) -> None:
        super().__init__()
        self.patch = patch
        self.from_tokens = nn.Linear(tokens, width * patch**2)
        self.from_noisy = nn.Conv2d(latent, width, 3, 1, 1)
        self.from_layout = nn.Conv2d(layout, width, 1)
        self.null_layout = nn.Parameter(torch.zeros(width))
        """Stands for 'no layout given', as StOccDit.null_layout does among the tokens."""
        self.blocks = nn.ModuleList(LocalBlock(width, tokens) for _ in range(blocks))
        self.leave = nn.Conv2d(width, latent, 3, 1, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, tokens: Tensor, noisy: Tensor, layout: Tensor, condition: Tensor) -> Tensor:
        """Correction (B*T, C, H, W) of the velocity.

        tokens (B*T, N, D) as they leave the last block, noisy (B*T, C, H, W), layout (B*T, W, H, W) from `read_layout`, condition (B*T, D).
        """
        h, w = (size // self.patch for size in noisy.shape[-2:])
        spread = self.from_tokens(tokens).transpose(1, 2).unflatten(2, (h, w))       # (B*T, W*P*P, h, w)
        x = F.pixel_shuffle(spread, self.patch) + self.from_noisy(noisy) + layout    # (B*T, W, H, W)
        for block in self.blocks:
            x = block(x, condition)                                                  # (B*T, W, H, W)
        return self.leave(F.silu(_norm(x)))                                          # (B*T, C, H, W)

    def read_layout(self, features: Tensor, drop: Tensor | None = None) -> Tensor:
        """Layout features (B, 4 E, H, W) -> what `forward` takes of them; once per frame. `drop` (B,) puts the null in their place."""
        read = self.from_layout(features)
        return read if drop is None else torch.where(drop[:, None, None, None], self.null_layout[:, None, None].to(read.dtype), read)


def _norm(x: Tensor) -> Tensor:
    """RMS over channels at each position: an edit in one corner cannot move another."""
    return x * torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-6).to(x.dtype)
