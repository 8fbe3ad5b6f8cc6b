"""Scenes as a hand would paint them: blobs and strokes in any channel, agents anywhere, no sense of traffic."""

from __future__ import annotations

import numpy as np

from engine.data import curves
from engine.data.network import Network
from engine.data.tracks import Floor, Track, size_of
from engine.spec.classes import AGENTS, CHANNEL
from engine.spec.layout import Polygon, Polyline

_AREAS = [CHANNEL[n] for n in ("drivable_area", "drivable_area", "walkway", "ped_crossing")]
_LINES = [CHANNEL[n] for n in ("road_divider", "lane_divider")]


def paint_over(rng: np.random.Generator, network: Network) -> None:
    """Adds strokes and blobs to a network's shapes, blobs of agents without a box among them."""
    for _ in range(int(rng.integers(0, 7))):
        channel = int(rng.choice(_AREAS))
        x, y = rng.uniform(-38, 38, 2)
        if rng.random() < 0.5:
            network.polygons.append(Polygon(channel, _blob(rng, x, y, float(rng.uniform(1, 16)))))
        else:
            network.polylines.append(Polyline(channel, _stroke(rng, x, y, float(rng.uniform(8, 70))), float(rng.uniform(0.8, 9))))
    for _ in range(int(rng.integers(0, 7))):
        x, y = rng.uniform(-38, 38, 2)
        line = _stroke(rng, x, y, float(rng.uniform(3, 60)))
        network.polylines.append(Polyline(int(rng.choice(_LINES)), line, float(rng.choice([0.4, 0.4, 0.8, 1.2]))))
    for _ in range(int(rng.poisson(2))):
        channel = int(rng.integers(10))
        length, width, _ = size_of(rng, AGENTS[channel])
        x, y = rng.uniform(-32, 32, 2)
        yaw, stretch = float(rng.uniform(-np.pi, np.pi)), rng.uniform(0.7, 1.4, 2)
        ring = curves.rectangle(0, 0, yaw, length * stretch[0] + 0.3, width * stretch[1] + 0.3)
        ring = curves.resample(np.concatenate([ring, ring[:1]]), 0.6)[:-1]
        network.polygons.append(Polygon(channel, ring + rng.normal(0, 0.1, ring.shape) + (x, y)))


def place_anywhere(rng: np.random.Generator, floor: Floor) -> None:
    """Agents of every class at random places and headings; some drive straight on."""
    for _ in range(int(rng.integers(0, 45))):
        name = str(rng.choice(AGENTS))
        x, y = rng.uniform(-42, 42, 2)
        yaw = float(rng.uniform(-np.pi, np.pi))
        size = size_of(rng, name)
        if rng.random() < 0.6 or name in ("barrier", "traffic_cone"):
            floor.add(Track(name, size, x, y, yaw))
        else:
            ahead = np.array([np.cos(yaw), np.sin(yaw)])
            floor.add(Track(name, size, points=np.stack([(x, y) - 2 * ahead, (x, y) + 80 * ahead]), speed=float(rng.uniform(0.5, 8))))


def _blob(rng: np.random.Generator, x: float, y: float, radius: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    r = 1 + sum(rng.normal(0, 0.35 / k) * np.cos(k * angles + rng.uniform(0, 6)) for k in range(1, 6))
    r = radius * np.clip(r, 0.25, 2.0)
    return np.stack([x + r * np.cos(angles), y + r * np.sin(angles)], -1)


def _stroke(rng: np.random.Generator, x: float, y: float, length: float) -> np.ndarray:
    count = max(int(length), 2)
    yaw = rng.uniform(-np.pi, np.pi) + np.cumsum(curves.smooth_noise(rng, count, 6, float(rng.choice([0.0, 0.08, 0.25]))))
    return np.array([x, y]) + np.cumsum(np.stack([np.cos(yaw), np.sin(yaw)], -1), 0)
