"""From what the page asks for to a TakeRequest, and to a folder for it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from app.config import AppConfig
from app.jobs.basis import Basis
from app.jobs.request import SEEN, STAGES, TakeRequest
from app.jobs.take_maker import undone_edits
from app.workspace import anchors
from app.workspace.shown import ShownTake
from editor.clip import frame_count
from editor.document import Document, EditError
from engine.api import Recipe
from engine.presets import recipe
from engine.spec.grid import RATE_HZ
from engine.spec.take import frames_on_disk
from engine.spec.words import plural
from engine.views import registry

MOST_FRAMES = 1200
"""100 s in one take; more is a slip of the finger."""


def take_request(document: Document, message: Mapping[str, object], config: AppConfig, shown: ShownTake | None = None) -> TakeRequest:
    """A `generate` message as a request; with `from_frame` it goes on from that frame of the take that is `shown`, with `seen_anew` it is that
    take with its pictures made anew. A take from the start remembers the world of the one shown (`_world`), but for `world` false.

    Raises ValueError (one sentence) where it makes no sense.
    """
    start = _whole(message, "start_frame", 0)
    last = frame_count(document) - 1
    if not 0 <= start <= last:
        raise EditError(f"Generation cannot start at frame {start}: the scene has frames 0 to {last}.")
    frames, basis = _whole(message, "frames", last + 1 - start), None
    if message.get("from_frame") is not None:
        start, frames, basis = _continued(_whole(message, "from_frame", 0), last, shown)
    elif message.get("seen_anew") is True:
        start, frames, basis = _seen_anew(shown, message)
    if not 1 <= frames <= MOST_FRAMES:
        raise EditError(f"A take of {plural(frames, 'frame')} cannot be made: ask for 1 to {MOST_FRAMES}.")
    until = _text(message, "until", "video")
    if until not in STAGES:
        raise EditError(f"A take cannot be made until '{until}': choose one of {', '.join(STAGES)}.")
    if basis is not None and basis.seen_anew and until not in SEEN:
        raise EditError(f"A take seen anew has nothing new until '{until}': ask for 'buffers' or 'video'.")
    names = message.get("cameras")
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise EditError("'cameras' must be a list of camera names, or null for every enabled camera.")
    steps = None if message.get("steps") is None else _whole(message, "steps", 0)
    if steps is not None and steps < 1:
        raise EditError(f"{steps} sampler steps make nothing: ask for at least 1, or leave the preset's own.")
    guidance = message.get("guidance")
    if guidance is not None and not isinstance(guidance, int | float):
        raise EditError(f"Guidance must be a number, not '{guidance}'.")
    views = _text(message, "views", "") or None
    weight = None if guidance is None else float(guidance)
    asked = recipe(_text(message, "preset", config.preset), views, seed=_whole(message, "seed", 0), steps=steps, guidance=weight)
    if until in SEEN:
        registry.check(asked.views)
    cameras = tuple(names) if names is not None else None
    out = free_folder(config.takes, document.name)
    given = anchors.named(message.get("anchors"), asked.views, config) if until == "video" else {}
    world = _world(document, shown, asked) if message.get("world") is not False and basis is None and until != "layout" else None
    return TakeRequest(document, out, asked, until, start / RATE_HZ, frames, cameras, basis, anchors=given, world=world)


def _world(document: Document, shown: ShownTake | None, asked: Recipe) -> Path | None:
    """The take whose world goes on: the one shown, once it is whole, by the same occupancy model and seed. Another seed is another world, and so is one
    without an edit of the occupancy that was undone since."""
    if shown is None or (shown.recipe.occupancy, shown.recipe.seed) != (asked.occupancy, asked.seed):
        return None
    whole = shown.is_whole and frames_on_disk(shown.path) == shown.frames
    return shown.path if whole and not undone_edits(shown.path, document) else None


def _seen_anew(shown: ShownTake | None, message: Mapping[str, object]) -> tuple[int, int, Basis]:
    """First frame and number of frames of the take shown, all of which are kept, to be seen anew: all of it, or the cameras and frames named."""
    if shown is None or not shown.is_whole:
        raise EditError("No finished take is shown whose pictures could be made anew: generate one, or wait for it.")
    cameras, frames = message.get("only_cameras"), message.get("only_frames")
    if cameras is not None and not (isinstance(cameras, list) and cameras and all(isinstance(name, str) for name in cameras)):
        raise EditError("'only_cameras' must be a list of camera names, or null for all of them.")
    if frames is not None and not (isinstance(frames, list) and len(frames) == 2 and all(isinstance(one, int) for one in frames)):
        raise EditError("'only_frames' must be [first, last] of the timeline, or null for all frames.")
    span = None if frames is None else (frames[0] - shown.start_frame, frames[1] + 1 - shown.start_frame)
    basis = Basis(shown.path, shown.frames, None, True, None if cameras is None else tuple(cameras), span)
    return shown.start_frame, shown.frames, basis


def _continued(frame: int, last: int, shown: ShownTake | None) -> tuple[int, int, Basis]:
    """First frame and number of frames of a take that goes on from the one shown, and what it keeps of that one."""
    if shown is None or not shown.holds(frame - 1):
        raise EditError(f"Frame {frame} goes on from frame {frame - 1}, which the take shown does not hold: generate that one first.")
    end = shown.start_frame + shown.frames
    # From behind its last frame, a take that was cut short goes on to the end of the scene.
    end = end if frame < end else last + 1
    if frame >= end:
        raise EditError(f"Nothing comes from frame {frame} on: the scene has frames 0 to {last}, move the playhead back.")
    return shown.start_frame, end - shown.start_frame, Basis(shown.path, frame - shown.start_frame)


def _text(message: Mapping[str, object], key: str, default: str) -> str:
    value = message.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise EditError(f"'{key}' must be a text, not {value!r}.")
    return value


def _whole(message: Mapping[str, object], key: str, default: int) -> int:
    value = message.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise EditError(f"'{key}' must be a whole number, not {value!r}.")
    return int(value)


_given: set[Path] = set()
_giving = threading.Lock()


def free_folder(parent: Path, name: str) -> Path:
    """A folder for a take that nobody else was given; it is made by whoever writes to it."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "scene"
    stem = f"{slug}-{time.strftime('%Y%m%d-%H%M%S')}"
    with _giving:
        for number in range(1, 1000):
            folder = parent / (stem if number == 1 else f"{stem}-{number}")
            if folder not in _given and not folder.exists():
                _given.add(folder)
                return folder
    raise EditError(f"No free folder name is left under {parent}: tidy it up.")
