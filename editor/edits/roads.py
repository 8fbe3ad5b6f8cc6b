"""Stamps of streets: roads, crossings, walkways and dividers beside what is drawn.

A road is an area whose corners are its two edges, there and back: its centre line and its width are read from it again, so that what
was stamped stays editable by its corners, and dividers and walkways can be made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from editor import check
from editor.document import Document, Edit, EditError
from editor.entities import Area, Line, Point
from editor.ids import new_id
from engine.spec.words import plural

LANE_M = 3.5
WALK_M = 2.5
CROSSING_OF = "crossing of "
"""What a crossing is called, before its road's id."""
SAME_WIDTH = 0.1
"""A road's width may differ by this share along it."""
SHORTEST_M = 1.0
_DIVIDER_M = 0.3
_BEYOND_M = 0.5
_MADE = "auto"
"""Name of what is made anew every time."""


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A road as its centre line (world metres) and its width."""

    centre: tuple[Point, ...]
    width_m: float


def ribbon_of(area: Area) -> Ribbon | None:
    """The road that an area is: as many corners on its left as on its right, equally far apart; None for any other shape."""
    if area.channel != "drivable_area" or area.holes_m or len(area.exterior_m) % 2 or len(area.exterior_m) < 4:
        return None
    ring = np.array(area.exterior_m)
    left, right = ring[: len(ring) // 2], ring[len(ring) // 2 :][::-1]
    middle = (left + right) / 2
    along = np.diff(middle, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    # Across either stretch that meets at a corner: where a road bends, its corners themselves lie farther apart.
    spans = (left - right)[:, ::-1] * (-1, 1)
    across = np.abs(np.concatenate([(spans[:-1] * along).sum(1), (spans[1:] * along).sum(1)]))
    if np.ptp(across) > SAME_WIDTH * across.mean() or np.hypot(*(middle[-1] - middle[0])) < SHORTEST_M:
        return None
    first = middle[1] - middle[0]
    if abs(first @ (left - right)[0]) > 0.1 * np.hypot(*first) * across[0] or across.mean() > np.hypot(*np.diff(middle, axis=0).T).sum():
        return None
    return Ribbon(tuple((float(x), float(y)) for x, y in middle), float(across.mean()))


def add_road(points: Sequence[Point], lanes: int = 2, lane_width_m: float = LANE_M) -> Edit:
    """A street along a centre line (world metres) with `lanes` lanes in all; dividers and walkways are made by their own commands."""
    line = check.points(points, "A road", 2)
    count = check.whole(lanes, "The number of lanes", 1, 12)
    width = count * check.number(lane_width_m, "A lane's width", 1.0, 10.0)
    if shapely.LineString(line).length < SHORTEST_M:
        raise EditError("A road needs two places that lie apart: drag from one end to the other.")
    ring = road_ring(line, width)
    return lambda document: check.put(document, Area(new_id(document, "area"), "drivable_area", ring, name=road_name(count)))


def road_ring(centre: Sequence[Point], width_m: float) -> tuple[Point, ...]:
    """The corners of a road: its left edge there, its right edge back."""
    left, right = (np.array(_offset(centre, side * width_m / 2)) for side in (1, -1))
    return tuple((float(x), float(y)) for x, y in (*left, *right[::-1]))


def road_name(lanes: int) -> str:
    """What a road with so many lanes is called."""
    return f"road, {plural(lanes, 'lane')}"


def add_crosswalk(x: float, y: float, width_m: float = 3.0) -> Edit:
    """A pedestrian crossing right across the road under (x, y), as wide as that road."""
    x, y = check.coordinate(x, "x"), check.coordinate(y, "y")
    deep = check.number(width_m, "A crossing's width", 0.5, 20.0)

    def edit(document: Document) -> Document:
        road, ribbon = _road_at(document, x, y)
        ring = crossing_ring(ribbon, shapely.LineString(ribbon.centre).project(shapely.Point(x, y)), deep)
        return check.put(document, Area(new_id(document, "area"), "ped_crossing", ring, name=f"{CROSSING_OF}{road.id}"))

    return edit


def crossing_ring(ribbon: Ribbon, at_m: float, width_m: float) -> tuple[Point, ...]:
    """The corners of a crossing from kerb to kerb, so wide along the road, its middle at `at_m` from the road's first end."""
    centre = shapely.LineString(ribbon.centre)
    a, b = (np.array(centre.interpolate(min(max(at_m + side * width_m / 2, 0.0), centre.length)).coords[0]) for side in (-1, 1))
    ahead = (b - a) / max(np.hypot(*(b - a)), 1e-9)
    aside = np.array([-ahead[1], ahead[0]]) * ribbon.width_m / 2
    return tuple((float(px), float(py)) for px, py in (a + aside, b + aside, b - aside, a - aside))


def has_made(document: Document, kind: str, id: str | None = None) -> bool:  # noqa: A002 - the commands' own word
    """Whether the document has walkways or dividers that were made by their command; with `id`, whether that one is."""
    shapes = document.entities.values() if id is None else [document.entities[id]]
    return any(isinstance(one, Area | Line) and one.name == _MADE and one.channel.endswith(kind) for one in shapes)


def add_walkways(width_m: float = WALK_M) -> Edit:
    """Walkways along the outer edges of everything that can be driven on; those made before are made anew."""
    width = check.number(width_m, "A walkway's width", 0.2, 30.0)

    def edit(document: Document) -> Document:
        road = drivable(document)
        if road.is_empty:
            raise EditError("Nothing can be driven on yet: draw a road first.")
        drawn = [_polygon(area) for area in document.of(Area) if area.channel == "walkway" and area.name != _MADE]
        beside = road.buffer(width, join_style="mitre", mitre_limit=2.0).difference(road)
        # Where a road ends, it goes on: no pavement across it.
        beside = beside.difference(shapely.union_all([*drawn, *_ends(document, width)]))
        return _anew(document, "walkway", [Area("", "walkway", *_rings(part), name=_MADE) for part in _parts(beside) if part.area > 0.5])

    return edit


