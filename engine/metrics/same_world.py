"""Is it the same world? Two takes of one street compared: after an edit, and under another ego path.

    python -m engine.metrics.same_world TAKE OTHER

Agents' columns of either frame do not count: what stands still is compared. Frames are paired by their index.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit, prange
from scipy import ndimage

from engine.occupancy.region import changed_cells
from engine.occupancy.warp import LAST_AGENT
from engine.spec.classes import FREE
from engine.spec.columns import classes_in_columns, holds
from engine.spec.geometry import Box, invert
from engine.spec.grid import GridSpec
from engine.spec.take import Take

BEYOND_M = 8.0
"""Metres from what was edited from which on nothing should change."""
_AGENTS = tuple(range(1, LAST_AGENT + 1))


class StaysTheSame:
    """Static voxels far from an edit that are the same before and after it, over the frames of two takes with one ego path."""

    def __init__(self, grid: GridSpec, beyond_m: float = BEYOND_M) -> None:
        self.grid, self.beyond_m = grid, beyond_m
        self.same = self.either = self.frames = 0

    def add(self, before: np.ndarray, after: np.ndarray, changed: np.ndarray) -> None:
        """One frame of each, (X, Y, Z), and the cells that the edit changed, bool (X, Y): old and new places of agents, paint."""
        still = ~_agent_columns(before) & ~_agent_columns(after)
        if changed.any():
            still &= ndimage.distance_transform_edt(~changed) * self.grid.voxel_m > self.beyond_m  # pyright: ignore[reportOperatorIssue]
        a, b = before[still], after[still]
        self.same += int(np.count_nonzero((a == b) & (a != FREE)))
        self.either += int(np.count_nonzero((a != FREE) | (b != FREE)))
        self.frames += 1

    def scores(self) -> dict[str, Any]:
        """Percent of static voxels occupied in either take that have the same class in both; None where there are none."""
        return {"stay_the_same": _percent(self.same, self.either), "voxels": self.either, "frames": self.frames}


class FoundAgain:
    """Static voxels of one take found again in another, at their place in the world within one voxel; both ways."""

    def __init__(self, grid: GridSpec) -> None:
        self.grid = grid
        self.counts = np.zeros((2, 2), np.int64)
        """Rows: where nothing is painted, where something is. Columns: found, looked for."""
        self.frames = 0

    def add(self, one: np.ndarray, other: np.ndarray, poses: tuple[np.ndarray, np.ndarray], layouts: tuple[np.ndarray, np.ndarray]) -> None:
        """A frame of each, (X, Y, Z), their poses world_SE3_ego (4, 4) and layouts (15, X, Y)."""
        both = ((one, other, *poses, layouts[0]), (other, one, *poses[::-1], layouts[1]))
        for seen, sought, pose, other_pose, layout in both:
            found, asked = found_again(seen, sought, self.grid, invert(other_pose) @ pose)
            painted = layout.any(0)
            for row, part in enumerate((~painted, painted)):
                self.counts[row] += found[part].sum(), asked[part].sum()
        self.frames += 1

    def scores(self) -> dict[str, Any]:
        """Percent of static voxels that both frames see; beside the road: of those in columns where nothing is painted."""
        return {
            "found_again": _percent(*self.counts.sum(0).tolist()),
            "found_again_unpainted": _percent(*self.counts[0].tolist()),
            "found_again_painted": _percent(*self.counts[1].tolist()),
            "voxels": int(self.counts[:, 1].sum()),
            "frames": self.frames,
        }


def found_again(seen: np.ndarray, sought: np.ndarray, grid: GridSpec, sought_SE3_seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per column (X, Y) of `seen`: its static voxels that `sought` has too, class and place within one voxel along each axis, and all of
    those whose place `sought` sees: inside its grid, no agent in either column."""
    pose, origin = np.ascontiguousarray(sought_SE3_seen[:3]), np.asarray(grid.origin_m)
    return _found_again(seen, sought, _agent_columns(seen), _agent_columns(sought), grid.voxel_m, origin, pose)


def same_world(one: Take, other: Take) -> dict[str, Any]:
    """Both measures of two takes; the first is there where their ego paths are one. Raises ValueError for takes of two grids."""
    if one.grid.shape != other.grid.shape or not len(one.semantics) or not len(other.semantics):
        raise ValueError(f"{one.folder} and {other.folder} have no occupancy of one grid to compare: generate both at least until 'occupancy'.")
    stays, found = StaysTheSame(one.grid), FoundAgain(one.grid)
    one_path = True
    for k in range(min(len(one.semantics), len(other.semantics))):
        a, b = one.semantics[k], other.semantics[k]
        poses, layouts = (one.world_SE3_ego[k], other.world_SE3_ego[k]), (one.layouts[k], other.layouts[k])
        found.add(a, b, poses, layouts)
        one_path = one_path and np.allclose(*poses, atol=1e-6)
        if one_path:
            stays.add(a, b, edited_cells(layouts, (one.boxes[k], other.boxes[k]), one.grid))
    return found.scores() | (stays.scores() if one_path else {})


def edited_cells(layouts: tuple[np.ndarray, np.ndarray], boxes: tuple[Sequence[Box], Sequence[Box]], grid: GridSpec) -> np.ndarray:
    """Bool (X, Y): cells whose paint differs between two frames of one pose, and the footprints of boxes that do."""
    return changed_cells(*layouts, *boxes, grid)


def _agent_columns(semantics: np.ndarray) -> np.ndarray:
    return holds(classes_in_columns(semantics), _AGENTS)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


@njit(parallel=True, cache=True)
def _found_again(
    seen: np.ndarray, sought: np.ndarray, agents: np.ndarray, agents_there: np.ndarray, voxel: float, origin: np.ndarray, pose: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    nx, ny, nz = seen.shape
    found, asked = np.zeros((nx, ny), np.int64), np.zeros((nx, ny), np.int64)
    for i in prange(nx):
        x = (i + 0.5) * voxel + origin[0]
        for j in range(ny):
            if agents[i, j]:
                continue
            y = (j + 0.5) * voxel + origin[1]
            for k in range(nz):
                label = seen[i, j, k]
                if label == FREE:
                    continue
                z = (k + 0.5) * voxel + origin[2]
                a = int(np.floor((pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3] - origin[0]) / voxel + 1e-9))
                b = int(np.floor((pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3] - origin[1]) / voxel + 1e-9))
                c = int(np.floor((pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3] - origin[2]) / voxel + 1e-9))
                if not (0 <= a < nx and 0 <= b < ny and 0 <= c < nz) or agents_there[a, b]:
                    continue
                asked[i, j] += 1
                hit = False
                for p in range(max(0, a - 1), min(nx, a + 2)):
                    for q in range(max(0, b - 1), min(ny, b + 2)):
                        for r in range(max(0, c - 1), min(nz, c + 2)):
                            hit |= sought[p, q, r] == label
                found[i, j] += hit
    return found, asked


if __name__ == "__main__":
    print(json.dumps(same_world(*(Take.open(folder) for folder in sys.argv[1:3])), indent=2))
