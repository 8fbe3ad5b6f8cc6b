"""Every score of one sequence of frames in one pass: what takes and procedural evaluation share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.metrics.horizon import ByHorizon
from engine.metrics.instances import InstanceScores
from engine.metrics.invention import Invention
from engine.metrics.layout import Obedience
from engine.metrics.occupancy import Confusion
from engine.metrics.rayiou import RayIou, lidar_origins
from engine.metrics.temporal import TemporalAgreement
from engine.spec.columns import lowest_class
from engine.spec.geometry import Box
from engine.spec.grid import GridSpec


class LayoutScores:
    """Obedience and what stands beside it; needs no ground truth."""

    def __init__(self, grid: GridSpec) -> None:
        self.obedience = Obedience()
        self.by_horizon = ByHorizon(Obedience)
        self.instances = InstanceScores(grid)
        self.invention = Invention()
        self.temporal = TemporalAgreement(grid)

    def add(
        self, index: int, semantics: np.ndarray, instances: np.ndarray, layout: np.ndarray, boxes: Sequence[Box], world_SE3_ego: np.ndarray
    ) -> None:
        """Frame `index` of a sequence, as in a take; index 0 begins another sequence."""
        if index == 0:
            self.temporal.cut()
        one = Obedience()
        one.add(semantics, layout)
        self.obedience.merge(one)
        self.by_horizon.at(index).merge(one)
        self.instances.add(semantics, instances, layout, boxes)
        self.invention.add(semantics, layout)
        self.temporal.add(semantics, world_SE3_ego)

    def scores(self) -> dict[str, Any]:
        return {
            "frames": self.obedience.frames,
            "bev_versus_layout": self.obedience.scores(),
            "bev_versus_layout_by_horizon": self.by_horizon.scores(),
            "instances": self.instances.scores(),
            "invention": self.invention.scores(),
            "static_world": self.temporal.scores(),
        }


class TruthScores:
    """Against true occupancy of the same frames: paper B.4's volume and top-down scores, RayIoU, and mIoU by horizon."""

    def __init__(self, grid: GridSpec) -> None:
        self.grid = grid
        self.volume, self.top_down = Confusion(), Confusion()
        self.by_horizon = ByHorizon(Confusion)
        self.rays = RayIou(grid)

    def add(self, index: int, made: np.ndarray, truth: np.ndarray, world_SE3_ego: np.ndarray) -> None:
        """Frame `index` of two volumes (X, Y, Z); poses (T, 4, 4) of the whole sequence."""
        one = Confusion()
        one.add(made, truth)
        self.volume.counts += one.counts
        self.by_horizon.at(index).counts += one.counts
        self.top_down.add(lowest_class(made), lowest_class(truth))
        self.rays.add(made, truth, lidar_origins(self.grid, world_SE3_ego, index))

    def scores(self) -> dict[str, Any]:
        return {
            "occupancy": self.volume.scores(),
            "occupancy_by_horizon": self.by_horizon.scores(),
            "bev_top_down": self.top_down.scores(),
            "rayiou": self.rays.scores(),
        }
