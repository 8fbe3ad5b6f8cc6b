"""One OpenDRIVE road -> its lanes' surfaces, its painted lines, its crosswalks and its lanes' centre lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np
import shapely

from editor.formats.opendrive.geometry import Cubic, ReferenceLine, evaluate
from editor.formats.opendrive.xml import number
from editor.formats.shapes import polygon

STEP_M = 0.5
"""Stations along a road: a 6 m arc is then 5 mm off its chord."""
DRIVEN = frozenset(("driving", "entry", "exit", "onRamp", "offRamp", "connectingRamp", "slipLane", "bus", "taxi", "HOV", "bidirectional"))
"""Lanes that carry traffic, so that a line can lie between two directions of it."""
DRIVABLE = DRIVEN | {"parking", "stop", "shoulder", "biking", "mwyEntry", "mwyExit"}
WALKABLE = frozenset(("sidewalk", "walking"))
NO_LINE = frozenset(("none", "curb", "grass", "edge"))


@dataclass(slots=True)
class RoadShapes:
    """What one road contributes; all (N, 2) in the map's frame."""

    id: str
    junction: str
    length_m: float
    drivable: list[shapely.Geometry] = field(default_factory=list)
    walkable: list[shapely.Geometry] = field(default_factory=list)
    crosswalks: list[shapely.Geometry] = field(default_factory=list)
    road_dividers: list[np.ndarray] = field(default_factory=list)
    lane_dividers: list[np.ndarray] = field(default_factory=list)
    centres: list[list[tuple[int, np.ndarray]]] = field(default_factory=list)
    """Per lane section, (lane id, centre line along increasing s) of the lanes that carry traffic."""
    dropped: Counter[str] = field(default_factory=Counter)


def read_road(road: Element) -> RoadShapes:
    """Raises FormatError where the road's numbers make no road."""
    line = ReferenceLine(road)
    shapes = RoadShapes(road.get("id", "?"), road.get("junction", "-1"), line.length_m)
    offsets = [Cubic.of(element, "s") for element in road.findall("lanes/laneOffset")]
    sections = sorted(road.findall("lanes/laneSection"), key=lambda element: number(element, "s"))
    starts = [number(section, "s") for section in sections]
    for section, start, end in zip(sections, starts, [*starts, line.length_m][1:], strict=True):
        if end - start > 1e-6:
            _read_section(shapes, line, offsets, section, start, min(end, line.length_m))
    _read_objects(shapes, line, road)
    return shapes


def _read_section(shapes: RoadShapes, line: ReferenceLine, offsets: list[Cubic], section: Element, start: float, end: float) -> None:
    lanes = {side: _sorted_lanes(section, side) for side in ("left", "right")}
    both_ways = all(any(lane.get("type") in DRIVEN for lane in side) for side in lanes.values())
    stations = _stations(line, section, start, end)
    points, headings = line.at(stations)
    leftward = np.stack([-np.sin(headings), np.cos(headings)], -1)
    middle = evaluate(offsets, stations)
    centres: list[tuple[int, np.ndarray]] = []
    for lane in section.findall("center/lane"):
        for piece, colour in _marked(lane, stations, start):
            # Roads through a junction are drawn one way at a time; their centre line is yellow all the same.
            dividers = shapes.road_dividers if both_ways or colour == "yellow" else shapes.lane_dividers
            dividers.append((points + middle[:, None] * leftward)[piece])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        inner = middle
        for lane in lanes[side]:
            outer = _outer_edge(lane, inner, sign, stations - start)
            kind = lane.get("type", "none")
            wide = np.abs(outer - inner) > 0.01
            edges = points + inner[:, None] * leftward, points + outer[:, None] * leftward
            if wide.any():
                surface = polygon(np.concatenate([edges[0], edges[1][::-1]]))
                if kind in DRIVABLE:
                    shapes.drivable.append(surface)
                elif kind in WALKABLE:
                    shapes.walkable.append(surface)
                elif kind != "none":
                    shapes.dropped[f"'{kind}' lane"] += 1
            if kind in DRIVEN and wide.all():
                centres.append((int(number(lane, "id")), (edges[0] + edges[1]) / 2))
            for piece, _ in _marked(lane, stations, start):
                if wide[piece].any():
                    shapes.lane_dividers.append(edges[1][piece])
            inner = outer
    shapes.centres.append(centres)


