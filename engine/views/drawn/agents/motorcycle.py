"""Motorcycles and scooters with riders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents import rider
from engine.views.drawn.agents.figure import BONES, Clothes, add_figure
from engine.views.drawn.agents.rig import Model, Motion, Pose
from engine.views.drawn.agents.shapes import Soup, both, box, ellipsoid, lathe, loft, mirrored, superellipse, tube
from engine.views.drawn.agents.wheels import LEFT, Wheel, add_wheels, car_wheel, wheel_poses

KINDS = ("motorcycle", "scooter")


def choose(dice: np.random.Generator) -> str:
    return str(dice.choice(KINDS, p=[0.6, 0.4]))


@dataclass(frozen=True)
class _Frame:
    """Where things are, in metres."""

    soup: Soup
    coarse: bool
    rear: float
    """x of the rear axle."""
    base: float
    radius: float
    saddle: float
    bar_x: float
    bar_z: float
    grip: float

    def x(self, share: float) -> float:
        """From the rear axle (0) to the front axle (1)."""
        return self.rear + share * self.base

    def pod(self, stations: Sequence[tuple[float, float, float, float]], row: np.ndarray, power: float = 2.6) -> None:
        """A rounded body along x from (share of the wheelbase, z middle, half height, half width)."""
        count = 4 if self.coarse else 9
        rings = []
        for share, z, tall, wide in stations[:: 2 if self.coarse and len(stations) == 3 else 1]:
            outline = superellipse(wide, tall, power, count)
            rings.append(np.stack([np.full(count, self.x(share)), outline[:, 0], z + outline[:, 1]], axis=1))
        self.soup.add(loft(np.stack(rings), not self.coarse), row)

    def rod(self, path: Sequence[tuple[float, float, float]], radius: float | Sequence[float], row: np.ndarray, two: bool = False) -> None:
        """A round rod, on both sides if `two`."""
        triangles = tube(path, radius, 3 if self.coarse else 6, capped=not self.coarse)
        self.soup.add(both(triangles) if two else triangles, row)


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, clothes: Clothes | None, coarse: bool) -> Model:
    """Without a rider the box's height is the handlebar's; with one it is that of the rider's head."""
    length, width, height = size_m
    scooter = kind == "scooter"
    radius = float(min((0.115 if scooter else 0.152) * length, 0.34, 0.36 * height))
    rear, front = -length / 2 + radius * 1.05, length / 2 - radius * 1.05
    saddle = float(min(0.78, 0.5 * height if clothes else 0.72 * height))
    soup = Soup()
    bar_z = min(saddle + 0.26, height - 0.03)
    frame = _Frame(soup, coarse, rear, front - rear, radius, saddle, front - 0.24 * (front - rear), bar_z, min(width / 2 - 0.02, 0.38))
    paint = pal.paint(rgb)
    if scooter:
        _scooter(frame, paint)
    else:
        _motorcycle(frame, paint)
    _common(frame, front, paint, scooter)

    wheels = [Wheel(front, 0.0, radius, radius), Wheel(rear, 0.0, radius, radius)]
    wheel = car_wheel(radius, 0.12 if scooter else 0.14, 5, coarse)
    add_wheels(soup, wheels, wheel if coarse else wheel + [(mirrored(triangles), row) for triangles, row in wheel[1:4]])
    hand = np.array([frame.bar_x - 0.11, frame.grip - 0.04, bar_z + 0.03])
    seat = np.array([frame.x(0.34), 0.0, saddle])
    rest = np.array([frame.x(0.56), 0.13, radius * 0.9 + 0.1] if scooter else [frame.x(0.42), 0.19, radius * 0.95])
    figure, lean = None, 0.0
    if clothes is not None:
        figure, lean = rider.fitted(height, seat, 0.085, 0.12, hand)
        add_figure(soup, figure, clothes, coarse, 3, fist=True)

    def pose(motion: Motion) -> list[Pose]:
        poses = wheel_poses(wheels, motion.distance_m, 0.0)
        if figure is not None:
            feet = [rest * (1, side, 1) + (0, 0, 0.043 * figure.height) for side in (1, -1)]
            poses += rider.seated(figure, seat + (0.0, 0.0, 0.085 * figure.height), lean, hand, feet)
        return poses

    return Model(soup.rigged(3 + (BONES if figure else 0), rider.CREASE_DEG), pose)


