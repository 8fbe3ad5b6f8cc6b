"""A wheel loader, its bucket low in front."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.construction import machine_cab
from engine.views.drawn.agents.rig import Model
from engine.views.drawn.agents.shapes import Soup, beam, both, box, disc, loft, prism, tube
from engine.views.drawn.agents.wheels import LEFT, Wheel, add_wheels, truck_wheel, wheel_poses


def build(size_m: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> Model:
    length, width, h = size_m
    end, half = length / 2, width / 2
    soup = Soup()
    paint, iron = pal.paint(rgb), pal.CHASSIS
    radius = float(min(0.235 * h, 0.125 * length))
    x_rear, x_front = -end + 0.24 * length, end - 0.36 * length
    deck, hood = 1.15 * radius, 0.58 * h
    # Engine hood, slanting to the rear.
    w = half * 0.62
    rings = []
    for x, s, z in ((-end, 0.85, 0.72), (-end + 0.03 * length, 0.97, 0.82), (-end + 0.2 * length, 1.0, 0.96), (-0.06 * length, 1.0, 1.0)):
        up = deck + (hood - deck) * z
        c = 0.12 * (hood - deck)
        section = [(w * s, deck * 0.85), (w * s, up - c), (w * s - c, up)]
        rings.append(np.array([(x, y, zz) for y, zz in section + [(-y, zz) for y, zz in section[::-1]]]))
    soup.add(loft(np.stack(rings)), paint)
    grey = pal.plain((0.03, 0.031, 0.033))
    soup.add(box((-end - 0.005, -w * 0.65, deck + 0.08 * h), (-end + 0.02, w * 0.65, deck + 0.2 * h)), grey)
    soup.add(box((-end + 0.012, -half * 0.8, 0.75 * radius), (-end + 0.1 * length, half * 0.8, deck)), grey)
    soup.add(box((x_rear - radius, -w * 0.7, 0.6 * radius), (x_front + 0.6 * radius, w * 0.7, deck * 1.05)), iron)
    # Mudguards over the rear wheels and steps.
    for side in (1, -1):
        y0, y1 = sorted((side * half * 0.6, side * half * 0.98))
        for x, wheel in ((x_rear, 1.0), (x_front, 0.8)):
            outline = [
                (x - 1.12 * radius, 1.5 * radius),
                (x - 0.75 * radius, 2.12 * radius),
                (x + 0.75 * radius * wheel, 2.12 * radius),
                (x + 1.1 * radius * wheel, 1.6 * radius),
            ]
            for a, b in zip(outline[:-1], outline[1:], strict=True):
                if coarse and a[1] != b[1]:
                    continue
                soup.add(beam(a, b, (0.05, 0.05), (y1 - y0) / 2, (y0 + y1) / 2), paint)
    machine_cab(soup, (-0.09 * length, 0.1 * length), (-0.3 * width, 0.3 * width), (deck, 0.985 * h - 0.1), paint, coarse)
    # Lifting arms and the bucket.
    tip = (end - 0.16 * length, 0.22 * h)
    for side in (1, -1):
        y = side * 0.2 * width
        knee = (x_front + 0.3 * radius, 0.44 * h)
        soup.add(beam((x_front - 0.9 * radius, 0.5 * h), knee, (0.1 * h, 0.14 * h), 0.05, y), paint)
        soup.add(beam(knee, tip, (0.14 * h, 0.09 * h), 0.05, y), paint)
        soup.add(
            tube([(x_front - 0.6 * radius, y * 0.6, 0.3 * h), (tip[0] - 0.2, y * 0.6, 0.3 * h)], 0.05, 3 if coarse else 8),
            pal.metal((0.6, 0.6, 0.62), 0.2),
        )
    soup.add(
        prism(
            [
                (x_front - 1.0 * radius, deck * 0.8),
                (x_front + 0.3 * radius, deck * 0.8),
                (x_front - 0.1 * radius, 0.5 * h),
                (x_front - 1.0 * radius, 0.54 * h),
            ],
            -0.16 * width,
            0.16 * width,
        ),
        paint,
    )
    _shovel(soup, (tip[0] - 0.02 * length, end), (half, 0.36 * h), coarse)
    if not coarse:
        soup.add(tube([(-0.18 * length, w * 0.5, hood * 0.95), (-0.18 * length, w * 0.5, hood + 0.14 * h)], 0.05, 8), iron)
        soup.add(both(box((-end - 0.01, w * 0.75, deck + 0.12 * h), (-end + 0.03, w * 0.95, deck + 0.17 * h))), pal.TAIL)
        for k in range(4):
            z = deck + (0.2 + 0.14 * k) * (hood - deck)
            soup.add(both(box((-end + 0.09 * length, w - 0.01, z), (-0.12 * length, w + 0.012, z + 0.05 * (hood - deck)))), grey)
    tyre = 0.2 * width
    wheels = [Wheel(x, side * (half - tyre / 2), radius, radius) for x in (x_front, x_rear) for side in (1, -1)]
    wheel = truck_wheel(radius, tyre, coarse, paint)
    if not coarse:
        for angle in np.linspace(0, 2 * np.pi, 18, endpoint=False):
            at = radius * 0.985 * np.array([np.cos(angle), 0.0, np.sin(angle)])
            lug = tube([at + (0, -tyre * 0.42, 0), at + (0, tyre * 0.42, 0)], 0.025 * radius, 4)
            wheel.append((lug, pal.RUBBER))
        wheel.append((disc((0, tyre * 0.45, 0), LEFT, radius * 0.2, 8), iron))
    add_wheels(soup, wheels, wheel)
    return Model(soup.rigged(1 + len(wheels)), lambda motion: wheel_poses(wheels, motion.distance_m, 0.0))


def _shovel(soup: Soup, span: tuple[float, float], size: tuple[float, float], coarse: bool) -> None:
    """A wide loading bucket, open to the front."""
    (x0, x1), (half, high) = span, size
    iron = pal.metal((0.13, 0.13, 0.135), 0.5)
    t = 0.03
    path = [(x1, 0.03), (x0 + 0.25 * (x1 - x0), 0.03), (x0, 0.3 * high), (x0 + 0.02, 0.75 * high), (x0 + 0.3 * (x1 - x0), high)]
    for a, b in zip(path[:-1], path[1:], strict=True):
        soup.add(beam(a, b, (2 * t, 2 * t), half), iron)
    cheek = [(x1 - 0.05, 0.03), (x0 + 0.25 * (x1 - x0), 0.03), (x0, 0.3 * high), (x0 + 0.02, 0.75 * high), (x0 + 0.3 * (x1 - x0), high)]
    for side in (1, -1):
        y0, y1 = sorted((side * half, side * (half - 0.04)))
        soup.add(prism(cheek, y0, y1), iron)
    if not coarse:
        for y in np.linspace(-0.9 * half, 0.9 * half, 8):
            soup.add(box((x1 - 0.12, y - 0.04, 0.0), (x1, y + 0.04, 0.05)), pal.metal())
