"""nuScenes' pictures with Occ3D's occupancy as training data of view models: the samples that `TakeVideos` gives, without a take.

12 Hz where the sweeps' pictures are there, else the key frames (2 Hz). Between key frames the nearer one's occupancy is looked at from where each
camera was, with agents' voxels moved along with their boxes. The scene's description is its prompt.

Legend: V cameras, P frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from engine.data.frames import DataError, check_shape, read_array, relabelled
from engine.data.moved_agents import Move, moved_agents
from engine.data.nuscenes_tables import PictureRow, SceneRows, scenes_of
from engine.data.occ3d import CLASS_OF_OCC3D
from engine.render.buffers import ray_table, render_buffers
from engine.spec.geometry import Pose, interpolate, invert
from engine.spec.grid import OCC3D, RATE_HZ
from engine.spec.rig_geometry import adjacent

FARTHEST_S = 0.07
"""Of a frame of 12 Hz from the picture that stands for it."""


@dataclass(frozen=True, slots=True)
class _Shot:
    """One picture of one camera."""

    path: Path
    time_s: float
    world_SE3_camera: np.ndarray
    key: int
    """The nearest key frame with occupancy, by number."""


class NuscenesVideos:
    """One scene, with the interface of `TakeVideos`. Picklable."""

    def __init__(self, scene: SceneRows) -> None:
        """DataError where no frame has a picture of every camera, and occupancy."""
        self.scene, self.prompt, self.folder = scene, scene.description, scene.folder
        key_times = np.array([key.time_s for key in scene.keys])
        self.cameras, self._shots = scene.cameras, self._at_12_hz(key_times)
        self.rate_hz = RATE_HZ
        if not self._shots:
            self._shots, self.rate_hz = self._at_key_frames(key_times), 2.0
        self.frames = len(self._shots)
        self.numbers = list(range(len(scene.cameras)))
        self.pairs = [(left, right) for right, left in adjacent(scene.cameras)]
        """(Left, right) neighbours, by number."""
        self.triplets = [(a, b, d) for a, b in self.pairs for c, d in self.pairs if b == c and a != d]
        if not self.frames:
            raise DataError(f"Scene '{scene.name}' of {scene.folder} has no key frame with occupancy and a picture of every camera: copy its pictures.")

    def _at_12_hz(self, key_times: np.ndarray) -> list[list[_Shot]]:
        """The shots of every camera, a row a frame; none where a picture is missing."""
        moments = np.arange(key_times[0], key_times[-1] + 1e-6, 1 / RATE_HZ)
        rows = []
        for pictures in self.scene.pictures:
            times = np.array([picture.time_s for picture in pictures])
            nearest = np.abs(times[:, None] - moments).argmin(0) if len(times) else np.zeros(0, int)
            if not len(nearest) or np.abs(times[nearest] - moments).max() > FARTHEST_S or len(set(nearest)) < len(nearest):
                return []
            rows.append([self._shot(number, key_times) for number in map(pictures.__getitem__, nearest)])
        return [list(shots) for shots in zip(*rows, strict=True)] if len(moments) > 1 else []

    def _at_key_frames(self, key_times: np.ndarray) -> list[list[_Shot]]:
        by_sample = [{picture.sample: picture for picture in pictures if picture.is_key_frame} for pictures in self.scene.pictures]
        whole = [key.sample for key in self.scene.keys if by_sample and all(key.sample in pictures for pictures in by_sample)]
        return [[self._shot(pictures[sample], key_times) for pictures in by_sample] for sample in whole]

    @staticmethod
    def _shot(picture: PictureRow, key_times: np.ndarray) -> _Shot:
        return _Shot(picture.path, picture.time_s, picture.world_SE3_camera, int(np.abs(key_times - picture.time_s).argmin()))

    def clip(self, cameras: Sequence[int], start: int, count: int, origin: int, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """Frames start to start + count of cameras by number, in pictures of size (H, W): the columns of `TakeVideos.clip`.

        The ego frame of a frame is that of its nearest key frame. Raises DataError where a file is not as it must be.
        """
        origin_SE3_world = invert(self.scene.keys[self._shots[origin][0].key].world_SE3_ego)
        columns: dict[str, list[np.ndarray]] = {name: [] for name in ("picture", "semantic", "coordinate", "rays", "pose")}
        read: dict[int, np.ndarray] = {}
        for number in cameras:
            camera = self.cameras[number].resized(size[1], size[0])
            rows: dict[str, list[np.ndarray]] = {name: [] for name in ("picture", "semantic", "coordinate", "pose")}
            for shots in self._shots[start : start + count]:
                shot = shots[number]
                key = self.scene.keys[shot.key]
                if shot.key not in read:
                    read[shot.key] = self._semantics(key.labels)
                semantics = moved_agents(read[shot.key], OCC3D, self._moves(shot))
                key_SE3_camera = invert(key.world_SE3_ego) @ shot.world_SE3_camera
                cast = render_buffers(semantics, None, OCC3D, camera, key_SE3_camera, origin_SE3_world @ key.world_SE3_ego)
                rows["picture"].append(_picture(shot.path, size))
                rows["semantic"].append(cast.semantic)
                rows["coordinate"].append(cast.coordinate)
                rows["pose"].append((origin_SE3_world @ shot.world_SE3_camera).astype(np.float32))
            columns["rays"].append(np.nan_to_num(ray_table(camera)))
            for name, made in rows.items():
                columns[name].append(np.stack(made))
        return {name: np.stack(column) for name, column in columns.items()}

    def _moves(self, shot: _Shot) -> list[Move]:
        """Where the boxes of a shot's key frame were at the shot's time, straight between two key frames."""
        keys, here = self.scene.keys, self.scene.keys[shot.key]
        beside = shot.key + (1 if shot.time_s > here.time_s else -1)
        if not 0 <= beside < len(keys):
            return []
        there = keys[beside]
        part = (shot.time_s - here.time_s) / (there.time_s - here.time_s)
        ego_SE3_world = invert(here.world_SE3_ego)
        moves = []
        for id, (pose, size) in here.boxes.items():
            if id in there.boxes:
                after = interpolate(Pose.from_matrix(pose), Pose.from_matrix(there.boxes[id][0]), part).matrix()
                moves.append((ego_SE3_world @ pose, ego_SE3_world @ after, size))
        return moves

    @staticmethod
    def _semantics(path: Path) -> np.ndarray:
        labels = check_shape(read_array(path, "semantics"), OCC3D.shape, f"{path}: 'semantics'")
        return relabelled(labels, CLASS_OF_OCC3D, str(path), "Occ3D-nuScenes has 0 to 17")


def open_nuscenes(folder: Path, occ3d: Path) -> list[NuscenesVideos]:
    """The scenes of a nuScenes folder that Occ3D's folder has occupancy of, but for its val_split. DataError where there is none."""
    videos, refusals = [], []
    for scene in scenes_of(folder, occ3d):
        try:
            videos.append(NuscenesVideos(scene))
        except DataError as refusal:
            refusals.append(refusal)
    if not videos:
        raise refusals[0]
    return videos


def _picture(path: Path, size: tuple[int, int]) -> np.ndarray:
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as picture:
            return np.array(picture.convert("RGB").resize((size[1], size[0]), Image.Resampling.LANCZOS))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} is no picture ({error}): copy it again.") from error
