"""Posters as a function of the place on their sheet (numba): a few designs of shapes and words, each averaged over a pixel.

A design is a stack of shapes whose edges are known, so it is as sharp from near by as from across the street; its words are those of
`sign_words.png`. Places are in heights of the sheet: y from 0 at its foot to 1, x from 0 at its left.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from engine.views.drawn.mesh import GLOW_LEVEL, PARAMS
from engine.views.drawn.sign_words import KIOSKS, ROWS, SHOPS, SLOGANS, STARTS
from engine.views.drawn.signs import word_area
from engine.views.drawn.surface import ALBEDO, GLOW, METALLIC, MIRROR, ROUGHNESS, smoothstep

# Columns of a poster's part, beside its seed and glow's level.
WIDTH, HEIGHT, DESIGN, TONE = range(PARAMS, PARAMS + 4)
"""Metres; then which of the designs, and which of its colours."""
HILLS, SEA, BOTTLE, CUP, CAR, SALE, JAZZ = DESIGNS = tuple(range(len(SLOGANS)))
TONES = 3
_FIRST = len(SHOPS) + len(KIOSKS)
_STARTS = STARTS.astype(np.int64)
_MARGIN = 0.03
"""White paper around a picture."""
_GROUNDS = np.array(
    [
        [(0.045, 0.16, 0.075), (0.10, 0.17, 0.05), (0.04, 0.13, 0.12)],
        [(0.62, 0.50, 0.32), (0.66, 0.56, 0.42), (0.55, 0.47, 0.36)],
        [(0.66, 0.49, 0.10), (0.10, 0.27, 0.24), (0.60, 0.24, 0.13)],
        [(0.50, 0.40, 0.28), (0.10, 0.055, 0.03), (0.16, 0.25, 0.24)],
        [(0.42, 0.45, 0.47), (0.06, 0.13, 0.22), (0.55, 0.53, 0.49)],
        [(0.50, 0.028, 0.03), (0.60, 0.42, 0.03), (0.025, 0.08, 0.26)],
        [(0.03, 0.035, 0.10), (0.09, 0.02, 0.05), (0.02, 0.06, 0.065)],
    ]
)
"""Linear colour (design, tone, 3) of what most of a sheet shows."""


@njit(cache=True, error_model="numpy", inline="always")
def _cover(inside, pixel):
    """Share of a pixel on this side of an edge that is `inside` away from its middle."""
    return min(1.0, max(0.0, inside / pixel + 0.5))


@njit(cache=True, error_model="numpy", inline="always")
def _band(away, half, pixel):
    """Share of a pixel that a stripe covers whose middle is `away` from the pixel's, `half` wide to either side."""
    return max(0.0, min(away + 0.5 * pixel, half) - max(away - 0.5 * pixel, -half)) / pixel


@njit(cache=True, error_model="numpy", inline="always")
def _lay(rgb, share, r, g, b):
    rgb[0] += (r - rgb[0]) * share
    rgb[1] += (g - rgb[1]) * share
    rgb[2] += (b - rgb[2]) * share


@njit(cache=True, error_model="numpy")
def words_on(which, x, y, fx, fy, middle, foot, high, most, rgb, r, g, b):
    """Words around x = `middle` on a line at `foot`, capitals `high` tall or as small as `most` asks for."""
    wide = float(_STARTS[which + 1] - _STARTS[which])
    texel = min(high / ROWS, most / wide)
    left, foot = middle - 0.5 * wide * texel, foot + 0.5 * (high - ROWS * texel)
    across, up = fx / texel, fy / texel
    # Near by, where a texel is wider than a pixel, its edge is drawn as sharp as a pixel shows.
    wx, wy = max(across, 1.0), max(up, 1.0)
    at, rise = (x - left) / texel, (y - foot) / texel
    ink = word_area(which, at - 0.5 * wx, at + 0.5 * wx, rise - 0.5 * wy, rise + 0.5 * wy) / (wx * wy)
    sharp = min(4.0, max(1.0, 1.0 / max(across, up)))
    _lay(rgb, min(1.0, max(0.0, sharp * (ink - 0.5) + 0.5)), r, g, b)


