"""An occupancy model on one scene: obedience along a long rollout, seconds and memory per frame, what seeds change, what each channel does.

Nothing is written and no frame is kept, so that six hundred frames are measured in the memory of one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.api import OccupancyModel, Recipe
from engine.metrics.diversity import Diversity
from engine.metrics.frames import LayoutScores
from engine.metrics.sensitivity import sensitivity
from engine.spec.clip import SceneClip

SENSITIVITY_FRAMES = 2
"""Of the clip's beginning: the model runs once per painted channel over them."""
SETTLED = 0.1
"""From this share of the frames on memory is compared with what it was then: before, caches and buffers are still made."""
Progress = Callable[[str, int, int], None]


def evaluate_scene(
    model: OccupancyModel,
    clip: SceneClip,
    recipe: Recipe,
    seeds: Sequence[int] = (0,),
    with_sensitivity: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """A report whose "scene" holds the scores of the first seed's rollout, its speed and memory, and with more seeds "diversity".

    The rollouts of all seeds go side by side, frame by frame. Raises ValueError where a seed is named twice.
    """
    if len(set(seeds)) < len(seeds) or not seeds:
        raise ValueError(f"The seeds {list(seeds)} are not all different: name each once, at least one.")
    rollouts = [model.occupancy(clip, replace(recipe, seed=seed), lambda: False) for seed in seeds]
    scores, varied, watch = LayoutScores(clip.grid), Diversity(), Watch()
    for index in range(len(clip)):
        progress("scene", index, len(clip))
        watch.begin()
        frames = [next(rollout) for rollout in rollouts]
        watch.end()
        scores.add(index, frames[0].semantics, frames[0].instances, clip.layouts[index], clip.boxes[index], clip.world_SE3_ego[index])
        if len(seeds) > 1:
            varied.add([frame.semantics for frame in frames], clip.layouts[index])
    progress("scene", len(clip), len(clip))
    shown = {"seed": seeds[0], "steps": recipe.steps, "guidance": recipe.guidance}
    result = scores.scores() | {"recipe": dict(model.facts) | shown, "speed": watch.scores(len(seeds))}
    report: dict[str, Any] = {"takes": [], "scene": result, "bev_versus_layout": result["bev_versus_layout"]}
    if len(seeds) > 1:
        report["diversity"] = [{"takes": [f"seed {seed}" for seed in seeds]} | varied.scores()]
    if with_sensitivity:
        report["sensitivity"] = sensitivity(model, _beginning(clip), replace(recipe, seed=seeds[0]), progress)
    return report


def _beginning(clip: SceneClip) -> SceneClip:
    count = min(SENSITIVITY_FRAMES, len(clip))
    ground = None if clip.ground is None else clip.ground[:count]
    return replace(clip, layouts=clip.layouts[:count], boxes=clip.boxes[:count], world_SE3_ego=clip.world_SE3_ego[:count], ground=ground)


class Watch:
    """Seconds and resident memory, frame by frame."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.resident: list[int] = []

    def begin(self) -> None:
        self._started = time.perf_counter()

    def end(self) -> None:
        self.seconds.append(time.perf_counter() - self._started)
        self.resident.append(resident_bytes())

    def scores(self, rollouts: int) -> dict[str, Any]:
        """Median seconds a frame (of one rollout), and resident memory: when settled, at most after that, and its growth in percent.

        Memory is None where the system does not say.
        """
        seconds = {"seconds_per_frame": round(float(np.median(self.seconds)) / rollouts, 4)}
        settled = self.resident[int(SETTLED * len(self.resident)) :]
        if not settled[0]:
            return seconds | {"resident_mib": None, "highest_resident_mib": None, "memory_growth": None}
        return seconds | {
            "resident_mib": round(settled[0] / 2**20, 1),
            "highest_resident_mib": round(max(settled) / 2**20, 1),
            "memory_growth": round(100 * (max(settled) / settled[0] - 1), 2),
        }


def resident_bytes() -> int:
    """Resident memory of this process where the system says so (Linux), else 0."""
    now = Path("/proc/self/statm")
    return int(now.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if now.exists() else 0
