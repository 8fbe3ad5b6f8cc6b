"""What roads are made of: the shapes a layout shows, and the lines that traffic and blocks follow. World frame, metres."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.spec.layout import Polygon, Polyline

WORLD_HALF_M = 130.0
"""Roads reach this far from the world's origin."""


@dataclass(slots=True, eq=False)
class Road:
    """A centreline with lanes to both sides. Offsets are metres to the left of the centreline."""

    center: np.ndarray
    """(N, 2), about 2 m apart, in the direction of the 'forward' lanes."""
    lanes: list[tuple[float, int]]
    """(offset, +1 along the centreline or -1 against it) per lane."""
    lane_width: float
    median: float
    """Width between the directions; above 1.2 m it is an island."""
    right: float
    left: float
    """Offsets of the two kerbs (right is negative)."""
    parking: tuple[bool, bool] = (False, False)
    """A parking lane inside the right and the left kerb."""
    walk: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))
    """(verge, width) of the walkway beyond the right and the left kerb; width 0 = none."""
    closed_start: bool = False
    """The centreline starts inside another road (the stem of a T)."""
    ring: bool = False
    speed: float = 10.0


@dataclass(slots=True, eq=False)
class Route:
    """A way through the world that a vehicle can drive."""

    points: np.ndarray
    speed: float
    width: float
    road: int
    stops_m: tuple[float, ...] = ()
    """Arc lengths of stop lines."""
    blocked_m: float = 0.0
    """Arc length before which nothing may start (a stem that begins inside a junction)."""


@dataclass(slots=True, eq=False)
class Lot:
    """A parking lot: an oriented rectangle with rows of bays."""

    x: float
    y: float
    yaw: float
    length: float
    width: float


@dataclass(slots=True, eq=False)
class Network:
    roads: list[Road] = field(default_factory=list)
    polygons: list[Polygon] = field(default_factory=list)
    polylines: list[Polyline] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    crossings: list[np.ndarray] = field(default_factory=list)
    """(2, 2) from kerb to kerb: where people cross."""
    walks: list[np.ndarray] = field(default_factory=list)
    """Lines (N, 2) along the middle of walkways."""
    junctions: list[tuple[float, float, float]] = field(default_factory=list)
    """x, y, radius."""
    lots: list[Lot] = field(default_factory=list)
    islands: list[np.ndarray] = field(default_factory=list)
    """Outlines of medians and traffic islands."""
