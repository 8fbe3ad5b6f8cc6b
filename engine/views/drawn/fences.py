"""What encloses: walls with piers and coping, railings, fences of boards."""

from __future__ import annotations

import numpy as np

from engine.lattice import hash01
from engine.views.drawn import facade_rules as facades
from engine.views.drawn.furniture_parts import MANMADE, UP, left_of, metal_part
from engine.views.drawn.mesh import Material, part
from engine.views.drawn.solids import Solids


def wall(solids: Solids, ends: np.ndarray, feet: np.ndarray, high: float, dice: int) -> None:
    """A garden wall of brick or render with a coping and piers; `ends` (2, 2), `feet` (2,) world z."""
    brick = hash01(dice, 12, 0) < 0.5
    tone = ((0.27, 0.12, 0.08), (0.33, 0.18, 0.12))[int(hash01(dice, 13, 0) * 2)] if brick else (0.50, 0.47, 0.41)
    row = solids.part(
        part(
            Material.FACADE,
            tone,
            MANMADE,
            seed=dice,
            params=(facades.BRICK if brick else facades.PLASTER, 99.0, 9.0, 9.0, 3.0, 0, facades.BLANK),
        )
    )
    stone = solids.part(part(Material.CONCRETE, (0.42, 0.40, 0.37), MANMADE, seed=dice))
    a, way, e, n, length = _base(ends, feet)
    solids.box(a - n * 0.12 - UP * 0.4, way, n * 0.24, UP * (high + 0.4 - 0.08), row)
    solids.box(a - n * 0.17 + UP * (high - 0.08), way, n * 0.34, UP * 0.09, stone)
    for k in range(int(length / 3.2) + 2):
        t = min(1.0, k / max(1, int(length / 3.2) + 1))
        p = a + way * t - e * 0.2 - n * 0.2
        solids.box(p - UP * 0.4, e * 0.4, n * 0.4, UP * (high + 0.52), row)
        solids.box(p - (e + n) * 0.05 + UP * (high + 0.12), e * 0.5, n * 0.5, UP * 0.1, stone)


def railing(solids: Solids, ends: np.ndarray, feet: np.ndarray, high: float, dice: int) -> None:
    """An iron railing on a low kerb."""
    del dice  # One railing is like another.
    high = max(0.9, high)
    iron = metal_part(solids, (0.025, 0.028, 0.028), 0.5)
    stone = solids.part(part(Material.CONCRETE, (0.38, 0.365, 0.34), MANMADE))
    a, way, e, n, length = _base(ends, feet)
    solids.box(a - n * 0.11 - UP * 0.3, way, n * 0.22, UP * 0.44, stone)
    for z in (0.22, high - 0.1):
        solids.box(a - n * 0.02 + UP * z, way, n * 0.04, UP * 0.045, iron)
    count = max(2, int(length / 0.15))
    for k in range(count + 1):
        thick = 0.05 if k % 12 == 0 else 0.022
        solids.box(
            a + way * (k / count) - (e + n) * thick / 2 + UP * 0.14,
            e * thick,
            n * thick,
            UP * (high - 0.14 + (0.06 if k % 12 == 0 else 0.0)),
            iron,
        )


def board_fence(solids: Solids, ends: np.ndarray, feet: np.ndarray, high: float, dice: int) -> None:
    """A fence of upright boards between posts. They touch: gaps of a centimetre would flicker from across a street."""
    tone = ((0.20, 0.13, 0.08), (0.30, 0.25, 0.19), (0.14, 0.10, 0.07))[int(hash01(dice, 14, 0) * 3)]
    a, way, e, n, length = _base(ends, feet)
    posts = solids.part(part(Material.BARK, tuple(0.8 * c for c in tone), MANMADE))
    tones = [solids.part(part(Material.BARK, tuple(c * k for c in tone), MANMADE, roughness=0.85)) for k in (0.85, 1.0, 1.15)]
    count = max(2, int(length / 0.16))
    step = way / count
    for k in range(count):
        lift = 0.05 * hash01(dice, 100 + k, 0)
        solids.box(
            a + step * k - n * 0.012 + UP * 0.06,
            step,
            n * 0.024,
            UP * (high - 0.1 + lift),
            tones[int(hash01(dice, 200 + k, 0) * 3)],
        )
    spans = max(1, int(np.round(length / 2.2)))
    for k in range(spans + 1):
        solids.box(a + way * (k / spans) - e * 0.05 - n * 0.05 - UP * 0.4, e * 0.1, n * 0.1, UP * (high + 0.45), posts)


def _base(ends: np.ndarray, feet: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Start, way along the ground, level unit vectors along and to the left, and the length, of a run between two points."""
    a, b = np.array([*ends[0], feet[0]]), np.array([*ends[1], feet[1]])
    way = b - a
    length = float(np.hypot(way[0], way[1])) or 1.0
    e = np.array([way[0] / length, way[1] / length, 0.0])
    return a, way, e, left_of(e), length
