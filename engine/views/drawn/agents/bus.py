"""Buses: one tall hull with a band of windows, doors on the right, two or three axles."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.hull import Arch, Hull
from engine.views.drawn.agents.rig import Model
from engine.views.drawn.agents.shapes import Soup, both, box, mirrored, tube
from engine.views.drawn.agents.wheels import Wheel, add_wheels, truck_wheel, wheel_poses

KINDS = ("city", "coach", "minibus")


def choose(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    """A kind that suits the box."""
    if size_m[0] < 7.5:
        return "minibus"
    return str(dice.choice(["city", "coach"], p=[0.7, 0.3]))


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, second: pal.Colour, coarse: bool) -> Model:
    length, width, height = size_m
    radius = float(np.clip(0.15 * height, 0.09 * width, 0.52))
    half, end, h = width / 2, length / 2, height
    sill = 0.085 * h if kind == "city" else 0.11 * h
    roof = h * 0.965
    x_axles = [end - 0.235 * min(length, 12.5) if kind == "city" else end - 0.2 * min(length, 12.5), -end + 0.27 * min(length, 12.5)]
    if length > 14:
        x_axles.append(0.06 * length)
    arches = tuple(Arch(x, radius, radius * 1.16) for x in x_axles)
    hull = Hull(
        front=((sill, end - 0.06), (sill + 0.1 * h, end), (0.4 * h, end - 0.005), (0.75 * h, end - 0.04 * h), (0.93 * h, end - 0.075 * h),
            (roof, end - 0.12 * h)),
        rear=((sill, -end + 0.05), (sill + 0.1 * h, -end), (0.8 * h, -end + 0.02), (0.93 * h, -end + 0.045), (roof, -end + 0.12)),
        half_width=((sill, half * 0.975), (sill + 0.06 * h, half), (0.5 * h, half), (0.85 * h, half * 0.975), (0.93 * h, half * 0.95), (roof, half * 0.88)),
        top=((-end, roof), (end, roof)),
        bottom=((-end, sill + 0.04 * h), (-0.36 * length, sill), (0.0, sill), (0.4 * length, sill), (end, sill + 0.03 * h)),
        corner_front=(0.32, 0.32), corner_rear=(0.16, 0.16), bow_front=0.1, bow_rear=0.03, arches=arches, taper=0.0,
        levels=tuple(t * h for t in ((0.38, 0.9) if coarse else (0.18, 0.3, 0.55, 0.8, 0.88, 0.93))), steps=(1, 1) if coarse else (3, 4),
    )  # fmt: skip
    paint, other = pal.paint(rgb), pal.paint(second)
    soup = Soup()
    u = hull.stations([0.0], 2 if coarse else 8 if len(arches) == 2 else 6)
    choice = np.zeros((len(u) - 1, len(hull.levels) + 1), int)
    choice[:, : 1 if coarse else 2] = 1
    soup.add(hull.skin(u), [paint, other], hull.cells(u, choice))
    soup.add(hull.cover(u, h - roof - 0.02, (1, -1) if coarse else (1, 0.5, 0, -0.5, -1)), paint)
    soup.add(hull.floor(u), pal.DARK)
    for arch in () if coarse else arches:
        soup.add(hull.wheel_house(arch, half - 0.42), pal.DARK)
    _glass(soup, hull, kind, size_m, coarse)
    _ends(soup, hull, kind, size_m, sill, coarse)
    if not coarse:
        _fittings(soup, hull, kind, size_m, paint)

    tyre = 0.28 * radius / 0.5
    wheels = [Wheel(x, side * (half - tyre / 2 - 0.04), radius, radius, k == 0) for k, x in enumerate(x_axles) for side in (1, -1)]
    add_wheels(soup, wheels, truck_wheel(radius, tyre, coarse))
    return Model(soup.rigged(1 + len(wheels)), lambda motion: wheel_poses(wheels, motion.distance_m, motion.steer_rad))


def _doors(kind: str, size_m: tuple[float, float, float]) -> list[tuple[float, float]]:
    """(from, to) along x of the doors on the right side."""
    end = size_m[0] / 2
    first = (end - 1.75, end - 0.6)
    if kind != "city":
        return [first]
    doors = [first, (-0.75, 0.65)] if size_m[0] <= 13 else [first, (1.9, 3.2), (-end + 4.6, -end + 5.9)]
    return [door for door in doors if door[0] > -end + 1]


def _glass(soup: Soup, hull: Hull, kind: str, size_m: tuple[float, float, float], coarse: bool) -> None:
    """A dark band along the sides with panes in it, windscreen, rear window and doors."""
    length, _, h = size_m
    end = length / 2
    low, high = (0.40 * h, 0.80 * h) if kind == "city" else (0.47 * h, 0.84 * h)
    u0, u1 = hull.u_at(end - 0.55), hull.u_at(-end + 0.45)
    pane = 1.5
    doors = _doors(kind, size_m)
    for right in (False, True):
        spans = [(end - 0.5, -end + 0.4)]
        if right:
            spans = []
            start = end - 0.5
            for back, front in sorted(doors, reverse=True):
                if start - front > 0.5:
                    spans.append((start, front + 0.1))
                start = back - 0.1
            spans.append((start, -end + 0.4))
        for start, stop in spans:
            a, b = hull.u_at(start), hull.u_at(stop)
            sheet = hull.sheet(a, b, low - 0.015 * h, high + 0.012 * h, 0.006)
            soup.add(mirrored(sheet) if right else sheet, pal.TRIM)
            count = max(1, round((start - stop) / pane)) if not coarse else max(1, round((start - stop) / 4))
            edges = np.linspace(a, b, count + 1)
            gap = 0.03 / (length / 1.0)
            for k in range(count):
                sheet = hull.sheet(edges[k] + gap, edges[k + 1] - gap, low, high, 0.014)
                soup.add(mirrored(sheet) if right else sheet, pal.GLASS)
    if not coarse:
        soup.add(hull.sheet(-1.75, 1.75, 0.36 * h, 0.945 * h, 0.006), pal.TRIM)
    soup.add(hull.sheet(-1.7, 1.7, 0.375 * h, 0.83 * h, 0.014), pal.GLASS)
    soup.add(hull.sheet(4.15, 5.85, 0.5 * h, 0.82 * h, 0.012), pal.GLASS)
    for back, front in doors:
        a, b = hull.u_at(front), hull.u_at(back)
        soup.add(mirrored(hull.sheet(a, b, 0.115 * h, 0.82 * h, 0.008)), pal.TRIM)
        if coarse:
            continue
        middle, gap = (a + b) / 2, (b - a) * 0.05
        for x0, x1 in ((a + gap, middle - gap), (middle + gap, b - gap)):
            soup.add(mirrored(hull.sheet(x0, x1, 0.15 * h, 0.79 * h, 0.016)), pal.GLASS)
    if kind == "coach" and not coarse:
        soup.add(both(hull.band(u0 + 0.1, u1 - 0.02, 0.2 * h, 0.206 * h, 4)), pal.DARK)


def _ends(soup: Soup, hull: Hull, kind: str, size_m: tuple[float, float, float], sill: float, coarse: bool) -> None:
    """Lamps, bumpers, plates, and a city bus's destination sign."""
    _, width, h = size_m
    soup.add(both(hull.sheet(0.72, 1.6, sill + 0.1 * h, sill + 0.165 * h, 0.014)), pal.HEADLIGHT)
    soup.add(hull.sheet(-1.9, 1.9, sill + 0.03 * h, sill + 0.06 * h), pal.TRIM)
    lamps = ((0.205, 0.245, pal.TAIL), (0.16, 0.195, pal.SIGNAL), (0.255, 0.295, pal.TAIL), (0.13, 0.15, pal.LENS))
    for low, high, row in lamps[: 2 if coarse else 4]:
        soup.add(both(hull.band(4.08, 4.25, low * h, high * h, 1, 1, 0.014)), row)
    if coarse:
        return
    soup.add(both(hull.band(4.055, 4.275, 0.12 * h, 0.305 * h, 1, 1, 0.008)), pal.TRIM)
    plate = 0.26 / width
    soup.add(hull.band(-plate, plate, sill + 0.065 * h, sill + 0.065 * h + 0.12, 1, 1, 0.02), pal.PLATE)
    soup.add(hull.band(5 - plate, 5 + plate, 0.3 * h, 0.3 * h + 0.12, 1, 1, 0.02), pal.PLATE)
    soup.add(hull.sheet(4.4, 5.6, 0.14 * h, 0.27 * h), pal.TRIM)
    for k in range(3):
        soup.add(hull.band(4.45, 5.55, (0.155 + 0.035 * k) * h, (0.17 + 0.035 * k) * h, 4, 1, 0.016), pal.CHASSIS)
    soup.add(both(hull.band(0.95, 1.5, sill + 0.06 * h, sill + 0.085 * h, 3, 1, 0.013)), pal.SIGNAL)
    if kind == "city":
        soup.add(hull.band(-0.75, 0.75, 0.855 * h, 0.915 * h, 2, 1, 0.016), pal.plain((0.02, 0.02, 0.02)))
        for k in range(7):
            at = -0.55 + 0.17 * k
            soup.add(hull.band(at, at + 0.09 + 0.04 * (k % 2), 0.868 * h, 0.902 * h, 1, 1, 0.024), pal.plain((0.75, 0.36, 0.02)))