@njit(cache=True, error_model="numpy")
def _ridge(x, seed, rough):
    """Height, -1 to 1, of a mountain's outline at x."""
    total, size, scale = 0.0, 1.0, 1.0
    for k in range(4):
        t = x * scale * 1.7 + 0.37 * seed + 1.3 * k
        # A folded wave: peaks are sharp, valleys are not.
        fold = 1.0 - 2.0 * abs(2.0 * (t - math.floor(t + 0.5)))
        total += size * (rough * fold + (1.0 - rough) * math.sin(2.6 * t))
        size *= 0.42
        scale *= 2.1
    return 0.58 * total


@njit(cache=True, error_model="numpy")
def _bottle(t):
    """Half width of a bottle at t of its height, in its heights."""
    body = 0.145 - 0.105 * smoothstep(0.56, 0.76, t)
    return body + 0.014 * smoothstep(0.885, 0.895, t) - 0.012 * smoothstep(0.05, 0.0, t)


@njit(cache=True, error_model="numpy")
def _landscape(design, tone, ground, x, y, wide, f, rgb):
    """Sky and sun over ridges and a meadow, or over the sea with a sail and a beach."""
    sky = smoothstep(0.3, 1.05, y)
    warm = 1.0 if tone == 1 else 0.0
    _lay(rgb, 1.0, 0.60 + 0.12 * warm - 0.42 * sky, 0.66 - 0.12 * warm - 0.34 * sky, 0.70 - 0.30 * warm - 0.10 * sky)
    sun_x, sun_y = 0.72 * wide, 0.66
    away = math.sqrt((x - sun_x) ** 2 + (y - sun_y) ** 2)
    glow = 0.5 * smoothstep(0.34, 0.08, away)
    _lay(rgb, glow, 0.85, 0.72, 0.42)
    _lay(rgb, _cover(0.085 - away, f), 0.88, 0.78, 0.50)
    if design == HILLS:
        _lay(rgb, _cover(0.47 + 0.10 * _ridge(x + 3.0, tone, 0.8) - y, f), 0.26, 0.35, 0.46)
        peak = 0.40 + 0.15 * _ridge(x, tone + 5, 0.75)
        _lay(rgb, _cover(peak - y, f), 0.12, 0.20, 0.27)
        snow = max(0.47, peak - 0.06 - 0.02 * _ridge(7.0 * x, tone, 0.9))
        _lay(rgb, _cover(peak - y, f) * _cover(y - snow, f), 0.72, 0.75, 0.78)
        _lay(rgb, _cover(0.30 + 0.035 * _ridge(0.5 * x, tone + 9, 0.0) - y, f), 0.62 * ground[0], 0.62 * ground[1], 0.62 * ground[2])
        _lay(rgb, _cover(0.26 + 0.02 * math.sin(4.1 * x + tone) - y, f), ground[0], ground[1], ground[2])
    else:
        near = smoothstep(0.42, 0.2, y)
        _lay(rgb, _cover(0.42 - y, f), 0.03 + 0.05 * near, 0.16 + 0.16 * near, 0.30 + 0.05 * near)
        boat, mast = 0.30 * wide, 0.86 - 0.10
        sail = (mast - y) * 0.34
        inside = min(min(sail - (x - boat), x - boat - 0.004), y - 0.44)
        _lay(rgb, _cover(inside, f), 0.80, 0.78, 0.72)
        jib = min(min(0.24 * (0.70 - y) - (boat - x), boat - x - 0.008), y - 0.45)
        _lay(rgb, _cover(jib, f), 0.55, 0.06, 0.04)
        hull = min(min(0.13 + 0.6 * (y - 0.42) - abs(x - boat - 0.02), y - 0.375), 0.425 - y)
        _lay(rgb, _cover(hull, f), 0.10, 0.035, 0.025)
        shore = 0.24 + 0.03 * math.sin(2.3 * x + tone) - y
        _lay(rgb, _cover(shore + 0.018, f), 0.72, 0.76, 0.76)
        _lay(rgb, _cover(shore, f), ground[0], ground[1], ground[2])


