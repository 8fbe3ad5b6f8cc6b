"""From light to a picture: the sky's share smoothed, what falls through the air, glow around lamps, exposure and tone (numba)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from engine.views.drawn.film import Film
from engine.views.drawn.light import EXPOSURE, FOG, HAZE_COLUMNS, NIGHT, RAIN, SNOW, Light
from engine.views.drawn.weather import falling

BLOOM_CELL = 4
"""Pixels of the picture to a cell of its glow."""


def finish(film: Film, light: Light, rays: np.ndarray, world_R_camera: np.ndarray, time_s: float, seed: int) -> np.ndarray:
    """uint8 (H, W, 3) sRGB."""
    height, width = film.depth.shape
    radiance = np.empty((height, width, 3), np.float32)
    gather(film.direct, film.ambient, film.openness, film.depth, film.normal, radiance)
    if light.numbers[RAIN] > 0.0 or light.numbers[SNOW] > 0.0:
        _fall(radiance, film.depth, rays, np.ascontiguousarray(world_R_camera), light.numbers, light.haze, time_s, seed)
    strength = 0.03 + 0.02 * light.numbers[NIGHT] + min(0.08, 2.0 * light.numbers[FOG])
    glow = _bloom(radiance, float(light.numbers[EXPOSURE]), height, width)
    out = np.empty((height, width, 3), np.uint8)
    _tone(radiance, glow, float(strength), float(light.numbers[EXPOSURE]), out)
    return out


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def gather(direct, ambient, openness, depth, normal, out):
    """The 4 x 4 pattern of sky rays averaged over neighbours of the same surface, and all light summed."""
    height, width = depth.shape
    for v in prange(height):
        for u in range(width):
            d = depth[v, u]
            share = 1.0
            if d > 0.0:
                total = weights = 0.0
                for a in range(-3, 4):
                    for b in range(-3, 4):
                        i, j = v + a, u + b
                        if i < 0 or j < 0 or i >= height or j >= width or depth[i, j] <= 0.0:
                            continue
                        # Two boxes of 4 folded: every cell of the pattern weighs the same.
                        w = (4 - abs(a)) * (4 - abs(b))
                        facing = normal[v, u, 0] * normal[i, j, 0] + normal[v, u, 1] * normal[i, j, 1] + normal[v, u, 2] * normal[i, j, 2]
                        if facing < 0.75 or abs(depth[i, j] - d) > 0.06 * d + 0.02:
                            continue
                        total += w * openness[i, j]
                        weights += w
                share = total / weights if weights > 0.0 else openness[v, u]
            for c in range(3):
                out[v, u, c] = direct[v, u, c] + ambient[v, u, c] * share


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _fall(radiance, depth, rays, pose, numbers, haze, time_s, seed):
    height, width = depth.shape
    for v in prange(height):
        for u in range(width):
            rx, ry, rz = rays[v, u, 0], rays[v, u, 1], rays[v, u, 2]
            if math.isnan(rx):
                continue
            dx = pose[0, 0] * rx + pose[0, 1] * ry + pose[0, 2] * rz
            dy = pose[1, 0] * rx + pose[1, 1] * ry + pose[1, 2] * rz
            dz = pose[2, 0] * rx + pose[2, 1] * ry + pose[2, 2] * rz
            azimuth, elevation = math.atan2(dy, dx), math.asin(min(1.0, max(-1.0, dz)))
            far = depth[v, u] if depth[v, u] > 0 else 1e4
            cover = falling(azimuth, elevation, far, time_s, numbers[RAIN], numbers[SNOW], seed)
            if cover > 0.0:
                j = int((azimuth / (2 * math.pi) + 0.5) * HAZE_COLUMNS) % HAZE_COLUMNS
                bright = 1.0 + 0.35 * numbers[SNOW]
                for c in range(3):
                    light = haze[j, c] * bright + 0.35 * radiance[v, u, c]
                    radiance[v, u, c] = radiance[v, u, c] * (1 - cover) + cover * light


def _bloom(radiance: np.ndarray, exposure: float, height: int, width: int) -> np.ndarray:
    """float32 (H / 4, W / 4, 3): what is brighter than white, spread out."""
    small = np.zeros((-(-height // BLOOM_CELL), -(-width // BLOOM_CELL), 3), np.float32)
    _bright(radiance, exposure, small)
    # A tight and a wide halo, each three boxes deep, which is as good as round.
    tight = _softened(small, 1)
    return 0.75 * tight + 0.25 * _softened(tight, max(2, width // 90))


def _softened(image: np.ndarray, reach: int) -> np.ndarray:
    for _ in range(3):
        image = _blurred(_blurred(image, reach).transpose(1, 0, 2).copy(), reach).transpose(1, 0, 2).copy()
    return image


@njit(cache=True, nogil=True, error_model="numpy")
def _bright(radiance, exposure, small):
    height, width, _ = radiance.shape
    for v in range(height):
        for u in range(width):
            for c in range(3):
                over = radiance[v, u, c] * exposure - 1.1
                if over > 0.0:
                    small[v // BLOOM_CELL, u // BLOOM_CELL, c] += min(over, 8.0) / (BLOOM_CELL * BLOOM_CELL)


@njit(cache=True, nogil=True, error_model="numpy")
def _blurred(image, reach):
    """Mean over 2 reach + 1 cells along the second axis."""
    height, width, _ = image.shape
    out = np.zeros_like(image)
    for v in range(height):
        for u in range(width):
            low, high = max(0, u - reach), min(width, u + reach + 1)
            for c in range(3):
                total = np.float32(0.0)
                for j in range(low, high):
                    total += image[v, j, c]
                out[v, u, c] = total / (2 * reach + 1)
    return out


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _tone(radiance, glow, strength, exposure, out):
    height, width, _ = radiance.shape
    rows, columns, _ = glow.shape
    for v in prange(height):
        y = min(max((v + 0.5) / BLOOM_CELL - 0.5, 0.0), rows - 1.001)
        i, a = int(y), y - int(y)
        i1 = min(i + 1, rows - 1)
        for u in range(width):
            x = min(max((u + 0.5) / BLOOM_CELL - 0.5, 0.0), columns - 1.001)
            j, b = int(x), x - int(x)
            j1 = min(j + 1, columns - 1)
            for c in range(3):
                halo = (glow[i, j, c] * (1 - b) + glow[i, j1, c] * b) * (1 - a) + (glow[i1, j, c] * (1 - b) + glow[i1, j1, c] * b) * a
                value = radiance[v, u, c] * exposure + strength * 4.0 * halo
                # Narkowicz' fit of the ACES curve, slower to white.
                value *= 0.72
                value = value * (2.51 * value + 0.03) / (value * (2.43 * value + 0.59) + 0.14)
                value = min(1.0, max(0.0, value))
                value = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
                out[v, u, c] = np.uint8(value * 255 + 0.5)
