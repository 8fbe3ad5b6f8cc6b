"""Bicycles and motorcycles, with riders whose feet follow the pedals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents import person
from engine.views.drawn.agents.rig import Model, Motion, Pose
from engine.views.drawn.agents.shapes import Soup, both, box, ellipsoid, lathe, loft, superellipse, tube, turned
from engine.views.drawn.agents.wheels import LEFT, Wheel, add_wheels, car_wheel, spoked_wheel, wheel_poses
from engine.views.drawn.mesh import Glow, Material, part

BICYCLES = ("city_bike", "racer")
MOTORCYCLES = ("motorcycle", "scooter")
LAMP = part(Material.PLAIN, (0.8, 0.82, 0.8), roughness=0.1, glow=Glow.HEADLIGHT)
ROLL_PER_CRANK = 2.4
"""Turns of the wheel to one of the pedals."""


def choose(class_name: str, dice: np.random.Generator) -> str:
    names = BICYCLES if class_name == "bicycle" else MOTORCYCLES
    return str(dice.choice(names, p=[0.6, 0.4]))


def rider_clothes(dice: np.random.Generator, motor: bool) -> person.Clothes:
    """A rider's: no skirt, coat, hat or bag; a helmet always on a motorcycle."""
    clothes = person.dress("man", dice)
    helmet = pal.pick(dice, pal.HELMETS) if motor or dice.random() < 0.7 else None
    return replace(
        clothes,
        skirt=0.0,
        coat=False,
        hat=None,
        bag=None,
        helmet=helmet,
        sleeves=motor or clothes.sleeves,
        shorts=clothes.shorts and not motor,
    )


