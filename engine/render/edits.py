"""Occupancy edits replayed on a generated frame: removals that give the ground back, and boxes filled or cleared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numba import njit

from engine.spec.classes import CLASS, FREE, GROUND
from engine.spec.geometry import Pose, invert
from engine.spec.grid import GridSpec

SURFACES = ("driveable_surface", "other_flat", "sidewalk", "terrain")
"""Ground that is really gone when it is removed; markings leave the ground that they were painted on."""
KINDS = ("remove_instance", "remove_class", "fill_box", "clear_box")

_IS_GROUND = np.zeros(256, np.bool_)
_IS_GROUND[list(GROUND)] = True


class OccupancyEdit(Protocol):
    """One edit, as the editor keeps it: kind, frames, and what or where."""

    @property
    def kind(self) -> str: ...
    @property
    def span(self) -> tuple[int, int] | None: ...
    @property
    def class_name(self) -> str: ...
    @property
    def instance_id(self) -> int: ...
    @property
    def box_pose(self) -> Pose: ...
    @property
    def box_size_m(self) -> tuple[float, float, float]: ...


class OccupancyEditError(ValueError):
    """An edit that cannot be replayed; its text says what to change."""


def apply_occupancy_edits(
    semantics: np.ndarray,
    instances: np.ndarray,
    edits: Iterable[OccupancyEdit],
    frame_index: int,
    grid: GridSpec,
    world_SE3_ego: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """New semantics uint8 and instances uint16, both (X, Y, Z), after the edits whose span holds `frame_index`, in their order.

    The arrays passed in are left alone (and come back themselves where no edit holds). Removed things become free and the
    ground under them is taken from the nearest column that has some; removed ground surfaces and cleared boxes stay empty. A
    box takes the voxels whose centres it contains, and at least the one that holds its own centre. `world_SE3_ego` (4, 4)
    places this frame's grid among the boxes' world poses. Raises OccupancyEditError on a kind or class that is not known.
    """
    for edit in edits:
        if edit.span is not None and not edit.span[0] <= frame_index <= edit.span[1]:
            continue
        semantics, instances = _apply(semantics, instances, edit, grid, world_SE3_ego)
    return semantics, instances


def _apply(
    semantics: np.ndarray, instances: np.ndarray, edit: OccupancyEdit, grid: GridSpec, world_SE3_ego: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if edit.kind == "remove_instance":
        # Id 0 is 'no instance': removing it must not empty the scene.
        return remove(semantics, instances, (instances == edit.instance_id) & (edit.instance_id > 0))
    if edit.kind == "remove_class":
        gone = semantics == _class_id(edit)
        return remove(semantics, instances, gone, gives_ground_back=edit.class_name not in SURFACES)
    if edit.kind not in KINDS:
        raise OccupancyEditError(
            f"Occupancy edit '{edit.kind}' is not one of {', '.join(KINDS)}: delete it, or open the project with the version that made it."
        )
    class_id, instance_id = (_class_id(edit), edit.instance_id) if edit.kind == "fill_box" else (FREE, 0)
    block, inside = voxels_in_box(grid, invert(world_SE3_ego) @ edit.box_pose.matrix(), edit.box_size_m)
    semantics, instances = semantics.copy(), instances.copy()
    semantics[block][inside] = class_id
    instances[block][inside] = instance_id if class_id != FREE else 0
    return semantics, instances


def _class_id(edit: OccupancyEdit) -> int:
    if edit.class_name not in CLASS:
        raise OccupancyEditError(
            f"Occupancy edit '{edit.kind}' names class '{edit.class_name}', which is not one of {', '.join(CLASS)}: choose one of them."
        )
    return CLASS[edit.class_name]


def remove(semantics: np.ndarray, instances: np.ndarray, gone: np.ndarray, gives_ground_back: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Free the voxels where `gone` (X, Y, Z) is true; columns left without ground get the nearest column's, where it is free."""
    if not gone.any():
        return semantics, instances
    semantics, instances = semantics.copy(), instances.copy()
    semantics[gone] = FREE
    instances[gone] = 0
    if gives_ground_back:
        grounded = _IS_GROUND[semantics].any(2)
        _refill(semantics, gone.any(2) & ~grounded, grounded, _IS_GROUND)
    return semantics, instances


@njit(cache=True, nogil=True)
def _refill(semantics, holes, grounded, is_ground):
    """Copy into every hole the ground of the nearest grounded column, found in growing squares around it."""
    nx, ny, nz = semantics.shape
    if not grounded.any():
        return
    for x in range(nx):
        for y in range(ny):
            if not holes[x, y]:
                continue
            nearest, from_x, from_y = (nx + ny) ** 2, -1, -1
            ring = 1
            while ring * ring < nearest:
                for i in range(max(x - ring, 0), min(x + ring, nx - 1) + 1):
                    # A whole side at the square's two ends, its two rim cells in between.
                    stride = 1 if abs(i - x) == ring else 2 * ring
                    for j in range(y - ring, y + ring + 1, stride):
                        squared = (i - x) ** 2 + (j - y) ** 2
                        if 0 <= j < ny and squared < nearest and grounded[i, j]:
                            nearest, from_x, from_y = squared, i, j
                ring += 1
            for z in range(nz):
                class_id = semantics[from_x, from_y, z]
                if is_ground[class_id] and semantics[x, y, z] == FREE:
                    semantics[x, y, z] = class_id


def voxels_in_box(
    grid: GridSpec, ego_SE3_box: np.ndarray, size_m: tuple[float, float, float]
) -> tuple[tuple[slice, slice, slice], np.ndarray]:
    """A block of the grid around a box, and a bool mask over it of the voxels whose centres the box contains.

    A box too thin to contain a centre takes the voxel that holds its own. Both are empty where the box misses the grid.
    """
    rotation, center = ego_SE3_box[:3, :3], ego_SE3_box[:3, 3]
    half = np.asarray(size_m, np.float64) / 2
    reach = np.abs(rotation) @ half
    origin = np.array(grid.origin_m)
    low = np.clip(np.floor((center - reach - origin) / grid.voxel_m), 0, grid.shape).astype(int)
    high = np.clip(np.floor((center + reach - origin) / grid.voxel_m) + 1, 0, grid.shape).astype(int)
    block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    axes = [origin[a] + (np.arange(low[a], high[a]) + 0.5) * grid.voxel_m - center[a] for a in range(3)]
    offset = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    inside = np.all(np.abs(offset @ rotation) <= half, axis=-1)
    own = np.floor((center - origin) / grid.voxel_m).astype(int) - low
    if not inside.any() and (own >= 0).all() and (own < inside.shape).all() and (half > 0).all():
        inside[tuple(own)] = True
    return block, inside
