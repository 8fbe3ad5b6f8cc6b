"""A take that was broken off, and what would make it whole: asked of its own folder, so that a studio that was killed can go on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.jobs.basis import Basis, occupancy_digest
from app.jobs.request import SEEN, STAGES, TakeRequest
from app.jobs.take_maker import SCENE
from editor.clip import frame_count
from editor.document import EditError
from editor.files import project
from engine.presets import recipe_of
from engine.spec.grid import RATE_HZ
from engine.spec.take import Take, frames_on_disk


@dataclass(frozen=True, slots=True)
class Asked:
    """What a take was to become, and whether it did."""

    until: str
    frames: int
    """0 where its folder does not say."""
    whole: bool

    @staticmethod
    def of(info: Mapping[str, Any]) -> Asked:
        """Of the content of take.json."""
        told = info.get("recipe", {})
        until, frames = str(told.get("until", "")), int(told.get("frames", 0))
        # A take that was called off is closed well and keeps what is there: the stage that it has reached is not the one that was asked for.
        reached = until not in STAGES or info.get("stage") == until
        return Asked(until, frames, bool(info.get("finished")) and reached and int(info.get("frame_count", 0)) >= frames)


def asked_of(folder: Path) -> Asked:
    """Of a take's folder; one that cannot be read is taken for whole."""
    try:
        return Asked.of(json.loads((folder / "take.json").read_text()))
    except (OSError, ValueError, TypeError, AttributeError):
        return Asked("", 0, True)


def carried_on(folder: Path, out: Path, anchors: Mapping[str, Path] | None = None) -> TakeRequest:
    """The request of a take in `out` that keeps what `folder` has and makes what it lacks, of the scene that it was asked of.

    Frames of occupancy stay as they are. Where all are there, videos that are complete stay too; else every picture is drawn anew. A take that
    remembered another one's world is made from its start in that world again, which gives the same frames.
    `anchors` are files of the pictures that it began with. Raises EditError (one sentence) where nothing is missing, or its scene is.
    """
    asked = asked_of(folder)
    if asked.whole:
        raise EditError(f"Take '{folder.name}' is whole: there is nothing to continue.")
    if not (folder / SCENE).is_file():
        raise EditError(f"Take '{folder.name}' was made before takes kept their scene, so it cannot be continued: generate it again.")
    take, document = Take.open(folder), project.load(folder / SCENE)
    told = take.info.get("recipe", {})
    start_s = float(told.get("start_s", 0.0))
    frames = asked.frames or max(take.frame_count, frame_count(document) - round(start_s * RATE_HZ))
    has = min(frames_on_disk(folder), frames)
    until = asked.until if asked.until in STAGES else "video"
    cameras = tuple(camera.name for camera in take.cameras) if until in SEEN else None
    basis = None
    if has == frames and until in SEEN:
        missing = tuple(camera.name for camera in take.cameras if not _is_complete(folder / "video" / f"{camera.name}.mp4", frames))
        some = until == "video" and 0 < len(missing) < len(take.cameras)
        basis = Basis(folder, has, seen_anew=True, only_cameras=missing if some else None)
    world = None if basis is not None or until == "layout" else _world(folder, told)
    if has and basis is None and world is None:
        basis = Basis(folder, has)
    given = dict(anchors or {}) if until == "video" else {}
    return TakeRequest(document, out, recipe_of(told), until, start_s, frames, cameras, basis, anchors=given, world=world)


def _world(folder: Path, told: Mapping[str, Any]) -> Path | None:
    """The take beside `folder` whose world it remembered. EditError where that one is not there as it was."""
    world = told.get("world")
    if not isinstance(world, Mapping):
        return None
    beside = folder.parent / Path(str(world.get("take"))).name
    if not frames_on_disk(beside) or occupancy_digest(beside, Take.open(beside).frame_count) != world.get("sha256"):
        raise EditError(f"Take '{folder.name}' remembers the world of take '{beside.name}', which is not here as it was: generate it again.")
    return beside


def _is_complete(video: Path, frames: int) -> bool:
    """Whether a camera's video has every frame."""
    if not video.is_file():
        return False
    import imageio_ffmpeg

    try:
        return (imageio_ffmpeg.count_frames_and_secs(str(video))[0] or 0) >= frames
    except (OSError, RuntimeError):
        return False
