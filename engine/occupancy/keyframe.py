"""Where the static world is drawn: frames that lie in the world as the streets do, whoever drives through them.

An ego a metre aside, or turned by five degrees, cuts the world into other cells, and what is drawn cell by cell would be another world.
So what stands still is drawn on key grids. Their headings follow the streets and their centres a lattice of KEY_SPACING_M, so drives through one
street share them, and an ego frame is a view of the key grid around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from engine.occupancy.dice import CELL_M
from engine.spec.classes import AGENTS, CHANNEL
from engine.spec.grid import GridSpec
from engine.spec.layout import Layout
from engine.spec.raster import rasterise

CELLS_APART = 5
KEY_SPACING_M = CELLS_APART * CELL_M
"""Between the centres of neighbouring key grids: whole latent cells, so that neighbours of one heading share their voxels."""
KEY_MARGIN_M = 8.0
"""A key grid reaches this far beyond an ego's grid: half the spacing, and what a turn of 6 degrees adds."""
HEADING_STEP_RAD = np.radians(3.0)
"""Headings of streets are rounded to this, so that a straight one keeps its own."""
BLOCK_M = 16.0
"""The heading of the streets is looked for around the centres of blocks of this size."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a key grid lies: two egos with equal ones see one drawn world."""

    heading_steps: int
    """Heading of its x axis in the world, in HEADING_STEP_RAD."""
    x: int
    """Of the centre on the lattice of that heading, in KEY_SPACING_M."""
    y: int

    @property
    def heading_rad(self) -> float:
        return self.heading_steps * float(HEADING_STEP_RAD)

    def cells(self, count: tuple[int, int]) -> np.ndarray:
        """int64 (H, W, 2): the cells of the lattice that a key grid of so many latent cells consists of."""
        x = self.x * CELLS_APART + np.arange(count[0]) - count[0] // 2
        y = self.y * CELLS_APART + np.arange(count[1]) - count[1] // 2
        return np.stack(np.meshgrid(x, y, indexing="ij"), -1).astype(np.int64)

    def on_map(self) -> np.ndarray:
        """Pose (4, 4) of the key grid's frame as a map shows it, at height 0."""
        c, s = np.cos(self.heading_rad), np.sin(self.heading_rad)
        pose = np.eye(4)
        pose[:2, :2] = (c, -s), (s, c)
        pose[:2, 3] = pose[:2, :2] @ (self.x * KEY_SPACING_M, self.y * KEY_SPACING_M)
        return pose

    def world_SE3_key(self, world_SE3_ego: np.ndarray) -> np.ndarray:
        """Pose (4, 4) of the key grid's frame in the ground plane of an ego that stands near it."""
        pose, up = self.on_map(), world_SE3_ego[:3, 2]
        pose[2, 3] = world_SE3_ego[2, 3] - up[:2] @ (pose[:2, 3] - world_SE3_ego[:2, 3]) / up[2]
        x = pose[:3, 0] - (pose[:3, 0] @ up) * up
        x /= np.linalg.norm(x)
        pose[:3, :3] = np.stack([x, np.cross(up, x), up], 1)
        return pose


def key_grid(grid: GridSpec) -> GridSpec:
    """An ego's grid with KEY_MARGIN_M more on every side."""
    more = round(KEY_MARGIN_M / grid.voxel_m)
    nx, ny, nz = grid.shape
    x0, y0, z0 = grid.origin_m
    return GridSpec(f"{grid.name}-key", (nx + 2 * more, ny + 2 * more, nz), grid.voxel_m, (x0 - KEY_MARGIN_M, y0 - KEY_MARGIN_M, z0))


def key_place(ground: Layout, grid: GridSpec, world_SE3_ego: np.ndarray) -> KeyPlace:
    """The key grid nearest to an ego on this ground."""
    pose = world_SE3_ego
    yaw = float(np.arctan2(pose[1, 0], pose[0, 0]))
    streets = _street_heading(ground, grid, (round(pose[0, 3] / BLOCK_M), round(pose[1, 3] / BLOCK_M)))
    # Streets are told up to a quarter turn; of these the one nearest to the ego's.
    heading = streets + round((yaw - streets) / (np.pi / 2)) * np.pi / 2
    steps = round(heading / HEADING_STEP_RAD) % round(2 * np.pi / HEADING_STEP_RAD)
    c, s = np.cos(steps * HEADING_STEP_RAD), np.sin(steps * HEADING_STEP_RAD)
    x, y = (c * pose[0, 3] + s * pose[1, 3], -s * pose[0, 3] + c * pose[1, 3])
    return KeyPlace(steps, round(x / KEY_SPACING_M), round(y / KEY_SPACING_M))


@lru_cache(maxsize=8)
def _street_heading(ground: Layout, grid: GridSpec, block: tuple[int, int]) -> float:
    """The heading (rad, up to a quarter turn) that most edges of the streets around a block have; 0 where there are none."""
    pose = np.eye(4)
    pose[:2, 3] = np.array(block) * BLOCK_M
    road = rasterise(ground, grid, pose)[CHANNEL["drivable_area"]].astype(float)
    smooth = ndimage.gaussian_filter(road, 2.0)
    dx, dy = np.gradient(smooth)
    fourfold = ((dx + 1j * dy) ** 4 / np.maximum(dx**2 + dy**2, 1e-12)).sum()
    return float(np.angle(fourfold) / 4) if abs(fourfold) > 1e-3 else 0.0


def static_layout(ground: Layout, grid: GridSpec, place: KeyPlace) -> np.ndarray:
    """Layout uint8 (15, X, Y) of a key grid, without agents.

    Streets are shown as a map shows them, however the grid is tilted: what is drawn under them may not depend on how an ego nods.
    """
    layout = rasterise(ground, key_grid(grid), place.on_map())
    layout[: len(AGENTS)] = 0
    return layout
