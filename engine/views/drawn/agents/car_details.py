"""What makes a hull a car: lamps, grille, bumpers, plates, mirrors, seams and handles."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.car_bodies import Body
from engine.views.drawn.agents.hull import Hull
from engine.views.drawn.agents.shapes import Soup, both, box
from engine.views.drawn.mesh import RED

CROWN = 0.035
"""How much higher hood and boot are in the middle, in heights."""
HOOD_SEAM = 0.86
"""Where the hood's gaps are, 1 at the edge."""
TALLEST_M = 1.75
"""Lamps and plates of a taller car are as large as this one's."""


def add_details(
    soup: Soup,
    lower: Hull,
    cabin: Hull,
    body: Body,
    size_m: tuple[float, float, float],
    u: np.ndarray,
    paint: np.ndarray,
    trim: int,
    coarse: bool,
) -> None:
    """`u` are the stations of the lower skin; `trim` 0 to 5 chooses chrome or black, and the kind of lamps."""
    height = size_m[2]
    nose, deck = body.hood[-1][1] * height, body.hood[0][1] * height
    _front(soup, lower, size_m, body.sill * height, nose, trim, coarse)
    _rear(soup, lower, body, size_m, deck, trim, coarse)
    if not coarse:
        _sides(soup, lower, cabin, body, size_m, paint, trim)
        if not body.last_glass:
            _panels(soup, lower, cabin, body, size_m, paint)
        hood = u[(u > 1.2) & (u < lower.u_at(body.wind[0] * size_m[0] - 0.01))]
        for across in (HOOD_SEAM, -HOOD_SEAM):
            soup.add(lower.cover_strip(hood, CROWN * height, across, 0.008), pal.DARK)
        _mirrors(soup, cabin, body, height, paint)
        if body.rails:
            roof, half = body.roof[2][1] * height, size_m[1] / 2 * (0.8 - body.tumble)
            x0, x1 = body.tail[1] * size_m[0] + 0.1, body.wind[1] * size_m[0] - 0.25
            soup.add(both(box((x0, half - 0.02, roof), (x1, half + 0.015, roof + 0.03))), pal.CHROME if trim % 2 else pal.TRIM)


def _front(soup: Soup, lower: Hull, size_m: tuple[float, float, float], sill: float, nose: float, trim: int, coarse: bool) -> None:
    """Headlamps that wrap round the corners, grille, air intake, plate, fog lamps."""
    width, h = size_m[1], min(size_m[2], TALLEST_M)
    lamp = [(0.62, nose - 0.085 * h), (1.75, nose - 0.055 * h), (1.9, nose + 0.03 * h), (0.66, nose - 0.005 * h)]
    if coarse:
        soup.add(both(lower.patch(lamp)), pal.HEADLIGHT)
        soup.add(lower.band(-0.55, 0.55, nose - 0.1 * h, nose - 0.03 * h), pal.TRIM)
        return
    rim = [(0.59, nose - 0.094 * h), (1.8, nose - 0.065 * h), (1.95, nose + 0.038 * h), (0.63, nose + 0.003 * h)]
    soup.add(both(lower.patch(rim, 4, 2, 0.008)), pal.TRIM)
    soup.add(both(lower.patch(lamp, 4, 2, 0.013)), pal.LAMP_BOWL)
    spans = ((0.7, 1.02), (1.1, 1.42)) if trim % 2 else ((0.72, 1.3),)
    for u0, u1 in spans:
        z0, z1 = nose - 0.066 * h + 0.022 * h * (u0 - 0.7), nose - 0.014 * h + 0.018 * h * (u1 - 0.7)
        soup.add(both(lower.patch([(u0, z0), (u1, z0 + 0.006 * h), (u1, z1), (u0, z1 - 0.004 * h)], 2, 1, 0.02)), pal.HEADLIGHT)
    day = [(0.66, nose - 0.08 * h), (1.7, nose - 0.053 * h), (1.7, nose - 0.043 * h), (0.66, nose - 0.07 * h)]
    soup.add(both(lower.patch(day, 3, 1, 0.021)), pal.HEADLIGHT)
    soup.add(
        both(lower.patch([(1.5, nose - 0.036 * h), (1.72, nose - 0.03 * h), (1.82, nose + 0.014 * h), (1.52, nose + 0.0 * h)], 2, 1, 0.02)),
        pal.SIGNAL,
    )
    chrome = pal.CHROME if trim % 2 else pal.TRIM
    z0, z1 = (nose - 0.1 * h, nose - 0.012 * h) if trim < 3 else (nose - 0.085 * h, nose - 0.03 * h)
    soup.add(lower.band(-0.56, 0.56, z0, z1, 4, 2, 0.012), pal.TRIM)
    for k in range(2):
        z = z0 + (z1 - z0) * (0.3 + 0.34 * k)
        soup.add(lower.band(-0.52, 0.52, z, z + 0.007 * h, 6, 1, 0.018), chrome if trim % 2 else pal.CHASSIS)
    soup.add(lower.band(-0.56, 0.56, z1 - 0.004 * h, z1 + 0.01 * h, 6, 1, 0.018), chrome)
    soup.add(
        lower.patch([(-0.07, z0 + 0.02 * h), (0.07, z0 + 0.02 * h), (0.09, z1 - 0.012 * h), (-0.09, z1 - 0.012 * h)], 2, 1, 0.024),
        pal.CHROME,
    )
    low = sill + 0.05 * h
    soup.add(lower.patch([(-0.62, low), (0.62, low), (0.5, low + 0.075 * h), (-0.5, low + 0.075 * h)], 6, 1, 0.01), pal.TRIM)
    soup.add(both(lower.patch([(0.75, low), (1.35, low + 0.008 * h), (1.3, low + 0.06 * h), (0.68, low + 0.06 * h)], 4, 1, 0.01)), pal.TRIM)
    soup.add(both(lower.band(0.8, 1.05, low + 0.016 * h, low + 0.046 * h, 1, 1, 0.016)), pal.LENS)
    plate = 0.26 / (width / 2 - lower.corner_front[1])
    soup.add(lower.band(-plate, plate, low + 0.045 * h, low + 0.045 * h + 0.11, 2, 1, 0.022), pal.PLATE)


