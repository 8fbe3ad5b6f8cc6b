"""Ways through a road network: every lane, and turns from one lane into another."""

from __future__ import annotations

import numpy as np

from engine.data import curves
from engine.data.network import Network, Route


def add_routes(rng: np.random.Generator, network: Network) -> None:
    """Fills `network.routes` with straight lanes, then with up to 14 turns."""
    lanes = []
    for index, road in enumerate(network.roads):
        for left, way in road.lanes:
            points = curves.offset(road.center, left)
            points = points if way > 0 else points[::-1]
            lengths = curves.arc_lengths(points)
            stops = []
            for x, y, radius in network.junctions:
                d = np.hypot(*(points - (x, y)).T)
                k = int(np.argmin(d))
                if d[k] < radius and lengths[k] - radius > 8:
                    stops.append(float(lengths[k] - radius - 5))
            route = Route(points, road.speed, road.lane_width, index, tuple(stops))
            lanes.append((route, road, way))
            leaves = road.closed_start and way > 0
            if not (road.closed_start and way < 0):  # lanes into a stem's end exist only as turns
                route.blocked_m = 14.0 if leaves else 0.0
                network.routes.append(route)
    turns = []
    for a, road_a, way_a in lanes:
        for b, road_b, way_b in lanes:
            if a.road != b.road and not road_a.ring and not (road_a.closed_start and way_a > 0) and not (road_b.closed_start and way_b < 0):
                turn = _turn(a, b)
                if turn is not None:
                    turns.append(turn)
    for k in rng.permutation(len(turns))[:14]:
        network.routes.append(turns[int(k)])


def _turn(a: Route, b: Route) -> Route | None:
    """Along `a`, round a curve, along `b`; None where the lanes do not come near each other in a drivable way."""
    gaps = np.hypot(a.points[:, None, 0] - b.points[None, :, 0], a.points[:, None, 1] - b.points[None, :, 1])
    i, j = np.unravel_index(int(np.argmin(gaps)), gaps.shape)
    if gaps[i, j] > 9:
        return None
    la, lb = curves.arc_lengths(a.points), curves.arc_lengths(b.points)
    ease = 8.0
    start_s, end_s = la[i] - ease, lb[j] + ease
    if start_s < 10 or end_s > lb[-1] - 10:
        return None
    start, end = curves.at_length(a.points, la, start_s)[0], curves.at_length(b.points, lb, end_s)[0]
    yaw_a, yaw_b = curves.heading_at(a.points, la, start_s)[0], curves.heading_at(b.points, lb, end_s)[0]
    if abs((yaw_b - yaw_a + np.pi) % (2 * np.pi) - np.pi) > 2.4:
        return None
    reach = 0.45 * float(np.hypot(*(end - start)))
    curve = curves.bezier(
        start, start + reach * np.array([np.cos(yaw_a), np.sin(yaw_a)]), end - reach * np.array([np.cos(yaw_b), np.sin(yaw_b)]), end
    )
    points = np.concatenate([a.points[la < start_s - 0.5], curve, b.points[lb > end_s + 0.5]])
    return Route(points, min(a.speed, b.speed, 8.0), a.width, a.road, a.stops_m, a.blocked_m)
