"""Facades as a function of the place on a wall: storeys, windows, doors, shops, bricks (numba).

Everything is a sum of rectangles, each laid on what lies under it as a difference of colours and averaged over the pixel exactly (a
box filter), so that a wall keeps its mean colour from any distance and nothing shimmers. What is drawn by dice (curtains, lit rooms,
single bricks) fades to its mean where a pixel becomes wider than it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01, value_noise
from engine.spec.classes import CLASS
from engine.views.drawn.facade_openings import door_of, shop_front, windows
from engine.views.drawn.facade_rules import (
    BAYS,
    BLANK,
    BOARDS,
    BRICK,
    DOOR,
    GROUND,
    HOUSE,
    KIND,
    KIOSK,
    LOBBY,
    METAL_SHEET,
    OPEN_H,
    OPEN_W,
    PANEL,
    RULES,
    SHOP,
    STONE,
    STOREY,
    STYLE,
    TOP,
    TRIM,
    WIDTH,
)  # fmt: skip
from engine.views.drawn.mesh import RED, SEED
from engine.views.drawn.patterns import comb, fade, pulse
from engine.views.drawn.surface import ALBEDO, GLOW, METALLIC, MIRROR, NORMAL, ROUGHNESS
from engine.views.drawn.surface import CLASS as CLASS_OUT

_MANMADE = float(CLASS["manmade"])
NO_DOOR = np.int64(-1)
"""Of the type that a door has: windows are compiled once."""


@njit(cache=True, error_model="numpy")
def grain(style, u, v, fu, fv, seed):
    """Brightness of bare wall relative to its mean: bricks, blocks, boards,
    or plaster; a pixel is fu metres along the wall by fv up."""
    level = 1.0 + 0.10 * (value_noise(u, v, 3.1, seed) - 0.5) + 0.07 * fade(max(fu, fv), 0.4) * (value_noise(u, v, 0.4, seed + 1) - 0.5)
    if style == BRICK:
        rows, length = 0.075, 0.24
    elif style == STONE:
        rows, length = 0.42, 0.95
    elif style == BOARDS:
        rows, length = 0.16, 3.7
    elif style == PANEL or style == METAL_SHEET:
        rows, length = 1.1, 1.65
    else:
        return level
    joint = 0.010 if style == BRICK else (0.014 if style != BOARDS else 0.012)
    depth = -0.30 if style == BOARDS else (-0.42 if style != BRICK else 0.30)
    row = np.floor(v / rows)
    shift = 0.5 * length * (row - 2.0 * np.floor(row / 2.0)) if style != PANEL else 0.0
    across = comb(v - 0.5 * fv, v + 0.5 * fv, rows, 0.0, joint) / fv
    down = comb(u + shift - 0.5 * fu, u + shift + 0.5 * fu, length, 0.0, joint) / fu
    cover = across + down - across * down
    mean = joint / rows + joint / length
    level *= 1.0 + depth * (cover - mean)
    near = min(fade(fv, rows), fade(fu, length))
    if near > 0.0:
        amount = 0.42 if style == BRICK else (0.20 if style == STONE else 0.08)
        level *= 1.0 + near * amount * (hash01(int(np.floor((u + shift) / length)), int(row), seed) - 0.5)
    return level


@njit(cache=True, error_model="numpy")
def facade_surface(row, u, v, wide_u_m, wide_v_m, out):
    """What a facade is at `u` metres along it and `v` above its foot, in a pixel so wide along it and up it; see the module."""
    style, seed = int(row[STYLE]), int(row[SEED])
    width, top, ground, storey, bays = row[WIDTH], row[TOP], row[GROUND], row[STOREY], int(row[BAYS])
    kind, kr = int(row[KIND]), RULES[style]
    fu, fv = max(wide_u_m, 2e-3), max(wide_v_m, 2e-3)
    f = np.sqrt(fu * fv)
    u0, u1 = max(u - 0.5 * fu, 0.0), min(u + 0.5 * fu, width)
    if u1 - u0 < 1e-4:
        u0, u1 = u - 5e-5, u + 5e-5
    v0, v1 = v - 0.5 * fv, v + 0.5 * fv
    over = 1.0 / ((u1 - u0) * (v1 - v0))
    wall = np.empty(3)
    trim = np.empty(3)
    dirt = grain(style, u, v, fu, fv, seed) * (1.0 - 0.22 * np.exp(-max(v, 0.0) / 0.7))
    plinth = pulse(v0, v1, -9.0, 0.42) / (v1 - v0)
    for c in range(3):
        wall[c] = row[RED + c] * dirt
        wall[c] += (0.03 - 0.38 * wall[c]) * plinth
        trim[c] = row[TRIM + c]
        out[ALBEDO + c] = wall[c]
    out[ROUGHNESS], out[METALLIC], out[MIRROR] = 0.85, 0.0, 0.0
    out[GLOW], out[GLOW + 1], out[GLOW + 2] = 0.0, 0.0, 0.0
    out[CLASS_OUT] = _MANMADE
    count = int(np.floor((top - ground) / storey + 0.02))
    high = ground + count * storey
    # String courses and quoins; a shop's sign takes the place of the lower edge of the one over it.
    glazed = kind == SHOP or kind == LOBBY or kind == KIOSK
    courses = 0.0
    if count > 0 and kr[6] > 0.0:
        courses = pulse(v0, v1, ground - (0.03 if glazed else 0.12), ground + 0.1)
        if kr[6] > 0.9 and count > 1 and style != PANEL:
            c0, c1 = max(v0, ground + 0.5), min(v1, high - 0.5)
            if c1 > c0:
                courses += comb(c0 - ground, c1 - ground, storey, 0.0, 0.09)
        courses /= v1 - v0
    quoins = 0.0
    if kr[7] > 0.5 and count > 0:
        q0 = max(v0, ground + 0.1 if glazed and bays > 0 else 0.0)
        if v1 > q0:
            quoins = (pulse(u0, u1, 0.0, 0.42) + pulse(u0, u1, width - 0.42, width)) * comb(q0, v1, 0.62, 0.03, 0.6) * over
    for c in range(3):
        out[ALBEDO + c] += (trim[c] - wall[c]) * (courses * (1.0 - quoins) + quoins * 0.8)
    if count > 0 and style < PANEL and hash01(2, 6, seed) < 0.6:
        # A pipe brings the rain down from the gutter, and shades the wall beside it.
        pipe = pulse(u0, u1, 0.05, 0.14) / (u1 - u0)
        shadow = pulse(u0, u1, 0.14, 0.19) / (u1 - u0)
        for c in range(3):
            out[ALBEDO + c] += (0.07 - out[ALBEDO + c]) * pipe - 0.35 * out[ALBEDO + c] * shadow
    if bays <= 0 or width < 0.5:
        return
    pitch = width / bays
    b0, b1 = max(v0, ground), min(v1, high)
    if b1 > b0 and count > 0:
        windows(
            row,
            kr,
            style,
            u,
            v - ground,
            u0,
            u1,
            b0 - ground,
            b1 - ground,
            pitch,
            storey,
            row[OPEN_W],
            row[OPEN_H],
            over,
            f,
            seed,
            NO_DOOR,
            wall,
            trim,
            out,
        )
    g0, g1 = max(v0, 0.0), min(v1, ground)
    if g1 > g0:
        if kind == HOUSE:
            door = np.int64(row[DOOR])
            windows(
                row,
                kr,
                style,
                u,
                min(max(v, 0.0), ground - 1e-3),
                u0,
                u1,
                g0,
                g1,
                pitch,
                ground,
                row[OPEN_W],
                min(row[OPEN_H], ground - 1.3),
                over,
                f,
                seed + 7,
                door,
                wall,
                trim,
                out,
            )
            if door >= 0:
                door_of(u0, u1, g0, g1, (door + 0.5) * pitch, ground, over, seed, wall, trim, out)
        elif kind != BLANK:
            shop_front(kind, u, v, u0, u1, g0, g1, width, pitch, bays, ground, over, f, seed, wall, out)
    pane = out[MIRROR]
    if pane > 0.0:
        out[ROUGHNESS] += (0.08 - out[ROUGHNESS]) * min(1.0, pane)
        # No two panes hang quite alike: each mirrors a little elsewhere.
        tilt = 0.03 * fade(f, 0.8) * min(1.0, pane) * (hash01(int(u / pitch * 2.0), int(v / storey), seed + 5) - 0.5)
        nx, ny = out[NORMAL], out[NORMAL + 1]
        out[NORMAL], out[NORMAL + 1] = nx - tilt * ny, ny + tilt * nx
        out[NORMAL + 2] += 0.6 * tilt
