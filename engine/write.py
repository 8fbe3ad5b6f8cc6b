"""Writes a take as it comes to be: what was finished is on disk before the next piece is computed.

Every file is written under another name, synced and renamed, so a reader never sees half of one. A killed writer leaves a
folder that `Take.open` reads with its finished frames (videos count once their camera's last frame is in).

A take may be written over an older one. The older folder is moved aside to `.NAME.old` first and removed by `finish`, so a
job that dies on the way leaves the older result beside the unfinished one. Folders that hold anything else are refused.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import IO, Any

import imageio_ffmpeg
import numpy as np

from engine.api import Buffers, GBuffers, OccupancyFrame, Picture
from engine.gbuffers import encoded
from engine.png import encode_png
from engine.spec.classes import CHANNELS, CLASSES
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert, transform
from engine.spec.grid import RATE_HZ
from engine.spec.take import FORMAT, VERSION, TakeError, boxes_to_json, cameras_to_json, looks_to_json, names_a_file

_PARTS = {"take.json", "layouts.npz", "occupancy.npz", "poses.npz", "boxes.json", "cameras.json", "buffers", "gbuffers", "video", "partial", "scene.anyscene"}


class TakeWriter:
    """Writes one take, frame by frame. Every method raises TakeError (one sentence) where the disk does not let it."""

    def __init__(self, folder: Path | str, clip: SceneClip, recipe: Mapping[str, object]) -> None:
        self.folder = Path(folder)
        self._clip = clip
        self._names = {camera.name: number for number, camera in enumerate(clip.cameras)}
        self._frames = 0
        self._gathered = 0
        self._videos: dict[str, _Video] = {}
        for name in self._names:
            if not names_a_file(name):
                raise TakeError(f"Camera '{name}' cannot name a folder: rename it without / \\ : * ? \" < > | or a leading dot.")
        if len({name.lower() for name in self._names}) < len(clip.cameras):
            raise TakeError(f"Two of the cameras {', '.join(c.name for c in clip.cameras)} have the same name: rename one of them.")
        if len(clip) == 0:
            raise TakeError("A take needs at least one frame: ask for one or more.")
        self._box = coordinate_box_m(clip)
        self._info: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "recipe": {"document_hash": clip.document_hash, **recipe},
            "prompt": clip.prompt,
            "grid": {"name": clip.grid.name, "shape": clip.grid.shape, "voxel_m": clip.grid.voxel_m, "origin_m": clip.grid.origin_m},
            "class_names": CLASSES,
            "channel_names": CHANNELS,
            "frame_count": len(clip),
            "rate_hz": RATE_HZ,
            "stage": "layout",
            "finished": False,
            "seconds": {},
            "coordinate_box_m": self._box.tolist(),
            "coordinate_mapping": "coordinate/*.png in the ego frame of frame 0: metres = low + (value - 1) / 65534 * (high - low), 0 = nothing hit",
        }
        if looks := looks_to_json(clip.looks):
            self._info["looks"] = looks
        try:
            _make_room(self.folder)
        except OSError as error:
            raise TakeError(f"{self.folder} cannot be written ({_reason(error)}): choose another folder.") from error
        self._write_info()  # from here on the folder is known as a take, also to a writer that comes after a kill
        self._write_scene(len(clip))

    def add_occupancy(self, frame: OccupancyFrame) -> None:
        """Put the next frame on disk, under partial/ and at 1, 2, 4, 8, ... frames into occupancy.npz."""
        if frame.index != self._frames or frame.index >= len(self._clip):
            raise TakeError(
                f"Frame {frame.index} of occupancy came where frame {self._frames} of {len(self._clip)} was due: report this engine."
            )
        shape = self._clip.grid.shape
        if frame.semantics.shape != shape or frame.instances.shape != shape:
            raise TakeError(f"Occupancy of shape {frame.semantics.shape} does not fit the take's grid {shape}: report this engine.")
        arrays = {"semantics": frame.semantics.astype(np.uint8, copy=False), "instances": frame.instances.astype(np.uint16, copy=False)}
        self._put(f"partial/{frame.index:05d}.npz", lambda stream: np.savez_compressed(stream, **arrays))
        self._frames += 1
        if self._frames & (self._frames - 1) == 0:
            self._gather_occupancy()

    def add_buffers(self, camera_name: str, index: int, buffers: Buffers) -> None:
        """Semantic and coordinate as PNG, depth as npy, of one camera at one frame."""
        self._camera(camera_name, index)
        at = f"buffers/{camera_name}/{{}}/{index:05d}".format
        self._put(f"{at('semantic')}.png", lambda stream: stream.write(encode_png(buffers.semantic)))
        self._put(f"{at('depth')}.npy", lambda stream: np.save(stream, buffers.depth.astype(np.float32, copy=False)))
        self._put(f"{at('coordinate')}.png", lambda stream: stream.write(encode_png(quantise_coordinates(buffers.coordinate, self._box))))

    def add_gbuffers(self, camera_name: str, index: int, drawn: GBuffers) -> None:
        """Every kind, of one camera at one frame."""
        self._camera(camera_name, index)
        camera = self._clip.cameras[self._names[camera_name]]
        for name, content in encoded(camera_name, index, drawn, (camera.height, camera.width)):
            self._put(name, lambda stream, content=content: stream.write(content) if isinstance(content, bytes) else np.save(stream, content))

    def add_picture(self, picture: Picture) -> None:
        """The next frame of a camera's video; with the clip's last frame the video is complete and takes its place."""
        self._camera(picture.camera, picture.index)
        path = self.folder / "video" / f"{picture.camera}.mp4"
        try:
            if picture.camera not in self._videos:
                self._videos[picture.camera] = _Video(path, picture.rgb.shape)
            video = self._videos[picture.camera]
            video.add(picture)
            if video.count == len(self._clip):
                video.close()
        except OSError as error:
            raise self._failed(path, error) from error

    def stage(self, name: str) -> None:
        """Say in take.json that stage `name` ('layout', 'occupancy', 'buffers' or 'video') is reached."""
        self._gather_occupancy()
        self._info["stage"] = name
        self._write_info()

    def finish(self, seconds: Mapping[str, float], first_seconds: Mapping[str, float] | None = None) -> None:
        """Close every video and make a take of what is there; `seconds` per stage, `first_seconds` those of a stage's first frame or picture. A
        cut take is trimmed to its finished frames."""
        try:
            for video in self._videos.values():
                video.close()
        except OSError as error:
            raise self._failed(self.folder / "video", error) from error
        self._gather_occupancy()
        if 0 < self._frames < len(self._clip):
            self._write_scene(self._frames)
        self._info |= {"seconds": dict(seconds), "first_seconds": dict(first_seconds or {}), "finished": True, "frame_count": self._frames or len(self._clip)}
        self._write_info()
        shutil.rmtree(self.folder / "partial", ignore_errors=True)
        shutil.rmtree(_aside(self.folder), ignore_errors=True)

    def _write_scene(self, count: int) -> None:
        """Everything that is known before the engine starts, for the first `count` frames."""
        clip = self._clip
        poses = np.zeros((count, len(clip.cameras), 4, 4))
        for frame, number in np.ndindex(*poses.shape[:2]):
            poses[frame, number] = clip.camera_pose(frame, number)
        self._put("layouts.npz", lambda stream: np.savez_compressed(stream, layouts=clip.layouts[:count].astype(np.uint8, copy=False)))
        arrays = {"world_SE3_ego": clip.world_SE3_ego[:count].astype(np.float64), "timestamps_s": clip.timestamps_s[:count]}
        self._put("poses.npz", lambda stream: np.savez(stream, **arrays))
        self._put_json("boxes.json", boxes_to_json(clip.boxes[:count]))
        self._put_json("cameras.json", cameras_to_json(clip.cameras, poses))

    def _write_info(self) -> None:
        self._put_json("take.json", self._info, indent=2)

    def _gather_occupancy(self) -> None:
        """occupancy.npz from partial/, one frame in memory at a time; nothing where it has them all."""
        if self._gathered == self._frames:
            return

        def write(stream: IO[bytes]) -> None:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for key, dtype in (("semantics", np.uint8), ("instances", np.uint16)):
                    entry = zipfile.ZipInfo(f"{key}.npy")  # its date is 1980: same take, same bytes
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    with archive.open(entry, "w", force_zip64=True) as member:
                        head = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (self._frames, *self._clip.grid.shape)}
                        np.lib.format.write_array_header_1_0(member, head)
                        for index in range(self._frames):
                            with np.load(self.folder / f"partial/{index:05d}.npz", allow_pickle=False) as partial:
                                member.write(partial[key].tobytes())

        self._put("occupancy.npz", write)
        self._gathered = self._frames

    def _camera(self, name: str, index: int) -> None:
        if name not in self._names:
            raise TakeError(f"Camera '{name}' is not one of the take's cameras {', '.join(self._names)}: add it to the scene.")
        if not 0 <= index < len(self._clip):
            raise TakeError(f"Frame {index} of camera '{name}' lies outside the take's {len(self._clip)} frames: report this engine.")

    def _put_json(self, name: str, value: object, indent: int | None = None) -> None:
        text = json.dumps(value, indent=indent, default=_plain, allow_nan=False)
        self._put(name, lambda stream: stream.write(text.encode()))

    def _put(self, name: str, write: Callable[[IO[bytes]], object]) -> None:
        """Write a file of the take: under another name, synced, then renamed."""
        path = self.folder / name
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise self._failed(path, error) from error

    def _failed(self, path: Path, error: OSError) -> TakeError:
        kept = f"The {self._frames} finished frames are kept; make" if self._frames else "Make"
        return TakeError(f"{path} cannot be written ({_reason(error)}). {kept} room there or choose another folder.")


class _Video:
    """One camera's mp4, written under another name until `close`."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.count = 0
        self._stream: Generator[None, bytes | None, None] | None = None
        self._path = path
        self._temporary = path.with_name(f".{path.name}.tmp")
        self._shape = shape
        height, width = shape[:2]
        self._padding = ((0, height % 2), (0, width % 2), (0, 0))
        size = (width + width % 2, height + height % 2)
        # Two threads whatever the machine, so that the same pictures make the same bytes.
        options = ["-crf", "18", "-movflags", "+faststart", "-threads", "2", "-f", "mp4"]
        stream: Generator[None, bytes | None, None] = imageio_ffmpeg.write_frames(
            str(self._temporary),
            size,
            fps=RATE_HZ,
            codec="libx264",
            quality=None,
            pix_fmt_out="yuv420p",
            macro_block_size=1,
            output_params=options,
        )
        stream.send(None)
        self._stream = stream

    def add(self, picture: Picture) -> None:
        rgb = picture.rgb
        if rgb.dtype != np.uint8 or rgb.shape != self._shape or rgb.ndim != 3 or rgb.shape[2] != 3:
            raise TakeError(
                f"Camera '{picture.camera}' sent a picture {rgb.dtype} {rgb.shape} into a video of {self._shape}: report this engine."
            )
        if self._stream is None or picture.index != self.count:
            raise TakeError(f"Camera '{picture.camera}' sent picture {picture.index} where {self.count} was due: report this engine.")
        self._stream.send(np.ascontiguousarray(np.pad(rgb, self._padding, mode="edge")).tobytes())
        self.count += 1

    def close(self) -> None:
        if self._stream is None:
            return
        self._stream.close()
        self._stream = None
        with self._temporary.open("rb+") as stream:  # the encoder ends without a word where the disk is full
            if not _is_whole_mp4(stream):
                raise OSError("the video encoder did not finish, most often because the disk is full")
            os.fsync(stream.fileno())
        os.replace(self._temporary, self._path)


