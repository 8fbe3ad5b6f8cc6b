"""Construction vehicles: a crawler excavator and a wheel loader, their arms laid into the box."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.rig import Model, still
from engine.views.drawn.agents.shapes import Soup, beam, both, box, disc, lathe, loft, prism, tube
from engine.views.drawn.agents.wheels import LEFT, Wheel, add_wheels, truck_wheel, wheel_poses

KINDS = ("excavator", "wheel_loader")


def choose(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    return str(dice.choice(KINDS, p=[0.6, 0.4]))


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> Model:
    return _excavator(size_m, rgb, coarse) if kind == "excavator" else _wheel_loader(size_m, rgb, coarse)


def _excavator(size_m: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> Model:
    length, width, h = size_m
    end, half = length / 2, width / 2
    soup = Soup()
    paint, iron = pal.paint(rgb), pal.CHASSIS
    body_long = min(0.62 * length, 1.9 * width)
    rear, middle = -end, -end + body_long / 2
    x0, x1 = rear + 0.1 * body_long, rear + 0.98 * body_long
    shoe, high = 0.21 * width, 0.24 * h
    # Crawlers.
    for side in (1, -1):
        y0, y1 = sorted((side * half, side * (half - shoe)))
        radius = high / 2
        turn = np.linspace(np.pi / 2, 1.5 * np.pi, 3 if coarse else 7)
        left = [(x0 + radius + radius * np.cos(a), radius + radius * np.sin(a)) for a in turn]
        right = [(x1 - radius - radius * np.cos(a), radius - radius * np.sin(a)) for a in turn]
        soup.add(prism(left + right, y0, y1), pal.RUBBER)
        if coarse:
            continue
        outer = side * half
        for k, x in enumerate(np.linspace(x0 + radius, x1 - radius, 5)):
            size = radius * (0.72 if k in (0, 4) else 0.42)
            z = radius if k in (0, 4) else radius * 0.5
            soup.add(disc((x, outer + side * 0.006, z), (0, side, 0), size, 10), pal.metal((0.12, 0.12, 0.125), 0.6))
        for x in np.linspace(x0 + radius, x1 - radius, 12):
            soup.add(box((x - 0.05, y0, high), (x + 0.05, y1, high + 0.03)), iron)
        soup.add(
            box((x0 + radius, min(outer, outer - side * 0.1), 0.72 * high), (x1 - radius, max(outer, outer - side * 0.1), 0.86 * high)),
            iron,
        )
    soup.add(box((x0 + 0.2 * body_long, -half + shoe, 0.4 * high), (x1 - 0.2 * body_long, half - shoe, 0.95 * high)), iron)
    soup.add(
        lathe([(0.3 * width, high * 0.9), (0.3 * width, high * 1.2), (0, high * 1.2)], 8 if coarse else 16, origin=(middle, 0, 0)), iron
    )
    # House: engine and counterweight behind, cab front left, boom beside it.
    floor, top = 1.18 * high, 0.62 * h
    wide = half * 0.94
    rings = []
    for x, w, z in (
        (rear + 0.02, 0.82, 0.9),
        (rear + 0.08 * body_long, 0.97, 1.0),
        (middle + 0.12 * body_long, 1.0, 1.0),
        (middle + 0.3 * body_long, 1.0, 0.6),
    ):
        low, up = floor, floor + (top - floor) * z
        c = 0.08 * (top - floor)
        section = [(wide * w, low), (wide * w, up - c), (wide * w - c, up)]
        rings.append(np.array([(x, y, zz) for y, zz in section + [(-y, zz) for y, zz in section[::-1]]]))
    soup.add(loft(np.stack(rings)), paint)
    grey = pal.plain((0.035, 0.036, 0.038))
    soup.add(box((rear, -wide * 0.8, floor - 0.02), (rear + 0.14 * body_long, wide * 0.8, floor + 0.55 * (top - floor))), grey)
    soup.add(box((middle - 0.3 * body_long, -wide * 0.72, top), (middle + 0.0, wide * 0.1, top + 0.06 * h)), grey)
    cab0, cab1 = middle + 0.02 * body_long, middle + 0.42 * body_long
    cab_top = min(0.97 * h, top + 0.36 * h)
    _cab(soup, (cab0, cab1), (0.22 * wide, wide), (floor, cab_top), paint, coarse)
    if not coarse:
        soup.add(tube([(rear + 0.2 * body_long, -wide * 0.5, top), (rear + 0.2 * body_long, -wide * 0.5, top + 0.12 * h)], 0.05, 8), iron)
        for k in range(4):
            z = floor + (0.25 + 0.15 * k) * (top - floor)
            soup.add(
                both(box((rear + 0.18 * body_long, wide - 0.01, z), (middle - 0.05 * body_long, wide + 0.012, z + 0.05 * (top - floor)))),
                grey,
            )
        rail = [
            (middle - 0.28 * body_long, -wide * 0.95, top),
            (middle - 0.28 * body_long, -wide * 0.95, top + 0.14 * h),
            (cab0 + 0.05, -wide * 0.95, top + 0.14 * h),
            (cab0 + 0.05, -wide * 0.95, top),
        ]
        soup.add(tube(rail, 0.02, 5), iron)
        for y in (0.3, 0.75):
            soup.add(
                both(
                    box(
                        (rear - 0.0, y * wide - 0.05, floor + 0.6 * (top - floor)),
                        (rear + 0.06, y * wide + 0.05, floor + 0.72 * (top - floor)),
                    )
                ),
                pal.TAIL,
            )
    # Boom, stick and bucket.
    reach = end - 0.04 * length
    y, thick = -0.12 * wide, 0.16 * width
    foot = (middle + 0.2 * body_long, floor + 0.35 * (top - floor))
    knee = (foot[0] + 0.36 * (reach - foot[0]), 0.93 * h)
    elbow = (foot[0] + 0.86 * (reach - foot[0]), 0.72 * h)
    wrist = (reach - 0.16 * (reach - foot[0]), 0.24 * h)
    d = 0.13 * h
    soup.add(beam(foot, knee, (0.8 * d, 1.1 * d), thick / 2, y), paint)
    soup.add(beam(knee, elbow, (1.1 * d, 0.7 * d), thick / 2 * 0.98, y), paint)
    back = (elbow[0] - 0.04 * h, elbow[1] + 0.13 * h)
    soup.add(beam(back, wrist, (0.75 * d, 0.5 * d), thick / 2 * 0.8, y), paint)
    steel = pal.metal((0.6, 0.6, 0.62), 0.2)
    for start, stop in (
        ((foot[0] + 0.18, foot[1] - 0.1), ((foot[0] + knee[0]) / 2 + 0.06, (foot[1] + knee[1]) / 2)),
        ((knee[0] + 0.05, knee[1] + 0.09 * h * 0.6), back),
    ):
        mid = ((start[0] + stop[0]) / 2, (start[1] + stop[1]) / 2)
        soup.add(tube([(start[0], y, start[1]), (mid[0], y, mid[1])], 0.032 * h, 4 if coarse else 8), iron)
        soup.add(tube([(mid[0], y, mid[1]), (stop[0], y, stop[1])], 0.018 * h, 4 if coarse else 8), steel)
    _bucket(soup, wrist, (0.2 * h, 0.24 * width), y, coarse)
    return Model(soup.rigged(), still)


def _cab(soup: Soup, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], paint: np.ndarray, coarse: bool) -> None:
    """A cab with large panes between posts, and a beacon on top."""
    (x0, x1), (y0, y1), (z0, z1) = x, y, z
    sill = z0 + 0.28 * (z1 - z0)
    lean = 0.1 * (x1 - x0)
    roof = z1 - 0.08 * (z1 - z0)
    soup.add(box((x0, y0, z0), (x1, y1, sill)), paint)
    soup.add(prism([(x0 + 0.02, sill), (x1 - 0.02, sill), (x1 - lean, roof), (x0 + 0.02, roof)], y0 + 0.02, y1 - 0.02), pal.GLASS)
    soup.add(box((x0, y0, roof), (x1 - lean * 0.7, y1, z1), 0.92), paint)
    if coarse:
        return
    t = 0.035
    for yy in (y0 + t, y1 - t):
        soup.add(beam((x0 + t, sill - 0.02), (x0 + t, roof + 0.02), (2 * t, 2 * t), t, yy), paint)
        soup.add(beam((x1 - t, sill - 0.02), (x1 - lean - 0.5 * t, roof + 0.02), (2 * t, 2 * t), t, yy), paint)
        soup.add(beam(((x0 + x1) / 2 - 0.1, sill), ((x0 + x1) / 2 - 0.1, roof), (1.4 * t, 1.4 * t), t, yy), pal.TRIM)
    at = (x0 + 0.25 * (x1 - x0), (y0 + y1) / 2)
    soup.add(lathe([(0.06, z1 - 0.01), (0.06, z1 + 0.09), (0.0, z1 + 0.11)], 8, origin=(at[0], at[1], 0)), pal.SIGNAL)
    for yy in (y0 + 0.12, y1 - 0.12):
        soup.add(box((x1 - lean - 0.06, yy - 0.07, roof + 0.02), (x1 - lean + 0.03, yy + 0.07, z1 - 0.02)), pal.HEADLIGHT)


def _bucket(soup: Soup, wrist: tuple[float, float], size: tuple[float, float], y: float, coarse: bool) -> None:
    """A digging bucket that hangs from the wrist and opens backwards, with teeth."""
    reach, half = size
    x, z = wrist
    curve = np.linspace(0.35 * np.pi, -0.75 * np.pi, 4 if coarse else 8)
    middle = (x - 0.1 * reach, z - 0.45 * reach)
    arc = [(middle[0] + reach * 0.62 * np.cos(a), max(0.02, middle[1] + reach * 0.62 * np.sin(a))) for a in curve]
    iron = pal.metal((0.1, 0.1, 0.105), 0.55)
    soup.add(prism(arc, y - half, y + half), iron)
    soup.add(beam((x, z + 0.12 * reach), (x + 0.1 * reach, z - 0.2 * reach), (0.3 * reach, 0.5 * reach), half * 0.3, y), iron)
    if not coarse:
        tip = arc[-1]
        for yy in np.linspace(y - half * 0.85, y + half * 0.85, 5):
            soup.add(box((tip[0] - 0.16 * reach, yy - 0.03, tip[1]), (tip[0] + 0.05, yy + 0.03, tip[1] + 0.05)), pal.metal())


def _wheel_loader(size_m: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> Model:
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
    soup.add(box((-end, -half * 0.8, 0.75 * radius), (-end + 0.1 * length, half * 0.8, deck)), grey)
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
                soup.add(beam(a, b, (0.05, 0.05), (y1 - y0) / 2, (y0 + y1) / 2), paint)
    _cab(soup, (-0.09 * length, 0.1 * length), (-0.3 * width, 0.3 * width), (deck, 0.985 * h - 0.1), paint, coarse)
    # Lifting arms and the bucket.
    tip = (end - 0.16 * length, 0.22 * h)
    for side in (1, -1):
        y = side * 0.2 * width
        knee = (x_front + 0.3 * radius, 0.44 * h)
        soup.add(beam((x_front - 0.9 * radius, 0.5 * h), knee, (0.1 * h, 0.14 * h), 0.05, y), paint)
        soup.add(beam(knee, tip, (0.14 * h, 0.09 * h), 0.05, y), paint)
        soup.add(
            tube([(x_front - 0.6 * radius, y * 0.6, 0.3 * h), (tip[0] - 0.2, y * 0.6, 0.3 * h)], 0.05, 4 if coarse else 8),
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
