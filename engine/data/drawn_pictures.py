"""Pictures that the view models learn from: procedural worlds drawn in every light, each with its guide, made once and kept on disk.

    python -m engine.data.drawn_pictures [--folder DIR] [--first WORLD] [--worlds N] [--held-out]

makes what the folder lacks; several processes may fill it, each from a world of its own on. Worlds need shapely and embreex, reading does not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.looks import random_look
from engine.spec.camera import Camera
from engine.spec.geometry import Pose, invert
from engine.spec.worlds import HELD_OUT_PICTURE_SEED, PICTURE_SEED
from engine.train.frame_files import Columns, File, missing_files, write_file
from engine.views.drawn.world import DrawnWorld, Moment
from engine.views.ggve.guide import Guide, guide_of

FOLDER = Path("/var/tmp/anyscene_train/drawn_pictures")
"""Outside the checkout: some gigabytes that nobody commits."""
HEIGHT, WIDTH = 160, 288
GROUPS = 2
"""Of a world, each with a rig and a light of its own."""
VIEWS, MOMENTS, STRIDE_FRAMES = 3, 2, 4
"""Of a group: adjacent cameras from left to right, moments, and frames (12 Hz) between these."""
WORLDS_PER_FILE = 4
TOO_CLOSE_M = 1.5
"""A picture whose nearer half lies closer than this was taken from inside something."""
COLUMNS = (*Guide._fields, "picture", "focal", "up", "pose", "sun", "look", "caption", "world")
"""Of a file, whose rows are whole groups, moment by moment, VIEWS of each: the guide, picture uint8 (N, 3, H, W), focal float32 (N,) in
pixels, up float32 (N, 3) in the camera frame, pose float32 (N, 4, 4) as ego0_SE3_camera (ego frame of the group's first moment), sun
float32 (N, 3), its direction there, look float32 (N, 10) as Look's fields without the seed, caption str (N,), world int64 (N,), the seed."""


def make(folder: Path, first: int, worlds: int, held_out: bool = False) -> None:
    """Writes what `folder` lacks of `worlds` worlds from number `first` on, a file for WORLDS_PER_FILE of them."""
    files = missing_files(folder, range(first, first + worlds, WORLDS_PER_FILE))
    for done, (path, numbers) in enumerate(files):
        started = time.monotonic()
        if not path.exists():  # another process may have come first
            pictures = make_file((path, numbers), held_out)
            print(f"{path.name}: {done + 1} of {len(files)} files, {(time.monotonic() - started) / pictures:.2f} s a picture", flush=True)


def make_file(file: File, held_out: bool) -> int:
    """Writes one file; returns how many pictures it holds."""
    rows: Columns = {name: [] for name in COLUMNS}
    for number in file[1]:
        for picture in world_pictures(number + (HELD_OUT_PICTURE_SEED if held_out else PICTURE_SEED)):
            for name in COLUMNS:
                rows[name].append(np.asarray(picture[name]))
    write_file(file[0], rows)
    return len(rows["picture"])


def world_pictures(seed: int, height: int = HEIGHT, width: int = WIDTH, groups: int = GROUPS) -> Iterator[dict[str, Any]]:
    """Up to `groups` groups of pictures of a world, each by a rig and in a light of its own; the same for a seed. See COLUMNS."""
    from engine.data.worlds import make_world  # needs shapely, which a machine that only trains may lack

    random = np.random.Generator(np.random.PCG64([seed, 2]))
    world = make_world(seed)
    every = world.clip((MOMENTS - 1) * STRIDE_FRAMES + 1, start=float(random.uniform(0, 6)))
    rigs = [random_rig(random, height, width) for _ in range(groups)]
    clip = replace(
        every,
        layouts=every.layouts[::STRIDE_FRAMES],
        boxes=every.boxes[::STRIDE_FRAMES],
        world_SE3_ego=every.world_SE3_ego[::STRIDE_FRAMES],
        ground=None,  # nobody draws occupancy of this clip
        cameras=tuple(camera for rig in rigs for camera in rig),
    )
    looks = [random_look(random, seed) for _ in rigs]
    drawn = DrawnWorld(clip, looks[0][0])
    rows: list[list[dict[str, Any]]] = [[] for _ in rigs]
    for frame in world.occupancy(clip):
        moment = drawn.see(frame)
        for number in range(groups * VIEWS):
            look, caption = looks[number // VIEWS]
            rows[number // VIEWS].append(_picture(drawn, drawn.relit(moment, look), number) | {
                "sun": (look.sun_direction() @ clip.world_SE3_ego[0][:3, :3]).astype(np.float32),
                "look": np.array(astuple(look)[:-1], np.float32),
                "caption": caption,
                "world": np.int64(seed),
            })
    for group in rows:
        if all(np.median(np.where(row["distance"] > 0, row["distance"], np.inf)) >= TOO_CLOSE_M for row in group):
            yield from group


def _picture(drawn: DrawnWorld, moment: Moment, camera: int) -> dict[str, Any]:
    """One camera's picture and guide."""
    seen = drawn.expose(moment, camera)
    clip, ego_SE3_camera = drawn.clip, drawn.clip.camera_pose(moment.index, camera)
    ego0_SE3_camera = invert(clip.world_SE3_ego[0]) @ clip.world_SE3_ego[moment.index] @ ego_SE3_camera
    return guide_of(drawn, moment, camera, seen)._asdict() | {
        "picture": drawn.develop(seen, moment, camera).transpose(2, 0, 1),
        "focal": np.float32(clip.cameras[camera].fx),
        "up": (clip.world_SE3_ego[moment.index][:3, :3] @ ego_SE3_camera[:3, :3])[2].astype(np.float32),
        "pose": ego0_SE3_camera.astype(np.float32),
    }


def random_rig(random: np.random.Generator, height: int, width: int) -> tuple[Camera, ...]:
    """VIEWS cameras side by side from left to right, at the height of a bonnet, a roof or a lorry's cab, near the ego, looking anywhere about
    the horizon, with lenses of 45 to 110 degrees that overlap a little or just fail to."""
    field = np.radians(random.uniform(45, 110))
    apart, heading = field * random.uniform(0.6, 1.05), random.uniform(-np.pi, np.pi)
    focal = width / 2 / np.tan(field / 2)
    middle = np.array([random.uniform(-3, 4), random.uniform(-0.8, 0.8), random.uniform(1.0, 2.8)])
    cameras = []
    for view in range(VIEWS):
        yaw, pitch = heading + (1 - view) * apart, random.normal(0, 0.05)
        place = middle + 0.5 * np.array([np.cos(yaw), np.sin(yaw), 0])
        cameras.append(
            Camera(f"view_{view}", width, height, focal, focal, width / 2, height / 2, Pose(*place, yaw - np.pi / 2, 0.0, -np.pi / 2 + pitch))
        )
    return tuple(cameras)


def read(folder: Path, worlds: int) -> dict[str, np.ndarray]:
    """The columns of a folder's files, in turn, of its first `worlds` worlds (rounded up to whole files)."""
    rows: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
    for first in range(0, worlds, WORLDS_PER_FILE):
        with np.load(folder / f"{first:06d}.npz") as file:
            for name in COLUMNS:
                rows[name].append(file[name])
    return {name: np.concatenate(column) for name, column in rows.items()}


def ray_table(focal: float, size: tuple[int, int], window: tuple[int, int, int, int]) -> np.ndarray:
    """float32 (3, height, width): directions, in the camera frame, of the pixels of a window (top, left, height, width) of a picture of a
    size (rows, columns), whose centre is the lens'."""
    top, left, height, width = window
    x = (np.arange(left, left + width) + 0.5 - size[1] / 2) / focal
    y = (np.arange(top, top + height) + 0.5 - size[0] / 2) / focal
    rays = np.stack([*np.meshgrid(x, y), np.ones((height, width))])
    return (rays / np.linalg.norm(rays, axis=0)).astype(np.float32)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Pictures of drawn procedural worlds for the view models.")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--first", type=int, default=0, help="number of the first world, a multiple of the worlds of a file")
    parser.add_argument("--worlds", type=int, default=600)
    parser.add_argument("--held-out", action="store_true", help="worlds that are never trained on")
    asked = parser.parse_args()
    make(asked.folder / ("held_out" if asked.held_out else "train"), asked.first, asked.worlds, asked.held_out)
