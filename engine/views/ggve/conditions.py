"""The latents of geometry that steer the compact model: what a view's guide (`guide.py`) shows in each cell of STRIDE x STRIDE pixels.

They stand where the paper's encoded buffers stand (3.3): a semantic one (what is there, and its own colour), a coordinate one (where it is, in
one metric box in the ego frame of the first frame, and how light reaches it), and Pluecker rays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.spec.classes import FREE
from engine.spec.grid import OCC3D
from engine.views.ggve.autoencoder import STRIDE
from engine.views.ggve.guide import LAND

SEMANTIC, COORDINATE, RAYS = FREE + 1 + 4, 18, 6
"""Channels of each; the class of nothing at all stands in FREE's place."""
FALLING = 8
"""Last channels of the coordinate one: light that falls and shines, and weather, not told where they are a picture's."""
REACH = 2.0
"""What lies beyond the grid's box counts as far as this many times its half."""


class Conditions(NamedTuple):
    """Of B views, all (B, channels, h, w)."""

    semantic: Tensor
    coordinate: Tensor
    plucker: Tensor


def conditions(guide: Mapping[str, Tensor], pose: Tensor, albedo_given: Tensor, sun_given: Tensor) -> Conditions:
    """Of guides as `show` takes them, seen from cameras at `pose` (B, 4, 4), ego0_SE3_camera; the flags (B,) as there."""
    hit = (guide["distance"] > 0).float()[:, None]                                   # (B, 1, H, W)
    share = _cells(hit)                                                              # (B, 1, h, w)
    label = guide["label"].long().clamp_max(FREE)                                    # (B, H, W)
    kinds = torch.stack([_cells((label == number).float()) for number in range(FREE + 1)], 1)        # (B, FREE + 1, h, w)
    told = albedo_given[:, None, None, None].expand_as(share)                        # (B, 1, h, w)
    albedo = _cells(guide["albedo"].float() / 255) * told                            # (B, 3, h, w)
    turn, place = pose[:, :3, :3].float(), pose[:, :3, 3, None, None].float()        # (B, 3, 3), (B, 3, 1, 1)
    rays = torch.einsum("bij,bjhw->bihw", turn, guide["rays"].float())               # (B, 3, H, W)
    points = place + rays * guide["distance"].float()[:, None]                       # (B, 3, H, W)
    low = rays.new_tensor(OCC3D.origin_m)[:, None, None]
    half = rays.new_tensor(OCC3D.shape)[:, None, None] * OCC3D.voxel_m / 2
    where = ((points - low) / half - 1).clamp(-REACH, REACH) * hit                   # (B, 3, H, W)
    normal = torch.einsum("bij,bjhw->bihw", turn, guide["normal"].float() / 127)     # (B, 3, H, W)
    surface = guide["surface"].float() / 255                                         # (B, 4, H, W)
    air = guide["air"].float() / 255                                                 # (B, 5, H, W)
    falling = torch.cat([surface[:, 3:], guide["shone"].float() / 255, air[:, :LAND]], 1)        # (B, FALLING, H, W)
    light = torch.cat([surface[:, 2:3], air[:, LAND:], falling * sun_given[:, None, None, None]], 1)         # (B, 11, H, W)
    ray = F.normalize(_cells(rays), dim=1)                                           # (B, 3, h, w)
    return Conditions(
        torch.cat([kinds, albedo, told], 1),                                         # (B, SEMANTIC, h, w)
        torch.cat([share, _cells(where), _cells(normal), _cells(light)], 1),         # (B, COORDINATE, h, w)
        torch.cat([ray, torch.linalg.cross(place.expand_as(ray), ray, dim=1)], 1),   # (B, RAYS, h, w)
    )


def _cells(x: Tensor) -> Tensor:
    """Mean over each cell of (.., H, W)."""
    return F.avg_pool2d(x, STRIDE)
