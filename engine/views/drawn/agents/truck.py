"""Lorries: a cab over the front axle and a body behind it, on a chassis that shows."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import car, cargo, underbody
from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.hull import Arch, Hull
from engine.views.drawn.agents.rig import Model
from engine.views.drawn.agents.shapes import Soup, both, box, lathe, loft, tube
from engine.views.drawn.agents.wheels import Wheel, add_wheels, truck_wheel, wheel_poses

KINDS = ("box", "curtain", "flatbed", "tipper", "pickup")


def choose(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    """A kind that suits the box; the smallest trucks are pickups."""
    length, _, height = size_m
    if height < 2.25 and length < 7.2:
        return "pickup"
    if height < 2.7:
        return str(dice.choice(["flatbed", "tipper", "box"], p=[0.45, 0.3, 0.25]))
    return str(dice.choice(["box", "curtain", "flatbed", "tipper"], p=[0.5, 0.18, 0.12, 0.2]))


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, second: pal.Colour, coarse: bool) -> Model:
    """`rgb` is the cab's colour, `second` the body's."""
    if kind == "pickup":
        return car.build("pickup", size_m, rgb, 2, coarse)
    length, width, height = size_m
    radius = float(np.clip(0.155 * height, 0.3, 0.53))
    end, half = length / 2, width / 2
    cab_long = float(np.clip(0.3 * length, 1.3, 2.35))
    cab_high = float(min(height * (0.97 if kind in ("flatbed", "tipper") else 0.86), 3.1))
    back = end - cab_long
    axles = [end - min(0.62 * cab_long, 1.45), -end + 0.22 * length]
    if length > 8.2:
        axles = [axles[0], -end + 0.2 * length - 0.2, -end + 0.2 * length + 2.3 * radius]
    soup = Soup()
    _cab(soup, Arch(axles[0], radius, radius * 1.18), (back, end), half * 0.96, cab_high, rgb, coarse)

    deck = float(max(2.15 * radius, 0.27 * height))
    if coarse:
        soup.add(box((-end + 0.1, -0.3 * width, deck - 0.3), (back + 0.3, 0.3 * width, deck)), pal.CHASSIS)
    else:
        soup.add(both(box((-end + 0.1, 0.22 * width, deck - 0.3), (back + 0.3, 0.3 * width, deck))), pal.CHASSIS)
        soup.add(box((-end + 0.3, -0.2 * width, deck - 0.22), (axles[1] + 0.3, 0.2 * width, deck - 0.02)), pal.CHASSIS)
    cargo.body(soup, kind, (-end + 0.06, back - 0.12), (half, deck, height), second, coarse)
    _underneath(soup, axles, radius, back, end, half, deck, coarse)

    tyre = 0.3 * radius / 0.5
    wheels = [
        Wheel(x, side * (half - tyre * (0.62 if k == 0 else 0.75)), radius, radius, k == 0) for k, x in enumerate(axles) for side in (1, -1)
    ]
    add_wheels(soup, wheels, truck_wheel(radius, tyre if coarse else tyre * 1.1, coarse))
    return Model(soup.rigged(1 + len(wheels)), lambda motion: wheel_poses(wheels, motion.distance_m, motion.steer_rad))


def _cab(soup: Soup, arch: Arch, span: tuple[float, float], half: float, high: float, rgb: pal.Colour, coarse: bool) -> None:
    """The cab with windscreen, doors, grille, lamps, mirrors and steps."""
    back, end = span
    sill, h = arch.z * 0.62, high
    roof = 0.95 * h
    hull = Hull(
        front=((sill, end - 0.04), (sill + 0.06 * h, end), (0.5 * h, end - 0.015), (0.62 * h, end - 0.05 * h),
            (0.86 * h, end - 0.085 * h), (roof, end - 0.17 * h)),
        rear=((sill, back), (0.9 * h, back), (roof, back + 0.03 * h)),
        half_width=((sill, half * 0.98), (sill + 0.08 * h, half), (0.58 * h, half), (0.86 * h, half * 0.95), (0.92 * h, half * 0.92), (roof, half * 0.85)),
        top=((back, roof), (end, roof - 0.02 * h)),
        bottom=((back, sill), (end, sill)),
        corner_front=(0.26, 0.26), corner_rear=(0.08, 0.08), bow_front=0.09, bow_rear=0.0, arches=(arch,), taper=0.0,
        levels=tuple(t * h for t in ((0.55, 0.88) if coarse else (0.35, 0.5, 0.62, 0.76, 0.87, 0.92))), steps=(1, 1) if coarse else (3, 4),
    )  # fmt: skip
    paint = pal.paint(rgb)
    u = hull.stations([], 2 if coarse else 8)
    soup.add(hull.skin(u), paint)
    soup.add(hull.cover(u, 0.05 * h, (1, -1) if coarse else (1, 0.5, 0, -0.5, -1)), paint)
    soup.add(hull.floor(u), pal.DARK)
    if not coarse:
        soup.add(hull.wheel_house(arch, half - 0.4), pal.DARK)
    if not coarse:
        soup.add(hull.sheet(-1.62, 1.62, 0.555 * h, 0.87 * h), pal.TRIM)
    soup.add(hull.sheet(-1.55, 1.55, 0.575 * h, 0.855 * h, 0.016), pal.GLASS)
    front, rear = hull.u_at(end - 0.42), hull.u_at(back + 0.35 * (end - back))
    soup.add(
        both(hull.patch([(front, 0.57 * h), (rear, 0.6 * h), (rear, 0.855 * h), (front + 0.06, 0.855 * h)], 2, 1 if coarse else 2, 0.012)),
        pal.GLASS,
    )
    soup.add(hull.sheet(-0.95, 0.95, 0.34 * h, 0.5 * h, 0.01), pal.TRIM)
    soup.add(hull.sheet(-1.85, 1.85, sill + 0.02 * h, sill + 0.075 * h, 0.02), pal.TRIM)
    soup.add(both(hull.sheet(0.7, 1.5, sill + 0.09 * h, sill + 0.155 * h, 0.016)), pal.HEADLIGHT)
    if coarse:
        return
    for k in range(3):
        soup.add(hull.band(-0.9, 0.9, (0.365 + 0.045 * k) * h, (0.382 + 0.045 * k) * h, 6, 1, 0.02), pal.CHROME)
    soup.add(both(hull.band(1.5, 1.85, sill + 0.09 * h, sill + 0.155 * h, 2, 1, 0.016)), pal.SIGNAL)
    soup.add(hull.band(-0.13, 0.13, sill + 0.025 * h, sill + 0.07 * h, 1, 1, 0.03), pal.PLATE)
    for at in (front - 0.01, rear + 0.05):
        soup.add(both(hull.band(at - 0.005, at + 0.005, 0.36 * h, 0.88 * h, 1, 3, 0.007)), pal.DARK)
    soup.add(both(hull.band(rear - 0.07, rear + 0.0, 0.5 * h, 0.515 * h, 1, 1, 0.025)), pal.TRIM)
    x = end - 0.3
    soup.add(both(tube([(x, half * 0.93, 0.86 * h), (x + 0.1, half + 0.1, 0.84 * h), (x + 0.1, half + 0.1, 0.58 * h)], 0.018, 5)), pal.TRIM)
    soup.add(both(box((x + 0.05, half + 0.01, 0.6 * h), (x + 0.14, half + 0.2, 0.8 * h))), pal.TRIM)
    soup.add(both(box((x + 0.042, half + 0.03, 0.62 * h), (x + 0.052, half + 0.18, 0.78 * h))), pal.GLASS)
    visor = hull.patch([(-1.4, 0.88 * h), (1.4, 0.88 * h), (1.3, 0.9 * h), (-1.3, 0.9 * h)], 6, 1, 0.07)
    soup.add(visor, pal.TRIM)


def _underneath(soup: Soup, axles: list[float], radius: float, back: float, end: float, half: float, deck: float, coarse: bool) -> None:
    """Axles and what drives them, mudguards and flaps, tank, side guards, and the lamps at the rear."""
    for side in (1, -1):
        lamp = (-end + 0.02, side * half * 0.84, deck - 0.24)
        soup.add(box((lamp[0], lamp[1] - 0.16, lamp[2]), (lamp[0] + 0.06, lamp[1] + 0.16, lamp[2] + 0.12)), pal.TAIL)
    soup.add(box((-end + 0.08, -half * 0.95, deck - 0.32), (-end + 0.16, half * 0.95, deck - 0.08)), pal.CHASSIS)
    gap = (axles[0] - radius * 1.5, axles[-1] + radius * 1.45)
    room = gap[0] - gap[1]
    if coarse:
        underbody.side_guards(soup, (gap[1], max(gap)), half, deck, coarse)
        return
    for side in (1, -1):
        soup.add(
            box((-end + 0.015, side * half * 0.66 - 0.08, deck - 0.24), (-end + 0.07, side * half * 0.66 + 0.08, deck - 0.12)), pal.SIGNAL
        )
        soup.add(box((-end + 0.02, side * half * 0.5 - 0.06, 0.28 * deck), (-end + 0.1, side * half * 0.5 + 0.06, deck - 0.3)), pal.CHASSIS)
    soup.add(box((-end + 0.02, -half * 0.9, 0.28 * deck), (-end + 0.1, half * 0.9, 0.28 * deck + 0.15)), pal.CHASSIS)
    soup.add(box((-end + 0.012, -0.26, deck - 0.23), (-end + 0.03, 0.26, deck - 0.12)), pal.PLATE)
    tyre = 0.3 * radius / 0.5
    for x in axles:
        underbody.axle(soup, x, half - 1.2 * tyre, radius, x < axles[0])
    soup.add(box((axles[-1], -0.3 * half, 0.45 * deck), (axles[0], 0.3 * half, deck - 0.3)), pal.CHASSIS)
    last = min(axles) - 1.26 * radius
    underbody.mud_flaps(soup, max(last, -end + 0.14), (half - 1.35 * tyre, half - 0.1 * tyre), deck - 0.1)
    underbody.lockers(soup, (-end + 0.24, last - 0.06), half, deck)
    for x in axles[1:]:
        a = np.linspace(np.pi - 0.15, 0.15, 12)
        top = np.minimum(radius * 1.2 * np.sin(a) + radius, deck - 0.03)
        section = [(half * 0.985, -0.025), (half * 0.985, 0.0), (half * 0.72, 0.0), (half * 0.72, -0.025)]
        rings = [np.stack([x + radius * 1.2 * np.cos(a), np.full(len(a), y), top + z], axis=1) for y, z in section]
        soup.add(both(loft(np.stack(rings, axis=1))), pal.TRIM)
    if room > 0.8:
        tank, wide = min(1.1, 0.45 * room), float(np.clip(0.62 * deck - underbody.CLEAR_M, 0.22, 0.36))
        body = lathe(
            [(0, 0), (wide - 0.03, 0), (wide, 0.03), (wide, tank - 0.03), (wide - 0.03, tank), (0, tank)],
            12,
            (1, 0, 0),
            (gap[0] - tank, half - wide - 0.05, 0.62 * deck),
        )
        soup.add(both(body), pal.metal((0.3, 0.31, 0.33), 0.45))
        underbody.side_guards(soup, (gap[1], gap[0] - tank - 0.1), half, deck, coarse)
