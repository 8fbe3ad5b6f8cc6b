"""From road to road: the links of roads and the connections of junctions, and the drive along them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from editor.formats.opendrive.roads import RoadLink, RoadShapes
from editor.formats.opendrive.route import Route, go_on
from editor.formats.opendrive.xml import number

MOST_ROADS = 200


@dataclass(frozen=True, slots=True)
class Connection:
    """One way through a junction."""

    incoming: str
    connecting: str
    contact: str
    lanes: Mapping[int, int]
    """Lane of the incoming road -> lane of the connecting one; empty where the file does not say."""


@dataclass(frozen=True, slots=True)
class Network:
    """Roads by id, and the connections of every junction."""

    roads: Mapping[str, RoadShapes]
    junctions: Mapping[str, Sequence[Connection]]


def read_network(root: Element, roads: Sequence[RoadShapes]) -> Network:
    """Raises FormatError where a lane link is no number."""
    junctions = {
        junction.get("id", ""): [_connection(element) for element in junction.findall("connection")]
        for junction in root.findall("junction")
    }
    return Network({road.id: road for road in roads}, junctions)


def _connection(element: Element) -> Connection:
    lanes = {int(number(link, "from")): int(number(link, "to")) for link in element.findall("laneLink")}
    return Connection(element.get("incomingRoad", ""), element.get("connectingRoad", element.get("linkedRoad", "")), element.get("contactPoint", ""), lanes)


def extend(network: Network, road: RoadShapes, route: Route, needed_m: float) -> np.ndarray:
    """Points (N, 2) of a route and of those that follow on it from road to road, straight on where there is a choice, up to `needed_m`."""
    points, length = [route.points_m], route.length_m
    for _ in range(MOST_ROADS):
        if length >= needed_m:
            break
        ways = [(after, found) for after, found in _ways_on(network, road, route)]
        if not ways:
            break
        road, route = min(ways, key=lambda row: abs(_turn(points[-1], row[1].points_m)))
        points.append(route.points_m)
        length += route.length_m
    return np.concatenate(points)


def _ways_on(network: Network, road: RoadShapes, route: Route) -> Iterator[tuple[RoadShapes, Route]]:
    link = road.links.get(route.direction)
    if link is None:
        return
    here = route.points_m[-1]
    for id, contact, lane_id in _next_lanes(network, road, route, link):
        after = network.roads.get(id)
        if after is None:
            continue
        for direction in (1, -1) if contact not in ("start", "end") else (1 if contact == "start" else -1,):
            if (found := go_on(after.lanes, direction, here, lane_id)) is not None:
                yield after, found


def _next_lanes(network: Network, road: RoadShapes, route: Route, link: RoadLink) -> Iterator[tuple[str, str, int | None]]:
    """Road, end of it, and lane (None where the file does not say) that may come next."""
    if link.kind == "road":
        yield link.id, link.contact, route.last.links.get("successor" if route.direction > 0 else "predecessor")
        return
    for connection in network.junctions.get(link.id, ()):
        if connection.incoming == road.id and (not connection.lanes or route.last.id in connection.lanes):
            yield connection.connecting, connection.contact, connection.lanes.get(route.last.id)


def _turn(before_m: np.ndarray, after_m: np.ndarray) -> float:
    """By how much (rad) a drive changes its heading from the end of one road to the end of the next."""
    (ax, ay), (bx, by) = before_m[-1] - before_m[-2], after_m[-1] - after_m[-2]
    return float(np.arctan2(ax * by - ay * bx, ax * bx + ay * by))