def _scooter(frame: _Frame, paint: np.ndarray) -> None:
    """Leg shield, floor, and a body over the rear wheel."""
    r, saddle, x = frame.radius, frame.saddle, frame.x
    low = 1.55 * r
    z, tall = (saddle + low) / 2, (saddle - low) / 2
    frame.pod(
        [(-0.2, saddle - 0.1, 0.05, 0.06), (-0.02, z + 0.05, 0.85 * tall, 0.14), (0.28, z, tall, 0.16), (0.42, z - 0.05, tall, 0.12)], paint
    )
    frame.pod([(0.0, r, 0.06, 0.07), (0.15, 1.2 * r, 0.1, 0.1), (0.4, 1.25 * r, 0.09, 0.1)], pal.CHASSIS)
    frame.soup.add(box((x(0.36), -0.17, r * 0.9), (x(0.86), 0.17, r * 0.9 + 0.07)), pal.TRIM)
    z, up = 0.5 * (frame.bar_z + r), 0.5 * (frame.bar_z - r)
    frame.pod([(0.76, z - 0.06, 0.8 * up, 0.19), (0.83, z, 0.98 * up, 0.21), (0.89, z, 0.85 * up, 0.14), (0.92, z, 0.6 * up, 0.06)], paint)


def _motorcycle(frame: _Frame, paint: np.ndarray) -> None:
    """Tank, engine with fins, side covers, tail, swing arm, shock absorbers, exhaust."""
    r, saddle, x = frame.radius, frame.saddle, frame.x
    frame.pod(
        [
            (0.42, saddle, 0.05, 0.09),
            (0.5, saddle + 0.02, 0.12, 0.14),
            (0.66, saddle + 0.05, 0.13, 0.15),
            (0.77, saddle + 0.04, 0.07, 0.08),
        ],
        paint,
    )
    frame.pod(
        [(0.24, r * 1.1, 0.1, 0.1), (0.36, r * 1.2, 0.18, 0.14), (0.6, r * 1.25, 0.2, 0.15), (0.7, r * 1.4, 0.13, 0.11)], pal.CHASSIS, 3.5
    )
    z = 0.5 * (saddle + 1.5 * r)
    frame.pod([(0.12, z + 0.06, 0.06, 0.06), (0.3, z, 0.13, 0.1), (0.62, z, 0.13, 0.09), (0.76, z + 0.06, 0.07, 0.05)], pal.TRIM, 3.0)
    frame.pod([(-0.2, saddle + 0.04, 0.03, 0.05), (-0.05, saddle - 0.02, 0.08, 0.1), (0.2, saddle - 0.06, 0.1, 0.11)], paint)
    frame.rod(
        [(frame.bar_x + 0.02, 0.03, frame.bar_z - 0.14), (x(0.7), 0.07, 1.1 * r), (x(0.55), 0.08, 0.6 * r)], 0.022, pal.CHASSIS, two=True
    )
    frame.rod([(x(0.1), 0.12, saddle - 0.1), (x(0.0), 0.12, r)], 0.022, pal.CHROME, two=True)
    if frame.coarse:
        return
    frame.rod([(x(0.25), 0.1, r * 1.2), (x(0.0), 0.1, r)], 0.028, pal.CHASSIS, two=True)
    frame.rod([(x(0.6), -0.17, r * 0.9), (x(0.3), -0.18, r * 0.62), (x(-0.1), -0.18, r)], [0.03, 0.035, 0.055], pal.CHROME)
    for k in range(4):
        z = 1.35 * r + 0.045 * k
        frame.soup.add(box((x(0.44), -0.16, z), (x(0.62), 0.16, z + 0.014)), pal.metal((0.3, 0.3, 0.31), 0.4))
    frame.soup.add(lathe([(0.1, -0.003), (0.1, 0.003), (0.05, 0.003)], 12, LEFT, (x(1.0), 0.07, r)), pal.metal())


