"""Light of a take: sun, sky, air and exposure from its look; and the lamps of one frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.views.drawn import sky as skies
from engine.views.look import Look

HAZE_COLUMNS = 96
LAMP = 14
"""Numbers of a lamp: position 0-2, direction 3-5, colour times intensity 6-8 (a lit surface 1 m away, facing it), cosine of the cone's outer
and inner angle 9-10, reach in metres 11, casts shadows 12 (metres before the lamp at which they end), how much wider than tall the cone is 13."""
COLOUR = slice(6, 9)
NIGHT, WET, SNOW, FOG, LAMPS_ON, RAIN, EXPOSURE, SUN = range(8)


class Light(NamedTuple):
    """What the kernels read. Directions are those of the world, which the scene frame shares."""

    sun_xyz: np.ndarray
    """float64 (3,)."""
    sun_rgb: np.ndarray
    """float64 (3,), irradiance / pi of a surface that faces the sun."""
    ambient: np.ndarray
    """float64 (4, 3), see `sky.ambient`."""
    sky: np.ndarray
    """float32 (ROWS, COLUMNS, 3)."""
    haze: np.ndarray
    """float32 (HAZE_COLUMNS, 3): colour of thick air by azimuth."""
    numbers: np.ndarray
    """float64 (8,): NIGHT, WET, SNOW, FOG (per metre), LAMPS_ON, RAIN, EXPOSURE, SUN."""
    lamps: np.ndarray
    """float32 (N, LAMP)."""


def light_of(look: Look) -> Light:
    """Everything but the lamps, which belong to a frame."""
    sky = skies.sky_map(look)
    warm, low = look.warmth, np.sin(look.sun_elevation_rad)
    reddened = np.array([1.0, 0.94, 0.84]) * (1 - warm) + np.array([1.25, 0.66, 0.30]) * warm
    sun_rgb = 2.35 * look.sun * reddened * min(1.0, 0.35 + 1.3 * low)
    # Light that the ground throws back up: of the sun and of the sky, by an average albedo.
    albedo = np.array([0.20, 0.19, 0.17]) * (1 - look.snow) + 0.62 * look.snow
    first = skies.ambient(sky, np.zeros(3))
    ground = albedo * (sun_rgb * max(low, 0.0) + first[0] + first[3])
    # The sky is shown darker than it shines, as a graduated filter does: else it is white wherever the ground is not black.
    ambient = skies.ambient(sky, ground) * (1.45 + 0.55 * (1 - look.sun) * (1 - look.night))
    if look.night > 0.7:  # moonlight and the town's haze: what they leave dark is still seen
        ambient[0] += np.array([0.095, 0.097, 0.112])
    numbers = np.zeros(8)
    lamps_on = max(look.night if look.night > 0.3 else 0.0, 0.55 * look.rain, 0.7 if look.fog_per_m > 0.012 else 0.0, 0.4 * look.snow)
    numbers[[NIGHT, WET, SNOW, FOG]] = look.night, look.wet, look.snow, look.fog_per_m
    numbers[[LAMPS_ON, RAIN, SUN]] = min(1.0, lamps_on), look.rain, look.sun
    numbers[EXPOSURE] = _exposure(look, sun_rgb, ambient, low)
    return Light(look.sun_direction(), sun_rgb, ambient, sky, _haze(sky), numbers, np.zeros((0, LAMP), np.float32))


def _exposure(look: Look, sun_rgb: np.ndarray, ambient: np.ndarray, low: float) -> float:
    """So that grey ground in the open comes out at the same tone by day; darker at dusk, and darker still at night."""
    level = float(np.mean(sun_rgb) * max(low, 0.05) + np.mean(ambient[0] + ambient[3]))
    day = 1.95 / max(level, 0.25)
    if look.night <= 0.0:
        return min(day, 3.0)
    return min(day, 3.0) * (1 - look.night) + look.night * 3.6


def _haze(sky: np.ndarray) -> np.ndarray:
    """Mean of the sky just above the horizon, smoothed around it."""
    first = int(skies.ROWS * np.sqrt((0.02 + skies.LOWEST_RAD) / (np.pi / 2 + skies.LOWEST_RAD)))
    last = int(skies.ROWS * np.sqrt((0.16 + skies.LOWEST_RAD) / (np.pi / 2 + skies.LOWEST_RAD)))
    band = np.minimum(sky[first:last], 2.5).mean(axis=0).reshape(HAZE_COLUMNS, -1, 3).mean(axis=1)
    kernel = np.hanning(25)
    kernel /= kernel.sum()
    wrapped = np.concatenate([band[-12:], band, band[:12]])
    return np.stack([np.convolve(wrapped[:, c], kernel, "valid") for c in range(3)], -1).astype(np.float32)
