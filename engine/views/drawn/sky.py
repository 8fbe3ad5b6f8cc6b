"""The sky as a picture, drawn once a take: gradient, sun's glow, clouds, stars, and the far land in front of it (numba).

A map is float32 (ROWS, COLUMNS, 3), linear. Columns are azimuths of the world; rows go from `LOWEST_RAD` below the horizon to the zenith,
dense at the horizon, where the eye looks.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from engine.lattice import hash01, value_noise
from engine.views.drawn.horizon import far_land
from engine.views.look import Look

ROWS, COLUMNS = 320, 2304
LOWEST_RAD = 0.12
_EVEN = 0.62
"""Brightness of a cloud's side of even density."""


def sky_map(look: Look) -> np.ndarray:
    """float32 (ROWS, COLUMNS, 3) linear radiance."""
    out = np.zeros((ROWS, COLUMNS, 3), np.float32)
    light = np.array([look.sun, look.cloud, look.night, look.fog_per_m, look.warmth, look.snow, look.rain])
    _draw(look.sun_direction(), light, look.seed, out)
    return out


@njit(cache=True, error_model="numpy", inline="always")
def _elevation(row):
    """Radians of a row's centre."""
    s = (row + 0.5) / ROWS
    return -LOWEST_RAD + (math.pi / 2 + LOWEST_RAD) * s * s


@njit(cache=True, error_model="numpy")
def sample(sky, dx, dy, dz, out):
    """Radiance (3,) of the world's direction d (unit), interpolated; below the map its lowest row."""
    elevation = math.asin(min(1.0, max(-1.0, dz)))
    s = math.sqrt(max(0.0, (elevation + LOWEST_RAD) / (math.pi / 2 + LOWEST_RAD)))
    v = min(max(s * ROWS - 0.5, 0.0), ROWS - 1.001)
    u = (math.atan2(dy, dx) / (2 * math.pi) + 0.5) * COLUMNS - 0.5
    i, j = int(v), int(math.floor(u))
    a, b = v - i, u - j
    j0, j1 = j % COLUMNS, (j + 1) % COLUMNS
    for c in range(3):
        low = sky[i, j0, c] * (1 - b) + sky[i, j1, c] * b
        high = sky[i + 1, j0, c] * (1 - b) + sky[i + 1, j1, c] * b
        out[c] = low * (1 - a) + high * a


@njit(cache=True, error_model="numpy")
def _clouds(x, y, seed):
    """Density in [0, 1] of the cloud layer at a place of its plane."""
    total, weight, scale = 0.0, 0.5, 2.2
    for octave in range(6):
        total += weight * value_noise(x + 17.3 * octave, y - 9.1 * octave, scale, seed + octave)
        weight *= 0.52
        scale *= 0.46
    return total / 0.98


@njit(cache=True, error_model="numpy", inline="always")
def cloud_at(dx, dy, dz, sun_xyz, sun, cover, seed):
    """Clouds in a direction: of the broken layer how dense it is and how bright its side is that one sees; how far a closed cover hides all,
    and how bright its billows are."""
    body, edge = 0.0, _EVEN
    if dz > 0.0:
        # A flat layer of clouds, seen at a slant: it thins and flattens towards the horizon.
        x, y = dx / (dz + 0.16), dy / (dz + 0.16)
        density = _clouds(x * 1.25, y * 1.25, seed + 101)
        threshold = 0.74 - 0.52 * cover
        body = min(1.0, max(0.0, (density - threshold) * (5.0 - 2.5 * cover)))
        body = body * body * (3 - 2 * body) * min(1.0, dz * 9)
        if body > 0.0:
            lit = _clouds(x * 1.25 + 0.10 * sun_xyz[0], y * 1.25 + 0.10 * sun_xyz[1], seed + 101)
            edge = min(1.0, max(0.0, _EVEN + (density - lit) * 4.5))
    closed = max(0.0, cover * 1.6 - 0.6) * (1 - sun)
    billow = 1.0
    if closed > 0.0:
        x, y = dx / (max(dz, 0.0) + 0.25), dy / (max(dz, 0.0) + 0.25)
        billow = 0.88 + 0.24 * (_clouds(x * 0.8, y * 0.8, seed + 131) - 0.5) * min(1.0, max(0.0, dz) * 6)
    return body, edge, closed, billow


