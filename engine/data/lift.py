"""The voxeliser on any clip: what is painted becomes occupancy, and nothing else does unless surroundings are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
from numba import njit

from engine.api import OccupancyFrame
from engine.data.ground import HeightFunction, ground_columns
from engine.data.surroundings import invent_surroundings
from engine.data.voxelise import EMPTY_STATICS, StaticMap, owners, voxelise
from engine.spec.classes import AGENTS, CHANNEL, DEFAULT_SIZE_M
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import GridSpec

_SAME_BLOB_M = 1.5
"""A painted agent keeps its id while its middle moves less than this in the world from frame to frame."""


def lift(
    clip: SceneClip, seed: int | None = None, surroundings: bool = False, ground: HeightFunction | None = None
) -> Iterator[OccupancyFrame]:
    """Occupancy of any clip, frame by frame, straight from its layouts and boxes.

    Every marked agent cell belongs to a box of its class, or else to the painted blob it is connected to, which becomes
    an agent with an id of its own. `surroundings` invents buildings and greenery on unmapped ground, the same for the
    same `seed` (None = 0) and world. `ground` gives the world's height; without it the ground is the ego's z = 0 plane.
    """
    return occupy(clip, invent_surroundings(clip, seed or 0) if surroundings else EMPTY_STATICS, ground)


def occupy(clip: SceneClip, statics: StaticMap, ground: HeightFunction | None = None) -> Iterator[OccupancyFrame]:
    """`lift` amid a given standing world."""
    blobs = _Blobs({box.instance_id for boxes in clip.boxes for box in boxes})
    for index in range(len(clip)):
        layout, pose = np.ascontiguousarray(clip.layouts[index]), clip.world_SE3_ego[index]
        rows = box_rows(clip.boxes[index])
        owner = owners(layout, rows, clip.grid)
        rows = np.concatenate([rows, blobs.find(layout, owner, len(rows), clip.grid, pose)])
        height = ground_columns(ground, clip.grid, pose) if ground is not None else None
        yield OccupancyFrame(index, *voxelise(layout, rows, clip.grid, pose, statics, height, owner))


def box_rows(boxes: Sequence[Box]) -> np.ndarray:
    """float64 (N, 8) rows of `voxelise`: id, channel, x, y, yaw, length, width, height."""
    rows = [(b.instance_id, CHANNEL[b.class_name], b.center_m[0], b.center_m[1], b.yaw_rad, *b.size_m) for b in boxes]
    return np.array(rows, np.float64).reshape(-1, 8)


class _Blobs:
    """Painted agents without a box: one connected component each, followed from frame to frame."""

    def __init__(self, used: set[int]) -> None:
        self._fresh = (k for k in count(1) if k not in used)
        self._seen: list[tuple[int, int, np.ndarray]] = []

    def find(self, layout: np.ndarray, owner: np.ndarray, first_row: int, grid: GridSpec, world_SE3_ego: np.ndarray) -> np.ndarray:
        """Rows like `box_rows` for every blob; `owner` is filled in for its cells (rows count from `first_row`)."""
        rows, seen = [], []
        for channel in np.flatnonzero(((layout[:10] > 0) & (owner < 0)).any((1, 2))):
            blobs = _label(layout[channel], owner[channel], first_row + len(rows))
            for _ in range(blobs):
                cells = np.argwhere(owner[channel] == first_row + len(rows))
                x, y, yaw, length, width = _fit((cells + 0.5) * grid.voxel_m + grid.origin_m[:2], grid.voxel_m)
                at = world_SE3_ego[:2, :2] @ (x, y) + world_SE3_ego[:2, 3]
                instance = self._follow(int(channel), at)
                seen.append((instance, int(channel), at))
                rows.append((instance, channel, x, y, yaw, length, width, DEFAULT_SIZE_M[AGENTS[channel]][2]))
        self._seen = seen
        return np.array(rows, np.float64).reshape(-1, 8)

    def _follow(self, channel: int, at: np.ndarray) -> int:
        near = [(float(np.hypot(*(at - was))), k) for k, (_, c, was) in enumerate(self._seen) if c == channel]
        distance, k = min(near, default=(np.inf, -1))
        return self._seen.pop(k)[0] if distance < _SAME_BLOB_M else next(self._fresh)


def _fit(points: np.ndarray, cell_m: float) -> tuple[float, float, float, float, float]:
    """x, y, yaw, length, width of the box along the main axis of a blob that holds all its cells."""
    yaw = 0.0
    if len(points) > 6:
        values, axes = np.linalg.eigh(np.cov(points.T))
        if values[1] > 1.3 * values[0]:
            yaw = float(np.arctan2(axes[1, 1], axes[0, 1]))
            yaw = yaw if abs(yaw) <= np.pi / 2 else yaw - np.sign(yaw) * np.pi  # nose forward, as most traffic has it
    c, s = np.cos(yaw), np.sin(yaw)
    local = points @ np.array([[c, -s], [s, c]])
    low, high = local.min(0) - cell_m / 2, local.max(0) + cell_m / 2
    middle = np.array([[c, -s], [s, c]]) @ ((low + high) / 2)
    return float(middle[0]), float(middle[1]), yaw, float(high[0] - low[0]), float(high[1] - low[1])


@njit(cache=True)
def _label(marked, owner, first):
    """Gives every 8-connected component of marked cells without an owner the next row number; returns how many."""
    nx, ny = marked.shape
    stack = np.empty((nx * ny, 2), np.int32)
    found = 0
    for i in range(nx):
        for j in range(ny):
            if not marked[i, j] or owner[i, j] >= 0:
                continue
            owner[i, j] = first + found
            stack[0, 0], stack[0, 1] = i, j
            size = 1
            while size:
                size -= 1
                a, b = stack[size, 0], stack[size, 1]
                for p in range(max(a - 1, 0), min(a + 2, nx)):
                    for q in range(max(b - 1, 0), min(b + 2, ny)):
                        if marked[p, q] and owner[p, q] < 0:
                            owner[p, q] = first + found
                            stack[size, 0], stack[size, 1] = p, q
                            size += 1
            found += 1
    return found
