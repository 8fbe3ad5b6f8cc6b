"""Signs over shops (numba): a board for each shop and its word on it, averaged exactly over a pixel by sums of the words' picture."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01
from engine.views.drawn.patterns import comb, pulse
from engine.views.drawn.sign_words import KIOSKS, ROWS, SHOPS, STARTS, SUMS
from engine.views.drawn.surface import ALBEDO, GLOW

GAP_M = 0.2
"""Bare wall at each end of a shop's board, where a rain pipe may come down."""
LETTER_M = 0.36
"""Height of a sign's letters where its board has room for them."""
_STARTS = STARTS.astype(np.int64)
_SHOPS, _KIOSKS = len(SHOPS), len(KIOSKS)
_BOARDS = np.array(
    [
        (0.22, 0.018, 0.02),
        (0.012, 0.045, 0.12),
        (0.015, 0.075, 0.045),
        (0.42, 0.33, 0.17),
        (0.022, 0.022, 0.025),
        (0.50, 0.48, 0.43),
        (0.10, 0.022, 0.06),
        (0.02, 0.11, 0.13),
        (0.34, 0.12, 0.02),
    ]
)
_MEAN = _BOARDS.mean(axis=0)
_DARK_INK = 0.25
"""Boards whose green is more than this have dark letters."""


@njit(cache=True, error_model="numpy")
def _sum(x, y):
    """Sum of texels below and to the left of a place in the words' picture, texels."""
    x, y = min(max(x, 0.0), SUMS.shape[1] - 1.0), min(max(y, 0.0), float(ROWS))
    i, j = min(int(x), SUMS.shape[1] - 2), min(int(y), ROWS - 1)
    a, b = x - i, y - j
    return (1 - a) * ((1 - b) * SUMS[j, i] + b * SUMS[j + 1, i]) + a * ((1 - b) * SUMS[j, i + 1] + b * SUMS[j + 1, i + 1])


@njit(cache=True, error_model="numpy")
def word_width(word):
    """Texels from a word's left end to its right one."""
    return float(_STARTS[word + 1] - _STARTS[word])


@njit(cache=True, error_model="numpy")
def word_area(word, x0, x1, y0, y1):
    """Texels squared of a word's ink in [x0, x1] x [y0, y1]; x from its left end, y from its foot, both in texels."""
    first, last = _STARTS[word], _STARTS[word + 1]
    x0, x1 = max(x0, 0.0) + first, min(x1 + first, float(last))
    y0, y1 = max(y0, 0.0), min(y1, float(ROWS))
    if x1 <= x0 or y1 <= y0:
        return 0.0
    return (_sum(x1, y1) - _sum(x0, y1) - _sum(x1, y0) + _sum(x0, y0)) / 255.0


@njit(cache=True, error_model="numpy")
def word_of(shop, kiosk, seed):
    """Which word stands over a shop of a house; neighbours never share one."""
    if kiosk:
        return _SHOPS + int(hash01(shop, 31, seed) * _KIOSKS)
    first, step = int(hash01(8, 2, seed) * _SHOPS), 1 + int(hash01(8, 3, seed) * (_SHOPS - 1))
    return (first + shop * step) % _SHOPS


@njit(cache=True, error_model="numpy")
def shop_signs(kiosk, u0, u1, v0, v1, pitch, shops, low, high, over, lit, seed, wall, out):
    """Boards between heights `low` and `high`, one for each of `shops` shops `pitch` wide, over [u0, u1] x [v0, v1]; `lit` at night."""
    band = pulse(v0, v1, low, high) * over
    if band <= 0.0:
        return
    first, last = max(0, int(u0 / pitch)), min(shops - 1, int(u1 / pitch))
    if last - first > 2:  # far away: what boards and letters are on average
        share = comb(u0, u1, pitch, GAP_M, pitch - GAP_M) * band
        for c in range(3):
            out[ALBEDO + c] += (0.85 * _MEAN[c] + 0.06 - wall[c]) * share
        return
    for shop in range(first, last + 1):
        left = shop * pitch
        share = pulse(u0, u1, left + GAP_M, left + pitch - GAP_M) * band
        if share <= 0.0:
            continue
        tone = int(hash01(8, 16 + shop, seed) * len(_BOARDS))
        word = word_of(shop, kiosk, seed)
        wide = word_width(word)
        texel = min(min(LETTER_M, 0.58 * (high - low)) / ROWS, 0.84 * (pitch - 2 * GAP_M) / wide)
        x, y = left + 0.5 * (pitch - wide * texel), 0.5 * (low + high - ROWS * texel)
        ink = word_area(word, (u0 - x) / texel, (u1 - x) / texel, (v0 - y) / texel, (v1 - y) / texel) * texel * texel * over
        bright = 0.045 if _BOARDS[tone, 1] > _DARK_INK else 0.68
        for c in range(3):
            cream = bright * (1.0, 0.96, 0.86)[c]
            out[ALBEDO + c] += (_BOARDS[tone, c] - wall[c]) * share + (cream - _BOARDS[tone, c]) * ink
            out[GLOW + c] += lit * (0.55, 0.48, 0.36)[c] * (ink if bright > 0.5 else 0.35 * (share - ink))
