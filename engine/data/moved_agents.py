"""Agents' voxels taken along with their boxes: what a frame of occupancy shows a fraction of a second before or after it was made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.spec.classes import FREE, IS_AGENT
from engine.spec.geometry import invert, transform
from engine.spec.grid import GridSpec

MARGIN_M = 0.3
"""Voxels around a box belong to it as well: their centres lie up to half a diagonal outside."""
STILL_M = 0.05

Move = tuple[np.ndarray, np.ndarray, tuple[float, float, float]]
"""ego_SE3_box (4, 4) of the moment that the occupancy shows and of the wanted one, and length, width, height."""


def moved_agents(semantics: np.ndarray, grid: GridSpec, moves: Sequence[Move]) -> np.ndarray:
    """uint8 (X, Y, Z): agents' voxels inside of each box, at the place to which the box went; what they leave is free. Static classes stay."""
    made = semantics.copy()
    moving = [move for move in moves if np.abs(move[0] - move[1]).max() > STILL_M]
    for before, _, size in moving:
        cells = _cells_in(grid, before, size)
        agents = IS_AGENT[semantics[tuple(cells.T)]]
        made[tuple(cells[agents].T)] = FREE
    for before, after, size in moving:
        cells = _cells_in(grid, after, size)
        sources = np.floor((transform(before @ invert(after), _centers_m(grid, cells)) - grid.origin_m) / grid.voxel_m).astype(int)
        inside = ((sources >= 0) & (sources < grid.shape)).all(1)
        values = np.full(len(cells), FREE, np.uint8)
        values[inside] = semantics[tuple(sources[inside].T)]
        agents = IS_AGENT[values]
        made[tuple(cells[agents].T)] = values[agents]
    return made


def _centers_m(grid: GridSpec, cells: np.ndarray) -> np.ndarray:
    return np.asarray(grid.origin_m) + (cells + 0.5) * grid.voxel_m


def _cells_in(grid: GridSpec, ego_SE3_box: np.ndarray, size_m: tuple[float, float, float]) -> np.ndarray:
    """Indices (N, 3) of the cells whose centres lie in a box and its margin."""
    half = np.asarray(size_m) / 2 + MARGIN_M
    reach = np.abs(ego_SE3_box[:3, :3]) @ half
    low, high = ((ego_SE3_box[:3, 3] + sign * reach - grid.origin_m) / grid.voxel_m for sign in (-1, 1))
    first, last = np.maximum(np.floor(low).astype(int), 0), np.minimum(np.ceil(high).astype(int), grid.shape)
    cells = np.stack(np.meshgrid(*(np.arange(a, max(a, b)) for a, b in zip(first, last, strict=True)), indexing="ij"), -1).reshape(-1, 3)
    local = transform(invert(ego_SE3_box), _centers_m(grid, cells))
    return cells[(np.abs(local) <= half).all(1)]
