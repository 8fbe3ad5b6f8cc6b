"""History in the coordinates of the frame that looks back: the static world is remembered, not redrawn."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from engine.spec.classes import FREE
from engine.spec.grid import GridSpec

LAST_AGENT = 10


def warp_static(semantics: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray, onto: GridSpec | None = None) -> np.ndarray:
    """Semantics (X, Y, Z) of a past frame resampled (nearest voxel) into the present frame, whose grid may be another; agents taken out.

    What the past frame did not see, and where its agents stood, is free: to the model both mean 'draw this anew'.
    """
    return _warped(semantics, grid, past_SE3_now, onto or grid, LAST_AGENT, FREE)


def warp_frame(semantics: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray, onto: GridSpec | None = None) -> np.ndarray:
    """The same with agents, where they stood then."""
    return _warped(semantics, grid, past_SE3_now, onto or grid, 0, FREE)


def warp_instances(instances: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray, onto: GridSpec | None = None) -> np.ndarray:
    """The same of a past frame's instance ids, uint16 (X, Y, Z), 0 where it saw none."""
    return _warped(instances, grid, past_SE3_now, onto or grid, 0, 0)


def _warped(values: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray, onto: GridSpec, taken_out: int, nothing: int) -> np.ndarray:
    """Without the values 1 to `taken_out`, which become `nothing`, as what the past did not see."""
    pose = np.ascontiguousarray(past_SE3_now[:3])
    shape, corner = onto.shape, np.asarray(onto.origin_m)
    return _warp(values, grid.voxel_m, np.asarray(grid.origin_m), pose, shape, corner, taken_out, values.dtype.type(nothing))


def seen_columns(
    semantics: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray, onto: GridSpec | None = None, known: np.ndarray | None = None
) -> np.ndarray:
    """Bool (X, Y): the columns of the present frame that a past one (X, Y, Z) saw, with no agent standing in them.

    `onto` is the present frame's grid where it is another, `known` (X, Y) what the past frame knew where that was not all of it.
    """
    onto = onto or grid
    x, y = np.meshgrid(*onto.cell_centers_m(), indexing="ij")
    now = np.stack([x, y, np.zeros_like(x), np.ones_like(x)], -1)                    # (X, Y, 4)
    past = (now @ past_SE3_now.T)[..., :2]                                           # (X, Y, 2)
    cell = np.floor((past - np.asarray(grid.origin_m[:2])) / grid.voxel_m + 1e-9).astype(int)
    inside = ((cell >= 0) & (cell < grid.bev_shape)).all(-1)
    good = ~((semantics >= 1) & (semantics <= LAST_AGENT)).any(2)
    if known is not None:
        good &= known
    seen = np.zeros(onto.bev_shape, bool)
    seen[inside] = good[tuple(cell[inside].T)]
    return seen


def columns_in_view(grid: GridSpec, past_SE3_now: np.ndarray, onto: GridSpec | None = None) -> np.ndarray:
    """Bool (X, Y): the columns of the present frame, whose grid may be another, that a past one reached."""
    return seen_columns(np.full((*grid.bev_shape, 1), FREE, np.uint8), grid, past_SE3_now, onto)


def warp_static_slow(semantics: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray, onto: GridSpec | None = None) -> np.ndarray:
    """The plain twin of `warp_static`."""
    onto = onto or grid
    index = np.stack(np.meshgrid(*(np.arange(n) for n in onto.shape), indexing="ij"), -1)
    points = (index + 0.5) * onto.voxel_m + onto.origin_m
    past = points @ past_SE3_now[:3, :3].T + past_SE3_now[:3, 3]
    cell = np.floor((past - grid.origin_m) / grid.voxel_m + 1e-9).astype(int)
    inside = ((cell >= 0) & (cell < semantics.shape)).all(-1)
    out = np.full(onto.shape, FREE, np.uint8)
    out[inside] = semantics[tuple(cell[inside].T)]
    out[(out >= 1) & (out <= LAST_AGENT)] = FREE
    return out


@njit(parallel=True, cache=True)
def _warp(
    values: np.ndarray,
    voxel: float,
    origin: np.ndarray,
    pose: np.ndarray,
    shape: tuple[int, int, int],
    corner: np.ndarray,
    taken_out: int,
    nothing: np.generic,
) -> np.ndarray:
    nx, ny, nz = values.shape
    out = np.full(shape, nothing, values.dtype)
    for i in prange(shape[0]):
        x = (i + 0.5) * voxel + corner[0]
        for j in range(shape[1]):
            y = (j + 0.5) * voxel + corner[1]
            for k in range(shape[2]):
                z = (k + 0.5) * voxel + corner[2]
                a = int(np.floor((pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3] - origin[0]) / voxel + 1e-9))
                b = int(np.floor((pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3] - origin[1]) / voxel + 1e-9))
                c = int(np.floor((pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3] - origin[2]) / voxel + 1e-9))
                if 0 <= a < nx and 0 <= b < ny and 0 <= c < nz:
                    value = values[a, b, c]
                    if value == 0 or value > taken_out:
                        out[i, j, k] = value
    return out
