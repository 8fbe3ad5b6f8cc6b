"""What a generator adds where nothing is painted. Obedience alone can be gamed by drawing nothing else; these rules are ours.

* class_share: how the occupied voxels of unpainted columns divide over the classes.
* specks_under_4_voxels: share of occupied voxels in 26-connected groups of one class with fewer than 4 voxels, where the
  layout did not ask for that class in their column (a painted cone is 3 voxels high and no speck).
* holes_in_painted_ground: share of columns painted drivable that hold no ground of any kind, agents or not.
"""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np

from engine.spec.classes import CHANNEL, CHANNEL_TO_CLASSES, CHANNELS, CLASSES, FREE, GROUND
from engine.spec.columns import classes_in_columns, holds

SPECK_VOXELS = 4
_SHOWS = np.zeros((len(CLASSES), len(CHANNELS)), bool)
for _channel, _labels in enumerate(CHANNEL_TO_CLASSES):
    _SHOWS[list(_labels), _channel] = True


class Invention:
    """Class histogram of unpainted columns, specks, and holes in painted ground, over frames."""

    def __init__(self) -> None:
        self.histogram = np.zeros(len(CLASSES), np.int64)
        self.speck_voxels = self.occupied_voxels = 0
        self.hole_columns = self.drivable_columns = 0
        self.frames = 0

    def add(self, semantics: np.ndarray, layout: np.ndarray) -> None:
        """One frame: semantics (X, Y, Z), layout (15, X, Y)."""
        self.frames += 1
        self.histogram += np.bincount(semantics[~layout.any(0)].ravel(), minlength=len(CLASSES))
        self.occupied_voxels += int(np.count_nonzero(semantics != FREE))
        self.speck_voxels += _speck_voxels(semantics, layout)
        drivable = layout[CHANNEL["drivable_area"]].astype(bool)
        self.drivable_columns += int(drivable.sum())
        self.hole_columns += int((drivable & ~holds(classes_in_columns(semantics), GROUND)).sum())

    def merge(self, other: Invention) -> None:
        """Take the counts of `other` in."""
        for name in ("histogram", "speck_voxels", "occupied_voxels", "hole_columns", "drivable_columns", "frames"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def shares(self) -> np.ndarray:
        """Distribution (20,) of the occupied classes in unpainted columns."""
        occupied = self.histogram[:FREE].astype(float)
        return occupied / max(1.0, occupied.sum())

    def scores(self) -> dict[str, Any]:
        """Percent of voxels or columns."""
        return {
            "class_share": {CLASSES[c]: round(100 * float(share), 3) for c, share in enumerate(self.shares()) if share > 0},
            "occupied_share_of_unpainted": round(100 * float(self.histogram[:FREE].sum() / max(1, self.histogram.sum())), 3),
            "specks_under_4_voxels": round(100 * self.speck_voxels / max(1, self.occupied_voxels), 3),
            "holes_in_painted_ground": round(100 * self.hole_columns / max(1, self.drivable_columns), 3),
        }


def _speck_voxels(semantics: np.ndarray, layout: np.ndarray) -> int:
    labelled = np.where(semantics == FREE, 0, semantics + 1).astype(np.uint8)
    components = cc3d.connected_components(labelled, connectivity=26)
    small = np.bincount(components.ravel()) < SPECK_VOXELS
    small[0] = False
    x, y, z = np.nonzero(small[components])
    asked = (_SHOWS[semantics[x, y, z]] & layout[:, x, y].T.astype(bool)).any(1)
    return int(np.count_nonzero(~asked))


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Jensen-Shannon distance (square root of the divergence, base 2) of two distributions: 0 = the same, 1 = nothing shared.

    All zeros, what a generator gives that invents nothing at all, shares nothing with any distribution.
    """
    if not p.any() or not q.any():
        return float(p.any() or q.any())
    middle = (p + q) / 2

    def divergence(a: np.ndarray) -> float:
        held = a > 0
        return float((a[held] * np.log2(a[held] / middle[held])).sum())

    return float(np.sqrt(max(0.0, (divergence(p) + divergence(q)) / 2)))
