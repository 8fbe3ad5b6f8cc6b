"""A rectangle of house as triangles: storeys and style by dice of its place, walls with their facade, cornice, roof and what stands on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.lattice import hash01
from engine.spec.classes import CLASS
from engine.views.drawn import facades, roofs
from engine.views.drawn.houses import Rect
from engine.views.drawn.mesh import Material, part
from engine.views.drawn.solids import Solids

MANMADE = CLASS["manmade"]
_WALLS = {
    facades.PLASTER: (
        (0.62, 0.57, 0.48),
        (0.66, 0.64, 0.60),
        (0.55, 0.44, 0.31),
        (0.52, 0.50, 0.46),
        (0.58, 0.40, 0.31),
        (0.42, 0.46, 0.46),
        (0.64, 0.55, 0.38),
    ),
    facades.BRICK: (
        (0.27, 0.105, 0.07),
        (0.33, 0.16, 0.10),
        (0.22, 0.10, 0.075),
        (0.38, 0.25, 0.16),
        (0.19, 0.115, 0.09),
        (0.42, 0.33, 0.24),
    ),
    facades.STONE: ((0.50, 0.45, 0.37), (0.43, 0.40, 0.35), (0.38, 0.31, 0.24), (0.56, 0.52, 0.45)),
    facades.BOARDS: (
        (0.62, 0.61, 0.58),
        (0.36, 0.43, 0.45),
        (0.50, 0.45, 0.33),
        (0.30, 0.36, 0.31),
        (0.40, 0.14, 0.11),
        (0.56, 0.52, 0.44),
    ),
    facades.PANEL: ((0.47, 0.46, 0.44), (0.40, 0.38, 0.35), (0.52, 0.49, 0.44)),
    facades.CURTAIN: ((0.20, 0.21, 0.22), (0.10, 0.11, 0.12), (0.34, 0.34, 0.33)),
    facades.METAL_SHEET: ((0.44, 0.46, 0.47), (0.30, 0.34, 0.37), (0.50, 0.48, 0.44)),
}
_TRIMS = ((0.66, 0.64, 0.60), (0.60, 0.55, 0.46), (0.46, 0.42, 0.36), (0.70, 0.69, 0.66))
_TILES = ((0.24, 0.085, 0.05), (0.19, 0.075, 0.05), (0.13, 0.06, 0.045), (0.085, 0.085, 0.09), (0.15, 0.13, 0.12))
FLAT, GABLE, HIP = range(3)


@dataclass(frozen=True, slots=True)
class Look:
    """What dice decided of one house."""

    style: int
    wall: tuple[float, float, float]
    trim: tuple[float, float, float]
    ground_m: float
    storey_m: float
    storeys: int
    """Above the ground floor."""
    pitch_m: float
    open_m: tuple[float, float]
    kind: int
    roof: int
    cover: int
    tiles: tuple[float, float, float]

    @property
    def height_m(self) -> float:
        return self.ground_m + self.storeys * self.storey_m


def look_of(rect: Rect, lot: int, foot_m: float, paved_m: float, seed: int) -> Look:
    """Dice for one lot of a rectangle: what its row shares by `family`, the rest by its own; `paved_m` is how near the pavement is."""

    def family(salt: int) -> float:
        return hash01(rect.family, salt, seed)

    def own(salt: int) -> float:
        return hash01(rect.seed, salt + 64 * lot, seed)

    district = hash01(int(np.floor(rect.corner_m[0] / 160.0)), int(np.floor(rect.corner_m[1] / 160.0)), seed + 17)
    seen = rect.wall_top_m - foot_m
    big = rect.width_m * rect.depth_m
    if not rect.reaches_top:
        style = (facades.BRICK, facades.BOARDS, facades.PLASTER, facades.BOARDS)[int(family(1) * 4)]
        storeys = 0
        ground = max(2.5, seen)
    else:
        table = (
            facades.BRICK,
            facades.BRICK,
            facades.PLASTER,
            facades.STONE,
            facades.PLASTER,
            facades.PANEL,
            facades.BOARDS,
            facades.CURTAIN,
        )
        style = table[int((0.7 * family(1) + 0.3 * own(1)) * 7.999)]
        if style == facades.CURTAIN and big < 150.0:
            style = facades.PLASTER
        if style in (facades.BOARDS,) and big > 260.0:
            style = facades.BRICK
        base = 2.0 + 2.6 * district + 1.2 * (family(2) - 0.5)
        storeys = int(np.clip(np.round(base + 0.8 * (own(2) - 0.5)), 1, 5))
        if min(rect.width_m, rect.depth_m) < 4.5:
            storeys = min(storeys, 2)
        if style == facades.BOARDS:
            storeys = min(storeys, 2)
        if style in (facades.PANEL, facades.CURTAIN):
            storeys += 1
        ground = 3.2 + 0.5 * family(3)
        while ground + storeys * 3.1 < seen:
            storeys += 1
    storey = 3.0 + 0.45 * family(4)
    kind = facades.HOUSE
    if storeys > 0 and paved_m < 6.0 and style != facades.BOARDS:
        kind = facades.SHOP if family(5) < 0.55 else facades.HOUSE
        if style in (facades.PANEL, facades.CURTAIN):
            kind = facades.LOBBY
    if kind == facades.SHOP:
        ground = max(ground, 3.9)
    walls = _WALLS[style]
    wall = walls[int(own(6) * len(walls))]
    shade = 0.88 + 0.24 * own(7)
    pitch = (2.5 + 0.9 * family(8)) if style not in (facades.PANEL, facades.CURTAIN) else 3.0 + 1.0 * family(8)
    sizes = {
        facades.PLASTER: (1.15 + 0.5 * family(9), 1.5),
        facades.BRICK: (1.0 + 0.25 * family(9), 1.65),
        facades.STONE: (1.05 + 0.2 * family(9), 1.95),
        facades.BOARDS: (1.05, 1.4),
        facades.PANEL: (pitch - 0.9, 1.6),
        facades.CURTAIN: (pitch - 0.12, storey - 0.75),
        facades.METAL_SHEET: (pitch - 0.8, 1.3),
    }
    roof = FLAT
    if style not in (facades.PANEL, facades.CURTAIN) and rect.depth_m < 13.5 and rect.width_m >= 4.0 and rect.depth_m >= 3.5:
        roof = GABLE if family(10) < (0.85 if style == facades.BOARDS or storeys <= 1 else 0.4) else FLAT
        if roof == GABLE and family(11) < 0.35:
            roof = HIP
    return Look(
        style,
        (wall[0] * shade, wall[1] * shade, wall[2] * shade),
        _TRIMS[int(family(12) * len(_TRIMS))],
        ground,
        storey,
        storeys,
        pitch,
        sizes[style],
        kind,
        roof,
        roofs.TILES if family(13) < 0.6 else roofs.SLATE,
        _TILES[int(family(14) * 3) if family(13) < 0.6 else 3 + int(family(14) * 2)],
    )


def draw_house(solids: Solids, rect: Rect, feet_m: np.ndarray, paved_m: float, seed: int) -> None:
    """Add one rectangle, in lots where it is long; `feet_m` (4,) is the world z of the ground at its corners."""
    foot = float(np.median(feet_m))
    lots = 1
    if rect.width_m > 17.0 and look_of(rect, 0, foot, paved_m, seed).style not in (facades.PANEL, facades.CURTAIN):
        lots = max(1, int(np.round(rect.width_m / (8.5 + 5.0 * hash01(rect.family, 30, seed)))))
    looks = [look_of(rect, lot, foot, paved_m, seed) for lot in range(lots)]
    if lots > 1:
        # Ridges and eaves of a row would otherwise end in the neighbour's wall at any height.
        looks = [look if look.roof != HIP else Look(**{**{f: getattr(look, f) for f in Look.__slots__}, "roof": GABLE}) for look in looks]
    low = float(feet_m.min()) - 0.8
    step = rect.width_m / lots
    for lot, look in enumerate(looks):
        before = looks[lot - 1].height_m if lot else None
        after = looks[lot + 1].height_m if lot + 1 < lots else None
        _draw_lot(solids, rect, look, rect.corner_m + rect.along * step * lot, step, foot, low, before, after, lot, seed)


def _wall_part(solids: Solids, look: Look, width: float, kind: int, bays: int, seed: int) -> int:
    return solids.part(
        part(
            Material.FACADE, look.wall, MANMADE, roughness=0.85, seed=seed,
            params=(look.style, width, look.height_m, look.ground_m, look.storey_m, bays, kind, *look.open_m, *look.trim),
        )
    )  # fmt: skip


def _draw_lot(
    solids: Solids,
    rect: Rect,
    look: Look,
    corner: np.ndarray,
    width: float,
    foot: float,
    low: float,
    before: float | None,
    after: float | None,
    lot: int,
    seed: int,
) -> None:
    e, n, depth = rect.along, rect.inward, rect.depth_m
    high = look.height_m
    flat = look.roof == FLAT
    wall_high = high + (0.55 if flat else 0.0)
    own = (rect.seed * 13 + lot * 7919) & 0x7FFFFF
    e3, n3, up = np.array([*e, 0.0]), np.array([*n, 0.0]), np.array([0.0, 0.0, 1.0])
    base = np.array([*corner, foot])
    points = [base, base + e3 * width, base + e3 * width + n3 * depth, base + n3 * depth]
    dark = solids.part(part(Material.CONCRETE, tuple(0.8 * c for c in look.trim), MANMADE, seed=own))
    party = (None, after, None, before)
    for k in range(4):
        a, b = points[k], points[(k + 1) % 4]
        length = width if k % 2 == 0 else depth
        neighbour = party[k]
        bottom = low - foot
        bays = max(1, int(np.round(length / look.pitch_m)))
        kind = look.kind if k == 0 else (facades.BLANK if look.kind == facades.SHOP else look.kind)
        if neighbour is not None:
            if neighbour >= wall_high - 0.01 + (0.0 if k == 1 else 0.02):
                continue
            bottom, bays, kind = max(0.0, neighbour - 0.5), 0, facades.BLANK
        elif k % 2 == 1 and hash01(own, 40 + k, seed) < 0.35:
            bays = 0
        elif k % 2 == 1 and length > 5.0 and hash01(own, 44, seed) < 0.5:
            bays = max(1, bays - 1)
        if length < 2.0:
            bays = 0
        row = _wall_part(solids, look, length, kind, bays, (own + k * 977) & 0x7FFFF8)
        solids.quad(a + up * bottom, b + up * bottom, b + up * wall_high, a + up * wall_high, row, (0.0, bottom, length, wall_high))
    if flat:
        _flat_roof(solids, look, points, wall_high, high, e3, n3, width, depth, own, seed, dark, before, after)
    else:
        _pitched_roof(solids, look, base, e3, n3, width, depth, high, own, seed, before is None, after is None)
    if look.storeys > 0 and look.style in (facades.BRICK, facades.STONE, facades.PLASTER):
        # A cornice on front and back.
        for start, way, span in ((base, e3, width), (base + e3 * width + n3 * depth, -e3, width)):
            out = np.array([way[1], -way[0], 0.0])
            solids.box(start + up * (high - 0.22) + out * 0.28, way * span, -out * 0.30, up * 0.22, dark)
            solids.box(start + up * (high - 0.42) + out * 0.14, way * span, -out * 0.16, up * 0.2, dark)
    if look.kind == facades.SHOP and hash01(own, 50, seed) < 0.5:
        tone = ((0.30, 0.03, 0.03), (0.03, 0.10, 0.06), (0.04, 0.07, 0.16), (0.45, 0.40, 0.30))[int(hash01(own, 51, seed) * 4)]
        cloth = solids.part(part(Material.CLOTH, tone, MANMADE, roughness=0.9))
        a = base + e3 * 0.3 + up * (look.ground_m - 0.85)
        b = base + e3 * (width - 0.3) + up * (look.ground_m - 0.85)
        forth = -n3 * 1.1 - up * 0.55
        solids.quad(a + forth, b + forth, b, a, cloth)
        solids.quad(b + forth - up * 0.02, a + forth - up * 0.02, a - up * 0.02, b - up * 0.02, cloth)
        solids.quad(a + forth - up * 0.22, b + forth - up * 0.22, b + forth, a + forth, cloth)
    if look.style in (facades.PLASTER, facades.PANEL) and look.storeys >= 2 and hash01(own, 52, seed) < 0.45:
        _balconies(solids, look, base, e3, n3, width, own, seed, dark)


def _balconies(
    solids: Solids, look: Look, base: np.ndarray, e3: np.ndarray, n3: np.ndarray, width: float, own: int, seed: int, slab: int
) -> None:
    up = np.array([0.0, 0.0, 1.0])
    rail = solids.part(part(Material.METAL, (0.05, 0.055, 0.06), MANMADE, roughness=0.5, metallic=0.3))
    bays = max(1, int(np.round(width / look.pitch_m)))
    pitch = width / bays
    chosen = [i for i in range(bays) if (i + int(hash01(own, 53, seed) * 2)) % 2 == 0 and bays > 1]
    for storey in range(look.storeys):
        z = look.ground_m + storey * look.storey_m - 0.05
        for i in chosen:
            a = base + e3 * (i * pitch + 0.25) + up * z - n3 * 1.1
            w = pitch - 0.5
            solids.box(a, e3 * w, n3 * 1.1, up * 0.16, slab)
            solids.box(a + up * 1.12, e3 * w, n3 * 0.05, up * 0.05, rail)
            for s in range(int(w / 0.14) + 1):
                solids.box(a + e3 * (s * (w - 0.03) / max(1, int(w / 0.14))) + up * 0.16, e3 * 0.025, n3 * 0.025, up * 0.96, rail)
            for side in (0.0, w - 0.05):
                solids.box(a + e3 * side + up * 1.12, e3 * 0.05, n3 * 1.1, up * 0.05, rail)
                for s in range(1, 7):
                    solids.box(a + e3 * side + n3 * (s * 0.155) + up * 0.16, e3 * 0.025, n3 * 0.025, up * 0.96, rail)


def _flat_roof(solids: Solids, look: Look, points: list[np.ndarray], wall_high: float, high: float, e3: np.ndarray, n3: np.ndarray, width: float, depth: float, own: int, seed: int, coping: int, before: float | None, after: float | None) -> None:  # fmt: skip
    up = np.array([0.0, 0.0, 1.0])
    gravel = solids.part(part(Material.ROOF, (0.20, 0.20, 0.19), MANMADE, roughness=0.95, seed=own, params=(roofs.GRAVEL,)))
    a, b, c, d = points
    solids.quad(a + up * high, b + up * high, c + up * high, d + up * high, gravel, (0.0, 0.0, width, depth))
    inside = solids.part(part(Material.CONCRETE, tuple(0.9 * c for c in look.wall), MANMADE, seed=own))
    for k, (start, way, span) in enumerate(((a, e3, width), (b, n3, depth), (c, -e3, width), (d, -n3, depth))):
        del k
        into = np.array([-way[1], way[0], 0.0])
        p, q = start + into * 0.25, start + way * span + into * 0.25
        solids.quad(q + up * high, p + up * high, p + up * wall_high, q + up * wall_high, inside)
        solids.box(start + up * wall_high - into * 0.06, way * span, into * 0.34, up * 0.09, coping)
    sheet = solids.part(part(Material.CONCRETE, (0.42, 0.42, 0.41), MANMADE, seed=own))
    if width > 6 and depth > 6:
        for k in range(1 + int(hash01(own, 60, seed) * 2.5)):
            w, h = 1.2 + 2.2 * hash01(own, 61 + k, seed), 0.9 + 1.3 * hash01(own, 66 + k, seed)
            x, y = 1.0 + (width - w - 2.0) * hash01(own, 71 + k, seed), 1.5 + (depth - w - 2.5) * hash01(own, 76 + k, seed)
            solids.box(a + e3 * x + n3 * y + up * high, e3 * w, n3 * w * 0.8, up * h, sheet)


def _pitched_roof(solids: Solids, look: Look, base: np.ndarray, e3: np.ndarray, n3: np.ndarray, width: float, depth: float, high: float, own: int, seed: int, free_left: bool, free_right: bool) -> None:  # fmt: skip
    up = np.array([0.0, 0.0, 1.0])
    tiles = solids.part(part(Material.ROOF, look.tiles, MANMADE, roughness=0.8, seed=own, params=(look.cover,)))
    white = solids.part(part(Material.PLAIN, (0.55, 0.54, 0.52), MANMADE, roughness=0.7))
    turned = look.roof == GABLE and free_left and free_right and width < depth * 1.25 and hash01(own, 80, seed) < 0.6
    if turned:
        base, e3, n3, width, depth = base + e3 * width, n3, -e3, depth, width
    rise = depth / 2 * (0.62 + 0.30 * hash01(look.cover, 81, own // 4096 + seed))
    eave, over = 0.38, 0.3
    drop = eave * rise / (depth / 2)
    z = base + up * high
    left, right = (over if free_left else 0.0), (over if free_right else 0.0)
    inset = min(depth / 2 * 0.9, width * 0.3) if look.roof == HIP else 0.0
    slope = float(np.hypot(depth / 2 + eave, rise + drop))
    front_l, front_r = z - e3 * left - n3 * eave - up * drop, z + e3 * (width + right) - n3 * eave - up * drop
    back_l, back_r = front_l + n3 * (depth + 2 * eave), front_r + n3 * (depth + 2 * eave)
    ridge_l = z + e3 * (inset - left * (inset == 0)) + n3 * depth / 2 + up * rise
    ridge_r = z + e3 * (width - inset + right * (inset == 0)) + n3 * depth / 2 + up * rise
    span = width + left + right
    trim_u = (0.0, 0.0, span, 0.0, span - inset, slope, inset, slope)
    solids.quad(front_l, front_r, ridge_r, ridge_l, tiles, trim_u)
    solids.quad(back_r, back_l, ridge_l, ridge_r, tiles, trim_u)
    thick = up * 0.16
    if look.roof == HIP:
        wide = depth + 2 * eave
        solids.quad(front_r, back_r, ridge_r, ridge_r, tiles, (0.0, 0.0, wide, 0.0, wide / 2, slope, wide / 2, slope))
        solids.quad(back_l, front_l, ridge_l, ridge_l, tiles, (0.0, 0.0, wide, 0.0, wide / 2, slope, wide / 2, slope))
        solids.quad(front_r - thick, back_r - thick, back_r, front_r, white)
        solids.quad(back_l - thick, front_l - thick, front_l, back_l, white)
    else:
        for start, foot_a, foot_b, ridge in ((z + e3 * width, front_r, back_r, ridge_r), (z, back_l, front_l, ridge_l)):
            a, b = (start, start + n3 * depth) if foot_a is front_r else (start + n3 * depth, start)
            row = _wall_part(solids, look, depth, facades.BLANK, 0, own)
            peak = (a + b) / 2 + up * rise
            solids.quad(a, b, peak, peak, row, (0.0, high, depth, high, depth / 2, high + rise, depth / 2, high + rise))
            for p, q in ((foot_a, ridge), (ridge, foot_b)):
                solids.quad(p - thick, q - thick, q, p, white)
    # The soffit and the gutter's board.
    for p, q in ((front_l, front_r), (back_r, back_l)):
        solids.quad(p - thick, q - thick, q, p, white)
    solids.quad(front_l - thick, ridge_l - thick, ridge_r - thick, front_r - thick, white)
    solids.quad(back_r - thick, ridge_r - thick, ridge_l - thick, back_l - thick, white)
    if hash01(own, 85, seed) < 0.75 and width > 4:
        brick = solids.part(
            part(Material.FACADE, (0.25, 0.11, 0.075), MANMADE, seed=own, params=(facades.BRICK, 0.6, 9.0, 9.0, 3.0, 0, facades.BLANK))
        )
        at = z + e3 * (inset + (width - 2 * inset - 0.7) * (0.15 if hash01(own, 86, seed) < 0.5 else 0.85)) + n3 * (depth / 2 - 0.3)
        solids.box(at + up * (rise * 0.6), e3 * 0.7, n3 * 0.55, up * (rise * 0.4 + 0.9), brick)
        pot = solids.part(part(Material.PLAIN, (0.28, 0.13, 0.08), MANMADE))
        for k in range(2):
            top = at + e3 * (0.2 + 0.3 * k) + n3 * 0.27 + up * (rise + 0.9)
            solids.tube(np.array([top, top + up * 0.32]), (0.11, 0.09), pot, 7)
