"""Low vegetation: runs along lines become clipped hedges, blobs become shrubs, what is one voxel high becomes tufts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from engine.lattice import hash01
from engine.views.drawn import foliage
from engine.views.drawn.mesh import Mesh
from engine.views.drawn.trees import clumps_of, leaf_parts

if TYPE_CHECKING:
    from engine.views.drawn.vegetation import Plot

_GREENS = np.array([(0.062, 0.128, 0.032), (0.084, 0.150, 0.040), (0.052, 0.105, 0.036), (0.098, 0.160, 0.042)])


def undergrowth(plot: Plot, low: np.ndarray, seed: int, scene_origin_m: np.ndarray) -> Mesh:
    """Hedges, shrubs and tufts for low voxels (X, Y, Z)."""
    low = low & ~plot.road[:, :, None]
    top = np.where(low, np.arange(low.shape[2]), -1).max(axis=2)
    columns = np.argwhere(top >= 0)
    if not len(columns):
        return Mesh.empty()
    first = np.floor((plot.height_m[tuple(columns.T)] / plot.voxel_m) - plot.cell0[2]).astype(int)
    cells = []
    for (i, j), bottom in zip(columns, first, strict=True):
        levels = np.arange(min(bottom, top[i, j]), top[i, j] + 1)
        cells.append(np.column_stack([np.full(len(levels), i), np.full(len(levels), j), levels]))
    cells = np.concatenate(cells) + plot.cell0
    group = np.empty(top.shape, np.int32)
    ndimage.label(top >= 0, np.ones((3, 3), bool), output=group)
    clumps = clumps_of(cells, 2, plot.voxel_m, seed + 17, 1.05)
    at = np.floor(clumps[:, :2] / plot.voxel_m).astype(int) - plot.cell0[:2]
    at = np.clip(at, 0, np.array(group.shape) - 1)
    name = group[tuple(at.T)]
    order = np.argsort(name, kind="stable")
    clumps, name = clumps[order], name[order]
    clumps[:, foliage.SPRAY_M], clumps[:, foliage.SLIMNESS] = 0.24, 0.5
    clumps[:, foliage.SPRAYS_M2], clumps[:, foliage.DROOP] = 26.0, -0.2
    parts = []
    for value in np.unique(name):
        rows = np.flatnonzero(name == value)
        mine = clumps[rows]
        i, j = (np.floor(mine[0, :2] / 6.0)).astype(int)
        leaf = _GREENS[int(hash01(i, j, seed + 971) * len(_GREENS))]
        middle = mine[:, :3].mean(axis=0)
        spread = float(np.linalg.norm(mine[:, :2] - middle[:2], axis=1).max()) + 0.5
        parts.append(leaf_parts(mine, middle - (0, 0, 0.6), spread, float(np.ptp(mine[:, 2]) / 2 + 0.6), leaf, 0.07, 0.25, seed))
        mine[:, foliage.FIRST], mine[:, foliage.LAST] = rows[0], rows[-1] + 1
        clumps[rows] = mine
    clumps[:, foliage.PART_ROW] = np.arange(len(clumps))
    return foliage.leaves(clumps, plot.limits, seed, scene_origin_m).mesh(np.concatenate(parts))
