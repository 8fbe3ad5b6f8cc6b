"""Agents of all ten classes, and the ego's drive."""

from __future__ import annotations

import numpy as np

from engine.data import curves
from engine.data.habits import DRIVEN, PARKED
from engine.data.network import Lot, Network, Route
from engine.data.painted import place_anywhere
from engine.data.style import WorldStyle
from engine.data.tracks import Floor, Track, size_of
from engine.data.works import place_odds, place_works

_EGO_SIZE_M = (4.8, 2.1, 1.8)
_DENSE_M = 75.0
"""Agents farther than this from the world's origin are mostly out of sight and are thinned out."""


def build_traffic(rng: np.random.Generator, style: WorldStyle, network: Network, horizon_s: float) -> tuple[Track, list[Track]]:
    """The ego's track and every agent's; no two overlap at any frame of the horizon."""
    floor = Floor(horizon_s)
    ego = _ego(rng, style, network, horizon_s)
    floor.add(ego, margin_m=0.5, hidden=True)
    if style.works:
        place_works(rng, network, floor)
    _driving(rng, style, network, floor)
    _parked(rng, style, network, floor)
    _people(rng, style, network, floor)
    place_odds(rng, style.driving.odds, network, floor)
    if style.painted:
        place_anywhere(rng, floor)
    return ego, floor.tracks


def _ego(rng: np.random.Generator, style: WorldStyle, network: Network, horizon_s: float) -> Track:
    speed = 0.0 if rng.random() < style.driving.ego_stands else float(rng.uniform(*style.driving.ego_m_s))
    if not network.routes or rng.random() < 0.04:  # across a yard, or nowhere near a road
        heading = rng.uniform(-np.pi, np.pi)
        start = rng.uniform(-15, 15, 2)
        bend = curves.smooth_noise(rng, 60, 12, 0.06)
        yaw = heading + np.cumsum(bend)
        points = np.concatenate([start[None], start + np.cumsum(np.stack([np.cos(yaw), np.sin(yaw)], -1) * 2.0, 0)])
        return Track("car", _EGO_SIZE_M, points=points, s0=4.0, speed=min(speed, 5.0))
    weights = np.array([1.0 / (1 + _nearest_m(r) / 20) for r in network.routes])
    route = network.routes[int(rng.choice(len(network.routes), p=weights / weights.sum()))]
    speed = min(speed, route.speed * 1.2)
    lengths = curves.arc_lengths(route.points)
    middle = float(lengths[int(np.argmin(np.hypot(*route.points.T)))]) + rng.uniform(-28, 28)
    accel = 0.0 if rng.random() < 0.6 else float(rng.uniform(-2.0, 1.5))
    window = min(horizon_s, 8.0)
    s0 = float(np.clip(middle - speed * window / 2, max(route.blocked_m - 8, 2.0), max(lengths[-1] - speed * window - 20, 4.0)))
    return Track("car", _EGO_SIZE_M, points=route.points, s0=s0, speed=speed, accel=accel, top_speed=17.0, sway=float(rng.normal(0, 0.15)))


def _nearest_m(route: Route) -> float:
    return float(np.min(np.hypot(*route.points.T)))


def _driving(rng: np.random.Generator, style: WorldStyle, network: Network, floor: Floor) -> None:
    """Vehicles along the routes, lane by lane, with one speed profile a lane; a road may be waiting at red."""
    if style.traffic <= 0:
        return
    red = {index: rng.random() < style.driving.red for index in range(len(network.roads))}
    for route in network.routes:
        lengths = curves.arc_lengths(route.points)
        speed = route.speed * float(rng.uniform(*style.driving.pace))
        stopping = red[route.road] and route.stops_m
        gap = float(rng.uniform(18, 75)) / style.traffic
        s = max(route.blocked_m, 2.0) + float(rng.exponential(gap))
        if stopping:
            _queue(rng, route, floor, style)
        while s < lengths[-1] - 10:
            x, y = curves.at_length(route.points, lengths, s)[0]
            if np.hypot(x, y) < _DENSE_M + speed * 4:
                name = _vehicle(rng, style)
                accel = float(rng.choice([0.0, 0.0, rng.uniform(-1.5, 1.0)]))
                s += _launch(rng, floor, name, route, s, speed * float(rng.normal(1, 0.03)), accel)
            s += 3 + float(rng.exponential(gap))


def _vehicle(rng: np.random.Generator, style: WorldStyle) -> str:
    return str(rng.choice(DRIVEN, p=style.driving.driven))


def _launch(rng: np.random.Generator, floor: Floor, name: str, route: Route, s: float, speed: float, accel: float) -> float:
    """One vehicle (a trailer with the truck that pulls it); returns the road it takes up."""
    sway = float(rng.normal(0, 0.15))
    if name == "bicycle":
        speed, sway = min(speed, float(rng.uniform(2.5, 6))), -(route.width / 2 - 0.6)
    size = size_of(rng, name)
    if name == "trailer":
        tractor = (float(rng.uniform(5.5, 6.6)), 2.6, float(rng.uniform(3.0, 3.7)))
        ahead = s + (size[0] + tractor[0]) / 2 + 0.4
        pulled = Track("truck", tractor, points=route.points, s0=ahead, speed=speed, accel=accel, sway=sway)
        if not floor.add(pulled):
            return 0.0
        floor.add(Track("trailer", size, points=route.points, s0=s, speed=speed, accel=accel, sway=sway))
        return size[0] + tractor[0]
    floor.add(Track(name, size, points=route.points, s0=s, speed=speed, accel=accel, top_speed=route.speed * 1.2, sway=sway))
    return size[0]


