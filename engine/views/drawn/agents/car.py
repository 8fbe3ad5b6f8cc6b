"""Cars: one hull for the lower body, one for the cabin, described by fractions of length and height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.hull import Arch, Curve, Hull
from engine.views.drawn.agents.rig import Model
from engine.views.drawn.agents.shapes import Soup, both, box, grid
from engine.views.drawn.agents.wheels import Wheel, add_wheels, car_wheel, wheel_poses


@dataclass(frozen=True)
class Body:
    """x in lengths from the middle (front 0.5), z in heights from the ground."""

    hood: Curve
    """Upper edge of the lower body, x -> z."""
    wind: tuple[float, float]
    """x of the windscreen's foot and head."""
    tail: tuple[float, float]
    """x of the rear window's foot and head."""
    roof: Curve
    """x -> z of the roof's edge."""
    axles: tuple[float, float]
    wheel: float = 0.212
    """Radius in heights."""
    sill: float = 0.15
    tumble: float = 0.13
    """How far the cabin leans in, share of the width."""
    pillars: tuple[float, ...] = (0.40, 0.80)
    """Where pillars stand along the cabin's side, 0 front to 1 rear."""
    doors: int = 4
    nose: float = 0.9
    """How upright the front is: 1 a wall, 0 a wedge."""
    bed: float | None = None
    """Where an open bed begins (x), to the tailgate."""
    cladding: bool = False
    """Black plastic around sills and arches."""
    last_glass: bool = True
    """Whether the cabin's last bay is glazed: a panel van's is not."""
    rails: bool = False


BODIES: dict[str, Body] = {
    "sedan": Body(
        ((-0.5, 0.60), (-0.44, 0.645), (-0.33, 0.655), (0.0, 0.615), (0.2, 0.585), (0.38, 0.53), (0.47, 0.47), (0.5, 0.44)),
        (0.235, 0.045), (-0.405, -0.235), ((-0.40, 0.91), (-0.22, 0.945), (-0.08, 0.965), (0.05, 0.95), (0.1, 0.93)), (0.305, -0.285),
    ),
    "hatchback": Body(
        ((-0.5, 0.62), (-0.42, 0.635), (0.0, 0.60), (0.22, 0.575), (0.4, 0.52), (0.47, 0.46), (0.5, 0.44)),
        (0.265, 0.07), (-0.487, -0.405), ((-0.5, 0.905), (-0.38, 0.93), (-0.1, 0.96), (0.08, 0.945), (0.13, 0.93)), (0.32, -0.31),
        pillars=(0.38, 0.74), nose=0.85,
    ),
    "estate": Body(
        ((-0.5, 0.62), (-0.42, 0.63), (0.0, 0.61), (0.2, 0.585), (0.38, 0.53), (0.47, 0.47), (0.5, 0.44)),
        (0.235, 0.06), (-0.487, -0.425), ((-0.5, 0.925), (-0.38, 0.935), (-0.08, 0.96), (0.07, 0.945), (0.12, 0.93)), (0.305, -0.28),
        pillars=(0.33, 0.62), rails=True,
    ),
    "suv": Body(
        ((-0.5, 0.64), (-0.42, 0.65), (0.0, 0.63), (0.2, 0.61), (0.4, 0.575), (0.47, 0.53), (0.5, 0.50)),
        (0.245, 0.095), (-0.49, -0.42), ((-0.5, 0.925), (-0.38, 0.94), (-0.1, 0.955), (0.1, 0.945), (0.15, 0.93)), (0.31, -0.295),
        wheel=0.218, sill=0.19, tumble=0.12, pillars=(0.36, 0.68), nose=1.0, cladding=True, rails=True,
    ),
    "minivan": Body(
        ((-0.5, 0.57), (-0.42, 0.575), (0.0, 0.555), (0.25, 0.54), (0.4, 0.49), (0.47, 0.43), (0.5, 0.40)),
        (0.335, 0.14), (-0.492, -0.45), ((-0.5, 0.93), (-0.4, 0.945), (-0.05, 0.965), (0.14, 0.945), (0.2, 0.925)), (0.325, -0.29),
        wheel=0.19, sill=0.14, tumble=0.11, pillars=(0.33, 0.66), nose=0.85,
    ),
    "van": Body(
        ((-0.5, 0.52), (-0.42, 0.52), (0.0, 0.51), (0.3, 0.50), (0.42, 0.455), (0.475, 0.41), (0.5, 0.38)),
        (0.37, 0.245), (-0.495, -0.475), ((-0.5, 0.945), (-0.4, 0.955), (0.1, 0.965), (0.22, 0.955), (0.3, 0.935)), (0.335, -0.28),
        wheel=0.165, sill=0.13, tumble=0.085, pillars=(0.27, 0.62), doors=2, nose=1.0, last_glass=False,
    ),
    "pickup": Body(
        ((-0.5, 0.615), (-0.42, 0.615), (0.0, 0.615), (0.2, 0.61), (0.4, 0.585), (0.47, 0.54), (0.5, 0.51)),
        (0.235, 0.115), (-0.14, -0.105), ((-0.15, 0.93), (-0.05, 0.95), (0.06, 0.955), (0.13, 0.945), (0.17, 0.93)), (0.315, -0.29),
        wheel=0.205, sill=0.20, tumble=0.11, pillars=(0.5,), nose=1.0, bed=-0.155, cladding=True,
    ),
}  # fmt: skip


