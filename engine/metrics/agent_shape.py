"""Does an agent keep its shape? Its voxels in its own box's frame, from one frame to the next.

    python -m engine.metrics.agent_shape TAKE [TAKE ..]

A take of the `fake` preset is a lift of the same boxes: what it scores is what a grid of voxels that the box moves through allows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from engine.metrics.instances import GROUPS
from engine.spec.classes import CLASS
from engine.spec.geometry import Box
from engine.spec.grid import GridSpec
from engine.spec.take import Take

WITHIN_M = 0.29
"""A voxel is found again where the other frame has one this near: a grid that a box moves through lies up to half a voxel aside."""
LEAST_VOXELS = 20


class AgentShape:
    """Overlap of each vehicle's voxels in consecutive frames of a sequence."""

    def __init__(self, grid: GridSpec, classes: Sequence[str] = GROUPS["vehicles"]) -> None:
        self.grid, self.classes = grid, frozenset(classes)
        self.overlaps: list[float] = []
        self._before: dict[int, np.ndarray] = {}

    def add(self, semantics: np.ndarray, instances: np.ndarray, boxes: Sequence[Box]) -> None:
        """The next frame: semantics and ids (X, Y, Z), boxes in its ego frame."""
        now = {}
        for box in boxes:
            if box.class_name in self.classes:
                points = in_box(np.argwhere((instances == box.instance_id) & (semantics == CLASS[box.class_name])), box, self.grid)
                if len(points) >= LEAST_VOXELS:
                    now[box.instance_id] = points
        self.overlaps += [overlap(self._before[number], points) for number, points in now.items() if number in self._before]
        self._before = now

    def scores(self) -> dict[str, Any]:
        """Median and 5th percentile of the shares, 0 to 1, and how many pairs of frames they are of; None where there are none."""
        median, low = (round(float(np.percentile(self.overlaps, p)), 3) if self.overlaps else None for p in (50, 5))
        return {"median": median, "percentile_5": low, "pairs": len(self.overlaps)}


def in_box(voxels: np.ndarray, box: Box, grid: GridSpec) -> np.ndarray:
    """Centres (N, 3), metres from the box's centre along its own axes, of voxel indices (N, 3)."""
    apart = (voxels + 0.5) * grid.voxel_m + np.asarray(grid.origin_m) - box.center_m
    c, s = np.cos(box.yaw_rad), np.sin(box.yaw_rad)
    return np.stack([c * apart[:, 0] + s * apart[:, 1], -s * apart[:, 0] + c * apart[:, 1], apart[:, 2]], 1)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Share of the points of both, (N, 3) and (M, 3), that have one of the other within WITHIN_M."""
    found = sum(int((cKDTree(there).query(points)[0] <= WITHIN_M).sum()) for points, there in ((a, b), (b, a)))
    return found / (len(a) + len(b))


def agent_shape(take: Take) -> dict[str, Any]:
    """The scores of a take's vehicles. Raises ValueError where it has no occupancy."""
    if not len(take.semantics):
        raise ValueError(f"{take.folder} has no occupancy to measure: generate it at least until 'occupancy'.")
    shape = AgentShape(take.grid)
    for k in range(len(take.semantics)):
        shape.add(take.semantics[k], take.instances[k], take.boxes[k])
    return shape.scores()


if __name__ == "__main__":
    print(json.dumps({folder: agent_shape(Take.open(folder)) for folder in sys.argv[1:]}, indent=2))
