"""Cars: one hull for the lower body and one for the cabin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.car_bodies import BODIES, Body
from engine.views.drawn.agents.car_details import CROWN, HOOD_SEAM, add_details
from engine.views.drawn.agents.hull import Arch, Hull
from engine.views.drawn.agents.rig import Model
from engine.views.drawn.agents.shapes import Soup, both, grid
from engine.views.drawn.agents.wheels import Wheel, add_wheels, car_wheel, wheel_poses


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, trim: int, coarse: bool) -> Model:
    """`trim` 0 to 5 chooses spokes, chrome and the taxi's sign."""
    length, width, height = size_m
    body = BODIES[kind]
    radius = float(np.clip(body.wheel * height, 0.055 * length, 0.08 * length))
    lower, cabin = (replace(hull, steps=(1, 1) if coarse else (3, 3)) for hull in _hulls(body, length, width, height, radius))
    soup = Soup()
    paint = pal.paint(rgb)
    cuts = [body.wind[0] * length, 0.0, body.tail[0] * length * 0.9, *([body.bed * length] if body.bed is not None else [])]
    u = lower.stations(cuts[-1:] if coarse else cuts, 2 if coarse else 7)
    rows = [0.0, 0.5, 1.0] if coarse else [0.0, 0.2, 0.42, 0.64, 0.84, 0.95, 1.0]
    choice = np.zeros((len(u) - 1, len(rows) - 1), int)
    choice[:, 0] = 1
    if body.cladding and not coarse:
        choice[:, 1] = 0
    soup.add(lower.skin(u, rows), [paint, pal.TRIM if body.cladding else paint], lower.cells(u, choice))
    if body.bed is None:
        soup.add(lower.cover(u, CROWN * height, (1, 0, -1) if coarse else (1, HOOD_SEAM, 0, -HOOD_SEAM, -1)), paint)
    else:
        _bed(soup, lower, u, body.bed * length, height, paint, coarse)
    soup.add(lower.floor(u), pal.DARK)
    _cabin(soup, cabin, body, paint, height, coarse)
    for axle in lower.arches:
        soup.add(lower.wheel_house(axle, width / 2 - 0.3, 4 if coarse else 9), pal.DARK)
    add_details(soup, lower, cabin, body, size_m, u, paint, trim, coarse)

    tyre = 0.125 * width
    wheels = [
        Wheel(axle.x, side * (width / 2 - tyre / 2 - 0.025 * width), radius, radius, axle is lower.arches[0])
        for axle in lower.arches
        for side in (1, -1)
    ]
    add_wheels(soup, wheels, car_wheel(radius, tyre, (5, 10, 7, 5, 6, 9)[trim], coarse))
    return Model(soup.rigged(1 + len(wheels)), lambda motion: wheel_poses(wheels, motion.distance_m, motion.steer_rad))


