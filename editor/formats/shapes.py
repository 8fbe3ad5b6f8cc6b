"""Map geometry of a source -> areas and lines: cleaned, without doubles, and walkways where a source has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from editor.entities import Area, Line, Source

WALKWAY_M = 2.5
"""Width of a derived walkway: about a nuScenes pavement."""
SMALLEST_AREA_M2 = 0.5
SAME_LINE_M = 0.25
MOST_LOOKS = 20_000
"""Along one line: it may have a point on the other side of the earth by mistake."""


def polygon(points_m: np.ndarray) -> BaseGeometry:
    """A valid geometry of a ring (N, 2), possibly empty; a ring that crosses itself becomes its parts."""
    if len(points_m) < 3 or not np.isfinite(points_m).all():
        return shapely.Polygon()
    return polygonal(shapely.make_valid(shapely.Polygon(points_m)))


def strip(left_m: np.ndarray, right_m: np.ndarray) -> list[BaseGeometry]:
    """Polygons whose union is what lies between two edges (N, 2), drawn step by step across.

    A strip may cross itself, or fold where it bends more sharply than it is wide: then its ring says nothing, and its halves are asked.
    """
    ring = shapely.Polygon(np.concatenate([left_m, right_m[::-1]])) if len(left_m) > 1 else shapely.Polygon()
    if ring.is_valid:
        return [] if ring.is_empty or ring.area == 0 else [ring]
    if len(left_m) == 2:
        # A quad that crosses itself is two triangles.
        parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(ring)))
        return [part for part in parts if part.geom_type == "Polygon"]
    half = len(left_m) // 2
    return strip(left_m[: half + 1], right_m[: half + 1]) + strip(left_m[half:], right_m[half:])


def polygonal(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of a geometry, without its stray lines and points."""
    return shapely.union_all([part for part in shapely.get_parts(geometry) if part.geom_type in ("Polygon", "MultiPolygon")])


def areas(geometry: BaseGeometry, channel: str, prefix: str, source: Source) -> tuple[Area, ...]:
    """One Area per polygon, with holes; slivers are left out."""
    parts = (part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and part.area >= SMALLEST_AREA_M2)
    return tuple(
        Area(f"{prefix}-{number}", channel, _ring(part.exterior), tuple(_ring(hole) for hole in part.interiors), source)
        for number, part in enumerate(parts, 1)
    )


def _ring(ring: shapely.LinearRing) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in ring.coords[:-1])


def walkways(drivable: BaseGeometry, existing: BaseGeometry | None = None) -> tuple[Area, ...]:
    """A strip of WALKWAY_M along the outside of the drivable area, where there is no walkway yet."""
    strip = drivable.buffer(WALKWAY_M, quad_segs=4).simplify(0.05).difference(drivable.buffer(0.01))
    if existing is not None:
        strip = strip.difference(existing)
    return areas(strip, "walkway", "walkway", "derived")


def lines(channel: str, prefix: str, pieces: Iterable[np.ndarray], source: Source = "imported") -> tuple[Line, ...]:
    """One Line per polyline (N, 2)."""
    rows = (tuple((float(x), float(y)) for x, y in piece) for piece in pieces)
    return tuple(Line(f"{prefix}-{number}", channel, points, source=source) for number, points in enumerate(rows, 1))


def without_doubles(pieces: Sequence[np.ndarray], others: Sequence[np.ndarray] = ()) -> list[np.ndarray]:
    """The polylines that do not run along a longer one of `pieces`, or along one of `others`, within SAME_LINE_M."""
    order = sorted((piece for piece in pieces if len(piece) > 1), key=lambda piece: -shapely.LineString(piece).length)
    strings = [shapely.LineString(piece) for piece in (*others, *order)]
    tree = shapely.STRtree(strings)
    kept = list(range(len(others)))
    kept_set = set(kept)
    for index in range(len(others), len(strings)):
        string = strings[index]
        low_x, low_y, high_x, high_y = string.bounds
        around = shapely.box(low_x - SAME_LINE_M, low_y - SAME_LINE_M, high_x + SAME_LINE_M, high_y + SAME_LINE_M)
        near = [strings[i] for i in tree.query(around) if i in kept_set]
        if string.length == 0 or _runs_along(string, near):
            continue
        kept_set.add(index)
        kept.append(index)
    return [order[index - len(others)] for index in kept[len(others) :]]


def _runs_along(string: BaseGeometry, others: Sequence[BaseGeometry]) -> bool:
    """Whether every part of a polyline lies within SAME_LINE_M of others, looked at every two of these."""
    step = max(2 * SAME_LINE_M, string.length / MOST_LOOKS)
    points = shapely.points(shapely.get_coordinates(shapely.segmentize(string, step)))
    for other in others:
        shapely.prepare(other)
        points = points[~shapely.dwithin(other, points, SAME_LINE_M)]
        if not len(points):
            return True
    return False
