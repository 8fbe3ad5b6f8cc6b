"""What a draft notes beside its document: the playhead, the takes that were shown, the one that is made, and what each page had asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.jobs.request import TakeRequest
from app.workspace.heard import Heard
from app.workspace.shown import ShownTake

if TYPE_CHECKING:
    from app.workspace.workspace import Workspace

log = logging.getLogger("anyscene.workspace")


@dataclass(frozen=True)
class Facts:
    """Of a session that goes on."""

    frame: int
    takes: tuple[ShownTake, ...]
    heard: Heard


def told(workspace: Workspace, jobs_here: set[str]) -> dict[str, object]:
    """As the draft holds them: names of take folders, newest first. Call with the lock held."""
    asked = [job.request for job in workspace.jobs.of(workspace.name) if job.live and job.id in jobs_here]
    making = [request for request in asked if isinstance(request, TakeRequest)]
    last = making[-1] if making else None
    return {
        "frame": workspace.frame,
        "takes": [take.path.name for take in workspace.shelf.takes],
        "making": None if last is None else {"take": last.out.name, "frames": last.frames, "until": last.until},
        "heard": workspace.heard.facts(),
    }


def read(facts: Mapping[str, Any], takes: Path) -> Facts:
    """Of `told`; takes that are gone from their folder are left out."""
    found = []
    for name in facts.get("takes", ()):
        try:
            found.append(ShownTake.from_folder(takes / Path(str(name)).name))
        except (ValueError, OSError) as damage:
            log.warning("the take %s is not shown again: %s", name, damage)
    frame = facts.get("frame", 0)
    return Facts(frame if isinstance(frame, int) else 0, tuple(found), Heard.from_facts(facts.get("heard")))
