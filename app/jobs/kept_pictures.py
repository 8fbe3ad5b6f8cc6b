"""Pictures of an older take that stay as they are while some of its cameras, or some of its frames, are made anew.

The video of a camera of which nothing is made anew is the older take's file, byte for byte. Where only some frames of a camera are new,
its video is encoded again, so that the frames beside them lose what encoding twice loses.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from editor.document import EditError
from engine.api import Picture
from engine.spec.clip import SceneClip
from engine.spec.take import Take


class KeptPictures:
    """Of the take in `folder`, for a clip of as many frames. Not for several threads."""

    def __init__(self, take: Take, clip: SceneClip, cameras: Collection[str] | None, frames: tuple[int, int] | None) -> None:
        """`cameras` are to be made anew, None for all; `frames` [first, behind the last) of the take are, None for all.

        Raises EditError (one sentence) where there is no such camera, no such frame, or nothing to keep.
        """
        self.take, self.folder = take, take.folder
        self._videos: dict[str, Any] = {}
        names = [camera.name for camera in clip.cameras]
        for name in cameras or ():
            if name not in names:
                raise EditError(f"There is no camera '{name}' to make anew: the scene has {', '.join(names) or 'none'}.")
        first, end = (0, len(clip)) if frames is None else frames
        if not 0 <= first < end <= len(clip):
            raise EditError(f"Frames {first} to {end - 1} are not all in the take, which has frames 0 to {len(clip) - 1}: name some of those.")
        has = {camera.name for camera in take.cameras if (take.folder / "video" / f"{camera.name}.mp4").is_file()}
        if frames is not None and (new := [name for name in names if name not in has and (cameras is None or name in cameras)]):
            raise EditError(f"Camera '{new[0]}' has no video in take '{take.folder.name}' that the other frames could be taken from: make all of it anew.")
        self.first, self.end = first, end
        self.whole = tuple(name for name in names if name in has and cameras is not None and name not in cameras)
        """Cameras of which nothing is made anew."""
        self.drawn = tuple(name for name in names if name not in self.whole)
        if not self.drawn:
            raise EditError("Every camera would be kept, so there is nothing to make anew: name a camera.")

    def clip(self, clip: SceneClip) -> SceneClip:
        """The clip with the kept cameras as the older take has them, where the scene has moved them since too."""
        old = {camera.name: number for number, camera in enumerate(self.take.cameras)}
        poses = np.array([[clip.camera_pose(index, number) for number in range(len(clip.cameras))] for index in range(len(clip))])
        cameras = list(clip.cameras)
        for number, camera in enumerate(cameras):
            if camera.name in self.whole:
                cameras[number] = self.take.cameras[old[camera.name]]
                poses[:, number] = self.take.ego_SE3_cameras[: len(clip), old[camera.name]]
        return replace(clip, cameras=tuple(cameras), ego_SE3_cameras=poses)

    @property
    def given(self) -> dict[str, Callable[[int], np.ndarray]]:
        """`ViewScene.given`: the cameras of which nothing is made anew."""
        return {name: partial(self.picture, name) for name in self.whole}

    @property
    def made(self) -> int:
        """Pictures that are made anew."""
        return len(self.drawn) * (self.end - self.first)

    def merged(self, drawn: Iterator[Picture]) -> Iterator[tuple[Picture, bool]]:
        """Every picture of the new take and whether it is new; those of each camera in order."""
        counts = dict.fromkeys(self.drawn, 0)
        for picture in drawn:
            if picture.camera not in counts:
                continue  # a model that agrees with what is given hands that back
            new = self.first <= picture.index < self.end
            counts[picture.camera] = picture.index + 1
            yield picture if new else Picture(picture.camera, picture.index, self.picture(picture.camera, picture.index)), new
        for name, count in counts.items():
            for index in range(max(count, self.end), self.take.frame_count):
                yield Picture(name, index, self.picture(name, index)), False

    def picture(self, camera: str, index: int) -> np.ndarray:
        """uint8 (H, W, 3) of the older take."""
        import imageio.v2 as imageio

        if camera not in self._videos:
            self._videos[camera] = imageio.get_reader(self.folder / "video" / f"{camera}.mp4", format="FFMPEG")  # type: ignore[arg-type]
        found = next(one for one in self.take.cameras if one.name == camera)
        return np.asarray(self._videos[camera].get_data(index))[: found.height, : found.width]

    def copy_whole(self, out: Path) -> None:
        """Put the videos of which nothing is new into the folder of the new take, and close those that were read."""
        for video in self._videos.values():
            video.close()
        for name in self.whole:
            target = out / "video" / f"{name}.mp4"
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name}.tmp")
            shutil.copyfile(self.folder / "video" / target.name, beside)
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(beside, target)
