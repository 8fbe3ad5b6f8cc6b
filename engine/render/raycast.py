"""Ray casting through voxels: a walk over (x, y) columns whose occupied voxels are the bits of one 64-bit word.

A column answers for a ray's whole height range with one AND; the ORs over 8 x 8 and 32 x 32 columns answer for a tile at
once, so empty space is crossed in a few steps and an edit costs only the words of its own columns. `cast` is the one
core: compiled here for the CPU in float64, and in `engine.render.cuda` for a GPU in float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import get_num_threads, njit, prange

from engine.spec.classes import FREE
from engine.spec.grid import GridSpec

MAX_LAYERS = 64
"""Voxels of a column that fit its word."""

FACE_NORMALS = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]], np.float32)
"""Outward normal of face code 2 * axis + (1 where it looks along the positive axis)."""
FACE_SHADE = np.array([0.80, 0.86, 0.72, 0.78, 0.55, 1.0], np.float32)
"""Brightness by face code, as under a high sky: one look for the previews and for the unlit meshes."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """One frame of occupancy with its column masks: build it once, cast every camera through it. Treat it as read-only."""

    grid: GridSpec
    semantics: np.ndarray
    """uint8 (X, Y, Z)."""
    instances: np.ndarray
    """uint16 (X, Y, Z)."""
    columns: np.ndarray
    """uint64 (X, Y): bit z is set where voxel z is occupied."""
    tiles8: np.ndarray
    """uint64 (ceil(X / 8), ceil(Y / 8)): OR over 8 x 8 columns."""
    tiles32: np.ndarray
    """uint64 (ceil(X / 32), ceil(Y / 32)): OR over 32 x 32 columns."""

    @staticmethod
    def from_dense(semantics: np.ndarray, grid: GridSpec, instances: np.ndarray | None = None) -> Volume:
        """From class ids (X, Y, Z), where 20 (free) and above are see-through, and instance ids (X, Y, Z) or None.

        Raises ValueError where a shape does not fit the grid, or the grid is higher than 64 voxels.
        """
        semantics, instances = _fitted(semantics, instances, grid)
        nx, ny, _ = grid.shape
        columns = np.empty((nx, ny), np.uint64)
        tiles8 = np.empty((-(-nx // 8), -(-ny // 8)), np.uint64)
        tiles32 = np.empty((-(-nx // 32), -(-ny // 32)), np.uint64)
        _build_masks(semantics, columns, tiles8, tiles32, 0, nx, 0, ny)
        return Volume(grid, semantics, instances, columns, tiles8, tiles32)

    def edited(self, semantics: np.ndarray, instances: np.ndarray | None, x_cells: tuple[int, int], y_cells: tuple[int, int]) -> Volume:
        """The volume of occupancy that differs from this one only in columns [x0, x1) x [y0, y1); other masks are kept."""
        semantics, instances = _fitted(semantics, instances, self.grid)
        nx, ny, _ = self.grid.shape
        (x0, x1), (y0, y1) = x_cells, y_cells
        x0, x1, y0, y1 = max(x0, 0), min(x1, nx), max(y0, 0), min(y1, ny)
        columns, tiles8, tiles32 = self.columns.copy(), self.tiles8.copy(), self.tiles32.copy()
        if x0 < x1 and y0 < y1:
            _build_masks(semantics, columns, tiles8, tiles32, x0, x1, y0, y1)
        return Volume(self.grid, semantics, instances, columns, tiles8, tiles32)


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """First voxel along every ray; shapes follow the rays'."""

    voxel: np.ndarray
    """int32 index into the raveled (X, Y, Z) volume, -1 = nothing hit."""
    distance: np.ndarray
    """float64 in lengths of the ray's direction, so metres for unit directions; infinity = nothing hit."""
    face: np.ndarray
    """int8 code of the face that was met (see FACE_NORMALS), -1 = nothing hit."""


def cast_rays(volume: Volume, rays: np.ndarray, ego_SE3_rays: np.ndarray) -> Hits:
    """Cast directions `rays` (..., 3), all starting at the origin of a frame posed by `ego_SE3_rays` (4, 4) in the ego frame.

    A direction that is zero or not a number hits nothing. From inside an occupied voxel every ray hits it at distance 0,
    on the face that looks back along the ray's main axis.
    """
    table = np.ascontiguousarray(rays if rays.ndim == 3 else rays.reshape(1, -1, 3))
    height, width = table.shape[:2]
    voxel = np.empty((height, width), np.int32)
    distance = np.empty((height, width), np.float64)
    face = np.empty((height, width), np.int8)
    pose = grid_pose(volume.grid, ego_SE3_rays)
    _cast_table(volume.columns, volume.tiles8, volume.tiles32, volume.grid.shape[2], table, pose, get_num_threads(), voxel, distance, face)
    shape = rays.shape[:-1]
    return Hits(voxel.reshape(shape), distance.reshape(shape), face.reshape(shape))