def _is_whole_mp4(stream: IO[bytes]) -> bool:
    """Whether its boxes, the index among them, lie one after the other from the file's first byte to its last."""
    end, at, names = os.fstat(stream.fileno()).st_size, 0, set()
    while at < end:
        stream.seek(at)
        head = stream.read(16)
        size = int.from_bytes(head[8:16] if head[:4] == b"\0\0\0\1" else head[:4])
        if size < 8:
            return False
        names.add(head[4:8])
        at += size
    return at == end and {b"moov", b"mdat"} <= names


def coordinate_box_m(clip: SceneClip) -> np.ndarray:
    """(2, 3) low and high corner of what 16-bit coordinates can hold, metres in the ego frame of frame 0.

    It is the grid's bounds doubled about their centre, grown where the ego drives so far that the grid of a later frame leaves that.
    """
    low, high = np.array(clip.grid.origin_m), np.array(clip.grid.upper_m)
    center, size = (low + high) / 2, high - low
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    reached = np.concatenate([transform(pose, corners) for pose in invert(clip.world_SE3_ego[0]) @ clip.world_SE3_ego])
    return np.stack([np.minimum(center - size, reached.min(0)), np.maximum(center + size, reached.max(0))])


def quantise_coordinates(coordinate: np.ndarray, box_m: np.ndarray) -> np.ndarray:
    """uint16 (H, W, 3) from metres (H, W, 3): 1 .. 65535 across the box (2, 3), 0 where nothing was hit (NaN)."""
    scale = (65534 / (box_m[1] - box_m[0])).astype(np.float32)
    level = (coordinate - box_m[0].astype(np.float32)) * scale
    np.clip(level, 0, 65534, out=level)
    level += 1.5  # of which the cast takes the floor: 1 + the nearest level
    level[np.isnan(coordinate).any(-1)] = 0
    return level.astype(np.uint16)