def _rear(soup: Soup, lower: Hull, body: Body, size_m: tuple[float, float, float], deck: float, trim: int, coarse: bool) -> None:
    """Tail lamps that wrap round the corners, bumper, plate in its recess, tailgate seam."""
    width, h = size_m[1], min(size_m[2], TALLEST_M)
    tall = not body.last_glass or body.wind[0] > 0.3
    low, high = (deck - 0.17 * h, deck - 0.01 * h) if not tall else (deck - 0.19 * h, deck - 0.025 * h)
    inner = 4.28 if trim < 3 or tall else 4.4
    if not body.last_glass:
        low, inner = deck - 0.36 * h, 3.85
    lamp = [(3.25, low + 0.05 * h), (inner, low + 0.035 * h), (inner + 0.05, high - 0.02 * h), (3.1, high)]
    sill = body.sill * size_m[2]
    if coarse:
        soup.add(both(lower.patch(lamp)), pal.TAIL)
        soup.add(lower.band(4.0, 6.0, sill + 0.03 * h, 0.29 * h), pal.TRIM)
        return
    rim = [(3.22, low + 0.042 * h), (inner + 0.03, low + 0.027 * h), (inner + 0.08, high - 0.012 * h), (3.07, high + 0.008 * h)]
    soup.add(both(lower.patch(rim, 4, 2, 0.009)), pal.TRIM)
    soup.add(both(lower.patch(lamp, 4, 2, 0.014)), pal.TAIL)
    strip = [(3.3, low + 0.068 * h), (inner - 0.08, low + 0.058 * h), (inner - 0.08, low + 0.078 * h), (3.28, low + 0.09 * h)]
    soup.add(both(lower.patch(strip, 4, 1, 0.02)), pal.SIGNAL if trim % 2 else pal.LENS)
    if not body.last_glass:
        # A tall lamp is three, one over the other.
        for share, row in ((0.42, pal.LENS), (0.66, pal.TRIM), (0.36, pal.TRIM), (0.54, pal.TRIM)):
            z, thick = low + share * (high - low), (0.085 if row is pal.LENS else 0.012) * (high - low)
            soup.add(both(lower.patch([(3.19, z), (inner - 0.01, z), (inner - 0.01, z + thick), (3.19, z + thick)], 4, 1, 0.022)), row)
    soup.add(lower.band(3.7, 6.3, sill + 0.055 * h, sill + 0.13 * h, 6, 2, 0.016), pal.TRIM)
    soup.add(both(lower.band(3.45, 3.75, sill + 0.14 * h, sill + 0.16 * h, 2, 1, 0.018)), pal.TAIL)
    seam = max(0.6 * deck, sill + 0.2 * h)
    soup.add(lower.band(3.35, 6.65, seam, seam + 0.007 * h, 10, 1, 0.005), pal.DARK)
    if body.last_glass and body.bed is None:
        top = deck - 0.01 * h
        soup.add(
            both(lower.patch([(inner - 0.31, seam), (inner - 0.29, seam), (inner - 0.2, top), (inner - 0.22, top)], 1, 4, 0.005)), pal.DARK
        )
    elif body.bed is None:
        soup.add(lower.band(4.985, 5.015, seam, deck, 1, 3, 0.008), pal.DARK)
    plate = 0.26 / (width / 2 - lower.corner_rear[1])
    z = deck - 0.16 * h if not tall and body.bed is None else seam - 0.14
    soup.add(lower.band(5 - 1.25 * plate, 5 + 1.25 * plate, z - 0.02, z + 0.14, 2, 1, 0.012), pal.TRIM)
    soup.add(lower.band(5 - plate, 5 + plate, z, z + 0.11, 2, 1, 0.022), pal.PLATE)
    if body.bed is None:
        soup.add(lower.band(5 - 1.3 * plate, 5 + 1.3 * plate, z + 0.14, z + 0.165, 2, 1, 0.02), pal.CHROME if trim % 2 else pal.TRIM)


