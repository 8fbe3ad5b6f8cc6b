"""Clipped hedges: runs of low vegetation along a line become boxes with straight sides and a leafy, slightly uneven surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from engine.lattice import hash01, value_noise
from engine.spec.classes import CLASS
from engine.views.drawn import foliage
from engine.views.drawn.mesh import Material, Mesh, part

if TYPE_CHECKING:
    from engine.views.drawn.vegetation import Plot

SHORTEST_M, WIDEST_M = 4.0, 2.4
STRAY_M = 0.4
"""A run whose middle strays farther than this from a straight line, or whose ends are ragged, is a row of shrubs."""
STEP_M = 0.4
_LEAVES_M2 = 170.0
_LEAF_M = 0.105
_EVEN = 0.8
"""How much of the tufts of a shrub shears took away."""
_SPRAY_UV = np.array([(foliage.TIP, 0.0), (foliage.BASE, -1.0), (foliage.BASE, 1.0)])
"""Surface coordinates of a leaf's corners: near by it is a twig with leaflets, as on trees."""


@dataclass(frozen=True, slots=True)
class Line:
    """A straight run of columns, in cells: along `axis` (2,) from `start` to `end` past `middle` (2,), `half` wide to either side."""

    middle: np.ndarray
    axis: np.ndarray
    start: float
    end: float
    half: float


def hedge_line(columns: np.ndarray, top: np.ndarray, voxel_m: float) -> Line | None:
    """The line of columns (N, 2) whose highest voxels are `top` (N,), or None where they are no hedge."""
    if len(columns) < 10:
        return None
    middle = columns.mean(axis=0) + 0.5
    _, size, axes = np.linalg.svd(columns + 0.5 - middle, full_matrices=False)
    axis = axes[0] if axes[0][0] + 1e-3 * axes[0][1] > 0 else -axes[0]
    along = (columns + 0.5 - middle) @ axis
    across = (columns + 0.5 - middle) @ np.array([-axis[1], axis[0]])
    length, width = (np.ptp(along) + 1) * voxel_m, len(columns) / (np.ptp(along) + 1) * voxel_m
    if length < SHORTEST_M or width > WIDEST_M or length < 3 * width:
        return None
    bins = np.round(along / 2).astype(int)
    bins -= bins.min()
    count = np.bincount(bins)
    middles = np.bincount(bins, across)[count > 0] / count[count > 0]
    if (count == 0).any() or np.abs(middles).max() * voxel_m > STRAY_M or np.std(top) > 1.1:
        return None
    return Line(middle, axis, along.min() - 0.4, along.max() + 0.4, max(0.5 * width / voxel_m, 0.75))


