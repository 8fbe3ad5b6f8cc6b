"""The ego's drive as a line to build along, and the road across it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely

from editor import tiles
from editor.document import Document, EditError
from editor.entities import Area, EgoPath, Keyframe, Line, PaintLayer
from editor.ground import height_at
from editor.variations.motion import EGO_FRONT_M, sampled, times_of
from engine.spec.geometry import Pose
from engine.spec.layout import PAINT_CELL_M, PAINT_TILE

LANE_M = 3.5
"""Width taken for a lane where no line tells."""
NARROWEST_LANE_M = 2.2
_LOOK_M = 25.0
"""How far to each side a road is looked at."""
_STEP_M = 0.25
"""The drive's line has a point each so many metres."""
_NEAR_M = np.arange(3.0, 45.0, 3.0)
_DRIVING_M = 4.0
"""An ego that moves less than this stands."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Left edge and right edge as metres to the left of the drive."""

    left_m: float
    right_m: float

    @property
    def middle_m(self) -> float:
        return (self.left_m + self.right_m) / 2

    @property
    def width_m(self) -> float:
        return self.left_m - self.right_m


@dataclass(frozen=True, slots=True)
class Section:
    """The road across the drive at one station; metres to the left are positive."""

    left_edge_m: float
    right_edge_m: float
    lines_m: tuple[float, ...]
    """Where lane dividers cross, rising."""
    dividers_m: tuple[float, ...]
    """Where road dividers cross, rising."""

    def own_lane(self) -> Lane:
        """The lane that the ego drives in."""
        marks = [mark for mark in (*self.lines_m, *self.dividers_m) if abs(mark) > 0.4]
        left = min([mark for mark in marks if mark > 0] + [self.left_edge_m])
        right = max([mark for mark in marks if mark < 0] + [self.right_edge_m])
        if left - right > 1.6 * LANE_M:  # no line tells: a lane's width about the drive
            left, right = min(left, LANE_M / 2), max(right, -LANE_M / 2)
        return Lane(left, right)

    def lanes_beside(self, to_left: bool) -> list[Lane]:
        """Lanes of the ego's own direction on one side, from the nearest on; a road divider ends them."""
        own, sign = self.own_lane(), 1.0 if to_left else -1.0
        start = own.left_m if to_left else -own.right_m
        edge = self.left_edge_m if to_left else -self.right_edge_m
        limits = sorted(sign * mark for mark in self.dividers_m if sign * mark > 0.4)
        if limits and limits[0] <= start + 0.3:
            return []
        end = min([edge, *limits])
        marks = sorted(sign * mark for mark in self.lines_m if start + 0.3 < sign * mark < end - 0.3)
        edges = [start, *marks, end]
        found = []
        for near, far in zip(edges, edges[1:], strict=False):
            while far - near >= NARROWEST_LANE_M:
                stop = near + LANE_M if far - near > 1.6 * LANE_M else far
                found.append(Lane(stop, near) if to_left else Lane(-near, -stop))
                near = stop
        return found


