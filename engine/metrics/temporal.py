"""Does the static world hold still while the ego moves?"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.occupancy.warp import warp_static
from engine.spec.classes import FREE
from engine.spec.geometry import invert
from engine.spec.grid import GridSpec


class TemporalAgreement:
    """Static voxels that agree with the frame before, warped by the ego's motion; over consecutive frames."""

    def __init__(self, grid: GridSpec) -> None:
        self.grid = grid
        self.past: tuple[np.ndarray, np.ndarray] | None = None
        self.agree = self.both_occupied = self.either = 0

    def add(self, semantics: np.ndarray, world_SE3_ego: np.ndarray) -> None:
        """The next frame of a sequence."""
        if self.past is not None:
            before, pose = self.past
            past_SE3_now = invert(pose) @ world_SE3_ego
            warped = warp_static(before, self.grid, past_SE3_now)
            seen = warp_static(np.full_like(before, 15), self.grid, past_SE3_now) == 15
            seen &= ~_near_agents(semantics) & ~_near_agents_warped(before, self.grid, past_SE3_now)
            occupied_now, occupied_then = (semantics != FREE) & seen, (warped != FREE) & seen
            self.agree += int((occupied_now & occupied_then & (semantics == warped)).sum())
            self.both_occupied += int((occupied_now & occupied_then).sum())
            self.either += int((occupied_now | occupied_then).sum())
        self.past = (semantics, world_SE3_ego)

    def scores(self) -> dict[str, Any]:
        """Percent of static voxels occupied in either frame (strict), or in both, whose class agrees."""
        return {
            "agree_of_either": round(100 * self.agree / self.either, 2) if self.either else None,
            "agree_of_both": round(100 * self.agree / self.both_occupied, 2) if self.both_occupied else None,
        }


def _near_agents(semantics: np.ndarray) -> np.ndarray:
    """Columns that hold an agent are not static."""
    return ((semantics >= 1) & (semantics <= 10)).any(2, keepdims=True)


def _near_agents_warped(before: np.ndarray, grid: GridSpec, past_SE3_now: np.ndarray) -> np.ndarray:
    columns = np.broadcast_to(_near_agents(before), before.shape)
    return warp_static(np.where(columns, 15, FREE).astype(np.uint8), grid, past_SE3_now) == 15
