"""Where lanes run, read from dividers and the edges of what can be driven on: which way a place is driven, and the way on from it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely

from editor.clip import ego_pose_at
from editor.document import Document, EditError
from editor.entities import Area, Line

NEAR_M = 12.0
"""A divider that lies farther away says nothing of a place."""
STEP_M = 4.0
_LINES = ("road_divider", "lane_divider")


def lines_of(document: Document, channels: Iterable[str] = _LINES) -> list[shapely.LineString]:
    return [shapely.LineString(line.points_m) for line in document.of(Line) if line.channel in channels and len(line.points_m) > 1]


def dividers_of(document: Document) -> shapely.STRtree:
    """The road dividers, to be asked for the nearest."""
    return shapely.STRtree(lines_of(document, ("road_divider",)))


def edges_of(document: Document) -> list[shapely.LineString]:
    """Outlines of everything that can be driven on."""
    road = shapely.union_all([shapely.make_valid(shapely.Polygon(a.exterior_m, a.holes_m)) for a in document.of(Area) if a.channel == "drivable_area"])
    return [shapely.LineString(ring.coords) for part in shapely.get_parts(road) if part.geom_type == "Polygon" for ring in (part.exterior, *part.interiors)]


def side_of_divider(dividers: shapely.STRtree, x: float, y: float, yaw: float) -> int:
    """Where the nearest road divider lies for somebody who drives that way: 1 on the left, -1 on the right, 0 where none is near or along."""
    place = shapely.Point(x, y)
    nearest = dividers.nearest(place)
    found = None if nearest is None else _nearest([dividers.geometries[nearest]], place)
    if found is None:
        return 0
    point, along = found
    c, s = np.cos(yaw), np.sin(yaw)
    if abs(c * along[0] + s * along[1]) < 0.8:
        return 0
    aside = c * (point[1] - y) - s * (point[0] - x)
    return 0 if abs(aside) < 0.3 else 1 if aside > 0 else -1


def keeps_right(document: Document) -> bool:
    """Whether the scene drives on the right, as the ego does; where nothing tells, it does."""
    times = np.linspace(0.0, document.duration_s, 9)
    dividers = dividers_of(document)
    poses = [ego_pose_at(document, float(t)) for t in times]
    return sum(side_of_divider(dividers, p.x_m, p.y_m, p.yaw_rad) for p in poses) >= 0


def route_from(document: Document, x: float, y: float, yaw: float, distance_m: float) -> list[tuple[float, float, float]]:
    """x, y, heading every few metres along the nearest divider or kerb, as far beside it as at the start, the way that `yaw` looks."""
    place = shapely.Point(x, y)
    candidates = [line for line in (*lines_of(document), *edges_of(document)) if line.distance(place) <= NEAR_M]
    candidates = [line for line in candidates if (found := _nearest([line], place)) and abs(np.cos(yaw) * found[1][0] + np.sin(yaw) * found[1][1]) > 0.7]
    if not candidates:
        raise EditError(f"No divider and no kerb runs along ({x:.1f}, {y:.1f}) within {NEAR_M:g} m, so there is no lane to follow: turn it along one.")
    line = min(candidates, key=lambda one: one.distance(place))
    point, along = _nearest([line], place)  # type: ignore[misc]
    forward = np.cos(yaw) * along[0] + np.sin(yaw) * along[1] > 0
    line = line if forward else shapely.LineString(line.coords[::-1])
    along = along if forward else -along
    aside = along[0] * (y - point[1]) - along[1] * (x - point[0])
    start = line.project(place)
    route, far = [(float(x), float(y), float(np.arctan2(along[1], along[0])))], 0.0
    while far < distance_m:
        far = min(far + STEP_M, distance_m)
        station = start + far
        a, b = (np.array(line.interpolate(min(max(station + d, 0.0), line.length)).coords[0]) for d in (-0.5, 0.5))
        ahead = (b - a) / max(np.hypot(*(b - a)), 1e-9) if station - 0.5 < line.length else np.array([np.cos(route[-1][2]), np.sin(route[-1][2])])
        at = np.array(line.interpolate(min(station, line.length)).coords[0]) + ahead * max(0.0, station - line.length)
        px, py = at + aside * np.array([-ahead[1], ahead[0]])
        route.append((float(px), float(py), float(np.arctan2(ahead[1], ahead[0]))))
    return _straightened(route)


def _straightened(route: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Without the places between two that look the same way: a straight street needs two."""
    kept = [route[0]]
    for here, after in zip(route[1:], route[2:], strict=False):
        if abs(np.angle(np.exp(1j * (here[2] - kept[-1][2])))) > 0.02 or abs(np.angle(np.exp(1j * (after[2] - here[2])))) > 0.02:
            kept.append(here)
    return [*kept, route[-1]]


def _nearest(lines: list[shapely.LineString], place: shapely.Point) -> tuple[np.ndarray, np.ndarray] | None:
    """The nearest point of the nearest line within reach, and the line's direction there."""
    line = min(lines, key=lambda one: one.distance(place), default=None)
    if line is None or line.distance(place) > NEAR_M:
        return None
    at = line.project(place)
    a, b = (np.array(line.interpolate(min(max(at + d, 0.0), line.length)).coords[0]) for d in (-0.5, 0.5))
    return np.array(line.interpolate(at).coords[0]), (b - a) / max(np.hypot(*(b - a)), 1e-9)
