"""Stripes and blocks averaged exactly over the width of a pixel (numba): what patterns on walls, roofs and roads are made of."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy", inline="always")
def pulse(x0, x1, a, b):
    """Length of [a, b] that lies in [x0, x1]."""
    return max(0.0, min(x1, b) - max(x0, a))


@njit(cache=True, error_model="numpy", inline="always")
def _below(x, pitch, a, b):
    n = np.floor(x / pitch)
    return n * (b - a) + min(max(x - n * pitch - a, 0.0), b - a)


@njit(cache=True, error_model="numpy", inline="always")
def comb(x0, x1, pitch, a, b):
    """Length within [x0, x1] of [a, b] repeated at every pitch."""
    return _below(x1, pitch, a, b) - _below(x0, pitch, a, b)


@njit(cache=True, error_model="numpy", inline="always")
def fade(footprint, size):
    """1 where a pixel is much finer than a thing, 0 where it is as wide."""
    return min(1.0, max(0.0, 1.6 - 2.0 * footprint / size))
