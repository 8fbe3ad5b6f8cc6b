"""What a crash left behind: drafts newer than the project they belong to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from editor.document import Document
from editor.files import project
from editor.files.autosave import PATTERN, is_held, read_lock


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft that may be restored."""

    path: str
    saved_at: float
    """Seconds since the epoch."""
    project_path: str | None
    """The project file that it is a draft of; None where that was never saved."""


def drafts(root: str | os.PathLike[str]) -> list[Draft]:
    """Drafts worth offering, newest first, of every draft folder under `root` (and `root` itself).

    Left out: folders that a running studio still owns, and drafts no newer than their project.
    """
    base = Path(root)
    found: list[Draft] = []
    for folder in (base, *sorted(path for path in _folders(base))):
        facts = read_lock(folder)
        if facts is not None and is_held(facts):
            continue
        named = facts.get("project") if facts is not None else None
        project_path = named if isinstance(named, str) else None
        saved = _modified(Path(project_path)) if project_path is not None else None
        for path in sorted(folder.glob(PATTERN)):
            at = _modified(path)
            if at is not None and (saved is None or at > saved):
                found.append(Draft(str(path), at, project_path))
    return sorted(found, key=lambda draft: (draft.saved_at, draft.path), reverse=True)


def restore(draft: Draft) -> Document:
    """The draft's document; the draft itself stays. Raises ProjectError."""
    return project.load(draft.path)


def discard(draft: Draft) -> None:
    """Deletes a draft that nobody wants. One that is gone already is fine."""
    Path(draft.path).unlink(missing_ok=True)


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