def _fittings(soup: Soup, hull: Hull, kind: str, size_m: tuple[float, float, float], paint: np.ndarray) -> None:
    """Mirrors on arms, air conditioning on the roof, wipers."""
    length, width, h = size_m
    end, half = length / 2, width / 2
    x = end - 0.25
    arm = tube([(x, half * 0.9, 0.83 * h), (x + 0.12, half + 0.12, 0.82 * h), (x + 0.12, half + 0.14, 0.74 * h)], 0.02, 5)
    soup.add(both(arm), pal.TRIM)
    soup.add(both(box((x + 0.06, half + 0.04, 0.60 * h), (x + 0.16, half + 0.24, 0.74 * h))), pal.TRIM)
    if kind != "minibus":
        top = h * 0.965
        soup.add(box((-end + 0.2 * length, -half * 0.55, top), (-end + 0.2 * length + 2.4, half * 0.55, h), 0.88), paint)
        soup.add(box((0.12 * length, -half * 0.5, top), (0.12 * length + 1.6, half * 0.5, h), 0.88), paint)
    for y in (0.5, -0.15):
        foot, tip = hull.points(np.array(y), np.array(0.385 * h)), hull.points(np.array(y - 0.45), np.array(0.5 * h))
        soup.add(tube([foot + (0.03, 0, 0), tip + (0.03, 0, 0)], 0.012, 4), pal.TRIM)
