"""What the flow begins from, before it has moved a step: noise alone (the paper's) or a sketch of tokens under noise (ours).

Legend: C latent channels, h w latent cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine.occupancy.config import NoiseConfig, OccupancyPreset


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """Part of the world that is to be drawn, and what is given of it."""

    layouts: Tensor
    """(1, 1, 15, 4h, 4w)."""
    cells: np.ndarray
    """int64 (h, w, 2): the cells of the world that it consists of, to which all dice and noise belong."""
    places: Tensor
    """(2, h, w): each cell's place in its frame, of `places_in`."""
    latents: Tensor
    """(1, C, h, w), normalised, true where `known`."""
    known: np.ndarray
    """bool (h, w): held through the flow. Noised and drawn anew in every frame, a remembered tree would grow."""


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """Where a flow begins: `at` of noise over the rest of latents."""

    latents: Tensor
    """(1, 1, C, h, w)."""
    noise: Tensor
    """(1, 1, C, h, w)."""
    free: Tensor
    """(1, 1, 1, h, w): 1 where the flow moves them, 0 where they are held."""
    at: float = 1.0
    """1 is noise alone."""


class Prior(Protocol):
    """Answers where the flow of a canvas begins."""

    def to(self, device: torch.device) -> None:
        """Moves what it holds."""
        ...

    def begin(self, canvas: Canvas, seed: int, painted_seed: int) -> Begun:
        """By dice and noise of the canvas' cells: those of `seed`, where something is painted those of `painted_seed`."""
        ...


def prior_without_weights(preset: OccupancyPreset) -> Prior:
    """The prior of a preset that has nothing to load for it. Raises ValueError where there is."""
    from engine.occupancy.prior.noise import NoisePrior

    if not isinstance(preset.prior, NoiseConfig):
        raise ValueError("This preset begins from tokens, whose model has weights: load them.")
    return NoisePrior()


def free_cells(known: np.ndarray, device: torch.device) -> Tensor:
    """(1, 1, 1, h, w) float: 1 where bool (h, w) does not hold."""
    return torch.from_numpy(~known).to(device).float()[None, None, None]
