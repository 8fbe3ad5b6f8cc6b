"""Bicycles, with riders whose feet follow the pedals."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents import rider
from engine.views.drawn.agents.figure import BONES, Clothes, add_figure
from engine.views.drawn.agents.rig import Model, Motion, Pose
from engine.views.drawn.agents.shapes import Soup, both, box, ellipsoid, lathe, tube, turned
from engine.views.drawn.agents.wheels import LEFT, Wheel, add_wheels, spoked_wheel, wheel_poses

KINDS = ("city_bike", "racer")
ROLL_PER_CRANK = 2.4
"""Turns of the wheel to one of the pedals."""


def choose(dice: np.random.Generator) -> str:
    return str(dice.choice(KINDS, p=[0.6, 0.4]))


def build(kind: str, size_m: tuple[float, float, float], rgb: pal.Colour, clothes: Clothes | None, coarse: bool) -> Model:
    """Without a rider the box's height is the handlebar's; with one it is that of the rider's head."""
    length, width, height = size_m
    radius = float(min(0.19 * length, 0.36, 0.42 * height))
    rear, front = -length / 2 + radius, length / 2 - radius
    base = front - rear
    saddle = float(min(0.94, 0.55 * base + 0.36, (0.88 if clothes is None else 0.5) * height))
    bar_x, bar_z = front - 0.12 * base, min(saddle + (0.1 if kind == "city_bike" else 0.02), height - 0.02)
    crank, seat = np.array([rear + 0.42 * base, 0.0, radius * 0.82]), np.array([rear + 0.27 * base, 0.0, saddle])
    grip = min(width / 2, 0.3)
    if kind == "city_bike":
        bar = [(bar_x - 0.2, grip, bar_z), (bar_x - 0.06, grip * 0.75, bar_z + 0.01), (bar_x + 0.03, 0, bar_z - 0.03)]
    else:
        drop = grip * 0.8
        bar = [
            (bar_x + 0.02, drop, bar_z - 0.12),
            (bar_x + 0.12, drop, bar_z - 0.06),
            (bar_x + 0.05, 0.94 * drop, bar_z),
            (bar_x + 0.03, 0, bar_z),
        ]
    soup = Soup()
    _frame(soup, kind, np.array(bar), crank, seat, (rear, front, radius), pal.paint(rgb), coarse)
    if not coarse:
        _fittings(soup, kind, np.array([bar_x, 0.0, bar_z]), crank, seat, (rear, front, radius), pal.paint(rgb))
    wheels = [Wheel(front, 0.0, radius, radius), Wheel(rear, 0.0, radius, radius)]
    add_wheels(soup, wheels, spoked_wheel(radius, 0.042 if kind == "city_bike" else 0.03, 6 if coarse else 14, coarse))
    arm_long = 0.165
    soup.bone = 3
    for side in (1, -1):
        if not coarse:
            soup.add(tube([(0, side * 0.06, 0), (0.0, side * 0.07, side * arm_long)], 0.011, 4), pal.metal((0.25, 0.25, 0.26), 0.4))
        soup.add(
            box(
                (-0.045, min(side * 0.07, side * 0.16), side * arm_long - 0.01),
                (0.045, max(side * 0.07, side * 0.16), side * arm_long + 0.01),
            ),
            pal.TRIM,
        )
    soup.bone = 0
    hand = np.array(bar[0]) + (0.0, 0.0, 0.02)
    figure, lean = None, 0.0
    if clothes is not None:
        figure, lean = rider.fitted(height, seat + (0.02, 0.0, 0.015), 0.075, 0.2 if kind == "city_bike" else 0.6, hand)
        add_figure(soup, figure, clothes, coarse, 4, fist=True)

    def pose(motion: Motion) -> list[Pose]:
        poses = wheel_poses(wheels, motion.distance_m, 0.0)
        angle = float(np.fmod(motion.distance_m / radius / ROLL_PER_CRANK, 2 * np.pi))
        turn = turned("y", angle)
        poses.append((turn, crank))
        if figure is not None:
            pedals = [crank + turn @ (0.0, side * 0.1, side * arm_long) + (-0.04, 0.0, 0.02) for side in (1, -1)]
            poses += rider.seated(figure, seat + (0.02, 0.0, 0.075 * figure.height + 0.015), lean, hand, pedals)
        return poses

    return Model(soup.rigged(4 + (BONES if figure else 0), rider.CREASE_DEG), pose)


