"""The takes that are shown: the newest in front, and behind it the longer ones, for the frames and pictures that it does not hold."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.jobs.carried_on import Asked
from app.jobs.conditions import Conditions
from app.jobs.job import Job
from app.jobs.protocol import FrameMade, jpeg, pack, unpack
from app.jobs.request import STAGES, TakeRequest
from editor.clip import scene_clip
from editor.document import Document
from editor.files.document_hash import document_hash
from engine.api import OccupancyFrame, Picture, Recipe
from engine.presets import recipe_of
from engine.spec.camera import Camera
from engine.spec.clip import SceneClip
from engine.spec.grid import RATE_HZ
from engine.spec.looks import AgentLook

if TYPE_CHECKING:
    from engine.spec.take import Take

REMEMBERED = 16
"""Frames of a take whose conditions are kept at hand, 0.6 MB each."""


@dataclass(frozen=True, eq=False)
class SeenFor:
    """What the pictures of one frame were made for, beside its voxels."""

    conditions: Conditions
    prompt: str
    cameras: Mapping[str, tuple[Camera, np.ndarray]]
    """Name -> the camera, and its ego_SE3_camera (4, 4) at this frame."""
    looks: Mapping[int, AgentLook]

    @staticmethod
    def of(clip: SceneClip) -> SeenFor:
        """Those of the first frame of a clip."""
        cameras = {camera.name: (camera, clip.camera_pose(0, number)) for number, camera in enumerate(clip.cameras)}
        return SeenFor(Conditions.of(clip), clip.prompt, cameras, clip.looks)

    def shows_the_same(self, other: SeenFor, camera: str) -> bool:
        """Whether one camera's picture, made for `other`, is a picture of this. Voxels are compared elsewhere."""
        if camera not in self.cameras or camera not in other.cameras or self.prompt != other.prompt:
            return False
        (one, pose), (two, other_pose) = self.cameras[camera], other.cameras[camera]
        looks = [{id: look for id, look in seen.looks.items() if look} for seen in (self, other)]
        # A view model may draw at another size than the camera's own.
        return looks[0] == looks[1] and np.allclose(_lens(one), _lens(two), atol=1e-3) and np.allclose(pose, other_pose, atol=1e-6)


def _lens(camera: Camera) -> tuple[float, ...]:
    return (camera.fx / camera.width, camera.fy / camera.height, camera.cx / camera.width, camera.cy / camera.height, *(camera.fisheye or (0.0,) * 4))


