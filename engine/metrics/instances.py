"""Per-instance obedience: is every agent there, at its place, in its size; and is there any that nobody asked for?

No public layout-to-occupancy work reports this; the rules are ours. An agent is asked for by its box (hand-painted agents
have none and are judged by the columns of `engine.metrics.layout`), and found when at least half of its cells show its class.
A phantom is a connected group of cells of an agent's class, more than two cells away from anything painted in its channel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import cc3d
import numpy as np
from scipy.ndimage import maximum_filter

from engine.spec.classes import AGENTS, CHANNEL, CLASS
from engine.spec.columns import classes_in_columns, holds
from engine.spec.geometry import Box, wrap_angle
from engine.spec.grid import GridSpec
from engine.spec.raster import box_footprint

FOUND = 0.5
"""An agent is found when at least this share of its cells show its class."""
BESIDE_CELLS = 2
"""An agent drawn this much too wide or too far aside is a badly drawn agent, not a phantom."""
MEASURED_CELLS = 8
"""Centre, length and heading of fewer cells say little."""
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
        present = classes_in_columns(semantics)
        columns = {name: holds(present, (CLASS[name],)) for name in AGENTS}
        # Only voxels that carry an id are looked at per box: a few thousand instead of the whole volume.
        carrying = np.flatnonzero(instances)
        ids, labels = instances.reshape(-1)[carrying], semantics.reshape(-1)[carrying]
        for box in boxes:
            cells = box_footprint(box, self.grid)
            size = int(cells.sum())
            if size == 0:
                continue
            self.asked[box.class_name] += 1
            if int((columns[box.class_name] & cells).sum()) >= FOUND * size:
                self.found[box.class_name] += 1
                own = np.unique(carrying[(ids == box.instance_id) & (labels == CLASS[box.class_name])] // self.grid.shape[2])
                if len(own) >= MEASURED_CELLS and _inside(box, self.grid):
                    self.errors[box.class_name].append(self._errors(own, box))
        for name, shown in columns.items():
            if shown.any():
                self.phantoms[name] += _phantoms(shown, layout[CHANNEL[name]])

    def _errors(self, own: np.ndarray, box: Box) -> tuple[float, float, float]:
        """Centre distance (m), length error (m) and heading error (rad, modulo half a turn) of the columns that carry an id.

        Length and heading are those of the longer side: a barrier is 0.6 m long and 2.4 m wide.
        """
        length, width, _ = box.size_m
        heading = box.yaw_rad + (np.pi / 2 if width > length else 0.0)
        x, y = self.grid.cell_centers_m()
        i, j = np.divmod(own, self.grid.shape[1])
        points = np.stack([x[i], y[j]], -1)
        center = (points.min(0) + points.max(0)) / 2 if len(points) < 12 else points.mean(0)
        values, vectors = np.linalg.eigh(np.cov((points - points.mean(0)).T))
        axis = vectors[:, -1]
        along = (points - center) @ axis
        yaw = abs(wrap_angle(2 * (float(np.arctan2(axis[1], axis[0])) - heading))) / 2 if values[-1] > 2 * values[0] else np.nan
        apart = np.hypot(*(center - box.center_m[:2]))
        return float(apart), float(abs(np.ptp(along) + self.grid.voxel_m - max(length, width))), float(yaw)

    def scores(self) -> dict[str, Any]:
        """Recall in percent, errors as medians, phantoms per frame."""

        def recall(names: Sequence[str]) -> dict[str, Any]:
            asked = sum(self.asked[name] for name in names)
            return {"asked": asked, "recall": round(100 * sum(self.found[name] for name in names) / asked, 2) if asked else None}

        medians = {}
        for name, rows in self.errors.items():
            center, length, yaw = np.array(rows).T
            errors = {"center_m": _median(center), "length_m": _median(length), "yaw_deg": _median(np.degrees(yaw))}
            medians[name] = errors | {"count": len(rows)}
        return {
            "recall": {group: recall(names) for group, names in GROUPS.items()},
            "recall_per_class": {name: recall((name,)) for name in AGENTS if self.asked[name]},
            "median_error": medians,
            "phantoms_per_frame": round(sum(self.phantoms.values()) / max(1, self.frames), 4),
            "phantoms": {name: count for name, count in self.phantoms.items() if count},
        }


def _phantoms(shown: np.ndarray, painted: np.ndarray) -> int:
    """8-connected groups of shown cells (X, Y) of which none lies near a painted one."""
    near = maximum_filter(painted, 2 * BESIDE_CELLS + 1, mode="constant") > 0
    labels, count = cc3d.connected_components(shown.astype(np.uint8), connectivity=8, return_N=True)
    return count - len(np.unique(labels[near & shown]))


def _median(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return round(float(np.median(finite)), 3) if len(finite) else None


def _inside(box: Box, grid: GridSpec) -> bool:
    corners = box.corners_bev_m()
    return bool((corners > grid.origin_m[:2]).all() and (corners < grid.upper_m[:2]).all())