@njit(cache=True, error_model="numpy")
def _bottle_on(x, y, middle, f, rgb):
    """A bottle with its label before a pale disc."""
    _lay(rgb, _cover(0.36 - math.sqrt((x - middle) ** 2 + (y - 0.50) ** 2), f), 0.78, 0.72, 0.55)
    t = (y - 0.08) / 0.84
    if t < -0.05 or t > 1.05:
        return
    inside = min(min(0.84 * _bottle(min(1.0, max(0.0, t))) - abs(x - middle), 0.84 * t), 0.84 * (1.0 - t))
    share = _cover(inside, f)
    _lay(rgb, share, 0.02, 0.13, 0.055)
    _lay(rgb, share * _band(x - middle + 0.075, 0.012, f) * _cover(0.56 - t, f), 0.45, 0.62, 0.48)
    label = share * _cover(min(t - 0.17, 0.47 - t) * 0.84, f)
    _lay(rgb, label, 0.80, 0.77, 0.66)
    _lay(rgb, label * _cover(0.062 - math.sqrt((x - middle) ** 2 + (y - 0.35) ** 2), f), 0.70, 0.55, 0.05)
    _lay(rgb, share * _cover((t - 0.89) * 0.84, f), 0.60, 0.46, 0.12)


@njit(cache=True, error_model="numpy")
def _cup_on(x, y, middle, f, rgb):
    """A cup of coffee on its saucer, and the steam over it."""
    for k in range(3):
        lane = middle + 0.075 * (k - 1) + 0.022 * math.sin(15.0 * y + 2.0 * k)
        reach = smoothstep(0.56, 0.62, y) * smoothstep(0.90 - 0.05 * (k & 1), 0.72, y)
        _lay(rgb, 0.55 * reach * _band(x - lane, 0.014, f), 0.75, 0.74, 0.70)
    saucer = 1.0 - math.sqrt(((x - middle) / 0.34) ** 2 + ((y - 0.19) / 0.05) ** 2)
    _lay(rgb, _cover(0.05 * saucer, f), 0.66, 0.64, 0.60)
    handle = math.sqrt((x - middle - 0.225) ** 2 + (0.85 * (y - 0.40)) ** 2)
    _lay(rgb, _band(handle - 0.085, 0.022, f), 0.80, 0.79, 0.76)
    t = (y - 0.19) / 0.34
    side = 0.225 - 0.075 * (1.0 - t) ** 2
    _lay(rgb, _cover(min(min(side - abs(x - middle), y - 0.19), 0.53 - y), f), 0.82, 0.81, 0.78)
    _lay(rgb, _cover(min(min(0.05 - abs(x - middle + 0.13), y - 0.24), 0.49 - y), 0.08), 0.86, 0.86, 0.84)
    rim = 1.0 - math.sqrt(((x - middle) / 0.225) ** 2 + ((y - 0.53) / 0.04) ** 2)
    _lay(rgb, _cover(0.04 * rim, f), 0.86, 0.85, 0.82)
    brew = 1.0 - math.sqrt(((x - middle) / 0.195) ** 2 + ((y - 0.527) / 0.028) ** 2)
    _lay(rgb, _cover(0.028 * brew, f), 0.10, 0.045, 0.02)


