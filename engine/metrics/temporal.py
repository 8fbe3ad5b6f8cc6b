"""Does the static world hold still while the ego moves?

The frame before is resampled (nearest voxel) into the present ego frame; agents' columns of either frame, and what only one of
the two grids covers, do not count. Nearest-voxel resampling itself costs a little: procedural truth is the ceiling.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.occupancy.warp import LAST_AGENT, warp_static
from engine.spec.classes import CLASS, FREE
from engine.spec.columns import classes_in_columns, holds
from engine.spec.geometry import invert
from engine.spec.grid import GridSpec

_AGENTS = tuple(range(1, LAST_AGENT + 1))
_MARK = CLASS["manmade"]
"""A class that `warp_static` carries over: volumes of it show where something went."""


class TemporalAgreement:
    """Static voxels that agree with the frame before, warped by the ego's motion; over consecutive frames."""

    def __init__(self, grid: GridSpec) -> None:
        self.grid = grid
        self.past: tuple[np.ndarray, np.ndarray] | None = None
        self.agree = self.both_occupied = self.now = self.then = 0

    def add(self, semantics: np.ndarray, world_SE3_ego: np.ndarray) -> None:
        """The next frame of a sequence."""
        if self.past is not None:
            before, pose = self.past
            past_SE3_now = invert(pose) @ world_SE3_ego
            warped = warp_static(before, self.grid, past_SE3_now)
            # One warp tells both: the mark arrives where the past frame's grid reached and none of its agents stood.
            still = np.where(_agent_columns(before), np.uint8(FREE), np.uint8(_MARK))
            still = np.ascontiguousarray(np.broadcast_to(still[..., None], before.shape))
            seen = (warp_static(still, self.grid, past_SE3_now) == _MARK) & ~_agent_columns(semantics)[..., None]
            occupied_now, occupied_then = (semantics != FREE) & seen, (warped != FREE) & seen
            both = occupied_now & occupied_then
            self.agree += int(np.count_nonzero(both & (semantics == warped)))
            self.both_occupied += int(np.count_nonzero(both))
            self.now += int(np.count_nonzero(occupied_now))
            self.then += int(np.count_nonzero(occupied_then))
        self.past = (semantics, world_SE3_ego)

    def cut(self) -> None:
        """The next frame begins another sequence."""
        self.past = None

    def scores(self) -> dict[str, Any]:
        """Percent of static voxels occupied in either frame (strict), or in both, whose class agrees.

        growth_per_frame: by how many percent what stands still becomes more from one frame to the next, where both saw it. Two frames
        may agree well and the hundredth be full of trees.
        """
        either = self.now + self.then - self.both_occupied
        return {
            "agree_of_either": round(100 * self.agree / either, 2) if either else None,
            "agree_of_both": round(100 * self.agree / self.both_occupied, 2) if self.both_occupied else None,
            "growth_per_frame": round(100 * (self.now - self.then) / self.then, 3) if self.then else None,
        }


def _agent_columns(semantics: np.ndarray) -> np.ndarray:
    """bool (X, Y): columns that hold an agent are not static."""
    return holds(classes_in_columns(semantics), _AGENTS)
