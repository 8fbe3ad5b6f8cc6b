"""What the page asks of files: save, open, new, import, restore, show a take. Each raises one sentence where it cannot."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.server.exports import export
from app.workspace import examples, files, unsaved
from app.workspace.dropped import SCENE_FILE
from app.workspace.workspace import Send, Workspace
from editor.document import Document, EditError
from editor.files import project, recovery
from editor.files.recovery import Draft
from editor.formats import FORMATS, SeveralScenes, import_scene
from engine.spec.words import plural

Message = Mapping[str, Any]


def save(workspace: Workspace, message: Message, send: Send) -> None:
    with workspace.lock:
        document, known = workspace.document, workspace.saved_path
    given = message.get("path")
    path = known if given is None and known is not None else files.project_to_save(given, document.name, workspace.config)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Outside the lock: documents do not change, and strokes go on while a big one is written.
    project.save(document, path)
    workspace.saved_to(path, document)


def open_project(workspace: Workspace, message: Message, send: Send) -> None:
    path = files.project_to_open(message.get("path", ""), workspace.config)
    document = project.load(path)
    ours = path.is_relative_to(files.TEMPLATES.resolve())
    workspace.replace(document, path=None if ours else path, saved=True)
    _tell_others(workspace, send)
    if not ours and (folder := files.take_of(document, workspace.config)) is not None:
        workspace.show_take(folder)


def new(workspace: Workspace, message: Message, send: Send) -> None:
    template = message.get("template")
    if template is None:
        workspace.replace(Document(), path=None, saved=True)
        _tell_others(workspace, send)
    else:
        open_project(workspace, {"path": str(files.TEMPLATES / f"{Path(str(template)).stem}{files.SUFFIX}")}, send)


def import_log(workspace: Workspace, message: Message, send: Send) -> None:
    name = str(message.get("format", ""))
    source = files.source_to_import(message.get("source", ""), workspace.config)
    send({"type": "notice", "level": "info", "text": f"Reading {source.name} as '{name}': the scene opens when it is read."})
    began = time.monotonic()
    if name == SCENE_FILE:
        document, said = project.load(source), f"Opened a copy of {source}: save it to keep it in the workspace."
    else:
        try:
            document, report = import_scene(
                name, source, start_s=_seconds(message, "start_s") or 0.0, duration_s=_seconds(message, "duration_s"),
                map_path=files.source_to_import(message["map"], workspace.config) if message.get("map") else None,
                scene_name=str(message["scene"]) if message.get("scene") else None,
            )  # fmt: skip
        except SeveralScenes as several:
            send({"type": "scenes", "asked": dict(message), "options": [list(row) for row in several.scenes.items()]})
            return
        said = summary(document, report)
    workspace.replace(document, path=None, saved=False)
    _tell_others(workspace, send)
    workspace.log.info("imported %s as %s in %.1f s", source, name, time.monotonic() - began)
    send({"type": "notice", "level": "info", "text": said})


def _tell_others(workspace: Workspace, me: Send) -> None:
    workspace.tell_others(me, f"Another tab of this scene opened '{workspace.document.name}' here: unsaved work of before is under Open, as a draft.")


def summary(document: Document, report: object) -> str:
    """One sentence about what came in and what did not."""
    dropped = len(getattr(report, "dropped", ()))
    tail = f"; {plural(dropped, 'kind')} of things could not be kept, see the scene's notes" if dropped else ""
    return f"Imported '{document.name}': {plural(len(document.entities), 'element')} over {document.duration_s:.1f} s{tail}."


def list_files(workspace: Workspace, message: Message, send: Send) -> None:
    config = workspace.config
    send({
        "type": "files", "projects": files.projects(config), "templates": examples.rows(workspace), "takes": files.takes(config),
        "recovery": unsaved.rows(workspace),
        "formats": [
            *({"name": name, "title": one.title, "source": one.source, "scenes": one.has_scenes} for name, one in FORMATS.items()),
            {"name": SCENE_FILE, "title": "AnyScene project", "source": "an .anyscene file, anywhere on this machine", "scenes": False},
        ], "workspace": str(config.workspace),
    })  # fmt: skip


def show_take(workspace: Workspace, message: Message, send: Send) -> None:
    workspace.show_take(files.take_folder(message.get("path", ""), workspace.config))


def carry_on(workspace: Workspace, message: Message, send: Send) -> None:
    workspace.carry_on(files.take_folder(message.get("path", ""), workspace.config))


def restore(workspace: Workspace, message: Message, send: Send) -> None:
    found = _draft(workspace, message)
    # The project that it is a draft of is left as it is until the user saves.
    workspace.resume(found, recovery.restore(found))
    workspace.tell_others(send, f"Another tab of this scene restored '{workspace.document.name}'.")


def discard_draft(workspace: Workspace, message: Message, send: Send) -> None:
    recovery.discard(_draft(workspace, message))
    list_files(workspace, message, send)


def _draft(workspace: Workspace, message: Message) -> Draft:
    which = message.get("which")
    found = next((draft for draft in recovery.drafts(workspace.config.drafts) if draft.path == which), None)
    if found is None:
        raise EditError("That draft is not there any more: choose another one.")
    return found


def decline(workspace: Workspace, message: Message, send: Send) -> None:
    """Go on without what was offered, with the scene that a first start shows; the drafts stay in the list of files."""
    if workspace.rev == 0:
        workspace.replace(files.first_document(workspace.config), path=None, saved=True, chosen=False)


def offer_recovery(workspace: Workspace, send: Send) -> None:
    """Tell a page that arrives at an untouched workspace of work that an earlier run left unsaved."""
    if workspace.rev == 0 and (found := unsaved.rows(workspace, earlier=True)):
        send({"type": "recovery", "drafts": found})
    elif workspace.found_again:
        workspace.found_again = False
        if others := len(unsaved.of_earlier_runs(recovery.drafts(workspace.config.drafts))):
            send({"type": "notice", "level": "info", "text": f"Unsaved work of before is under Open: {plural(others, 'draft')}."})


def _seconds(message: Message, key: str) -> float | None:
    value = message.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise EditError(f"'{key}' must be seconds from 0, not {value!r}.")
    return float(value)


HANDLERS: dict[str, Callable[[Workspace, Message, Send], None]] = {
    "save": save,
    "open": open_project,
    "new": new,
    "import": import_log,
    "export": export,
    "restore": restore,
    "decline": decline,
    "discard_draft": discard_draft,
    "list_files": list_files,
    "show_take": show_take,
    "carry_on": carry_on,
}