def add_dividers(lane_width_m: float = LANE_M) -> Edit:
    """Centre lines and lane lines of every stamped road, left out where roads meet; those made before are made anew."""
    lane = check.number(lane_width_m, "A lane's width", 1.0, 10.0)

    def edit(document: Document) -> Document:
        roads = [(area, ribbon) for area in document.of(Area) if (ribbon := ribbon_of(area)) is not None]
        if not roads:
            raise EditError("There is no road with a centre line: stamp one with the Road tool first.")
        made: list[Line] = []
        for area, ribbon in roads:
            others = shapely.union_all([_polygon(other).buffer(1.0) for other, _ in roads if other.id != area.id])
            others = others.union(shapely.union_all([_polygon(one).buffer(0.5) for one in document.of(Area) if one.channel == "ped_crossing"]))
            lanes = max(1, round(ribbon.width_m / lane))
            for k in range(1, lanes):
                line = shapely.LineString(_offset(ribbon.centre, (k - lanes / 2) * ribbon.width_m / lanes)).difference(others)
                channel = "road_divider" if 2 * k == lanes else "lane_divider"
                made += [
                    Line("", channel, tuple((float(x), float(y)) for x, y in part.coords), _DIVIDER_M, name=_MADE)
                    for part in _parts(line) if part.length > SHORTEST_M
                ]  # fmt: skip
        return _anew(document, "divider", made)

    return edit


def clip_to_road(ids: Sequence[str]) -> Edit:
    """What sticks out of the drivable area is cut off the areas named: a crossing ends at the kerb."""
    names = tuple(check.identifier(name) for name in check.items(ids, "The ids"))

    def edit(document: Document) -> Document:
        road = drivable(document)
        changed = []
        for name in names:
            area = document.get(name, Area)
            parts = sorted(_parts(_polygon(area).intersection(road)), key=lambda part: -part.area)
            if not parts or parts[0].area < 0.2:
                raise EditError(f"Nothing of '{name}' lies on the road, so nothing would be left: move it there first.")
            exterior, holes = _rings(parts[0])
            changed.append(replace(area, exterior_m=exterior, holes_m=holes))
        return check.put(document, *changed)

    return edit


def drivable(document: Document) -> shapely.Geometry:
    """Everything that can be driven on, of areas that are drawn (world metres)."""
    return shapely.union_all([_polygon(area) for area in document.of(Area) if area.channel == "drivable_area"])


def _polygon(area: Area) -> shapely.Geometry:
    return shapely.make_valid(shapely.Polygon(area.exterior_m, area.holes_m))


def _road_at(document: Document, x: float, y: float) -> tuple[Area, Ribbon]:
    place = shapely.Point(x, y)
    for area in document.of(Area):
        if (ribbon := ribbon_of(area)) is not None and _polygon(area).contains(place):
            return area, ribbon
    raise EditError("There is no stamped road here, whose direction a crossing could follow: draw the crossing as an area instead.")


def _ends(document: Document, width: float) -> list[shapely.Geometry]:
    """What lies beyond the ends of roads that lead out of what can be driven on; one that ends in another road leads on there."""
    ends, road = [], drivable(document)
    for area in document.of(Area):
        ribbon = ribbon_of(area)
        if ribbon is None:
            continue
        for end, inner in ((ribbon.centre[0], ribbon.centre[1]), (ribbon.centre[-1], ribbon.centre[-2])):
            out = np.subtract(end, inner) / np.hypot(*np.subtract(end, inner))
            if not road.contains(shapely.Point(np.add(end, out * _BEYOND_M))):
                ends.append(shapely.LineString([end, np.add(end, out * 3 * width)]).buffer(ribbon.width_m / 2 + width, cap_style="flat"))
    return ends


def _anew(document: Document, kind: str, made: Sequence[Area | Line]) -> Document:
    """The document with those in place of what was made the same way before."""
    old = [e.id for e in document.entities.values() if isinstance(e, Area | Line) and e.name == _MADE and e.channel.endswith(kind)]
    document = document.with_entities(removed=tuple(old)) if old else document
    for shape in made:
        document = check.put(document, replace(shape, id=new_id(document, "area" if isinstance(shape, Area) else "line")))
    return document


def _offset(line: Sequence[Point], left_m: float) -> list[tuple[float, float]]:
    """The line moved to its left, corner by corner (mitred), so that it keeps as many."""
    p = np.array(line, float)
    along = np.diff(p, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    before, after = np.vstack([along[:1], along]), np.vstack([along, along[-1:]])
    mean = before + after
    mean /= np.maximum(np.hypot(*mean.T), 1e-9)[:, None]
    stretch = 1 / np.maximum(0.4, np.sum(mean * before, 1))
    return [(float(x), float(y)) for x, y in p + left_m * stretch[:, None] * np.stack([-mean[:, 1], mean[:, 0]], 1)]


def _parts(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Polygons or lines of which a shape is made."""
    return [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "LineString")]


def _rings(part: shapely.Geometry) -> tuple[tuple[Point, ...], tuple[tuple[Point, ...], ...]]:
    assert isinstance(part, shapely.Polygon)
    opened = lambda ring: tuple((float(x), float(y)) for x, y in ring.coords[:-1])  # noqa: E731
    return opened(part.exterior), tuple(opened(hole) for hole in part.interiors)
