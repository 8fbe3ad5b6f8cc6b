"""Small buildings that are no houses: kiosks that sell over a counter, stations of electric current, garden sheds."""

from __future__ import annotations

import numpy as np

from engine.lattice import hash01
from engine.views.drawn import facade_rules as facades
from engine.views.drawn import roofs
from engine.views.drawn.furniture_parts import MANMADE, UP, left_of, level, metal_part, plain_part
from engine.views.drawn.mesh import Material, part
from engine.views.drawn.solids import Solids

Size = tuple[float, float, float]
"""Width of the front, depth, height of the walls, metres."""


def kiosk(solids: Solids, at: np.ndarray, out2: np.ndarray, size: Size, dice: int) -> None:
    """A kiosk whose front, with counter and sign, looks along `out2`, under a flat roof that stands out over it."""
    w, d, h = size
    tone = ((0.10, 0.16, 0.12), (0.05, 0.09, 0.15), (0.46, 0.42, 0.34), (0.24, 0.05, 0.04))[int(hash01(dice, 11, 0) * 4)]
    corner, e, n = _box(at, out2, w, d)
    _walls(solids, corner, e, n, size, facades.METAL_SHEET, tone, dice, front=facades.KIOSK)
    lid = metal_part(solids, (0.09, 0.092, 0.095), 0.6)
    solids.box(corner + UP * h - e * 0.15 - n * 0.55, e * (w + 0.3), n * (d + 0.7), UP * 0.14, lid)
    shelf = metal_part(solids, (0.42, 0.42, 0.41), 0.4)
    solids.box(corner + UP * 0.95 + e * 0.2 - n * 0.28, e * (w - 0.4), n * 0.28, UP * 0.05, shelf)


def substation(solids: Solids, at: np.ndarray, out2: np.ndarray, size: Size, dice: int) -> None:
    """A station of electric current: brick or render, doors of sheet metal with slats towards `out2`, a flat roof of concrete."""
    w, d, h = size
    brick = hash01(dice, 18, 0) < 0.6
    tone = ((0.27, 0.13, 0.09), (0.33, 0.20, 0.13))[int(hash01(dice, 19, 0) * 2)] if brick else (0.46, 0.44, 0.39)
    corner, e, n = _box(at, out2, w, d)
    _walls(solids, corner, e, n, size, facades.BRICK if brick else facades.PLASTER, tone, dice)
    lid = solids.part(part(Material.CONCRETE, (0.36, 0.355, 0.34), MANMADE, seed=dice))
    solids.box(corner + UP * h - (e + n) * 0.14, e * (w + 0.28), n * (d + 0.28), UP * 0.16, lid)
    green = ((0.09, 0.13, 0.10), (0.20, 0.21, 0.215), (0.14, 0.15, 0.17))[int(hash01(dice, 20, 0) * 3)]
    leaf, frame = metal_part(solids, green, 0.55), metal_part(solids, tuple(0.55 * c for c in green), 0.6)
    wide, high = min(0.85, 0.36 * w), min(2.05, h - 0.25)
    middle = corner + e * (w / 2)
    solids.box(middle - e * (wide + 0.07) - n * 0.03 + UP * 0.05, e * (2 * wide + 0.14), n * 0.03, UP * (high + 0.07), frame)
    for left in (-wide, 0.02):
        foot = middle + e * left - n * 0.05 + UP * 0.08
        solids.box(foot, e * (wide - 0.02), n * 0.03, UP * (high - 0.06), leaf)
        for low in (0.25, high - 0.65):
            for k in range(6):
                solids.box(foot + e * 0.12 - n * 0.008 + UP * (low + 0.06 * k), e * (wide - 0.26), n * 0.01, UP * 0.03, frame)
    yellow = plain_part(solids, (0.62, 0.44, 0.02))
    solids.box(middle - e * (0.6 * wide) - n * 0.056 + UP * (0.62 * high), e * 0.2, n * 0.006, UP * 0.2, yellow)


