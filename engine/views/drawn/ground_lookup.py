"""Reading the ground at a point: which maps there are, and their curves between columns (numba)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.views.drawn.ground_cells import FLAT, ROAD, SOIL, WALK

MIXED, OUTSIDE = 4, 5
"""What `GroundMaps.pure` says beside the four kinds: an edge runs here; nothing is settled here."""
_CLEAR_ROAD, _CLEAR = 0.9, 0.7
"""Metres from an edge from which on a place is purely one kind."""


class GroundMaps(NamedTuple):
    """What the kernels read of the ground. Columns (X, Y) of the static world, nodes (A, B) of the apron."""

    frame: np.ndarray
    """float64 (7,): world x and y of column [0, 0]'s centre, column width; x and y of node [0, 0], node spacing; seed."""
    pure: np.ndarray
    """uint8 (X, Y): kind of the whole square between column [i, j] and its next neighbours, MIXED or OUTSIDE."""
    distance: np.ndarray
    """float32 (X, Y, 3) metres: signed distance into road, flat and walk."""
    base_m: np.ndarray
    """float32 (X, Y): world z of the road's sheet, everywhere."""
    raise_m: np.ndarray
    """float32 (X, Y): how far what is not road stands above it."""
    heading: np.ndarray
    """uint8 (X, Y) degrees: direction of the street."""
    epoch: np.ndarray
    """uint16 (X, Y): when the column was decided; 65535 where it is not."""
    far_distance: np.ndarray
    """float32 (A, B, 3)."""
    far_base_m: np.ndarray
    """float32 (A, B)."""
    far_raise_m: np.ndarray
    """float32 (A, B)."""
    far_heading: np.ndarray
    """uint8 (A, B)."""
    bins: np.ndarray
    """int32 (P, Q, 2): first of `bin_items` of a square of BIN columns and how many; square [0, 0] begins at node [0, 0]."""
    bin_items: np.ndarray
    """int32 (N,): rows of `lines`, or -1 - row of `strips`."""
    lines: np.ndarray
    """float32 (L, LINE): pieces of painted lines; see markings.py."""
    strips: np.ndarray
    """float32 (S, STRIP): crossings; see markings.py."""


@njit(cache=True, error_model="numpy", inline="always")
def _weights(t):
    """Cubic B-spline: four weights and four slopes at t in [0, 1)."""
    s = 1.0 - t
    return (
        s * s * s / 6.0, (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0, (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0, t * t * t / 6.0,
        -0.5 * s * s, -2.0 * t + 1.5 * t * t, 2.0 * s - 1.5 * s * s, 0.5 * t * t,
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def spline(field, which, u, v):
    """Value and slopes (per cell) of field[..., which] at (u, v) cells: a cubic B-spline, so a plane stays a plane."""
    nx, ny = field.shape[0], field.shape[1]
    i, j = int(np.floor(u)), int(np.floor(v))
    a0, a1, a2, a3, da0, da1, da2, da3 = _weights(u - i)
    b0, b1, b2, b3, db0, db1, db2, db3 = _weights(v - j)
    value = slope_u = slope_v = 0.0
    for p in range(4):
        row = min(max(i + p - 1, 0), nx - 1)
        a = a0 if p == 0 else a1 if p == 1 else a2 if p == 2 else a3
        da = da0 if p == 0 else da1 if p == 1 else da2 if p == 2 else da3
        f0 = field[row, min(max(j - 1, 0), ny - 1), which]
        f1 = field[row, min(max(j, 0), ny - 1), which]
        f2 = field[row, min(max(j + 1, 0), ny - 1), which]
        f3 = field[row, min(max(j + 2, 0), ny - 1), which]
        across = b0 * f0 + b1 * f1 + b2 * f2 + b3 * f3
        value += a * across
        slope_u += da * across
        slope_v += a * (db0 * f0 + db1 * f1 + db2 * f2 + db3 * f3)
    return value, slope_u, slope_v


@njit(cache=True, error_model="numpy")
def between(field, u, v):
    """Bilinear in a field (X, Y), clamped at its rim."""
    nx, ny = field.shape
    u, v = min(max(u, 0.0), nx - 1.0), min(max(v, 0.0), ny - 1.0)
    i, j = min(int(u), nx - 2), min(int(v), ny - 2)
    a, b = u - i, v - j
    return (field[i, j] * (1 - a) + field[i + 1, j] * a) * (1 - b) + (field[i, j + 1] * (1 - a) + field[i + 1, j + 1] * a) * b


@njit(cache=True, error_model="numpy")
def purity(maps, u, v):
    """What `pure` says at (u, v) columns."""
    i, j = int(np.floor(u)), int(np.floor(v))
    if i < 0 or j < 0 or i >= maps.pure.shape[0] or j >= maps.pure.shape[1]:
        return OUTSIDE
    return maps.pure[i, j]


@njit(cache=True, error_model="numpy")
def ground_height(maps, x, y):
    """World z of the drawn ground at world (x, y): the sheet, and above it what stands behind kerbs."""
    u, v = (x - maps.frame[0]) / maps.frame[2], (y - maps.frame[1]) / maps.frame[2]
    pure = purity(maps, u, v)
    if pure == OUTSIDE:
        a, b = (x - maps.frame[3]) / maps.frame[5], (y - maps.frame[4]) / maps.frame[5]
        height = between(maps.far_base_m, a, b)
        road = spline(maps.far_distance, 0, a, b)[0]
        return height if road >= 0 else height + between(maps.far_raise_m, a, b)
    height = between(maps.base_m, u, v)
    if pure == ROAD:
        return height
    if pure == MIXED and spline(maps.distance, 0, u, v)[0] >= 0:
        return height
    return height + between(maps.raise_m, u, v)


@njit(cache=True, nogil=True, error_model="numpy")
def write_purity(distance, settled, low_i, low_j, high_i, high_j, pure):
    """Fill `pure` between the given columns, from settled ones only."""
    nx, ny = pure.shape
    for i in range(max(low_i, 1), min(high_i, nx - 2)):
        for j in range(max(low_j, 1), min(high_j, ny - 2)):
            if pure[i, j] != OUTSIDE:
                continue
            whole = True
            road = flat = walk = 1e9
            not_road = not_flat = not_walk = -1e9
            for p in range(i - 1, i + 3):
                for q in range(j - 1, j + 3):
                    whole = whole and settled[p, q]
                    road, not_road = min(road, distance[p, q, 0]), max(not_road, distance[p, q, 0])
                    flat, not_flat = min(flat, distance[p, q, 1]), max(not_flat, distance[p, q, 1])
                    walk, not_walk = min(walk, distance[p, q, 2]), max(not_walk, distance[p, q, 2])
            if not whole:
                continue
            kind = MIXED
            if road > _CLEAR_ROAD:
                kind = ROAD
            elif not_road < -_CLEAR_ROAD:
                if flat > _CLEAR:
                    kind = FLAT
                elif not_flat < -_CLEAR:
                    if walk > _CLEAR:
                        kind = WALK
                    elif not_walk < -_CLEAR:
                        kind = SOIL
            pure[i, j] = kind
