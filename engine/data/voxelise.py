"""Layout, boxes and the standing world of one frame become voxels: semantics and instance ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.data import voxel_kernels as kernels
from engine.spec.classes import FREE
from engine.spec.grid import GridSpec

OWN_MARGIN_M = 0.45
"""A marked cell belongs to the nearest box of its class if its centre is no farther than this outside the box."""


@dataclass(frozen=True, slots=True, eq=False)
class StaticMap:
    """What stands still, on a raster anchored in the world. Heights are decimetres above the local ground."""

    origin_m: tuple[float, float]
    cell_m: float
    ground: np.ndarray
    """uint8 (W, H): class of the ground where the layout maps nothing; FREE = unknown."""
    volume: np.ndarray
    """uint8 (W, H, 3): class, bottom, top of what stands there; top 0 = nothing."""
    crown: np.ndarray
    """uint8 (W, H, 3): class, bottom, top of what hangs above."""
    seen: np.ndarray
    """bool (W, H): where the walls of buildings were ever seen."""
    buildings: np.ndarray
    """float64 (N, 6): x, y, yaw, length, width, height in metres; drawn in the frame's own lattice, for straight facades."""
    posts: np.ndarray
    """float32 (N, 5): x, y, class, bottom, top of things thinner than a cell; drawn in the cell that holds them."""

    @staticmethod
    def empty() -> StaticMap:
        nothing = np.zeros((1, 1, 3), np.uint8)
        unseen, no_buildings, no_posts = np.zeros((1, 1), np.bool_), np.zeros((0, 6)), np.zeros((0, 5), np.float32)
        return StaticMap((0.0, 0.0), 0.4, np.full((1, 1), FREE, np.uint8), nothing, nothing, unseen, no_buildings, no_posts)


EMPTY_STATICS = StaticMap.empty()


def voxelise(
    layout: np.ndarray,
    boxes: np.ndarray,
    grid: GridSpec,
    world_SE3_ego: np.ndarray,
    statics: StaticMap = EMPTY_STATICS,
    ground_z_m: np.ndarray | None = None,
    owner: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Semantics uint8 and instances uint16, both (X, Y, Z), of one frame.

    layout: uint8 (15, X, Y). boxes: float64 (N, 8) rows of id, channel, x, y, yaw, length, width, height in the ego
    frame. ground_z_m: (X, Y) height of the ground in the ego frame; None = flat at 0. owner: as `owners` gives it, which
    leaves marked cells far from every box of their class without an agent; `lift` fills those in.
    """
    semantics = np.full(grid.shape, FREE, np.uint8)
    instances = np.zeros(grid.shape, np.uint16)
    if owner is None:
        owner = owners(layout, boxes, grid)
    if ground_z_m is None:
        ground_z_m = np.zeros(grid.bev_shape, np.float32)
    ground_z_m = np.ascontiguousarray(ground_z_m, np.float32)
    pose = np.ascontiguousarray(world_SE3_ego, np.float64)
    where = grid.origin_m[0], grid.origin_m[1], grid.origin_m[2], grid.voxel_m, pose
    raster = statics.origin_m[0], statics.origin_m[1], statics.cell_m
    taken = (owner >= 0).any(0)
    walls = kernels.building_parts(*grid.bev_shape, *where, statics.buildings)
    layers = statics.ground, statics.volume, statics.crown, statics.seen
    kernels.lay_ground_and_statics(semantics, layout, taken, walls, ground_z_m, *where, *raster, *layers, statics.buildings)
    kernels.raise_posts(semantics, layout, taken, ground_z_m, *where, statics.posts)
    kernels.place_agents(semantics, instances, owner, boxes, ground_z_m, *where[:4])
    return semantics, instances


def owners(layout: np.ndarray, boxes: np.ndarray, grid: GridSpec) -> np.ndarray:
    """int16 (10, X, Y): row of the box that each marked agent cell belongs to, -1 = none."""
    owner = np.full((10, *grid.bev_shape), -1, np.int16)
    kernels.own(layout, boxes, owner, OWN_MARGIN_M, grid.origin_m[0], grid.origin_m[1], grid.voxel_m)
    return owner
