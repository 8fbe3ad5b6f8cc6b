"""Roads read off a painted layout: which way its lines run, how wide the lanes between them are, how many arms leave the view.

A layout is all that every source has in common, so widths are read from cells. From a divider cell a ray runs along the line's normal,
to both sides, over drivable cells: what it meets first is a parallel divider (a lane's width) or the end of the road (the outermost
lane with its shoulder or parking lane). One such distance is good to half a cell; the middle of many is better than that.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from engine.spec.classes import CHANNEL
from engine.spec.grid import GridSpec

NARROWEST_M, WIDEST_M = 2.0, 8.0
"""Nearer lines are double markings, farther ones are not one lane."""
_WINDOW = 9
"""Cells along the window in which a line's direction is read: 3.6 m of grid 'occ3d', so that the next lane's line is outside."""
_STRAIGHT = 0.08
"""Least over largest spread of a window's cells; a window with two lines or a corner has more."""
_PARALLEL_COS = 0.96
_EVERY = 3
"""Of the divider cells, every so many send rays: neighbours say the same."""
_ARMS_RADIUS_M, _ARM_GAP_M, _ARM_LEAST_M = 36.0, 6.0, 2.4


def line_directions(layout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells (N, 2) of straight divider pieces in a layout (15, X, Y), and their unit directions (N, 2), sign free."""
    dividers = layout[[CHANNEL["road_divider"], CHANNEL["lane_divider"]]].any(0)
    cells = np.argwhere(dividers)
    if not len(cells):
        return cells, np.zeros((0, 2))
    at = np.indices(dividers.shape).astype(np.float64) - np.array(dividers.shape).reshape(2, 1, 1) / 2

    def mean(values: np.ndarray) -> np.ndarray:
        return ndimage.uniform_filter(values * dividers, _WINDOW, mode="constant")[*cells.T]

    held = np.maximum(mean(np.ones(dividers.shape)), 1e-9)
    x, y = mean(at[0]) / held, mean(at[1]) / held
    xx, yy, xy = mean(at[0] ** 2) / held - x**2, mean(at[1] ** 2) / held - y**2, mean(at[0] * at[1]) / held - x * y
    angle = np.arctan2(2 * xy, xx - yy) / 2
    spread = np.hypot((xx - yy) / 2, xy)
    straight = (held * _WINDOW**2 > 5.5) & ((xx + yy) / 2 - spread < _STRAIGHT * ((xx + yy) / 2 + spread))
    return cells[straight], np.stack([np.cos(angle), np.sin(angle)], -1)[straight]


def lane_widths(layout: np.ndarray, grid: GridSpec) -> tuple[np.ndarray, np.ndarray]:
    """Metres between parallel dividers, and from a divider to the end of the road, of every ray of a layout (15, X, Y)."""
    cells, directions = line_directions(layout)
    if not len(cells):
        return np.zeros(0), np.zeros(0)
    known = np.zeros((*grid.bev_shape, 2))
    known[*cells.T] = directions
    dividers = layout[[CHANNEL["road_divider"], CHANNEL["lane_divider"]]] > 0
    # A line is a chain of cells that touch at corners, and a ray must not slip between two of them.
    dividers = np.asarray(ndimage.binary_dilation(dividers.any(0)), bool)
    away, nearest = ndimage.distance_transform_edt(~known.any(2), return_indices=True)  # type: ignore[misc]
    known = np.where((away <= 1.5)[..., None], known[nearest[0], nearest[1]], 0.0)
    road = (layout[CHANNEL["drivable_area"]] > 0) | dividers
    cells, directions = cells[::_EVERY], directions[::_EVERY]
    normals = np.stack([-directions[:, 1], directions[:, 0]], -1)
    origin, normals, along = np.tile(cells, (2, 1)), np.concatenate([normals, -normals]), np.tile(directions, (2, 1))
    steps_m = np.arange(NARROWEST_M, WIDEST_M, grid.voxel_m / 4)
    ray = np.rint(origin[:, None] + normals[:, None] * (steps_m / grid.voxel_m)[None, :, None]).astype(int)
    inside = ((ray >= 0) & (ray < grid.bev_shape)).all(2)
    ray = np.clip(ray, 0, np.array(grid.bev_shape) - 1)
    near = np.rint(origin + normals * (NARROWEST_M / 2 / grid.voxel_m)).astype(int).clip(0, np.array(grid.bev_shape) - 1)
    line = dividers[ray[..., 0], ray[..., 1]] & inside
    off = ~road[ray[..., 0], ray[..., 1]] & inside
    stop = np.where((line | off | ~inside).any(1), (line | off | ~inside).argmax(1), -1)
    rows = np.flatnonzero((stop > 0) & road[near[:, 0], near[:, 1]])
    met = rows[line[rows, stop[rows]]]
    ended = rows[off[rows, stop[rows]]]
    # The line's middle lies half of the hits behind the first.
    leaves = np.array([np.argmin(line[r, stop[r] :]) or 1 for r in met], int)
    hit = ray[met, stop[met] + (leaves - 1) // 2]
    parallel = np.abs((known[hit[:, 0], hit[:, 1]] * along[met]).sum(1)) > _PARALLEL_COS
    widths = steps_m[stop[met]] + (leaves - 1) / 2 * grid.voxel_m / 4
    return widths[parallel], steps_m[stop[ended]]


def road_arms(layout: np.ndarray, grid: GridSpec) -> int:
    """Roads that cross a circle of 36 m around the ego: 2 on an open road, 3 or more where roads meet. Median gaps count as road."""
    angles = np.arange(720) / 720 * 2 * np.pi
    at = np.stack([np.cos(angles), np.sin(angles)], -1) * _ARMS_RADIUS_M
    cells = np.floor((at - grid.origin_m[:2]) / grid.voxel_m).astype(int)
    on_road = np.tile(layout[CHANNEL["drivable_area"]][*cells.T].astype(bool), 3)
    step_m = _ARMS_RADIUS_M * 2 * np.pi / 720
    closed = ndimage.binary_closing(on_road, np.ones(int(_ARM_GAP_M / step_m)))
    on_road = np.asarray(ndimage.binary_opening(closed, np.ones(int(_ARM_LEAST_M / step_m))), bool)[720:1441]
    return int(np.count_nonzero(on_road[1:] & ~on_road[:-1]))
