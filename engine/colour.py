"""Light as a screen wants it."""

from __future__ import annotations

import numpy as np


def srgb(linear: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] of linear light, which is clipped to [0, 1] (IEC 61966-2-1)."""
    light = np.clip(linear, 0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
