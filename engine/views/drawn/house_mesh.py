"""A rectangle of house as triangles: walls with their facade, cornice, awnings and balconies; roofs are in `roof_mesh.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.lattice import hash01
from engine.views.drawn import facade_rules as facades
from engine.views.drawn.fronts import Fronts
from engine.views.drawn.house_look import FLAT, GABLE, HIP, MANMADE, Lot, look_of, wall_part
from engine.views.drawn.mesh import Material, part
from engine.views.drawn.rects import Rect
from engine.views.drawn.roof_mesh import flat_roof, pitched_roof
from engine.views.drawn.solids import Solids

UP = np.array([0.0, 0.0, 1.0])


def draw_house(solids: Solids, rect: Rect, feet_m: np.ndarray, paved_m: float, seen: tuple[bool, ...], before: Fronts, seed: int) -> None:
    """Add one rectangle, in lots where it is long.

    `feet_m` (4,) is the world z of the ground at its corners, `paved_m` how far its front is from paving, `seen` which sides are looked at.
    Behind shrubs and fences nobody opens a shop, and `before` a door nothing stands.
    """
    # Doors stand above a slope rather than in it.
    foot = 0.7 * float(feet_m[:2].max()) + 0.3 * float(feet_m[:2].min())
    count = 1
    if rect.width_m > 17.0 and look_of(rect, 0, foot, paved_m, seed).style not in (facades.PANEL, facades.CURTAIN):
        count = max(1, int(np.round(rect.width_m / (8.5 + 5.0 * hash01(rect.family, 30, seed)))))
    edges = rect.corner_m + rect.along * (rect.width_m * np.linspace(0.0, 1.0, count + 1)[:, None])
    looks = [look_of(rect, lot, foot, paved_m, seed, sells=before.sells(edges[lot], edges[lot + 1])) for lot in range(count)]
    if count > 1:
        looks = [replace(look, roof=GABLE) if look.roof == HIP else look for look in looks]
    step = rect.width_m / count
    along = np.array([*rect.along, 0.0])
    for n, look in enumerate(looks):
        base = np.array([*rect.corner_m, foot]) + along * (step * n)
        left = looks[n - 1].wall_m if n else None
        right = looks[n + 1].wall_m if n + 1 < count else None
        own = (rect.seed * 13 + n * 7919) & 0x7FFFFF
        _draw_lot(solids, Lot(base, along, step, rect.depth_m, float(feet_m.min()) - 0.8 - foot, look, own, seed, left, right), before, seen)


def _draw_lot(solids: Solids, lot: Lot, before: Fronts, seen: tuple[bool, ...]) -> None:
    look = lot.look
    corners = lot.corners()
    stone = solids.part(part(Material.CONCRETE, tuple(0.8 * c for c in look.trim), MANMADE, seed=lot.own))
    for side in range(4):
        _wall(solids, lot, before, side, corners[side], corners[(side + 1) % 4], seen[side])
    if look.roof == FLAT:
        flat_roof(solids, lot, stone)
    else:
        pitched_roof(solids, lot)
    if look.storeys > 0 and look.style in (facades.BRICK, facades.STONE, facades.PLASTER):
        # A cornice on front and back.
        for start, way in ((corners[0], lot.along), (corners[2], -lot.along)):
            out = np.array([way[1], -way[0], 0.0])
            for low, high, forth in ((0.22, 0.0, 0.28), (0.42, 0.22, 0.14)):
                solids.box(
                    start + UP * (look.height_m - low) + out * forth, way * lot.width_m, -out * (forth + 0.02), UP * (low - high), stone
                )
    if look.kind == facades.SHOP and lot.dice(50) < 0.5:
        _awning(solids, lot)
    if look.style in (facades.PLASTER, facades.PANEL) and look.storeys >= 2 and lot.dice(52) < 0.45:
        _balconies(solids, lot, stone)


def _wall(solids: Solids, lot: Lot, before: Fronts, side: int, a: np.ndarray, b: np.ndarray, seen: bool) -> None:
    """One side, 0 being the front, from foot `a` to foot `b`."""
    look, bottom = lot.look, lot.low_m
    length = lot.width_m if side % 2 == 0 else lot.depth_m
    neighbour = (None, lot.after_m, None, lot.before_m)[side]
    bays = max(1, int(np.round(length / look.pitch_m)))
    kind = look.kind
    if side != 0 and kind == facades.SHOP and (not seen or lot.dice(46 + side) < 0.5 or not before.sells(a[:2], b[:2])):
        kind = facades.HOUSE
    if neighbour is not None:
        # Of two walls that stand in one place only the higher is built, and only where it rises above the other.
        if neighbour >= look.wall_m - 0.01 + (0.0 if side == 1 else 0.02):
            return
        bottom, bays, kind = max(0.0, neighbour - 0.5), 0, facades.BLANK
    elif not seen and side != 0 and lot.dice(40 + side) < 0.2:
        bays = 0
    elif side % 2 == 1 and length > 5.0 and lot.dice(44) < 0.5:
        bays = max(1, bays - 1)
    if length < 2.0:
        bays = 0
    own = (lot.own + side * 977) & 0x7FFFF8
    door = before.door(a[:2], b[:2], bays, int(hash01(3, 1, own) * bays)) if kind == facades.HOUSE else -1
    row = wall_part(solids, look, length, kind, bays, own, door)
    solids.quad(a + UP * bottom, b + UP * bottom, b + UP * look.wall_m, a + UP * look.wall_m, row, (0.0, bottom, length, look.wall_m))


def _awning(solids: Solids, lot: Lot) -> None:
    tone = ((0.30, 0.03, 0.03), (0.03, 0.10, 0.06), (0.04, 0.07, 0.16), (0.45, 0.40, 0.30))[int(lot.dice(51) * 4)]
    cloth = solids.part(part(Material.CLOTH, tone, MANMADE, roughness=0.9))
    a = lot.base + lot.along * 0.3 + UP * (lot.look.ground_m - 0.85)
    b = a + lot.along * (lot.width_m - 0.6)
    forth, thin = -lot.inward * 1.1 - UP * 0.55, UP * 0.02
    solids.quad(a + forth, b + forth, b, a, cloth)
    solids.quad(b + forth - thin, a + forth - thin, a - thin, b - thin, cloth)
    hem = UP * 0.22
    solids.quad(a + forth - hem, b + forth - hem, b + forth, a + forth, cloth)
    solids.quad(b + forth - hem + lot.inward * 0.01, a + forth - hem + lot.inward * 0.01, a + forth, b + forth, cloth)


def _balconies(solids: Solids, lot: Lot, slab: int) -> None:
    """On every other bay of the front a slab with a railing."""
    look, e, n = lot.look, lot.along, lot.inward
    rail = solids.part(part(Material.METAL, (0.05, 0.055, 0.06), MANMADE, roughness=0.5, metallic=0.3))
    bays = max(1, int(np.round(lot.width_m / look.pitch_m)))
    pitch = lot.width_m / bays
    w = pitch - 0.5
    bars = max(1, int(w / 0.14))
    for storey in range(look.storeys):
        for bay in range(int(lot.dice(53) * 2), bays, 2):
            a = lot.base + e * (bay * pitch + 0.25) + UP * (look.ground_m + storey * look.storey_m - 0.05) - n * 1.1
            solids.box(a, e * w, n * 1.1, UP * 0.16, slab)
            solids.box(a + UP * 1.12, e * w, n * 0.05, UP * 0.05, rail)
            for k in range(bars + 1):
                solids.box(a + e * (k * (w - 0.03) / bars) + UP * 0.16, e * 0.025, n * 0.025, UP * 0.96, rail)
            for end in (0.0, w - 0.05):
                solids.box(a + e * end + UP * 1.12, e * 0.05, n * 1.1, UP * 0.05, rail)
                for k in range(1, 7):
                    solids.box(a + e * end + n * (k * 0.155) + UP * 0.16, e * 0.025, n * 0.025, UP * 0.96, rail)
