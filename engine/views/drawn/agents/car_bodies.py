"""The shapes of cars: profiles as fractions of length and height, and which of them suits a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.views.drawn.agents.hull import Curve


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