def choose(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    """A body kind that suits the box."""
    length, _, height = size_m
    if height > 2.05:
        shares = {"van": 1.0}
    elif height > 1.78:
        shares = {"suv": 0.5, "minivan": 0.3, "van": 0.1, "pickup": 0.1} if length < 5.3 else {"pickup": 0.7, "suv": 0.2, "van": 0.1}
    elif height > 1.58:
        shares = {"suv": 0.42, "hatchback": 0.2, "minivan": 0.12, "sedan": 0.14, "estate": 0.12}
    else:
        shares = {"sedan": 0.4, "hatchback": 0.35, "estate": 0.2, "suv": 0.05}
    if length < 4.0:
        shares = {"hatchback": 0.85, "suv": 0.15} if height <= 1.9 else {"minivan": 1.0}
    return str(dice.choice(list(shares), p=list(shares.values())))


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, trim: int, coarse: bool) -> Model:
    """`trim` 0 to 5 chooses spokes, chrome and the taxi's sign."""
    length, width, height = size_m
    body = BODIES[kind]
    radius = float(np.clip(body.wheel * height, 0.055 * length, 0.08 * length))
    lower, cabin = _hulls(body, length, width, height, radius)
    soup = Soup()
    paint = pal.paint(rgb)
    u = lower.stations(
        [body.wind[0] * length, 0.0, body.tail[0] * length * 0.9, *([body.bed * length] if body.bed is not None else [])],
        front=1 if coarse else 3, corner=1 if coarse else 3, arch=3 if coarse else 8,
    )  # fmt: skip
    rows = [0.0, 0.35, 0.75, 1.0] if coarse else [0.0, 0.2, 0.42, 0.64, 0.84, 0.95, 1.0]
    choice = np.zeros((len(u) - 1, len(rows) - 1), int)
    choice[:, 0] = 1
    if body.cladding and not coarse:
        choice[:, 1] = 0
    soup.add(lower.skin(u, rows), [paint, pal.TRIM if body.cladding else paint], lower.cells(u, choice))
    if body.bed is None:
        soup.add(lower.cover(u, 0.035 * height, 2 if coarse else 4), paint)
    else:
        _bed(soup, lower, u, body.bed * length, height, paint, coarse)
    soup.add(lower.floor(u), pal.DARK)
    _cabin(soup, cabin, body, paint, height, coarse)
    for axle in lower.arches:
        soup.add(lower.wheel_house(axle, width / 2 - 0.3, 5 if coarse else 10), pal.DARK)
    _details(soup, lower, cabin, body, size_m, paint, trim, coarse)

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
            (sill, end - 0.03 * length), (sill + 0.05 * height, end - 0.008 * length), (0.3 * height, end), (0.36 * height, end - 0.001 * length),
            (nose - 0.02 * height, end - 0.012 * length - lean * 0.5), (nose + 0.04 * height, end - 0.03 * length - lean),
        ),
        rear=(
            (sill, -end + 0.025 * length), (sill + 0.08 * height, -end + 0.004 * length), (0.36 * height, -end), (0.42 * height, -end + 0.006 * length),
            (deck - 0.02 * height, -end + 0.012 * length), (deck + 0.04 * height, -end + 0.022 * length),
        ),
        half_width=(
            (sill, half * 0.93), (sill + 0.08 * height, half * 0.965), (0.36 * height, half * 0.985), (0.47 * height, half * 0.99),
            (belt - 0.05 * height, half * 0.965), (belt + 0.02 * height, half * 0.925), (belt + 0.07 * height, half * 0.88),
        ),
        top=tuple((x * length, z * height) for x, z in body.hood),
        bottom=((-end, sill + 0.05 * height), (-0.4 * length, sill + 0.01 * height), (0.0, sill), (0.4 * length, sill + 0.005 * height), (end, sill + 0.02 * height)),
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
        front=((foot, wind_foot), (middle, wind_foot + 0.54 * (wind_head - wind_foot)), (head - 0.03 * height, wind_head + 0.012 * length), (head, wind_head - 0.012 * length)),
        rear=((foot, tail_foot), (middle, tail_foot + 0.42 * (tail_head - tail_foot)), (head - 0.03 * height, tail_head - 0.008 * length), (head, tail_head + 0.012 * length)),
        half_width=(
            (foot, half * 0.925), (belt, half * 0.915), (middle + 0.05 * height, half * (0.95 - body.tumble)), (head - 0.05 * height, half * (0.885 - body.tumble)),
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
    cuts = [2.04] + [2 + p + d for p in body.pillars for d in (-post, post)] + [2.95]
    end = [0, 0.5, 1] if coarse else [0, 0.35, 0.7, 1]
    u = np.array([*end, 1.7, *cuts, 3.5, *(5 - e for e in end[::-1])])
    rows = [0.0, 0.22, 0.86, 1.0] if coarse else [0.0, 0.16, 0.21, 0.55, 0.86, 0.93, 0.97, 1.0]
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
    soup.add(cabin.cover(u, 0.04 * height, 2 if coarse else 4), paint)


def _bed(soup: Soup, lower: Hull, u: np.ndarray, start: float, height: float, paint: np.ndarray, coarse: bool) -> None:
    """An open bed: a cover over the rest, a rim, walls and a floor."""
    front = u[u <= lower.u_at(start) + 1e-6]
    soup.add(lower.cover(front, 0.035 * height, 2 if coarse else 4), paint)
    back = u[u >= lower.u_at(start) - 1e-6]
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
    lip = np.stack([rim[0], rim[0] * (1.0, -1.0, 1.0), inner[0] * (1.0, -1.0, 1.0), inner[0]])
    soup.add(np.stack([lip[[0, 2, 1]], lip[[0, 3, 2]]]), paint)


def _details(
    soup: Soup, lower: Hull, cabin: Hull, body: Body, size_m: tuple[float, float, float], paint: np.ndarray, trim: int, coarse: bool
) -> None:
    """Lamps, grille, bumpers, plates, mirrors, seams and handles."""
    length, width, height = size_m
    nose, deck = body.hood[-1][1] * height, body.hood[0][1] * height
    h = height
    lamp_high = nose - 0.005 * h
    n, m = (1, 1) if coarse else (6, 2)
    soup.add(
        both(lower.patch([(0.62, nose - 0.085 * h), (1.75, nose - 0.055 * h), (1.9, nose + 0.03 * h), (0.66, lamp_high)], n, m)),
        pal.HEADLIGHT,
    )
    tall = body.last_glass is False or body.wind[0] > 0.3
    tail_low, tail_high = (deck - 0.17 * h, deck - 0.01 * h) if not tall else (deck - 0.16 * h, deck + 0.02 * h)
    soup.add(
        both(lower.patch([(3.25, tail_low + 0.05 * h), (4.35, tail_low + 0.02 * h), (4.4, tail_high - 0.02 * h), (3.1, tail_high)], n, m)),
        pal.TAIL,
    )
    soup.add(lower.band(-0.5, 0.5, 0.17 * h + 0.04 * h, 0.29 * h, 1 if coarse else 2), pal.TRIM)
    soup.add(lower.band(-0.55, 0.55, nose - 0.1 * h, nose - 0.03 * h, 1 if coarse else 4), pal.TRIM)
    soup.add(lower.band(4.0, 6.0, lower.bottom[0][1] + 0.005 * h, 0.29 * h, 1 if coarse else 4), pal.TRIM)
    if coarse:
        return
    plate = 0.26 / width
    soup.add(lower.band(-plate, plate, 0.31 * h, 0.31 * h + 0.11, 1, 1, 0.015), pal.PLATE)
    plate_z = deck - 0.16 * h if body.wind[0] < 0.3 and body.last_glass else 0.33 * h
    soup.add(lower.band(5 - plate, 5 + plate, plate_z, plate_z + 0.11, 1, 1, 0.015), pal.PLATE)
    metal = pal.CHROME if trim % 2 else pal.TRIM
    soup.add(lower.band(-0.57, 0.57, nose - 0.03 * h, nose - 0.018 * h, 4, 1, 0.014), metal)
    soup.add(lower.band(-0.1, 0.1, nose - 0.082 * h, nose - 0.048 * h, 1, 1, 0.018), pal.CHROME)
    soup.add(both(lower.band(0.72, 1.3, 0.22 * h, 0.27 * h, 2)), pal.TRIM)
    soup.add(both(lower.band(0.8, 1.05, 0.228 * h, 0.262 * h, 1, 1, 0.014)), pal.LENS)
    soup.add(
        both(
            lower.patch(
                [(3.3, tail_low + 0.055 * h), (4.3, tail_low + 0.03 * h), (4.3, tail_low + 0.055 * h), (3.28, tail_low + 0.075 * h)],
                3,
                1,
                0.013,
            )
        ),
        pal.SIGNAL,
    )

    # Seams: from the sill to the belt at the doors' edges, and the hood's.
    front_axle, rear_axle = lower.arches
    doors_from, doors_to = front_axle.x - front_axle.radius * 1.05, cabin.points(np.array(2.97), np.array(0.75 * h))[0]
    doors_to = max(float(doors_to), rear_axle.x + 0.35 * rear_axle.radius)
    seams = [doors_from]
    for p in body.pillars[: 1 if body.doors == 2 else 2]:
        seams.append(float(cabin.points(np.array(2 + p), np.array(0.72 * h))[0]))
    if body.doors == 4 and len(body.pillars) == 1:
        seams.append(doors_to)
    for x in seams:
        at = lower.u_at(x)
        low = float(lower.bottom_at(np.array(x))) + 0.03 * h
        soup.add(both(lower.band(at - 0.0022, at + 0.0022, low, float(lower.top_at(x)) - 0.004, 1, 4, 0.006)), pal.DARK)
    for x in seams[1 : 1 + max(1, body.doors // 2)]:
        at, z = lower.u_at(x + 0.035 * length), 0.535 * h if body.hood[0][1] > 0.55 else 0.47 * h
        soup.add(both(lower.band(at - 0.025, at + 0.025, z, z + 0.016 * h, 1, 1, 0.022)), paint if trim % 3 else pal.CHROME)
    at = lower.u_at(0.02 * length)
    reach = 0.27
    soup.add(both(lower.band(at - reach, at + reach, lower.bottom[2][1] + 0.012 * h, lower.bottom[2][1] + 0.05 * h, 3, 1, 0.012)), pal.TRIM)

    # Mirrors stand on the doors just behind the windscreen's pillars.
    foot = cabin.points(np.array(2.05), np.array(body.hood[len(body.hood) // 2][1] * h + 0.03 * h))
    x, y, z = foot + (0.0, 0.035, 0.045 * h)
    mirror = box((x - 0.07, y - 0.03, z - 0.045 * h), (x + 0.05, y + 0.15, z + 0.045 * h), 0.8)
    soup.add(both(mirror), paint)
    soup.add(both(box((x - 0.074, y, z - 0.03 * h), (x - 0.068, y + 0.13, z + 0.03 * h))), pal.GLASS)
    if body.rails:
        roof = body.roof[2][1] * h
        half = width / 2 * (0.8 - body.tumble)
        soup.add(
            both(box((body.tail[1] * length + 0.1, half - 0.02, roof), (body.wind[1] * length - 0.25, half + 0.015, roof + 0.035))), metal
        )
