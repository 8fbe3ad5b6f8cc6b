"""Per-instance obedience: is every agent there, at its place, in its size; and is there any that nobody asked for?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import cc3d
import numpy as np
from scipy.ndimage import binary_dilation

from engine.spec.classes import AGENTS, CHANNEL, CLASS
from engine.spec.geometry import Box, wrap_angle
from engine.spec.grid import GridSpec
from engine.spec.layout import Layout
from engine.spec.raster import rasterise

FOUND = 0.5
"""An agent is found when at least this share of its cells show its class."""
GROUPS = {
    "vehicles": ("bus", "car", "construction_vehicle", "trailer", "truck"),
    "vulnerable": ("pedestrian", "bicycle", "motorcycle"),
    "small_static": ("traffic_cone", "barrier"),
}


class InstanceScores:
    """Accumulated over frames."""

    def __init__(self, grid: GridSpec) -> None:
        self.grid = grid
        self.asked: dict[str, int] = defaultdict(int)
        self.found: dict[str, int] = defaultdict(int)
        self.errors: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        self.phantoms: dict[str, int] = defaultdict(int)
        self.frames = 0

    def add(self, semantics: np.ndarray, instances: np.ndarray, layout: np.ndarray, boxes: Sequence[Box]) -> None:
        """One frame: semantics and instances (X, Y, Z), layout (15, X, Y), boxes in its ego frame."""
        self.frames += 1
        columns = {name: (semantics == CLASS[name]).any(2) for name in AGENTS}
        for box in boxes:
            cells = rasterise(Layout(boxes=(box,)), self.grid, np.eye(4))[CHANNEL[box.class_name]].astype(bool)
            if not cells.any():
                continue
            self.asked[box.class_name] += 1
            if (columns[box.class_name] & cells).sum() >= FOUND * cells.sum():
                self.found[box.class_name] += 1
                own = ((instances == box.instance_id) & (semantics == CLASS[box.class_name])).any(2)
                if own.sum() >= 8 and _inside(box, self.grid):
                    self.errors[box.class_name].append(self._errors(own, box))
        for name, shown in columns.items():
            near = binary_dilation(layout[CHANNEL[name]].astype(bool), np.ones((3, 3)), iterations=2)
            labels, count = cc3d.connected_components(shown.astype(np.uint8), connectivity=8, return_N=True)
            if count:
                self.phantoms[name] += count - len(np.unique(labels[near & shown]))

    def _errors(self, own: np.ndarray, box: Box) -> tuple[float, float, float]:
        """Centre distance (m), length error (m) and heading error (rad, modulo half a turn) of the cells that carry an id."""
        x, y = self.grid.cell_centers_m()
        points = np.stack([x[np.nonzero(own)[0]], y[np.nonzero(own)[1]]], -1)
        center = (points.min(0) + points.max(0)) / 2 if len(points) < 12 else points.mean(0)
        values, vectors = np.linalg.eigh(np.cov((points - points.mean(0)).T))
        axis = vectors[:, -1]
        along = (points - center) @ axis
        yaw = abs(wrap_angle(2 * (float(np.arctan2(axis[1], axis[0])) - box.yaw_rad))) / 2 if values[-1] > 2 * values[0] else np.nan
        return float(np.hypot(*(center - box.center_m[:2]))), float(abs(np.ptp(along) + self.grid.voxel_m - box.size_m[0])), float(yaw)

    def scores(self) -> dict[str, Any]:
        """Recall in percent, errors as medians, phantoms per frame."""

        def recall(names: Sequence[str]) -> dict[str, Any]:
            asked = sum(self.asked[name] for name in names)
            return {"asked": asked, "recall": round(100 * sum(self.found[name] for name in names) / asked, 2) if asked else None}

        medians = {}
        for name, rows in self.errors.items():
            center, length, yaw = np.array(rows).T
            medians[name] = {"center_m": _median(center), "length_m": _median(length), "yaw_deg": _median(np.degrees(yaw)), "count": len(rows)}
        return {
            "recall": {group: recall(names) for group, names in GROUPS.items()},
            "recall_per_class": {name: recall((name,)) for name in AGENTS if self.asked[name]},
            "median_error": medians,
            "phantoms_per_frame": round(sum(self.phantoms.values()) / max(1, self.frames), 4),
            "phantoms": {name: count for name, count in self.phantoms.items() if count},
        }


def _median(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return round(float(np.median(finite)), 3) if len(finite) else None


def _inside(box: Box, grid: GridSpec) -> bool:
    corners = box.corners_bev_m()
    return bool((corners > grid.origin_m[:2]).all() and (corners < grid.upper_m[:2]).all())
