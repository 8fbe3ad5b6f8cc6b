"""The lanes of one OpenDRIVE road: their edges, their directions, their links and the lines painted on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from editor.formats.opendrive.geometry import Cubic, ReferenceLine, evaluate, sideways
from editor.formats.opendrive.xml import number

STEP_M = 0.5
"""Stations along a road: a 6 m arc is then 5 mm off its chord."""
STEP_RAD = 0.05
"""They are closer in a bend: the outer lane of a road that turns by this much is 3 mm off its chord 10 m from the bend's centre."""
MOST_FINER = 8
DRIVEN = frozenset(("driving", "entry", "exit", "onRamp", "offRamp", "connectingRamp", "slipLane", "bus", "taxi", "HOV", "bidirectional"))
"""Lanes that carry traffic, so that a line can lie between two directions of it."""
NO_LINE = frozenset(("none", "curb", "grass", "edge"))
SAME_PLACE_M = 0.05
LEFT, RIGHT = 1, -1


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of one lane section; all arrays have a row per station, rising, twice where a record ends and the next begins."""

    side: int
    id: int
    kind: str
    ways: frozenset[int]
    """Directions of travel: 1 along the road, -1 against it."""
    stations_m: np.ndarray
    inner_m: np.ndarray
    """(N, 2), as all points here in the map's frame."""
    outer_m: np.ndarray
    width_m: np.ndarray
    """(N,)"""
    links: dict[str, int]
    """predecessor and successor, as far as the file names them."""

    @property
    def driven(self) -> bool:
        return self.kind in DRIVEN

    @property
    def centre_m(self) -> np.ndarray:
        """(N, 2)"""
        return (self.inner_m + self.outer_m) / 2


@dataclass(frozen=True, slots=True)
class Mark:
    """One painted line."""

    points_m: np.ndarray
    between_directions: bool


@dataclass(slots=True)
class RoadLanes:
    """All lanes of a road, section by section, from the middle outwards, and its lines."""

    lanes: list[Lane] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of one lane section, as far as it holds."""

    start_m: float
    end_m: float
    lanes: tuple[Element, ...]


def read_lanes(road: Element, line: ReferenceLine) -> RoadLanes:
    """Raises FormatError where the road's numbers make no road."""
    offsets = [Cubic.of(element, "s") for element in road.findall("lanes/laneOffset")]
    sections = sorted(road.findall("lanes/laneSection"), key=lambda element: number(element, "s"))
    left_hand = road.get("rule") == "LHT"
    found = RoadLanes()
    sides = {side: _sides(sections, name, line.length_m) for side, name in ((LEFT, "left"), (RIGHT, "right"))}
    for side, stretches in sides.items():
        for stretch in stretches:
            _read_side(found, line, offsets, stretch, side, left_hand)
    for stretch in _sides(sections, "center", line.length_m):
        _read_centre(found, line, offsets, stretch, {side: _innermost(sides[side], stretch, side, left_hand) for side in sides})
    return found


def _sides(sections: list[Element], name: str, length_m: float) -> list[_Side]:
    """The sections of one side, or of the centre, each up to where that side's next one begins.

    A section of one side only leaves the other one as it was.
    """
    mine = []
    for section in sections:
        lanes = tuple(sorted(section.findall(f"{name}/lane"), key=lambda lane: abs(number(lane, "id"))))
        if lanes or section.get("singleSide", "false").strip().lower() not in ("true", "1"):
            mine.append((number(section, "s"), lanes))
    ends = [*(min(start, length_m) for start, _ in mine), length_m][1:]
    return [_Side(max(start, 0.0), end, lanes) for (start, lanes), end in zip(mine, ends, strict=True) if end - max(start, 0.0) > 1e-6]


def _read_side(found: RoadLanes, line: ReferenceLine, offsets: list[Cubic], stretch: _Side, side: int, left_hand: bool) -> None:
    profiles = [(_records(lane, "width", stretch.start_m), _records(lane, "border", stretch.start_m)) for lane in stretch.lanes]
    begins = [record.start_m for widths, borders in profiles for record in (*widths, *borders)]
    begins += [begin for lane in stretch.lanes for begin, _ in _begins_of_marks(lane, stretch.start_m)]
    stations, inside = _stations(line, stretch, [*begins, *(offset.start_m for offset in offsets), *line.starts_m])
    points, headings = line.at(stations, inside)
    inner = evaluate(offsets, stations, inside)
    ways = [_ways(lane, side, left_hand) for lane in stretch.lanes]
    for index, (element, (widths, borders)) in enumerate(zip(stretch.lanes, profiles, strict=True)):
        if borders and not widths:
            # Borders count from the reference line, whatever lies inside of them; some writers give them without their sign.
            outer = side * np.abs(evaluate(borders, stations, inside))
        else:
            outer = inner + side * np.maximum(evaluate(widths, stations, inside), 0.0)
        lane = Lane(
            side=side,
            id=int(number(element, "id")),
            kind=element.get("type", "none"),
            ways=ways[index],
            stations_m=stations,
            inner_m=sideways(points, headings, inner),
            outer_m=sideways(points, headings, outer),
            width_m=np.abs(outer - inner),
            links={
                tag: int(number(link, "id")) for tag in ("predecessor", "successor") if (link := element.find(f"link/{tag}")) is not None
            },
        )
        found.lanes.append(lane)
        neighbour = stretch.lanes[index + 1].get("type", "none") if index + 1 < len(stretch.lanes) else "none"
        opposed = lane.driven and neighbour in DRIVEN and len(ways[index] | ways[index + 1]) == 2
        for piece, _ in _marked(element, inside, stretch):
            if (lane.width_m[piece] > 0.01).any():
                found.marks += [Mark(part, opposed) for part in unbroken(lane.outer_m[piece], stations[piece])]
        inner = outer


