"""From the Document to what engines and views take, and back: requests, shots of one frame, and the take that is shown."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.basis import Basis
from app.conditions import Conditions
from app.config import AppConfig
from app.jobs import Job
from app.protocol import FrameMade, jpeg, pack, unpack
from app.request import SEEN, STAGES, TakeRequest
from app.take_maker import edited
from editor.clip import frame_count, scene_clip
from editor.document import Document, EditError
from editor.entities import CameraEntity
from editor.files.jsonform import document_hash
from engine.api import OccupancyFrame, Picture, Recipe
from engine.presets import load_occupancy, recipe, recipe_of
from engine.spec.clip import SceneClip
from engine.spec.grid import RATE_HZ
from engine.views import registry

if TYPE_CHECKING:
    from engine.spec.take import Take

MOST_FRAMES = 1200
"""100 s in one take; more is a slip of the finger."""


def take_request(document: Document, message: Mapping[str, object], config: AppConfig, shown: ShownTake | None = None) -> TakeRequest:
    """A `generate` message as a request; with `from_frame` it goes on from that frame of the take that is `shown`, with `seen_anew` it is that
    take with its pictures made anew.

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
        start, frames, basis = _seen_anew(shown)
    if not 1 <= frames <= MOST_FRAMES:
        raise EditError(f"A take of {frames} frames cannot be made: ask for 1 to {MOST_FRAMES}.")
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
    return TakeRequest(document, out, asked, until, start / RATE_HZ, frames, cameras, basis)


def _seen_anew(shown: ShownTake | None) -> tuple[int, int, Basis]:
    """First frame and number of frames of the take shown, all of which are kept, to be seen anew."""
    if shown is None or not all(shown.holds(shown.start_frame + index) for index in range(shown.frames)):
        raise EditError("No finished take is shown whose pictures could be made anew: generate one, or wait for it.")
    return shown.start_frame, shown.frames, Basis(shown.path, shown.frames, seen_anew=True)


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


@dataclass(eq=False)
class ShownTake:
    """The take under the playhead: one that is being made (filled by the worker's answers), or one opened from disk."""

    id: str
    path: Path
    start_frame: int
    frames: int
    document: Document | None
    """What it was made from; None where it was opened from disk and nobody knows."""
    recipe: Recipe
    stage: str = "layout"
    made: dict[int, FrameMade] = field(default_factory=dict)
    pictures: dict[tuple[str, int], bytes] = field(default_factory=dict)
    disk: Take | None = None
    """Where it was opened from disk."""
    document_hash: str = ""
    """What its folder says that it was made from."""

    @staticmethod
    def of_job(job: Job) -> ShownTake:
        request = job.request
        # The frames that it keeps were made from another document: what each was made from is in its folder once it is finished.
        document = request.document if request.basis is None else None
        return ShownTake(
            job.id, request.out, request.start_frame, request.frames, document, request.recipe, document_hash=document_hash(request.document)
        )

    @staticmethod
    def from_folder(path: Path) -> ShownTake:
        """Raises ValueError or OSError where the folder is no take."""
        from engine.spec.take import Take

        take = Take.open(path)
        told = take.info.get("recipe", {})
        start = round(float(told.get("start_s", 0.0)) * RATE_HZ)
        stage, made_from = str(take.info.get("stage", "")), str(told.get("document_hash", ""))
        return ShownTake(path.name, path, start, take.frame_count, None, recipe_of(told), stage, disk=take, document_hash=made_from)

    def is_stale(self, document: Document) -> bool:
        """Whether `document` is no longer what this take was made from."""
        if self.document is None:
            return self.document_hash != document_hash(document)
        return self.document is not document and self.document != document

    def holds(self, frame: int) -> bool:
        index = frame - self.start_frame
        return 0 <= index < self.frames if self.disk is not None else index in self.made

    def conditions(self, frame: int) -> Conditions | None:
        """What a frame of the timeline was made for, None where there is no such frame (yet)."""
        if not self.holds(frame):
            return None
        index = frame - self.start_frame
        if self.disk is not None:
            return Conditions(self.disk.layouts[index], tuple(self.disk.boxes[index]), self.disk.world_SE3_ego[index], self.disk.grid)
        return None if self.document is None else Conditions.of(scene_clip(self.document, frame / RATE_HZ, 1, ()))

    def packed(self, frame: int) -> FrameMade | None:
        """The generated frame as it travels to and from the worker, None where there is none (yet)."""
        if self.disk is None:
            return self.made.get(frame - self.start_frame)
        generated = self.occupancy(frame)
        return None if generated is None else pack(0, generated)

    def occupancy(self, frame: int) -> OccupancyFrame | None:
        """The generated occupancy at a frame of the timeline, None where there is none (yet)."""
        index = frame - self.start_frame
        if self.disk is not None and 0 <= index < self.frames:
            return OccupancyFrame(index, self.disk.semantics[index], self.disk.instances[index])
        made = self.made.get(index)
        return None if made is None else unpack(made)

    def picture(self, camera: str, frame: int) -> bytes | None:
        """The generated picture as JPEG, None where there is none (yet)."""
        if self.disk is not None and (camera, -1) not in self.pictures:
            self._decode(camera)
        return self.pictures.get((camera, frame - self.start_frame))

    def settle(self) -> None:
        """It is finished: from here on its folder says what each frame was made from. Raises TakeError where it cannot be read."""
        from engine.spec.take import Take

        self.disk = Take.open(self.path)
        self.document_hash = str(self.disk.info.get("recipe", {}).get("document_hash", ""))

    def _decode(self, camera: str) -> None:
        video = self.path / "video" / f"{camera}.mp4"
        self.pictures[camera, -1] = b""
        if not video.is_file():
            return
        import imageio.v3 as iio

        for index, rgb in enumerate(iio.imiter(video, plugin="FFMPEG")):
            self.pictures[camera, index] = jpeg(Picture(camera, index, rgb))


