"""The take: one generated result as a folder. Here it is read; `engine.write.TakeWriter` writes it.

A take that was cut off opens with the frames it has: the whole of `occupancy.npz`, then those of `partial/` that are newer.
Only plain arrays and JSON are read (never a pickle), so a take from a stranger is safe to open.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from engine.spec.camera import Camera
from engine.spec.classes import AGENTS, CHANNELS
from engine.spec.geometry import Box, Pose
from engine.spec.grid import RATE_HZ, GridSpec
from engine.spec.looks import AgentLook, is_colour

FORMAT = "anyscene-take"
VERSION = 1


class TakeError(ValueError):
    """A take that cannot be read or written; its text says which file, what is wrong, and what to do."""


@dataclass(frozen=True, eq=False)
class Take:
    """An open take. Small files are read and every array's shape is checked by `open`; arrays are loaded when first asked for."""

    folder: Path
    info: dict[str, Any]
    """take.json."""
    grid: GridSpec
    frame_count: int
    """Frames with occupancy where there are any, otherwise frames of the layout. Everything below has this many."""
    boxes: list[list[Box]]
    """Per frame, in that frame's ego frame."""
    cameras: list[Camera]
    """With their poses at frame 0."""
    ego_SE3_cameras: np.ndarray
    """float64 (T, N, 4, 4)."""
    looks: dict[int, AgentLook] = field(default_factory=dict)
    """Instance id -> what was chosen of its look."""

    @staticmethod
    def open(folder: Path | str) -> Take:
        """Raises TakeError, one sentence, where the folder is no take or a damaged one."""
        folder = Path(folder)
        info = _read_info(folder)
        grid = _grid(folder, info)
        planned = _whole(info.get("frame_count"), f"{folder / 'take.json'}: 'frame_count'")
        finished = _occupancy_frames(folder, grid)
        if finished > planned:
            raise TakeError(f"{folder} has {finished} frames of occupancy, its take.json speaks of {planned}: make the take again.")
        count = finished or planned
        _frames(folder / "layouts.npz", "layouts", np.uint8, (len(CHANNELS), *grid.bev_shape), count)
        _frames(folder / "poses.npz", "world_SE3_ego", np.float64, (4, 4), count)
        _frames(folder / "poses.npz", "timestamps_s", np.float64, (), count)
        boxes = boxes_from_json(_read_json(folder / "boxes.json"), str(folder / "boxes.json"))
        if len(boxes) < count:
            raise TakeError(f"{folder / 'boxes.json'} has {len(boxes)} frames, the take has {count}: make the take again.")
        cameras, poses = cameras_from_json(_read_json(folder / "cameras.json"), count, str(folder / "cameras.json"))
        looks = looks_from_json(info.get("looks", {}), f"{folder / 'take.json'}: 'looks'")
        return Take(folder, info, grid, count, boxes[:count], cameras, poses, looks)

    @cached_property
    def layouts(self) -> np.ndarray:
        """uint8 (T, 15, X, Y), 0 or 1."""
        return _load(self.folder / "layouts.npz", "layouts")[: self.frame_count]

    @cached_property
    def world_SE3_ego(self) -> np.ndarray:
        """float64 (T, 4, 4)."""
        return _load(self.folder / "poses.npz", "world_SE3_ego")[: self.frame_count]

    @cached_property
    def timestamps_s(self) -> np.ndarray:
        """float64 (T,)."""
        return _load(self.folder / "poses.npz", "timestamps_s")[: self.frame_count]

    @cached_property
    def semantics(self) -> np.ndarray:
        """uint8 (T, X, Y, Z) class ids; no frames at all where the take stopped at its layout."""
        return self._occupancy("semantics", np.uint8)

    @cached_property
    def instances(self) -> np.ndarray:
        """uint16 (T, X, Y, Z), 0 = none; no frames at all where the take stopped at its layout."""
        return self._occupancy("instances", np.uint16)

    def _occupancy(self, key: str, dtype: type) -> np.ndarray:
        whole = self.folder / "occupancy.npz"
        frames = _load(whole, key) if whole.is_file() else np.zeros((0, *self.grid.shape), dtype)
        newer = [_load(path, key)[None] for path in _newer_frames(self.folder, len(frames))]
        return np.concatenate([frames, *newer]) if newer else frames


def names_a_file(name: str) -> bool:
    """Whether a camera's name can be a file name on every system: cameras name folders and videos of a take."""
    return 0 < len(name) <= 100 and not name.startswith(".") and name.isprintable() and not set(name) & set('/\\:*?"<>|')


def boxes_to_json(frames: Sequence[Sequence[Box]]) -> list[list[dict[str, Any]]]:
    """What boxes.json holds: a list per frame."""
    return [
        [
            {
                "id": int(box.instance_id),
                "class": box.class_name,
                "center_m": [float(v) for v in box.center_m],
                "size_m": [float(v) for v in box.size_m],
                "yaw_rad": float(box.yaw_rad),
            }
            for box in frame
        ]
        for frame in frames
    ]


