"""Posters as a function of the place on their sheet (numba): a few designs of shapes and words, each averaged over a pixel.

A design is a stack of shapes whose edges are known, so it is as sharp from near by as from across the street; its words are those of
`sign_words.png`. Places are in heights of the sheet: y from 0 at its foot to 1, x from 0 at its left.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from engine.views.drawn.mesh import GLOW_LEVEL, PARAMS
from engine.views.drawn.poster_shapes import band, bottle_on, car_on, cover, cup_on, horn_on, landscape, lay
from engine.views.drawn.sign_words import KIOSKS, ROWS, SHOPS, SLOGANS
from engine.views.drawn.signs import word_area, word_width
from engine.views.drawn.surface import ALBEDO, GLOW, METALLIC, MIRROR, ROUGHNESS

# Columns of a poster's part, beside its seed and glow's level.
WIDTH, HEIGHT, DESIGN, TONE = range(PARAMS, PARAMS + 4)
"""Metres; then which of the designs, and which of its colours."""
HILLS, SEA, BOTTLE, CUP, CAR, SALE, JAZZ = DESIGNS = tuple(range(len(SLOGANS)))
TONES = 3
_FIRST = len(SHOPS) + len(KIOSKS)
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


@njit(cache=True, error_model="numpy")
def words_on(which, x, y, fx, fy, middle, foot, high, most, rgb, r, g, b):
    """Words around x = `middle` on a line at `foot`, capitals `high` tall or as small as `most` asks for."""
    wide = word_width(which)
    texel = min(high / ROWS, most / wide)
    left, foot = middle - 0.5 * wide * texel, foot + 0.5 * (high - ROWS * texel)
    across, up = fx / texel, fy / texel
    # Near by, where a texel is wider than a pixel, its edge is drawn as sharp as a pixel shows.
    wx, wy = max(across, 1.0), max(up, 1.0)
    at, rise = (x - left) / texel, (y - foot) / texel
    ink = word_area(which, at - 0.5 * wx, at + 0.5 * wx, rise - 0.5 * wy, rise + 0.5 * wy) / (wx * wy)
    sharp = min(4.0, max(1.0, 1.0 / max(across, up)))
    lay(rgb, min(1.0, max(0.0, sharp * (ink - 0.5) + 0.5)), r, g, b)


@njit(cache=True, error_model="numpy")
def _picture(design, tone, x, y, wide, fx, fy, rgb):
    """Linear colour of a design's place in a picture `wide` across, in a pixel fx by fy."""
    ground = _GROUNDS[design, tone]
    f = math.sqrt(fx * fy)
    large, small = _FIRST + 2 * design, _FIRST + 2 * design + 1
    tall = wide < 1.0
    lay(rgb, 1.0, ground[0], ground[1], ground[2])
    if design == HILLS or design == SEA:
        landscape(design == HILLS, tone, ground, x, y, wide, f, rgb)
        ink = 0.85 if design == HILLS else 0.04
        words_on(large, x, y, fx, fy, 0.5 * wide, 0.11, 0.11, 0.86 * wide, rgb, ink, ink, ink + 0.03)
        words_on(small, x, y, fx, fy, 0.5 * wide, 0.035, 0.045, 0.80 * wide, rgb, ink, ink, ink + 0.03)
        return
    light = ground[0] + ground[1] + ground[2] > 0.75
    r, g, b = (0.05, 0.04, 0.04) if light else (0.84, 0.81, 0.72)
    if design == SALE:
        lay(rgb, cover(y - 0.74, fy), 0.84, 0.81, 0.72)
        words_on(large, x, y, fx, fy, 0.5 * wide, 0.22, 0.46, 0.88 * wide, rgb, r, g, b)
        words_on(small, x, y, fx, fy, 0.5 * wide, 0.80, 0.10, 0.86 * wide, rgb, ground[0], ground[1], ground[2])
        lay(rgb, band(y - 0.13, 0.012, f) * band(x - 0.5 * wide, 0.42 * wide, f), r, g, b)
        return
    # Beside the words where a sheet is wide, above them where it is tall.
    middle = 0.5 * wide if tall else 0.29 * wide
    if tall:
        # The thing is drawn smaller, so that it fits above the words.
        x1, y1, f1 = middle + (x - middle) / 0.70, (y - 0.27) / 0.70, f / 0.70
    else:
        x1, y1, f1 = x, y, f
    if design == BOTTLE:
        bottle_on(x1, y1, middle, f1, rgb)
    elif design == CUP:
        cup_on(x1, y1, middle, f1, rgb)
    elif design == CAR:
        if tall:
            car_on(x, y, middle, 0.42 * wide, 0.45, f, rgb)
        else:
            car_on(x, y, 0.5 * wide, 0.30 * wide, 0.10, f, rgb)
    else:
        horn_on(x1, y1, middle, f1, rgb)
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
    share = cover(min(x - _MARGIN, wide - _MARGIN - x), fx) * cover(min(y - _MARGIN, 1.0 - _MARGIN - y), fy)
    if share > 0.0:
        picture = np.zeros(3)
        _picture(int(row[DESIGN]), int(row[TONE]), (x - _MARGIN) / inner, (y - _MARGIN) / inner, inner_wide / inner, fx / inner, fy / inner, picture)
        lay(rgb, share, picture[0], picture[1], picture[2])
    for c in range(3):
        out[ALBEDO + c] = rgb[c]
        out[GLOW + c] = row[GLOW_LEVEL] * rgb[c]
    out[ROUGHNESS], out[METALLIC], out[MIRROR] = 0.6, 0.0, 0.0
