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
from engine.spec.geometry import Pose
from engine.train.frame_files import Columns, File, missing_files, write_file
from engine.views.drawn.light import light_of
from engine.views.drawn.world import DrawnWorld
from engine.views.ggve.guide import Guide, guide_of

FOLDER = Path("/var/tmp/anyscene_train/drawn_pictures")
"""Outside the checkout: some gigabytes that nobody commits."""
FIRST_SEED = 800_000_000
"""Worlds from here on; those of other recipes lie elsewhere."""
HELD_OUT_SEED = 1_000_000_000 + FIRST_SEED
"""Worlds from here on are never trained on (see engine.train.batches)."""
HEIGHT, WIDTH = 160, 288
CAMERAS = 4
"""Of a world, each in a light of its own."""
WORLDS_PER_FILE = 4
TOO_CLOSE_M = 1.5
"""A picture whose nearer half lies closer than this was taken from inside something."""
COLUMNS = (*Guide._fields, "picture", "focal", "up", "sun", "look", "caption", "world")
"""Of a file: the guide, picture uint8 (N, 3, H, W), focal float32 (N,) in pixels, up and sun float32 (N, 3) in the camera frame, look
float32 (N, 10) as Look's fields without the seed, caption str (N,), world int64 (N,), the seed."""


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
        for picture in world_pictures(number + (HELD_OUT_SEED if held_out else FIRST_SEED)):
            for name in COLUMNS:
                rows[name].append(np.asarray(picture[name]))
    write_file(file[0], rows)
    return len(rows["picture"])


def world_pictures(seed: int, height: int = HEIGHT, width: int = WIDTH, cameras: int = CAMERAS) -> Iterator[dict[str, Any]]:
    """Up to `cameras` pictures of one moment of a world, each by a camera and in a light of its own; the same for a seed. See COLUMNS."""
    from engine.data.worlds import make_world  # needs shapely, which a machine that only trains may lack

    random = np.random.Generator(np.random.PCG64([seed, 2]))
    world = make_world(seed)
    clip = world.clip(1, start=float(random.uniform(0, 6)))
    clip = replace(clip, cameras=tuple(random_camera(random, height, width) for _ in range(cameras)))
    frame = next(iter(world.occupancy(clip)))
    drawn = DrawnWorld(clip, random_look(random, seed)[0])
    for camera, lens in enumerate(clip.cameras):
        look, caption = random_look(random, seed)
        drawn.look, drawn.light = look, light_of(look)
        moment = drawn.see(frame)
        seen = drawn.expose(moment, camera)
        if np.median(np.where(seen.depth > 0, seen.depth, np.inf)) < TOO_CLOSE_M:
            continue
        world_R_camera = clip.world_SE3_ego[0][:3, :3] @ clip.camera_pose(0, camera)[:3, :3]
        yield guide_of(drawn, moment, camera, seen)._asdict() | {
            "picture": drawn.develop(seen, moment, camera).transpose(2, 0, 1),
            "focal": np.float32(lens.fx),
            "up": world_R_camera[2].astype(np.float32),
            "sun": (look.sun_direction() @ world_R_camera).astype(np.float32),
            "look": np.array(astuple(look)[:-1], np.float32),
            "caption": caption,
            "world": np.int64(seed),
        }


def random_camera(random: np.random.Generator, height: int, width: int) -> Camera:
    """At the height of a bonnet, a roof or a lorry's cab, near the ego, looking anywhere about the horizon, with a lens of 45 to 110 degrees."""
    focal = width / 2 / np.tan(np.radians(random.uniform(45, 110)) / 2)
    yaw, pitch = random.uniform(-np.pi, np.pi), random.normal(0, 0.06)
    place = random.uniform(-6, 8), random.uniform(-1.5, 1.5), random.uniform(1.0, 2.8)
    return Camera("random", width, height, focal, focal, width / 2, height / 2, Pose(*place, yaw - np.pi / 2, 0.0, -np.pi / 2 + pitch))


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
