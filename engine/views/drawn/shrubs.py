"""Low vegetation: runs along lines become clipped hedges, blobs become shrubs, what is one voxel high becomes tufts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from engine.lattice import hash01
from engine.views.drawn import foliage
from engine.views.drawn.hedges import hedge, hedge_line
from engine.views.drawn.mesh import Mesh, joined
from engine.views.drawn.trees import clumps_of, leaf_parts

if TYPE_CHECKING:
    from engine.views.drawn.vegetation import Plot

TUFT_M = 0.3
"""Clumps whose centres are lower than this above ground are grass and ground cover."""
LARGE = 120
"""A thicket of more clumps than this has fewer, larger leaves."""
CLIPPED = 0.60
"""A clipped hedge turns few leaves into each other's shade: it is as green as a shrub with leaves this much darker."""
_GRASS = np.array([0.098, 0.136, 0.048])
_GREENS = np.array([(0.110, 0.176, 0.060), (0.132, 0.196, 0.070), (0.092, 0.150, 0.066), (0.148, 0.204, 0.072)])


def undergrowth(plot: Plot, low: np.ndarray, seed: int, scene_origin_m: np.ndarray) -> Mesh:
    """Hedges, shrubs and tufts for low voxels (X, Y, Z)."""
    low = low & ~plot.road[:, :, None]
    top = np.where(low, np.arange(low.shape[2]), -1).max(axis=2)
    group = np.empty(top.shape, np.int32)
    found = ndimage.label(top >= 0, np.ones((3, 3), bool), output=group)
    meshes: list[Mesh] = []
    for name, window in enumerate(ndimage.find_objects(group), 1):
        columns = np.argwhere(group[window] == name) + [part.start for part in window]
        line = hedge_line(columns, top[tuple(columns.T)], plot.voxel_m)
        if line is not None:
            meshes.append(hedge(plot, line, columns, top, CLIPPED * _green(plot, columns, seed), seed, scene_origin_m))
            top[tuple(columns.T)] = -1
    if found and (top >= 0).any():
        meshes.append(_shrubs(plot, top, group, seed, scene_origin_m))
    return joined(meshes)


def _green(plot: Plot, columns: np.ndarray, seed: int) -> np.ndarray:
    """Linear leaf colour (3,) of low plants; neighbours within a garden's width share it."""
    i, j = (columns.min(axis=0) + plot.cell0[:2]) // 16
    return _GREENS[int(hash01(i, j, seed + 971) * len(_GREENS))]


def _shrubs(plot: Plot, top: np.ndarray, group: np.ndarray, seed: int, scene_origin_m: np.ndarray) -> Mesh:
    """Clumps from the ground to the highest voxel of each column: `top` int (X, Y), -1 where none; `group` names what hangs together."""
    columns = np.argwhere(top >= 0)
    bottom = np.floor(plot.height_m[tuple(columns.T)] / plot.voxel_m - plot.cell0[2]).astype(np.int64)
    high = top[tuple(columns.T)]
    bottom = np.minimum(bottom, high)
    depth = high - bottom + 1
    step = np.arange(depth.sum()) - np.repeat(np.cumsum(depth) - depth, depth)
    cells = np.column_stack([np.repeat(columns, depth, axis=0), np.repeat(bottom, depth) + step]) + plot.cell0
    clumps = clumps_of(cells, 2, plot.voxel_m, seed + 17, 1.08)
    at = np.clip(np.floor(clumps[:, :2] / plot.voxel_m).astype(int) - plot.cell0[:2], 0, np.array(group.shape) - 1)
    names = group[tuple(at.T)]
    order = np.argsort(names, kind="stable")
    clumps, names, at = clumps[order], names[order], at[order]
    clumps[:, foliage.SPRAY_M], clumps[:, foliage.SLIMNESS] = 0.23, 0.62
    clumps[:, foliage.SPRAYS_M2], clumps[:, foliage.DROOP] = 24.0, -0.15
    above = clumps[:, foliage.Z] - plot.height_m[tuple(at.T)]
    tuft = above < TUFT_M
    clumps[tuft, foliage.SQUASH] = 0.5
    clumps[tuft, foliage.SPRAY_M], clumps[tuft, foliage.SLIMNESS] = 0.42, 0.2
    clumps[tuft, foliage.SPRAYS_M2], clumps[tuft, foliage.DROOP] = 30.0, -2.0
    parts = []
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        mine = clumps[rows]
        middle = mine[:, :3].mean(axis=0)
        spread = float(np.linalg.norm(mine[:, :2] - middle[:2], axis=1).max()) + 0.5
        leaf = _GRASS if tuft[rows].all() else _green(plot, at[rows], seed)
        parts.append(leaf_parts(mine, middle - (0, 0, 0.6), spread, float(np.ptp(mine[:, 2]) / 2 + 0.6), leaf, 0.07, 0.25, seed))
        if len(rows) > LARGE:
            mine[:, foliage.SPRAYS_M2] *= 0.75
            mine[:, foliage.SPRAY_M] *= 1.12
        mine[:, foliage.FIRST], mine[:, foliage.LAST] = rows[0], rows[-1] + 1
        clumps[rows] = mine
    clumps[:, foliage.PART_ROW] = np.arange(len(clumps))
    return foliage.leaves(clumps, plot.limits, seed, scene_origin_m).mesh(np.concatenate(parts))
