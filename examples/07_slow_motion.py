"""An edit script: a scene in slow motion, for 600 frames of what a log recorded in seconds.

    python launch.py edit scene.anyscene --script examples/07_slow_motion.py -o slow.anyscene
    python launch.py evaluate --scene slow.anyscene --frames 600
"""

from __future__ import annotations

from dataclasses import replace

from editor import edits
from editor.document import Document
from editor.entities import Agent, CameraEntity, EgoPath, Entity, Keyframe, OccupancyEdit, PaintLayer

SECONDS = 51.0


def edit(document: Document) -> Document:
    """Every time, and every span of frames, is stretched by one factor; what stands still stands still."""
    factor = SECONDS / document.duration_s
    slow = [_slower(entity, factor) for entity in document.entities.values()]
    ego = replace(document.ego, keyframes=_later(document.ego, factor))
    longer = edits.set_scene(name=f"{document.name}, slow", duration_s=SECONDS)(document)
    return replace(longer, ego=ego).with_entities(*slow)


def _slower(entity: Entity, factor: float) -> Entity:
    if isinstance(entity, (Agent, CameraEntity)):
        return replace(entity, keyframes=_later(entity, factor))
    if isinstance(entity, (PaintLayer, OccupancyEdit)) and entity.span is not None:
        first, last = entity.span
        return replace(entity, span=(round(first * factor), round((last + 1) * factor) - 1))
    return entity


def _later(moving: Agent | CameraEntity | EgoPath, factor: float) -> tuple[Keyframe, ...]:
    return tuple(replace(keyframe, time_s=keyframe.time_s * factor) for keyframe in moving.keyframes)