@njit(cache=True, error_model="numpy")
def _air(dx, dy, dz, sun_xyz, light, out):
    """Sky without clouds: blue above, pale at the horizon, warm around a low sun, dark at night with the town's glow at its rim."""
    night, warmth = light[2], light[4]
    up = max(dz, 0.0)
    low = math.exp(-up * 5.5)
    facing = dx * sun_xyz[0] + dy * sun_xyz[1] + dz * sun_xyz[2]
    level = math.hypot(sun_xyz[0], sun_xyz[1]) * math.hypot(dx, dy)
    toward = 0.5 + 0.5 * (dx * sun_xyz[0] + dy * sun_xyz[1]) / max(1e-6, level)
    zenith = (0.13, 0.29, 0.62)
    pale = (0.62, 0.76, 0.92)
    orange = (1.25, 0.56, 0.20)
    violet = (0.46, 0.36, 0.48)
    for c in range(3):
        day = zenith[c] * (1 - low) + pale[c] * low
        rim = orange[c] * toward**2 + violet[c] * (1 - toward**2)
        warm = zenith[c] * 0.62 * (1 - low) + rim * low
        dusky = (0.055, 0.085, 0.19)[c] * (1 - low) + rim * 0.62 * low
        value = day * (1 - warmth) + warm * warmth
        half = min(1.0, night * 2)
        value = value * (1 - half) + dusky * half
        dark = (0.0045, 0.0062, 0.0125)[c] + low * (0.026, 0.0205, 0.0160)[c]
        deep = max(0.0, night * 2 - 1)
        out[c] = value * (1 - deep) + dark * deep
    glow = max(0.0, facing)
    strength = light[0] * (0.35 * glow**8 + 0.9 * glow**64 + 2.5 * glow**900)
    for c in range(3):
        out[c] += strength * ((1.0, 0.93, 0.80)[c] * (1 - warmth) + (1.3, 0.66, 0.26)[c] * warmth)


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _draw(sun_xyz, light, seed, out):
    sun, cover, night, fog, warmth, snow, rain = light
    for row in prange(ROWS):
        sky, rim = np.zeros(3), np.zeros(3)
        elevation = _elevation(row)
        for column in range(COLUMNS):
            azimuth = ((column + 0.5) / COLUMNS - 0.5) * 2 * math.pi
            dx, dy, dz = math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation), math.sin(elevation)
            _air(dx, dy, dz, sun_xyz, light, sky)
            _air(dx, dy, 0.0, sun_xyz, light, rim)
            grey_level = (0.60 - 0.16 * rain) * (1 - night) + 0.20 * (night if night < 0.75 else 0.0) + 0.012 * max(0.0, night * 2 - 1)
            body, edge, closed, billow = cloud_at(dx, dy, dz, sun_xyz, sun, cover, seed)
            if body > 0.0:
                for c in range(3):
                    white = (1.02, 1.00, 0.98)[c] * (1 - warmth) + (1.15, 0.74, 0.52)[c] * warmth
                    bright = white * (0.62 + 0.42 * edge) * (0.35 + 0.65 * sun) * (1 - night) + grey_level * (0.80 + 0.20 * edge) * (1 - sun)
                    if night > 0.0:
                        bright = bright * (1 - night) + night * sky[c] * (0.55 + 0.5 * edge)
                    sky[c] = sky[c] * (1 - 0.92 * body) + 0.92 * body * bright
            # A closed cover has no blue behind it: one grey, a little brighter overhead, with soft billows.
            if closed > 0.0:
                for c in range(3):
                    grey = grey_level * (0.97, 1.0, 1.05)[c] * billow * (0.80 + 0.25 * max(dz, 0.0))
                    tint = rim[c] * 0.75
                    grey = grey * (1 - min(night * 1.2, 1.0)) + tint * min(night * 1.2, 1.0)
                    sky[c] = sky[c] * (1 - closed) + closed * grey
            if night > 0.7 and dz > 0.05 and cover < 0.9:
                cell_x, cell_y = int(azimuth * 90 * math.cos(elevation)), int(elevation * 90)
                chance = hash01(cell_x, cell_y, seed + 7)
                if chance > 0.985:
                    near = (azimuth * 90 * math.cos(elevation) - cell_x - 0.5) ** 2 + (elevation * 90 - cell_y - 0.5) ** 2
                    twinkle = math.exp(-near * 40) * (chance - 0.985) * 8
                    for c in range(3):
                        sky[c] += twinkle * (0.9, 0.95, 1.0)[c] * (1 - cover) * 0.8
            # Fog takes the sky into one tone, thickest at the horizon.
            veil = 1 - math.exp(-fog * 38 / (max(dz, 0.0) + 0.10))
            veil *= min(1.0, fog * 60 + 0.25)
            for c in range(3):
                mist = (0.55 + 0.03 * snow) * (0.98, 1.0, 1.02)[c] * (1 - night) + night * (0.042, 0.038, 0.034)[c]
                sky[c] = sky[c] * (1 - veil) + veil * (0.5 * mist + 0.5 * (rim[c] if sun > 0.3 else mist))
            far_land(azimuth, elevation, light, seed, rim, sky)
            for c in range(3):
                out[row, column, c] = sky[c]


def ambient(sky: np.ndarray, ground_rgb: np.ndarray) -> np.ndarray:
    """Sky light as spherical harmonics of first order, float64 (4, 3): constant, x, y, z; the lower half is the ground's `ground_rgb` radiance.

    Irradiance / pi of a normal n is `s[0] + s[1] n.x + s[2] n.y + s[3] n.z`.
    """
    rows = np.arange(ROWS)
    s = (rows + 0.5) / ROWS
    elevation = -LOWEST_RAD + (np.pi / 2 + LOWEST_RAD) * s * s
    d_elevation = (np.pi / 2 + LOWEST_RAD) * 2 * s / ROWS
    azimuth = ((np.arange(COLUMNS) + 0.5) / COLUMNS - 0.5) * 2 * np.pi
    weight = np.where(elevation > 0, np.cos(elevation) * d_elevation, 0.0) * (2 * np.pi / COLUMNS)
    x = (np.cos(elevation)[:, None] * np.cos(azimuth)).astype(np.float32)
    y = (np.cos(elevation)[:, None] * np.sin(azimuth)).astype(np.float32)
    z = np.sin(elevation)[:, None] * np.ones_like(x)
    capped = np.minimum(sky, 4.0)
    result = np.zeros((4, 3))
    for k, basis in enumerate((np.ones_like(x), x, y, z)):
        result[k] = np.einsum("rc,rcd->d", basis * weight[:, None], capped)
    result[0] += 2 * np.pi * ground_rgb
    result[3] -= np.pi * ground_rgb
    # Projection onto Y00 and Y1m, and the cosine lobe (pi, 2 pi / 3), over pi.
    # Air and ground scatter on: shadows are bluish, never blue.
    result = 0.45 * result + 0.55 * result.mean(axis=1, keepdims=True)
    result[0] *= 1 / (4 * np.pi)
    result[1:] *= 3 / (4 * np.pi) * (2 / 3)
    return result
