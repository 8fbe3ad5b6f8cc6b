"""One OpenDRIVE road -> its lanes' surfaces, its painted lines and its crosswalks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np
import shapely

from editor.formats.opendrive.geometry import ReferenceLine
from editor.formats.opendrive.lanes import DRIVEN, Lane, read_lanes, steady
from editor.formats.opendrive.objects import read_crosswalks
from editor.formats.shapes import strip

DRIVABLE = DRIVEN | {"parking", "stop", "shoulder", "biking", "mwyEntry", "mwyExit"}
WALKABLE = frozenset(("sidewalk", "walking"))
SEEN_M = 0.01
"""A lane narrower than this is not there."""
MOST_PARTS = 50


@dataclass(frozen=True, slots=True)
class RoadLink:
    """What an end of a road meets."""

    kind: str
    """road or junction"""
    id: str
    contact: str
    """The end of that road that is met: start, end, or nothing."""


@dataclass(slots=True)
class RoadShapes:
    """What one road contributes; all (N, 2) in the map's frame."""

    id: str
    junction: str
    left_hand: bool
    length_m: float
    lanes: list[Lane]
    links: dict[int, RoadLink]
    """What is met at its end (1) and at its start (-1)."""
    drivable: list[shapely.Geometry] = field(default_factory=list)
    walkable: list[shapely.Geometry] = field(default_factory=list)
    crosswalks: list[shapely.Geometry] = field(default_factory=list)
    road_dividers: list[np.ndarray] = field(default_factory=list)
    lane_dividers: list[np.ndarray] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def read_road(road: Element) -> RoadShapes:
    """Raises FormatError where the road's numbers make no road."""
    line = ReferenceLine(road)
    found = read_lanes(road, line)
    left_hand = road.get("rule") == "LHT"
    shapes = RoadShapes(road.get("id", "?"), road.get("junction", "-1"), left_hand, line.length_m, found.lanes, _links(road))
    for lane in found.lanes:
        if not (lane.width_m > SEEN_M).any():
            continue
        if lane.kind in DRIVABLE:
            shapes.drivable += _surface(lane)
        elif lane.kind in WALKABLE:
            shapes.walkable += _surface(lane)
        elif lane.kind != "none":
            shapes.dropped[f"'{lane.kind}' lane"] += 1
    for mark in found.marks:
        (shapes.road_dividers if mark.between_directions else shapes.lane_dividers).append(mark.points_m)
    shapes.crosswalks, dropped = read_crosswalks(road, line)
    shapes.dropped.update(dropped)
    if signals := len(road.findall("signals/signal")):
        shapes.dropped["signal"] += signals
    return shapes


def _links(road: Element) -> dict[int, RoadLink]:
    found = {1: road.find("link/successor"), -1: road.find("link/predecessor")}
    return {
        end: RoadLink(link.get("elementType", "road"), link.get("elementId", ""), link.get("contactPoint", ""))
        for end, link in found.items()
        if link is not None
    }


def _surface(lane: Lane) -> list[shapely.Geometry]:
    """Polygons whose union is a lane; many small ones, of a lane that folds everywhere, are put together here."""
    parts = [part for piece in steady(lane) for part in strip(lane.inner_m[piece], lane.outer_m[piece])]
    return parts if len(parts) <= MOST_PARTS else list(shapely.get_parts(shapely.union_all(parts)))
