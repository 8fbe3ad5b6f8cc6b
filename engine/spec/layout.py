"""What a scene is at one moment, seen from above: areas, lines, agents and paint, all in the world frame.

`engine.spec.raster.rasterise` turns a Layout into 15 multi-hot channels. The editor's canvas and the training data
both go through it, so what the model learned is what the user paints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.spec.geometry import Box

PAINT_CELL_M = 0.2
"""Edge of a paint cell: half a voxel, so that paint keeps its shape when the ego turns."""
PAINT_TILE = 64
"""Paint cells along a tile's edge. Tile (i, j) covers world x in [i, i+1) * 12.8 m and y in [j, j+1) * 12.8 m."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """An area of one channel, with holes."""

    channel: int
    exterior_m: np.ndarray
    """(N, 2) world metres, not closed."""
    holes_m: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Polyline:
    """A line of one channel, painted with a width."""

    channel: int
    points_m: np.ndarray
    """(N, 2) world metres."""
    width_m: float = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Paint:
    """Hand-painted cells of one channel: they add to, or erase from, what the shapes below them set."""

    channel: int
    erases: bool
    tiles: Mapping[tuple[int, int], np.ndarray]
    """Tile index -> (64, 64) bool, indexed [x, y]; read-only arrays."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One moment of a scene in the world frame. Order: areas, lines, agents; then paint in its own order."""

    polygons: tuple[Polygon, ...] = ()
    polylines: tuple[Polyline, ...] = ()
    boxes: tuple[Box, ...] = ()
    paint: tuple[Paint, ...] = field(default=())
