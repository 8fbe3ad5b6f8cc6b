"""The paper's prior: the flow begins from noise alone."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.occupancy.dice import cell_normal
from engine.occupancy.prior import Begun, Canvas, free_cells


class NoisePrior:
    """Answers `engine.occupancy.prior.Prior`. Under a painted column the noise is the seed's, as everywhere."""

    def to(self, device: torch.device) -> None:
        """It holds nothing."""

    def begin(self, canvas: Canvas, seed: int, painted_seed: int) -> Begun:
        """See Prior."""
        noise = cell_noise(canvas, seed)
        return Begun(canvas.latents[None], noise, free_cells(canvas.known, noise.device))


def cell_noise(canvas: Canvas, seed: int) -> Tensor:
    """Standard normal (1, 1, C, h, w) that belongs to the canvas' cells: where the ego comes back to, it finds the noise that it left there."""
    noise = cell_normal(canvas.cells, canvas.latents.shape[1], seed)
    return torch.from_numpy(noise).to(canvas.latents.device)[None, None]
