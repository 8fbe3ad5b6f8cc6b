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
from engine.render import again
from engine.render.buffers import ray_table
from engine.spec.camera import Camera
from engine.spec.classes import IS_AGENT
from engine.spec.clip import SceneClip
from engine.spec.geometry import transform
from engine.views.drawn.film import Film
from engine.views.drawn.world import DrawnWorld
from engine.views.look import read_prompt


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
            found[camera.name, index] = Seen(camera, clip.world_SE3_ego[index] @ clip.camera_pose(index, number), film.depth, inside(film))
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


def inside(film: Film) -> np.ndarray:
    """bool (H, W): pixels that one static surface fills with its neighbours: no silhouette, no agent."""
    near, far = ndimage.minimum_filter(film.depth, 3), ndimage.maximum_filter(film.depth, 3)
    same = ndimage.minimum_filter(film.material, 3) == ndimage.maximum_filter(film.material, 3)
    agent = ndimage.maximum_filter(IS_AGENT[film.label], 3)
    return (film.depth > 0) & (far - near < 0.08 * film.depth) & same & np.logical_not(agent)


def seen_again(one: Seen, other: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Which still pixels of `one`, bool (M,), `other` sees too, and where: float64 (2, N), rows and columns between its pixels."""
    points_camera = (np.nan_to_num(ray_table(one.camera)) * one.depth[..., None])[one.still].astype(np.float64)
    points = transform(one.world_SE3_camera, points_camera)                          # (M, 3)
    return again.seen_again(points, other.camera, other.world_SE3_camera, other.depth, other.still)


def differences(one: Seen, picture: np.ndarray, other: Seen, other_picture: np.ndarray) -> np.ndarray:
    """float32 (N,): mean absolute difference of colour of static points of `one` that `other` sees too; pictures (H, W, 3) of 255."""
    return colour_differences(one, picture, other_picture, *seen_again(one, other))


def colour_differences(one: Seen, picture: np.ndarray, other_picture: np.ndarray, there: np.ndarray, at: np.ndarray) -> np.ndarray:
    """`differences`, of points that `seen_again` found."""
    read = np.stack([ndimage.map_coordinates(other_picture[..., c].astype(np.float32), at, order=1) for c in range(3)], -1)
    return np.abs(read - picture[one.still][there]).mean(axis=1).astype(np.float32)