def _read_centre(
    found: RoadLanes, line: ReferenceLine, offsets: list[Cubic], stretch: _Side, innermost: dict[int, frozenset[int] | None]
) -> None:
    begins = [begin for lane in stretch.lanes for begin, _ in _begins_of_marks(lane, stretch.start_m)]
    stations, inside = _stations(line, stretch, [*begins, *(offset.start_m for offset in offsets), *line.starts_m])
    points, headings = line.at(stations, inside)
    middle = sideways(points, headings, evaluate(offsets, stations, inside))
    known = [ways for ways in innermost.values() if ways is not None]
    opposed = len(known) == 2 and len(known[0] | known[1]) == 2
    for lane in stretch.lanes:
        for piece, colour in _marked(lane, inside, stretch):
            # Roads through a junction are drawn one way at a time; their centre line is yellow all the same.
            between = opposed or colour == "yellow"
            found.marks += [Mark(part, between) for part in unbroken(middle[piece], stations[piece])]


def _innermost(stretches: list[_Side], centre: _Side, side: int, left_hand: bool) -> frozenset[int] | None:
    """Directions of the innermost lane that carries traffic beside a stretch of the centre; None where there is none."""
    middle = (centre.start_m + centre.end_m) / 2
    beside = next((stretch for stretch in stretches if stretch.start_m <= middle < stretch.end_m), None)
    driven = [lane for lane in beside.lanes if lane.get("type") in DRIVEN] if beside else []
    return _ways(driven[0], side, left_hand) if driven else None


def _ways(lane: Element, side: int, left_hand: bool) -> frozenset[int]:
    """Directions of travel of a lane: its own word first (OpenDRIVE 1.8, then RoadRunner's), otherwise its road's rule."""
    standard = -side if not left_hand else side
    told = lane.get("direction", "").lower()
    vendor = next((v for element in lane.iter("vectorLane") if (v := element.get("travelDir", "").lower())), "")
    if lane.get("type") == "bidirectional" or told == "both":
        return frozenset((1, -1))
    if told in ("standard", "reversed"):
        return frozenset((standard if told == "standard" else -standard,))
    match vendor:
        case "forward":
            return frozenset((1,))
        case "backward":
            return frozenset((-1,))
        case "bidirectional" | "undirected":
            return frozenset((1, -1))
    return frozenset((standard,))


def _records(lane: Element, tag: str, start_m: float) -> list[Cubic]:
    return [Cubic.of(element, "sOffset", start_m) for element in lane.findall(tag)]


def _stations(line: ReferenceLine, stretch: _Side, begins_m: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Stations (N,) from start to end every STEP_M or STEP_RAD, twice where a record begins, and for each the middle (N,) of the span that it closes."""
    breaks = np.unique([stretch.start_m, stretch.end_m, *(begin for begin in begins_m if stretch.start_m < begin < stretch.end_m)])
    breaks = breaks[np.concatenate([[True], np.diff(breaks) > 1e-6])]
    breaks[-1] = stretch.end_m
    stations, inside = [], []
    for low, high in zip(breaks, breaks[1:], strict=False):
        count = max(int(np.ceil((high - low) / STEP_M)), 1)
        span = np.linspace(low, high, count + 1)
        _, headings = line.at(span, np.full(len(span), (low + high) / 2))
        finer = int(np.clip(np.ceil(np.abs(np.diff(headings)).max() / STEP_RAD), 1, MOST_FINER))
        span = span if finer == 1 else np.linspace(low, high, count * finer + 1)
        stations.append(span)
        inside.append(np.full(len(span), (low + high) / 2))
    return np.concatenate(stations), np.concatenate(inside)


def _begins_of_marks(lane: Element, start_m: float) -> list[tuple[float, Element]]:
    marks = [(start_m + number(mark, "sOffset", 0.0), mark) for mark in lane.findall("roadMark")]
    return sorted(marks, key=lambda row: row[0])


def _marked(lane: Element, inside_m: np.ndarray, stretch: _Side) -> Iterator[tuple[slice, str]]:
    """The stretches of a lane's outer edge on which a line is painted, and its colour."""
    marks = _begins_of_marks(lane, stretch.start_m)
    begins = [begin for begin, _ in marks]
    for (begin, mark), end in zip(marks, [*begins, np.inf][1:], strict=True):
        if mark.get("type", "none") in NO_LINE:
            continue
        first, last = np.searchsorted(inside_m, [begin, end])
        if last - first > 1:
            yield slice(int(first), int(last)), mark.get("color", "standard")


def unbroken(points_m: np.ndarray, stations_m: np.ndarray) -> list[np.ndarray]:
    """A polyline (N, 2) cut where it jumps aside at one station, without its doubled points."""
    same = np.diff(stations_m) < 1e-6
    apart = np.hypot(*np.diff(points_m, axis=0).T) > SAME_PLACE_M
    parts = np.split(np.arange(len(points_m)), np.flatnonzero(same & apart) + 1)
    doubled = np.concatenate([[False], same & ~apart])
    kept = [part[~doubled[part]] for part in parts]
    return [points_m[part] for part in kept if len(part) > 1]


def steady(lane: Lane) -> Iterator[slice]:
    """The stretches of a lane within which neither edge jumps."""
    same = np.diff(lane.stations_m) < 1e-6
    apart = np.maximum(*(np.hypot(*np.diff(edge, axis=0).T) for edge in (lane.inner_m, lane.outer_m))) > 1e-6
    cuts = [0, *(np.flatnonzero(same & apart) + 1), len(lane.stations_m)]
    for first, last in zip(cuts, cuts[1:], strict=False):
        yield slice(int(first), int(last))
