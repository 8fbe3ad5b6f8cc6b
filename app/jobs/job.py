"""One job, or one draft: what was asked for and how far it is, the message that tells the page of it, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from app.jobs.errand import Errand
from app.jobs.protocol import Answer, Draw, FrameMade
from app.jobs.request import TakeRequest
from engine.spec.words import plural

LIVE = ("queued", "loading", "running")


@dataclass
class Job:
    """One request and how far it is. Only JobStore changes it."""

    id: str
    serial: int
    workspace: str
    request: TakeRequest | Errand
    state: str = "queued"
    stage: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    notes: tuple[str, ...] = ()
    """Sentences about a take that is made all the same."""
    frames_kept: int = 0
    """Occupancy frames on disk."""
    pictures_made: int = 0
    item: str = ""
    """Which of several that were asked for together it is, in a few words."""
    asked: str = ""
    """Names the asking, so that one that is repeated makes no second job."""
    created: float = field(default_factory=time.monotonic)
    started: float | None = None
    ended: float | None = None
    stage_started: float = 0.0
    work_started: float | None = None
    """Since the models are loaded."""
    cancelling: bool = False

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def seconds(self) -> float:
        """Spent on it so far, without the wait in the queue."""
        if self.started is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.started

    @property
    def of_take(self) -> bool:
        """Whether it makes a take."""
        return isinstance(self.request, TakeRequest)

    @property
    def stage_left_s(self) -> float | None:
        """Seconds left of the current stage at its pace so far; None where there is no pace yet."""
        if self.state != "running" or not self.done or self.done >= self.total:
            return None
        return (time.monotonic() - self.stage_started) / self.done * (self.total - self.done)

    def to_json(self, position: int = 0, left_s: float | None = None, starts_in_s: float | None = None, engine: str = "") -> dict[str, object]:
        """The `job` message. `position` is its place in the queue, 0 once it has left it; `left_s` what it needs yet, `starts_in_s` what those
        before it need, `engine` why the engine lets it wait."""
        request = self.request
        left_s = self.stage_left_s if left_s is None and not self.of_take else left_s
        return {
            "type": "job", "id": self.id, "kind": "take" if isinstance(request, TakeRequest) else request.kind, "workspace": self.workspace,
            "state": self.state, "stage": self.stage, "item": self.item,
            "frames_done": self.done, "frames_total": self.total, "frames_kept": self.frames_kept,
            "seconds": round(self.seconds, 2), "eta_s": _rounded(left_s), "starts_in_s": _rounded(starts_in_s), "position": position,
            "message": self.message, "engine": engine, "notes": list(self.notes), **_asked(request, self.frames_kept > 0 or self.state == "done"),
        }  # fmt: skip


def _asked(request: TakeRequest | Errand, there: bool) -> dict[str, object]:
    """What a `job` message says of what was asked for; `there` says whether any of it is on disk."""
    if isinstance(request, Errand):
        return {"scene": "", "name": request.take.name, "take": str(request.take), "out": str(request.out), "format": request.format, "recipe": None}
    return {
        "scene": request.document.name, "name": request.out.name, "take": str(request.out) if there else None,
        "recipe": {
            "occupancy": request.recipe.occupancy, "views": request.recipe.views, "seed": request.recipe.seed, "steps": request.recipe.steps,
            "until": request.until, "start_frame": request.start_frame, "frames": request.frames, "cameras": request.cameras,
            "prompt": request.document.prompt,
        },
    }  # fmt: skip


def kept_frames(count: int) -> str:
    """What became of the frames of a take that was broken off."""
    return f"{plural(count, 'finished frame', ('is', 'are'))} kept"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


Listener = Callable[[Job, dict[str, object], Answer | None], None]
"""Told of every change of a job in order: the job, its `job` message as of then, and the worker's answer where that was the
cause. Called on the store's own thread."""


Drawn = Callable[[FrameMade | None, str], None]
"""Told once of a draft that was not called off: the frame, or None and one sentence about why there is none. Called on the
store's own thread."""


@dataclass(eq=False)
class Draft:
    """One frame to draw for a workspace. Only JobStore changes it."""

    workspace: str
    request: Draw
    drawn: Drawn
    made: FrameMade | None = None
    called_off: bool = False
    """Nobody waits for it any more."""
