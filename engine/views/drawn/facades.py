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
from engine.views.drawn.mesh import PARAMS, RED, SEED
from engine.views.drawn.surface import ALBEDO, GLOW, METALLIC, MIRROR, NORMAL, ROUGHNESS
from engine.views.drawn.surface import CLASS as CLASS_OUT

# Columns of a facade's part.
STYLE, WIDTH, TOP, GROUND, STOREY, BAYS, KIND, OPEN_W, OPEN_H, TRIM = range(PARAMS, PARAMS + 10)
"""Width and top of the wall, heights of ground floor and storey, number of bays, kind of ground floor, window size; TRIM.. is a colour."""
SHOP, LOBBY, HOUSE, BLANK = 1, 2, 0, 3
"""Kinds of ground floor."""
PLASTER, BRICK, STONE, BOARDS, PANEL, CURTAIN, METAL_SHEET = range(7)

# Per style: trim width around windows, sill, lintel, panes across, panes up, frame brightness, string courses, quoins.
_RULES = np.array(
    [
        [0.10, 1.0, 0.0, 2, 1, 0.72, 0.5, 0.0],
        [0.00, 1.0, 1.0, 1, 2, 0.75, 1.0, 0.3],
        [0.16, 1.0, 1.0, 2, 2, 0.60, 1.0, 1.0],
        [0.11, 1.0, 0.0, 2, 2, 0.78, 0.0, 0.0],
        [0.00, 0.0, 0.0, 2, 1, 0.10, 1.0, 0.0],
        [0.00, 0.0, 0.0, 2, 1, 0.16, 0.0, 0.0],
        [0.00, 0.0, 0.0, 3, 1, 0.12, 0.0, 0.0],
    ]
)
_MANMADE = float(CLASS["manmade"])
LIT = 0.35
"""Share of rooms that are lit at night."""


@njit(cache=True, inline="always")
def pulse(x0, x1, a, b):
    """Length of [a, b] that lies in [x0, x1]."""
    return max(0.0, min(x1, b) - max(x0, a))


@njit(cache=True, inline="always")
def _below(x, pitch, a, b):
    n = np.floor(x / pitch)
    return n * (b - a) + min(max(x - n * pitch - a, 0.0), b - a)


@njit(cache=True, inline="always")
def comb(x0, x1, pitch, a, b):
    """Length within [x0, x1] of [a, b] repeated at every pitch."""
    return _below(x1, pitch, a, b) - _below(x0, pitch, a, b)


@njit(cache=True, inline="always")
def fade(footprint, size):
    """1 where a pixel is much finer than a thing, 0 where it is as wide."""
    return min(1.0, max(0.0, 1.6 - 2.0 * footprint / size))


@njit(cache=True)
def grain(style, u, v, f, seed):
    """Brightness of bare wall relative to its mean: bricks, blocks, boards, plaster."""
    level = 1.0 + 0.10 * (value_noise(u, v, 3.1, seed) - 0.5) + 0.07 * fade(f, 0.6) * (value_noise(u, v, 0.4, seed + 1) - 0.5)
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
    fu, fv = max(f, 1e-3), max(f, 1e-3)
    row = np.floor(v / rows)
    shift = 0.5 * length * (row - 2.0 * np.floor(row / 2.0)) if style != PANEL else 0.0
    across = comb(v - 0.5 * fv, v + 0.5 * fv, rows, 0.0, joint) / fv
    down = comb(u + shift - 0.5 * fu, u + shift + 0.5 * fu, length, 0.0, joint) / fu
    cover = across + down - across * down
    mean = joint / rows + joint / length
    level *= 1.0 + depth * (cover - mean)
    near = fade(f, rows * 1.5)
    if near > 0.0:
        amount = 0.42 if style == BRICK else (0.20 if style == STONE else 0.08)
        level *= 1.0 + near * amount * (hash01(int(np.floor((u + shift) / length)), int(row), seed) - 0.5)
    return level