@dataclass(frozen=True, eq=False)
class Shot:
    """One moment, ready to be shown: where everything is and what fills the voxels."""

    document: Document
    frame: int
    clip: SceneClip
    """Of this one frame."""
    occupancy: OccupancyFrame
    source: str
    """'take' where it was generated, 'draft' where an edit was drawn into it, 'lift' where it was raised straight from the layout."""
    camera_ids: tuple[str, ...]
    take: ShownTake | None
    recipe: Recipe | None = None
    """Of a draft."""
    whole: bool = False
    """Of a draft: whether all of it, or all of a variant's region, was drawn with the steps of a take's frame."""
    base: tuple[FrameMade, Conditions] | None = None
    """Of a draft: the frame without the occupancy edits, and what it was drawn for."""

    def picture(self, camera: str) -> bytes | None:
        """A draft has none: the take's would show what was before the edit."""
        return self.take.picture(camera, self.frame) if self.take is not None and self.source != "draft" else None

    def drawn(self, made: FrameMade, recipe: Recipe, whole: bool) -> Shot:
        """The same moment with what the engine drew in place of its voxels, under the document's occupancy edits."""
        frame = unpack(made)
        occupancy = edited(OccupancyFrame(0, frame.semantics, frame.instances), self.document, self.clip)
        return replace(self, occupancy=occupancy, source="draft", recipe=recipe, whole=whole)


class ShotMaker:
    """Makes shots; lifts the layout where the take has no such frame."""

    def __init__(self) -> None:
        self._lifter = load_occupancy("fake")

    def shoot(self, document: Document, frame: int, take: ShownTake | None, cancelled: Callable[[], bool] = lambda: False) -> Shot | None:
        """The shot of one frame; None once `cancelled()`. Raises ValueError for a scene that cannot be shown."""
        clip = scene_clip(document, frame / RATE_HZ, 1, None)
        names = {entity.camera.name: entity.id for entity in document.of(CameraEntity)}
        ids = tuple(names.get(camera.name, "") for camera in clip.cameras)
        generated = take.occupancy(frame) if take is not None else None
        if generated is not None and generated.semantics.shape == clip.grid.shape:
            source, occupancy = "take", OccupancyFrame(0, generated.semantics, generated.instances)
        else:
            lifted = next(iter(self._lifter.occupancy(clip, Recipe("fake"), cancelled)), None)
            if lifted is None:
                return None
            source, occupancy = "lift", lifted
        # Edits of the occupancy show at once; on a take that has them already they change nothing.
        return Shot(document, frame, clip, edited(occupancy, document, clip), source, ids, take)