def shed(solids: Solids, at: np.ndarray, e2: np.ndarray, size: Size, dice: int) -> None:
    """A garden shed of boards under a pitched roof, its ridge along `e2`; a plank door and a small window in its front."""
    w, d, h = size
    tone = ((0.20, 0.13, 0.08), (0.33, 0.30, 0.25), (0.10, 0.14, 0.11), (0.25, 0.075, 0.055))[int(hash01(dice, 18, 0) * 4)]
    corner, e, n = _box(at, -left_of(level(e2))[:2], w, d)
    rise = 0.36 * d
    rows = _walls(solids, corner, e, n, size, facades.BOARDS, tone, dice)
    points = [corner, corner + e * w, corner + e * w + n * d, corner + n * d]
    for k in (1, 3):
        a, b = points[k], points[(k + 1) % 4]
        peak = (a + b) / 2 + UP * (h + rise)
        solids.quad(a + UP * h, b + UP * h, peak, peak, rows[k], (0.0, h, d, h, d / 2, h + rise, d / 2, h + rise))
    dark = solids.part(part(Material.BARK, tuple(0.6 * c for c in tone), MANMADE, roughness=0.85, seed=dice))
    trim = plain_part(solids, tuple(min(0.6, 1.7 * c + 0.05) for c in tone))
    left, high = 0.22 * w, min(1.9, h - 0.12)
    solids.box(corner + e * (left - 0.06) - n * 0.025 + UP * 0.02, e * 0.92, n * 0.025, UP * (high + 0.06), trim)
    for k in range(5):
        solids.box(corner + e * (left + 0.16 * k) - n * 0.045 + UP * 0.05, e * 0.15, n * 0.03, UP * (high - 0.05), dark)
    if w > 2.0:
        pane = solids.part(part(Material.GLASS, (0.03, 0.036, 0.04), MANMADE, roughness=0.05))
        at_x = left + 0.92 + 0.5 * (w - left - 0.92) - 0.3
        solids.box(corner + e * (at_x - 0.06) - n * 0.03 + UP * (0.5 * h), e * 0.72, n * 0.03, UP * 0.62, trim)
        for x in (0.0, 0.31):
            solids.box(corner + e * (at_x + x) - n * 0.034 + UP * (0.5 * h + 0.05), e * 0.29, n * 0.006, UP * 0.52, pane)
    felt = solids.part(part(Material.ROOF, (0.085, 0.08, 0.075), MANMADE, roughness=0.9, seed=dice, params=(roofs.SLATE,)))
    ridge = (points[0] + points[3]) / 2 + UP * (h + rise) - e * 0.2
    for start, way, into in ((points[0], e, n), (points[2], -e, -n)):
        low = start - way * 0.2 - into * 0.2 + UP * (h - 0.14)
        top = ridge if way is e else ridge + e * (w + 0.4)
        lift = np.cross(way, top - low)
        solids.box(low, way * (w + 0.4), top - low, lift * (0.05 / float(np.linalg.norm(lift))), felt)


def _box(at: np.ndarray, out2: np.ndarray, w: float, d: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The left corner of a front that looks along `out2`, as seen from before it, and unit vectors along the front and inwards."""
    n = -level(out2)
    e = -left_of(n)
    return at - e * w / 2 - n * d / 2, e, n


def _walls(
    solids: Solids, corner: np.ndarray, e: np.ndarray, n: np.ndarray, size: Size, style: int, tone: tuple[float, ...], dice: int,
    front: int = facades.BLANK,
) -> list[int]:  # fmt: skip
    """Four walls counter-clockwise from the front, and their parts."""
    w, d, h = size
    points = [corner, corner + e * w, corner + e * w + n * d, corner + n * d]
    rows = []
    for k in range(4):
        a, b = points[k], points[(k + 1) % 4]
        length = w if k % 2 == 0 else d
        kind = front if k == 0 else facades.BLANK
        row = part(
            Material.FACADE, tone, MANMADE, seed=(dice + k) & 0x7FFFF8,
            params=(style, length, h, h, 3.0, int(kind != facades.BLANK), kind, 0.9, 0.9, 0.5, 0.5, 0.48),
        )  # fmt: skip
        rows.append(solids.part(row))
        solids.quad(a - UP * 0.3, b - UP * 0.3, b + UP * h, a + UP * h, rows[-1], (0.0, -0.3, length, h))
    return rows
