"""How the cameras of a rig stand to each other: headings, neighbours, and a camera between two."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from engine.spec.camera import Camera
from engine.spec.geometry import Pose

APART_M = 10.0
"""Mounts farther from each other than this are not neighbours: nothing lies between a vehicle's cameras and one on a mast."""
SAME_WAY_RAD = math.radians(2.0)
"""Cameras that look the same way to within this stand for one place of the ring."""
ABOUT_HALF_A_CIRCLE = math.cos(math.radians(80.0))
"""A turn's quaternion has a smaller real part than this from 160 degrees on."""
STEEP = math.sin(math.radians(60.0))
"""Height of the viewing direction from which on a camera looks up or down, and not around."""


def heading_rad(camera: Camera) -> float:
    """Direction in the ego's ground plane, counter-clockwise from ahead in [-pi, pi], in which a camera looks.

    One that looks straight down or up has the heading that it would have if it were tilted back to the horizon.
    """
    pose = camera.ego_SE3_camera.matrix()
    forward, up = pose[:3, 2], -pose[:3, 1]
    level = forward[:2] - forward[2] * up[:2]
    return float(np.arctan2(level[1], level[0]))


def left_to_right(cameras: Sequence[Camera]) -> list[int]:
    """Indices in the order of a panorama, clockwise, cut where the widest gap between headings is; equal headings by place."""
    if not cameras:
        return []
    headings = np.array([heading_rad(camera) for camera in cameras])
    around = np.sort(headings)
    widest = int(np.argmax(np.round(np.diff(around, append=around[0] + 2 * np.pi), 6)))
    after_gap = around[(widest + 1) % len(around)]

    def place(index: int) -> tuple[float, ...]:
        turned = round((headings[index] - after_gap + 1e-9) % (2 * np.pi), 6)  # counter-clockwise from the right end
        pose = cameras[index].ego_SE3_camera.matrix()
        to_the_right = pose[:2, 3] @ (np.sin(headings[index]), -np.cos(headings[index]))
        return -turned, round(float(to_the_right), 6), -round(float(pose[2, 3]), 6), round(half_width(cameras[index]), 6)

    return sorted(range(len(cameras)), key=place)


def half_width(camera: Camera) -> float:
    """Half the picture's width in focal lengths: what orders lenses from long to wide."""
    return camera.width / 2 / camera.fx


def adjacent(cameras: Sequence[Camera]) -> list[tuple[int, int]]:
    """Pairs (right, left) of neighbours, counter-clockwise: they look around, and the one turns to the other by at most half a circle.

    So a ring is closed, a fan of three has two pairs, and of cameras that look the same way the widest is taken.
    """
    around = [index for index in reversed(left_to_right(cameras)) if abs(cameras[index].ego_SE3_camera.matrix()[2, 2]) < STEEP]
    ring: list[int] = []
    for index in around:
        if ring and _turn(cameras[ring[-1]], cameras[index]) < SAME_WAY_RAD:
            ring[-1] = max(ring[-1], index, key=lambda one: round(half_width(cameras[one]), 6))
        else:
            ring.append(index)
    if len(ring) < 2:
        return []
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return [(right, left) for right, left in pairs if _turn(cameras[right], cameras[left]) <= np.pi + 1e-6 and _mounts_m(cameras, right, left) <= APART_M]


def _turn(right: Camera, left: Camera) -> float:
    """Counter-clockwise from the one heading to the other, in [0, 2 pi)."""
    turn = (heading_rad(left) - heading_rad(right)) % (2 * np.pi)
    return 0.0 if turn > 2 * np.pi - 1e-9 else float(turn)


def _mounts_m(cameras: Sequence[Camera], a: int, b: int) -> float:
    return float(np.linalg.norm(cameras[a].ego_SE3_camera.matrix()[:3, 3] - cameras[b].ego_SE3_camera.matrix()[:3, 3]))


def between(right: Camera, left: Camera, taken: Collection[str]) -> Camera:
    """A camera half-way from one to the next, counter-clockwise: place and lens are means, the rotation is half of the turn (slerp).

    Sides of the picture are even. A fisheye beside a pinhole gives a pinhole. It is called VIEW_ and its heading in whole degrees.
    """
    a, b = right.ego_SE3_camera.matrix(), left.ego_SE3_camera.matrix()
    pose = np.eye(4)
    pose[:3, :3] = _half_turn(b[:3, :3] @ a[:3, :3].T) @ a[:3, :3]
    pose[:3, 3] = (a[:3, 3] + b[:3, 3]) / 2
    width, height = (2 * round((x + y) / 4) for x, y in ((right.width, left.width), (right.height, left.height)))
    lenses = [camera.resized(width, height) for camera in (right, left)]
    fisheye = None
    if right.fisheye is not None and left.fisheye is not None:
        fisheye = tuple(float(k) for k in np.mean([right.fisheye, left.fisheye], axis=0))
    elif right.fisheye is not None or left.fisheye is not None:
        lenses = [lens for lens in lenses if lens.fisheye is None]
    fx, fy, cx, cy = (float(v) for v in np.mean([(lens.fx, lens.fy, lens.cx, lens.cy) for lens in lenses], axis=0))
    camera = Camera("", width, height, fx, fy, cx, cy, Pose.from_matrix(pose), fisheye)  # type: ignore[arg-type]
    return replace(camera, name=_view_name(camera, taken))


def _half_turn(turn: np.ndarray) -> np.ndarray:
    """Half of a rotation (3, 3) along its shortest arc; where both ways are about as long, counter-clockwise seen from above."""
    # The quaternion of the turn is the dominant eigenvector of a symmetric matrix (Bar-Itzhack 2000): well-posed at half a circle too.
    r = turn
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r.trace()],
        ]
    )
    x, y, z, w = np.linalg.eigh(k)[1][:, -1]  # eigh reads the lower triangle
    if (z < 0) if abs(w) < ABOUT_HALF_A_CIRCLE else (w < 0):
        x, y, z, w = -x, -y, -z, -w
    angle, axis = 2 * math.atan2(math.hypot(x, y, z), w), np.array([x, y, z])
    length = np.linalg.norm(axis)
    if length < 1e-12:
        return np.eye(3)
    cross = np.cross(np.eye(3), axis / length)
    return np.eye(3) + math.sin(angle / 2) * cross + (1 - math.cos(angle / 2)) * cross @ cross


def _view_name(camera: Camera, taken: Collection[str]) -> str:
    degrees = math.floor(math.degrees(heading_rad(camera)) + 0.5 + 1e-6)
    name = f"VIEW_{degrees % 360:03d}"
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}_{number}"
    return free
