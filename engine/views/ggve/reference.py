"""A picture that the model begins with: its latents, or, where it does not show this geometry, as a photograph of the real street, its light alone.

Whether it does is asked of the decoder: what it draws again from the picture's latents is the picture only if edges and kinds are where they are.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.spec.classes import GROUND, NOTHING_HIT
from engine.views.ggve.autoencoder import STRIDE, Autoencoder
from engine.views.ggve.shown import Shown

ALIKE_DB = 24.0
"""Pictures drawn again better than this show the geometry: rendered ones reach 30, photographs 15."""
DOUBT = 0.004
"""Square error of a cell whose word counts a quarter."""


@torch.no_grad()
def latents_of(model: Autoencoder, picture: Tensor, shown: Shown) -> Tensor:
    """(1, L, h, w) of a picture (1, 3, H, W) in [0, 1] over what is shown of its geometry: cell by cell, or one for the sky and one for
    all else: the means of the sky's cells and of the ground's, which a photograph has where the geometry has them, those most that can be drawn again."""
    latents = model.latents(picture, shown).float()                                  # (1, L, h, w)
    wrong = (model.draw(latents, shown) - picture).square().mean(1, keepdim=True)    # (1, 1, H, W)
    if -10 * torch.log10(wrong.mean()) >= ALIKE_DB:
        return latents
    error = F.avg_pool2d(wrong, STRIDE)                                              # (1, 1, h, w)
    weight = (error + DOUBT).square().reciprocal()                                   # (1, 1, h, w)
    whole = (latents * weight).sum((2, 3)) / weight.sum((2, 3))                      # (1, L)
    sky, ground = shares_of(shown.label)                                             # (1, 1, h, w) each
    above, below = (_mean(latents, weight * share, whole)[..., None, None] for share in (sky, ground))           # (1, L, 1, 1) each
    return torch.lerp(below, above, sky)                                             # (1, L, h, w)


def shares_of(label: Tensor) -> tuple[Tensor, Tensor]:
    """float32 (B, 1, h, w) each: shares of each cell that are sky and ground, of class ids (B, H, W)."""
    kinds = label == NOTHING_HIT, torch.isin(label, torch.tensor(GROUND, device=label.device))
    sky, ground = (F.avg_pool2d(kind[:, None].float(), STRIDE) for kind in kinds)
    return sky, ground


def _mean(latents: Tensor, weight: Tensor, whole: Tensor) -> Tensor:
    """(1, L): weighted over cells; `whole` where there are none."""
    total = weight.sum((2, 3))                                                       # (1, 1)
    return torch.where(total > 0, (latents * weight).sum((2, 3)) / total.clamp_min(1e-9), whole)
