"""Roofs as triangles: flat ones with parapet and plant, gables, hips, eaves and chimneys."""

from __future__ import annotations

import numpy as np

from engine.views.drawn import facade_rules as facades
from engine.views.drawn import roofs
from engine.views.drawn.house_look import GABLE, HIP, MANMADE, Lot, wall_part
from engine.views.drawn.mesh import Material, part
from engine.views.drawn.solids import Solids

UP = np.array([0.0, 0.0, 1.0])
EAVE_M, VERGE_M = 0.38, 0.3
"""How far a pitched roof stands out over walls and gables."""


def flat_roof(solids: Solids, lot: Lot, coping: int) -> None:
    """Gravel behind a parapet with its coping, and boxes of plant on large ones."""
    look, width, depth = lot.look, lot.width_m, lot.depth_m
    high, top = UP * look.height_m, UP * look.wall_m
    gravel = solids.part(part(Material.ROOF, (0.20, 0.20, 0.19), MANMADE, roughness=0.95, seed=lot.own, params=(roofs.GRAVEL,)))
    corners = lot.corners()
    a, b, c, d = corners
    solids.quad(a + high, b + high, c + high, d + high, gravel, (0.0, 0.0, width, depth))
    inside = solids.part(part(Material.CONCRETE, tuple(0.9 * c for c in look.wall), MANMADE, seed=lot.own))
    for side in range(4):
        beside = (None, lot.after_m, None, lot.before_m)[side]
        if beside is not None and beside >= look.wall_m - 0.05:
            continue
        start, end = corners[side], corners[(side + 1) % 4]
        way = end - start
        into = np.array([-way[1], way[0], 0.0]) / (width if side % 2 == 0 else depth)
        p, q = start + into * 0.25, end + into * 0.25
        solids.quad(q + high, p + high, p + top, q + top, inside)
        solids.box(start + top - into * 0.06, way, into * 0.34, UP * 0.09, coping)
    if width > 6 and depth > 6:
        sheet = solids.part(part(Material.CONCRETE, (0.42, 0.42, 0.41), MANMADE, seed=lot.own))
        for k in range(1 + int(lot.dice(60) * 2.5)):
            size, tall = 1.2 + 2.2 * lot.dice(61 + k), 0.9 + 1.3 * lot.dice(66 + k)
            x, y = 1.0 + (width - size - 2.0) * lot.dice(71 + k), 1.5 + (depth - size - 2.5) * lot.dice(76 + k)
            solids.box(a + lot.along * x + lot.inward * y + high, lot.along * size, lot.inward * size * 0.8, UP * tall, sheet)


def pitched_roof(solids: Solids, lot: Lot) -> None:
    """Two slopes with a gable at each end, or four, with eaves and a chimney."""
    look, base, e, n, width, depth = lot.look, lot.base, lot.along, lot.inward, lot.width_m, lot.depth_m
    free_left, free_right = lot.before_m is None, lot.after_m is None
    tiles = solids.part(part(Material.ROOF, look.tiles, MANMADE, roughness=0.8, seed=lot.own, params=(look.cover,)))
    board = solids.part(part(Material.PLAIN, (0.55, 0.54, 0.52), MANMADE, roughness=0.7))
    if look.roof == GABLE and free_left and free_right and width < depth * 1.25 and lot.dice(80) < 0.6:
        # The gable looks at the street.
        base, e, n, width, depth = base + e * width, n, -e, depth, width
    rise = depth / 2 * (0.62 + 0.30 * look.steep)
    drop = EAVE_M * rise / (depth / 2)
    z = base + UP * look.height_m
    hipped = look.roof == HIP
    left, right = (EAVE_M if hipped else VERGE_M) * free_left, (EAVE_M if hipped else VERGE_M) * free_right
    inset = min(depth / 2 * 0.9, width * 0.3) if hipped else 0.0
    slope = float(np.hypot(depth / 2 + EAVE_M, rise + drop))
    front_l, front_r = z - e * left - n * EAVE_M - UP * drop, z + e * (width + right) - n * EAVE_M - UP * drop
    back_l, back_r = front_l + n * (depth + 2 * EAVE_M), front_r + n * (depth + 2 * EAVE_M)
    middle = z + n * depth / 2 + UP * rise
    ridge_l, ridge_r = middle + e * (inset if hipped else -left), middle + e * (width - inset if hipped else width + right)
    span = width + left + right
    run = (left + inset) if hipped else 0.0
    uv = (0.0, 0.0, span, 0.0, span - run, slope, run, slope)
    solids.quad(front_l, front_r, ridge_r, ridge_l, tiles, uv)
    solids.quad(back_r, back_l, ridge_l, ridge_r, tiles, uv)
    thick = UP * 0.16
    rims = [(front_l, front_r), (back_r, back_l)]
    if hipped:
        wide = depth + 2 * EAVE_M
        for p, q, ridge in ((front_r, back_r, ridge_r), (back_l, front_l, ridge_l)):
            solids.quad(p, q, ridge, ridge, tiles, (0.0, 0.0, wide, 0.0, wide / 2, slope, wide / 2, slope))
            rims.append((p, q))
        solids.quad(front_l - thick, back_l - thick, back_r - thick, front_r - thick, board)
    else:
        for a, b, p, q, ridge in (
            (z + e * width, z + e * width + n * depth, front_r, back_r, ridge_r),
            (z + n * depth, z, back_l, front_l, ridge_l),
        ):
            row = wall_part(solids, look, depth, facades.BLANK, 0, lot.own)
            peak, high = (a + b) / 2 + UP * rise, look.height_m
            solids.quad(a, b, peak, peak, row, (0.0, high, depth, high, depth / 2, high + rise, depth / 2, high + rise))
            rims += [(p, ridge), (ridge, q)]
        solids.quad(front_l - thick, ridge_l - thick, ridge_r - thick, front_r - thick, board)
        solids.quad(back_r - thick, ridge_r - thick, ridge_l - thick, back_l - thick, board)
    for p, q in rims:
        solids.quad(p - thick, q - thick, q, p, board)
    if lot.dice(85) < 0.75 and width > 4:
        along = inset + (width - 2 * inset - 0.7) * (0.15 if lot.dice(86) < 0.5 else 0.85)
        _chimney(solids, lot, z + e * along + n * (depth / 2 - 0.3), e, n, rise)


def _chimney(solids: Solids, lot: Lot, at: np.ndarray, e: np.ndarray, n: np.ndarray, rise: float) -> None:
    row = part(Material.FACADE, (0.25, 0.11, 0.075), MANMADE, seed=lot.own, params=(facades.BRICK, 0.7, 9.0, 9.0, 3.0, 0, facades.BLANK))
    solids.box(at + UP * (rise * 0.6), e * 0.7, n * 0.55, UP * (rise * 0.4 + 0.9), solids.part(row))
    pot = solids.part(part(Material.PLAIN, (0.28, 0.13, 0.08), MANMADE))
    for k in range(2):
        top = at + e * (0.2 + 0.3 * k) + n * 0.27 + UP * (rise + 0.9)
        solids.tube(np.array([top, top + UP * 0.32]), (0.11, 0.09), pot, 7)
