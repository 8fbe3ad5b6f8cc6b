"""How long work takes on this machine, learned from the takes that were made on it; nothing is guessed before one was."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.jobs.request import SEEN, TakeRequest
from editor.entities import CameraEntity

if TYPE_CHECKING:
    from app.jobs.job import Job

LEARNED_FROM = 24
"""Takes read at the start, the newest."""
OLD = 0.5
"""Weight of what was known when a new take is learned from."""
COMPILES = 10.0
"""A first piece that takes this many times as long as the others compiled kernels, once on this machine: it says nothing of the next take."""
UNDER_WAY = 0.9
"""Most of a first piece that is under way: it is not done."""
TRUST_S = 3.0
"""So much work of a running job weighs as much as what was known before it."""


class Pace:
    """Seconds a frame of each occupancy model, and seconds a picture of each view model. Not for several threads: its owner's lock guards it."""

    def __init__(self) -> None:
        self.frame_s: dict[str, float] = {}
        """By occupancy model, with its steps where they were asked for."""
        self.picture_s: dict[str, float] = {}
        """By view model."""
        self._alone: dict[str, float] = {}
        """The quickest single frame or picture of a model of which nothing else is known: the first of them may have compiled kernels."""

    def learn_from(self, takes: Path) -> None:
        """From the folder of takes, oldest first so that the newest has the last word."""
        found = sorted(takes.glob("*/take.json"), key=lambda path: path.stat().st_mtime)[-LEARNED_FROM:]
        for path in found:
            self.learn(path.parent)

    def learn(self, folder: Path) -> None:
        """From one finished take; of a folder that is none, or does not say, nothing is learned."""
        try:
            info = json.loads((folder / "take.json").read_text())
            cameras = len(json.loads((folder / "cameras.json").read_text()))
            self._learn(info, cameras)
        except (OSError, ValueError, TypeError, AttributeError):
            return

    def _learn(self, info: Mapping[str, Any], cameras: int) -> None:
        told, seconds, first = info.get("recipe", {}), info.get("seconds", {}), info.get("first_seconds", {})
        frames = int(info.get("frame_count", 0))
        made = frames - int(told.get("kept", {}).get("frames", 0))
        if made > 0 and "occupancy" in seconds:
            key = occupancy_key(str(told.get("occupancy")), told.get("steps"))
            self._take_in(self.frame_s, key, float(seconds["occupancy"]), float(first.get("occupancy", 0.0)), made)
        # A take that keeps pictures has drawn fewer of them than it holds, and says nothing about one picture.
        if frames and cameras and "video" in seconds and "kept_pictures" not in told:
            drawn = float(seconds["video"]) + float(seconds.get("buffers", 0.0))
            self._take_in(self.picture_s, str(told.get("views")), drawn, float(first.get("video", 0.0)), frames * cameras)

    def _take_in(self, known: dict[str, float], key: str, seconds: float, first_s: float, pieces: int) -> None:
        """Learn from so many pieces. Of a single one nobody can tell whether it compiled, but from what is known, or from a second one."""
        if pieces > 1:
            _blend(known, key, _each(seconds, first_s, pieces))
        elif key in known:
            if seconds <= COMPILES * known[key]:
                _blend(known, key, seconds)
        elif key in self._alone:
            known[key] = min(seconds, self._alone.pop(key))
        else:
            self._alone[key] = seconds

    def rates(self, request: TakeRequest) -> tuple[float | None, float | None]:
        """Seconds a frame and seconds a picture of a request, None where nothing is known. What is not made takes no time."""
        occupancy = self.frame_s.get(occupancy_key(request.recipe.occupancy, request.recipe.steps)) if request.makes_occupancy else 0.0
        views = self.picture_s.get(request.recipe.views) if request.until in SEEN else 0.0
        return occupancy, views

    def whole_s(self, request: TakeRequest) -> float | None:
        """Seconds that a take will need, None where nothing is known of its models yet."""
        frame_s, picture_s = self.rates(request)
        if frame_s is None or picture_s is None:
            return None
        frames, pictures = work(request)
        return frames * frame_s + pictures * picture_s

    def left_s(self, job: Job) -> float | None:
        """Seconds that a job still needs: what is known at first, its own pace more and more, none at its end."""
        request = job.request
        if not isinstance(request, TakeRequest):
            return None
        if job.state == "queued":
            return self.whole_s(request)
        frames, pictures = work(request)
        kept = request.frames - frames
        made, drawn = max(0, job.frames_kept - kept), job.pictures_made
        frame_s, picture_s = self.rates(request)
        elapsed = 0.0 if job.work_started is None else time.monotonic() - job.work_started
        if frame_s is None or picture_s is None:
            # Nothing is known before: a frame and its pictures count as one piece each, once one of each is there to tell how long they take.
            share = (made + drawn) / max(1, frames + pictures)
            untold = (frames and not made) or (pictures and drawn < pictures / request.frames)
            return None if untold or share < 0.02 else elapsed / share - elapsed
        whole, done = frames * frame_s + pictures * picture_s, made * frame_s + drawn * picture_s
        if not done:
            # The first piece counts as far as it must have come by now, or it would look slower with every second of it.
            done = min(elapsed, UNDER_WAY * (frame_s if frames else picture_s))
        return max(0.0, (elapsed + TRUST_S) / (done + TRUST_S) * (whole - done))

    def message(self) -> dict[str, object]:
        """The `pace` message."""
        return {"type": "pace", "frame_s": dict(self.frame_s), "picture_s": dict(self.picture_s)}


def occupancy_key(occupancy: str, steps: int | None) -> str:
    """Under which an occupancy model's pace is kept."""
    return occupancy if steps is None else f"{occupancy}/{steps}"


def work(request: TakeRequest) -> tuple[int, int]:
    """(frames of occupancy, pictures) that a request makes."""
    frames = request.frames if request.until != "layout" else 0
    if request.basis is not None:
        frames -= min(request.basis.frames, request.frames)
    if request.until not in SEEN:
        return frames, 0
    cameras = [one.camera.name for one in request.document.of(CameraEntity) if one.enabled]
    drawn = len(cameras if request.cameras is None else request.cameras) * request.frames
    return frames, drawn


def _each(seconds: float, first_s: float, pieces: int) -> float:
    """Seconds a piece; without the first one where that compiled."""
    if pieces > 1 and first_s > COMPILES * (others := (seconds - first_s) / (pieces - 1)):
        return others
    return seconds / pieces


def _blend(known: dict[str, float], key: str, seconds: float) -> None:
    known[key] = seconds if key not in known else OLD * known[key] + (1 - OLD) * seconds