class Drive:
    """A document's ego path by stations: metres driven from the first frame, straight on before it and after its end."""

    def __init__(self, ego: EgoPath, times_s: np.ndarray) -> None:
        self.times_s = times_s
        origin, yaw = sampled(ego.keyframes, times_s)
        steps = np.hypot(*np.diff(origin, axis=0).T) if len(origin) > 1 else np.zeros(0)
        self.station_m = np.concatenate([[0.0], np.cumsum(steps)])
        """(T,) of the ego's origin at each frame."""
        self.length_m = float(self.station_m[-1])
        moving = np.concatenate([[True], steps > 1e-6])
        self._s, self._xy, self._yaw = self.station_m[moving], origin[moving], np.unwrap(yaw)[moving]
        self.speed_m_s = np.gradient(self.station_m, times_s) if len(times_s) > 1 else np.zeros(len(times_s))

    @property
    def moves(self) -> bool:
        return self.length_m >= _DRIVING_M

    def place(self, station_m: float | np.ndarray, left_m: float | np.ndarray = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """World x, y (N, 2) and the drive's heading (N,) at stations, so far to the left of the drive."""
        s, left = np.atleast_1d(np.asarray(station_m, float)), np.atleast_1d(np.asarray(left_m, float))
        inside = np.clip(s, 0.0, self.length_m)
        xy = np.stack([np.interp(inside, self._s, self._xy[:, axis]) for axis in (0, 1)], -1)
        yaw = self._heading(inside)
        forward, across = np.stack([np.cos(yaw), np.sin(yaw)], -1), np.stack([-np.sin(yaw), np.cos(yaw)], -1)
        return xy + (s - inside)[:, None] * forward + left[:, None] * across, yaw

    def _heading(self, station_m: np.ndarray) -> np.ndarray:
        return np.interp(station_m, self._s, self._yaw)

    def front_arrives_s(self, station_m: float) -> float | None:
        """When the ego's front bumper is at a station; None where that is not within the document."""
        at = station_m - EGO_FRONT_M
        if not self.station_m[0] < at < self.station_m[-1]:
            return None
        index = int(np.searchsorted(self.station_m, at))
        before, after = self.station_m[index - 1], self.station_m[index]
        share = (at - before) / (after - before) if after > before else 0.0
        return float(self.times_s[index - 1] + share * (self.times_s[index] - self.times_s[index - 1]))

    def stations_of(self, xy_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Station and metres to the left (N,) of world points (N, 2), by the nearest point of the drive's line."""
        (start, end), _ = self.place(np.array([-60.0, self.length_m + 60.0]))
        line = shapely.LineString(np.concatenate([[start], self._xy, [end]]))
        stations = shapely.line_locate_point(line, shapely.points(xy_m)) - 60.0
        on, yaw = self.place(stations)
        away = xy_m - on
        return stations, away[:, 1] * np.cos(yaw) - away[:, 0] * np.sin(yaw)


class Street:
    """A document's drive and what lies around it; the road is what areas and paint say, whatever agents do."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.drive = Drive(document.ego, times_of(document))
        self._sections: dict[float, Section | None] = {}

    @cached_property
    def road(self) -> shapely.Geometry:
        """All that is drivable, (multi)polygon in the world."""
        shapes = [
            shapely.make_valid(shapely.Polygon(a.exterior_m, a.holes_m)) for a in self.document.of(Area) if a.channel == "drivable_area"
        ]
        union = shapely.union_all(shapes)
        for layer in self.document.of(PaintLayer):
            if layer.channel == "drivable_area" and layer.tiles and layer.span is None:
                painted = _painted(layer)
                union = shapely.difference(union, painted) if layer.erases else shapely.union(union, painted)
        shapely.prepare(union)
        return union

    @cached_property
    def lines(self) -> dict[str, list[shapely.LineString]]:
        """Lines of lane_divider and road_divider."""
        lines = list(self.document.of(Line))
        return {
            name: [shapely.LineString(one.points_m) for one in lines if one.channel == name] for name in ("lane_divider", "road_divider")
        }

    @cached_property
    def _trees(self) -> dict[str, shapely.STRtree]:
        return {channel: shapely.STRtree(lines) for channel, lines in self.lines.items()}

    def section(self, station_m: float) -> Section | None:
        """The road across the drive at a station (to a quarter of a metre); None where the drive is off the road there."""
        key = round(station_m / _STEP_M) * _STEP_M
        if key not in self._sections:
            self._sections[key] = self._section(key)
        return self._sections[key]

    def _section(self, station_m: float) -> Section | None:
        ends, yaw = self.drive.place(np.full(3, station_m), np.array([_LOOK_M, -_LOOK_M, 0.0]))
        across = shapely.LineString(ends[:2])
        inside = shapely.intersection(across, self.road)
        spans = []
        for part in shapely.get_parts(inside):
            if part.geom_type == "LineString" and not part.is_empty:
                far = np.hypot(*(shapely.get_coordinates(part) - ends[0]).T)
                spans.append((_LOOK_M - far.max(), _LOOK_M - far.min()))
        here = next(((low, high) for low, high in spans if low <= 0 <= high), None)
        if here is None:
            return None
        lanes, roads = (
            tuple(at for at in self._crossed(channel, across, ends[0], float(yaw[0])) if here[0] < at < here[1])
            for channel in ("lane_divider", "road_divider")
        )
        return Section(float(here[1]), float(here[0]), lanes, roads)

    def _crossed(self, channel: str, across: shapely.LineString, left_end_m: np.ndarray, yaw_rad: float) -> tuple[float, ...]:
        """Metres to the left at which lines of a channel cross a section, rising: lines that run along the drive, not those of a side road."""
        found = set()
        for line in (self.lines[channel][index] for index in self._trees[channel].query(across, predicate="intersects")):
            for point in shapely.get_parts(shapely.intersection(across, line)):
                if point.geom_type != "Point":
                    continue
                at = line.project(point)
                before, after = (np.array(line.interpolate(max(at + step, 0.0)).coords[0]) for step in (-0.5, 0.5))
                away = after - before
                if abs(away[0] * np.cos(yaw_rad) + away[1] * np.sin(yaw_rad)) > 0.7 * np.hypot(*away):
                    found.add(round(_LOOK_M - float(np.hypot(point.x - left_end_m[0], point.y - left_end_m[1])), 2))
        return tuple(sorted(found))

    def lanes_at(self, station_m: float) -> Section | None:
        """As `section`, with the marks of the nearest place along the drive that has some where there are none, as in a junction."""
        here = self.section(station_m)
        if here is None or here.dividers_m:
            return here
        near = [there for away in _NEAR_M for sign in (-1, 1) if (there := self.section(station_m + sign * away)) is not None]
        there = next((one for one in near if one.dividers_m), None) or (
            None if here.lines_m else next((one for one in near if one.lines_m), None)
        )
        if there is None:
            return here
        edges = min(here.left_edge_m, there.left_edge_m), max(here.right_edge_m, there.right_edge_m)
        return Section(*edges, here.lines_m or there.lines_m, there.dividers_m)

    def kerb_is_steady(self, start_m: float, end_m: float, to_left: bool) -> bool:
        """Whether the road's edge keeps to within a metre of where it is at `start_m`: along a road, that is, and not across a junction."""
        sections = [self.section(float(station)) for station in np.linspace(start_m, end_m, max(2, round((end_m - start_m) / 4)))]
        edges = [one.left_edge_m if to_left else one.right_edge_m for one in sections if one is not None]
        return len(edges) == len(sections) and max(edges) - min(edges) < 1.0

    def kerb_heading(self, start_m: float, end_m: float, to_left: bool) -> float:
        """Direction (rad) of the road's edge between two stations, the way the ego drives; the ego's own where there is no edge."""
        ends = self.section(start_m), self.section(end_m)
        if ends[0] is None or ends[1] is None:
            return float(self.drive.place((start_m + end_m) / 2)[1][0])
        edges = np.array([one.left_edge_m if to_left else one.right_edge_m for one in ends if one is not None])
        (start, end), _ = self.drive.place(np.array([start_m, end_m]), edges)
        return float(np.arctan2(end[1] - start[1], end[0] - start[0]))

    def right_hand(self, section: Section) -> bool:
        """Whether traffic keeps to the right: the road divider lies on the left of the drive. True where nothing tells."""
        if section.dividers_m:
            return min(section.dividers_m, key=abs) > 0
        return True

    def on_road(self, xy_m: np.ndarray) -> bool:
        """Whether all world points (N, 2) lie on the road."""
        return bool(shapely.intersects(self.road, shapely.points(xy_m)).all())

    def keyframe(self, time_s: float, x_m: float, y_m: float, yaw_rad: float) -> Keyframe:
        """A keyframe on the ground."""
        return Keyframe(float(time_s), Pose(float(x_m), float(y_m), height_at(self.document, x_m, y_m, time_s), float(yaw_rad)))


def street_of(document: Document) -> Street:
    """The street of a document; remembered for a document that shares its map and its ego path with one asked about before."""
    parts = (
        document.ego,
        document.duration_s,
        document.ground,
        *(e for e in document.entities.values() if isinstance(e, Area | Line | PaintLayer)),
    )
    key = tuple(map(id, parts[2:])) + (id(parts[0]), parts[1])
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key][1]
    street = Street(document)
    with _lock:
        _known[key] = parts, street
        while len(_known) > 64:
            _known.popitem(last=False)
    return street


def driven_street(document: Document) -> Street:
    """The street of a document whose ego drives along a road. Raises EditError, one sentence, for any other."""
    street = street_of(document)
    if not street.drive.moves:
        raise EditError(f"The ego of '{document.name}' stands still, and this variation happens on its way: give it a path.")
    if street.section(street.drive.length_m / 2) is None and street.section(0.0) is None:
        raise EditError(f"The ego of '{document.name}' drives where no road is drawn, so there is no place for this: draw a drivable area.")
    return street


_lock = threading.Lock()
_known: OrderedDict[tuple[object, ...], tuple[tuple[object, ...], Street]] = OrderedDict()


def _painted(layer: PaintLayer) -> shapely.Geometry:
    """A paint layer's cells as (multi)polygon, world metres: runs of cells along y, joined."""
    mask, i0, j0 = tiles.to_mask(layer.tiles)
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    x = (rows + i0 * PAINT_TILE) * PAINT_CELL_M
    low, high = ((cells + j0 * PAINT_TILE) * PAINT_CELL_M for cells in (starts, ends))
    return shapely.union_all(shapely.box(x, low, x + PAINT_CELL_M, high))
