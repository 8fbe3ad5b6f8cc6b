"""Buildings and greenery for ground that no map shows, from a hash of the world's own lattice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit

from engine.data.standing import CELL_M, GREEN, MANMADE, Standing
from engine.data.voxelise import EMPTY_STATICS, StaticMap
from engine.lattice import hash01
from engine.spec.classes import CHANNEL
from engine.spec.clip import SceneClip

_LOT_M, _TREE_M = 13.0, 6.0
_REACH_M = 8.0
_MOST_CELLS = 4000


def invent_surroundings(clip: SceneClip, seed: int) -> StaticMap:
    """A standing world around what the clip's layouts map; the same place in the world gets the same things."""
    if len(clip) == 0:
        return EMPTY_STATICS
    half = np.hypot(*np.maximum(np.abs(clip.grid.origin_m[:2]), clip.grid.upper_m[:2]))
    where = clip.world_SE3_ego[:, :2, 3]
    low = np.floor((where.min(0) - half) / CELL_M).astype(int) - 8
    high = np.minimum(np.ceil((where.max(0) + half) / CELL_M).astype(int) + 8, low + _MOST_CELLS)
    mapped, road = (np.zeros(tuple(high - low), np.bool_) for _ in range(2))
    known = np.ascontiguousarray(clip.layouts[:, 10:].any(1))
    driven = np.ascontiguousarray(clip.layouts[:, [CHANNEL["drivable_area"], CHANNEL["ped_crossing"]]].any(1))
    for k in sorted({*range(0, len(clip), 4), len(clip) - 1}):
        pose = np.ascontiguousarray(clip.world_SE3_ego[k])
        _gather(mapped, road, known[k], driven[k], pose, low[0], low[1], *clip.grid.origin_m[:2], clip.grid.voxel_m)
    if not mapped.any():
        return EMPTY_STATICS
    standing = Standing(int(low[0]), int(low[1]), mapped, road)
    standing.lay_ground(_REACH_M, 0.15, seed)
    _lots(standing, seed)
    standing.thickets(0.3, _REACH_M, seed + 2)
    _trees(standing, seed + 5)
    return standing.frozen(_REACH_M + 6)


@njit(cache=True)
def _gather(mapped, road, known, driven, pose, i0, j0, x0, y0, v):
    """Marks the world cells whose centres fall on a known column of one frame."""
    det = pose[0, 0] * pose[1, 1] - pose[0, 1] * pose[1, 0]
    for i in range(mapped.shape[0]):
        for j in range(mapped.shape[1]):
            dx, dy = (i0 + i + 0.5) * CELL_M - pose[0, 3], (j0 + j + 0.5) * CELL_M - pose[1, 3]
            a = int(np.floor(((pose[1, 1] * dx - pose[0, 1] * dy) / det - x0) / v))
            b = int(np.floor(((pose[0, 0] * dy - pose[1, 0] * dx) / det - y0) / v))
            if 0 <= a < known.shape[0] and 0 <= b < known.shape[1]:
                mapped[i, j] |= known[a, b] > 0
                road[i, j] |= driven[a, b] > 0


def _sites(standing: Standing, pitch_m: float, seed: int) -> Iterator[tuple[float, float, list[float]]]:
    """Lattice points in the window that lie off the map but near it: (x, y, uniform numbers of the site)."""
    reach = np.array([[standing.i0, standing.j0], [standing.i0 + standing.shape[0], standing.j0 + standing.shape[1]]]) * CELL_M / pitch_m
    for a in range(int(np.floor(reach[0, 0])), int(np.ceil(reach[1, 0]))):
        for b in range(int(np.floor(reach[0, 1])), int(np.ceil(reach[1, 1]))):
            u = [hash01(a, b, seed + 11 * k) for k in range(7)]
            x, y = (a + u[5]) * pitch_m, (b + u[6]) * pitch_m
            at = standing.cell(x, y)
            if at is not None and 0.5 < standing.clear_m[at] < 2.2 * _REACH_M:
                yield x, y, u


def _lots(standing: Standing, seed: int) -> None:
    """Buildings that face the mapped ground: each turned by the slope of the distance to it."""
    for x, y, u in _sites(standing, _LOT_M, seed):
        if u[0] > 0.62:
            continue
        at = standing.cell(x, y)
        window = standing.clear_m[at[0] - 6 : at[0] + 7, at[1] - 6 : at[1] + 7]  # type: ignore[index]
        away = np.array([float(window[-1].mean() - window[0].mean()), float(window[:, -1].mean() - window[:, 0].mean())])
        if np.hypot(*away) < 0.5:
            continue
        away /= np.hypot(*away)
        front, depth = 8 + 14 * u[1], 7 + 8 * u[2]
        move = 1.5 + 4 * u[3] + depth / 2 - float(standing.clear_m[at])  # type: ignore[index]
        tall = 3.2 + 1.2 * u[4] if u[3] < 0.2 else 6 + 14 * u[4]
        yaw = float(np.arctan2(-away[0], away[1]))
        for shrink in (1.0, 0.6):
            if standing.building(x + away[0] * move, y + away[1] * move, yaw, (front * shrink, depth, tall), clear_m=1.0):
                break


def _trees(standing: Standing, seed: int) -> None:
    for x, y, u in _sites(standing, _TREE_M, seed):
        at = standing.cell(x, y)
        if u[0] < 0.45 and standing.clear_m[at] < 1.2 * _REACH_M:  # type: ignore[index]
            standing.tree(x, y, 1.0 + 2.0 * u[1], 2.0 + u[2], 0.25 + 0.25 * u[3], seed)
        elif u[0] > 0.93:
            standing.post(x, y, MANMADE, 5.0)
        elif u[0] > 0.88:
            standing.block(x, y, (3, 3), GREEN, 1.0, clear_m=0.5)
