"""Instance ids for generated occupancy: boxes give theirs, painted agents get one by connected component."""

from __future__ import annotations

from collections.abc import Sequence

import cc3d
import numpy as np

from engine.spec.classes import CLASS
from engine.spec.geometry import Box
from engine.spec.grid import GridSpec

REACH_M = 1.0
"""How far outside its box a voxel of the box's class still belongs to it: the generator may draw an agent a voxel too wide."""
HIGHEST_ID = 65535
"""Ids are 16 bits; a frame of noise can have more components than that, and they then share the last one."""
REMATCH_M = 2.0
"""A painted agent keeps its id when its component's centre moved no further than this between frames."""


class Panoptic:
    """Assigns ids frame after frame; keeps only what it needs to recognise painted agents again."""

    def __init__(self, grid: GridSpec, first_free_id: int) -> None:
        """`first_free_id` must lie above every box's id of the clip."""
        self.grid, self.next_id = grid, first_free_id
        self.painted: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        """Per class: ids and world centres of the painted agents of the frame before."""

    def assign(self, semantics: np.ndarray, boxes: Sequence[Box], world_SE3_ego: np.ndarray) -> np.ndarray:
        """uint16 (X, Y, Z) ids for semantics (X, Y, Z) and this frame's boxes in its ego frame."""
        instances = np.zeros(semantics.shape, np.uint16)
        x_m, y_m = self.grid.cell_centers_m()
        columns = [(semantics == label).any(2) for label in range(11)]
        nearest = [np.full(self.grid.bev_shape, np.inf) for _ in range(11)]
        owner = [np.zeros(self.grid.bev_shape, np.uint16) for _ in range(11)]
        for box in boxes:
            label = CLASS[box.class_name]
            if not columns[label].any():
                continue
            distance = _distance_outside(box, x_m, y_m)
            closer = (distance < REACH_M) & (distance < nearest[label])
            nearest[label][closer] = distance[closer]
            owner[label][closer] = box.instance_id
        for label in range(1, 11):
            if columns[label].any():
                mask = semantics == label
                instances[mask] = np.broadcast_to(owner[label][..., None], semantics.shape)[mask]
        self._painted(semantics, instances, world_SE3_ego)
        return instances

    def go_on_from(self, semantics: np.ndarray, instances: np.ndarray, boxes: Sequence[Box], world_SE3_ego: np.ndarray) -> None:
        """Remember the painted agents of a frame that is there already: ids (X, Y, Z) that belong to none of its boxes."""
        owned = [box.instance_id for box in boxes]
        for label in range(1, 11):
            loose = (semantics == label) & (instances > 0) & ~np.isin(instances, owned)
            if loose.any():
                ids, which = np.unique(instances[loose], return_inverse=True)
                cells = np.argwhere(loose)
                centers = np.stack([cells[which == k].mean(0) for k in range(len(ids))])
                centers = (centers + 0.5) * self.grid.voxel_m + self.grid.origin_m
                self.painted[label] = ids.astype(np.int64), centers @ world_SE3_ego[:3, :3].T + world_SE3_ego[:3, 3]

    def _painted(self, semantics: np.ndarray, instances: np.ndarray, world_SE3_ego: np.ndarray) -> None:
        """Ids for agent voxels that no box claims, in place."""
        seen: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for label in range(1, 11):
            loose = (semantics == label) & (instances == 0)
            if not loose.any():
                continue
            components, count = cc3d.connected_components(loose, connectivity=26, return_N=True)
            cells = cc3d.statistics(components)["centroids"][1:]
            centers = (cells + 0.5) * self.grid.voxel_m + self.grid.origin_m
            centers = centers @ world_SE3_ego[:3, :3].T + world_SE3_ego[:3, 3]
            ids = self._recognise(centers, *self.painted.get(label, (np.zeros(0, np.int64), np.zeros((0, 3)))))
            instances[loose] = np.concatenate([[0], ids]).astype(np.uint16)[components[loose]]
            seen[label] = ids, centers
        self.painted = seen

    def _recognise(self, centers_m: np.ndarray, old_ids: np.ndarray, old_centers_m: np.ndarray) -> np.ndarray:
        """Ids (N,) for component centres (N, 3): that of the nearest one of the frame before, each given once, else a new one."""
        ids, free = np.zeros(len(centers_m), np.int64), np.ones(len(old_ids), bool)
        for index, center in enumerate(centers_m):
            distance = np.where(free, np.linalg.norm(old_centers_m - center, axis=1), np.inf)
            if free.any() and distance.min() < REMATCH_M:
                nearest = int(distance.argmin())
                ids[index], free[nearest] = old_ids[nearest], False
            else:
                ids[index] = min(self.next_id, HIGHEST_ID)
                self.next_id += 1
        return ids


def _distance_outside(box: Box, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    """Metres (X, Y) from each column's centre to the box's footprint; negative inside."""
    c, s = np.cos(box.yaw_rad), np.sin(box.yaw_rad)
    dx, dy = x_m[:, None] - box.center_m[0], y_m[None, :] - box.center_m[1]
    along, across = np.abs(c * dx + s * dy) - box.size_m[0] / 2, np.abs(-s * dx + c * dy) - box.size_m[1] / 2
    outside = np.hypot(np.maximum(along, 0), np.maximum(across, 0))
    return np.where((along < 0) & (across < 0), np.maximum(along, across), outside)
