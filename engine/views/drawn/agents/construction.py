"""Construction vehicles: which machine suits a box, and the cab that they share."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.shapes import Soup, beam, box, lathe, prism

KINDS = ("excavator", "wheel_loader")


def choose(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    """A kind that suits the box: what is long for its height is rather an excavator."""
    return str(dice.choice(KINDS, p=[0.65, 0.35] if size_m[0] > 1.9 * size_m[2] else [0.45, 0.55]))


def machine_cab(
    soup: Soup, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], paint: np.ndarray, coarse: bool
) -> None:
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
