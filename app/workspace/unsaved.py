"""Unsaved work of earlier runs, in words and pictures: what the restore card and the list of files show of a draft."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from app.workspace.images import layout_png
from editor.clip import frame_count, scene_clip
from editor.files import recovery
from editor.files.recovery import Draft
from engine.spec.grid import RATE_HZ
from engine.spec.take import frames_on_disk
from engine.spec.words import plural

if TYPE_CHECKING:
    from app.workspace.workspace import Workspace

MOST = 24
"""Drafts that are listed; older ones stay on disk."""
TOLD = 4
"""Kinds of steps that are named."""


@dataclass(frozen=True)
class Summary:
    """A draft as it is told of."""

    name: str
    lost: str
    """What would be lost without it, one sentence."""
    picture: bytes
    """PNG of its layout at the playhead."""
    takes: int
    """How many takes it showed that are still there."""


def of_earlier_runs(found: Iterable[Draft]) -> list[Draft]:
    """Of these drafts those worth offering that a run before this one left: what was put away in this one is known to whoever did it."""
    return [draft for draft in found if draft.offered and not draft.ours]


def rows(workspace: Workspace, earlier: bool = False) -> list[dict[str, object]]:
    """The drafts that may be restored (of earlier runs alone), those of this workspace first, then the newest."""
    found = recovery.drafts(workspace.config.drafts)
    found = of_earlier_runs(found) if earlier else found
    return [_row(workspace, draft) for draft in sorted(found[:MOST], key=lambda draft: draft.owner != workspace.name)]


def _row(workspace: Workspace, draft: Draft) -> dict[str, object]:
    try:
        told = _summary(draft, workspace.config.takes)
    except ValueError as damage:
        return {"path": draft.path, "name": Path(draft.path).parent.name, "modified": draft.saved_at, "crashed": draft.crashed, "lost": str(damage)}
    return {
        "path": draft.path, "name": told.name, "modified": draft.saved_at, "crashed": draft.crashed, "lost": told.lost,
        "takes": told.takes, "picture": f"/api/ws/{workspace.name}/image/{workspace.images.put(told.picture)}",
    }  # fmt: skip


@lru_cache(maxsize=2 * MOST)
def _summary(draft: Draft, takes: Path) -> Summary:
    """Raises ProjectError where the draft cannot be read."""
    found = recovery.restore(draft)
    document, frame = found.session.document, found.facts.get("frame", 0)
    frame = min(max(frame, 0), frame_count(document) - 1) if isinstance(frame, int) else 0
    picture = layout_png(scene_clip(document, frame / RATE_HZ, 1, ()).layouts[0])
    lost = _lost(found.unsaved, found.unsaved_count, draft.project_path)
    making = found.facts.get("making")
    if isinstance(making, dict):
        kept = frames_on_disk(takes / Path(str(making.get("take"))).name)
        lost += f" A take of {plural(int(making.get('frames', 0)), 'frame')} was under way, {kept} of them finished and kept."
    shown = [name for name in found.facts.get("takes", ()) if (takes / Path(str(name)).name / "take.json").is_file()]
    return Summary(document.name, lost, picture, len(shown))


def _lost(labels: Sequence[str], count: int, project_path: str | None) -> str:
    """In one sentence, the newest steps first."""
    since = "" if project_path is None else f" since {Path(project_path).name} was saved"
    if count < 0:
        return f"{plural(-count, 'step')} taken back{since}."
    if count == 0:
        return "All of it: it was imported and never saved." if project_path is None else f"Nothing changed{since}."
    runs = [(label, len(list(same))) for label, same in groupby(reversed(labels))]
    told = ", ".join(f"{label} ({times})" if times > 1 else label for label, times in runs[:TOLD])
    return f"{plural(count, 'unsaved step')}{since}: {told}{', …' if len(runs) > TOLD else ''}."
