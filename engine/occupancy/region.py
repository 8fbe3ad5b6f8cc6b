"""Which cells of a frame an edit touched: what a draft draws anew, and all it may change. No torch: the page asks it too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import binary_dilation

from engine.spec.geometry import Box
from engine.spec.grid import GridSpec
from engine.spec.layout import Layout, Polygon
from engine.spec.raster import box_footprint, rasterise

SPREAD_CELLS = 3
"""An edit may change voxels this far around the cells that it painted: kerbs, an agent's rounding."""
SAME_BOX = 1e-4
"""Metres and radians; a take's boxes.json holds its numbers no closer."""


def changed_cells(
    before: np.ndarray, after: np.ndarray, boxes_before: Sequence[Box] = (), boxes_after: Sequence[Box] = (), grid: GridSpec | None = None
) -> np.ndarray:
    """Bool (X, Y): cells whose layout (15, X, Y) differs, and where a `grid` is given the footprints of boxes that differ.

    The boxes are of the frame's ego frame. One that grew taller, or got another id, changes voxels under an equal layout.
    """
    changed = (before != after).any(0)
    if grid is not None:
        for box in _unmatched(boxes_before, boxes_after) + _unmatched(boxes_after, boxes_before):
            changed |= box_footprint(box, grid)
    return changed


def with_rim(cells: np.ndarray) -> np.ndarray:
    """Bool (X, Y): the cells and a rim of SPREAD_CELLS around them."""
    return binary_dilation(cells, np.ones((3, 3)), iterations=SPREAD_CELLS) if cells.any() else cells


def cells_inside(ring_m: np.ndarray, grid: GridSpec, world_SE3_ego: np.ndarray) -> np.ndarray:
    """Bool (X, Y): the cells of a frame whose centres lie inside a ring (N, 2) in world metres, none where all of it lies elsewhere."""
    return rasterise(Layout((Polygon(0, ring_m),)), grid, world_SE3_ego)[0].view(bool)


def changed_region(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Bool (X, Y): cells whose layout (15, X, Y) differs, and a rim around them."""
    return with_rim(changed_cells(before, after))


def _unmatched(boxes: Sequence[Box], others: Sequence[Box]) -> list[Box]:
    """Those that have no equal among the others."""
    by_id = {(box.instance_id, box.class_name): box for box in others}
    return [box for box in boxes if not _same(box, by_id.get((box.instance_id, box.class_name)))]


def _same(box: Box, other: Box | None) -> bool:
    if other is None:
        return False
    a, b = (np.array([*one.center_m, *one.size_m, one.yaw_rad]) for one in (box, other))
    return box is other or bool(np.abs(a - b).max() <= SAME_BOX)
