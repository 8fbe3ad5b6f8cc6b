"""Noise from a hash of lattice points: the same value at the same place and seed on every machine (numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

import engine.spec  # noqa: F401  (sets numba's threading layer before numba compiles anything)


@njit(cache=True, error_model="numpy", inline="always")
def hash01(i: int, j: int, seed: int) -> float:
    """Uniform in [0, 1), the same for the same lattice point and seed on every machine."""
    h = np.uint64(np.int64(i) * 73856093) ^ np.uint64(np.int64(j) * 19349663) ^ np.uint64(np.int64(seed) * 83492791)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    h = h ^ (h >> np.uint64(31))
    return float(h >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, error_model="numpy")
def value_noise(x: float, y: float, scale_m: float, seed: int) -> float:
    """Smooth noise in [0, 1) with features about `scale_m` wide."""
    u, v = x / scale_m, y / scale_m
    i, j = int(np.floor(u)), int(np.floor(v))
    a, b = u - i, v - j
    a = a * a * (3 - 2 * a)
    b = b * b * (3 - 2 * b)
    low = hash01(i, j, seed) * (1 - a) + hash01(i + 1, j, seed) * a
    high = hash01(i, j + 1, seed) * (1 - a) + hash01(i + 1, j + 1, seed) * a
    return low * (1 - b) + high * b
