"""The land beyond the decided columns: everything that leaves the world goes on straight ahead, and flattens far out.

A coarse lattice of nodes, made anew each time the world grows. A node outside looks back along the direction in which the nearest road
leaves the decided columns (or to the nearest one) and takes what it finds there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import ndimage

from engine.views.drawn.ground_masks import nearest

STEP = 4
"""Columns between nodes."""
REACH_M = 400.0
"""The land goes on so far beyond the decided columns."""
_WHOLE = 16
"""The lattice has a multiple of so many squares: the largest ones of the mesh."""
_FLAT_BY_M = 160.0
"""The sheet has become its mean so far out."""


class Apron(NamedTuple):
    """Nodes (A, B) at columns `first + STEP * (a, b)`."""

    first: np.ndarray
    """int64 (2,): column of node [0, 0], may be negative."""
    distance: np.ndarray
    """float32 (A, B, 3) metres: see ground_fields."""
    base_m: np.ndarray
    """float32 (A, B): height of the road's sheet."""
    raise_m: np.ndarray
    """float32 (A, B): how far walks stand above it."""
    heading: np.ndarray
    """uint8 (A, B) degrees."""
    outwards: np.ndarray
    """float32 (A, B, 2): unit direction in which things leave the decided columns here."""


def apron(
    decided: np.ndarray,
    settled: np.ndarray,
    distance: np.ndarray,
    base_m: np.ndarray,
    raise_m: np.ndarray,
    heading: np.ndarray,
    ends: np.ndarray,
    voxel_m: float,
) -> Apron:
    """Around decided columns (X, Y); `ends` (N, 4) as in Fields, in columns of the whole world."""
    rows, columns = np.flatnonzero(decided.any(axis=1)), np.flatnonzero(decided.any(axis=0))
    margin = int(REACH_M / voxel_m) // STEP * STEP
    first = np.array([rows[0] // STEP * STEP - margin, columns[0] // STEP * STEP - margin])
    last = np.array([rows[-1] + margin, columns[-1] + margin])
    shape = tuple(-(-int(n) // (STEP * _WHOLE)) * _WHOLE + 1 for n in last - first)
    at_i, at_j = first[0] + STEP * np.arange(shape[0]), first[1] + STEP * np.arange(shape[1])
    inside = np.zeros(shape, bool)
    ok_i, ok_j = (at_i >= 0) & (at_i < decided.shape[0]), (at_j >= 0) & (at_j < decided.shape[1])
    inside[np.ix_(ok_i, ok_j)] = decided[np.ix_(at_i[ok_i], at_j[ok_j])]
    near_a, near_b = nearest(inside)
    distant = np.hypot(near_a - np.arange(shape[0])[:, None], near_b - np.arange(shape[1])).astype(np.float32)
    out_a, out_b = (-ndimage.gaussian_filter(inside.astype(np.float32), 4.0, order=order) for order in ((1, 0), (0, 1)))
    pull = np.zeros((*shape, 2), np.float32)
    weight = np.zeros(shape, np.float32)
    _directions(inside, first, ends, 20.0, pull, weight)
    result = Apron(
        first,
        np.empty((*shape, 3), np.float32),
        np.empty(shape, np.float32),
        np.empty(shape, np.float32),
        np.empty(shape, np.uint8),
        np.zeros((*shape, 2), np.float32),
    )
    mean = float(base_m[decided].mean())
    _spread(
        first, inside, distant, near_a, near_b, out_a, out_b, pull, weight, decided, settled, distance, base_m, raise_m, heading, mean,
        voxel_m, result.distance, result.base_m, result.raise_m, result.heading, result.outwards,
    )  # fmt: skip
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _directions(inside, first, ends, width, pull, weight):
    """At every node on the rim: the mean direction of the road edges that leave near it, and how much they have to say."""
    na, nb = inside.shape
    for a in range(na):
        for b in range(nb):
            if not inside[a, b]:
                continue
            if a > 0 and b > 0 and a + 1 < na and b + 1 < nb:
                if inside[a - 1, b] and inside[a + 1, b] and inside[a, b - 1] and inside[a, b + 1]:
                    continue
            i, j = first[0] + STEP * a, first[1] + STEP * b
            for n in range(len(ends)):
                d = ((ends[n, 0] - i) ** 2 + (ends[n, 1] - j) ** 2) / (width * width)
                if d < 9.0:
                    w = np.exp(-d)
                    pull[a, b, 0] += w * ends[n, 2]
                    pull[a, b, 1] += w * ends[n, 3]
                    weight[a, b] += w


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(
    first, inside, away, near_a, near_b, out_a, out_b, pull, weight, decided, settled, distance, base_m, raise_m, heading, mean, voxel,
    to_distance, to_base, to_raise, to_heading, to_outwards,
):  # fmt: skip
    na, nb = inside.shape
    nx, ny = decided.shape
    for a in range(na):
        for b in range(nb):
            i, j = float(first[0] + STEP * a), float(first[1] + STEP * b)
            far, share = 0.0, 0.0
            if not inside[a, b]:
                ra, rb = near_a[a, b], near_b[a, b]
                ux, uy = float(a - ra), float(b - rb)
                length = np.sqrt(ux * ux + uy * uy)
                far = length * STEP * voxel
                ux, uy = ux / length, uy / length
                w = weight[ra, rb]
                if w > 0.01:
                    tx, ty = pull[ra, rb, 0] / w, pull[ra, rb, 1] / w
                    # Whether that leads out is asked of the rim as a whole, not of its steps.
                    na_, nb_ = out_a[ra, rb], out_b[ra, rb]
                    ahead = (tx * na_ + ty * nb_) / max(np.sqrt(na_ * na_ + nb_ * nb_), 1e-6)
                    share = w / (w + 0.15) * min(1.0, max(0.0, (ahead - 0.25) / 0.25))
                    ux, uy = ux + share * (tx - ux), uy + share * (ty - uy)
                    length = max(np.sqrt(ux * ux + uy * uy), 1e-6)
                    ux, uy = ux / length, uy / length
                to_outwards[a, b, 0], to_outwards[a, b, 1] = ux, uy
                fi, fj = i, j
                found = False
                for _ in range(200):
                    qa, qb = int(np.round((i - first[0]) / STEP)), int(np.round((j - first[1]) / STEP))
                    if qa < 0 or qb < 0 or qa >= na or qb >= nb:
                        break
                    p, q = int(np.round(i)), int(np.round(j))
                    if 0 <= p < nx and 0 <= q < ny and decided[p, q]:
                        found = True
                        break
                    hop = max(1.0, (away[qa, qb] - 1.5) * STEP)
                    i, j = i - hop * ux, j - hop * uy
                    if (i - fi) ** 2 + (j - fj) ** 2 > (2.5 * far / voxel + 40.0) ** 2:
                        break
                if not found:
                    i, j = float(first[0] + STEP * ra), float(first[1] + STEP * rb)
            p, q = min(max(int(np.round(i)), 0), nx - 1), min(max(int(np.round(j)), 0), ny - 1)
            p0, q0 = min(max(int(np.floor(i)), 0), nx - 2), min(max(int(np.floor(j)), 0), ny - 2)
            u, v = i - p0, j - q0
            whole = settled[p0, q0] and settled[p0 + 1, q0] and settled[p0, q0 + 1] and settled[p0 + 1, q0 + 1]
            for n in range(3):
                if whole:
                    low = distance[p0, q0, n] * (1 - u) + distance[p0 + 1, q0, n] * u
                    high = distance[p0, q0 + 1, n] * (1 - u) + distance[p0 + 1, q0 + 1, n] * u
                    to_distance[a, b, n] = low * (1 - v) + high * v
                else:
                    to_distance[a, b, n] = distance[p, q, n]
            if far > 0.0:
                # What does not lead out ends soon: a road that runs along the rim has a kerb there, and a walk, and then grass.
                road = to_distance[a, b, 0]
                more = 400.0 * share * share * share - far
                to_distance[a, b, 0] = min(road, 1.2 + more)
                to_distance[a, b, 1] = min(to_distance[a, b, 1], 6.0 - far)
                walk = 1.0 if road > 0.0 and share < 0.5 else to_distance[a, b, 2]
                walk = min(walk, 2.0 + to_distance[a, b, 0] + max(0.0, 3.0 - far))
                to_distance[a, b, 2] = max(min(walk, 3.4 + more), -2.4)
            flat = min(1.0, far / (_FLAT_BY_M))
            flat = flat * flat * (3 - 2 * flat)
            to_base[a, b] = base_m[p, q] + (mean - base_m[p, q]) * flat
            to_raise[a, b] = raise_m[p, q]
            to_heading[a, b] = heading[p, q]
