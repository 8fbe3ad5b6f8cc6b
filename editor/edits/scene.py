"""Edits of the scene as a whole."""

from __future__ import annotations

from dataclasses import replace

from editor import check
from editor.document import Document, Edit, Ground


def set_scene(*, name: str | None = None, prompt: str | None = None, duration_s: float | None = None, grid: str | None = None) -> Edit:
    """Replaces what is given."""

    def edit(document: Document) -> Document:
        after = replace(
            document,
            name=document.name if name is None else name,
            prompt=document.prompt if prompt is None else prompt,
            duration_s=document.duration_s if duration_s is None else check.duration(duration_s),
            grid=document.grid if grid is None else grid,
        )
        unchanged = all(getattr(after, key) == getattr(document, key) for key in ("name", "prompt", "duration_s", "grid"))
        return document if unchanged else check.document(after)

    return edit


def set_ground(ground: Ground | None) -> Edit:
    """Replaces the ground heights."""
    if ground is not None:
        ground.height_m.setflags(write=False)
    return lambda document: document if ground is document.ground else replace(document, ground=ground)


def replace_scene(scene: Document) -> Edit:
    """Another scene in place of this one, as one undoable step: an import, a template, a reset."""
    return lambda document: scene
