"""Trailers: semi-trailers on two or three axles at the rear, and small ones with a drawbar."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import cargo, underbody
from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.rig import Model
from engine.views.drawn.agents.shapes import Soup, both, box, tube
from engine.views.drawn.agents.wheels import Wheel, add_wheels, truck_wheel, wheel_poses

KINDS = ("box", "curtain", "container", "flatbed", "tank", "small")


def choose(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    """A kind that suits the box."""
    length, _, height = size_m
    if length < 5.5:
        return "small"
    if height < 2.2:
        return "flatbed"
    return str(dice.choice(["box", "curtain", "container", "tank"], p=[0.38, 0.27, 0.22, 0.13]))


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> Model:
    length, width, height = size_m
    end, half = length / 2, width / 2
    small = kind == "small"
    radius = float(np.clip((0.2 if small else 0.135) * height, 0.22, 0.52))
    deck = float(min(radius * (1.5 if small else 2.35), 0.55 * height))
    soup = Soup()
    if small:
        axles = [-0.08 * length]
        front = end - 0.22 * length
        shape = "box" if height > 1.6 else "flatbed"
        cargo.body(soup, shape, (-end + 0.05, front), (half - 0.26 if shape == "flatbed" else half - 0.24, deck, height), rgb, coarse)
        for side in (1, -1):
            soup.add(
                tube([(front - 0.3, side * half * 0.5, deck - 0.1), (end - 0.12, 0.0, deck - 0.1), (end, 0.0, deck - 0.1)], 0.035, 5),
                pal.CHASSIS,
            )
            soup.add(
                box(
                    (axles[0] - radius * 1.2, side * (half - 0.13) - 0.13, 2.1 * radius),
                    (axles[0] + radius * 1.2, side * (half - 0.13) + 0.13, 2.1 * radius + 0.03),
                ),
                pal.TRIM,
            )
        soup.add(tube([(end - 0.2, 0, 0.02), (end - 0.2, 0, deck)], 0.03, 6), pal.CHASSIS)
    else:
        count = 3 if length > 10.5 else 2
        axles = [-end + 0.12 * length + 2.55 * radius * k for k in range(count)]
        cargo.body(soup, kind, (-end + 0.05, end), (half, deck, height), rgb, coarse)
        soup.add(both(box((-end + 0.1, 0.2 * width, deck - 0.28), (end - 0.3, 0.27 * width, deck))), pal.CHASSIS)
        legs = end - 0.22 * length
        soup.add(both(box((legs - 0.08, half * 0.55, 0.1), (legs + 0.08, half * 0.7, deck))), pal.CHASSIS)
        soup.add(both(box((legs - 0.16, half * 0.5, 0.0), (legs + 0.16, half * 0.75, 0.1))), pal.CHASSIS)
        guarded = axles[-1] + 1.3 * radius, legs - 0.4
        if guarded[1] > guarded[0] + 0.3:
            underbody.side_guards(soup, guarded, half, deck, coarse)
        if not coarse:
            last = axles[0] - 1.26 * radius
            underbody.mud_flaps(soup, last, (half - 0.95 * radius, half - 0.07 * radius), deck - 0.1)
            underbody.lockers(soup, (-end + 0.24, last - 0.06), half, deck)
            for x in axles:
                soup.add(
                    both(box((x - 1.1 * radius, half * 0.7, 2.13 * radius), (x + 1.1 * radius, half * 0.98, 2.13 * radius + 0.03))),
                    pal.TRIM,
                )
    _rear(soup, end, half - (0.1 if small else 0.0), deck, coarse)
    tyre = 0.34 * radius / 0.5
    inset = 0.01 + tyre / 2 if small else tyre * 0.65
    wheels = [Wheel(x, side * (half - inset), radius, radius) for x in axles for side in (1, -1)]
    add_wheels(soup, wheels, truck_wheel(radius, tyre, coarse))
    for x in axles:
        if small:
            soup.add(tube([(x, -half * 0.75, radius), (x, half * 0.75, radius)], 0.06, 4 if coarse else 6), pal.CHASSIS)
        else:
            underbody.axle(soup, x, half - 0.8 * radius, radius, False)
    return Model(soup.rigged(1 + len(wheels)), lambda motion: wheel_poses(wheels, motion.distance_m, 0.0))


def _rear(soup: Soup, end: float, half: float, deck: float, coarse: bool) -> None:
    """Bumper, lamps, plate and red-white marks."""
    soup.add(box((-end + 0.03, -half * 0.95, 0.55 * deck), (-end + 0.1, half * 0.95, 0.55 * deck + 0.16)), pal.CHASSIS)
    x = -end + 0.02
    soup.add(both(box((x, half * 0.66, 0.57 * deck), (x + 0.03, half * 0.92, 0.57 * deck + 0.11))), pal.TAIL)
    if coarse:
        return
    if deck > 0.8:
        # The bar that keeps cars from running under it.
        soup.add(box((-end + 0.03, -half * 0.9, 0.29 * deck), (-end + 0.1, half * 0.9, 0.29 * deck + 0.14)), pal.CHASSIS)
        soup.add(both(box((-end + 0.04, half * 0.4, 0.29 * deck), (-end + 0.1, half * 0.48, deck))), pal.CHASSIS)
    soup.add(both(box((x, half * 0.5, 0.57 * deck), (x + 0.03, half * 0.64, 0.57 * deck + 0.11))), pal.SIGNAL)
    soup.add(box((x, -0.26, 0.57 * deck), (x + 0.03, 0.26, 0.57 * deck + 0.11)), pal.PLATE)
    soup.add(both(box((-end + 0.05, half * 0.5, 0.55 * deck), (-end + 0.1, half * 0.58, deck))), pal.CHASSIS)
