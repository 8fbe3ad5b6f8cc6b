"""The examples of the open dialog: what each holds, and how it looks from above."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.workspace import files
from app.workspace.images import layout_png
from editor.clip import scene_clip
from editor.entities import Agent, CameraEntity
from editor.files import project
from engine.spec.words import plural

if TYPE_CHECKING:
    from app.workspace.workspace import Workspace


def rows(workspace: Workspace) -> list[dict[str, object]]:
    """Every template: path, name of its file, title, what it holds in a few words, and the address of its picture."""
    found = []
    for entry in files.templates():
        title, about, picture = _told(Path(str(entry["path"])))
        found.append({**entry, "title": title, "about": about, "picture": f"/api/ws/{workspace.name}/image/{workspace.images.put(picture)}"})
    return found


@lru_cache(maxsize=16)
def _told(path: Path) -> tuple[str, str, bytes]:
    document = project.load(path)
    agents, cameras = len(list(document.of(Agent))), len(list(document.of(CameraEntity)))
    held = [plural(agents, "agent")] if agents else []
    about = " · ".join([f"{document.duration_s:g} s", *held, plural(cameras, "camera")])
    return document.name, about, layout_png(scene_clip(document, 0.0, 1, ()).layouts[0])
