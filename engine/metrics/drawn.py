"""How true and how still the drawn world is: against the voxels that it was drawn from, and from one frame to the next.

Pixels are compared where they mean the same. A drawn shape is smooth, so at a silhouette it may lie half a voxel off; it goes on above
the grid; thin paint on the road is a stripe where the voxels have a whole cell. Each kind of difference has a share of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from engine.api import Buffers, Recipe
from engine.render.buffers import ray_table
from engine.spec.camera import Camera
from engine.spec.classes import AGENTS, CLASS, CLASSES, NOTHING_HIT
from engine.spec.geometry import invert, transform
from engine.spec.take import Take
from engine.views.drawn.film import Film
from engine.views.drawn.model import DrawnViews
from engine.views.drawn.world import DrawnWorld
from engine.views.look import read_prompt
from engine.views.scene import ViewScene, clip_of, frames_from

LEAST_PIXELS = 200
"""An agent counts where the voxels show it with so many pixels."""
ROAD = [CLASS[name] for name in ("driveable_surface", "ped_crossing", "road_divider", "lane_divider")]
_AGENT = np.array([name in AGENTS for name in CLASSES] + [False] * (256 - len(CLASSES)))


@dataclass
class Agreement:
    """Labels of drawn pictures against the paper's voxel semantic buffers, summed over pictures."""

    pixels: int = 0
    same: int = 0
    same_road: int = 0
    """The same, where the carriageway and its paint count as one."""
    above_grid: int = 0
    """The voxels end there (sky, or what lies behind), and the drawing goes on: the crown or storey above the grid, the land beyond it."""
    silhouette: int = 0
    """Different, but the other's label lies within three pixels."""
    ious: list[float] = field(default_factory=list)

    def add(self, seen: Film, buffers: Buffers) -> None:
        """One picture."""
        truth, drawn = buffers.semantic, seen.label
        one = np.arange(256, dtype=np.uint8)
        one[ROAD] = ROAD[0]
        same = truth == drawn
        road = one[truth] == one[drawn]
        beyond = (truth == NOTHING_HIT) & (drawn != NOTHING_HIT)
        self.pixels += truth.size
        self.same += int(same.sum())
        self.same_road += int(road.sum())
        self.above_grid += int((beyond & ~road).sum())
        rest = ~road & ~beyond
        if rest.any():
            near = np.zeros_like(rest)
            for label in np.unique(one[drawn[rest]]):
                near |= (one[drawn] == label) & ndimage.maximum_filter(one[truth] == label, 7)
            self.silhouette += int((near & rest).sum())
        for number in np.unique(buffers.instance[_AGENT[truth]]):
            of_voxels = (buffers.instance == number) & _AGENT[truth]
            if number and of_voxels.sum() > LEAST_PIXELS:
                of_drawn = (seen.instance == number) & _AGENT[drawn]
                self.ious.append(float((of_voxels & of_drawn).sum() / (of_voxels | of_drawn).sum()))

    def report(self) -> dict[str, Any]:
        """Shares of all pixels, and the masks' IoU."""
        total = max(1, self.pixels)
        return {
            "pixels": self.pixels,
            "same_label": round(self.same / total, 4),
            "same_label_road_as_one": round(self.same_road / total, 4),
            "drawn_beyond_the_grid": round(self.above_grid / total, 4),
            "differs_within_3_pixels_of_it": round(self.silhouette / total, 4),
            "differs_otherwise": round((self.pixels - self.same_road - self.above_grid - self.silhouette) / total, 4),
            "agents": len(self.ious),
            "agent_iou_median": round(float(np.median(self.ious)), 4) if self.ious else None,
        }


class Stillness:
    """Colours of points of the static world in one frame and the next, of one camera."""

    def __init__(self) -> None:
        self.differences: list[np.ndarray] = []

    def add(
        self, camera: Camera, first: tuple[Film, np.ndarray, np.ndarray], second: tuple[Film, np.ndarray, np.ndarray]
    ) -> None:
        """Each frame is its film, its picture uint8 (H, W, 3) and world_SE3_camera (4, 4)."""
        film, picture, pose = first
        later, later_picture, later_pose = second
        rays = ray_table(camera)
        still = _inside(film)
        points = transform(pose, (rays * film.depth[..., None])[still].astype(np.float64))
        in_camera = transform(invert(later_pose), points)
        pixels = camera.project(in_camera)
        distance = np.linalg.norm(in_camera, axis=1)
        height, width = later.depth.shape
        with np.errstate(invalid="ignore"):
            inside = (pixels[:, 0] > 1) & (pixels[:, 1] > 1) & (pixels[:, 0] < width - 1) & (pixels[:, 1] < height - 1)
        column, row = (np.where(inside, pixels[:, axis] - 0.5, 0) for axis in range(2))
        at = np.round(row).astype(int), np.round(column).astype(int)
        seen = inside & _inside(later)[at] & (np.abs(later.depth[at] - distance) < 0.03 * distance + 0.05)
        after = np.stack(
            [ndimage.map_coordinates(later_picture[..., c].astype(np.float32), [row[seen], column[seen]], order=1) for c in range(3)], -1
        )
        before = picture[still][seen].astype(np.float32)
        self.differences.append(np.abs(after - before).mean(axis=1).astype(np.float32))

    def report(self) -> dict[str, Any]:
        """Differences of colour, of 255."""
        every = np.concatenate(self.differences) if self.differences else np.zeros(1)
        return {"points": len(every), "mean": round(float(every.mean()), 3), "percentile_99": round(float(np.percentile(every, 99)), 2)}


def _inside(film: Film) -> np.ndarray:
    """Pixels (H, W) that one static surface fills with its neighbours: no silhouette, no agent."""
    near, far = ndimage.minimum_filter(film.depth, 3), ndimage.maximum_filter(film.depth, 3)
    same = ndimage.minimum_filter(film.material, 3) == ndimage.maximum_filter(film.material, 3)
    agent = ndimage.maximum_filter(_AGENT[film.label], 3)
    return (film.depth > 0) & (far - near < 0.08 * film.depth) & same & np.logical_not(agent)


def psnr_outside(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> float:
    """dB between pictures uint8 (H, W, 3) outside a bool mask (H, W); infinite where they are equal there."""
    square = (before.astype(np.float64) - after.astype(np.float64)) ** 2
    error = float(square[np.logical_not(mask)].mean())
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))




def evaluate_drawn(take: Take, prompt: str = "clear day", every: int = 5) -> dict[str, Any]:
    """The take's world drawn anew: agreement in every `every`-th frame, stillness from that frame to the next, all cameras.

    The take must have cameras. Its own prompt does not count: shares are those of one light.
    """
    model = DrawnViews()
    clip = clip_of(take, prompt, model.size)
    scene = ViewScene(clip, Recipe(views="drawn"), frames_from(take.folder))
    world = DrawnWorld(clip, read_prompt(prompt, 0)[0])
    agreement, stillness = Agreement(), Stillness()
    before: dict[int, tuple[Film, np.ndarray, np.ndarray]] = {}
    for index in range(len(clip)):
        moment = world.see(scene.frame(index))
        if index % every > 1:
            continue
        for number, camera in enumerate(clip.cameras):
            seen = world.expose(moment, number)
            shot = seen, world.develop(seen, moment, number), clip.world_SE3_ego[index] @ clip.camera_pose(index, number)
            if index % every == 0:
                agreement.add(seen, scene.buffers(index, number))
            else:
                stillness.add(camera, before[number], shot)
            before[number] = shot
    return {"agreement": agreement.report(), "stillness": stillness.report()}