def boxes_from_json(frames: Any, where: str = "boxes.json") -> list[list[Box]]:
    """Inverse of `boxes_to_json`. Raises TakeError on anything else."""
    if not isinstance(frames, list) or not all(isinstance(frame, list) for frame in frames):
        raise TakeError(f"{where} must be a list of frames, each a list of boxes: make the take again.")
    return [[_box(row, f"{where}, frame {index}") for row in frame] for index, frame in enumerate(frames)]


def _box(row: Any, where: str) -> Box:
    if not isinstance(row, Mapping):
        raise TakeError(f"{where} holds something that is no box: make the take again.")
    if row.get("class") not in AGENTS:
        raise TakeError(f"{where} has a box of class '{row.get('class')}', agents are {', '.join(AGENTS)}: make the take again.")
    center, size = (_numbers(row.get(key), (3,), f"{where}: '{key}'") for key in ("center_m", "size_m"))
    yaw = float(_numbers(row.get("yaw_rad"), (), f"{where}: 'yaw_rad'"))
    return Box(_whole(row.get("id"), f"{where}: 'id'"), row["class"], tuple(center.tolist()), tuple(size.tolist()), yaw)


def looks_to_json(looks: Mapping[int, AgentLook]) -> dict[str, dict[str, str]]:
    """What take.json says under 'looks': of every agent that has one, what was chosen."""
    return {str(id): {key: value for key, value in asdict(look).items() if value is not None} for id, look in sorted(looks.items()) if look}


def looks_from_json(rows: Any, where: str = "take.json: 'looks'") -> dict[int, AgentLook]:
    """Inverse of `looks_to_json`; models that this version does not know are kept. Raises TakeError on anything else."""
    if not isinstance(rows, Mapping):
        raise TakeError(f"{where} must be a JSON object by instance id: make the take again.")
    looks = {}
    for id, row in rows.items():
        model, colour = (row.get("model"), row.get("colour")) if isinstance(row, Mapping) else (0, 0)
        named, coloured = model is None or isinstance(model, str), colour is None or is_colour(colour)
        if not (id.isascii() and id.isdigit() and len(id) <= 9 and named and coloured):
            raise TakeError(
                f"{where} has {row!r:.60} for agent '{id:.20}', not a model's name and a colour as #rrggbb: make the take again."
            )
        looks[int(id)] = AgentLook(model, colour)
    return looks


def cameras_to_json(cameras: Sequence[Camera], ego_SE3_cameras: np.ndarray) -> list[dict[str, Any]]:
    """What cameras.json holds; `ego_SE3_cameras` (T, N, 4, 4). A camera that moves gets `ego_SE3_camera_per_frame` (T, 4, 4) too."""
    rows = []
    for number, camera in enumerate(cameras):
        poses = ego_SE3_cameras[:, number]
        row: dict[str, Any] = {
            "name": camera.name,
            "width": camera.width,
            "height": camera.height,
            "intrinsics": camera.intrinsics().tolist(),
            "ego_SE3_camera": poses[0].tolist(),
        }
        if camera.fisheye is not None:
            row["fisheye"] = list(camera.fisheye)
        if (poses != poses[0]).any():
            row["ego_SE3_camera_per_frame"] = poses.tolist()
        rows.append(row)
    return rows


def cameras_from_json(rows: Any, frame_count: int, where: str = "cameras.json") -> tuple[list[Camera], np.ndarray]:
    """Cameras and their poses (T, N, 4, 4). Raises TakeError on anything but what `cameras_to_json` makes."""
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise TakeError(f"{where} must be a list of cameras: make the take again.")
    cameras, poses = [], np.zeros((frame_count, len(rows), 4, 4))
    for number, row in enumerate(rows):
        name = row.get("name")
        if not isinstance(name, str) or not names_a_file(name):
            raise TakeError(f"{where}: camera {number} has name {name!r}, which cannot name a folder: make the take again.")
        at = f"{where}, camera '{name}'"
        k = _numbers(row.get("intrinsics"), (3, 3), f"{at}: 'intrinsics'")
        pose = _numbers(row.get("ego_SE3_camera"), (4, 4), f"{at}: 'ego_SE3_camera'")
        poses[:, number] = pose
        if "ego_SE3_camera_per_frame" in row:
            moving = _numbers(row["ego_SE3_camera_per_frame"], (None, 4, 4), f"{at}: 'ego_SE3_camera_per_frame'")
            if len(moving) < frame_count:
                raise TakeError(f"{at} has poses for {len(moving)} frames, the take has {frame_count}: make the take again.")
            poses[:, number] = moving[:frame_count]
        fisheye = None
        if "fisheye" in row:
            fisheye = tuple(_numbers(row["fisheye"], (4,), f"{at}: 'fisheye'").tolist())
        width, height = (_whole(row.get(key), f"{at}: '{key}'") for key in ("width", "height"))
        lens = (float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]))
        cameras.append(Camera(name, width, height, *lens, Pose.from_matrix(pose), fisheye))
    return cameras, poses


