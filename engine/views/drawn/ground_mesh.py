"""The ground as triangles: squares that grow with distance and where the land is plain, cut along the road's edge, with kerbs' faces there.

All corners lie on the lattice of column centres, or where the road's edge crosses a line of it. A square next to smaller ones takes
their corners in, so no crack opens.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import ndimage

from engine.spec.classes import CLASS
from engine.views.drawn.ground_apron import STEP
from engine.views.drawn.ground_lookup import GroundMaps, between, spline
from engine.views.drawn.ground_masks import away, grown
from engine.views.drawn.ground_squares import CROSS_I, CROSS_J, HALF, LATTICE, UNIT, emit
from engine.views.drawn.ground_texture import KERB
from engine.views.drawn.mesh import Material, Mesh, part

_TOP = 6


def ground_mesh(maps: GroundMaps, decided: np.ndarray, settled: np.ndarray, first: np.ndarray, origin_m: np.ndarray) -> Mesh:
    """In the frame whose origin lies at world `origin_m` (3,); `first` is the column of the apron's node [0, 0]."""
    nodes = maps.far_base_m.shape
    road = ndimage.correlate1d(ndimage.correlate1d(maps.distance[..., 0], (1 / 6, 4 / 6, 1 / 6), axis=0), (1 / 6, 4 / 6, 1 / 6), axis=1) >= 0
    cut = np.zeros(decided.shape, bool)
    square = road[:-1, :-1].astype(np.uint8) + road[1:, :-1] + road[:-1, 1:] + road[1:, 1:]
    whole = decided[:-1, :-1] & decided[1:, :-1] & decided[:-1, 1:] & decided[1:, 1:]
    cut[:-1, :-1] = (square > 0) & (square < 4) & whole
    level = _levels(cut, decided, first, nodes)
    count, walls = emit(level, cut, road, first, np.zeros((0, 3), np.int64), np.zeros((0, 2), np.int64))
    keys, wall_keys = np.empty((count, 3), np.int64), np.empty((walls, 2), np.int64)
    emit(level, cut, road, first, keys, wall_keys)
    corners, faces = np.unique(keys, return_inverse=True)
    vertices, normals = _placed(corners, maps, road, first, origin_m)
    faces = faces.reshape(-1, 3).astype(np.int32)
    foot, _ = _placed(wall_keys.reshape(-1), maps, road, first, origin_m)
    head, _ = _placed(wall_keys.reshape(-1) + 1, maps, road, first, origin_m)
    outwards = _wall_normals(wall_keys.reshape(-1), maps)
    n = np.arange(0, 2 * walls, 2)
    low, up = n + len(vertices), n + len(vertices) + 2 * walls
    stone = np.concatenate([np.stack([low, low + 1, up + 1], 1), np.stack([low, up + 1, up], 1)])
    stone = stone[np.tile(np.maximum(head[::2, 2] - foot[::2, 2], head[1::2, 2] - foot[1::2, 2]) > 1e-3, 2)]
    return Mesh(
        np.concatenate([vertices, foot, head]).astype(np.float32),
        np.concatenate([normals, outwards, outwards]).astype(np.float32),
        np.concatenate([faces, stone]).astype(np.int32),
        np.concatenate([np.zeros(len(faces), np.int32), np.ones(len(stone), np.int32)]),
        np.stack(
            [
                part(Material.GROUND, (0.2, 0.2, 0.2), CLASS["driveable_surface"]),
                part(Material.CONCRETE, [0.85 * value for value in KERB], CLASS["sidewalk"], roughness=0.8),
            ]
        ),
    )