def _sorted_lanes(section: Element, side: str) -> list[Element]:
    """Lanes of one side, from the middle outwards."""
    return sorted(section.findall(f"{side}/lane"), key=lambda lane: abs(number(lane, "id")))


def _outer_edge(lane: Element, inner_t: np.ndarray, sign: float, along_m: np.ndarray) -> np.ndarray:
    """Lateral position (N,) of a lane's outer edge, from its widths or, where it has none, its border."""
    widths = [Cubic.of(element, "sOffset") for element in lane.findall("width")]
    borders = [Cubic.of(element, "sOffset") for element in lane.findall("border")]
    if borders and not widths:
        return evaluate(borders, along_m)
    return inner_t + sign * np.maximum(evaluate(widths, along_m), 0.0)


def _stations(line: ReferenceLine, section: Element, start: float, end: float) -> np.ndarray:
    """Rising stations (N,) from start to end: every STEP_M, and wherever a geometry, width or mark begins."""
    breaks = [start + number(element, "sOffset", 0.0) for tag in ("width", "border", "roadMark") for element in section.iter(tag)]
    count = max(int(np.ceil((end - start) / STEP_M)), 1)
    stations = np.unique(np.concatenate([np.linspace(start, end, count + 1), breaks, line.starts_m]))
    stations = stations[(stations >= start) & (stations <= end)]
    return stations[np.concatenate([[True], np.diff(stations) > 1e-6])]


def _marked(lane: Element, stations: np.ndarray, start: float) -> Iterator[tuple[slice, str]]:
    """The stretches of a lane's outer edge on which a line is painted, and its colour."""
    marks = sorted(lane.findall("roadMark"), key=lambda mark: number(mark, "sOffset", 0.0))
    begins = [start + number(mark, "sOffset", 0.0) for mark in marks]
    for mark, begin, end in zip(marks, begins, [*begins, np.inf][1:], strict=True):
        if mark.get("type", "none") in NO_LINE:
            continue
        first, last = np.searchsorted(stations, [begin - 1e-6, end + 1e-6])
        if last - first > 1:
            yield slice(int(first), int(last)), mark.get("color", "standard")


def _read_objects(shapes: RoadShapes, line: ReferenceLine, road: Element) -> None:
    for element in road.findall("objects/object"):
        kind = (element.get("type") or element.get("name") or "unnamed").lower()
        if kind != "crosswalk":
            shapes.dropped[f"'{kind}' object"] += 1
        else:
            shapes.crosswalks.append(_crosswalk(line, element))
    if signals := len(road.findall("signals/signal")):
        shapes.dropped["signal"] += signals


def _crosswalk(line: ReferenceLine, element: Element) -> shapely.Geometry:
    """Its outline's surface; an outline of two corners is a zebra's axis, as wide as its marking."""
    outline = _outline(line, element)
    if len(outline) != 2:
        return polygon(outline)
    width = max((number(marking, "width", 0.0) for marking in element.iter("marking")), default=0.0)
    return shapely.LineString(outline).buffer(width / 2, cap_style="flat")


def _outline(line: ReferenceLine, element: Element) -> np.ndarray:
    """Corners (N, 2) of an object: in road coordinates, in its own, or of its length and width."""
    if corners := list(element.iter("cornerRoad")):
        return _from_road(line, np.array([[number(corner, "s"), number(corner, "t")] for corner in corners]))
    if corners := list(element.iter("cornerLocal")):
        local = np.array([[number(corner, "u"), number(corner, "v")] for corner in corners])
    else:
        half = np.array([number(element, "length", 0.0), number(element, "width", 0.0)]) / 2
        local = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * half
    station = np.array([[number(element, "s"), number(element, "t")]])
    _, headings = line.at(station[:, 0])
    heading = headings[0] + number(element, "hdg", 0.0)
    c, s = np.cos(heading), np.sin(heading)
    return _from_road(line, station) + local @ np.array([[c, s], [-s, c]])


def _from_road(line: ReferenceLine, station_lateral: np.ndarray) -> np.ndarray:
    points, headings = line.at(station_lateral[:, 0])
    return points + station_lateral[:, 1:] * np.stack([-np.sin(headings), np.cos(headings)], -1)