@dataclass(eq=False)
class ShownTake:
    """One take: being made (filled by the worker's answers), or opened from disk."""

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
    request: TakeRequest | None = None
    """What asked for it, where it is being made here."""
    broken_off: int = 0
    """Frames that it was to have, where it was cancelled, failed or killed on the way; 0 where it is whole or in the making."""
    _seen_for: OrderedDict[int, SeenFor] = field(default_factory=OrderedDict)

    @staticmethod
    def of_job(job: Job) -> ShownTake:
        request = job.request
        assert isinstance(request, TakeRequest), "an errand makes no take"
        # The frames that it keeps were made from another document: what each was made from is in its folder once it is finished.
        document = request.document if request.basis is None else None
        return ShownTake(
            job.id, request.out, request.start_frame, request.frames, document, request.recipe, document_hash=document_hash(request.document),
            request=request,
        )  # fmt: skip

    @staticmethod
    def from_folder(path: Path) -> ShownTake:
        """Raises ValueError or OSError where the folder is no take."""
        from engine.spec.take import Take

        take = Take.open(path)
        told = take.info.get("recipe", {})
        start = round(float(told.get("start_s", 0.0)) * RATE_HZ)
        stage, made_from, asked = str(take.info.get("stage", "")), str(told.get("document_hash", "")), Asked.of(take.info)
        return ShownTake(
            path.name, path, start, take.frame_count, None, recipe_of(told), stage, disk=take, document_hash=made_from,
            broken_off=0 if asked.whole else asked.frames or take.frame_count,
        )  # fmt: skip

    def is_stale(self, document: Document) -> bool:
        """Whether `document` is no longer what this take was made from. Its name is no part of that: nothing that a take holds depends on it."""
        if self.document is not None:
            return self.document is not document and self.document != replace(document, name=self.document.name)
        return self.document_hash != document_hash(document, self._scene)

    @property
    def _scene(self) -> str | None:
        """What the scene was called that it was made from; None where that was not kept."""
        if self.request is not None:
            return self.request.document.name
        return None if self.disk is None else self.disk.info.get("recipe", {}).get("scene")

    def holds(self, frame: int) -> bool:
        index = frame - self.start_frame
        return 0 <= index < self.frames if self.disk is not None else index in self.made

    @property
    def is_whole(self) -> bool:
        """Whether every frame of it is there."""
        return all(self.holds(self.start_frame + index) for index in range(self.frames))

    @property
    def filmed(self) -> tuple[str, ...]:
        """Names of the cameras that it has pictures of."""
        if self.disk is None:
            return tuple(dict.fromkeys(name for name, _ in self.pictures))
        return tuple(camera.name for camera in self.disk.cameras if (self.path / "video" / f"{camera.name}.mp4").is_file())

    def conditions(self, frame: int) -> Conditions | None:
        """What a frame of the timeline was made for, None where there is no such frame (yet)."""
        seen = self.seen_for(frame)
        return None if seen is None else seen.conditions

    def seen_for(self, frame: int) -> SeenFor | None:
        """What a frame's pictures were made for, None where there is no such frame (yet) or nobody knows."""
        if not self.holds(frame):
            return None
        if frame not in self._seen_for:
            found = self._find_seen_for(frame)
            if found is None:
                return None
            self._seen_for[frame] = found
            while len(self._seen_for) > REMEMBERED:
                self._seen_for.popitem(last=False)
        return self._seen_for[frame]

    def _find_seen_for(self, frame: int) -> SeenFor | None:
        index, disk = frame - self.start_frame, self.disk
        if disk is None:
            document = self.document if self.request is None else self.request.document
            seen = None if document is None else SeenFor.of(scene_clip(document, frame / RATE_HZ, 1, None))
            kept = self.request.basis.conditions(index) if self.request is not None and self.request.basis is not None else None
            return seen if seen is None or kept is None else replace(seen, conditions=kept)
        conditions = Conditions(disk.layouts[index], tuple(disk.boxes[index]), disk.world_SE3_ego[index], disk.grid)
        cameras = {camera.name: (camera, disk.ego_SE3_cameras[index, number]) for number, camera in enumerate(disk.cameras)}
        return SeenFor(conditions, str(disk.info.get("prompt", "")), cameras, disk.looks)

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
        self._seen_for.clear()
        self.document_hash = str(self.disk.info.get("recipe", {}).get("document_hash", ""))

    def _decode(self, camera: str) -> None:
        video = self.path / "video" / f"{camera}.mp4"
        self.pictures[camera, -1] = b""
        if not video.is_file():
            return
        import imageio.v3 as iio

        for index, rgb in enumerate(iio.imiter(video, plugin="FFMPEG")):
            self.pictures[camera, index] = jpeg(Picture(camera, index, rgb))


class Shelf:
    """The takes of one workspace that are shown, newest first. Not safe for several threads: its workspace's lock guards it."""

    def __init__(self) -> None:
        self.takes: tuple[ShownTake, ...] = ()

    @property
    def front(self) -> ShownTake | None:
        """The newest."""
        return self.takes[0] if self.takes else None

    @property
    def behind(self) -> tuple[ShownTake, ...]:
        """The others."""
        return self.takes[1:]

    def at(self, frame: int) -> ShownTake | None:
        """The newest that holds a frame of the timeline; the newest of all where none does."""
        return next((take for take in self.takes if take.holds(frame)), self.front)

    def of(self, take_id: str) -> ShownTake | None:
        """The one with that id."""
        return next((take for take in self.takes if take.id == take_id), None)

    def show(self, *takes: ShownTake) -> None:
        """These and no others, newest first."""
        self.takes = takes

    def arrive(self, take: ShownTake) -> None:
        """One that is being made: in front, frame by frame."""
        self.takes = (take, *self.takes)

    def finish(self, take: ShownTake) -> None:
        """It is done: what it covers goes; what is longer stays behind it."""
        older = self.takes[self.takes.index(take) + 1 :]
        covered = {other.id for other in older if _covers(take, other) and STAGES.index(other.stage) <= STAGES.index(take.stage)}
        self.takes = tuple(one for one in self.takes if one is take or one.id not in covered)

    def break_off(self, take: ShownTake) -> bool:
        """It was cancelled or failed: it goes where a longer one is behind it. Returns whether it went."""
        older = self.takes[self.takes.index(take) + 1 :]
        gone = any(_covers(other, take) for other in older)
        if gone:
            self.takes = tuple(one for one in self.takes if one is not take)
        return gone


def _covers(take: ShownTake, other: ShownTake) -> bool:
    """Whether a take holds every frame of the other's."""
    return all(take.holds(frame) for frame in range(other.start_frame, other.start_frame + other.frames))