def _levels(cut: np.ndarray, decided: np.ndarray, first: np.ndarray, nodes: tuple[int, int]) -> np.ndarray:
    """uint8 (P, Q): level of the square that covers each unit of UNIT columns; unit [0, 0] begins at column `first`."""
    blocks = (nodes[0] - 1, nodes[1] - 1)
    near = _blocks_with(grown(decided, 2), first, STEP, blocks)
    distance = away(near)
    want = np.clip(np.floor(np.log2(np.maximum(distance, 1.0) / 4.0)) + 2, 2, _TOP).astype(np.uint8)
    want[near] = 0
    level = np.where(near, 0, 2).astype(np.uint8)
    for one in range(3, _TOP + 1):
        size = 2 ** (one - 2)
        least = want.reshape(blocks[0] // size, size, blocks[1] // size, size).min(axis=(1, 3))
        level[np.repeat(np.repeat(least >= one, size, axis=0), size, axis=1)] = one
    level = np.repeat(np.repeat(level, STEP // UNIT, axis=0), STEP // UNIT, axis=1)
    fine = level == 0
    split = _blocks_with(grown(cut, 1), first, UNIT, level.shape)
    level[fine & ~split] = 1
    return level


def _blocks_with(mask: np.ndarray, first: np.ndarray, size: int, shape: tuple[int, ...]) -> np.ndarray:
    """Which squares of `size` columns hold a true one of mask (X, Y)."""
    result = np.zeros(shape, bool)
    i, j = np.nonzero(mask)
    result[(i - first[0]) // size, (j - first[1]) // size] = True
    return result


@njit(cache=True, error_model="numpy")
def _total_height(maps, road, first, i, j):
    """World z of the drawn ground at a column centre, in the static world or beyond."""
    if 0 <= i < maps.base_m.shape[0] and 0 <= j < maps.base_m.shape[1]:
        return maps.base_m[i, j] + (0.0 if road[i, j] else maps.raise_m[i, j])
    a, b = (i - first[0]) / STEP, (j - first[1]) / STEP
    height = between(maps.far_base_m, a, b)
    return height + (0.0 if between(maps.far_distance[:, :, 0], a, b) >= 0 else between(maps.far_raise_m, a, b))


@njit(cache=True, error_model="numpy")
def _base(maps, first, u, v):
    if 0 <= u <= maps.base_m.shape[0] - 1 and 0 <= v <= maps.base_m.shape[1] - 1:
        return between(maps.base_m, u, v)
    return between(maps.far_base_m, (u - first[0]) / STEP, (v - first[1]) / STEP)


@njit(cache=True, error_model="numpy")
def crossing_at(maps, kind, i, j):
    """Where the road's edge crosses the line from column (i, j) along i or j: (u, v) columns."""
    low, high = 0.0, 1.0
    along_i = kind == CROSS_I
    at_low = spline(maps.distance, 0, float(i), float(j))[0]
    for _ in range(14):
        middle = 0.5 * (low + high)
        value = spline(maps.distance, 0, i + (middle if along_i else 0.0), j + (0.0 if along_i else middle))[0]
        if (value >= 0) == (at_low >= 0):
            low = middle
        else:
            high = middle
    t = 0.5 * (low + high)
    return (i + t, float(j)) if along_i else (float(i), j + t)


@njit(cache=True, error_model="numpy")
def _placed(corners, maps, road, first, origin):
    """Positions and normals (N, 3) of corners in the scene frame."""
    count = len(corners)
    vertices, normals = np.empty((count, 3)), np.empty((count, 3))
    cell = maps.frame[2]
    for n in range(count):
        kind = corners[n] % 5
        rest = corners[n] // 5
        i, j = rest // (2 * HALF) - HALF, rest % (2 * HALF) - HALF
        if kind == LATTICE:
            u, v = float(i), float(j)
            z = _total_height(maps, road, first, i, j)
        else:
            u, v = crossing_at(maps, CROSS_I if kind < CROSS_J else CROSS_J, i, j)
            z = between(maps.base_m, u, v) + (0.0 if kind == CROSS_I or kind == CROSS_J else between(maps.raise_m, u, v))
        vertices[n, 0] = maps.frame[0] + u * cell - origin[0]
        vertices[n, 1] = maps.frame[1] + v * cell - origin[1]
        vertices[n, 2] = z - origin[2]
        dx = (_base(maps, first, u + 1, v) - _base(maps, first, u - 1, v)) / (2 * cell)
        dy = (_base(maps, first, u, v + 1) - _base(maps, first, u, v - 1)) / (2 * cell)
        length = np.sqrt(dx * dx + dy * dy + 1)
        normals[n, 0], normals[n, 1], normals[n, 2] = -dx / length, -dy / length, 1 / length
    return vertices, normals


@njit(cache=True, error_model="numpy")
def _wall_normals(corners, maps):
    """Horizontal normals (N, 3) towards the road at crossings."""
    normals = np.zeros((len(corners), 3))
    for n in range(len(corners)):
        kind = corners[n] % 5
        rest = corners[n] // 5
        i, j = rest // (2 * HALF) - HALF, rest % (2 * HALF) - HALF
        u, v = crossing_at(maps, CROSS_I if kind < CROSS_J else CROSS_J, i, j)
        _, du, dv = spline(maps.distance, 0, u, v)
        length = max(np.sqrt(du * du + dv * dv), 1e-9)
        normals[n, 0], normals[n, 1] = du / length, dv / length
    return normals
