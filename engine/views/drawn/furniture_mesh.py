"""What stands about in a street: bins, cabinets, benches, planters, shelters, boards for posters."""

from __future__ import annotations

import numpy as np

from engine.lattice import hash01
from engine.views.drawn import posters
from engine.views.drawn.furniture_parts import MANMADE, OTHERS, UP, left_of, level, metal_part, plain_part
from engine.views.drawn.mesh import Material, part
from engine.views.drawn.solids import Solids


def bin_(solids: Solids, at: np.ndarray, dice: int) -> None:
    """A litter bin."""
    tone = ((0.02, 0.06, 0.035), (0.05, 0.05, 0.055), (0.02, 0.04, 0.09))[int(hash01(dice, 9, 0) * 3)]
    body = metal_part(solids, tone, 0.55)
    solids.tube(np.array([at - UP * 0.05, at + UP * 0.85]), (0.24, 0.27), body, 12)
    solids.tube(np.array([at + UP * 0.86, at + UP * 0.95, at + UP * 1.04]), (0.29, 0.27, 0.12), metal_part(solids, (0.03, 0.03, 0.03)), 12)


def cabinet(solids: Solids, at: np.ndarray, towards: np.ndarray, size: tuple[float, float, float], dice: int) -> None:
    """A street cabinet of (width, depth, height) metres on its plinth."""
    t = level(towards)
    e = left_of(t)
    w, d, h = size
    tone = ((0.10, 0.14, 0.11), (0.32, 0.32, 0.30), (0.20, 0.21, 0.22))[int(hash01(dice, 10, 0) * 3)]
    corner = at - e * w / 2 - t * d / 2
    stone = solids.part(part(Material.CONCRETE, (0.36, 0.35, 0.33), MANMADE, seed=dice))
    paint = metal_part(solids, tone, 0.5)
    solids.box(corner - UP * 0.2 - (t + e) * 0.04, t * (d + 0.08), e * (w + 0.08), UP * 0.32, stone)
    solids.box(corner + UP * 0.12, t * d, e * w, UP * (h - 0.18), paint)
    solids.box(corner + UP * (h - 0.06) - (t + e) * 0.03, t * (d + 0.06), e * (w + 0.06), UP * 0.06, paint)
    if w > 0.7:
        solids.box(
            corner + t * d + e * (w / 2 - 0.008) + UP * 0.2, t * 0.004, e * 0.016, UP * (h - 0.36), plain_part(solids, (0.02, 0.02, 0.02))
        )


def planter(solids: Solids, at: np.ndarray, e2: np.ndarray, size: tuple[float, float, float], dice: int) -> None:
    """A low block of concrete: a plinth, a bed's edge or a block against cars."""
    e = level(e2)
    n = left_of(e)
    w, d, h = size
    stone = solids.part(part(Material.CONCRETE, (0.40, 0.385, 0.35), MANMADE, seed=dice))
    corner = at - e * w / 2 - n * d / 2
    solids.box(corner - UP * 0.3, e * w, n * d, UP * (h + 0.3 - 0.08), stone)
    solids.box(corner - (e + n) * 0.04 + UP * (h - 0.08), e * (w + 0.08), n * (d + 0.08), UP * 0.08, stone)


def bench(solids: Solids, at: np.ndarray, e2: np.ndarray) -> None:
    """A bench of slats."""
    e = level(e2)
    n = left_of(e)
    wood = solids.part(part(Material.BARK, (0.22, 0.13, 0.07), OTHERS, roughness=0.7))
    iron = metal_part(solids, (0.04, 0.04, 0.04), class_id=OTHERS)
    corner = at - e * 0.85 - n * 0.2
    for k in range(4):
        solids.box(corner + n * (0.11 * k) + UP * 0.43, e * 1.7, n * 0.09, UP * 0.035, wood)
    for k in range(3):
        solids.box(corner - n * (0.03 + 0.02 * k) + UP * (0.52 + 0.11 * k), e * 1.7, n * 0.03, UP * 0.09, wood)
    for x in (0.15, 1.5):
        solids.box(corner + e * x - n * 0.06, e * 0.05, n * 0.48, UP * 0.43, iron)
        solids.box(corner + e * x - n * 0.07 + UP * 0.43, e * 0.05, n * 0.05, UP * 0.42, iron)


