"""Motorcycles and scooters with riders."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents import person, rider
from engine.views.drawn.agents.rig import Model, Motion, Pose
from engine.views.drawn.agents.shapes import Soup, both, box, ellipsoid, lathe, loft, mirrored, superellipse, tube
from engine.views.drawn.agents.wheels import LEFT, Wheel, add_wheels, car_wheel, wheel_poses

KINDS = ("motorcycle", "scooter")


def choose(dice: np.random.Generator) -> str:
    return str(dice.choice(KINDS, p=[0.6, 0.4]))


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, clothes: person.Clothes | None, coarse: bool) -> Model:
    length, width, height = size_m
    scooter = kind == "scooter"
    radius = float(min((0.115 if scooter else 0.152) * length, 0.34, 0.36 * height))
    rear, front = -length / 2 + radius * 1.05, length / 2 - radius * 1.05
    base = front - rear
    saddle = float(min(0.78, 0.5 * height if clothes else 0.72 * height))
    bar_z = min(saddle + 0.26, height - 0.03)
    bar_x = front - 0.24 * base
    grip = min(width / 2 - 0.02, 0.38)
    soup = Soup()
    paint, dark, iron = pal.paint(rgb), pal.TRIM, pal.CHASSIS
    count = 6 if coarse else 12

    def pod(stations: list[tuple[float, float, float, float]], row: np.ndarray, power: float = 2.6) -> None:
        """A rounded body along x from (x, z middle, half height, half width)."""
        rings = []
        for x, z, tall, wide in stations:
            outline = superellipse(wide, tall, power, count)
            rings.append(np.stack([np.full(count, x), outline[:, 0], z + outline[:, 1]], axis=1))
        soup.add(loft(np.stack(rings)), row)

    def x(share: float) -> float:
        """From the rear axle (0) to the front axle (1)."""
        return rear + share * base

    if scooter:
        low = 1.55 * radius
        middle, tall = (saddle + low) / 2, (saddle - low) / 2
        pod(
            [
                (x(-0.2), saddle - 0.1, 0.05, 0.06),
                (x(-0.02), middle + 0.05, 0.85 * tall, 0.14),
                (x(0.28), middle, tall, 0.16),
                (x(0.42), middle - 0.05, tall, 0.12),
            ],
            paint,
        )
        pod([(x(0.0), radius, 0.06, 0.07), (x(0.15), 1.2 * radius, 0.1, 0.1), (x(0.4), 1.25 * radius, 0.09, 0.1)], iron)
        soup.add(box((x(0.36), -0.17, radius * 0.9), (x(0.86), 0.17, radius * 0.9 + 0.07)), dark)
        shield = 0.5 * (bar_z + radius)
        up = 0.5 * (bar_z - radius)
        pod(
            [
                (x(0.76), shield - 0.06, 0.8 * up, 0.19),
                (x(0.83), shield, 0.98 * up, 0.21),
                (x(0.89), shield, 0.85 * up, 0.14),
                (x(0.92), shield, 0.6 * up, 0.06),
            ],
            paint,
        )
    else:
        pod(
            [
                (x(0.42), saddle, 0.05, 0.09),
                (x(0.5), saddle + 0.02, 0.12, 0.14),
                (x(0.66), saddle + 0.05, 0.13, 0.15),
                (x(0.77), saddle + 0.04, 0.07, 0.08),
            ],
            paint,
        )
        pod(
            [
                (x(0.24), radius * 1.1, 0.1, 0.1),
                (x(0.36), radius * 1.2, 0.18, 0.14),
                (x(0.6), radius * 1.25, 0.2, 0.15),
                (x(0.7), radius * 1.4, 0.13, 0.11),
            ],
            iron,
            3.5,
        )
        between = 0.5 * (saddle + 1.5 * radius)
        pod(
            [
                (x(0.12), between + 0.06, 0.06, 0.06),
                (x(0.3), between, 0.13, 0.1),
                (x(0.62), between, 0.13, 0.09),
                (x(0.76), between + 0.06, 0.07, 0.05),
            ],
            dark,
            3.0,
        )
        soup.add(
            both(
                tube(
                    [(bar_x + 0.02, 0.03, bar_z - 0.14), (x(0.7), 0.07, 1.1 * radius), (x(0.55), 0.08, 0.6 * radius)],
                    0.022,
                    4 if coarse else 6,
                )
            ),
            iron,
        )
        if not coarse:
            for k in range(4):
                z = 1.35 * radius + 0.045 * k
                soup.add(box((x(0.44), -0.16, z), (x(0.62), 0.16, z + 0.014)), pal.metal((0.3, 0.3, 0.31), 0.4))
        pod([(x(-0.2), saddle + 0.04, 0.03, 0.05), (x(-0.05), saddle - 0.02, 0.08, 0.1), (x(0.2), saddle - 0.06, 0.1, 0.11)], paint)
        soup.add(both(tube([(x(0.25), 0.1, radius * 1.2), (rear, 0.1, radius)], 0.028, 4)), iron)
        soup.add(both(tube([(x(0.1), 0.12, saddle - 0.1), (rear, 0.12, radius)], 0.022, 4 if coarse else 6)), pal.CHROME)
        pipe = [(x(0.6), -0.17, radius * 0.9), (x(0.3), -0.18, radius * 0.62), (x(-0.1), -0.18, radius * 1.0)]
        soup.add(tube(pipe, [0.03, 0.035, 0.055], 5 if coarse else 8), pal.CHROME)
    turn = np.linspace(0.12, 0.85, 4 if coarse else 8) * np.pi
    arc = np.stack([front + 1.08 * radius * np.cos(turn), 0 * turn, radius + 1.08 * radius * np.sin(turn)], axis=1)
    soup.add(tube(arc, 0.012, 4, flat=6.0), paint)
    pod(
        [
            (x(-0.16), saddle + 0.04, 0.03, 0.07),
            (x(0.0), saddle + 0.03, 0.05, 0.12),
            (x(0.3), saddle - 0.01, 0.05, 0.14),
            (x(0.46), saddle - 0.02, 0.03, 0.1),
        ],
        dark,
    )
    for side in (1, -1):
        soup.add(tube([(bar_x + 0.04, side * 0.1, bar_z - 0.06), (front, side * 0.1, radius)], 0.026, 4 if coarse else 8), pal.CHROME)
    soup.add(
        tube(
            [
                (bar_x - 0.12, grip, bar_z),
                (bar_x, grip * 0.55, bar_z + 0.02),
                (bar_x + 0.03, 0, bar_z - 0.03),
                (bar_x, -grip * 0.55, bar_z + 0.02),
                (bar_x - 0.12, -grip, bar_z),
            ],
            0.018,
            4 if coarse else 6,
        ),
        dark,
    )
    lamp = (bar_x + 0.17, 0.0, bar_z - 0.12) if not scooter else (x(0.92) + 0.06, 0.0, bar_z - 0.08)
    soup.add(ellipsoid((lamp[0] - 0.08, 0, lamp[2]), (0.1, 0.1, 0.1), 8, 4), paint if scooter else dark)
    soup.add(
        lathe([(0.05, -0.02), (0.085, 0.0), (0.06, 0.015), (0.0, 0.02)], 6 if coarse else 10, (1, 0, 0), (lamp[0] + 0.012, 0, lamp[2])),
        pal.HEADLIGHT,
    )
    soup.add(box((x(-0.2) - 0.05, -0.07, saddle - 0.05), (x(-0.2) + 0.03, 0.07, saddle + 0.03)), pal.TAIL)
    if not coarse:
        for side in (1, -1):
            y = side * grip * 0.85
            soup.add(tube([(bar_x - 0.05, side * grip * 0.7, bar_z), (bar_x - 0.02, y, bar_z + 0.12)], 0.008, 4), dark)
            soup.add(ellipsoid((bar_x - 0.02, y, bar_z + 0.15), (0.02, 0.06, 0.04), 8, 4), dark)
            soup.add(
                both(ellipsoid((lamp[0] - 0.06, 0.15, lamp[2]), (0.03, 0.03, 0.025), 6, 3)) if side > 0 else np.zeros((0, 3, 3)), pal.SIGNAL
            )
        soup.add(box((x(-0.2) - 0.06, -0.09, saddle - 0.25), (x(-0.2) - 0.05, 0.09, saddle - 0.12)), pal.PLATE)
        soup.add(box((x(-0.2) - 0.05, -0.05, saddle - 0.25), (x(-0.12), 0.05, saddle - 0.05)), dark)
        if not scooter:
            soup.add(lathe([(0.1, -0.003), (0.1, 0.003), (0.05, 0.003)], 14, LEFT, (front, 0.07, radius)), pal.metal())
    tyre = 0.12 if scooter else 0.14
    wheels = [Wheel(front, 0.0, radius, radius), Wheel(rear, 0.0, radius, radius)]
    hub = car_wheel(radius, tyre, 5, coarse)
    both_sides = hub if coarse else hub + [(mirrored(triangles), row) for triangles, row in hub[1:]]
    add_wheels(soup, wheels, both_sides)
    hand = np.array([bar_x - 0.11, grip - 0.04, bar_z + 0.03])
    seat = np.array([x(0.34), 0.0, saddle])
    figure, lean = None, 0.0
    if clothes is not None:
        figure, lean = rider.fitted(height, seat, 0.085, 0.12, hand)
        person.add_figure(soup, figure, clothes, coarse, 3, fist=True)
    rest = np.array(
        [x(0.42) if not scooter else x(0.56), 0.19 if not scooter else 0.13, radius * 0.95 if not scooter else radius * 0.9 + 0.1]
    )

    def pose(motion: Motion) -> list[Pose]:
        poses = wheel_poses(wheels, motion.distance_m, 0.0)
        if figure is not None:
            feet = [rest + (0, 0, 0.043 * figure.height), rest * (1, -1, 1) + (0, 0, 0.043 * figure.height)]
            poses += rider.seated(figure, seat + (0.0, 0.0, 0.085 * figure.height), lean, hand, feet)
        return poses

    return Model(soup.rigged(3 + (person.BONES if figure else 0), rider.CREASE_DEG), pose)