def hedge(plot: Plot, line: Line, columns: np.ndarray, top: np.ndarray, leaf: np.ndarray, seed: int, scene_origin_m: np.ndarray) -> Mesh:
    """One hedge along a line of world columns; `top` int (X, Y) gives each column's highest voxel."""
    voxel = plot.voxel_m
    side = np.array([-line.axis[1], line.axis[0]])
    along = (columns + 0.5 - line.middle) @ line.axis
    count = max(int(np.ceil((line.end - line.start) * voxel / STEP_M)), 4) + 1
    at = np.linspace(line.start, line.end, count)
    # One height, cut straight; it follows the voxels only where they change by much.
    weight = np.exp(-0.5 * ((at[:, None] - along[None]) / 4.0) ** 2)
    crest = (weight @ (top[tuple(columns.T)] + 0.95)) / weight.sum(axis=1) + plot.cell0[2]
    feet = line.middle + at[:, None] * line.axis
    cell = np.clip(np.floor(feet).astype(int), 0, np.array(top.shape) - 1)
    ground = plot.height_m[tuple(cell.T)]
    tall = np.maximum(crest * voxel - ground, 0.5)
    profile = np.array(
        [
            (-1.0, 0.0),
            (-1.04, 0.35),
            (-1.0, 0.7),
            (-0.9, 0.97),
            (-0.45, 1.0),
            (0.45, 1.0),
            (0.9, 0.97),
            (1.0, 0.7),
            (1.04, 0.35),
            (1.0, 0.0),
        ]
    )
    outward = np.array([(-1, 0), (-1, 0), (-1, 0.1), (-0.7, 0.7), (-0.1, 1), (0.1, 1), (0.7, 0.7), (1, 0.1), (1, 0), (1, 0)], np.float64)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    spot = (feet + plot.cell0[:2]) * voxel
    points = np.empty((count, len(profile), 3))
    points[..., :2] = spot[:, None] + (profile[:, 0] * line.half * voxel)[None, :, None] * side
    points[..., 2] = ground[:, None] - 0.05 + profile[None, :, 1] * (tall[:, None] + 0.05)
    normals = np.concatenate([outward[:, :1] * side, outward[:, 1:]], axis=1)[None].repeat(count, axis=0)
    i, j = (int(np.floor(v)) for v in spot[count // 2])
    row_seed = int(hash01(i, j, seed + 981) * 4096)
    _uneven(points, normals, row_seed)
    for end, way in ((0, -1.0), (-1, 1.0)):
        # The ends are rounded in and look along the hedge.
        points[end] = points[end].mean(axis=0) + 0.86 * (points[end] - points[end].mean(axis=0))
        normals[end, :, :2] += way * line.axis
        normals[end] /= np.linalg.norm(normals[end], axis=1, keepdims=True)
    faces, ends = _sheet(count, len(profile))
    middle = np.array([*spot[count // 2], ground[count // 2] + 0.4 * tall[count // 2]])
    # As a clump of a large radius everything is deep inside and dark, as one of a small radius nothing is: leaves are a third lighter than
    # what is between them.
    rows = [
        part(Material.FOLIAGE, tuple(colour), CLASS["vegetation"], seed=row_seed, params=(*middle, radius, *middle, 1.0, 1.0, 0.0, 0.05, _EVEN))
        for colour, radius in ((leaf, 1e6), (leaf * 0.84, 0.05))
    ]
    faces = np.concatenate([faces, ends])
    flat = points.reshape(-1, 3)
    leaves, lit = _carpet(flat, normals.reshape(-1, 3), faces, plot.limits.floor_m, plot.limits.origin_m, voxel, row_seed)
    return Mesh(
        (np.concatenate([flat, leaves]) - scene_origin_m).astype(np.float32),
        np.concatenate([normals.reshape(-1, 3), lit]).astype(np.float32),
        np.concatenate([faces, len(flat) + np.arange(len(leaves)).reshape(-1, 3)]).astype(np.int32),
        np.repeat([0, 1], [len(faces), len(leaves) // 3]).astype(np.int32),
        np.stack(rows),
        np.concatenate([np.zeros((len(flat), 2)), np.tile(_SPRAY_UV, (len(leaves) // 3, 1))]).astype(np.float32),
    )


def _sheet(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of a sheet of points (rows, columns), outside where a hedge's is, and of the caps at its two ends."""
    n, k = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = (n * columns + k).ravel()
    b, c, d = a + 1, a + columns, a + columns + 1
    fan = np.array([(0, k, k + 1) for k in range(1, columns - 1)])
    last = (rows - 1) * columns
    return np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)]), np.concatenate([fan[:, ::-1], fan + last])


@njit(cache=True, error_model="numpy")
def _uneven(points, normals, seed):
    """Moves points (N, K, 3) in and out by a hand's width."""
    for n in range(points.shape[0]):
        for k in range(points.shape[1]):
            x, y, z = points[n, k, 0], points[n, k, 1], points[n, k, 2]
            by = 0.12 * (value_noise(x + 0.7 * z, y - 0.6 * z, 0.8, seed) - 0.5)
            for q in range(3):
                points[n, k, q] += by * normals[n, k, q]


@njit(cache=True, error_model="numpy")
def _carpet(points, normals, faces, floor, origin, voxel, seed):
    """Leaves on triangles: vertices (3 L, 3) and their shading normals; most lie along the surface, some stand out of it."""
    most = 0
    for f in range(len(faces)):
        most += int(_area(points, faces, f) * _LEAVES_M2) + 1
    vertices, lit = np.empty((most * 3, 3)), np.empty((most * 3, 3))
    v = 0
    at, n, t, s = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    for f in range(len(faces)):
        share = _area(points, faces, f) * _LEAVES_M2
        key = int(np.floor(points[faces[f, 0], 0] * 50)) * 7919 + int(np.floor(points[faces[f, 1], 1] * 50)) * 104729 + f
        for m in range(int(share + hash01(key, 5, seed))):
            a, b = np.sqrt(hash01(key, 100 + m, seed)), hash01(key, 300 + m, seed)
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            for q in range(3):
                at[q] = (1 - a) * points[i, q] + a * (1 - b) * points[j, q] + a * b * points[k, q]
                n[q] = (1 - a) * normals[i, q] + a * (1 - b) * normals[j, q] + a * b * normals[k, q]
                t[q] = hash01(key, 500 + 3 * m + q, seed) - 0.5
            n /= np.sqrt((n * n).sum()) + 1e-9
            t -= 0.8 * (t * n).sum() * n
            t /= np.sqrt((t * t).sum()) + 1e-9
            t += (0.1 + 0.5 * hash01(key, 1500 + m, seed)) * n
            t /= np.sqrt((t * t).sum()) + 1e-9
            s[0], s[1], s[2] = n[1] * t[2] - n[2] * t[1], n[2] * t[0] - n[0] * t[2], n[0] * t[1] - n[1] * t[0]
            length = _LEAF_M * (0.7 + 0.6 * hash01(key, 1900 + m, seed))
            free = True
            for corner in range(3):
                u = foliage.TIP if corner == 0 else foliage.BASE
                w = (0.0, -0.33, 0.33)[corner]
                for q in range(3):
                    vertices[v + corner, q] = at[q] + 0.02 * n[q] + length * (u * t[q] + w * s[q])
                    lit[v + corner, q] = n[q]
                p = vertices[v + corner]
                free = free and foliage.hangs_free(p[0], p[1], p[2], floor, origin, voxel)
            if free:
                v += 3
    return vertices[:v], lit[:v]


@njit(cache=True, error_model="numpy")
def _area(points, faces, f):
    a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
    u, w = b - a, c - a
    x, y, z = u[1] * w[2] - u[2] * w[1], u[2] * w[0] - u[0] * w[2], u[0] * w[1] - u[1] * w[0]
    return 0.5 * np.sqrt(x * x + y * y + z * z)
