"""Top-down sheets of occupancy for a person who watches a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from engine.render.above import turned_up
from engine.spec.classes import CLASS_RGB, FREE


def top_down(semantics: np.ndarray) -> np.ndarray:
    """uint8 picture (X, Y, 3) of (X, Y, Z): the highest voxel's colour, darker where it lies lower; forward is up, left is left."""
    occupied = semantics != FREE
    top = semantics.shape[2] - 1 - occupied[:, :, ::-1].argmax(2)
    label = np.take_along_axis(semantics, top[..., None], 2)[..., 0]
    shade = 0.55 + 0.45 * top / (semantics.shape[2] - 1)
    picture = CLASS_RGB[label] * np.where(occupied.any(2), shade, 0)[..., None]
    return turned_up(picture.astype(np.uint8))


def bev_sheet(rows: Sequence[Sequence[np.ndarray]], path: Path, scale: int = 2) -> None:
    """Rows of volumes as one PNG."""
    strips = [np.concatenate([np.pad(top_down(volume), ((0, 2), (0, 2), (0, 0)), constant_values=40) for volume in row], 1) for row in rows]
    sheet = Image.fromarray(np.concatenate(strips, 0))
    sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST).save(path)
