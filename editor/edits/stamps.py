"""Stamps of streets by their numbers: what was stamped is read from its shape again, and stamped anew with another width.

Nothing is kept beside the shape, so a road whose corners were dragged is edited as it lies.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from editor import check
from editor.document import Document, Edit, EditError
from editor.edits.roads import CROSSING_OF, add_dividers, add_walkways, crossing_ring, has_made, ribbon_of, road_name, road_ring
from editor.entities import Area


def set_road(id: str, lanes: int | None = None, lane_width_m: float | None = None) -> Edit:  # noqa: A002 - the commands' own word
    """Another number of lanes, or another width of each, for a road that was stamped; its centre line stays.

    Crossings of it reach from kerb to kerb again; walkways and dividers that were made by their commands are made anew.
    """
    name = check.identifier(id)
    count = None if lanes is None else check.whole(lanes, "The number of lanes", 1, 12)
    wide = None if lane_width_m is None else check.number(lane_width_m, "A lane's width", 1.0, 10.0)

    def edit(document: Document) -> Document:
        area = document.get(name, Area)
        ribbon = ribbon_of(area)
        if ribbon is None:
            raise EditError(f"'{name}' is no road with a centre line, so it has no lanes: drag its corners instead.")
        had = lanes_of(area, ribbon.width_m)
        now, lane = count or had, wide or ribbon.width_m / had
        if (now, lane) == (had, ribbon.width_m / had):
            return document
        called = road_name(now) if area.name in ("", road_name(had)) else area.name
        crossings = [one for one in document.of(Area) if one.name == f"{CROSSING_OF}{name}"]
        document = check.put(document, replace(area, exterior_m=road_ring(ribbon.centre, now * lane), name=called))
        for crossing in crossings:
            document = _crossed(document, crossing, name, None)
        if has_made(document, "divider"):
            document = add_dividers(lane)(document)
        return document if (walk := _walkway_m(document)) is None else add_walkways(walk)(document)

    return edit


def set_crosswalk(id: str, width_m: float | None = None, at_m: float | None = None) -> Edit:  # noqa: A002 - the commands' own word
    """Another width along the road, or another place on it (metres from the road's first end), for a crossing that was stamped."""
    name = check.identifier(id)
    deep = None if width_m is None else check.number(width_m, "A crossing's width", 0.5, 20.0)
    at = None if at_m is None else check.number(at_m, "The crossing's place", 0.0, 1e5)

    def edit(document: Document) -> Document:
        crossing = document.get(name, Area)
        if not crossing.name.startswith(CROSSING_OF):
            raise EditError(f"'{name}' was not stamped across a road, so it has no width along one: drag its corners instead.")
        return document if deep is None and at is None else _crossed(document, crossing, crossing.name.removeprefix(CROSSING_OF), deep, at)

    return edit


def lanes_of(area: Area, width_m: float) -> int:
    """How many lanes a road has: as its name says, else by its width."""
    for count in range(1, 13):
        if area.name == road_name(count):
            return count
    return max(1, min(12, round(width_m / 3.5)))


def _crossed(document: Document, crossing: Area, road: str, deep: float | None, at: float | None = None) -> Document:
    """The document with a crossing from kerb to kerb of its road again, as wide and where it was unless said."""
    area = document.entities.get(road)
    ribbon = ribbon_of(area) if isinstance(area, Area) else None
    if ribbon is None:
        raise EditError(f"The road of '{crossing.id}' is gone or has no centre line any more: drag the crossing's corners instead.")
    centre, ring = shapely.LineString(ribbon.centre), np.array(crossing.exterior_m)
    place = centre.project(shapely.Point(ring.mean(0))) if at is None else at
    if place > centre.length:
        raise EditError(f"The road is {centre.length:.1f} m long, so nothing crosses it at {place:g} m.")
    return check.put(document, replace(crossing, exterior_m=crossing_ring(ribbon, place, float(np.hypot(*(ring[1] - ring[0]))) if deep is None else deep)))


def _walkway_m(document: Document) -> float | None:
    """How wide the walkways are that were made by their command; None where there are none."""
    made = [one for one in document.of(Area) if one.channel == "walkway" and has_made(document, "walkway", one.id)]
    if not made:
        return None
    # A strip of width w and length l has the area w l and the rim 2 (w + l).
    largest = max((shapely.Polygon(one.exterior_m, one.holes_m) for one in made), key=lambda shape: shape.area)
    half, area = largest.length / 2, largest.area
    return round(float((half - np.sqrt(max(half * half - 4 * area, 0.0))) / 2), 2)
