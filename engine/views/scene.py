"""What a view model is given: the clip, and its frames and voxel buffers read when they are asked for.

Nothing here holds more than a few frames, so memory does not grow with the length of a take.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from engine.api import Buffers, OccupancyFrame, Recipe
from engine.render.buffers import render_buffers
from engine.render.raycast import Volume
from engine.spec.camera import Camera
from engine.spec.clip import SceneClip
from engine.spec.frames import FrameReader
from engine.spec.geometry import invert
from engine.spec.take import Take

PICTURE_PIXELS = 448 * 256
"""Largest picture of the view models that have no size of their own: a camera with more is drawn with the same field of view at about this many."""
FRAMES_REMEMBERED = 2
PIXELS_REMEMBERED = 2**20
"""Of buffers: nine cameras of 448 x 256, 60 MB."""
Read = Callable[[int], OccupancyFrame]
Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class ViewScene:
    """One take as a view model sees it. Not for several threads at once: the model's own loop owns it."""

    def __init__(
        self,
        clip: SceneClip,
        recipe: Recipe,
        read: Read,
        *,
        reference: Mapping[str, np.ndarray] = MappingProxyType({}),
        given: Mapping[str, Callable[[int], np.ndarray]] = MappingProxyType({}),
        on_cast: Callable[[int, int, Buffers], None] | None = None,
    ) -> None:
        """`read(index)` gives a frame that has arrived. `on_cast(index, camera, buffers)` is told of every camera that is cast, at once."""
        self.clip = clip
        """Its cameras have the size at which they are drawn."""
        self.recipe = recipe
        self.reference = reference
        """Name -> uint8 (H, W, 3): pictures of how it is to look."""
        self.given = given
        """Camera's name -> its finished picture uint8 (H, W, 3) by frame: views to keep as they are, and to agree with."""
        self._read, self._on_cast = read, on_cast
        self._frames: OrderedDict[int, OccupancyFrame] = OrderedDict()
        self._volumes: OrderedDict[int, Volume] = OrderedDict()
        self._buffers: OrderedDict[tuple[int, int], Buffers] = OrderedDict()
        self._ego0_SE3_world = invert(clip.world_SE3_ego[0])

    @property
    def cameras(self) -> tuple[Camera, ...]:
        return self.clip.cameras

    @property
    def prompt(self) -> str:
        return self.clip.prompt

    @property
    def seed(self) -> int:
        return self.recipe.seed

    def __len__(self) -> int:
        """Frames of the clip, arrived or not."""
        return len(self.clip)

    def frame(self, index: int) -> OccupancyFrame:
        """One frame of occupancy, the occupancy edits on it. Treat its arrays as read-only."""
        return _remembered(self._frames, index, lambda: self._read(index), FRAMES_REMEMBERED)

    def volume(self, index: int) -> Volume:
        """One frame of occupancy, ready for rays."""

        def build() -> Volume:
            frame = self.frame(index)
            return Volume.from_dense(frame.semantics, self.clip.grid, frame.instances)

        return _remembered(self._volumes, index, build, FRAMES_REMEMBERED)

    def ego0_SE3_ego(self, index: int) -> np.ndarray:
        """float64 (4, 4): from the ego frame of frame `index` into that of frame 0."""
        return self._ego0_SE3_world @ self.clip.world_SE3_ego[index]

    def buffers(self, index: int, camera: int) -> Buffers:
        """Voxel buffers of one camera (by number) at one frame: the same ones that the take has on disk, cast once for both."""

        def cast() -> Buffers:
            pose = self.clip.camera_pose(index, camera)
            seen = render_buffers(self.volume(index), None, self.clip.grid, self.cameras[camera], pose, self.ego0_SE3_ego(index))
            if self._on_cast is not None:
                self._on_cast(index, camera, seen)
            return seen

        pixels = max(one.width * one.height for one in self.cameras)
        return _remembered(self._buffers, (index, camera), cast, max(1, PIXELS_REMEMBERED // pixels))


def _remembered(known: OrderedDict[Key, Item], key: Key, make: Callable[[], Item], most: int) -> Item:
    """`known[key]`, made where it is not known; the oldest of more than `most` is forgotten."""
    if key in known:
        known.move_to_end(key)
    else:
        known[key] = make()
        while len(known) > most:
            known.popitem(last=False)
    return known[key]


def frames_from(folder: Path) -> Read:
    """`read` of a ViewScene from the take in `folder`, finished or still written."""
    reader = FrameReader(folder)
    return lambda index: OccupancyFrame(index, *reader.read(index))


def clip_of(take: Take, prompt: str, size: Callable[[Camera], Camera] = lambda camera: camera) -> SceneClip:
    """The clip that a take on disk was made of, under a prompt; `size` is the view model's."""
    return SceneClip(
        take.layouts,
        tuple(tuple(boxes) for boxes in take.boxes),
        take.world_SE3_ego,
        tuple(size(camera) for camera in take.cameras),
        take.ego_SE3_cameras,
        take.grid,
        prompt,
        start_s=float(take.timestamps_s[0]),
        looks=take.looks,
    )
