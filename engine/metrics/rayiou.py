"""RayIoU: do simulated LiDAR rays through two volumes meet the same class at about the same distance?

Source: SparseOcc (Liu et al., ECCV 2024), as used for Occ3D-nuScenes. A ray is a true positive when prediction and truth meet the
same class and their distances differ by less than 1, 2 or 4 m; IoU = TP / (true rays + predicted rays - TP) per class, then the
mean over classes and the mean over thresholds. Rays that hit nothing in the truth are left out, as published. The rays are the
published ones: 39 pitches (ground points 1 to 10 m ahead per metre of height, then on in equal steps past +0.21 rad) x 360 azimuths, from
the nuScenes roof LiDAR. As published, they also start from where that LiDAR is at other frames of the sequence (at most 8,
at most 39 m away), so that what the ego sees later counts.

Two differences: rays are cast exactly through voxels by `engine.render.raycast` (the published kernel does the same on CUDA), and a
class that the truth never shows is left out of the mean, while the published script averages in a 0 where it was predicted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from engine.render.raycast import Volume, cast_rays
from engine.spec.classes import CLASSES, FREE
from engine.spec.geometry import invert
from engine.spec.grid import GridSpec

THRESHOLDS_M = (1.0, 2.0, 4.0)
LIDAR_M = (0.9858, 0.0, 1.8402)
"""nuScenes LIDAR_TOP in the ego frame."""
ORIGINS = 8
MARGIN_M = 1.0
"""Rays start at least this far inside the grid's sides."""
_AZIMUTHS = 360
_LAST_PITCH_RAD = 0.21


@lru_cache(maxsize=1)
def lidar_rays() -> np.ndarray:
    """Unit directions (39, 360, 3) float64 in the ego frame: pitch by azimuth."""
    pitches = [-(math.pi / 2 - math.atan(k + 1)) for k in range(10)]
    while pitches[-1] < _LAST_PITCH_RAD:
        pitches.append(2 * pitches[-1] - pitches[-2])
    pitch = np.array(pitches)[:, None]
    azimuth = np.radians(np.arange(_AZIMUTHS))[None]
    x, y, z = np.broadcast_arrays(np.cos(pitch) * np.cos(azimuth), np.cos(pitch) * np.sin(azimuth), np.sin(pitch))
    rays = np.stack([x, y, z], -1)
    rays.setflags(write=False)
    return rays


def lidar_origins(grid: GridSpec, world_SE3_ego: np.ndarray, frame: int) -> np.ndarray:
    """Where rays of frame `frame` start, (N, 3) metres in its ego frame, from the poses (T, 4, 4) of its sequence; N at most 8."""
    ego_SE3_others = invert(world_SE3_ego[frame]) @ world_SE3_ego
    origins = ego_SE3_others[:, :3, :3] @ np.array(LIDAR_M) + ego_SE3_others[:, :3, 3]
    low, high = np.array(grid.origin_m), np.array(grid.upper_m)
    inside = ((origins[:, :2] > low[:2] + MARGIN_M) & (origins[:, :2] < high[:2] - MARGIN_M)).all(1)
    origins = origins[inside & (origins[:, 2] > low[2]) & (origins[:, 2] < high[2])]
    if len(origins) > ORIGINS:
        origins = origins[np.round(np.linspace(0, len(origins) - 1, ORIGINS)).astype(int)]
    return origins


class RayIou:
    """Counts of rays per class, accumulated over frames."""

    def __init__(self, grid: GridSpec, thresholds_m: Sequence[float] = THRESHOLDS_M, rays: np.ndarray | None = None) -> None:
        """`rays` (..., 3) are unit directions in the ego frame; None takes the published `lidar_rays`."""
        self.grid, self.thresholds_m = grid, tuple(thresholds_m)
        self.rays = lidar_rays() if rays is None else rays
        self.truth = np.zeros(FREE, np.int64)
        self.predicted = np.zeros(FREE, np.int64)
        self.hits = np.zeros((len(self.thresholds_m), FREE), np.int64)

    def add(self, predicted: np.ndarray, truth: np.ndarray, origins_m: np.ndarray) -> None:
        """One frame: two volumes (X, Y, Z), rays from `origins_m` (N, 3) in its ego frame. Raises ValueError on unlike shapes."""
        made, true = Volume.from_dense(predicted, self.grid), Volume.from_dense(truth, self.grid)
        for origin in origins_m:
            true_class, true_m = self._first(true, origin)
            made_class, made_m = self._first(made, origin)
            counted = true_class != FREE
            true_class, true_m, made_class, made_m = true_class[counted], true_m[counted], made_class[counted], made_m[counted]
            self.truth += np.bincount(true_class, minlength=FREE)[:FREE]
            self.predicted += np.bincount(made_class, minlength=len(CLASSES))[:FREE]
            same = made_class == true_class
            apart = np.abs(made_m[same] - true_m[same])
            for row, threshold in enumerate(self.thresholds_m):
                self.hits[row] += np.bincount(true_class[same][apart < threshold], minlength=FREE)[:FREE]

    def _first(self, volume: Volume, origin_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class (free = nothing) and distance (m) of what every ray meets, flat."""
        pose = np.eye(4)
        pose[:3, 3] = origin_m
        met = cast_rays(volume, self.rays, pose)
        voxel = met.voxel.reshape(-1)
        labels = np.where(voxel < 0, np.uint8(FREE), volume.semantics.reshape(-1)[np.maximum(voxel, 0)])
        return labels, met.distance.reshape(-1)

    def scores(self) -> dict[str, Any]:
        """Percent: the mean over thresholds (`rayiou`), at each threshold, and per class averaged over thresholds."""
        present = self.truth > 0
        union = self.truth + self.predicted - self.hits
        iou = 100 * np.divide(self.hits, union, out=np.zeros(union.shape), where=union > 0)[:, present]
        if not present.any():
            return {"rayiou": None, "at_m": {}, "per_class": {}, "rays": 0}
        return {
            "rayiou": round(float(iou.mean()), 2),
            "at_m": {f"{threshold:g}": round(float(row.mean()), 2) for threshold, row in zip(self.thresholds_m, iou, strict=True)},
            "per_class": {CLASSES[c]: round(float(v), 2) for c, v in zip(np.flatnonzero(present), iou.mean(0), strict=True)},
            "rays": int(self.truth.sum()),
        }