def bicycle(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, rider: person.Clothes | None, coarse: bool) -> Model:
    """Without a rider the box's height is the handlebar's; with one it is that of the rider's head."""
    length, width, height = size_m
    radius = float(min(0.19 * length, 0.36, 0.42 * height))
    rear, front = -length / 2 + radius, length / 2 - radius
    base = front - rear
    saddle = float(min(0.94, 0.55 * base + 0.36, (0.88 if rider is None else 0.55) * height))
    bars = (front - 0.24 * base * 0.5, min(saddle + 0.1, height - 0.02) if kind == "city_bike" else min(saddle + 0.02, height - 0.02))
    crank, seat = np.array([rear + 0.42 * base, 0.0, radius * 0.82]), np.array([rear + 0.27 * base, 0.0, saddle])
    head = np.array([bars[0] - 0.01, 0.0, bars[1] - 0.08])
    soup = Soup()
    paint, dark = pal.paint(rgb), pal.TRIM
    n = 4 if coarse else 6
    low_head = head + (0.05, 0.0, -0.16)
    seat_low = crank + (seat - crank) * 0.72
    top_from = seat_low if kind == "racer" else crank + (seat - crank) * 0.45
    for start, stop, thick in ((crank, seat_low, 0.017), (crank, low_head, 0.02), (top_from, head, 0.017), (head, low_head, 0.021)):
        soup.add(tube([start, stop], thick, n), paint)
    soup.add(tube([seat_low, seat], 0.013, n), pal.metal())
    for side in (1, -1):
        off = np.array([0.0, side * 0.045, 0.0])
        axle = np.array([rear, 0.0, radius])
        soup.add(tube([crank + off * 0.7, axle + off], 0.009, 4), paint)
        soup.add(tube([seat_low + off * 0.3, axle + off], 0.008, 4), paint)
        soup.add(tube([low_head + off * 0.8, np.array([front, 0.0, radius]) + off], 0.012, 4), paint)
    grip = min(width / 2, 0.3)
    if kind == "city_bike":
        bar = [(bars[0] - 0.12, grip, bars[1]), (bars[0] - 0.02, grip * 0.6, bars[1] + 0.01), (bars[0] + 0.03, 0, bars[1] - 0.03)]
    else:
        bar = [
            (bars[0] + 0.02, grip * 0.8, bars[1] - 0.12),
            (bars[0] + 0.12, grip * 0.8, bars[1] - 0.06),
            (bars[0] + 0.05, grip * 0.75, bars[1]),
            (bars[0] + 0.03, 0, bars[1]),
        ]
    whole = bar + [(x, -y, z) for x, y, z in bar[-2::-1]]
    soup.add(tube(whole, 0.013, n), dark)
    soup.add(tube([head, (bars[0] + 0.02, 0, bars[1] - 0.01)], 0.016, n), dark)
    soup.add(ellipsoid(seat + (-0.02, 0, 0.0), (0.13, 0.075 if kind == "city_bike" else 0.055, 0.035), 8, 4), dark)
    if not coarse:
        soup.add(
            lathe([(0.0, -0.004), (0.09, -0.004), (0.09, 0.004), (0.0, 0.004)], 14, LEFT, crank + (0, -0.045, 0)),
            pal.metal((0.2, 0.2, 0.2), 0.4),
        )
        for z in (0.085, -0.085):
            soup.add(tube([crank + (0, -0.045, z), (rear, -0.045, radius + z * 0.45)], 0.004, 3), dark)
        soup.add(box((bars[0] + 0.05, -0.03, bars[1] - 0.09), (bars[0] + 0.1, 0.03, bars[1] - 0.03)), LAMP)
        soup.add(
            box(
                (rear - 0.02 if kind == "city_bike" else seat[0] - 0.1, -0.025, seat[2] - 0.14),
                (rear if kind == "city_bike" else seat[0] - 0.08, 0.025, seat[2] - 0.09),
            ),
            pal.TAIL,
        )
        if kind == "city_bike":
            for middle, start, stop in ((rear, 0.25, 0.95), (front, 0.15, 0.75)):
                arc = [
                    (middle + 1.06 * radius * np.cos(a), 0.0, radius + 1.06 * radius * np.sin(a))
                    for a in np.linspace(start * np.pi, stop * np.pi, 8)
                ]
                soup.add(tube(arc, 0.028, 4, flat=1.0), paint)
            soup.add(box((rear - 0.18, -0.07, 2.14 * radius), (rear + 0.22, 0.07, 2.14 * radius + 0.02)), pal.CHASSIS)
    wheels = [Wheel(front, 0.0, radius, radius), Wheel(rear, 0.0, radius, radius)]
    add_wheels(soup, wheels, spoked_wheel(radius, 0.042 if kind == "city_bike" else 0.03, 6 if coarse else 14, coarse))
    arm_long = 0.165
    soup.bone = 3
    for side in (1, -1):
        tip = (0.0, side * 0.07, side * arm_long)
        soup.add(tube([(0, side * 0.06, 0), tip], 0.011, 4), pal.metal((0.25, 0.25, 0.26), 0.4))
        soup.add(
            box(
                (-0.045, min(side * 0.07, side * 0.16), side * arm_long - 0.01),
                (0.045, max(side * 0.07, side * 0.16), side * arm_long + 0.01),
            ),
            dark,
        )
    soup.bone = 0
    lean = 0.26 if kind == "city_bike" else 0.62
    figure = None
    if rider is not None:
        figure = person.Figure(float(np.clip((height - saddle - 0.02) / (0.085 + 0.49 * np.cos(lean)), 1.3, 1.9)), girth=1.05)
        person.add_figure(soup, figure, rider, coarse, 4)
    hand = np.array([bar[0][0], bar[0][1], bar[0][2] + 0.03])

    def pose(motion: Motion) -> list[Pose]:
        poses = wheel_poses(wheels, motion.distance_m, 0.0)
        angle = float(np.fmod(motion.distance_m / radius / ROLL_PER_CRANK, 2 * np.pi))
        turn = turned("y", angle)
        poses.append((turn, crank))
        if figure is not None:
            pedals = [crank + turn @ (0.0, side * 0.1, side * arm_long) + (-0.04, 0.0, 0.02) for side in (1, -1)]
            poses += _seated(figure, seat + (0.02, 0.0, 0.075 * figure.height + 0.015), lean, hand, pedals)
        return poses

    return Model(soup.rigged(4 + (person.BONES if figure else 0)), pose)


