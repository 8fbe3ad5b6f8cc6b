"""Takes as training data of view models: clips of their videos, with the voxel buffers of the same pixels.

Legend: V cameras, P frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image

from engine.data.frames import DataError
from engine.png import decode_png
from engine.render.buffers import ray_table
from engine.spec.geometry import invert, transform
from engine.spec.grid import RATE_HZ
from engine.spec.rig_geometry import adjacent
from engine.spec.take import Take
from engine.write import restore_coordinates


class TakeVideos:
    """One take with video and buffers. Picklable."""

    def __init__(self, folder: Path) -> None:
        """DataError where the take has no video, or lacks buffers of one of its frames."""
        take = Take.open(folder)
        self.folder, self.frames, self.prompt = folder, take.frame_count, str(take.info.get("prompt", ""))
        there = [camera.name for camera in take.cameras if (folder / "video" / f"{camera.name}.mp4").is_file()]
        self.numbers = [number for number, camera in enumerate(take.cameras) if camera.name in there]
        if not there:
            raise DataError(f"{folder} has no video: generate it with --until video.")
        last = self.frames - 1
        for name in there:
            if not (folder / f"buffers/{name}/coordinate/{last:05d}.png").is_file():
                raise DataError(f"{folder} lacks buffers of camera '{name}': generate the take again with --until video.")
        shown = [take.cameras[number] for number in self.numbers]
        self.pairs = [(self.numbers[left], self.numbers[right]) for right, left in adjacent(shown)]
        """(Left, right) neighbours, by number."""
        self.triplets = [(a, b, d) for a, b in self.pairs for c, d in self.pairs if b == c and a != d]
        """Three neighbours, left to right."""

    @cached_property
    def _take(self) -> Take:
        return Take.open(self.folder)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_take"}

    def clip(self, cameras: Sequence[int], start: int, count: int, origin: int, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """Frames start to start + count of cameras by number, in pictures of size (H, W).

        "picture" uint8 (V, P, H, W, 3); "semantic" uint8 (V, P, H, W); "coordinate" float32 (V, P, H, W, 3), metres in the ego frame of
        frame `origin`, NaN where nothing was hit; "rays" float32 (V, H, W, 3), camera frame; "pose" float32 (V, P, 4, 4), camera to that
        ego frame.
        """
        take = self._take
        box_m = np.array(take.info["coordinate_box_m"])
        origin_SE3_world = invert(take.world_SE3_ego[origin])
        origin_SE3_ego0 = origin_SE3_world @ take.world_SE3_ego[0]
        columns: dict[str, list[np.ndarray]] = {name: [] for name in ("picture", "semantic", "coordinate", "rays", "pose")}
        for number in cameras:
            camera = take.cameras[number]
            at = self.folder / "buffers" / camera.name
            frames = range(start, start + count)
            semantic = [decode_png((at / f"semantic/{k:05d}.png").read_bytes()) for k in frames]
            points = [restore_coordinates(decode_png((at / f"coordinate/{k:05d}.png").read_bytes()), box_m) for k in frames]
            moved = transform(origin_SE3_ego0, _nearest(np.stack(points), size).reshape(-1, 3)).reshape(count, *size, 3)
            columns["picture"].append(self._pictures(camera.name, (camera.height, camera.width), start, count, size))
            columns["semantic"].append(_nearest(np.stack(semantic), size))
            columns["coordinate"].append(moved.astype(np.float32))
            columns["rays"].append(np.nan_to_num(ray_table(camera.resized(size[1], size[0]))))
            poses = [origin_SE3_world @ take.world_SE3_ego[k] @ take.ego_SE3_cameras[k, number] for k in frames]
            columns["pose"].append(np.stack(poses).astype(np.float32))
        return {name: np.stack(column) for name, column in columns.items()}

    def _pictures(self, name: str, shape: tuple[int, int], start: int, count: int, size: tuple[int, int]) -> np.ndarray:
        """uint8 (P, H, W, 3)."""
        path = self.folder / "video" / f"{name}.mp4"
        seek = ["-ss", f"{(start - 0.5) / RATE_HZ:.6f}"] if start else []
        stream = imageio_ffmpeg.read_frames(str(path), input_params=seek)
        width, height = next(stream)["size"]
        made = []
        for _ in range(count):
            data = next(stream, None)
            if data is None:
                raise DataError(f"{path} ends before frame {start + count - 1}: make the take again.")
            picture = np.frombuffer(data, np.uint8).reshape(height, width, 3)[: shape[0], : shape[1]]
            made.append(np.array(Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.LANCZOS)))
        stream.close()
        return np.stack(made)


def _nearest(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(P, H, W, ..) in another size, each pixel the nearest one."""
    rows, columns = ((np.arange(n) * 2 + 1) * have // (2 * n) for n, have in zip(size, x.shape[1:3], strict=True))
    return x[:, rows][:, :, columns]
