"""An occupancy model on procedural worlds that no training run has seen: it is given layouts, boxes and poses, never the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.api import OccupancyModel, Recipe
from engine.data.worlds import make_world
from engine.metrics.frames import LayoutScores, TruthScores
from engine.metrics.reference import Sample, compare, held_out_reference
from engine.metrics.renders import Inception, RenderScores
from engine.spec.camera import surround_cameras
from engine.spec.grid import OCC3D, GridSpec
from engine.spec.worlds import HELD_OUT_SEED


def evaluate_procedural(
    model: OccupancyModel,
    frames: int = 200,
    *,
    frames_per_world: int = 4,
    recipe: Recipe | None = None,
    held_out: int = 64,
    inception: Path | None = None,
    grid: GridSpec = OCC3D,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> dict[str, Any]:
    """The same report as of a take, pooled over held-out worlds, under "procedural"; the raw output of `model.occupancy`.

    One short clip per world, each with a seed of its own from the recipe's on: under one seed all would be drawn with the same dice, and their
    average would be that of one draw. Streamed, so memory does not grow with `frames`. "versus_truth" compares with the world's true
    occupancy: where nothing is painted a model cannot know it, so its mIoU has a ceiling far below 100. `held_out` worlds are the
    reference for what was invented (0 leaves it out). `inception`, a file of the user's, adds FID and KID of renders to "versus_truth".
    Raises ValueError where `frames` or `frames_per_world` is below 1.
    """
    if frames < 1 or frames_per_world < 1:
        raise ValueError(f"{frames} frames in clips of {frames_per_world} cannot be evaluated: ask for at least 1 of each.")
    named = () if recipe is None else ("occupancy",)  # only the caller knows which preset this model is
    recipe = recipe or Recipe()
    reference = held_out_reference(held_out, grid, progress=progress) if held_out else None
    sample, true_sample = (Sample(reference.extractor if reference else None) for _ in range(2))
    scores, truth_scores = LayoutScores(grid), TruthScores(grid)
    rendered = RenderScores(Inception.load(inception)) if inception is not None else None
    cameras = surround_cameras()
    poses = np.stack([camera.ego_SE3_camera.matrix() for camera in cameras])
    done = worlds = 0
    while done < frames:
        world = make_world(HELD_OUT_SEED + worlds)
        clip = world.clip(min(frames_per_world, frames - done), grid)
        # Frame k of the truth is made only after frame k of the model, and never handed to it.
        own = replace(recipe, seed=recipe.seed + worlds)
        pairs = zip(model.occupancy(clip, own, lambda: False), world.occupancy(clip), strict=True)
        for index, (made, truth) in enumerate(pairs):
            progress("procedural", done, frames)
            layout = np.ascontiguousarray(clip.layouts[index])
            scores.add(index, made.semantics, made.instances, layout, clip.boxes[index], clip.world_SE3_ego[index])
            truth_scores.add(index, made.semantics, truth.semantics, clip.world_SE3_ego)
            if rendered is not None:
                rendered.add(made.semantics, truth.semantics, grid, cameras, poses)
            sample.add(made.semantics, layout, index == 0)
            true_sample.add(truth.semantics, layout, index == 0)
            done += 1
        worlds += 1
    progress("procedural", frames, frames)
    facts = {"worlds": worlds, "frames_per_world": frames_per_world, "first_seed": HELD_OUT_SEED, "data": "seeds never trained on"}
    shown = {key: getattr(recipe, key) for key in (*named, "seed", "steps", "guidance")}
    result = facts | {"recipe": dict(model.facts) | shown} | scores.scores()
    result["versus_truth"] = truth_scores.scores() | (rendered.scores() if rendered else {})
    report: dict[str, Any] = {"takes": [], "procedural": result, "bev_versus_layout": result["bev_versus_layout"]}
    return report | ({"invention_versus_held_out": compare(sample, reference, true_sample)} if reference else {})
