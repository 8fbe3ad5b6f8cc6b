"""The big messages: a whole document, what changed in one, and the takes that are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.workspace.text import CHANNEL_KEYS, EXPORTS
from editor.clip import frame_count
from editor.commands import described
from editor.diff import diff
from editor.document import Document
from editor.files.document_hash import document_hash
from editor.files.jsonform import entity_to_json
from editor.rigs import rig_names
from engine.presets import PRESETS, check, offered
from engine.spec.classes import AGENTS, CHANNEL_RGB, CHANNELS, CLASS_RGB, CLASSES, DEFAULT_SIZE_M
from engine.spec.grid import GRIDS
from engine.spec.looks import COLOURED, MODELS
from engine.views import registry

if TYPE_CHECKING:
    from app.workspace.workspace import Workspace


def document(workspace: Workspace) -> dict[str, object]:
    """Everything a page needs to start from nothing. Call with the workspace's lock held."""
    scene = workspace.document
    return {
        "type": "document", **_fields(scene), "notes": list(scene.notes), "ground": scene.ground is not None,
        "entities": [entity_to_json(entity) for entity in scene.entities.values()], "ego": entity_to_json(scene.ego),
        **_state(workspace),
        "channels": [
            {"name": name, "rgb": rgb, "key": CHANNEL_KEYS.get(name, ""), "agent": name in AGENTS}
            for name, rgb in zip(CHANNELS, CHANNEL_RGB.tolist(), strict=True)
        ],
        "classes": [{"name": name, "rgb": CLASS_RGB[i].tolist()} for i, name in enumerate(CLASSES)],
        "sizes": {name: list(size) for name, size in DEFAULT_SIZE_M.items()},
        "models": {name: list(models) for name, models in MODELS.items()}, "coloured": list(COLOURED),
        "presets": [{"name": name, "views": PRESETS[check(name)].views} for name in dict.fromkeys((*offered(), workspace.config.preset))],
        "preset": workspace.config.preset,
        "view_models": [
            {"name": name, "description": words, "takes_anchors": registry.entry(name).takes_anchors} for name, words in registry.runnable().items()
        ],
        "commands": described(), "exports": [{"name": name, "title": title} for name, title in EXPORTS.items()],
        "rigs": list(rig_names()), "viser_url": f"/viser/{workspace.name}/",
        "problems": workspace.screen.problems, "workspace": workspace.name, "frame": workspace.frame,
        "session": workspace.session_name, "untouched": _untouched(workspace), "heard": workspace.heard.facts(),
    }  # fmt: skip


def patch(workspace: Workspace, before: Document) -> dict[str, object]:
    """What changed since `before`, found by identity: unchanged entities are the same objects. Call with the lock held."""
    after = workspace.document
    changes = diff(before, after)
    message: dict[str, object] = {
        "type": "patch", **_state(workspace), "removed": list(changes.removed),
        "set": [entity_to_json(after.entities[name]) for name in (*changes.changed, *changes.added)],
    }  # fmt: skip
    if changes.reordered:
        message["order"] = list(after.entities)
    if "ego" in changes.fields:
        message["ego"] = entity_to_json(after.ego)
    if changes.fields - {"ego"}:
        message["fields"] = _fields(after)
    return message


def take(workspace: Workspace) -> dict[str, object]:
    """The takes that are shown. Call with the lock held."""
    if workspace.shown is None:
        return {"type": "take", "id": None}
    front, *behind = ({
        "id": take.id, "name": take.path.name, "path": str(take.path), "frames": take.frames, "start_frame": take.start_frame, "stage": take.stage,
        "stale": take.is_stale(workspace.document), "broken_off": take.broken_off,
        "seed": take.recipe.seed, "occupancy": take.recipe.occupancy, "views": take.recipe.views,
        "filmed": list(take.filmed),
    } for take in workspace.shelf.takes)  # fmt: skip
    return {"type": "take", **front, "behind": behind}


def _untouched(workspace: Workspace) -> str:
    """Hash of the document where nothing was done in it that a draft or a file would hold, else empty."""
    session = workspace.session
    return "" if session.dirty or session.undo_steps or session.can_redo else document_hash(session.document)


def _fields(scene: Document) -> dict[str, object]:
    grid = GRIDS[scene.grid]
    return {
        "grid": {"name": grid.name, "shape": list(grid.shape), "voxel_m": grid.voxel_m, "origin_m": list(grid.origin_m)},
        "name": scene.name,
        "duration_s": scene.duration_s,
        "frames": frame_count(scene),
        "prompt": scene.prompt,
    }


def _state(workspace: Workspace) -> dict[str, object]:
    session = workspace.session
    return {
        "rev": workspace.rev, "selection": list(session.selection), "dirty": session.dirty,
        "saved_path": str(workspace.saved_path) if workspace.saved_path is not None else None,
        "can_undo": session.can_undo, "can_redo": session.can_redo, "edits": workspace.edits,
        "undo_steps": session.undo_steps, "undo_limit": session.undo_limit, "undo_at_depth": session.undo_at_depth,
    }  # fmt: skip