def _numbers(value: Any, shape: tuple[int | None, ...], where: str) -> np.ndarray:
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError):
        array = np.full((), np.nan)
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=False))
    if value is None or not fits or not np.isfinite(array).all():
        text = " x ".join("T" if n is None else str(n) for n in shape)
        raise TakeError(f"{where} must be {f'{text} finite numbers' if shape else 'a finite number'}: make the take again.")
    return array


def _whole(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TakeError(f"{where} must be a positive whole number, not {value!r}: make the take again.")
    return value


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TakeError(f"{path.parent} has no {path.name}: name the folder of a take, or make the take again.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise TakeError(f"{path} cannot be read ({error}): make the take again.") from error


def _read_info(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise TakeError(f"There is no take at {folder}: name a folder that `generate` has written.")
    info = _read_json(folder / "take.json")
    if not isinstance(info, dict) or info.get("format", FORMAT) != FORMAT:
        raise TakeError(f"{folder / 'take.json'} does not describe a take: name a folder that `generate` has written.")
    version = info.get("version", VERSION)
    if not isinstance(version, int) or version > VERSION:
        raise TakeError(f"{folder} is a take of format {version}, this studio reads up to format {VERSION}: update the studio.")
    if info.get("rate_hz", RATE_HZ) != RATE_HZ:
        raise TakeError(f"{folder} runs at {info['rate_hz']} Hz, takes run at {RATE_HZ:g} Hz: make the take again.")
    return info


def _grid(folder: Path, info: Mapping[str, Any]) -> GridSpec:
    row, where = info.get("grid"), f"{folder / 'take.json'}: 'grid'"
    if not isinstance(row, Mapping):
        raise TakeError(f"{where} is missing: make the take again.")
    shape = _numbers(row.get("shape"), (3,), f"{where}, 'shape'")
    voxel = float(_numbers(row.get("voxel_m"), (), f"{where}, 'voxel_m'"))
    origin = _numbers(row.get("origin_m"), (3,), f"{where}, 'origin_m'")
    if (shape < 1).any() or (shape != np.floor(shape)).any() or voxel <= 0:
        raise TakeError(f"{where} has shape {shape.tolist()} and voxels of {voxel} m, which no grid can have: make the take again.")
    name = row.get("name")
    return GridSpec(name if isinstance(name, str) else "take", tuple(int(n) for n in shape), voxel, tuple(origin.tolist()))


def _newer_frames(folder: Path, index: int) -> list[Path]:
    """Files of partial/ from frame `index` on, without a gap."""
    paths = []
    while (path := folder / "partial" / f"{index + len(paths):05d}.npz").is_file():
        paths.append(path)
    return paths


def frames_on_disk(folder: Path) -> int:
    """Frames of occupancy that are finished and on disk, of a take that may have been cut off; 0 where it is no take."""
    try:
        return _occupancy_frames(folder, _grid(folder, _read_info(folder)))
    except TakeError:
        return 0


def _occupancy_frames(folder: Path, grid: GridSpec) -> int:
    """How many frames of occupancy are on disk, each of them checked by its header."""
    whole, count = folder / "occupancy.npz", 0
    if whole.is_file():
        count = min(_frames(whole, "semantics", np.uint8, grid.shape), _frames(whole, "instances", np.uint16, grid.shape))
    newer = _newer_frames(folder, count)
    for path in newer:
        _check(path, "semantics", np.uint8, grid.shape)
        _check(path, "instances", np.uint16, grid.shape)
    return count + len(newer)


def _frames(path: Path, key: str, dtype: type, item_shape: tuple[int, ...], at_least: int = 0) -> int:
    """Frames of an array (T, *item_shape)."""
    (count, *_) = _check(path, key, dtype, (None, *item_shape))
    if count < at_least:
        raise TakeError(f"{path}: '{key}' has {count} frames, the take has {at_least}: make the take again.")
    return count


def _check(path: Path, key: str, dtype: type, wanted: tuple[int | None, ...]) -> tuple[int, ...]:
    """The shape of an array, by its header alone. Raises TakeError where it is not `wanted` (None = any)."""
    shape, have = _header(path, key)
    if have != np.dtype(dtype) or len(shape) != len(wanted) or any(w not in (None, n) for w, n in zip(wanted, shape, strict=True)):
        want = ", ".join("T" if n is None else str(n) for n in wanted)
        raise TakeError(f"{path}: '{key}' is {have} {shape}, it must be {np.dtype(dtype)} ({want}): make the take again.")
    return shape


DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What reading a damaged or hostile npz raises."""


def _header(path: Path, key: str) -> tuple[tuple[int, ...], np.dtype]:
    if not path.is_file():
        raise TakeError(f"{path.parent} has no {path.name}: make the take again.")
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(stream)
    except DAMAGE as error:
        raise TakeError(f"{path} has no readable array '{key}' ({error}): make the take again.") from error
    return shape, dtype


def _load(path: Path, key: str) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive[key]
    except DAMAGE as error:
        raise TakeError(f"{path} cannot be read to its end ({error}): make the take again.") from error