def grid_pose(grid: GridSpec, ego_SE3_rays: np.ndarray) -> np.ndarray:
    """(3, 4) float64 map from the rays' frame in metres into the grid in voxels. Raises ValueError where the pose is not finite."""
    if ego_SE3_rays.shape != (4, 4) or not np.isfinite(ego_SE3_rays).all():
        raise ValueError("The pose of the rays must be a finite 4 x 4 matrix: mend the camera's or the ego's pose before rendering.")
    pose = np.array(ego_SE3_rays[:3], np.float64)
    pose[:, 3] -= grid.origin_m
    return pose / grid.voxel_m


def cast_rays_slow(volume: Volume, rays: np.ndarray, ego_SE3_rays: np.ndarray) -> Hits:
    """The plain twin of `cast_rays`: every ray (N, 3) against the slabs of every occupied voxel."""
    pose = grid_pose(volume.grid, ego_SE3_rays)
    cells = np.argwhere(volume.semantics < FREE)
    start = pose[:, 3]
    voxel, distance, face = np.full(len(rays), -1, np.int32), np.full(len(rays), np.inf), np.full(len(rays), -1, np.int8)
    for index, direction in enumerate(rays.astype(np.float64) @ pose[:, :3].T):
        if not np.isfinite(direction).all() or not direction.any() or not len(cells):
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            near, far = (cells - start) / direction, (cells + 1 - start) / direction
        near, far = np.minimum(near, far), np.maximum(near, far)
        still = direction == 0
        within = (cells[:, still] <= start[still]) & (start[still] < cells[:, still] + 1)
        near[:, still], far[:, still] = np.where(within, -np.inf, np.inf), np.inf
        enter = near.max(1)
        hit = (enter < far.min(1)) & (far.min(1) > 0)
        if not hit.any():
            continue
        first = np.where(hit, enter, np.inf).argmin()
        axis = near[first].argmax() if enter[first] > 0 else np.abs(direction).argmax()
        voxel[index] = np.ravel_multi_index(tuple(cells[first]), volume.grid.shape)
        distance[index] = max(enter[first], 0.0)
        face[index] = 2 * axis + (direction[axis] < 0)
    return Hits(voxel, distance, face)


def cast(columns, tiles8, tiles32, nz, px, py, pz, dx, dy, dz):
    """First occupied voxel along p + t d, in voxel units: (ix, iy, iz, t, face); ix = -1 where there is none.

    Plain arithmetic in the type of p and d, no helper calls, so that any of numba's targets compiles it as it stands.
    Boundaries are always met at (boundary - p) * (1 / d), never by adding steps up, so all levels agree to the last bit.
    """
    real = type(px)
    nx, ny = columns.shape
    zero, infinity = real(0), real(np.inf)
    miss = (-1, -1, -1, infinity, -1)
    # NaN fails every comparison, so these also reject what is not a number. Below 1e-30, t would overflow float32.
    size = abs(dx) + abs(dy) + abs(dz)
    if not (size > real(1e-30) and size < infinity and abs(px) + abs(py) + abs(pz) < infinity):
        return miss

    # Clip to the grid's box; `axis` is the side of the box through which the ray enters.
    t, t_end, axis = zero, infinity, -1
    p, d, n = (px, py, pz), (dx, dy, dz), (real(nx), real(ny), real(nz))
    for a in range(3):
        if d[a] == zero:
            if p[a] < zero or p[a] >= n[a]:
                return miss
        else:
            inverse = real(1) / d[a]
            near, far = (zero - p[a]) * inverse, (n[a] - p[a]) * inverse
            if near > far:
                near, far = far, near
            if near > t:
                t, axis = near, a
            t_end = min(t_end, far)
    if t >= t_end:
        return miss

    # On a boundary a ray belongs to the cell that it is about to cross.
    x, y = px + dx * t, py + dy * t
    ix = min(max(int(math.ceil(x)) - 1 if dx < zero else int(math.floor(x)), 0), nx - 1)
    iy = min(max(int(math.ceil(y)) - 1 if dy < zero else int(math.floor(y)), 0), ny - 1)

    inv_x, inv_y = infinity if dx == zero else real(1) / dx, infinity if dy == zero else real(1) / dy
    shift = 5
    while True:
        if shift == 5:
            word = tiles32[ix >> 5, iy >> 5]
        elif shift == 3:
            word = tiles8[ix >> 3, iy >> 3]
        else:
            word = columns[ix, iy]
        # How far this tile (or column) goes: to its x side, its y side, or the end of the grid.
        bx = ((ix >> shift) + 1) << shift if dx > zero else (ix >> shift) << shift
        by = ((iy >> shift) + 1) << shift if dy > zero else (iy >> shift) << shift
        tx = infinity if dx == zero else (real(bx) - px) * inv_x
        ty = infinity if dy == zero else (real(by) - py) * inv_y
        t_exit = min(tx, ty, t_end)
        # Its layers [low, high] are those between where the ray enters and where it leaves. Through a corner the two can come
        # out in the wrong order by one: then it is the entry that counts.
        z, z_exit = pz + dz * t, pz + dz * t_exit
        first = min(max(int(math.ceil(z)) - 1 if dz < zero else int(math.floor(z)), 0), nz - 1)
        last = min(max(int(math.floor(z_exit)), 0), nz - 1)
        low, high = (min(first, last), first) if dz < zero else (first, max(first, last))
        layers = (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(63 - (high - low))) << np.uint64(low)

        if word & layers:
            if shift == 5:
                shift = 3
            elif shift == 3:
                shift = 0
            else:
                iz = first
                step = 1 if dz > zero else -1
                while not (word >> np.uint64(iz)) & np.uint64(1):
                    iz += step
                if iz != first:
                    t = (real(iz if dz > zero else iz + 1) - pz) / dz
                    axis = 2
                elif axis < 0:  # the ray starts inside this voxel
                    axis = 0 if abs(dx) >= abs(dy) and abs(dx) >= abs(dz) else (1 if abs(dy) >= abs(dz) else 2)
                return ix, iy, iz, t, 2 * axis + (1 if d[axis] < zero else 0)
            continue

        if t_exit >= t_end:
            return miss
        # Step over the side; then look at the largest tile that begins there.
        t = t_exit
        if tx <= ty:
            if shift > 0:
                y = py + dy * t
                side = (iy >> shift) << shift
                iy = int(math.ceil(y)) - 1 if dy < zero else int(math.floor(y))
                iy = min(max(iy, side), min(side + (1 << shift), ny) - 1)
            ix = bx if dx > zero else bx - 1
            axis, side = 0, bx
        else:
            if shift > 0:
                x = px + dx * t
                side = (ix >> shift) << shift
                ix = int(math.ceil(x)) - 1 if dx < zero else int(math.floor(x))
                ix = min(max(ix, side), min(side + (1 << shift), nx) - 1)
            iy = by if dy > zero else by - 1
            axis, side = 1, by
        shift = 5 if side & 31 == 0 else (3 if side & 7 == 0 else 0)


