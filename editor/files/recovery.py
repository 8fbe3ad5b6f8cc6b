"""What a crash, or a close without saving, left behind: one draft per session, with its history."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from editor.document import Document, EditError
from editor.files import project
from editor.files.autosave import FORMAT, LOCK, PATTERN, STEPS, VERSION, is_held, is_ours, read_lock
from editor.files.migrations import closures_from_names
from editor.files.steps import apply_step
from editor.history import History, Step
from editor.session import Session


@dataclass(frozen=True, slots=True)
class Draft:
    """One session that may be restored."""

    path: str
    """Its base; the steps stand beside it."""
    owner: str
    """Who had it open."""
    saved_at: float
    """When it was written last, seconds since the epoch."""
    project_path: str | None
    """The project file that it is a draft of; None where that was never saved."""
    crashed: bool
    """Whether its studio ended without closing it."""
    ours: bool = False
    """Whether this very process wrote it."""
    open: bool = False
    """Whether its scene was open when its studio ended."""
    unsaved: bool = True
    """Whether it holds what its project file does not."""
    making: bool = False
    """Whether a take of it was under way."""

    @property
    def offered(self) -> bool:
        """Whether something would be lost without it."""
        return self.unsaved or self.making


@dataclass(frozen=True, slots=True)
class Recovered:
    """A draft, read."""

    session: Session
    """With its undo history, its selection, and what the project file holds."""
    unsaved: tuple[str, ...]
    """Labels of the steps that no file holds, oldest first."""
    unsaved_count: int
    """How many those are; more than there are labels where the oldest are kept no longer. Negative: so many saved steps were taken back."""
    facts: Mapping[str, Any]
    """What the app noted beside the document."""


def drafts(root: str | Path) -> list[Draft]:
    """Drafts worth offering, newest first, of every draft folder under `root` (and `root` itself).

    Left out: folders that a running studio still owns, and drafts with nothing that their project does not hold.
    """
    return [draft for draft in left_behind(root) if draft.offered]


def last_open(found: Iterable[Draft], owner: str) -> Draft | None:
    """What `owner` had open when its studio ended: of its drafts, newest first, the one written last; None where it left none."""
    return next((draft for draft in found if draft.owner == owner and draft.open), None)


def clear(found: Iterable[Draft], owner: str) -> None:
    """Deletes of these drafts those of `owner` that hold nothing but what their project files hold."""
    for draft in found:
        if draft.owner == owner and not draft.offered:
            discard(draft)


def left_behind(root: str | Path) -> list[Draft]:
    """Every draft that no running studio owns, newest first."""
    base, found = Path(root), list[Draft]()
    for folder in (base, *sorted(_folders(base))):
        lock = read_lock(folder) or {}
        path = max(folder.glob(PATTERN), default=None)
        if path is None or (lock and is_held(lock)):
            continue
        steps, named = path.with_suffix(STEPS), lock.get("project")
        project_path = named if isinstance(named, str) else None
        saved_at = _modified(steps) or _modified(path)
        if saved_at is None:
            continue
        crashed, was_open = bool(lock) and not lock.get("released"), lock.get("open") is True
        unsaved, making = _unsaved(steps, project_path, saved_at)
        found.append(Draft(str(path), str(lock.get("owner", "")), saved_at, project_path, crashed, is_ours(lock), was_open, unsaved, making))
    return sorted(found, key=lambda draft: (draft.saved_at, draft.path), reverse=True)


def restore(draft: Draft) -> Recovered:
    """The draft's session; the draft itself stays. What cannot be read of the steps ends them. Raises ProjectError for a base that is none."""
    path = Path(draft.path)
    documents, steps = [project.load(path)], []
    last: Mapping[str, Any] = {"first": 0, "at": 0, "saved": None}
    head, *records = _records(path.with_suffix(STEPS)) or [{}]
    for record in records:
        try:
            if not 0 <= record["keep"] <= len(steps):
                break
            changed, rows = steps[: record["keep"]], documents[: record["keep"] + 1]
            for row in record["steps"]:
                step = apply_step(rows[-1], row)
                changed.append(step)
                rows.append(step.after)
            saved = record["saved"]
            if not (0 <= record["first"] <= record["at"] < len(rows) and (saved is None or 0 <= saved < len(rows)) and isinstance(record["facts"], dict)):
                break
        except (EditError, KeyError, TypeError, IndexError):
            break
        steps, documents, last = changed, rows, record
    return _recovered(documents, steps, last, int(head.get("dropped", 0)))


def discard(draft: Draft) -> None:
    """Deletes a draft that nobody wants, with its folder where nothing else is in it. One that is gone already is fine."""
    path = Path(draft.path)
    for one in (path, path.with_suffix(STEPS)):
        one.unlink(missing_ok=True)
    tidy(path.parent.parent)


def tidy(root: str | Path) -> None:
    """Removes the draft folders under `root` that hold no draft and that nobody owns any more."""
    for folder in _folders(Path(root)):
        lock = read_lock(folder)
        if lock is not None and not is_held(lock) and all(path.name == LOCK or path.name.startswith(".") for path in folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)


def _recovered(documents: list[Document], steps: list[Step], last: Mapping[str, Any], dropped: int) -> Recovered:
    first, at, saved = last["first"], last["at"], last["saved"]
    history = History(done=steps[first:at], undone=steps[at:][::-1], dropped=dropped + first)
    session = Session(documents[at], history=history)
    session.select(last.get("selection", ()))
    if saved is None:
        session.mark_unsaved()
    else:
        session.mark_saved(documents[saved])
    since = 0 if saved is None else saved
    count = at - since + (dropped if saved is None else 0)
    return Recovered(session, tuple(step.label for step in steps[since:at]), count, last.get("facts", {}))


def _unsaved(steps: Path, project_path: str | None, saved_at: float) -> tuple[bool, bool]:
    """Whether something is lost without the draft, and whether a take was under way. One from before there were steps counts where it is newer
    than its project."""
    if (last := _last_record(steps)) is not None:
        unsaved = last.get("saved") != last.get("at") or (project_path is not None and not Path(project_path).is_file())
        return unsaved, bool(last.get("facts", {}).get("making"))
    project_saved = _modified(Path(project_path)) if project_path is not None else None
    return project_saved is None or saved_at > project_saved, False


def _records(path: Path) -> list[dict[str, Any]]:
    """The header and every record that can be read, up to the first that cannot; none where the header is of another version."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError:
        return []
    found = list(_parsed(lines))
    if not found or found[0].get("format") != FORMAT or found[0].get("version") not in (1, VERSION):
        return []
    if found[0]["version"] == 1:
        for step in (step for record in found[1:] for step in record.get("steps", ()) if isinstance(step, dict)):
            closures_from_names(step.get("set"))
    return found


def _last_record(path: Path) -> dict[str, Any] | None:
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError:
        return None
    return next((record for line in reversed(lines[1:]) for record in _parsed([line])), None)


def _parsed(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            return
        if not isinstance(record, dict):
            return
        yield record


def _folders(base: Path) -> list[Path]:
    try:
        return [path for path in base.iterdir() if path.is_dir()]
    except OSError:
        return []


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