def shelter(solids: Solids, at: np.ndarray, out2: np.ndarray, long: float, dice: int) -> None:
    """A shelter of glass where buses stop: it opens towards `out2`."""
    n = level(out2)
    e = -left_of(n)
    w, d, h = float(np.clip(long, 2.6, 4.6)), 1.3, 2.45
    iron = metal_part(solids, ((0.05, 0.055, 0.06), (0.30, 0.31, 0.32), (0.03, 0.06, 0.05))[int(hash01(dice, 16, 0) * 3)])
    glass = solids.part(part(Material.GLASS, (0.10, 0.13, 0.125), MANMADE, roughness=0.05))
    a = at - e * w / 2 - n * d / 2
    posts = 3
    for k in range(posts):
        solids.box(a + e * (k * (w - 0.07) / (posts - 1)) - UP * 0.2, e * 0.07, n * 0.07, UP * (h + 0.2), iron)
    for k in (0, posts - 1):
        solids.box(a + e * (k * (w - 0.07) / (posts - 1)) + n * (d - 0.07) - UP * 0.2, e * 0.07, n * 0.07, UP * (h + 0.2), iron)
    for k in range(posts - 1):
        step = (w - 0.07) / (posts - 1)
        solids.box(a + e * (k * step + 0.1) + n * 0.025 + UP * 0.25, e * (step - 0.13), n * 0.015, UP * (h - 0.45), glass)
    solids.box(a + e * 0.02 + n * 0.1 + UP * 0.25, e * 0.03, n * (d - 0.3), UP * (h - 0.5), iron)
    for side, way in ((0.012, -n), (0.058, n)):
        foot = a + e * side + n * (0.18 if way is n else d - 0.28) + UP * 0.45
        _poster(solids, foot, way, d - 0.46, h - 0.9, dice + (way is n), 0.7)
    solids.box(a - e * 0.15 - n * 0.12 + UP * h, e * (w + 0.3), n * (d + 0.5), UP * 0.1, iron)
    wood = solids.part(part(Material.BARK, (0.20, 0.13, 0.08), MANMADE))
    solids.box(a + e * 0.4 + n * 0.12 + UP * 0.45, e * (w - 0.8), n * 0.36, UP * 0.05, wood)
    for x in (0.6, w - 0.7):
        solids.box(a + e * x + n * 0.26, e * 0.08, n * 0.08, UP * 0.45, iron)


def billboard(solids: Solids, at: np.ndarray, out2: np.ndarray, long: float, dice: int) -> None:
    """A board for posters on two legs; its face looks along `out2`."""
    n = level(out2)
    e = -left_of(n)
    w, low, h = float(np.clip(long, 2.2, 4.2)), 0.7, 2.5
    iron = metal_part(solids, (0.06, 0.065, 0.065))
    a = at - e * w / 2
    for x in (0.25, w - 0.35):
        solids.box(a + e * x - n * 0.08 - UP * 0.3, e * 0.1, n * 0.1, UP * (low + 0.6), iron)
    solids.box(a - n * 0.05 + UP * low, e * w, n * 0.12, UP * h, iron)
    _poster(solids, a + e * (w - 0.09) + n * 0.075 + UP * (low + 0.09), -e, w - 0.18, h - 0.18, dice, 0.25)


def _poster(solids: Solids, foot: np.ndarray, along: np.ndarray, wide: float, high: float, dice: int, lit: float) -> None:
    """A poster from its lower left corner as its reader sees it, going `along`; `lit` is how much of its paper's colour it sends out at night."""
    design, tone = int(hash01(dice, 17, 0) * len(posters.DESIGNS)), int(hash01(dice, 18, 0) * posters.TONES)
    row = solids.part(part(Material.POSTER, class_id=MANMADE, seed=dice, glow_level=lit, params=(wide, high, design, tone)))
    a, b, up = foot, foot + along * wide, UP * high
    solids.quad(a, b, b + up, a + up, row, (0.0, 0.0, wide, high))