def restore_coordinates(pixels: np.ndarray, box_m: np.ndarray) -> np.ndarray:
    """Inverse of `quantise_coordinates`: float32 metres (H, W, 3), NaN where nothing was hit."""
    metres = box_m[0] + (pixels.astype(np.float64) - 1) / 65534 * (np.asarray(box_m[1]) - box_m[0])
    metres[(pixels == 0).all(-1)] = np.nan
    return metres.astype(np.float32)


def _reason(error: OSError) -> str:
    """A few words; the encoder's errors come with its whole log, of which the last line tells most."""
    return error.strerror or (str(error).strip().splitlines() or ["unknown reason"])[-1]


def _plain(value: object) -> object:
    """What json does not know by itself: numpy's numbers and arrays, and paths."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def _aside(folder: Path) -> Path:
    folder = folder.resolve()
    return folder.with_name(f".{folder.name}.old")


def _make_room(folder: Path) -> None:
    """An empty folder at `folder`; an older take there is moved aside. Raises TakeError where something else is there."""
    folder = folder.resolve()
    if folder.is_dir() and any(folder.iterdir()):
        foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in _PARTS and not entry.name.endswith(".tmp"))
        if foreign or not (folder / "take.json").is_file():
            what = f"'{foreign[0]}'" if foreign else "files but no take.json"
            raise TakeError(f"{folder} holds {what}, so it is no take to write over: choose another folder or empty it.")
        aside = _aside(folder)
        if aside.is_dir() and not _is_finished(folder):
            shutil.rmtree(folder)  # `aside` holds the last finished take, this one died on the way
        else:
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(folder, aside)
    elif folder.exists() and not folder.is_dir():
        raise TakeError(f"{folder} is a file, a take is a folder: choose another name.")
    folder.mkdir(parents=True, exist_ok=True)


def _is_finished(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / "take.json").read_text()).get("finished"))
    except (OSError, ValueError, AttributeError):
        return False
