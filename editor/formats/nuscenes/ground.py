"""The height of the ground from what stands on it: in nuScenes the ego's own z is 0 everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from editor.document import Ground
from editor.entities import Keyframe
from engine.spec.geometry import Pose

CELL_M = 2.0
KERNEL_M = 6.0
"""Annotators put a box's bottom on the ground to about a decimetre: this far around, they are averaged."""
REACH_M = 15.0
"""No ground is told farther than this from the nearest box or ego pose."""
AROUND_EGO_M = 75.0
FARTHEST_M = 1e7
"""A box higher or lower than this is damaged."""
MOST_CELLS = 500_000
"""2 square kilometres around the ego's path."""
NO_GROUND = "The scene is flat at the ego's height: too few boxes stand around it to tell the height of the ground."
FEWEST = 20


def fit_ground(drive: Sequence[Keyframe], bottoms: Sequence[Pose]) -> tuple[Ground | None, str]:
    """Smoothed height of the boxes' bottoms and of the ego's path, in the world frame, and the sentence that says so."""
    ego = np.array([(k.pose.x_m, k.pose.y_m, k.pose.z_m) for k in drive])
    boxes = np.array([(pose.x_m, pose.y_m, pose.z_m) for pose in bottoms]).reshape(-1, 3)
    low, high = ego[:, :2].min(0) - AROUND_EGO_M, ego[:, :2].max(0) + AROUND_EGO_M
    boxes = boxes[((boxes[:, :2] >= low) & (boxes[:, :2] <= high)).all(1) & (np.abs(boxes[:, 2]) < FARTHEST_M)]
    cells = np.ceil((high - low) / CELL_M)
    if cells.prod() > MOST_CELLS:
        return None, "The scene is flat at the ego's height: its ego goes too far for a raster of the ground."
    if len(boxes) < FEWEST:
        return None, NO_GROUND
    count, total = _binned(np.concatenate([boxes, ego]), low, cells.astype(int))
    weight, height = _smoothed(count), _smoothed(total)
    near = _smoothed(np.minimum(count, 1.0)) > np.exp(-0.5 * (REACH_M / KERNEL_M) ** 2) / (2 * np.pi * (KERNEL_M / CELL_M) ** 2)
    heights = np.divide(height, weight, out=np.full(weight.shape, np.nan), where=near & (weight > 0)).astype(np.float32)
    heights.setflags(write=False)
    corner = low + CELL_M / 2
    return Ground((float(corner[0]), float(corner[1])), CELL_M, heights), (
        f"The ego's z is as the source has it (nuScenes: 0 everywhere). The ground's height was computed from the bottoms of {len(boxes)} boxes "
        f"and the ego's path, averaged over about {KERNEL_M:g} m."
    )


def _binned(points_m: np.ndarray, low_m: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of the points (N, 3) lie in each cell, and the sum of their heights, both (X, Y)."""
    index = np.clip(((points_m[:, :2] - low_m) / CELL_M).astype(int), 0, cells - 1)
    count, total = np.zeros(cells), np.zeros(cells)
    np.add.at(count, tuple(index.T), 1.0)
    np.add.at(total, tuple(index.T), points_m[:, 2])
    return count, total


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Convolved with a Gaussian of KERNEL_M, cut at 3 of it."""
    reach = int(np.ceil(3 * KERNEL_M / CELL_M))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * CELL_M / KERNEL_M) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)])
        length = values.shape[axis]
        values = sum(weight * padded.take(np.arange(k, k + length), axis) for k, weight in enumerate(kernel))  # type: ignore[assignment]
    return values
