"""One take, from Document to folder. The command line runs it in process, the studio in its worker process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from app.basis import Basis
from editor.clip import scene_clip
from editor.document import Document, EditError
from editor.entities import OccupancyEdit
from engine.api import TAKE_PIXELS, Buffers, Cancelled, Engine, OccupancyFrame, Picture, Recipe
from engine.render.edits import apply_occupancy_edits
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert
from engine.spec.grid import RATE_HZ
from engine.write import TakeWriter

STAGES = ("layout", "occupancy", "buffers", "video")
"""In order; a take made `until` one of them has all those before it."""

Progress = Callable[[str, int, int], None]
"""Called as progress(stage, done, total) before a stage's first piece (done 0) and after each: a piece is a frame of the scene
('layout', 'occupancy'), or one camera at one frame ('buffers', 'video')."""


class TakeCancelled(Exception):
    """The work was called off. What was finished is in `folder`, which opens as a shorter take."""

    def __init__(self, folder: Path, frames: int) -> None:
        super().__init__(f"Cancelled after {frames} finished frames, which are kept in {folder}.")
        self.folder = folder
        self.frames = frames


def _quiet(stage: str, done: int, total: int) -> None:
    pass


def make_take(
    document: Document,
    out: Path,
    *,
    engine: Engine,
    recipe: Recipe,
    until: str = "video",
    start_s: float = 0.0,
    frames: int = 16,
    cameras: Sequence[str] | None = None,
    basis: Basis | None = None,
    progress: Progress = _quiet,
    cancelled: Cancelled = lambda: False,
    on_frame: Callable[[OccupancyFrame], None] | None = None,
    on_picture: Callable[[Picture], None] | None = None,
) -> Path:
    """Write one take to folder `out` and return it; every frame is on disk before the next is computed.

    `frames` frames at 12 Hz from `start_s` seconds; `cameras` are names (None: every enabled camera). `on_frame` gets each
    frame with the occupancy edits on it, `on_picture` each picture, both after it is on disk. With a `basis` the take starts with
    frames of an older one, where that one started; every picture is drawn anew, so that a video is of one piece.
    Raises ValueError (one sentence) for a request that makes no sense, TakeCancelled where `cancelled()` said so.
    """
    _check(until, start_s, frames)
    seconds: dict[str, float] = {}
    with _timed("layout", seconds):
        clip = scene_clip(document, start_s, frames, cameras) if basis is None else basis.clip(document, frames, cameras)
        start_s, frames = clip.start_s, len(clip)
        clip = replace(clip, cameras=tuple(camera.within(TAKE_PIXELS) for camera in clip.cameras))
        if until in ("buffers", "video") and not clip.cameras:
            raise EditError(
                f"Scene '{document.name}' has no enabled camera to render '{until}' from: add a camera or a rig, or stop at 'occupancy'."
            )
        facts = {**engine.recipe_facts, "scene": document.name, "start_s": start_s, "until": until}
        writer = TakeWriter(out, clip, {**asdict(recipe), **facts, **(basis.facts() if basis is not None else {})})
        writer.stage("layout")
    progress("layout", frames, frames)
    made: list[OccupancyFrame] = []
    early = until == "video" and engine.draws_frame_by_frame

    def occupancy() -> Iterator[OccupancyFrame]:
        kept: OccupancyFrame | None = None
        for kept in basis.occupancy() if basis is not None else ():
            if cancelled():
                return
            yield kept
        for frame in engine.occupancy(clip, recipe, cancelled, kept):
            yield edited(frame, document, clip)

    def draw(frames_to_draw: list[OccupancyFrame]) -> Iterator[None]:
        with _timed("video", seconds):
            for picture in engine.views(clip, frames_to_draw, recipe, cancelled):
                writer.add_picture(picture)
                if on_picture is not None:
                    on_picture(picture)
                yield

    def stop_if_cancelled() -> None:
        if cancelled():
            writer.finish(_in_order(seconds))
            raise TakeCancelled(out, len(made))

    if until != "layout":
        stop_if_cancelled()
        progress("occupancy", 0, frames)
        with _timed("occupancy", seconds):
            for frame in occupancy():
                writer.add_occupancy(frame)
                made.append(frame)
                if on_frame is not None:
                    on_frame(frame)
                progress("occupancy", len(made), frames)
                if early and len(made) == 1:
                    # A person judges the look by the first surround picture: it comes before the other frames.
                    for _ in draw(made):
                        pass
        seconds["occupancy"] = round(seconds["occupancy"] - seconds.get("video", 0.0), 3)
        stop_if_cancelled()
        writer.stage("occupancy")
    if until in ("buffers", "video"):
        total = frames * len(clip.cameras)
        progress("buffers", 0, total)
        with _timed("buffers", seconds):
            for done, (name, index, pieces) in enumerate(_buffers(engine, clip, made), start=1):
                writer.add_buffers(name, index, pieces)
                progress("buffers", done, total)
                stop_if_cancelled()
        writer.stage("buffers")
    if until == "video":
        total = frames * len(clip.cameras)
        drawn = len(clip.cameras) if early else 0
        progress("video", drawn, total)
        for done, _ in enumerate(draw(made[1:] if early else made), start=drawn + 1):
            progress("video", done, total)
        stop_if_cancelled()
        writer.stage("video")
    writer.finish(_in_order(seconds))
    return out


def edited(frame: OccupancyFrame, document: Document, clip: SceneClip) -> OccupancyFrame:
    """One generated frame with the document's occupancy edits replayed on top, those whose span holds it."""
    at = round(clip.start_s * RATE_HZ) + frame.index
    semantics, instances = apply_occupancy_edits(
        frame.semantics, frame.instances, document.of(OccupancyEdit), at, clip.grid, clip.world_SE3_ego[frame.index]
    )
    return replace(frame, semantics=semantics, instances=instances)


def _check(until: str, start_s: float, frames: int) -> None:
    if until not in STAGES:
        raise EditError(f"A take cannot be made until '{until}': choose one of {', '.join(STAGES)}.")
    if frames < 1:
        raise EditError(f"A take of {frames} frames has nothing in it: ask for at least 1.")
    if not start_s >= 0:
        raise EditError(f"A take cannot start at {start_s} s: the scene starts at 0 s.")


def _buffers(engine: Engine, clip: SceneClip, frames: list[OccupancyFrame]) -> Iterator[tuple[str, int, Buffers]]:
    ego0_SE3_world = invert(clip.world_SE3_ego[0])
    for frame in frames:
        ego0_SE3_ego = ego0_SE3_world @ clip.world_SE3_ego[frame.index]
        for number, camera in enumerate(clip.cameras):
            yield camera.name, frame.index, engine.buffers(frame, camera, clip.grid, clip.camera_pose(frame.index, number), ego0_SE3_ego)


def _in_order(seconds: dict[str, float]) -> dict[str, float]:
    return {stage: seconds[stage] for stage in STAGES if stage in seconds}


@contextmanager
def _timed(stage: str, seconds: dict[str, float]) -> Iterator[None]:
    """Wall-clock seconds of a stage, also of one that was cut short or done in two parts."""
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = round(seconds.get(stage, 0.0) + time.perf_counter() - start, 3)