@njit(cache=True, error_model="numpy")
def _car_on(x, y, middle, size, foot, f, rgb):
    """A car from the side on its shadow; `size` is half its length."""
    s, t = (x - middle) / size, (y - foot) / size
    f /= size
    shadow = 1.0 - math.sqrt((s / 1.08) ** 2 + ((t - 0.02) / 0.07) ** 2)
    _lay(rgb, 0.6 * _cover(0.07 * shadow, max(f, 0.05)), 0.02, 0.02, 0.025)
    nose = 0.47 - 0.10 * max(0.0, s - 0.45) - 0.06 * max(0.0, -s - 0.7)
    body = min(min(0.99 - abs(s) - 0.25 * max(0.0, t - 0.36), t - 0.13), nose - t)
    _lay(rgb, _cover(body, f), 0.55, 0.035, 0.03)
    roof = 0.80 - 0.30 * (s + 0.15) ** 2
    cabin = min(min(roof - t, t - 0.40), min(0.62 - 0.95 * (t - 0.45) - s, s + 0.86 - 0.55 * (t - 0.45)))
    _lay(rgb, _cover(cabin, f), 0.55, 0.035, 0.03)
    pane = min(min(roof - 0.07 - t, t - 0.48), min(0.53 - 0.95 * (t - 0.45) - s, s + 0.76 - 0.55 * (t - 0.45)))
    _lay(rgb, _cover(min(pane, abs(s + 0.10) - 0.02), f), 0.03, 0.05, 0.065)
    _lay(rgb, _band(s - 0.90, 0.05, f) * _band(t - 0.35, 0.035, f), 0.85, 0.83, 0.72)
    for end in (-0.60, 0.62):
        away = math.sqrt((s - end) ** 2 + (t - 0.17) ** 2)
        _lay(rgb, _cover(0.185 - away, f), 0.015, 0.015, 0.017)
        _lay(rgb, _cover(0.11 - away, f), 0.50, 0.51, 0.52)
        _lay(rgb, _cover(0.035 - away, f), 0.06, 0.06, 0.06)


@njit(cache=True, error_model="numpy")
def _horn_on(x, y, middle, f, rgb):
    """Rings of light, and a trumpet before them."""
    away = math.sqrt((x - middle) ** 2 + (y - 0.56) ** 2)
    for k in range(3):
        _lay(rgb, 0.85 * _band(away - 0.17 - 0.10 * k, 0.016, f), 0.62 - 0.12 * k, 0.30 - 0.02 * k, 0.08 + 0.07 * k)
    # Turned: along the horn a, across it b.
    a, b = 0.86 * (x - middle) + 0.5 * (y - 0.56), -0.5 * (x - middle) + 0.86 * (y - 0.56)
    bell = 0.014 + 0.11 * smoothstep(0.10, 0.34, a) ** 2
    horn = _band(b, bell, f) * _cover(min(a + 0.36, 0.33 - a), f)
    loop = _band(math.sqrt((max(0.0, abs(a + 0.02) - 0.10)) ** 2 + (b + 0.055) ** 2) - 0.05, 0.014, f)
    mouth = _band(b, 0.028, f) * _band(a + 0.36, 0.02, f)
    _lay(rgb, max(max(horn, loop), mouth), 0.72, 0.52, 0.13)
    for k in range(3):
        _lay(rgb, _band(a + 0.10 - 0.08 * k, 0.016, f) * _band(b - 0.0175, 0.0675, f), 0.80, 0.64, 0.26)


