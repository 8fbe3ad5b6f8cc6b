"""Height of the ground under a point of the world."""

from __future__ import annotations

import numpy as np

from editor.document import Document
from editor.track import pose_at


def height_at(document: Document, x_m: float, y_m: float, time_s: float = 0.0) -> float:
    """Ground height (m): the raster's nearest cell, or the ego's own height where the raster does not reach."""
    ground = document.ground
    if ground is not None:
        i = round((x_m - ground.origin_m[0]) / ground.cell_m)
        j = round((y_m - ground.origin_m[1]) / ground.cell_m)
        if 0 <= i < ground.height_m.shape[0] and 0 <= j < ground.height_m.shape[1] and np.isfinite(ground.height_m[i, j]):
            return float(ground.height_m[i, j])
    return pose_at(document.ego.keyframes, time_s).z_m
