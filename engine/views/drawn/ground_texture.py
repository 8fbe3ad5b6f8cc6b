"""What the four surfaces look like close by and far away: asphalt, paving, slabs and grass, anchored in the world (numba).

Every pattern is a mean colour times one plus noise of mean zero; noise finer than the pixel (`foot`) fades to that mean.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01, value_noise

ASPHALT = (0.088, 0.089, 0.093)
SLAB = (0.285, 0.276, 0.256)
PAVING = (0.190, 0.180, 0.165)
GRASS = (0.078, 0.104, 0.034)
KERB = (0.330, 0.322, 0.305)


@njit(cache=True, error_model="numpy", inline="always")
def seen(scale, foot):
    """Share of a pattern of this scale that is left in a pixel this wide."""
    return min(1.0, max(0.0, (scale - foot) / (0.75 * scale)))


@njit(cache=True, error_model="numpy", inline="always")
def octave(x, y, scale, foot, seed):
    """Noise of mean zero between -0.5 and 0.5, faded."""
    share = seen(scale, foot)
    if share <= 0.0:
        return 0.0
    return share * (value_noise(x, y, scale, seed) - 0.5)


@njit(cache=True, error_model="numpy", inline="always")
def band(distance, half, foot):
    """Share of a pixel `foot` wide that lies within `half` of a line at `distance`."""
    low, high = max(distance - 0.5 * foot, -half), min(distance + 0.5 * foot, half)
    return max(0.0, high - low) / foot


@njit(cache=True, error_model="numpy", inline="always")
def _joint(at, pitch, half, foot):
    """Share of a pixel covered by joints `2 * half` wide, `pitch` apart; and the number of the slab."""
    t = at / pitch
    number = np.floor(t)
    near = (t - np.floor(t + 0.5)) * pitch
    mean = 2 * half / pitch
    share = seen(0.7 * pitch, foot)
    return mean + share * (band(near, half, foot) - mean), number


@njit(cache=True, error_model="numpy")
def asphalt(x, y, along, across, edge, foot, seed, out):
    """Road surface; (along, across) are world metres turned into the street's direction, `edge` metres from the road's edge."""
    tone = 1.0 + 0.20 * octave(x, y, 19.0, foot, seed + 1) + 0.16 * octave(x, y, 4.3, foot, seed + 2)
    tone += 0.17 * octave(along / 14.0, across / 0.9, 1.0, foot, seed + 3) + 0.06 * octave(x, y, 0.6, foot, seed + 4)
    tone += 0.09 * octave(x, y, 0.11, foot, seed + 5)
    if foot < 0.05:
        tone += 0.24 * octave(x, y, 0.028, foot, seed + 6)
        tone += 0.42 * octave(x, y, 0.009, foot, seed + 7)
    warm = 0.0
    rough = 0.86
    # Cracks where the surface is old.
    if foot < 0.12:
        old = value_noise(x, y, 13.0, seed + 21)
        if old > 0.60:
            wx = x + 0.5 * value_noise(x, y, 0.55, seed + 22) + 0.16 * value_noise(x, y, 0.13, seed + 25)
            wy = y + 0.5 * value_noise(x, y, 0.55, seed + 23) + 0.16 * value_noise(x, y, 0.13, seed + 26)
            field = value_noise(wx, wy, 2.6, seed + 24) - 0.5
            gx = value_noise(wx + 0.05, wy, 2.6, seed + 24) - 0.5 - field
            gy = value_noise(wx, wy + 0.05, 2.6, seed + 24) - 0.5 - field
            slope = np.sqrt(gx * gx + gy * gy) * 20.0
            if slope > 0.06:
                deep = min(1.0, (old - 0.60) * 6.0) * min(1.0, max(0.0, 4.0 * value_noise(x, y, 1.1, seed + 27) - 1.5))
                tone *= 1.0 - 0.5 * deep * seen(0.12, foot) * band(field / slope, 0.005, max(foot, 0.004))
    # Dust and a gutter along the kerb.
    if edge < 0.9:
        dust = max(0.0, 1.0 - edge / 0.9)
        dust *= dust * (0.75 + 0.7 * (value_noise(along, across, 0.8, seed + 31) - 0.5))
        tone *= 1.0 + 0.28 * dust
        warm = 0.06 * dust
        tone *= 1.0 - 0.35 * band(edge, 0.03, max(foot, 0.02))
    out[0], out[1], out[2] = ASPHALT[0] * tone * (1 + warm), ASPHALT[1] * tone, ASPHALT[2] * tone * (1 - warm)
    out[3] = rough


@njit(cache=True, error_model="numpy")
def patch(px, py, half_x, half_y, tone, foot, out):
    """A mended place with a sealed rim, (px, py) from its middle along its sides; written over what is there."""
    inside = min(half_x - abs(px), half_y - abs(py))
    soft = max(foot, 0.012)
    share = min(1.0, max(0.0, 0.5 + inside / soft))
    tone = (1.0 + share * tone) * (1.0 - 0.35 * band(inside, 0.02, soft))
    for n in range(3):
        out[n] *= tone


@njit(cache=True, error_model="numpy")
def manhole(dx, dy, foot, out):
    """An iron cover with its middle at (dx, dy); written over what is there."""
    radius = np.sqrt(dx * dx + dy * dy)
    share = min(1.0, max(0.0, 0.5 + (0.36 - radius) / max(foot, 0.004)))
    if share <= 0.0:
        return
    iron = 0.050
    rim = band(radius - 0.31, 0.012, max(foot, 0.004))
    knobs = seen(0.05, foot) * (0.6 if (np.floor(dx / 0.04) + np.floor(dy / 0.04)) % 2 == 0 else -0.6)
    if radius > 0.30:
        iron, knobs = 0.11, 0.0
    iron *= (1.0 + 0.3 * knobs) * (1.0 - 0.8 * rim)
    for n in range(3):
        out[n] += share * (iron * (1.0 - 0.04 * n) - out[n])
    out[3] += share * (0.5 - out[3])


@njit(cache=True, error_model="numpy")
def slabs(x, y, along, across, foot_along, foot_across, seed, out):
    """Concrete walk: slabs of 1.5 m with joints, each a little different; a pixel is foot_along by foot_across metres."""
    foot = np.sqrt(foot_along * foot_across)
    joint_a, i = _joint(along, 1.5, 0.006, foot_along)
    joint_b, j = _joint(across, 1.5, 0.006, foot_across)
    tone = 1.0 + 0.13 * seen(1.0, max(foot_along, foot_across)) * (hash01(int(i), int(j), seed + 51) - 0.5)
    tone += 0.14 * octave(x, y, 3.7, foot, seed + 52) + 0.13 * octave(x, y, 0.5, foot, seed + 53) + 0.10 * octave(x, y, 0.06, foot, seed + 54)
    if foot < 0.04:
        tone += 0.16 * octave(x, y, 0.012, foot, seed + 55)
    # Stains are faint and ragged: round dark ones look like shadows of things that are not there.
    stain = value_noise(x, y, 1.3, seed + 56) + 0.5 * octave(x, y, 0.31, foot, seed + 57)
    if stain > 0.72:
        tone *= 1.0 - 0.16 * min(1.0, (stain - 0.72) / 0.28)
    tone *= 1.0 - 0.5 * min(1.0, joint_a + joint_b)
    for n in range(3):
        out[n] = SLAB[n] * tone
    out[3] = 0.82


@njit(cache=True, error_model="numpy")
def paving(x, y, along, across, foot_along, foot_across, seed, out):
    """A yard or a parking place: small stones in running bond; a pixel is foot_along by foot_across metres."""
    foot, stones = np.sqrt(foot_along * foot_across), seen(0.24, max(foot_along, foot_across))
    joint_b, j = _joint(across, 0.24, 0.004, foot_across)
    joint_a, i = _joint(along + 0.2 * (j % 2), 0.40, 0.004, foot_along)
    tone = 1.0 + 0.24 * stones * (hash01(int(i), int(j), seed + 61) - 0.5)
    tone += 0.18 * octave(x, y, 5.1, foot, seed + 62) + 0.16 * octave(x, y, 0.9, foot, seed + 63) + 0.14 * octave(x, y, 0.05, foot, seed + 64)
    tone *= 1.0 - 0.45 * min(1.0, joint_a + joint_b)
    warm = 0.10 * stones * (hash01(int(i), int(j), seed + 65) - 0.5) + 0.10 * octave(x, y, 9.0, foot, seed + 66)
    out[0], out[1], out[2] = PAVING[0] * tone * (1 + warm), PAVING[1] * tone, PAVING[2] * tone * (1 - warm)
    out[3] = 0.85


@njit(cache=True, error_model="numpy")
def grass(x, y, foot, seed, out):
    """Lawn with drier and lusher places, worn earth now and then."""
    dry = octave(x, y, 15.0, foot, seed + 71) + 0.7 * octave(x, y, 3.1, foot, seed + 72) + 0.35 * octave(x, y, 0.7, foot, seed + 73)
    tone = 1.0 + 0.30 * octave(x, y, 7.0, foot, seed + 74) + 0.34 * octave(x, y, 0.9, foot, seed + 75) + 0.42 * octave(x, y, 0.21, foot, seed + 76)
    if foot < 0.12:
        tone += 0.60 * octave(x, y, 0.065, foot, seed + 77)
        if foot < 0.04:
            tone += 0.75 * octave(x + 0.3 * value_noise(x, y, 0.05, seed + 79), y, 0.017, foot, seed + 78)
    tone = max(tone, 0.25)
    r, g, b = GRASS[0] * (1 + 0.85 * dry), GRASS[1] * (1 + 0.22 * dry), GRASS[2] * (1 + 0.55 * dry)
    earth = value_noise(x, y, 5.3, seed + 81) + 0.35 * octave(x, y, 0.5, foot, seed + 82) + 0.2 * octave(x, y, 0.12, foot, seed + 83)
    if earth > 0.86:
        share = min(0.8, (earth - 0.86) / 0.2)
        r, g, b = r + share * (0.098 - r), g + share * (0.086 - g), b + share * (0.046 - b)
    out[0], out[1], out[2] = r * tone, g * tone, b * tone
    out[3] = 0.95
