"""Work zones, and the odd things that stand about: parked cycles, stray cones, rows of barriers."""

from __future__ import annotations

import numpy as np

from engine.data import curves
from engine.data.habits import ODDS
from engine.data.network import Network
from engine.data.tracks import Floor, Track, size_of


def place_works(rng: np.random.Generator, network: Network, floor: Floor) -> None:
    """A closed stretch of a lane: a taper of cones, cones or barriers along it, machines and workers inside."""
    roads = [road for road in network.roads if not road.ring]
    if not roads:
        return
    road = roads[int(rng.integers(len(roads)))]
    lengths = curves.arc_lengths(road.center)
    middle = float(lengths[int(np.argmin(np.hypot(*road.center.T)))]) + rng.uniform(-30, 30)
    length, depth = float(rng.uniform(16, 55)), float(rng.uniform(2.8, 4.4))
    sign, kerb = (1, road.right) if rng.random() < 0.5 else (-1, road.left)

    def put(name: str, s: float, inside_m: float, turn: float = 0.0) -> None:
        x, y = curves.at_length(road.center, lengths, s)[0]
        yaw = float(curves.heading_at(road.center, lengths, s)[0])
        left = kerb + sign * inside_m
        floor.add(Track(name, size_of(rng, name), x - np.sin(yaw) * left, y + np.cos(yaw) * left, yaw + turn), margin_m=0.02)

    s0, s1 = middle - length / 2, middle + length / 2
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.35, 0.4, 0.2, 0.05]))):
        put("construction_vehicle", rng.uniform(s0 + 4, s1 - 4), depth / 2 - 0.2, rng.normal(0, 0.08) + rng.choice([0, np.pi]))
    for t in np.linspace(0, 1, int(rng.integers(4, 10))):
        put("traffic_cone", s0 - 10 * (1 - t), 0.4 + (depth - 0.4) * t)
        if rng.random() < 0.7:
            put("traffic_cone", s1 + 6 * (1 - t), 0.4 + (depth - 0.4) * t)
    if rng.random() < 0.5:
        for s in np.arange(s0, s1, rng.uniform(1.6, 3.5)):
            put("traffic_cone", s, depth + rng.normal(0, 0.08))
    else:
        for s in np.arange(s0, s1, rng.uniform(2.6, 3.4)):
            put("barrier", s, depth, np.pi / 2 + rng.normal(0, 0.05))
    for _ in range(int(rng.integers(0, 6))):
        put("pedestrian", rng.uniform(s0, s1), rng.uniform(0.5, depth - 0.5), rng.uniform(-3, 3))
    if rng.random() < 0.3:
        put("truck", rng.uniform(s0, s1), depth / 2, rng.choice([0, np.pi]))


_APART_M = {"bicycle": 0.9, "motorcycle": 1.2, "traffic_cone": 2.0, "barrier": 2.7, "construction_vehicle": 9.0, "pedestrian": 0.9}


def place_odds(rng: np.random.Generator, shares: tuple[float, ...], network: Network, floor: Floor) -> None:
    """`shares` of ODDS: rows and clusters beside the road, or anywhere where there is none to be beside."""
    for _ in range(int(rng.poisson(4.0))):
        kind = str(rng.choice(ODDS, p=shares))
        x, y = rng.uniform(-40, 40, 2)
        yaw = float(rng.uniform(-np.pi, np.pi))
        if network.roads and rng.random() < 0.9:
            road = network.roads[int(rng.integers(len(network.roads)))]
            k = int(rng.integers(len(road.center)))
            side = road.right - rng.uniform(0.6, 3.0) if rng.random() < 0.5 else road.left + rng.uniform(0.6, 3.0)
            if kind in ("barrier", "traffic_cone") and rng.random() < 0.35:  # between the lanes
                side = float(rng.choice([offset for offset, _ in road.lanes])) + road.lane_width / 2
            x, y = curves.offset(road.center, side)[k]
            yaw = float(np.arctan2(*np.gradient(road.center, axis=0)[k, ::-1]))
        count = 1 if kind == "construction_vehicle" else int(rng.integers(3, 22 if kind == "barrier" else 9))
        turn = 0.0 if kind == "construction_vehicle" else np.pi / 2
        for n in range(count):
            along = _APART_M[kind] * n
            at = (x + np.cos(yaw) * along, y + np.sin(yaw) * along) + rng.normal(0, 0.1, 2)
            floor.add(Track(kind, size_of(rng, kind), float(at[0]), float(at[1]), yaw + turn + rng.normal(0, 0.08)), margin_m=0.03)
