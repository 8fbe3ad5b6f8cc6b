"""A view's guide (`guide.py`) as the decoder is shown it: numbers of about one, with what is withheld taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from engine.views.ggve.guide import LAND, SKY

GREY = 0.5
"""Where there is no albedo, in the sky or withheld, a picture begins here."""
FEATURES = 29
"""Channels of `Shown.features`."""
LABELS, MATERIALS = 256, 16
"""Rows of the tables of embeddings."""


class Shown(NamedTuple):
    """B views of H x W pixels."""

    lit: Tensor
    """(B, 3, H, W), about 0 to 1: albedo under an even sky, from which the picture is drawn by a factor and a shift."""
    features: Tensor
    """(B, FEATURES, H, W)."""
    label: Tensor
    """int64 (B, H, W), a class id, 255 = sky."""
    material: Tensor
    """int64 (B, H, W)."""


def show(guide: Mapping[str, Tensor], albedo_given: Tensor, sun_given: Tensor) -> Shown:
    """What a decoder sees of guides.

    `guide` has the fields of `Guide` with a batch in front, "rays" (B, 3, H, W), the pixels' directions in the camera frame, and
    "up" (B, 3), the world's up there. `albedo_given` and `sun_given` (B,), 0 or 1, say whether albedo and the sun's fall are told: an
    anchor picture has to supply colours where the drawn ones are withheld, and light where the sun is not known.
    """
    hit = (guide["distance"] > 0).float()[:, None]                                   # (B, 1, H, W)
    land, sky = (guide["air"][:, row : row + 1].float() / 255 for row in (LAND, SKY))            # (B, 1, H, W) each
    given = albedo_given[:, None, None, None]                                        # (B, 1, 1, 1)
    told = given * (1 - sky + land)                                                  # (B, 1, H, W)
    albedo = guide["albedo"].float() / 255                                           # (B, 3, H, W)
    surface = guide["surface"].float() / 255                                         # (B, 4, H, W)
    openness = surface[:, 2:3]                                                       # (B, 1, H, W)
    sun = sun_given[:, None, None, None]                                             # (B, 1, 1, 1)
    lit = albedo * (0.5 + 0.5 * openness) * given + GREY * (1 - told)                # (B, 3, H, W)
    normal, rays = guide["normal"].float() / 127, guide["rays"].float()              # (B, 3, H, W) each
    up = guide["up"].float()[:, :, None, None]                                       # (B, 3, 1, 1)
    facing = (normal * up).sum(1, keepdim=True)                                      # (B, 1, H, W)
    elevation = (rays * up).sum(1, keepdim=True)                                     # (B, 1, H, W)
    distance = guide["distance"].float()[:, None].clamp_min(0.1)                     # (B, 1, H, W)
    near = hit / (1 + distance / 4)                                                  # (B, 1, H, W)
    far = hit * torch.log1p(distance) / 5                                            # (B, 1, H, W)
    horizon = torch.exp(-8 * elevation.abs())                                        # (B, 1, H, W)
    constant = (sun - 0.5).expand_as(told)                                           # (B, 1, H, W)
    surface = torch.cat([surface[:, :3], surface[:, 3:] * sun], 1)                   # (B, 4, H, W)
    shone = guide["shone"].float() / 255 * sun                                       # (B, 4, H, W)
    air = torch.cat([guide["air"][:, :LAND].float() / 255 * sun, land, sky], 1)      # (B, 5, H, W)
    features = torch.cat([lit, told, normal, facing, rays, elevation, horizon, near, far, surface, constant, shone, air], 1)     # (B, FEATURES, H, W)
    return Shown(lit, features, guide["label"].long(), guide["material"].long())
