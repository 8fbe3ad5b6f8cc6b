"""What stands on one leg: street lamps, signals, signs, masts and bollards, in the sizes of a European or American street."""

from __future__ import annotations

import numpy as np

from engine.lattice import hash01
from engine.views.drawn.furniture_parts import MANMADE, UP, left_of, level, metal_part, plain_part
from engine.views.drawn.mesh import Glow, Material, part
from engine.views.drawn.solids import Solids


def street_lamp(solids: Solids, at: np.ndarray, towards: np.ndarray, dice: int) -> np.ndarray:
    """A lamp with its arm over the road; answers with the world position of its light."""
    t = level(towards)
    high = 7.0 + 1.8 * hash01(dice, 1, 0)
    reach = 1.5 + 0.9 * hash01(dice, 2, 0)
    grey = ((0.22, 0.23, 0.23), (0.035, 0.04, 0.04), (0.05, 0.08, 0.065))[int(hash01(dice // 64, 3, 0) * 3)]
    metal = metal_part(solids, grey)
    solids.tube(np.array([at - UP * 0.3, at + UP * 0.9]), (0.13, 0.12), metal, 10)
    if hash01(dice // 64, 4, 0) < 0.6:
        s = np.linspace(0, np.pi / 2, 7)
        bend = at + UP * (high - 1.4) + t * (reach * (1 - np.cos(s)))[:, None] + UP * (1.4 * np.sin(s))[:, None]
        solids.tube(np.concatenate([[at + UP * 0.9], bend]), (0.085, 0.065, *np.linspace(0.062, 0.04, 6)), metal, 8)
        end = bend[-1]
    else:
        solids.tube(np.array([at + UP * 0.9, at + UP * high]), (0.085, 0.055), metal, 8)
        end = at + UP * (high - 0.1) + t * reach
        solids.tube(np.array([at + UP * (high - 0.45), end]), (0.045, 0.035), metal, 6)
    side = left_of(t)
    solids.box(end - t * 0.1 - side * 0.15 - UP * 0.04, t * 0.7, side * 0.30, UP * 0.12, metal)
    glass = solids.part(part(Material.PLAIN, (0.75, 0.74, 0.70), MANMADE, roughness=0.3, glow=Glow.STREET_LAMP, glow_level=1.0))
    solids.box(end + t * 0.02 - side * 0.11 - UP * 0.065, t * 0.5, side * 0.22, UP * 0.03, glass)
    return end + t * 0.27 - UP * 0.12


def traffic_light(solids: Solids, at: np.ndarray, towards: np.ndarray, dice: int) -> None:
    """A signal on its post, facing along the road, with a second head on an arm at large junctions."""
    t = level(towards)
    along = left_of(t) * (1.0 if hash01(dice, 5, 0) < 0.5 else -1.0)
    dark = metal_part(solids, (0.03, 0.033, 0.03))
    grey = metal_part(solids)
    solids.tube(np.array([at - UP * 0.3, at + UP * 3.5]), (0.075, 0.06), grey, 8)
    heads = [at + UP * 2.45 + along * 0.12]
    if hash01(dice, 6, 0) < 0.5:
        tip = at + UP * 5.6 + t * 3.6
        solids.tube(np.array([at + UP * 3.5, at + UP * 5.2]), (0.06, 0.055), grey, 8)
        solids.tube(np.array([at + UP * 5.1, at + UP * 5.5 + t * 1.5, tip]), (0.05, 0.045, 0.035), grey, 6)
        heads.append(tip - t * 0.3 - UP * 1.0 + along * 0.1)
    on = int(hash01(dice, 7, 0) * 3)
    for head in heads:
        across = np.cross(UP, along)
        solids.box(head - across * 0.16, along * 0.2, across * 0.32, UP * 0.96, dark)
        for k, rgb in enumerate(((0.02, 0.30, 0.12), (0.45, 0.25, 0.02), (0.45, 0.03, 0.02))):
            lit = k == (0, 2, 2)[on]
            colour = rgb if lit else tuple(0.12 * c for c in rgb)
            lens = solids.part(part(Material.PLAIN, colour, MANMADE, roughness=0.2, glow=Glow.SIGNAL if lit else Glow.NONE))
            centre = head + along * 0.19 + UP * (0.17 + 0.31 * k)
            solids.tube(np.array([centre, centre + along * 0.02]), (0.105, 0.105), lens, 10)
            solids.box(centre - across * 0.12 + UP * 0.10, along * 0.16, across * 0.24, UP * 0.02, dark)


Strokes = tuple[tuple[float, float, float, float], ...]
"""Rectangles on the face of a sign: left, low, right, high in metres from its middle."""


def _letters() -> Strokes:
    """STOP, 0.47 m wide and 0.14 m high."""
    w, h, s = 0.1, 0.14, 0.025
    top, middle, low = (0.0, h - s, w, h), (0.0, (h - s) / 2, w, (h + s) / 2), (0.0, 0.0, w, s)
    left, right = (0.0, 0.0, s, h), (w - s, 0.0, w, h)
    upper_left, upper_right, lower_right = (0.0, h / 2, s, h), (w - s, h / 2, w, h), (w - s, 0.0, w, h / 2)
    words = ((top, middle, low, upper_left, lower_right), (top, ((w - s) / 2, 0.0, (w + s) / 2, h)), (top, low, left, right), (top, middle, left, upper_right))
    return tuple((a + 0.1225 * k - 0.234, b - h / 2, c + 0.1225 * k - 0.234, d - h / 2) for k, letter in enumerate(words) for a, b, c, d in letter)


_WHITE, _RED, _BLACK = (0.66, 0.65, 0.64), (0.42, 0.02, 0.025), (0.03, 0.03, 0.03)
SIGNS: tuple[tuple[int, float, tuple[float, ...], tuple[float, ...], tuple[float, ...], Strokes], ...] = (
    (16, 0.0, _WHITE, _RED, _WHITE, ((-0.2, -0.045, 0.2, 0.045),)),
    (4, np.pi / 4, _WHITE, (0.015, 0.06, 0.24), _WHITE,
        ((-0.085, -0.15, -0.035, 0.15), (-0.035, 0.1, 0.045, 0.15), (-0.035, -0.03, 0.045, 0.02), (0.045, -0.015, 0.09, 0.135))),
    (3, np.pi / 2, _RED, _WHITE, _BLACK, ((-0.03, -0.025, 0.03, 0.14), (-0.03, -0.11, 0.03, -0.055))),
    (8, np.pi / 8, _WHITE, _RED, _WHITE, _letters()),
)  # fmt: skip
"""No entry, parking, danger, stop: corners, the first one's angle, colours of rim, face and mark, the mark."""


def sign(solids: Solids, at: np.ndarray, towards: np.ndarray, dice: int, high: float) -> None:
    """A traffic sign that is known everywhere, on a post, seen along the road."""
    t = level(towards)
    face = left_of(t) * (1.0 if hash01(dice, 5, 0) < 0.5 else -1.0)
    post = metal_part(solids)
    solids.tube(np.array([at - UP * 0.3, at + UP * high]), (0.035, 0.035), post, 7)
    kind = int(hash01(dice, 6, 0) * 4)
    corners, turn, outer, inner, tone, strokes = SIGNS[kind]
    across = np.cross(UP, face)
    centre = at + UP * (high - 0.35) + face * 0.05
    back = plain_part(solids, (0.25, 0.25, 0.25))
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    for size, lift, colour in ((0.38, 0.0, outer), (0.33 if corners == 8 else 0.30, 0.006, inner)):
        paint = plain_part(solids, colour)
        ring = centre + face * lift + size * (np.cos(angles)[:, None] * across + np.sin(angles)[:, None] * UP)
        for k in range(corners):
            solids.quad(centre + face * lift, ring[k], ring[(k + 1) % corners], ring[(k + 1) % corners], paint)
            if lift == 0.0:
                shift = face * 0.01
                solids.quad(centre - shift, ring[(k + 1) % corners] - shift, ring[k] - shift, ring[k] - shift, back)
    mark, before = plain_part(solids, tone), centre + face * 0.012
    for left, low, right, top in strokes:
        corner = before + across * left + UP * low
        wide, tall = across * (right - left), UP * (top - low)
        solids.quad(corner, corner + wide, corner + wide + tall, corner + tall, mark)


def pole(solids: Solids, at: np.ndarray, high: float, dice: int) -> None:
    """A plain mast of wood or steel."""
    wood = hash01(dice, 8, 0) < 0.5
    tone = solids.part(part(Material.BARK if wood else Material.METAL, (0.13, 0.095, 0.065) if wood else (0.20, 0.21, 0.21), MANMADE))
    solids.tube(np.array([at - UP * 0.3, at + UP * high]), (0.14, 0.10), tone, 9)


def bollard(solids: Solids, at: np.ndarray, high: float) -> None:
    """A low post."""
    dark = metal_part(solids, (0.05, 0.055, 0.055))
    high = max(0.8, high)
    solids.tube(np.array([at - UP * 0.2, at + UP * (high - 0.12), at + UP * high]), (0.075, 0.07, 0.03), dark, 9)
    solids.tube(np.array([at + UP * (high - 0.28), at + UP * (high - 0.2)]), (0.078, 0.078), plain_part(solids, (0.6, 0.6, 0.58)), 9)