def _common(frame: _Frame, front: float, paint: np.ndarray, scooter: bool) -> None:
    """Seat, fork, mudguard, handlebar, lamps, mirrors, plate."""
    soup, coarse, r, saddle, x = frame.soup, frame.coarse, frame.radius, frame.saddle, frame.x
    bar_x, bar_z, grip = frame.bar_x, frame.bar_z, frame.grip
    frame.pod(
        [
            (-0.16, saddle + 0.04, 0.03, 0.07),
            (0.0, saddle + 0.03, 0.05, 0.12),
            (0.3, saddle - 0.01, 0.05, 0.14),
            (0.46, saddle - 0.02, 0.03, 0.1),
        ],
        pal.TRIM,
    )
    turn = np.linspace(0.12, 0.85, 3 if coarse else 8) * np.pi
    arc = np.stack([front + 1.08 * r * np.cos(turn), 0 * turn, r + 1.08 * r * np.sin(turn)], axis=1)
    soup.add(tube(arc, 0.012, 4, flat=6.0, capped=not coarse), paint)
    frame.rod([(bar_x + 0.04, 0.1, bar_z - 0.06), (front, 0.1, r)], 0.026, pal.CHROME, two=True)
    half = [(bar_x - 0.12, grip, bar_z), (bar_x, grip * 0.55, bar_z + 0.02), (bar_x + 0.03, 0.0, bar_z - 0.03)]
    frame.rod(half + [(x, -y, z) for x, y, z in half[1::-1]], 0.018, pal.TRIM)
    lamp = (bar_x + 0.17, 0.0, bar_z - 0.12) if not scooter else (x(0.92) + 0.06, 0.0, bar_z - 0.08)
    lens = lathe(
        [(0.085, 0.0), (0.0, 0.02)] if coarse else [(0.05, -0.02), (0.085, 0.0), (0.06, 0.015), (0.0, 0.02)],
        5 if coarse else 10,
        (1, 0, 0),
        (lamp[0] + 0.012, 0, lamp[2]),
    )
    soup.add(lens, pal.HEADLIGHT)
    soup.add(box((x(-0.2) - 0.05, -0.07, saddle - 0.05), (x(-0.2) + 0.03, 0.07, saddle + 0.03)), pal.TAIL)
    if coarse:
        return
    soup.add(ellipsoid((lamp[0] - 0.08, 0, lamp[2]), (0.1, 0.1, 0.1), 8, 4), paint if scooter else pal.TRIM)
    y = grip * 0.85
    frame.rod([(bar_x - 0.05, grip * 0.7, bar_z), (bar_x - 0.02, y, bar_z + 0.12)], 0.008, pal.TRIM, two=True)
    soup.add(both(ellipsoid((bar_x - 0.02, y, bar_z + 0.15), (0.02, 0.06, 0.04), 6, 4)), pal.TRIM)
    soup.add(both(ellipsoid((lamp[0] - 0.06, 0.15, lamp[2]), (0.03, 0.03, 0.025), 5, 2)), pal.SIGNAL)
    soup.add(box((x(-0.2) - 0.06, -0.09, saddle - 0.25), (x(-0.2) - 0.05, 0.09, saddle - 0.12)), pal.PLATE)
    soup.add(box((x(-0.2) - 0.05, -0.05, saddle - 0.25), (x(-0.12), 0.05, saddle - 0.05)), pal.TRIM)
