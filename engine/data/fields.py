"""World-anchored fields: distance to a mask, polygons on a world raster."""

from __future__ import annotations

import numpy as np
from numba import njit

import engine.spec  # noqa: F401  (sets numba's threading layer before numba compiles anything)


@njit(cache=True)
def distance_field(mask: np.ndarray, cell_m: float) -> np.ndarray:
    """float32 metres from every cell to the nearest True cell (two chamfer passes, within 8% of Euclidean)."""
    nx, ny = mask.shape
    d = np.empty((nx, ny), np.float32)
    for i in range(nx):
        for j in range(ny):
            d[i, j] = 0.0 if mask[i, j] else 1e6
    diagonal = np.float32(1.3507 * cell_m)
    straight = np.float32(0.9619 * cell_m)
    for i in range(nx):
        for j in range(ny):
            best = d[i, j]
            if best == 0:
                continue
            if j > 0:
                best = min(best, d[i, j - 1] + straight)
            if i > 0:
                best = min(best, d[i - 1, j] + straight)
                if j > 0:
                    best = min(best, d[i - 1, j - 1] + diagonal)
                if j < ny - 1:
                    best = min(best, d[i - 1, j + 1] + diagonal)
            d[i, j] = best
    for i in range(nx - 1, -1, -1):
        for j in range(ny - 1, -1, -1):
            best = d[i, j]
            if best == 0:
                continue
            if j < ny - 1:
                best = min(best, d[i, j + 1] + straight)
            if i < nx - 1:
                best = min(best, d[i + 1, j] + straight)
                if j > 0:
                    best = min(best, d[i + 1, j - 1] + diagonal)
                if j < ny - 1:
                    best = min(best, d[i + 1, j + 1] + diagonal)
            d[i, j] = best
    return d