@njit(cache=True, error_model="numpy")
def _picture(design, tone, x, y, wide, fx, fy, rgb):
    """Linear colour of a design's place in a picture `wide` across, in a pixel fx by fy."""
    ground = _GROUNDS[design, tone]
    f = math.sqrt(fx * fy)
    large, small = _FIRST + 2 * design, _FIRST + 2 * design + 1
    tall = wide < 1.0
    _lay(rgb, 1.0, ground[0], ground[1], ground[2])
    if design == HILLS or design == SEA:
        _landscape(design, tone, ground, x, y, wide, f, rgb)
        ink = 0.85 if design == HILLS else 0.04
        words_on(large, x, y, fx, fy, 0.5 * wide, 0.11, 0.11, 0.86 * wide, rgb, ink, ink, ink + 0.03)
        words_on(small, x, y, fx, fy, 0.5 * wide, 0.035, 0.045, 0.80 * wide, rgb, ink, ink, ink + 0.03)
        return
    light = ground[0] + ground[1] + ground[2] > 0.75
    r, g, b = (0.05, 0.04, 0.04) if light else (0.84, 0.81, 0.72)
    if design == SALE:
        _lay(rgb, _cover(y - 0.74, fy), 0.84, 0.81, 0.72)
        words_on(large, x, y, fx, fy, 0.5 * wide, 0.22, 0.46, 0.88 * wide, rgb, r, g, b)
        words_on(small, x, y, fx, fy, 0.5 * wide, 0.80, 0.10, 0.86 * wide, rgb, ground[0], ground[1], ground[2])
        _lay(rgb, _band(y - 0.13, 0.012, f) * _band(x - 0.5 * wide, 0.42 * wide, f), r, g, b)
        return
    # Beside the words where a sheet is wide, above them where it is tall.
    middle = 0.5 * wide if tall else 0.29 * wide
    put = 0.27 if tall else 0.0
    size = 0.70 if tall else 1.0
    if tall:
        # The thing is drawn smaller, so that it fits above the words.
        x1, y1, f1 = middle + (x - middle) / size, (y - put) / size, f / size
    else:
        x1, y1, f1 = x, y, f
    if design == BOTTLE:
        _bottle_on(x1, y1, middle, f1, rgb)
    elif design == CUP:
        _cup_on(x1, y1, middle, f1, rgb)
    elif design == CAR:
        if tall:
            _car_on(x, y, middle, 0.42 * wide, 0.45, f, rgb)
        else:
            _car_on(x, y, 0.5 * wide, 0.30 * wide, 0.10, f, rgb)
    else:
        _horn_on(x1, y1, middle, f1, rgb)
    if design == CAR and not tall:
        words_on(large, x, y, fx, fy, 0.5 * wide, 0.77, 0.13, 0.86 * wide, rgb, r, g, b)
        words_on(small, x, y, fx, fy, 0.5 * wide, 0.66, 0.05, 0.80 * wide, rgb, r, g, b)
    elif tall:
        words_on(large, x, y, fx, fy, 0.5 * wide, 0.14, 0.12, 0.84 * wide, rgb, r, g, b)
        words_on(small, x, y, fx, fy, 0.5 * wide, 0.06, 0.05, 0.80 * wide, rgb, r, g, b)
    else:
        words_on(large, x, y, fx, fy, 0.745 * wide, 0.48, 0.17, 0.44 * wide, rgb, r, g, b)
        words_on(small, x, y, fx, fy, 0.745 * wide, 0.33, 0.065, 0.42 * wide, rgb, r, g, b)


@njit(cache=True, error_model="numpy")
def poster_surface(row, u, v, wide_u_m, wide_v_m, out):
    """What a poster is at `u` metres from its left and `v` above its foot, in a pixel so wide along it and up it; it glows as its paper is lit at night."""
    high = max(row[HEIGHT], 0.1)
    wide = row[WIDTH] / high
    x, y = u / high, v / high
    fx, fy = max(wide_u_m, 1e-3) / high, max(wide_v_m, 1e-3) / high
    rgb = np.full(3, 0.78)
    inner_wide, inner = wide - 2 * _MARGIN, 1.0 - 2 * _MARGIN
    share = _cover(min(x - _MARGIN, wide - _MARGIN - x), fx) * _cover(min(y - _MARGIN, 1.0 - _MARGIN - y), fy)
    if share > 0.0:
        picture = np.zeros(3)
        _picture(int(row[DESIGN]), int(row[TONE]), (x - _MARGIN) / inner, (y - _MARGIN) / inner, inner_wide / inner, fx / inner, fy / inner, picture)
        _lay(rgb, share, picture[0], picture[1], picture[2])
    for c in range(3):
        out[ALBEDO + c] = rgb[c]
        out[GLOW + c] = row[GLOW_LEVEL] * rgb[c]
    out[ROUGHNESS], out[METALLIC], out[MIRROR] = 0.6, 0.0, 0.0
