"""Does every condition matter? Each layout channel is blanked in turn, and what changed in the occupancy is counted.

In public layout-to-occupancy code whole conditions have been found to do nothing (UniScene issues 33 and 34: all zeroed, the
video hardly changed). A channel that matters changes the columns it was painted in and leaves the others be. Same seed, so a model
without noise of its own changes nothing where nothing was asked of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from engine.api import OccupancyModel, Recipe
from engine.spec.classes import AGENTS, CHANNEL_TO_CLASSES, CHANNELS
from engine.spec.clip import SceneClip
from engine.spec.columns import classes_in_columns, holds
from engine.spec.layout import Layout


def sensitivity(
    model: OccupancyModel, clip: SceneClip, recipe: Recipe, progress: Callable[[str, int, int], None] = lambda stage, done, total: None
) -> dict[str, Any]:
    """Per channel that the clip paints, in percent of columns over all frames; the model runs once, and once more per such channel.

    changed_inside: columns painted in the channel of which any voxel's class changed. changed_elsewhere: all other columns that changed.
    no_longer_shown: columns painted in the channel that showed it, and do not when it is blank. None stands for 'nowhere painted'.
    """
    painted = [c for c in range(len(CHANNELS)) if clip.layouts[:, c].any()]
    progress("sensitivity", 0, len(painted) + 1)
    before = _semantics(model, clip, recipe)
    result: dict[str, Any] = {name: None for name in CHANNELS}
    for done, channel in enumerate(painted, start=1):
        progress("sensitivity", done, len(painted) + 1)
        after = _semantics(model, blanked(clip, channel), recipe)
        result[CHANNELS[channel]] = _change(before, after, clip.layouts[:, channel] > 0, channel)
    progress("sensitivity", len(painted) + 1, len(painted) + 1)
    return {"per_channel": result, "frames": len(clip), "seed": recipe.seed}


def blanked(clip: SceneClip, channel: int) -> SceneClip:
    """The clip with one channel painted nowhere, and without the boxes of that agent class."""
    layouts = clip.layouts.copy()
    layouts[:, channel] = 0
    gone = AGENTS[channel] if channel < len(AGENTS) else None
    boxes = tuple(tuple(box for box in boxes if box.class_name != gone) for boxes in clip.boxes)
    ground = None if clip.ground is None else tuple(_without(layout, channel) for layout in clip.ground)
    return replace(clip, layouts=layouts, boxes=boxes, ground=ground)


def _without(layout: Layout, channel: int) -> Layout:
    polygons, polylines = (tuple(shape for shape in shapes if shape.channel != channel) for shapes in (layout.polygons, layout.polylines))
    return replace(layout, polygons=polygons, polylines=polylines, paint=tuple(paint for paint in layout.paint if paint.channel != channel))


def _semantics(model: OccupancyModel, clip: SceneClip, recipe: Recipe) -> list[np.ndarray]:
    return [frame.semantics for frame in model.occupancy(clip, recipe, lambda: False)]


def _change(before: list[np.ndarray], after: list[np.ndarray], painted: np.ndarray, channel: int) -> dict[str, Any]:
    inside = elsewhere = outside = shown = lost = 0
    for was, now, cells in zip(before, after, painted, strict=True):
        changed = (was != now).any(2)
        inside += int((changed & cells).sum())
        elsewhere += int((changed & ~cells).sum())
        outside += int((~cells).sum())
        showed = holds(classes_in_columns(was), CHANNEL_TO_CLASSES[channel]) & cells
        shown += int(showed.sum())
        lost += int((showed & ~holds(classes_in_columns(now), CHANNEL_TO_CLASSES[channel])).sum())
    count = int(painted.sum())
    return {
        "painted_columns": count,
        "changed_inside": round(100 * inside / count, 2),
        "changed_elsewhere": round(100 * elsewhere / outside, 2) if outside else None,
        "no_longer_shown": round(100 * lost / shown, 2) if shown else None,
    }