def motorcycle(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, rider: person.Clothes | None, coarse: bool) -> Model:
    length, width, height = size_m
    scooter = kind == "scooter"
    radius = float(min((0.115 if scooter else 0.152) * length, 0.34, 0.36 * height))
    rear, front = -length / 2 + radius * 1.05, length / 2 - radius * 1.05
    base = front - rear
    saddle = float(min(0.78, 0.5 * height if rider else 0.72 * height))
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

    x = lambda t: rear + t * base  # noqa: E731
    if scooter:
        pod(
            [
                (x(-0.12), saddle - 0.1, 0.05, 0.06),
                (x(0.0), saddle - 0.16, 0.13, 0.13),
                (x(0.3), saddle - 0.24, 0.18, 0.15),
                (x(0.42), saddle - 0.3, 0.16, 0.12),
            ],
            paint,
        )
        soup.add(box((x(0.36), -0.17, radius * 0.9), (x(0.86), 0.17, radius * 0.9 + 0.08)), dark)
        pod(
            [
                (x(0.76), 0.5 * (saddle + radius), 0.3, 0.2),
                (x(0.84), 0.5 * (saddle + radius) + 0.04, 0.36, 0.22),
                (x(0.9), 0.5 * (saddle + radius) + 0.06, 0.3, 0.14),
                (x(0.93), 0.5 * (saddle + radius) + 0.06, 0.2, 0.06),
            ],
            paint,
        )
        pod(
            [
                (x(0.9) - 0.1, radius * 2.0, 0.03, 0.08),
                (x(1.0), radius * 2.1, 0.05, 0.09),
                (x(1.0) + radius * 0.8, radius * 1.85, 0.03, 0.06),
            ],
            paint,
        )
    else:
        pod(
            [
                (x(0.42), saddle + 0.0, 0.05, 0.09),
                (x(0.5), saddle + 0.03, 0.12, 0.14),
                (x(0.66), saddle + 0.06, 0.13, 0.15),
                (x(0.76), saddle + 0.05, 0.07, 0.08),
            ],
            paint,
        )
        pod(
            [
                (x(0.26), radius * 1.15, 0.12, 0.1),
                (x(0.4), radius * 1.2, 0.2, 0.15),
                (x(0.62), radius * 1.25, 0.2, 0.15),
                (x(0.72), radius * 1.4, 0.12, 0.1),
            ],
            iron,
            3.5,
        )
        pod(
            [
                (x(0.9) - 0.18, radius * 2.12, 0.02, 0.06),
                (x(1.0), radius * 2.16, 0.03, 0.075),
                (x(1.0) + radius * 0.75, radius * 1.8, 0.02, 0.05),
            ],
            paint,
        )
        pod([(x(-0.2), saddle + 0.04, 0.03, 0.05), (x(-0.05), saddle - 0.02, 0.08, 0.1), (x(0.2), saddle - 0.06, 0.1, 0.11)], paint)
        for side in (1, -1):
            soup.add(tube([(x(0.2), side * 0.1, radius * 1.2), (rear, side * 0.1, radius)], 0.028, 4), iron)
            soup.add(tube([(x(0.06), side * 0.12, saddle - 0.1), (rear, side * 0.12, radius)], 0.022, 4 if coarse else 6), pal.CHROME)
        soup.add(
            tube(
                [(x(0.6), -0.17, radius * 0.9), (x(0.3), -0.18, radius * 0.62), (x(-0.1), -0.18, radius * 1.0)],
                [0.03, 0.035, 0.055],
                5 if coarse else 8,
            ),
            pal.CHROME,
        )
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
    lamp = (bar_x + 0.17, 0.0, bar_z - 0.12)
    soup.add(ellipsoid((lamp[0] - 0.08, 0, lamp[2]), (0.1, 0.1, 0.1), 8, 4), paint if scooter else dark)
    soup.add(lathe([(0.085, 0.0), (0.06, 0.02), (0.0, 0.03)], 6 if coarse else 10, (1, 0, 0), (lamp[0] - 0.03, 0, lamp[2])), LAMP)
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
    both_sides = hub + [(t[:, ::-1] * (1.0, -1.0, 1.0), row) for t, row in hub[1:]]
    add_wheels(soup, wheels, both_sides)
    figure = None
    if rider is not None:
        figure = person.Figure(float(np.clip((height - saddle) / 0.57, 1.35, 1.9)), girth=1.15)
        person.add_figure(soup, figure, rider, coarse, 3)
    hand = np.array([bar_x - 0.11, grip - 0.04, bar_z + 0.03])
    rest = np.array(
        [x(0.42) if not scooter else x(0.62), 0.19 if not scooter else 0.13, radius * 0.95 if not scooter else radius * 0.9 + 0.1]
    )

    def pose(motion: Motion) -> list[Pose]:
        poses = wheel_poses(wheels, motion.distance_m, 0.0)
        if figure is not None:
            feet = [rest + (0, 0, 0.043 * figure.height), rest * (1, -1, 1) + (0, 0, 0.043 * figure.height)]
            poses += _seated(figure, np.array([x(0.27), 0.0, saddle + 0.085 * figure.height]), 0.16, hand, feet)
        return poses

    return Model(soup.rigged(3 + (person.BONES if figure else 0)), pose)


