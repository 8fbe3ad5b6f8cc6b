"""Street furniture as triangles: lamps, signals, signs, walls, fences, boxes, benches. Sizes are those of a European or American street."""

from __future__ import annotations

import numpy as np

from engine.lattice import hash01
from engine.spec.classes import CLASS
from engine.views.drawn import facades
from engine.views.drawn.mesh import Glow, Material, part
from engine.views.drawn.solids import Solids

MANMADE = CLASS["manmade"]
OTHERS = CLASS["others"]
_UP = np.array([0.0, 0.0, 1.0])


def _metal(solids: Solids, rgb: tuple[float, float, float] = (0.20, 0.21, 0.21), roughness: float = 0.45, class_id: int = MANMADE) -> int:
    return solids.part(part(Material.METAL, rgb, class_id, roughness=roughness, metallic=0.5))


def _plain(solids: Solids, rgb: tuple[float, float, float], class_id: int = MANMADE) -> int:
    return solids.part(part(Material.PLAIN, rgb, class_id, roughness=0.6))


def _flat(v: np.ndarray) -> np.ndarray:
    return np.array([v[0], v[1], 0.0])


def _left(e: np.ndarray) -> np.ndarray:
    return np.array([-e[1], e[0], 0.0])


def street_lamp(solids: Solids, at: np.ndarray, towards: np.ndarray, dice: int) -> np.ndarray:
    """A lamp with its arm over the road; answers with the world position of its light."""
    t = _flat(towards)
    high = 7.0 + 1.8 * hash01(dice, 1, 0)
    reach = 1.5 + 0.9 * hash01(dice, 2, 0)
    grey = ((0.22, 0.23, 0.23), (0.035, 0.04, 0.04), (0.05, 0.08, 0.065))[int(hash01(dice // 64, 3, 0) * 3)]
    metal = _metal(solids, grey)
    solids.tube(np.array([at - _UP * 0.3, at + _UP * 0.9]), (0.13, 0.12), metal, 10)
    if hash01(dice // 64, 4, 0) < 0.6:
        s = np.linspace(0, np.pi / 2, 7)
        bend = at + _UP * (high - 1.4) + t * (reach * (1 - np.cos(s)))[:, None] + _UP * (1.4 * np.sin(s))[:, None]
        solids.tube(np.concatenate([[at + _UP * 0.9], bend]), (0.085, 0.065, *np.linspace(0.062, 0.04, 6)), metal, 8)
        end = bend[-1]
    else:
        solids.tube(np.array([at + _UP * 0.9, at + _UP * high]), (0.085, 0.055), metal, 8)
        end = at + _UP * (high - 0.1) + t * reach
        solids.tube(np.array([at + _UP * (high - 0.45), end]), (0.045, 0.035), metal, 6)
    side = _left(t)
    solids.box(end - t * 0.1 - side * 0.15 - _UP * 0.04, t * 0.7, side * 0.30, _UP * 0.12, metal)
    glass = solids.part(part(Material.PLAIN, (0.75, 0.74, 0.70), MANMADE, roughness=0.3, glow=Glow.STREET_LAMP, glow_level=1.0))
    solids.box(end + t * 0.02 - side * 0.11 - _UP * 0.065, t * 0.5, side * 0.22, _UP * 0.03, glass)
    return end + t * 0.27 - _UP * 0.12


def traffic_light(solids: Solids, at: np.ndarray, towards: np.ndarray, dice: int) -> None:
    """A signal on its post, facing along the road, with a second head on an arm at large junctions."""
    t = _flat(towards)
    along = _left(t) * (1.0 if hash01(dice, 5, 0) < 0.5 else -1.0)
    dark = _metal(solids, (0.03, 0.033, 0.03))
    grey = _metal(solids)
    solids.tube(np.array([at - _UP * 0.3, at + _UP * 3.5]), (0.075, 0.06), grey, 8)
    heads = [at + _UP * 2.45 + along * 0.12]
    if hash01(dice, 6, 0) < 0.5:
        tip = at + _UP * 5.6 + t * 3.6
        solids.tube(np.array([at + _UP * 3.5, at + _UP * 5.2]), (0.06, 0.055), grey, 8)
        solids.tube(np.array([at + _UP * 5.1, at + _UP * 5.5 + t * 1.5, tip]), (0.05, 0.045, 0.035), grey, 6)
        heads.append(tip - t * 0.3 - _UP * 1.0 + along * 0.1)
    on = int(hash01(dice, 7, 0) * 3)
    for head in heads:
        across = np.cross(_UP, along)
        solids.box(head - across * 0.16, along * 0.2, across * 0.32, _UP * 0.96, dark)
        for k, rgb in enumerate(((0.02, 0.30, 0.12), (0.45, 0.25, 0.02), (0.45, 0.03, 0.02))):
            lit = k == (0, 2, 2)[on]
            colour = rgb if lit else tuple(0.12 * c for c in rgb)
            lens = solids.part(part(Material.PLAIN, colour, MANMADE, roughness=0.2, glow=Glow.SIGNAL if lit else Glow.NONE))
            centre = head + along * 0.19 + _UP * (0.17 + 0.31 * k)
            solids.tube(np.array([centre, centre + along * 0.02]), (0.105, 0.105), lens, 10)
            solids.box(centre - across * 0.12 + _UP * 0.10, along * 0.16, across * 0.24, _UP * 0.02, dark)


def sign(solids: Solids, at: np.ndarray, towards: np.ndarray, dice: int, high: float) -> None:
    """A traffic sign: a round, square or three-cornered face on a post, seen along the road."""
    t = _flat(towards)
    face = _left(t) * (1.0 if hash01(dice, 5, 0) < 0.5 else -1.0)
    post = _metal(solids)
    solids.tube(np.array([at - _UP * 0.3, at + _UP * high]), (0.035, 0.035), post, 7)
    kind = int(hash01(dice, 6, 0) * 4)
    corners, turn, outer, inner = (
        (16, 0.0, (0.42, 0.02, 0.025), (0.72, 0.71, 0.70)),
        (4, np.pi / 4, (0.62, 0.62, 0.62), (0.015, 0.06, 0.24)),
        (3, np.pi / 2, (0.42, 0.02, 0.025), (0.72, 0.71, 0.70)),
        (8, np.pi / 8, (0.62, 0.60, 0.58), (0.40, 0.015, 0.02)),
    )[kind]
    across = np.cross(_UP, face)
    centre = at + _UP * (high - 0.35) + face * 0.05
    back = _plain(solids, (0.25, 0.25, 0.25))
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    for size, lift, tone in ((0.38, 0.0, outer), (0.30, 0.006, inner)):
        paint = _plain(solids, tone)
        ring = centre + face * lift + size * (np.cos(angles)[:, None] * across + np.sin(angles)[:, None] * _UP)
        for k in range(corners):
            solids.quad(centre + face * lift, ring[k], ring[(k + 1) % corners], ring[(k + 1) % corners], paint)
            if lift == 0.0:
                shift = face * 0.01
                solids.quad(centre - shift, ring[(k + 1) % corners] - shift, ring[k] - shift, ring[k] - shift, back)
    mark = _plain(solids, (0.03, 0.03, 0.03) if kind in (0, 2) else (0.72, 0.72, 0.72))
    solids.box(centre + face * 0.006 - across * 0.03 - _UP * 0.12, face * 0.004, across * 0.06, _UP * 0.22, mark)


def pole(solids: Solids, at: np.ndarray, high: float, dice: int) -> None:
    """A plain mast of wood or steel."""
    wood = hash01(dice, 8, 0) < 0.5
    tone = solids.part(part(Material.BARK if wood else Material.METAL, (0.13, 0.095, 0.065) if wood else (0.20, 0.21, 0.21), MANMADE))
    solids.tube(np.array([at - _UP * 0.3, at + _UP * high]), (0.14, 0.10), tone, 9)


def bollard(solids: Solids, at: np.ndarray, high: float, dice: int) -> None:
    """A low post."""
    del dice
    dark = _metal(solids, (0.05, 0.055, 0.055))
    high = max(0.8, high)
    solids.tube(np.array([at - _UP * 0.2, at + _UP * (high - 0.12), at + _UP * high]), (0.075, 0.07, 0.03), dark, 9)
    solids.tube(np.array([at + _UP * (high - 0.28), at + _UP * (high - 0.2)]), (0.078, 0.078), _plain(solids, (0.6, 0.6, 0.58)), 9)


def bin_(solids: Solids, at: np.ndarray, dice: int) -> None:
    """A litter bin."""
    tone = ((0.02, 0.06, 0.035), (0.05, 0.05, 0.055), (0.02, 0.04, 0.09))[int(hash01(dice, 9, 0) * 3)]
    body = _metal(solids, tone, 0.55)
    solids.tube(np.array([at - _UP * 0.05, at + _UP * 0.85]), (0.24, 0.27), body, 12)
    solids.tube(np.array([at + _UP * 0.86, at + _UP * 0.95, at + _UP * 1.04]), (0.29, 0.27, 0.12), _metal(solids, (0.03, 0.03, 0.03)), 12)


def cabinet(solids: Solids, at: np.ndarray, towards: np.ndarray, size: tuple[float, float, float], dice: int) -> None:
    """A street cabinet of (width, depth, height) metres on its plinth."""
    t = _flat(towards)
    e = _left(t)
    w, d, h = size
    tone = ((0.10, 0.14, 0.11), (0.32, 0.32, 0.30), (0.20, 0.21, 0.22))[int(hash01(dice, 10, 0) * 3)]
    corner = at - e * w / 2 - t * d / 2
    stone = solids.part(part(Material.CONCRETE, (0.36, 0.35, 0.33), MANMADE, seed=dice))
    paint = _metal(solids, tone, 0.5)
    solids.box(corner - _UP * 0.2 - (t + e) * 0.04, t * (d + 0.08), e * (w + 0.08), _UP * 0.32, stone)
    solids.box(corner + _UP * 0.12, t * d, e * w, _UP * (h - 0.18), paint)
    solids.box(corner + _UP * (h - 0.06) - (t + e) * 0.03, t * (d + 0.06), e * (w + 0.06), _UP * 0.06, paint)
    if w > 0.7:
        solids.box(
            corner + t * d + e * (w / 2 - 0.008) + _UP * 0.2, t * 0.004, e * 0.016, _UP * (h - 0.36), _plain(solids, (0.02, 0.02, 0.02))
        )


def planter(solids: Solids, at: np.ndarray, e2: np.ndarray, size: tuple[float, float, float], dice: int) -> None:
    """A low block of concrete: a plinth, a bed's edge or a block against cars."""
    e = _flat(e2)
    n = _left(e)
    w, d, h = size
    stone = solids.part(part(Material.CONCRETE, (0.40, 0.385, 0.35), MANMADE, seed=dice))
    corner = at - e * w / 2 - n * d / 2
    solids.box(corner - _UP * 0.3, e * w, n * d, _UP * (h + 0.3 - 0.08), stone)
    solids.box(corner - (e + n) * 0.04 + _UP * (h - 0.08), e * (w + 0.08), n * (d + 0.08), _UP * 0.08, stone)


def kiosk(solids: Solids, at: np.ndarray, e2: np.ndarray, size: tuple[float, float, float], dice: int) -> None:
    """A small flat-roofed hut."""
    e = _flat(e2)
    n = _left(e)
    w, d, h = size
    tone = ((0.30, 0.33, 0.31), (0.10, 0.16, 0.12), (0.46, 0.42, 0.34), (0.27, 0.12, 0.085))[int(hash01(dice, 11, 0) * 4)]
    style = facades.BRICK if tone[0] < 0.28 and tone[0] > 0.2 else facades.METAL_SHEET
    corner = at - e * w / 2 - n * d / 2
    points = [corner, corner + e * w, corner + e * w + n * d, corner + n * d]
    for k in range(4):
        a, b = points[k], points[(k + 1) % 4]
        length = w if k % 2 == 0 else d
        row = solids.part(
            part(
                Material.FACADE, tone, MANMADE, seed=(dice + k) & 0x7FFFF8,
                params=(style, length, h, h, 3.0, 1 if k == 0 and length > 1.8 else 0, facades.HOUSE, 0.9, 0.9, 0.5, 0.5, 0.48),
            )
        )  # fmt: skip
        solids.quad(a - _UP * 0.3, b - _UP * 0.3, b + _UP * h, a + _UP * h, row, (0.0, -0.3, length, h))
    lid = solids.part(part(Material.CONCRETE, (0.30, 0.30, 0.29), MANMADE, seed=dice))
    solids.box(corner + _UP * h - (e + n) * 0.18, e * (w + 0.36), n * (d + 0.36), _UP * 0.14, lid)


def bench(solids: Solids, at: np.ndarray, e2: np.ndarray, dice: int) -> None:
    """A bench of slats."""
    del dice
    e = _flat(e2)
    n = _left(e)
    wood = solids.part(part(Material.BARK, (0.22, 0.13, 0.07), OTHERS, roughness=0.7))
    iron = _metal(solids, (0.04, 0.04, 0.04), class_id=OTHERS)
    corner = at - e * 0.85 - n * 0.2
    for k in range(4):
        solids.box(corner + n * (0.11 * k) + _UP * 0.43, e * 1.7, n * 0.09, _UP * 0.035, wood)
    for k in range(3):
        solids.box(corner - n * (0.03 + 0.02 * k) + _UP * (0.52 + 0.11 * k), e * 1.7, n * 0.03, _UP * 0.09, wood)
    for x in (0.15, 1.5):
        solids.box(corner + e * x - n * 0.06, e * 0.05, n * 0.48, _UP * 0.43, iron)
        solids.box(corner + e * x - n * 0.07 + _UP * 0.43, e * 0.05, n * 0.05, _UP * 0.42, iron)


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
    solids.box(a - n * 0.12 - _UP * 0.4, way, n * 0.24, _UP * (high + 0.4 - 0.08), row)
    solids.box(a - n * 0.17 + _UP * (high - 0.08), way, n * 0.34, _UP * 0.09, stone)
    for k in range(int(length / 3.2) + 2):
        t = min(1.0, k / max(1, int(length / 3.2) + 1))
        p = a + way * t - e * 0.2 - n * 0.2
        solids.box(p - _UP * 0.4, e * 0.4, n * 0.4, _UP * (high + 0.52), row)
        solids.box(p - (e + n) * 0.05 + _UP * (high + 0.12), e * 0.5, n * 0.5, _UP * 0.1, stone)


def railing(solids: Solids, ends: np.ndarray, feet: np.ndarray, high: float, dice: int) -> None:
    """An iron railing on a low kerb."""
    del dice
    high = max(0.9, high)
    iron = _metal(solids, (0.025, 0.028, 0.028), 0.5)
    stone = solids.part(part(Material.CONCRETE, (0.38, 0.365, 0.34), MANMADE))
    a, way, e, n, length = _base(ends, feet)
    solids.box(a - n * 0.11 - _UP * 0.3, way, n * 0.22, _UP * 0.44, stone)
    for z in (0.22, high - 0.1):
        solids.box(a - n * 0.02 + _UP * z, way, n * 0.04, _UP * 0.045, iron)
    count = max(2, int(length / 0.15))
    for k in range(count + 1):
        thick = 0.05 if k % 12 == 0 else 0.022
        solids.box(
            a + way * (k / count) - (e + n) * thick / 2 + _UP * 0.14,
            e * thick,
            n * thick,
            _UP * (high - 0.14 + (0.06 if k % 12 == 0 else 0.0)),
            iron,
        )


def board_fence(solids: Solids, ends: np.ndarray, feet: np.ndarray, high: float, dice: int) -> None:
    """A fence of upright boards between posts."""
    tone = ((0.20, 0.13, 0.08), (0.30, 0.25, 0.19), (0.14, 0.10, 0.07))[int(hash01(dice, 14, 0) * 3)]
    a, way, e, n, length = _base(ends, feet)
    posts = solids.part(part(Material.BARK, tuple(0.8 * c for c in tone), MANMADE))
    tones = [solids.part(part(Material.BARK, tuple(c * k for c in tone), MANMADE, roughness=0.85)) for k in (0.85, 1.0, 1.15)]
    count = max(2, int(length / 0.16))
    step = way / count
    for k in range(count):
        lift = 0.05 * hash01(dice, 100 + k, 0)
        solids.box(
            a + step * k - n * 0.012 + _UP * 0.06,
            step * 0.93,
            n * 0.024,
            _UP * (high - 0.1 + lift),
            tones[int(hash01(dice, 200 + k, 0) * 3)],
        )
    spans = max(1, int(np.round(length / 2.2)))
    for k in range(spans + 1):
        solids.box(a + way * (k / spans) - e * 0.05 - n * 0.05 - _UP * 0.4, e * 0.1, n * 0.1, _UP * (high + 0.45), posts)


def hoarding(solids: Solids, ends: np.ndarray, feet: np.ndarray, high: float, dice: int) -> None:
    """A tall plain wall with a coping: of a yard, a ramp or a building site."""
    tone = ((0.42, 0.40, 0.37), (0.34, 0.33, 0.31), (0.46, 0.42, 0.34))[int(hash01(dice, 15, 0) * 3)]
    row = solids.part(part(Material.FACADE, tone, MANMADE, seed=dice, params=(facades.STONE, 99.0, 99.0, 99.0, 3.0, 0, facades.BLANK)))
    stone = solids.part(part(Material.CONCRETE, (0.40, 0.385, 0.36), MANMADE, seed=dice))
    a, way, _, n, _ = _base(ends, feet)
    solids.box(a - n * 0.2 - _UP * 0.4, way, n * 0.4, _UP * (high + 0.3), row)
    solids.box(a - n * 0.26 + _UP * (high - 0.1), way, n * 0.52, _UP * 0.12, stone)


def _base(ends: np.ndarray, feet: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Start, way along the ground, level unit vectors along and to the left, and the length, of a run between two points."""
    a, b = np.array([*ends[0], feet[0]]), np.array([*ends[1], feet[1]])
    way = b - a
    length = float(np.hypot(way[0], way[1])) or 1.0
    e = np.array([way[0] / length, way[1] / length, 0.0])
    return a, way, e, _left(e), length
