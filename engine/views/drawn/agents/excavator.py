"""A crawler excavator, its arm laid into the box."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.construction import machine_cab
from engine.views.drawn.agents.rig import Model, still
from engine.views.drawn.agents.shapes import Soup, beam, both, box, disc, lathe, loft, prism, tube


def build(size_m: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> Model:
    length, width, h = size_m
    end, half = length / 2, width / 2
    soup = Soup()
    paint, iron = pal.paint(rgb), pal.CHASSIS
    body_long = min(0.62 * length, 1.9 * width)
    rear, middle = -end, -end + body_long / 2
    x0, x1 = rear + 0.1 * body_long, rear + 0.98 * body_long
    shoe, high = 0.21 * width, 0.24 * h
    _crawlers(soup, (x0, x1), (half, shoe), high, coarse)
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
        (middle - 0.02 * body_long, 1.0, 1.0),
        (middle + 0.03 * body_long, 0.96, 0.34),
        (middle + 0.4 * body_long, 0.96, 0.3),
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
    cab_top = min(h - 0.12, top + 0.36 * h)
    machine_cab(soup, (cab0, cab1), (0.22 * wide, wide), (floor, cab_top), paint, coarse)
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
    _arm(soup, (middle + 0.2 * body_long, floor + 0.35 * (top - floor)), end, (0.12 * wide, 0.16 * width, 0.24 * width), h, paint, coarse)
    return Model(soup.rigged(), still)


def _arm(
    soup: Soup, foot: tuple[float, float], end: float, wide: tuple[float, float, float], h: float, paint: np.ndarray, coarse: bool
) -> None:
    """Boom, stick and bucket from the boom's foot (x, z) to `end` (x); `wide`: how far right, boom's width, half the bucket's."""
    y, thick, half_bucket = -wide[0], wide[1], wide[2]
    wrist = (end - 0.15 * h, 0.25 * h)
    room = wrist[0] - foot[0]
    knee = (foot[0] + 0.34 * room, 0.94 * h)
    elbow = (foot[0] + 0.82 * room, 0.76 * h)
    d = 0.12 * h
    soup.add(beam(foot, knee, (0.8 * d, 1.05 * d), thick / 2, y), paint)
    soup.add(beam(knee, elbow, (1.05 * d, 0.6 * d), thick / 2 * 0.98, y), paint)
    back = (elbow[0] - 0.05 * h, elbow[1] + 0.12 * h)
    soup.add(beam(back, wrist, (0.7 * d, 0.45 * d), thick / 2 * 0.8, y), paint)
    steel = pal.metal((0.6, 0.6, 0.62), 0.2)
    boom_jack = ((foot[0] + 0.18, foot[1] - 0.1), ((foot[0] + knee[0]) / 2 + 0.06, (foot[1] + knee[1]) / 2))
    stick_jack = ((knee[0] + 0.05, min(knee[1] + 0.05 * h, 0.955 * h)), back)
    sides = 4 if coarse else 8
    for start, stop in (boom_jack, stick_jack):
        mid = ((start[0] + stop[0]) / 2, (start[1] + stop[1]) / 2)
        soup.add(tube([(start[0], y, start[1]), (mid[0], y, mid[1])], 0.028 * h, sides), pal.CHASSIS)
        soup.add(tube([(mid[0], y, mid[1]), (stop[0], y, stop[1])], 0.016 * h, sides), steel)
    _bucket(soup, wrist, (0.2 * h, half_bucket), y, coarse)


def _crawlers(soup: Soup, span: tuple[float, float], size: tuple[float, float], high: float, coarse: bool) -> None:
    """Two tracks from span[0] to span[1]; `size` is half the machine's width and a track's."""
    (x0, x1), (half, shoe) = span, size
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
            disc_radius = radius * (0.72 if k in (0, 4) else 0.42)
            z = radius if k in (0, 4) else radius * 0.5
            soup.add(disc((x, outer + side * 0.006, z), (0, side, 0), disc_radius, 10), pal.metal((0.12, 0.12, 0.125), 0.6))
        for x in np.linspace(x0 + radius, x1 - radius, 12):
            soup.add(box((x - 0.05, y0, high), (x + 0.05, y1, high + 0.03)), pal.CHASSIS)
        soup.add(
            box((x0 + radius, min(outer, outer - side * 0.1), 0.72 * high), (x1 - radius, max(outer, outer - side * 0.1), 0.86 * high)),
            pal.CHASSIS,
        )


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
