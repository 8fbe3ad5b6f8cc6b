"""The objects of one OpenDRIVE road that a layout shows: crosswalks, with all their outlines and repetitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
import shapely

from editor.formats.opendrive.geometry import ReferenceLine, sideways
from editor.formats.opendrive.lanes import STEP_M
from editor.formats.opendrive.xml import number
from editor.formats.report import FormatError
from editor.formats.shapes import polygon, strip

UNTYPED = frozenset(("", "-1", "none", "roadmark", "unnamed", "unknown"))
"""Types that leave it to an object's name to say what it is."""
CROSSING_WORDS = ("crosswalk", "crossing", "zebra")
NO_ROAD_CROSSING = ("rail", "level")
MOST_COPIES = 10_000


@dataclass(frozen=True, slots=True)
class _Copy:
    """Where one copy of an object stands on its road, and how large it is where it has no outline."""

    s_m: float
    t_m: float
    length_m: float
    width_m: float


def read_crosswalks(road: Element, line: ReferenceLine) -> tuple[list[shapely.Geometry], Counter[str]]:
    """The surface of every crosswalk and of each of its copies, and how many objects of other kinds there are."""
    found: list[shapely.Geometry] = []
    dropped: Counter[str] = Counter()
    for element in road.findall("objects/object"):
        if not is_crosswalk(element):
            kind = (element.get("type") or element.get("name") or "unnamed").lower()
            dropped[f"'{kind}' object"] += 1
            continue
        surfaces = [surface for surface in _surfaces(line, element) if not surface.is_empty]
        if not surfaces:
            dropped["'crosswalk' object without a surface"] += 1
        found += surfaces
    return found, dropped


def is_crosswalk(element: Element) -> bool:
    """Whether an object is a crosswalk by its type or, where the type says nothing, by its name or subtype."""
    kind = (element.get("type") or "").strip().lower()
    if kind not in UNTYPED:
        return kind == "crosswalk"
    names = "".join(letter for name in ("name", "subtype") for letter in (element.get(name) or "").lower() if letter.isalpha())
    return any(word in names for word in CROSSING_WORDS) and not any(word in names for word in NO_ROAD_CROSSING)


def _surfaces(line: ReferenceLine, element: Element) -> Iterator[shapely.Geometry]:
    repeats = element.findall("repeat")
    home = _Copy(number(element, "s"), number(element, "t"), number(element, "length", 0.0), number(element, "width", 0.0))
    if not repeats:
        yield _surface(line, element, home, home)
    for repeat in repeats:
        distance = number(repeat, "distance", 0.0)
        if distance <= 0:
            yield _band(line, repeat, home)
            continue
        for copy in _copies(repeat, home, distance):
            yield _surface(line, element, home, copy)


def _copies(repeat: Element, home: _Copy, distance_m: float) -> Iterator[_Copy]:
    """One every `distance_m` from the repetition's start to its end; it takes the place of the object itself."""
    length = number(repeat, "length", 0.0)
    count = int(min(max(length, 0.0) / distance_m + 1e-6, MOST_COPIES)) + 1
    if count > MOST_COPIES:
        raise FormatError(
            f"An object is repeated every {distance_m:g} m for {length:g} m, which is more often than {MOST_COPIES} times: mend the file."
        )
    for index in range(count):
        yield _along(repeat, home, index * distance_m, length)


def _along(repeat: Element, home: _Copy, ahead_m: float, length_m: float) -> _Copy:
    part = ahead_m / length_m if length_m > 0 else 0.0

    def between(name: str, default: float) -> float:
        start = number(repeat, f"{name}Start", default)
        return start + (number(repeat, f"{name}End", start) - start) * part

    start = number(repeat, "s", home.s_m)
    return _Copy(start + ahead_m, between("t", home.t_m), between("length", home.length_m), between("width", home.width_m))


def _band(line: ReferenceLine, repeat: Element, home: _Copy) -> shapely.Geometry:
    """A repetition without distance: the object drawn out along the road, as wide as it is there."""
    length = max(number(repeat, "length", 0.0), 0.0)
    count = int(np.ceil(min(length, line.length_m) / STEP_M)) + 1
    copies = [_along(repeat, home, float(ahead), length) for ahead in np.linspace(0.0, length, count + 1)]
    station = np.array([copy.s_m for copy in copies])
    edges = [_from_road(line, np.stack([station, [copy.t_m + sign * copy.width_m / 2 for copy in copies]], -1)) for sign in (1, -1)]
    return shapely.union_all(strip(*edges))


def _surface(line: ReferenceLine, element: Element, home: _Copy, copy: _Copy) -> shapely.Geometry:
    """All outlines together, without the inner ones; without any, a rectangle of the object's length and width."""
    outlines = [*element.findall("outline"), *element.findall("outlines/outline")]
    if not outlines:
        half = np.array([copy.length_m, copy.width_m]) / 2
        return polygon(_from_object(line, element, copy, np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * half))
    width = max((number(marking, "width", 0.0) for marking in element.iter("marking")), default=0.0)
    outer, inner = [], []
    for outline in outlines:
        is_inner = outline.get("outer", "true").strip().lower() in ("false", "0")
        (inner if is_inner else outer).append(_ring(_corners(line, element, outline, home, copy), width))
    return shapely.union_all(outer or inner).difference(shapely.union_all(inner if outer else []))


def _ring(corners: np.ndarray, marking_width_m: float) -> shapely.Geometry:
    """An outline's surface; one of two corners is a zebra's axis, as wide as its marking."""
    if len(corners) == 2:
        return shapely.LineString(corners).buffer(marking_width_m / 2, cap_style="flat")
    return polygon(corners)


def _corners(line: ReferenceLine, element: Element, outline: Element, home: _Copy, copy: _Copy) -> np.ndarray:
    """(N, 2) of one outline, in road coordinates or in the object's own."""
    if corners := outline.findall("cornerRoad"):
        moved = np.array([copy.s_m - home.s_m, copy.t_m - home.t_m])
        return _from_road(line, np.array([[number(corner, "s"), number(corner, "t")] for corner in corners]) + moved)
    local = [[number(corner, "u"), number(corner, "v")] for corner in outline.findall("cornerLocal")]
    return _from_object(line, element, copy, np.array(local).reshape(-1, 2))


def _from_object(line: ReferenceLine, element: Element, copy: _Copy, local_m: np.ndarray) -> np.ndarray:
    """Points (N, 2) in the object's own frame, which stands at a copy's place and is turned against the road by `hdg`."""
    place = np.array([[copy.s_m, copy.t_m]])
    _, headings = line.at(place[:, 0])
    heading = headings[0] + number(element, "hdg", 0.0)
    c, s = np.cos(heading), np.sin(heading)
    return _from_road(line, place) + local_m @ np.array([[c, s], [-s, c]])


def _from_road(line: ReferenceLine, station_lateral_m: np.ndarray) -> np.ndarray:
    points, headings = line.at(station_lateral_m[:, 0])
    return sideways(points, headings, station_lateral_m[:, 1])
