"""Wheels that stay round whatever the vehicle's box: tyre, rim, spokes. The axle is y; the wheel faces left (+y) of its middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.views.drawn.agents.palette import CHASSIS, DARK, RIM, RUBBER
from engine.views.drawn.agents.shapes import Soup, disc, lathe, mirrored, tube, turned

LEFT = (0.0, 1.0, 0.0)
ROUND, ROUND_FAR = 28, 12
"""Segments of a wheel's outline near by and far away: its edges lie 0.6 %, and 3.4 %, of the radius inside its circle at the most."""


@dataclass(frozen=True)
class Wheel:
    """Where a wheel turns. `steered` wheels also turn about their upright axis."""

    x: float
    y: float
    z: float
    radius: float
    steered: bool = False


def wheel_poses(wheels: Sequence[Wheel], distance_m: float, steer_rad: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turn and place of each wheel after `distance_m`: it rolls about +y, forwards when the distance grows."""
    poses = []
    for wheel in wheels:
        turn = turned("y", float(np.fmod(distance_m / wheel.radius, 2 * np.pi)))
        if wheel.steered:
            turn = turned("z", steer_rad) @ turn
        poses.append((turn, np.array([wheel.x, wheel.y, wheel.z])))
    return poses


def car_wheel(radius: float, width: float, spokes: int, coarse: bool, rim: np.ndarray = RIM) -> list[tuple[np.ndarray, np.ndarray]]:
    """(triangles, part) of a wheel that faces left."""
    half, inner = width / 2, radius * 0.68
    if coarse:
        return _plain_wheel(radius, half, inner, rim)
    count, dish = ROUND, half * 0.35
    return [
        (lathe([(radius * 0.97, -half), (radius, half * 0.7), (radius * 0.94, half), (inner, half * 0.94)], count, LEFT), RUBBER),
        (lathe([(inner, half * 0.94), (inner * 0.9, dish)], count, LEFT), rim),
        (disc((0, dish, 0), LEFT, inner * 0.92, count // 2), DARK),
        (_star(inner * 0.97, half * 0.86, spokes), rim),
        (lathe([(inner * 0.24, half * 0.7), (inner * 0.2, half * 0.95), (0.0, half * 0.97)], 8, LEFT), rim),
    ]


def _plain_wheel(radius: float, half: float, inner: float, rim: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """What is left of a wheel far away: a drum with a bright disc."""
    return [
        (lathe([(radius, -half), (radius, half), (0.0, half * 0.98)], ROUND_FAR, LEFT), RUBBER),
        (disc((0, half + 0.004, 0), LEFT, inner, 8), rim),
    ]


def truck_wheel(radius: float, width: float, coarse: bool, rim: np.ndarray = RIM) -> list[tuple[np.ndarray, np.ndarray]]:
    """A heavy wheel: a deep dish with a hub and holes around it."""
    half, inner = width / 2, radius * 0.58
    if coarse:
        return _plain_wheel(radius, half, inner, rim)
    tyre = lathe([(radius * 0.97, -half), (radius, half * 0.8), (radius * 0.93, half), (inner, half * 0.95)], ROUND, LEFT)
    dish = [
        (inner * 1.01, half * 0.95),
        (inner * 0.82, half * 0.5),
        (inner * 0.42, half * 0.5),
        (inner * 0.34, half * 0.85),
        (0.0, half * 0.87),
    ]
    holes = [
        (disc((inner * 0.62 * np.cos(a), half * 0.5 + 0.008, inner * 0.62 * np.sin(a)), LEFT, inner * 0.12, 6), DARK)
        for a in np.linspace(0, 2 * np.pi, 6, endpoint=False)
    ]
    return [(tyre, RUBBER), (lathe(dish, 3 * ROUND // 4, LEFT), rim), *holes]


def spoked_wheel(radius: float, tyre: float, spokes: int, coarse: bool, rim: np.ndarray = RIM) -> list[tuple[np.ndarray, np.ndarray]]:
    """A bicycle's or motorcycle's wheel: a tyre `tyre` thick, a rim and thin spokes."""
    count, half = (ROUND_FAR if coarse else ROUND), tyre / 2
    middle = radius - half
    ring = [(middle + half * np.cos(a), half * np.sin(a)) for a in np.linspace(-np.pi, np.pi, 4 if coarse else 6)]
    parts = [(lathe(ring, count, LEFT), RUBBER)]
    if not coarse:
        parts.append((lathe([(middle - half, half * 0.8), (middle - half * 1.6, 0.0), (middle - half, -half * 0.8)], count, LEFT), rim))
    else:
        return parts
    hub = max(0.02, half)
    for k in range(spokes):
        angle = 2 * np.pi * k / spokes
        tip = (middle - half) * np.array([np.cos(angle), 0.0, np.sin(angle)])
        parts.append((tube([(0, hub * 0.5 * (-1) ** k, 0), tip], max(0.0035, half * 0.16), 3, capped=False), rim))
    parts.append((lathe([(0, -hub * 1.4), (hub, -hub * 1.4), (hub, hub * 1.4), (0, hub * 1.4)], 6, LEFT), CHASSIS))
    return parts


def add_wheels(soup: Soup, wheels: Sequence[Wheel], model: Sequence[tuple[np.ndarray, np.ndarray]], first_bone: int = 1) -> None:
    """One bone a wheel, those right of the middle mirrored."""
    for k, wheel in enumerate(wheels):
        soup.bone = first_bone + k
        for triangles, row in model:
            soup.add(mirrored(triangles) if wheel.y < 0 else triangles, row)
    soup.bone = 0


def _star(radius: float, y: float, spokes: int) -> np.ndarray:
    """Flat spokes that widen outwards."""
    triangles = []
    for k in range(spokes):
        middle = 2 * np.pi * k / spokes
        wide, narrow = 0.42 * np.pi / spokes, 0.75 * np.pi / spokes
        a, b = middle - wide, middle + wide
        c, d = middle - narrow, middle + narrow
        root = radius * 0.18
        ring = [(radius, b), (radius, a), (root, c), (root, d)]
        points = np.array([[r * np.cos(t), y, r * np.sin(t)] for r, t in ring])
        triangles.append(np.stack([points[[0, 1, 2]], points[[0, 2, 3]]]))
    return np.concatenate(triangles)