def _hulls(body: Body, length: float, width: float, height: float, radius: float) -> tuple[Hull, Hull]:
    """The lower body and the cabin above it."""
    half, end = width / 2, length / 2
    sill, belt = body.sill * height, body.hood[len(body.hood) // 2][1] * height
    nose, deck = body.hood[-1][1] * height, body.hood[0][1] * height
    lean = (1 - body.nose) * 0.1 * length
    arches = tuple(Arch(x * length, radius, radius * 1.13) for x in body.axles)
    lower = Hull(
        front=(
            (sill, end - 0.03 * length), (sill + 0.05 * height, end - 0.008 * length), (0.68 * nose, end), (0.82 * nose, end - 0.001 * length),
            (nose - 0.02 * height, end - 0.012 * length - lean * 0.5), (nose + 0.04 * height, end - 0.03 * length - lean),
        ),
        rear=(
            (sill, -end + 0.025 * length), (sill + 0.08 * height, -end + 0.004 * length), (0.58 * deck, -end), (0.7 * deck, -end + 0.006 * length),
            (deck - 0.02 * height, -end + 0.012 * length), (deck + 0.04 * height, -end + 0.022 * length),
        ),
        half_width=(
            (sill, half * 0.93), (sill + 0.08 * height, half * 0.965), (0.585 * belt, half * 0.985), (0.76 * belt, half * 0.99),
            (belt - 0.05 * height, half * 0.965), (belt + 0.02 * height, half * 0.925), (belt + 0.07 * height, half * 0.88),
        ),
        top=tuple((x * length, z * height) for x, z in body.hood),
        bottom=((-end, sill + 0.05 * height), (-0.4 * length, sill + 0.01 * height), (0.0, sill),
            (0.4 * length, sill + 0.005 * height), (end, sill + 0.02 * height)),
        corner_front=(0.075 * length, 0.19 * width), corner_rear=(0.06 * length, 0.15 * width),
        bow_front=0.035 * length, bow_rear=0.018 * length, arches=arches, taper=0.035, flare=0.008 * width,
    )  # fmt: skip
    foot = belt - 0.06 * height
    head = body.roof[2][1] * height
    wind, tail = (x * length for x in body.wind), (x * length for x in body.tail)
    wind_foot, wind_head = wind
    tail_foot, tail_head = tail
    middle = (foot + head) / 2
    cabin = Hull(
        front=((foot, wind_foot), (middle, wind_foot + 0.54 * (wind_head - wind_foot)),
            (head - 0.03 * height, wind_head + 0.012 * length), (head, wind_head - 0.012 * length)),
        rear=((foot, tail_foot), (middle, tail_foot + 0.42 * (tail_head - tail_foot)),
            (head - 0.03 * height, tail_head - 0.008 * length), (head, tail_head + 0.012 * length)),
        half_width=(
            (foot, half * 0.925), (belt, half * 0.915), (middle + 0.05 * height, half * (0.95 - body.tumble)),
            (head - 0.05 * height, half * (0.885 - body.tumble)),
            (head - 0.015 * height, half * (0.85 - body.tumble)), (head, half * (0.79 - body.tumble)),
        ),
        top=tuple((x * length, z * height) for x, z in body.roof),
        bottom=tuple((x * length, z * height - 0.03 * height) for x, z in body.hood),
        corner_front=(0.035 * length, 0.1 * width), corner_rear=(0.025 * length, 0.1 * width),
        bow_front=0.035 * length, bow_rear=0.02 * length, taper=0.03, blend=1.0,
    )  # fmt: skip
    return lower, cabin


def _cabin(soup: Soup, cabin: Hull, body: Body, paint: np.ndarray, height: float, coarse: bool) -> None:
    """Pillars, glass between them, and the roof."""
    post = 0.022
    posts = [2 + p + d for p in body.pillars for d in (-post, post)]
    if coarse:
        posts = [] if body.last_glass else [2 + body.pillars[0]]
    cuts = [2.04, *posts, 2.95]
    end = [0, 1] if coarse else [0, 0.35, 0.7, 1]
    u = np.array([*end, 1.7, *cuts, 3.5, *(5 - e for e in end[::-1])])
    rows = [0.0, 0.2, 0.88, 1.0] if coarse else [0.0, 0.16, 0.21, 0.55, 0.86, 0.93, 0.97, 1.0]
    choice = np.zeros((len(u) - 1, len(rows) - 1), int)
    middle = (u[:-1] + u[1:]) / 2
    glazed = (middle < 1.7) | (middle > 3.5) | ((middle > 2.04) & (middle < 2.95))
    if not body.last_glass:
        glazed &= (middle < 2 + body.pillars[0]) | (middle > 3.5)
    black = np.zeros_like(glazed)
    for p in body.pillars:
        black |= np.abs(middle - 2 - p) < post
    if not body.last_glass:
        black[:] = False
    top = len(rows) - 2 if coarse else len(rows) - 4
    choice[glazed, (1 if coarse else 2) : top] = 1
    choice[black, (1 if coarse else 2) : top] = 2
    if not coarse:
        choice[glazed | black, 1] = 2
    soup.add(cabin.skin(u, rows), [paint, pal.GLASS, pal.TRIM], cabin.cells(u, choice))
    soup.add(cabin.cover(u, 0.04 * height, (1, 0, -1) if coarse else (1, 0.5, 0, -0.5, -1)), paint)


def _bed(soup: Soup, lower: Hull, u: np.ndarray, start: float, height: float, paint: np.ndarray, coarse: bool) -> None:
    """An open bed: a cover over the rest, a rim, walls and a floor."""
    border = int(np.abs(u - lower.u_at(start)).argmin())
    front, back = u[: border + 1], u[border:]
    soup.add(lower.cover(front, CROWN * height, (1, 0, -1) if coarse else (1, HOOD_SEAM, 0, -HOOD_SEAM, -1)), paint)
    rim = lower.points(back, lower.top_at(np.full(len(back), start)))
    inner = rim * (1.0, 0.87, 1.0)
    inner[:, 0] = np.clip(inner[:, 0], rim[:, 0].min() + 0.08, start - 0.03)
    floor = inner * (1.0, 1.0, 0.0) + (0.0, 0.0, 0.36 * height)
    soup.add(both(np.concatenate([grid(np.stack([rim, inner], axis=1))])), paint)
    soup.add(both(grid(np.stack([inner, floor], axis=1))), pal.TRIM)
    across = np.stack([floor * (1.0, -1.0, 1.0), floor], axis=1)
    soup.add(grid(across[::-1]), pal.TRIM)
    front_edge = np.stack([inner[0], inner[0] * (1.0, -1.0, 1.0), floor[0] * (1.0, -1.0, 1.0), floor[0]])
    soup.add(np.stack([front_edge[[0, 1, 2]], front_edge[[0, 2, 3]]]), pal.TRIM)
    # The cover before the bed is raised in its middle: a step closes it down to the rim.
    edge = lower.cover_points(back[:1], np.array([1, HOOD_SEAM, 0, -HOOD_SEAM, -1]), CROWN * height)[0]
    level = edge * (1.0, 1.0, 0.0) + (0.0, 0.0, rim[0, 2])
    soup.add(grid(np.stack([level, edge], axis=1)[::-1]), paint)
    lip = np.stack([rim[0], rim[0] * (1.0, -1.0, 1.0), inner[0] * (1.0, -1.0, 1.0), inner[0]])
    soup.add(np.stack([lip[[0, 2, 1]], lip[[0, 3, 2]]]), paint)
