"""The compact view model's network: a convolutional stem that turns shaded voxels into a picture (notes: 'the compact model').

It sees the blocky shading, what it was made from and the look, and predicts what to add: smooth outlines, round cars, leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.views.shading import CHANNELS, NOTHING

LOOK_WIDTH = 6


@dataclass(frozen=True, slots=True)
class RefinerConfig:
    """Sizes of the network."""

    widths: tuple[int, ...] = (32, 64, 96, 128)
    """Channels at full, half, quarter, ... resolution."""
    label_width: int = 8
    """Width of a class embedding."""


class Pair(nn.Module):
    """Two 3 x 3 convolutions with a skip."""

    def __init__(self, enter: int, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(enter, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.skip = nn.Conv2d(enter, width, 1) if enter != width else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.skip(x) + self.second(F.silu(self.first(x))))


class Refiner(nn.Module):
    """Features (B, 14, H, W), labels (B, H, W), look (B, 6) -> RGB (B, 3, H, W); H and W divisible by 8."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        self.config = config
        w = config.widths
        self.labels = nn.Embedding(NOTHING + 1, config.label_width)
        self.enter = Pair(CHANNELS + config.label_width + LOOK_WIDTH, w[0])
        self.down = nn.ModuleList(Pair(a, b) for a, b in zip(w[:-1], w[1:], strict=True))
        self.up = nn.ModuleList(Pair(a + b, b) for a, b in zip(w[:0:-1], w[-2::-1], strict=True))
        self.leave = nn.Conv2d(w[0], 3, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, features: Tensor, labels: Tensor, look: Tensor) -> Tensor:
        kinds = self.labels(labels.long()).permute(0, 3, 1, 2)                       # (B, K, H, W)
        light = look[:, :, None, None].expand(-1, -1, *features.shape[-2:])          # (B, 6, H, W)
        x = self.enter(torch.cat([features, kinds, light], 1))                       # (B, W0, H, W)
        kept = [x]
        for layer in self.down:
            x = layer(F.avg_pool2d(x, 2))                                            # (B, Wi, H/2^i, W/2^i)
            kept.append(x)
        kept.pop()
        for layer in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = layer(torch.cat([x, kept.pop()], 1))                                 # (B, Wi, H/2^i, W/2^i)
        return features[:, :3] + self.leave(x)                                       # (B, 3, H, W)