cast_f64 = njit(cache=True, error_model="numpy", nogil=True)(cast)


@njit(cache=True, parallel=True, error_model="numpy", nogil=True)
def _cast_table(columns, tiles8, tiles32, nz, table, pose, lanes, voxel, distance, face):
    height, width = table.shape[:2]
    ny = columns.shape[1]
    for lane in prange(lanes):
        # Interleaved rows: those of the sky are cheap, those of the street are not.
        for row in range(lane, height, lanes):
            for column in range(width):
                rx, ry, rz = np.float64(table[row, column, 0]), np.float64(table[row, column, 1]), np.float64(table[row, column, 2])
                dx = pose[0, 0] * rx + pose[0, 1] * ry + pose[0, 2] * rz
                dy = pose[1, 0] * rx + pose[1, 1] * ry + pose[1, 2] * rz
                dz = pose[2, 0] * rx + pose[2, 1] * ry + pose[2, 2] * rz
                ix, iy, iz, t, code = cast_f64(columns, tiles8, tiles32, nz, pose[0, 3], pose[1, 3], pose[2, 3], dx, dy, dz)
                voxel[row, column] = -1 if ix < 0 else (ix * ny + iy) * nz + iz
                distance[row, column] = t
                face[row, column] = code


@njit(cache=True, nogil=True)
def _build_masks(semantics, columns, tiles8, tiles32, x0, x1, y0, y1):
    nx, ny, nz = semantics.shape
    for x in range(x0, x1):
        for y in range(y0, y1):
            word = np.uint64(0)
            for z in range(nz):
                word |= np.uint64(semantics[x, y, z] < FREE) << np.uint64(z)
            columns[x, y] = word
    for i in range(x0 >> 3, ((x1 - 1) >> 3) + 1):
        for j in range(y0 >> 3, ((y1 - 1) >> 3) + 1):
            word = np.uint64(0)
            for x in range(8 * i, min(8 * i + 8, nx)):
                for y in range(8 * j, min(8 * j + 8, ny)):
                    word |= columns[x, y]
            tiles8[i, j] = word
    for i in range(x0 >> 5, ((x1 - 1) >> 5) + 1):
        for j in range(y0 >> 5, ((y1 - 1) >> 5) + 1):
            word = np.uint64(0)
            for x in range(4 * i, min(4 * i + 4, tiles8.shape[0])):
                for y in range(4 * j, min(4 * j + 4, tiles8.shape[1])):
                    word |= tiles8[x, y]
            tiles32[i, j] = word


def _fitted(semantics: np.ndarray, instances: np.ndarray | None, grid: GridSpec) -> tuple[np.ndarray, np.ndarray]:
    if grid.shape[2] > MAX_LAYERS:
        raise ValueError(
            f"Grid '{grid.name}' is {grid.shape[2]} voxels high and ray casting takes at most {MAX_LAYERS}: "
            "choose larger voxels or a lower grid."
        )
    for name, array in (("semantics", semantics), ("instances", instances)):
        if array is not None and array.shape != grid.shape:
            raise ValueError(
                f"The {name} of shape {array.shape} do not fit grid '{grid.name}' of shape {grid.shape}: "
                "pass the grid that they were made with."
            )
    if instances is None:
        instances = np.zeros(grid.shape, np.uint16)
    return np.ascontiguousarray(semantics, np.uint8), np.ascontiguousarray(instances, np.uint16)
