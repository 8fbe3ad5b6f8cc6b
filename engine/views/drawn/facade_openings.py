"""Windows, doors and shops of a facade (numba): rectangles laid on the wall as differences of colour; see `facades.py`."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01
from engine.views.drawn.facade_rules import CURTAIN, KIOSK, LIT, LOBBY, PANEL, STONE
from engine.views.drawn.patterns import comb, fade, pulse
from engine.views.drawn.signs import shop_signs
from engine.views.drawn.surface import ALBEDO, GLOW, MIRROR


@njit(cache=True, error_model="numpy")
def windows(row, kr, style, u, v, u0, u1, v0, v1, pitch, storey, ow, oh, over, f, seed, door, wall, trim, out):
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
    drape = 0.22
    sharp = 0.0
    if h < 0.30:
        sharp = min(1.0, max(0.0, (abs(x) - ow * (0.20 + 0.5 * h)) / max(f, 0.02) + 0.5))
        sharp *= 0.82 + 0.18 * np.cos(abs(x) * 52.0) * fade(f, 0.12)
    elif h < 0.52:
        sharp = 0.75 * min(1.0, max(0.0, (y - oh * (0.30 + 2.6 * (h - 0.30))) / max(f, 0.02) + 0.5))
    elif h < 0.62:
        sharp = 0.55
    drape += near * (sharp - drape)
    if style == CURTAIN or style == PANEL:
        drape *= 0.6
    shade = 0.55 + 0.9 * hash01(i, j, seed + 12)
    shade = 1.0 + near * (shade - 1.0)
    dark = 0.045 * (1.0 + near * 0.7 * (y / oh - 0.5))
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
    # Lamps hang from ceilings: it is brightest near the head, and curtains dim and warm it.
    level = (0.22 + 0.5 * hash01(i, j, seed + 15)) * (0.6 + 0.55 * y / oh) * (1.0 - 0.5 * sharp)
    level = near * lit * level + (1.0 - near) * LIT * 0.32
    amount = level * (m_pane - m_bars)
    cool = near * (1.0 if warm > 0.82 else 0.0) + (1.0 - near) * 0.18
    out[GLOW] += amount * (1.0 - 0.25 * cool)
    out[GLOW + 1] += amount * (0.60 + 0.26 * cool - 0.06 * near * sharp)
    out[GLOW + 2] += amount * (0.27 + 0.58 * cool - 0.08 * near * sharp)


@njit(cache=True, error_model="numpy")
def door_of(u0, u1, v0, v1, at, ground, over, seed, wall, trim, out):
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
    out[GLOW] += 0.4 * m_fan
    out[GLOW + 1] += 0.26 * m_fan
    out[GLOW + 2] += 0.12 * m_fan


@njit(cache=True, error_model="numpy")
def shop_front(kind, u, v, u0, u1, v0, v1, width, pitch, bays, ground, over, f, seed, wall, out):
    """Shop windows between piers under their signs, a kiosk's counter, or an office's glazed ground floor."""
    shops = max(1, int(np.round(width / 4.2)))
    p = width / shops
    i = min(shops - 1, max(0, int(u / p)))
    sells = kind != LOBBY
    band = 0.72 if sells else 0.3
    head = ground - band - 0.12
    riser = 0.42 if sells else 0.1
    pier = 0.2
    near = fade(f, 1.5)
    frame = ((0.035, 0.035, 0.038), (0.42, 0.42, 0.40), (0.10, 0.065, 0.04), (0.04, 0.055, 0.05))[int(hash01(8, 1, seed) * 4.0)]
    m_lip = (u1 - u0) * pulse(v0, v1, head + band, ground - 0.03) * over
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
    # Goods stand in the window: blocks of muted colour, darker further up. A lobby has a bare floor.
    gx, gy = int(np.floor(u / 0.43)), int(np.floor(v / 0.62))
    goods = np.empty(3)
    h = hash01(gx, gy, seed + 21)
    low = max(0.0, 1.0 - max(v - riser, 0.0) / 1.4)
    close = fade(f, 0.43) * (0.5 if sells else 0.0)
    for k in range(3):
        mean = 0.045 + 0.06 * low
        goods[k] = mean * (1.0 + close * low * (0.22 * (hash01(gx, gy, seed + 22 + k) - 0.5) + 1.2 * (h - 0.5)))
    for k in range(3):
        o = out[ALBEDO + k]
        o += (0.5 * frame[k] + 0.06 - wall[k]) * m_lip
        o += (frame[k] - wall[k]) * m_front + (goods[k] - frame[k]) * (m_glass + m_door) - 0.55 * goods[k] * m_dark
        out[ALBEDO + k] = max(o, 0.004)
    out[MIRROR] += m_glass + m_door
    open_late = hash01(i, 4, seed + 3) < 0.7
    level = (1.0 if open_late else 0.05) * near + 0.7 * (1.0 - near)
    # The back of the shop is bright above, and goods stand before it.
    depth = 1.0 + near * (0.55 * max(-1.0, min(1.0, (v - 1.5) / 1.1)) + 6.0 * (goods[1] - 0.045 - 0.06 * low) - 0.2 * low)
    amount = 0.40 * level * (m_glass + m_door) * max(0.15, depth)
    out[GLOW] += 1.05 * amount
    out[GLOW + 1] += 0.86 * amount
    out[GLOW + 2] += 0.60 * amount
    if sells:
        lit = (1.0 if open_late else 0.0) * near + 0.7 * (1.0 - near)
        shop_signs(kind == KIOSK, u0, u1, v0, v1, p, shops, head + 0.06, head + band, over, lit, seed, wall, out)