def _seated(figure: person.Figure, hip: np.ndarray, lean: float, hand: np.ndarray, feet: list[np.ndarray]) -> list[Pose]:
    """Hands on the bar and ankles where they belong, by the law of cosines."""
    legs = []
    for side, foot in zip((1, -1), feet, strict=True):
        joint = hip + (0.0, side * figure.hip_y, 0.0)
        swing, bend, spread = _two_bones(foot - joint, figure.hip - figure.knee, figure.knee - figure.ankle, side)
        legs.append((swing, spread, bend, 0.0))
    body = turned("y", lean)
    arms = []
    for side in (1, -1):
        joint = hip + body @ (-0.002 * figure.height, side * figure.shoulder_y * 1.02, figure.shoulder - figure.hip - 0.03 * figure.height)
        target = body.T @ (hand * (1.0, side, 1.0) - joint)
        swing, bend, spread = _two_bones(target, figure.arm, figure.forearm * 1.2, side)
        # An elbow bends the other way than a knee.
        arms.append((swing - bend_share(bend, figure.arm, figure.forearm * 1.2), spread, bend))
    return person.limbs(figure, hip, lean, arms, legs)


def bend_share(bend: float, upper: float, lower: float) -> float:
    """Twice the angle at the shoulder between the upper bone and the line to the hand: it mirrors a knee into an elbow."""
    return 2 * float(np.arctan2(lower * np.sin(bend), upper + lower * np.cos(bend)))


def _two_bones(target: np.ndarray, upper: float, lower: float, side: int) -> tuple[float, float, float]:
    """(swing forward of the upper bone, bend backwards of the lower, spread outwards) that reach `target` from the joint."""
    spread = float(np.arctan2(side * target[1], -target[2])) if target[2] < -0.05 else 0.12
    down = float(np.hypot(target[1], target[2])) * (1 if target[2] < 0 else -1)
    away = float(np.clip(np.hypot(target[0], down), abs(upper - lower) * 1.02, (upper + lower) * 0.999))
    bend = float(np.pi - np.arccos(np.clip((upper**2 + lower**2 - away**2) / (2 * upper * lower), -1, 1)))
    aim = float(np.arctan2(target[0], down))
    return aim + bend_share(bend, upper, lower) / 2, bend, spread
