"""What stands before a wall: where nobody opens a shop, and which bay is left for a door."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.views.drawn.footprints import LOW, UNKNOWN, WALL, Columns
from engine.views.drawn.rects import Rect, left_over

SHOP_M, DOOR_M = 3.4, 1.9
"""So far before a shop, and before a door, nothing may stand."""
PLANTS, THINGS = 0.12, 0.25
"""A front with more than these shares of it behind low plants, or behind fences, walls and cabinets, sells nothing."""
LEAST_M = 0.5
"""What is lower than this keeps nobody from a door."""
_SIDE_M = 1.1
"""A door needs this much to either side of its middle: what stands beside it is drawn wider than its voxels."""


@dataclass(frozen=True, slots=True)
class Fronts:
    """What keeps people from walls in a window of the static world."""

    cols: Columns
    plants: np.ndarray
    """bool (X, Y): columns with low vegetation."""
    things: np.ndarray
    """bool (X, Y): columns in which something made by hands stands that is no house."""

    def sells(self, start_m: np.ndarray, end_m: np.ndarray) -> bool:
        """Whether a shop may be in a front from `start_m` to `end_m` (2,), the house to its left."""
        return self._share(self.plants, start_m, end_m, SHOP_M) <= PLANTS and self._share(self.things, start_m, end_m, SHOP_M) <= THINGS

    def door(self, start_m: np.ndarray, end_m: np.ndarray, bays: int, wanted: int) -> int:
        """The bay nearest to `wanted` before which nothing stands; -1 where there is none.

        Bays before which all is seen come first: what is seen later may stand before the others.
        """
        way = end_m - start_m
        along, pitch = way / float(np.hypot(*way)), float(np.hypot(*way)) / max(1, bays)
        hidden = self.plants | self.things
        unseen = self.cols.kind == UNKNOWN
        free: list[int] = []
        for bay in sorted(range(bays), key=lambda bay: (abs(bay - wanted), bay)):
            middle = start_m + along * ((bay + 0.5) * pitch)
            left, right = middle - along * _SIDE_M, middle + along * _SIDE_M
            if self._share(hidden, left, right, DOOR_M) == 0.0:
                if self._share(unseen, left, right, DOOR_M) == 0.0:
                    return bay
                free.append(bay)
        return free[0] if free else -1

    def _share(self, what: np.ndarray, start_m: np.ndarray, end_m: np.ndarray, reach_m: float) -> float:
        """Share of a front from `start_m` to `end_m` (2,) before which `what` (X, Y) stands nearer than `reach_m`."""
        way = end_m - start_m
        length = float(np.hypot(*way))
        along, out = way / length, np.array([way[1], -way[0]]) / length
        t, d = np.arange(0.2, length, 0.4), np.arange(0.2, reach_m, 0.4)
        points = start_m + t[:, None, None] * along + d[None, :, None] * out
        i, j = self.cols.at(points.reshape(-1, 2))
        return float(what[i, j].reshape(len(t), len(d)).any(axis=1).mean())


def fronts(cols: Columns, plants: np.ndarray, others: np.ndarray, feet_m: np.ndarray, rects: list[Rect]) -> Fronts:
    """`plants` and `others` bool (X, Y) are columns with low vegetation and with things of class 0, `feet_m` (X, Y) the world z of the ground."""
    stands = ((cols.kind == WALL) | (cols.kind == LOW)) & (cols.top_m - feet_m > LEAST_M)
    return Fronts(cols, plants, left_over(cols, stands | others, rects))