def _frame(
    soup: Soup,
    kind: str,
    bar: np.ndarray,
    crank: np.ndarray,
    seat: np.ndarray,
    wheels: tuple[float, float, float],
    paint: np.ndarray,
    coarse: bool,
) -> None:
    """Tubes, saddle and handlebar; `bar` (n, 3) is its left half, `wheels` the axles' x and their radius."""
    rear, front, radius = wheels
    n = 3 if coarse else 6
    head = bar[-1] + (-0.04, 0.0, -0.06)
    low_head = head + (0.05, 0.0, -0.16)
    seat_low = crank + (seat - crank) * 0.72
    top_from = seat_low if kind == "racer" else crank + (seat - crank) * 0.45

    def rod(start: np.ndarray, stop: np.ndarray, thick: float, row: np.ndarray) -> None:
        soup.add(tube([start, stop], thick, n, capped=not coarse), row)

    rod(crank, seat_low, 0.017, paint)
    rod(crank, low_head, 0.02, paint)
    rod(top_from, head, 0.017, paint)
    rod(head, low_head, 0.021, paint)
    rod(seat_low, seat, 0.013, pal.metal())
    rod(head, bar[-1], 0.016, pal.TRIM)
    n = 3 if coarse else 4
    axle, front_axle = np.array([rear, 0.0, radius]), np.array([front, 0.0, radius])
    for side in (1, -1):
        off = np.array([0.0, side * 0.045, 0.0])
        rod(crank + off * 0.7, axle + off, 0.009, paint)
        rod(seat_low + off * 0.3, axle + off, 0.008, paint)
        rod(low_head + off * 0.8, front_axle + off, 0.012, paint)
    soup.add(tube(np.concatenate([bar, bar[-2::-1] * (1, -1, 1)]), 0.013, 3 if coarse else 6, capped=not coarse), pal.TRIM)
    wide = 0.075 if kind == "city_bike" else 0.055
    soup.add(ellipsoid(seat + (-0.02, 0, 0.0), (0.13, wide, 0.035), 5 if coarse else 8, 2 if coarse else 4), pal.TRIM)


def _fittings(
    soup: Soup, kind: str, bar: np.ndarray, crank: np.ndarray, seat: np.ndarray, wheels: tuple[float, float, float], paint: np.ndarray
) -> None:
    """Chain, lamps, and a city bike's mudguards and carrier; `bar` is the handlebar's middle."""
    rear, front, radius = wheels
    chain_wheel = lathe([(0.0, -0.004), (0.09, -0.004), (0.09, 0.004), (0.0, 0.004)], 14, LEFT, crank + (0, -0.045, 0))
    soup.add(chain_wheel, pal.metal((0.2, 0.2, 0.2), 0.4))
    for z in (0.085, -0.085):
        soup.add(tube([crank + (0, -0.045, z), (rear, -0.045, radius + z * 0.45)], 0.004, 3), pal.TRIM)
    soup.add(box(bar + (0.02, -0.035, -0.11), bar + (0.07, 0.035, -0.05)), pal.HEADLIGHT)
    lamp = np.array([rear - 0.2, 0.0, 2.14 * radius - 0.04]) if kind == "city_bike" else seat + (-0.06, 0.0, -0.14)
    soup.add(box(lamp + (-0.012, -0.03, 0.0), lamp + (0.02, 0.03, 0.05)), pal.TAIL)
    if kind != "city_bike":
        return
    for middle, start, stop in ((rear, 0.25, 0.95), (front, 0.15, 0.75)):
        turn = np.linspace(start * np.pi, stop * np.pi, 9)
        arc = np.stack([middle + 1.06 * radius * np.cos(turn), 0 * turn, radius + 1.06 * radius * np.sin(turn)], axis=1)
        soup.add(tube(arc, 0.007, 4, flat=3.8), paint)
    soup.add(box((rear - 0.18, -0.07, 2.14 * radius), (rear + 0.22, 0.07, 2.14 * radius + 0.015)), pal.CHASSIS)
    soup.add(both(tube([(rear, 0.05, radius), (rear - 0.08, 0.06, 2.14 * radius)], 0.007, 4)), pal.CHASSIS)