@njit(cache=True)
def facade_surface(row, u, v, footprint_m, out):
    """What a facade is at `u` metres along it and `v` above its foot; see the module."""
    style, seed = int(row[STYLE]), int(row[SEED])
    width, top, ground, storey, bays = row[WIDTH], row[TOP], row[GROUND], row[STOREY], int(row[BAYS])
    kind, kr = int(row[KIND]), _RULES[style]
    f = max(footprint_m, 2e-3)
    u0, u1 = max(u - 0.5 * f, 0.0), min(u + 0.5 * f, width)
    if u1 - u0 < 1e-4:
        u0, u1 = u - 5e-5, u + 5e-5
    v0, v1 = v - 0.5 * f, v + 0.5 * f
    over = 1.0 / ((u1 - u0) * (v1 - v0))
    fu = u1 - u0
    wall = np.empty(3)
    trim = np.empty(3)
    dirt = grain(style, u, v, f, seed) * (1.0 - 0.22 * np.exp(-max(v, 0.0) / 0.7))
    for c in range(3):
        wall[c] = row[RED + c] * dirt
        trim[c] = row[TRIM + c]
        out[ALBEDO + c] = wall[c]
    out[ROUGHNESS], out[METALLIC], out[MIRROR] = 0.85, 0.0, 0.0
    out[GLOW], out[GLOW + 1], out[GLOW + 2] = 0.0, 0.0, 0.0
    out[CLASS_OUT] = _MANMADE
    count = int(np.floor((top - ground) / storey + 0.02)) if bays > 0 else 0
    high = ground + count * storey
    # Plinth, string courses, quoins.
    plinth = pulse(v0, v1, -9.0, 0.42) / (v1 - v0)
    courses = 0.0
    if bays > 0 and kr[6] > 0.0:
        courses = pulse(v0, v1, ground - 0.12, ground + 0.1)
        if kr[6] > 0.9 and count > 1:
            courses += (
                comb(
                    max(v0, ground + 0.5),
                    max(max(v0, ground + 0.5), min(v1, high - 0.5)),
                    storey,
                    ground - storey * np.floor(ground / storey),
                    ground - storey * np.floor(ground / storey) + 0.09,
                )
                if style != PANEL
                else 0.0
            )
        courses /= v1 - v0
    quoins = 0.0
    if kr[7] > 0.5 and bays > 0:
        quoins = (pulse(u0, u1, 0.0, 0.42) + pulse(u0, u1, width - 0.42, width)) * comb(v0, v1, 0.62, 0.03, 0.6) * over
    for c in range(3):
        out[ALBEDO + c] += (0.62 * wall[c] - wall[c] + 0.03) * plinth
        out[ALBEDO + c] += (trim[c] - wall[c]) * (courses * (1.0 - quoins) + quoins * 0.8)
    if bays <= 0 or width < 0.5:
        return
    pitch = width / bays
    b0, b1 = max(v0, ground), min(v1, high)
    if b1 > b0 and count > 0:
        _windows(
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
            -1,
            wall,
            trim,
            out,
        )
    g0, g1 = max(v0, 0.0), min(v1, ground)
    if g1 > g0:
        if kind == HOUSE:
            door = int(hash01(3, 1, seed) * bays)
            _windows(
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
            _door(u0, u1, g0, g1, (door + 0.5) * pitch, ground, over, seed, wall, trim, out)
        elif kind == SHOP or kind == LOBBY:
            _shop(kind, u, v, u0, u1, g0, g1, width, pitch, bays, ground, over, f, seed, wall, out)
    pane = out[MIRROR]
    if pane > 0.0:
        out[ROUGHNESS] += (0.08 - out[ROUGHNESS]) * min(1.0, pane)
        # No two panes hang quite alike: each mirrors a little elsewhere.
        tilt = 0.03 * fade(f, 0.8) * min(1.0, pane) * (hash01(int(u / pitch * 2.0), int(v / storey), seed + 5) - 0.5)
        nx, ny = out[NORMAL], out[NORMAL + 1]
        out[NORMAL], out[NORMAL + 1] = nx - tilt * ny, ny + tilt * nx
        out[NORMAL + 2] += 0.6 * tilt


@njit(cache=True)
def _windows(row, kr, style, u, v, u0, u1, v0, v1, pitch, storey, ow, oh, over, f, seed, door, wall, trim, out):
    """Rows of windows over [v0, v1] above their lowest floor, one in each bay but `door`."""
    ow = min(ow, pitch - 0.12)
    sill = max(0.12, (storey - oh) * (0.55 if style < PANEL else 0.8))
    sill = min(sill, storey - oh - 0.12)
    a, b, c, d = 0.5 * (pitch - ow), 0.5 * (pitch + ow), sill, sill + oh
    skip = door >= 0
    s = door * pitch

    t = kr[0]
    fw = 0.055 if style != CURTAIN else 0.035
    m_open_u = comb(u0, u1, pitch, a, b) - (pulse(u0, u1, s + a, s + b) if skip else 0.0)
    m_open_v = comb(v0, v1, storey, c, d)
    if m_open_u < 0.0:
        m_open_u = 0.0
    m_open = m_open_u * m_open_v * over
    wide_u = comb(u0, u1, pitch, a - t - 0.08, b + t + 0.08) - (pulse(u0, u1, s + a - t - 0.08, s + b + t + 0.08) if skip else 0.0)
    wide_u = max(wide_u, 0.0)
    m_trim = 0.0
    if t > 0.0:
        m_trim_u = comb(u0, u1, pitch, a - t, b + t) - (pulse(u0, u1, s + a - t, s + b + t) if skip else 0.0)
        m_trim = max(m_trim_u, 0.0) * comb(v0, v1, storey, c, d + t) * over
    m_sill = wide_u * comb(v0, v1, storey, c - 0.09, c) * over * kr[1]
    m_under = wide_u * comb(v0, v1, storey, max(c - 0.20, 0.0), c - 0.09) * over * kr[1]
    m_lintel = wide_u * comb(v0, v1, storey, d + t, min(d + t + 0.22, storey)) * over * kr[2]
    m_pane_u = comb(u0, u1, pitch, a + fw, b - fw) - (pulse(u0, u1, s + a + fw, s + b - fw) if skip else 0.0)
    m_pane_u = max(m_pane_u, 0.0)
    m_pane_v = comb(v0, v1, storey, c + fw, d - fw)
    nu, nv = kr[3], kr[4]
    if ow > 1.9:
        nu += 1.0
    # Bars: vertical ones between panes, and horizontal ones; where they cross counts once.
    bar_u = 0.0
    n = 1
    while n < nu:
        x = a + ow * n / nu
        bar_u += comb(u0, u1, pitch, x - 0.025, x + 0.025) - (pulse(u0, u1, s + x - 0.025, s + x + 0.025) if skip else 0.0)
        n += 1
    bar_u = max(bar_u, 0.0)
    bar_v = 0.0
    if nv > 1.5:
        y = c + oh * (0.5 if nv < 2.5 and style != STONE else 0.68)
        bar_v = comb(v0, v1, storey, y - 0.025, y + 0.025)
    m_bars = (bar_u * m_pane_v + (m_pane_u - bar_u) * bar_v) * over
    m_pane = m_pane_u * m_pane_v * over
    m_dark = (
        m_open_u * comb(v0, v1, storey, d - 0.17, d)
        + (comb(u0, u1, pitch, a, a + 0.07) - (pulse(u0, u1, s + a, s + a + 0.07) if skip else 0.0)) * comb(v0, v1, storey, c, d - 0.17)
    ) * over

    # Which room this is, and what hangs in it.
    i, j = int(np.floor(u / pitch)), int(np.floor(v / storey))
    x = u - i * pitch - 0.5 * pitch
    y = v - j * storey - c
    near = fade(f, min(pitch, storey))
    h = hash01(i, j, seed + 11)
    drape = 0.16
    sharp = 0.0
    if h < 0.22:
        sharp = min(1.0, max(0.0, (abs(x) - ow * (0.22 + 0.5 * h)) / max(f, 0.02) + 0.5))
        sharp *= 0.82 + 0.18 * np.cos(abs(x) * 52.0) * fade(f, 0.12)
    elif h < 0.42:
        sharp = 0.75 * min(1.0, max(0.0, (y - oh * (0.25 + 2.0 * (h - 0.22))) / max(f, 0.02) + 0.5))
    elif h < 0.50:
        sharp = 0.55
    drape += near * (sharp - drape)
    if style == CURTAIN or style == PANEL:
        drape *= 0.6
    shade = 0.55 + 0.9 * hash01(i, j, seed + 12)
    shade = 1.0 + near * (shade - 1.0)
    dark = 0.030 * (1.0 + near * 0.6 * (0.5 - y / oh))
    pane = np.empty(3)
    pane[0] = dark * 0.9 + drape * 0.30 * shade
    pane[1] = dark + drape * 0.285 * shade
    pane[2] = dark * 1.1 + drape * 0.25 * shade
    fb = kr[5]
    hue = hash01(1, 2, seed - seed % 8)
    for k in range(3):
        frame = fb if fb > 0.3 else fb * 0.6
        if fb > 0.5 and hue < 0.3:
            frame = (0.06, 0.075, 0.07)[k]
        o = out[ALBEDO + k]
        o += (trim[k] - wall[k]) * (m_trim + m_sill + 0.9 * m_lintel) - 0.3 * wall[k] * m_under
        base = trim[k] if t > 0.0 else wall[k]
        o += (frame - base) * m_open + (pane[k] - frame) * (m_pane - m_bars)
        o -= 0.6 * (0.3 * frame + 0.7 * pane[k]) * m_dark
        out[ALBEDO + k] = max(o, 0.004)
    out[MIRROR] += m_pane - m_bars
    # Night: every third room is lit, some of them cool.
    lamp = hash01(i, j, seed + 13)
    warm = hash01(i, j, seed + 14)
    lit = 1.0 if lamp < LIT else 0.0
    level = (0.35 + 1.0 * hash01(i, j, seed + 15)) * (0.75 + 0.35 * y / oh) * (1.0 - 0.3 * sharp)
    level = near * lit * level + (1.0 - near) * LIT * 0.75
    amount = level * (m_pane - m_bars)
    cool = near * (1.0 if warm > 0.8 else 0.0) + (1.0 - near) * 0.2
    out[GLOW] += amount * (1.0 - 0.22 * cool)
    out[GLOW + 1] += amount * (0.66 + 0.22 * cool)
    out[GLOW + 2] += amount * (0.34 + 0.52 * cool)


@njit(cache=True)
def _door(u0, u1, v0, v1, at, ground, over, seed, wall, trim, out):
    """A door in its surround with a fanlight over it."""
    high = min(2.2, ground - 0.5)
    m_case = pulse(u0, u1, at - 0.66, at + 0.66) * pulse(v0, v1, 0.0, high + 0.52) * over
    m_leaf = pulse(u0, u1, at - 0.5, at + 0.5) * pulse(v0, v1, 0.14, high) * over
    m_fan = pulse(u0, u1, at - 0.5, at + 0.5) * pulse(v0, v1, high + 0.07, high + 0.4) * over
    m_step = pulse(u0, u1, at - 0.66, at + 0.66) * pulse(v0, v1, 0.0, 0.14) * over
    m_inner = (
        (pulse(u0, u1, at - 0.36, at - 0.06) + pulse(u0, u1, at + 0.06, at + 0.36))
        * (pulse(v0, v1, 0.3, 0.95) + pulse(v0, v1, 1.1, high - 0.15))
        * over
    )
    m_dark = pulse(u0, u1, at - 0.5, at + 0.5) * pulse(v0, v1, high - 0.12, high) * over
    h = int(hash01(5, 1, seed) * 6.0)
    leaf = ((0.16, 0.02, 0.02), (0.02, 0.06, 0.035), (0.02, 0.035, 0.09), (0.15, 0.075, 0.03), (0.03, 0.03, 0.032), (0.32, 0.31, 0.28))[h]
    for k in range(3):
        o = out[ALBEDO + k] + (trim[k] - wall[k]) * m_case + (leaf[k] - trim[k]) * m_leaf
        o += (0.03 - trim[k]) * m_fan + (0.3 - trim[k]) * m_step - 0.25 * leaf[k] * m_inner - 0.6 * leaf[k] * m_dark
        out[ALBEDO + k] = max(o, 0.004)
    out[MIRROR] += m_fan
    out[GLOW] += 0.8 * m_fan
    out[GLOW + 1] += 0.55 * m_fan
    out[GLOW + 2] += 0.3 * m_fan


@njit(cache=True)
def _shop(kind, u, v, u0, u1, v0, v1, width, pitch, bays, ground, over, f, seed, wall, out):
    """Shop windows between piers under a sign, or an office's glazed ground floor."""
    shops = max(1, int(np.round(width / 4.2)))
    p = width / shops
    i = min(shops - 1, max(0, int(u / p)))
    band = 0.72 if kind == SHOP else 0.3
    head = ground - band - 0.12
    riser = 0.42 if kind == SHOP else 0.1
    pier = 0.2
    near = fade(f, 1.5)
    # The sign is one colour for a shop and runs over a whole house.
    tone = int(hash01(8, 0, seed) * 8.0)
    sign = (
        (0.20, 0.02, 0.02),
        (0.015, 0.05, 0.11),
        (0.02, 0.08, 0.05),
        (0.30, 0.24, 0.13),
        (0.025, 0.025, 0.028),
        (0.45, 0.43, 0.38),
        (0.10, 0.03, 0.06),
        (0.22, 0.10, 0.02),
    )[tone]
    frame = ((0.035, 0.035, 0.038), (0.42, 0.42, 0.40), (0.10, 0.065, 0.04), (0.04, 0.055, 0.05))[int(hash01(8, 1, seed) * 4.0)]
    whole_u = u1 - u0
    m_sign = whole_u * pulse(v0, v1, head + 0.06, head + band) * over
    m_lip = whole_u * pulse(v0, v1, head + band, head + band + 0.08) * over
    m_front_u = comb(u0, u1, p, pier, p - pier)
    m_front = m_front_u * pulse(v0, v1, 0.0, head + 0.06) * over
    glass_v = pulse(v0, v1, riser, head - 0.05)
    glass_u = comb(u0, u1, p, pier + 0.06, p - pier - 0.06)
    bars = comb(u0, u1, p, p * 0.34 - 0.03, p * 0.34 + 0.03) + comb(u0, u1, p, p * 0.66 - 0.03, p * 0.66 + 0.03)
    transom = pulse(v0, v1, head - 0.62, head - 0.56)
    m_glass = (glass_u - bars) * max(glass_v - transom, 0.0) * over
    m_dark = glass_u * pulse(v0, v1, head - 0.25, head - 0.05) * over
    # The door's glass goes to the floor in the middle third.
    door_u = comb(u0, u1, p, p * 0.34 + 0.06, p * 0.66 - 0.06)
    m_door = door_u * pulse(v0, v1, 0.12, riser) * over
    # Goods stand in the window: blocks of muted colour, darker further up.
    gx, gy = int(np.floor(u / 0.37)), int(np.floor(v / 0.45))
    goods = np.empty(3)
    h = hash01(gx, gy, seed + 21)
    low = max(0.0, 1.0 - max(v - riser, 0.0) / 1.3)
    close = fade(f, 0.37)
    for k in range(3):
        mean = 0.035 + 0.055 * low
        goods[k] = mean * (1.0 + close * (1.1 * hash01(gx, gy, seed + 22 + k) + 0.9 * h - 1.0))
    letters = 0.0
    if kind == SHOP:
        mid = (i + 0.5) * p
        span = p * (0.22 + 0.14 * hash01(i, 9, seed))
        pitch_l = 0.30
        lu0, lu1 = max(u0, mid - span), min(u1, mid + span)
        if lu1 > lu0:
            stroke = comb(lu0, lu1, pitch_l, 0.03, 0.09) + comb(lu0, lu1, pitch_l, 0.16, 0.22)
            full = comb(lu0, lu1, pitch_l, 0.03, 0.22)
            y = head + 0.06 + (band - 0.06) * 0.5
            bar = int(hash01(int(np.floor(u / pitch_l)), 3, seed) * 3.0)
            tall = pulse(v0, v1, y - 0.15, y + 0.15)
            yb = y + (-0.12, 0.0, 0.12)[bar]
            letters = (stroke * tall + max(full - stroke, 0.0) * pulse(v0, v1, yb - 0.03, yb + 0.03)) * over
    ink = 0.62 if sign[0] + sign[1] + sign[2] < 0.7 else 0.04
    for k in range(3):
        o = out[ALBEDO + k]
        o += (sign[k] - wall[k]) * m_sign * (1.0 if kind == SHOP else 0.0) + (0.7 * sign[k] + 0.03 - wall[k]) * m_lip
        o += (ink - sign[k]) * letters
        o += (frame[k] - wall[k]) * m_front + (goods[k] - frame[k]) * (m_glass + m_door) - 0.55 * goods[k] * m_dark
        out[ALBEDO + k] = max(o, 0.004)
    out[MIRROR] += m_glass + m_door
    open_late = hash01(i, 4, seed + 3) < 0.7
    level = (1.0 if open_late else 0.06) * near + 0.7 * (1.0 - near)
    amount = level * (m_glass + m_door) * (0.9 + 3.0 * (goods[1] - 0.06))
    out[GLOW] += 1.15 * amount
    out[GLOW + 1] += 0.95 * amount
    out[GLOW + 2] += 0.68 * amount
    if kind == SHOP and open_late:
        out[GLOW] += letters * 0.9
        out[GLOW + 1] += letters * 0.8
        out[GLOW + 2] += letters * 0.6
