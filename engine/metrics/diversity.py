"""Do seeds differ where nothing is painted, and agree where it is? A generator that ignores its seed, or its layout, shows here.

Over all pairs of seeds: the share of unpainted columns of which any voxel's class differs (more is more diverse), and the share of
painted columns whose top class, what one sees from above, is the same (more is more obedient). A tree whose crown one seed hangs over
a sidewalk changes the top class and obeys all the same, so the lowest class, what one walks on, stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from engine.api import OccupancyModel, Recipe
from engine.spec.clip import SceneClip
from engine.spec.columns import lowest_class, top_class


class Diversity:
    """Counts over pairs of seeds, accumulated over frames."""

    def __init__(self) -> None:
        self.differ = self.unpainted = self.agree = self.agree_below = self.painted = 0
        self.seeds = self.frames = 0

    def add(self, semantics: Sequence[np.ndarray], layout: np.ndarray) -> None:
        """One frame of every seed, each (X, Y, Z), made from one layout (15, X, Y)."""
        painted = layout.any(0)
        tops, grounds = ([look(volume) for volume in semantics] for look in (top_class, lowest_class))
        for a, b in combinations(range(len(semantics)), 2):
            differ = (semantics[a] != semantics[b]).any(2)
            self.differ += int((differ & ~painted).sum())
            self.unpainted += int((~painted).sum())
            self.agree += int(((tops[a] == tops[b]) & painted).sum())
            self.agree_below += int(((grounds[a] == grounds[b]) & painted).sum())
            self.painted += int(painted.sum())
        self.seeds = max(self.seeds, len(semantics))
        self.frames += 1

    def scores(self) -> dict[str, Any]:
        """Percent of columns; None where there are none of the kind."""
        return {
            "unpainted_columns_that_differ": round(100 * self.differ / self.unpainted, 2) if self.unpainted else None,
            "painted_columns_same_top_class": round(100 * self.agree / self.painted, 2) if self.painted else None,
            "painted_columns_same_lowest_class": round(100 * self.agree_below / self.painted, 2) if self.painted else None,
            "seeds": self.seeds,
            "frames": self.frames,
        }


def diversity(model: OccupancyModel, clip: SceneClip, recipe: Recipe, seeds: Sequence[int] = (0, 1, 2)) -> dict[str, Any]:
    """`Diversity.scores` of one model on one clip, a rollout per seed. Raises ValueError for fewer than two seeds."""
    if len(set(seeds)) < 2:
        raise ValueError(f"Diversity compares seeds, and {list(seeds)} has only one: name two or more.")
    rollouts = [model.occupancy(clip, replace(recipe, seed=seed), lambda: False) for seed in seeds]
    score = Diversity()
    for index, frames in enumerate(zip(*rollouts, strict=True)):
        score.add([frame.semantics for frame in frames], clip.layouts[index])
    return score.scores()
