"""What a camera's view is gathered on before it becomes a picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.spec.classes import NOTHING_HIT


class Film(NamedTuple):
    """What a view is gathered on, all (height, width, ...)."""

    direct: np.ndarray
    """float32 (.., 3): all light but the sky's, with the air before it."""
    ambient: np.ndarray
    """float32 (.., 3): light of the open sky, to be multiplied by `openness`."""
    openness: np.ndarray
    """float32: 1 sees the whole sky."""
    depth: np.ndarray
    """float32: metres along the ray, 0 = sky. This and all below are those of the surface that fills most of the pixel."""
    normal: np.ndarray
    """float32 (.., 3), world."""
    albedo: np.ndarray
    """float32 (.., 3), linear."""
    label: np.ndarray
    """uint8 class id, 255 = sky."""
    instance: np.ndarray
    """uint16."""
    roughness: np.ndarray
    metallic: np.ndarray
    material: np.ndarray
    """uint8, Material + 1; 0 = sky."""
    shone: np.ndarray
    """float32 (.., 3): light that surfaces give off and that mirrors show, of all surfaces in the pixel, without the air before them."""
    lamps: np.ndarray
    """float32: light of all lamps on those surfaces, mean of the colours, whatever theirs are."""
    mixed: np.ndarray
    """float32 (.., 3), linear: albedo of all surfaces in the pixel, each by its share of it."""
    sunlit: np.ndarray
    """float32: likewise how the sun falls on them, its cosine where nothing is in its way; 0 where there is no sun."""
    sky: np.ndarray
    """float32: share of the pixel that nothing fills."""


def film(height: int, width: int) -> Film:
    """An empty one."""
    rgb, one = (height, width, 3), (height, width)
    return Film(
        np.zeros(rgb, np.float32), np.zeros(rgb, np.float32), np.ones(one, np.float32), np.zeros(one, np.float32),
        np.zeros(rgb, np.float32), np.zeros(rgb, np.float32), np.full(one, NOTHING_HIT, np.uint8), np.zeros(one, np.uint16),
        np.zeros(one, np.float32), np.zeros(one, np.float32), np.zeros(one, np.uint8),
        np.zeros(rgb, np.float32), np.zeros(one, np.float32), np.zeros(rgb, np.float32), np.zeros(one, np.float32), np.zeros(one, np.float32),
    )  # fmt: skip
