"""History in the coordinates of the frame that looks back: the static world is remembered, not redrawn."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from engine.spec.classes import FREE
from engine.spec.grid import GridSpec

LAST_AGENT = 10


def warp_static(semantics: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray) -> np.ndarray:
    """Semantics (X, Y, Z) of a past frame resampled (nearest voxel) into the present ego frame, agents taken out.

    What the past frame did not see, and where its agents stood, is free: to the model both mean 'draw this anew'.
    """
    return _warp(semantics, grid.voxel_m, np.asarray(grid.origin_m), np.ascontiguousarray(past_SE3_now[:3]))


def seen_columns(semantics: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray) -> np.ndarray:
    """Bool (X, Y): the columns of the present frame that a past one (X, Y, Z) saw, with no agent standing in them."""
    x, y = np.meshgrid(*grid.cell_centers_m(), indexing="ij")
    now = np.stack([x, y, np.zeros_like(x), np.ones_like(x)], -1)                    # (X, Y, 4)
    past = (now @ past_SE3_now.T)[..., :2]                                           # (X, Y, 2)
    cell = np.floor((past - np.asarray(grid.origin_m[:2])) / grid.voxel_m).astype(int)
    inside = ((cell >= 0) & (cell < grid.bev_shape)).all(-1)
    empty = ~((semantics >= 1) & (semantics <= LAST_AGENT)).any(2)
    seen = np.zeros(grid.bev_shape, bool)
    seen[inside] = empty[tuple(cell[inside].T)]
    return seen


def warp_static_slow(semantics: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray) -> np.ndarray:
    """The plain twin of `warp_static`."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in semantics.shape), indexing="ij"), -1)
    points = (index + 0.5) * grid.voxel_m + grid.origin_m
    past = points @ past_SE3_now[:3, :3].T + past_SE3_now[:3, 3]
    cell = np.floor((past - grid.origin_m) / grid.voxel_m + 1e-9).astype(int)
    inside = ((cell >= 0) & (cell < semantics.shape)).all(-1)
    out = np.full(semantics.shape, FREE, np.uint8)
    out[inside] = semantics[tuple(cell[inside].T)]
    out[(out >= 1) & (out <= LAST_AGENT)] = FREE
    return out


@njit(parallel=True, cache=True)
def _warp(semantics: np.ndarray, voxel: float, origin: np.ndarray, pose: np.ndarray) -> np.ndarray:
    nx, ny, nz = semantics.shape
    out = np.full((nx, ny, nz), np.uint8(FREE), np.uint8)
    for i in prange(nx):
        x = (i + 0.5) * voxel + origin[0]
        for j in range(ny):
            y = (j + 0.5) * voxel + origin[1]
            for k in range(nz):
                z = (k + 0.5) * voxel + origin[2]
                a = int(np.floor((pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3] - origin[0]) / voxel + 1e-9))
                b = int(np.floor((pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3] - origin[1]) / voxel + 1e-9))
                c = int(np.floor((pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3] - origin[2]) / voxel + 1e-9))
                if 0 <= a < nx and 0 <= b < ny and 0 <= c < nz:
                    label = semantics[a, b, c]
                    if label == 0 or label > LAST_AGENT:
                        out[i, j, k] = label
    return out
