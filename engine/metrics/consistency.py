"""Whether pictures agree where they show the same: a static point in one frame and the next (warp error), and in two cameras (cross-view).

The geometry is known, so a point's place in the other picture is computed, not estimated. Differences of the teacher's own pictures, measured
alike, say how much of it is light that moves with the eye, and resampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
from scipy import ndimage

from engine.api import OccupancyFrame
from engine.render.buffers import ray_table
from engine.spec.camera import Camera
from engine.spec.classes import AGENTS, CLASS
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert, transform
from engine.views.drawn.world import DrawnWorld
from engine.views.look import read_prompt

_AGENTS = [CLASS[name] for name in AGENTS]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One camera's geometry at one frame."""

    camera: Camera
    world_SE3_camera: np.ndarray
    """float64 (4, 4)."""
    depth: np.ndarray
    """float32 (H, W), metres along the ray, 0 = sky."""
    still: np.ndarray
    """bool (H, W): pixels that one static surface fills with their neighbours."""


def seen_of(clip: SceneClip, frames: list[OccupancyFrame], indices: tuple[int, ...]) -> dict[tuple[str, int], Seen]:
    """The drawn world's geometry of every camera at some frames, by (camera's name, frame)."""
    world, found = DrawnWorld(clip, read_prompt(clip.prompt, 0)[0]), {}
    for index in range(max(indices) + 1):
        moment = world.see(frames[index])
        if index not in indices:
            continue
        for number, camera in enumerate(clip.cameras):
            film = world.expose(moment, number)
            near, far = ndimage.minimum_filter(film.depth, 3), ndimage.maximum_filter(film.depth, 3)
            moves = ndimage.maximum_filter(np.isin(film.label, _AGENTS).astype(np.uint8), 3) > 0
            still = (film.depth > 0) & (far - near < 0.08 * film.depth) & ~moves
            found[camera.name, index] = Seen(camera, clip.world_SE3_ego[index] @ clip.camera_pose(index, number), film.depth, still)
    return found


@dataclass(slots=True)
class Agreement:
    """Mean differences of colour, of 255, summed over pairs of pictures."""

    warp: list[float] = field(default_factory=list)
    across: list[float] = field(default_factory=list)

    def add(self, pictures: Mapping[tuple[str, int], np.ndarray], seen: Mapping[tuple[str, int], Seen]) -> None:
        """Pictures uint8 (H, W, 3) and the geometry of two frames that follow each other."""
        first, second = sorted({index for _, index in seen})
        names = [name for name, index in seen if index == first]
        for name in names:
            self._compare(self.warp, pictures, seen, (name, first), (name, second))
        for one, other in permutations(names, 2):
            self._compare(self.across, pictures, seen, (one, first), (other, first))

    @staticmethod
    def _compare(into: list[float], pictures: Mapping, seen: Mapping, one: tuple[str, int], other: tuple[str, int]) -> None:
        difference = differences(seen[one], pictures[one], seen[other], pictures[other])
        if len(difference) > 50:  # views that hardly overlap say nothing
            into.append(float(difference.mean()))

    def report(self) -> dict[str, Any]:
        return {
            name: round(float(np.mean(values)), 3) if values else None for name, values in (("warp_error", self.warp), ("cross_view_error", self.across))
        }


def differences(one: Seen, picture: np.ndarray, other: Seen, other_picture: np.ndarray) -> np.ndarray:
    """float32 (N,): mean absolute difference of colour of static points of `one` that `other` sees too."""
    points_camera = (np.nan_to_num(ray_table(one.camera)) * one.depth[..., None])[one.still].astype(np.float64)
    points = transform(invert(other.world_SE3_camera) @ one.world_SE3_camera, points_camera)         # (M, 3)
    pixels, distance = other.camera.project(points), np.linalg.norm(points, axis=1)
    height, width = other.depth.shape
    with np.errstate(invalid="ignore"):
        inside = (pixels > 1).all(1) & (pixels[:, 0] < width - 1) & (pixels[:, 1] < height - 1)
    column, row = (np.where(inside, pixels[:, axis] - 0.5, 0) for axis in range(2))
    at = np.round(row).astype(int), np.round(column).astype(int)
    there = inside & other.still[at] & (np.abs(other.depth[at] - distance) < 0.03 * distance + 0.05)
    read = [ndimage.map_coordinates(other_picture[..., c].astype(np.float32), [row[there], column[there]], order=1) for c in range(3)]
    return np.abs(np.stack(read, -1) - picture[one.still][there]).mean(1).astype(np.float32)
