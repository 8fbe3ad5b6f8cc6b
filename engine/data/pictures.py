"""Pairs for the view model: a world at the studio's 0.4 m voxels, and the same world drawn finely as the teacher's picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.data.worlds import make_world
from engine.render.raycast import Volume
from engine.spec.camera import Camera
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D, GridSpec
from engine.views.look import Look, random_look
from engine.views.shading import Shaded, shade

FINE = GridSpec("teacher", (800, 800, 64), 0.1, OCC3D.origin_m)
"""The teacher's grid: the same box at a quarter of the voxel size."""
FINE_SMOOTH = 4
TOO_CLOSE_M = 1.2
"""A picture whose nearer half lies closer than this was taken from inside something."""


@dataclass(frozen=True, slots=True, eq=False)
class PicturePair:
    """What the view model is given and what it should draw."""

    shaded: Shaded
    teacher: np.ndarray
    """float32 (H, W, 3) in [0, 1]."""
    look: Look


def picture_pairs(seed: int, cameras: int, height: int = 144, width: int = 256) -> list[PicturePair]:
    """Up to `cameras` pairs of one frame of one procedural world, from random cameras about the ego. Deterministic by seed."""
    random = np.random.default_rng(seed)
    world = make_world(seed)
    start = float(random.uniform(0, 6))
    coarse_clip, fine_clip = world.clip(1, OCC3D, start), world.clip(1, FINE, start)
    coarse, fine = next(iter(world.occupancy(coarse_clip))), next(iter(world.occupancy(fine_clip)))
    coarse_volume = Volume.from_dense(coarse.semantics, OCC3D, coarse.instances)
    fine_volume = Volume.from_dense(fine.semantics, FINE, fine.instances)
    look, pose, boxes = random_look(random), coarse_clip.world_SE3_ego[0], coarse_clip.boxes[0]
    pairs = []
    for _ in range(cameras):
        camera = random_camera(random, height, width)
        ego_SE3_camera = camera.ego_SE3_camera.matrix()
        shaded = shade(coarse_volume, camera, ego_SE3_camera, pose, boxes, look, 1)
        if np.median(shaded.features[..., 6]) > 1 / TOO_CLOSE_M:
            continue
        large = shade(fine_volume, camera.resized(2 * width, 2 * height), ego_SE3_camera, pose, boxes, look, FINE_SMOOTH)
        teacher = large.rgb.reshape(height, 2, width, 2, 3).mean((1, 3))
        pairs.append(PicturePair(shaded, teacher, look))
    return pairs


def random_camera(random: np.random.Generator, height: int, width: int) -> Camera:
    """A camera at a car's roof or a person's height, looking anywhere about the horizon, with a lens of 50 to 110 degrees."""
    focal = width / 2 / np.tan(np.radians(random.uniform(50, 110)) / 2)
    yaw, pitch = random.uniform(-np.pi, np.pi), random.normal(0, 0.05)
    pose = Pose(random.uniform(-1, 2), random.uniform(-0.8, 0.8), random.uniform(1.2, 2.2), yaw - np.pi / 2, 0.0, -np.pi / 2 + pitch)
    return Camera("random", width, height, focal, focal, width / 2, height / 2, pose)
