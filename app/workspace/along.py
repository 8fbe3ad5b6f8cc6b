"""The take that is shown once more, along another path of the ego: its own occupancy, seen from there, and pictures of that (`resampled`)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.request import STAGES, TakeRequest
from app.jobs.take_maker import SCENE
from app.workspace.bridge import free_folder
from app.workspace.shown import ShownTake
from editor.document import Document, EditError
from editor.entities import CameraEntity, OccupancyEdit
from editor.files import project
from engine.presets import recipe
from engine.spec.grid import RATE_HZ
from engine.views import registry

if TYPE_CHECKING:
    from app.workspace.workspace import Workspace

PRESET = "resampled"


def world_of(workspace: Workspace) -> ShownTake:
    """The take whose street it is. Raises EditError where none is finished, or the scene is another than the take's but for the ego.

    Call with the lock held.
    """
    shown = workspace.shown
    if shown is None or not shown.is_whole or shown.stage == "layout":
        raise EditError("No finished take is shown that could be driven along another path: Generate makes one.")
    if not _shows(shown, workspace.document):
        raise EditError(f"The scene has changed since '{shown.path.name}' was made: undo that, or restore the take's scene in the Results.")
    if shown.recipe.views:
        registry.check(shown.recipe.views)
    return shown


def request(workspace: Workspace, shown: ShownTake) -> TakeRequest:
    """What makes it, for the scene that is open. Of a take that was seen along another path itself, the one behind it is the street."""
    asked = recipe(PRESET, shown.recipe.views or None, seed=shown.recipe.seed)
    until = shown.stage if shown.stage in STAGES else "occupancy"
    start_s, world = shown.start_frame / RATE_HZ, _first(shown, workspace.config.takes)
    return TakeRequest(workspace.document, free_folder(workspace.config.takes, workspace.document.name), asked, until, start_s, shown.frames, world=world)


def _shows(shown: ShownTake, document: Document) -> bool:
    """Whether a take is of this scene, whatever the ego, the cameras, the words and edits of the result."""
    made_of = shown.document
    if made_of is None:
        if not (shown.path / SCENE).is_file():
            return not shown.is_stale(document)
        made_of = project.load(shown.path / SCENE)
    return _street(made_of) == _street(document)


def _street(document: Document) -> Document:
    kept = {name: entity for name, entity in document.entities.items() if not isinstance(entity, CameraEntity | OccupancyEdit)}
    return replace(Document(), entities=kept, grid=document.grid, duration_s=document.duration_s, ground=document.ground)


def _first(shown: ShownTake, takes: Path) -> Path:
    if shown.recipe.occupancy != PRESET:
        return shown.path
    try:
        named = json.loads((shown.path / "take.json").read_text())["recipe"]["world"]["take"]
    except (OSError, ValueError, KeyError, TypeError):
        return shown.path
    behind = takes / Path(str(named)).name
    return behind if (behind / "take.json").is_file() else shown.path
