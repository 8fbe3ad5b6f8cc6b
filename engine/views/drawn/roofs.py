"""Tiles, gravel and concrete as functions of the place on them (numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01, value_noise
from engine.views.drawn.mesh import CLASS_ID, PARAMS, RED, SEED
from engine.views.drawn.mesh import ROUGHNESS as PART_ROUGHNESS
from engine.views.drawn.patterns import comb, fade
from engine.views.drawn.surface import ALBEDO, GLOW, METALLIC, MIRROR, ROUGHNESS
from engine.views.drawn.surface import CLASS as CLASS_OUT

TILES, GRAVEL, SEAMS, SLATE = range(4)
"""What a roof is covered with: the first number of its part."""


@njit(cache=True, error_model="numpy", inline="always")
def _plain(row, level, out):
    for c in range(3):
        out[ALBEDO + c] = row[RED + c] * level
        out[GLOW + c] = 0.0
    out[ROUGHNESS], out[METALLIC], out[MIRROR], out[CLASS_OUT] = row[PART_ROUGHNESS], 0.0, 0.0, row[CLASS_ID]


@njit(cache=True, error_model="numpy")
def roof_surface(row, u, v, wide_u_m, wide_v_m, out):
    """What a roof is at `u` metres along its eaves and `v` up its slope, in a pixel so wide along and up."""
    kind, seed = int(row[PARAMS]), int(row[SEED])
    fu, fv = max(wide_u_m, 1e-3), max(wide_v_m, 1e-3)
    level = 1.0 + 0.22 * (value_noise(u, v, 2.3, seed) - 0.5)
    if kind == TILES or kind == SLATE:
        rows, length = (0.30, 0.24) if kind == TILES else (0.20, 0.30)
        j = np.floor(v / rows)
        shift = 0.5 * length * (j - 2.0 * np.floor(0.5 * j))
        # Each row shades the foot of the one above it, and tiles are round.
        # Rows that are hardly wider than a pixel would beat with the pixels, as rings on the roof.
        level *= 1.0 - 0.42 * fade(fv, 1.25 * rows) * (comb(v - 0.5 * fv, v + 0.5 * fv, rows, 0.0, 0.055) / fv - 0.055 / rows)
        near = min(fade(fu, length), fade(fv, rows))
        if near > 0.0:
            i = int(np.floor((u + shift) / length))
            level *= 1.0 + near * 0.34 * (hash01(i, int(j), seed) - 0.5)
            if kind == TILES:
                level *= 1.0 + near * 0.16 * np.sin((u + shift) / length * 2.0 * np.pi)
    elif kind == SEAMS:
        level *= 1.0 - 0.35 * fade(fu, 0.625) * (comb(u - 0.5 * fu, u + 0.5 * fu, 0.5, 0.0, 0.04) / fu - 0.08)
    else:
        near = fade(max(fu, fv), 0.06)
        if near > 0.0:
            level *= 1.0 + near * 0.25 * (hash01(int(np.floor(u / 0.06)), int(np.floor(v / 0.06)), seed) - 0.5)
    _plain(row, level, out)


@njit(cache=True, error_model="numpy")
def concrete_surface(row, x, y, z, footprint_m, out):
    """Concrete, stone and render of walls and plinths at a point of the world: cast in fields, stained from above."""
    seed = int(row[SEED])
    f = max(footprint_m, 1e-3)
    along = x + y
    level = (
        1.0
        + 0.20 * (value_noise(along, z, 1.7, seed) - 0.5)
        + 0.12 * fade(f, 0.23) * (value_noise(along * 1.3, z + x, 0.23, seed + 1) - 0.5)
    )
    level *= 1.0 + 0.10 * fade(f, 0.12) * (value_noise(along * 3.0, z * 0.25, 0.35, seed + 2) - 0.5)
    near = fade(f, 0.02)
    if near > 0.0:
        level *= 1.0 + 0.12 * near * (hash01(int(np.floor(along / 0.02)), int(np.floor((z + x) / 0.02)), seed) - 0.5)
    _plain(row, level, out)