def _queue(rng: np.random.Generator, route: Route, floor: Floor, style: WorldStyle) -> None:
    """Vehicles standing at the stop line, one behind the other."""
    for stop in route.stops_m:
        s = stop
        for _ in range(int(rng.poisson(2.2 * style.traffic))):
            s -= _launch(rng, floor, _vehicle(rng, style), route, s - 2.5, 0.0, 0.0) + float(rng.uniform(1.5, 4))
            if s < route.blocked_m + 5:
                break


def _parked(rng: np.random.Generator, style: WorldStyle, network: Network, floor: Floor) -> None:
    if style.parked <= 0:
        return
    for road in network.roads:
        lengths = curves.arc_lengths(road.center)
        for index, kerb in enumerate((road.right, road.left)):
            lane = road.parking[index]
            fill = (rng.uniform(0.25, 0.9) if lane else rng.uniform(0, 0.1)) * min(style.parked, 1.3)
            sign = 1 if index == 0 else -1
            s = 6.0 if not road.closed_start else 20.0
            while s < lengths[-1]:
                name = str(rng.choice(PARKED, p=style.driving.parked))
                size = size_of(rng, name)
                x, y = curves.at_length(road.center, lengths, s)[0]
                if rng.random() < fill and np.hypot(x, y) < _DENSE_M and not _near_junction(network, x, y):
                    yaw = float(curves.heading_at(road.center, lengths, s)[0])
                    left = kerb + sign * (size[1] / 2 + rng.uniform(0.1, 0.4) + (2.2 if rng.random() < 0.02 else 0.0))
                    turn = rng.normal(0, 0.03) + (np.pi if (sign > 0) == style.left_hand else 0.0)
                    floor.add(Track(name, size, x - np.sin(yaw) * left, y + np.cos(yaw) * left, yaw + turn))
                s += size[0] + float(rng.uniform(0.6, 2.0))
    for lot in network.lots:
        _fill_lot(rng, style, lot, floor)


def _near_junction(network: Network, x: float, y: float) -> bool:
    return any(np.hypot(x - jx, y - jy) < radius + 6 for jx, jy, radius in network.junctions)


def _fill_lot(rng: np.random.Generator, style: WorldStyle, lot: Lot, floor: Floor) -> None:
    """Rows of bays across the lot, an aisle between pairs of rows."""
    fill = float(rng.uniform(0.1, 0.85)) * min(style.parked, 1.2)
    slant = float(rng.choice([0.0, rng.uniform(0.3, 0.6)], p=[0.75, 0.25]))
    c, s = np.cos(lot.yaw), np.sin(lot.yaw)
    across = -lot.width / 2 + 2.9
    row = 0
    while across < lot.width / 2 - 2.5:
        for along in np.arange(-lot.length / 2 + 2, lot.length / 2 - 1.5, 2.7):
            if rng.random() < fill:
                name = "car" if rng.random() < 0.96 else "truck"
                size = size_of(rng, name)
                yaw = lot.yaw + np.pi / 2 * (1 if rng.random() < 0.7 else -1) + slant + rng.normal(0, 0.03)
                u, v = along + rng.normal(0, 0.1), across + rng.normal(0, 0.2)
                floor.add(Track(name, size, lot.x + c * u - s * v, lot.y + s * u + c * v, yaw))
        across += 5.6 if row % 2 == 0 and row > 0 else 11.5
        row += 1


def _people(rng: np.random.Generator, style: WorldStyle, network: Network, floor: Floor) -> None:
    """Walkers on walkways and crossings, alone and in groups; some stand."""
    if style.people <= 0:
        return
    for line in network.walks:
        lengths = curves.arc_lengths(line)
        for _ in range(int(rng.poisson(7 * style.people))):
            s = float(rng.uniform(0, lengths[-1]))
            x, y = curves.at_length(line, lengths, s)[0]
            if np.hypot(x, y) > _DENSE_M:
                continue
            way = line if rng.random() < 0.5 else line[::-1]
            rolls = rng.random() < 0.06
            for k in range(1 if rolls else int(rng.choice([1, 2, 3, 5], p=[0.6, 0.25, 0.1, 0.05]))):
                speed = 0.0 if rng.random() < 0.15 else float(rng.normal(1.35, 0.2))
                name = "bicycle" if rolls else "pedestrian"
                pace = float(rng.uniform(2, 5)) if rolls else max(speed, 0.0)
                start = (s if way is line else lengths[-1] - s) + float(rng.uniform(-0.3, 0.3)) + 0.9 * (k // 2)
                floor.add(Track(name, size_of(rng, name), points=way, s0=start, speed=pace, sway=float(rng.normal(0, 0.4)) + 0.9 * (k % 2)))
    for crossing in network.crossings:
        for _ in range(int(rng.poisson(2 * style.people))):
            a, b = (crossing[0], crossing[1]) if rng.random() < 0.5 else (crossing[1], crossing[0])
            out = 6 * curves.unit(b - a)
            line = np.stack([a - out, a, b, b + out])
            s = float(rng.uniform(0, curves.arc_lengths(line)[-1]))
            pace, sway = float(rng.uniform(0.9, 1.7)), float(rng.normal(0, 0.8))
            floor.add(Track("pedestrian", size_of(rng, "pedestrian"), points=line, s0=s, speed=pace, sway=sway))