def _sides(soup: Soup, lower: Hull, cabin: Hull, body: Body, size_m: tuple[float, float, float], paint: np.ndarray, trim: int) -> None:
    """Door seams from the sill to the belt, handles, a black sill, the hood's seams."""
    length, _, h = size_m
    front_axle, rear_axle = lower.arches
    rear_edge = max(float(cabin.points(np.array(2.97), np.array(0.75 * h))[0]), rear_axle.x + 0.35 * rear_axle.radius)
    seams = [front_axle.x - front_axle.radius * 1.05]
    seams += [float(cabin.points(np.array(2 + p), np.array(0.72 * h))[0]) for p in body.pillars[: 1 if body.doors == 2 else 2]]
    if body.doors == 4 and len(body.pillars) == 1:
        seams.append(rear_edge)
    for x in seams:
        at = lower.u_at(x)
        low = float(lower.bottom_at(np.array(x))) + 0.03 * h
        soup.add(both(lower.band(at - 0.0022, at + 0.0022, low, float(lower.top_at(x)) - 0.004, 1, 4, 0.006)), pal.DARK)
    z = body.hood[len(body.hood) // 2][1] * h - 0.075 * h
    for x in seams[1 : 1 + max(1, body.doors // 2)]:
        at = lower.u_at(x + 0.035 * length)
        soup.add(both(lower.band(at - 0.028, at + 0.028, z - 0.012 * h, z + 0.02 * h, 1, 1, 0.006)), pal.CHASSIS)
        soup.add(both(lower.band(at - 0.026, at + 0.026, z, z + 0.014 * h, 1, 1, 0.026)), paint if trim % 3 else pal.CHROME)
    at, sill = lower.u_at(0.02 * length), body.sill * h
    soup.add(both(lower.band(at - 0.27, at + 0.27, sill + 0.012 * h, sill + 0.05 * h, 3, 1, 0.012)), pal.TRIM)


def _panels(soup: Soup, lower: Hull, cabin: Hull, body: Body, size_m: tuple[float, float, float], paint: np.ndarray) -> None:
    """A panel van's sides: a sliding door and its rail, panels pressed where others have windows, a strip against dents."""
    h = size_m[2]
    front_axle, rear_axle = lower.arches
    belt = body.hood[len(body.hood) // 2][1] * h
    door, slide = 2.02 + body.pillars[0], cabin.u_at(rear_axle.x + 1.25 * rear_axle.radius)
    for u0, u1 in ((door + 0.03, slide - 0.03), (slide + 0.03, 2.93)):
        panel = [(u0, belt + 0.09 * h), (u1, belt + 0.09 * h), (u1 - 0.015, 0.86 * h), (u0 + 0.015, 0.86 * h)]
        pressed = paint.copy()
        pressed[RED : RED + 3] *= 0.86
        soup.add(both(cabin.patch(panel, 3, 4, 0.012)), pressed)
    for at in (door, slide):
        soup.add(both(cabin.band(at - 0.0025, at + 0.0025, belt, 0.9 * h, 1, 5, 0.012)), pal.DARK)
    at = lower.u_at(rear_axle.x + 1.25 * rear_axle.radius)
    soup.add(both(lower.band(at - 0.0022, at + 0.0022, body.sill * h + 0.03 * h, belt - 0.01 * h, 1, 4, 0.008)), pal.DARK)
    soup.add(both(cabin.band(slide, 2.95, belt + 0.035 * h, belt + 0.047 * h, 4, 1, 0.014)), pal.TRIM)
    before = lower.u_at(front_axle.x - 1.15 * front_axle.radius), lower.u_at(rear_axle.x + 1.15 * rear_axle.radius)
    behind = lower.u_at(rear_axle.x - 1.15 * rear_axle.radius), 2.98
    for u0, u1 in (before, behind):
        soup.add(both(lower.band(u0, u1, 0.27 * h, 0.305 * h, 6, 1, 0.016)), pal.TRIM)


def _mirrors(soup: Soup, cabin: Hull, body: Body, h: float, paint: np.ndarray) -> None:
    """Mirrors on the doors just behind the windscreen's pillars."""
    foot = cabin.points(np.array(2.05), np.array(body.hood[len(body.hood) // 2][1] * h + 0.03 * h))
    x, y, z = foot + (0.0, 0.035, 0.05 * h)
    shell = box((x - 0.06, y - 0.01, z - 0.04 * h), (x + 0.05, y + 0.15, z + 0.045 * h), 0.75)
    soup.add(both(shell), paint)
    soup.add(both(box((x - 0.02, y - 0.05, z - 0.05 * h), (x + 0.03, y + 0.03, z - 0.02 * h))), pal.TRIM)
    soup.add(both(box((x - 0.064, y + 0.015, z - 0.028 * h), (x - 0.058, y + 0.125, z + 0.03 * h))), pal.GLASS)
