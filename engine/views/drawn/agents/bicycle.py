"""Bicycles, with riders whose feet follow the pedals."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents import person, rider
from engine.views.drawn.agents.rig import Model, Motion, Pose
from engine.views.drawn.agents.shapes import Soup, both, box, ellipsoid, lathe, tube, turned
from engine.views.drawn.agents.wheels import LEFT, Wheel, add_wheels, spoked_wheel, wheel_poses

KINDS = ("city_bike", "racer")
ROLL_PER_CRANK = 2.4
"""Turns of the wheel to one of the pedals."""


def choose(dice: np.random.Generator) -> str:
    return str(dice.choice(KINDS, p=[0.6, 0.4]))


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, clothes: person.Clothes | None, coarse: bool) -> Model:
    """Without a rider the box's height is the handlebar's; with one it is that of the rider's head."""
    length, width, height = size_m
    radius = float(min(0.19 * length, 0.36, 0.42 * height))
    rear, front = -length / 2 + radius, length / 2 - radius
    base = front - rear
    saddle = float(min(0.94, 0.55 * base + 0.36, (0.88 if clothes is None else 0.5) * height))
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
        bar = [(bars[0] - 0.2, grip, bars[1]), (bars[0] - 0.06, grip * 0.75, bars[1] + 0.01), (bars[0] + 0.03, 0, bars[1] - 0.03)]
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
        soup.add(box((bars[0] + 0.02, -0.035, bars[1] - 0.11), (bars[0] + 0.07, 0.035, bars[1] - 0.05)), pal.HEADLIGHT)
        lamp_x, lamp_z = (rear - 0.2, 2.14 * radius - 0.04) if kind == "city_bike" else (seat[0] - 0.06, seat[2] - 0.14)
        soup.add(box((lamp_x - 0.012, -0.03, lamp_z), (lamp_x + 0.02, 0.03, lamp_z + 0.05)), pal.TAIL)
        if kind == "city_bike":
            for middle, start, stop in ((rear, 0.25, 0.95), (front, 0.15, 0.75)):
                turn = np.linspace(start * np.pi, stop * np.pi, 9)
                arc = np.stack([middle + 1.06 * radius * np.cos(turn), 0 * turn, radius + 1.06 * radius * np.sin(turn)], axis=1)
                soup.add(tube(arc, 0.007, 4, flat=3.8), paint)
            soup.add(box((rear - 0.18, -0.07, 2.14 * radius), (rear + 0.22, 0.07, 2.14 * radius + 0.015)), pal.CHASSIS)
            soup.add(both(tube([(rear, 0.05, radius), (rear - 0.08, 0.06, 2.14 * radius)], 0.007, 4)), pal.CHASSIS)
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
    hand = np.array([bar[0][0], bar[0][1], bar[0][2] + 0.02])
    figure, lean = None, 0.0
    if clothes is not None:
        figure, lean = rider.fitted(height, seat + (0.02, 0.0, 0.015), 0.075, 0.2 if kind == "city_bike" else 0.6, hand)
        person.add_figure(soup, figure, clothes, coarse, 4, fist=True)

    def pose(motion: Motion) -> list[Pose]:
        poses = wheel_poses(wheels, motion.distance_m, 0.0)
        angle = float(np.fmod(motion.distance_m / radius / ROLL_PER_CRANK, 2 * np.pi))
        turn = turned("y", angle)
        poses.append((turn, crank))
        if figure is not None:
            pedals = [crank + turn @ (0.0, side * 0.1, side * arm_long) + (-0.04, 0.0, 0.02) for side in (1, -1)]
            poses += rider.seated(figure, seat + (0.02, 0.0, 0.075 * figure.height + 0.015), lean, hand, pedals)
        return poses

    return Model(soup.rigged(4 + (person.BONES if figure else 0), rider.CREASE_DEG), pose)
