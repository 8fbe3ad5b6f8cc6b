"""What a generator adds where nothing is painted. Obedience alone can be gamed by drawing nothing else."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np

from engine.spec.classes import CHANNEL, CLASS, CLASSES, FREE

SPECK_VOXELS = 4
GROUND = tuple(CLASS[name] for name in ("driveable_surface", "other_flat", "sidewalk", "terrain", "ped_crossing", "road_divider", "lane_divider"))


class Invention:
    """Class histogram of unpainted columns, specks, and holes in painted ground, over frames."""

    def __init__(self) -> None:
        self.histogram = np.zeros(len(CLASSES), np.int64)
        self.speck_voxels = self.occupied_voxels = 0
        self.hole_columns = self.drivable_columns = 0

    def add(self, semantics: np.ndarray, layout: np.ndarray) -> None:
        """One frame: semantics (X, Y, Z), layout (15, X, Y)."""
        unpainted = ~layout.any(0)
        self.histogram += np.bincount(semantics[unpainted].ravel(), minlength=len(CLASSES))
        labels = cc3d.connected_components(np.where(semantics == FREE, 0, semantics + 1).astype(np.uint8), connectivity=26)
        sizes = np.bincount(labels.ravel())[1:]
        self.speck_voxels += int(sizes[sizes < SPECK_VOXELS].sum())
        self.occupied_voxels += int(sizes.sum())
        drivable = layout[CHANNEL["drivable_area"]].astype(bool)
        self.drivable_columns += int(drivable.sum())
        self.hole_columns += int((drivable & ~np.isin(semantics, GROUND).any(2)).sum())

    def shares(self) -> np.ndarray:
        """Distribution (20,) of the occupied classes in unpainted columns."""
        occupied = self.histogram[:FREE].astype(float)
        return occupied / max(1.0, occupied.sum())

    def scores(self) -> dict[str, Any]:
        """Percent of voxels or columns."""
        return {
            "class_share": {CLASSES[c]: round(100 * float(share), 3) for c, share in enumerate(self.shares()) if share > 0},
            "specks_under_4_voxels": round(100 * self.speck_voxels / max(1, self.occupied_voxels), 3),
            "holes_in_painted_ground": round(100 * self.hole_columns / max(1, self.drivable_columns), 3),
        }


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Jensen-Shannon distance (square root of the divergence, base 2) of two distributions."""
    middle = (p + q) / 2

    def divergence(a: np.ndarray) -> float:
        held = a > 0
        return float((a[held] * np.log2(a[held] / middle[held])).sum())

    return float(np.sqrt(max(0.0, (divergence(p) + divergence(q)) / 2)))
