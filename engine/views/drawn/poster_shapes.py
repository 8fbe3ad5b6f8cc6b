"""What posters show (numba): hills or the sea, a bottle, a cup, a car, a horn, of shapes whose edges are averaged over a pixel.

Places and sizes are in heights of the sheet, as in `posters.py`; `f` is a pixel's width there, and `rgb` what lies under a shape.
"""

from __future__ import annotations

import math

from numba import njit

from engine.views.drawn.patterns import pulse
from engine.views.drawn.surface import smoothstep


@njit(cache=True, error_model="numpy", inline="always")
def cover(inside, pixel):
    """Share of a pixel on this side of an edge that is `inside` away from its middle."""
    return min(1.0, max(0.0, inside / pixel + 0.5))


@njit(cache=True, error_model="numpy", inline="always")
def band(away, half, pixel):
    """Share of a pixel that a stripe covers whose middle is `away` from the pixel's, `half` wide to either side."""
    return pulse(away - 0.5 * pixel, away + 0.5 * pixel, -half, half) / pixel


@njit(cache=True, error_model="numpy", inline="always")
def lay(rgb, share, r, g, b):
    rgb[0] += (r - rgb[0]) * share
    rgb[1] += (g - rgb[1]) * share
    rgb[2] += (b - rgb[2]) * share


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
def landscape(hills, tone, ground, x, y, wide, f, rgb):
    """Sky and sun over ridges and a meadow, or over the sea with a sail and a beach."""
    sky = smoothstep(0.3, 1.05, y)
    warm = 1.0 if tone == 1 else 0.0
    lay(rgb, 1.0, 0.60 + 0.12 * warm - 0.42 * sky, 0.66 - 0.12 * warm - 0.34 * sky, 0.70 - 0.30 * warm - 0.10 * sky)
    sun_x, sun_y = 0.72 * wide, 0.66
    away = math.sqrt((x - sun_x) ** 2 + (y - sun_y) ** 2)
    glow = 0.5 * smoothstep(0.34, 0.08, away)
    lay(rgb, glow, 0.85, 0.72, 0.42)
    lay(rgb, cover(0.085 - away, f), 0.88, 0.78, 0.50)
    if hills:
        lay(rgb, cover(0.47 + 0.10 * _ridge(x + 3.0, tone, 0.8) - y, f), 0.26, 0.35, 0.46)
        peak = 0.40 + 0.15 * _ridge(x, tone + 5, 0.75)
        lay(rgb, cover(peak - y, f), 0.12, 0.20, 0.27)
        snow = max(0.47, peak - 0.06 - 0.02 * _ridge(7.0 * x, tone, 0.9))
        lay(rgb, cover(peak - y, f) * cover(y - snow, f), 0.72, 0.75, 0.78)
        lay(rgb, cover(0.30 + 0.035 * _ridge(0.5 * x, tone + 9, 0.0) - y, f), 0.62 * ground[0], 0.62 * ground[1], 0.62 * ground[2])
        lay(rgb, cover(0.26 + 0.02 * math.sin(4.1 * x + tone) - y, f), ground[0], ground[1], ground[2])
    else:
        near = smoothstep(0.42, 0.2, y)
        lay(rgb, cover(0.42 - y, f), 0.03 + 0.05 * near, 0.16 + 0.16 * near, 0.30 + 0.05 * near)
        boat, mast = 0.30 * wide, 0.86 - 0.10
        sail = (mast - y) * 0.34
        inside = min(min(sail - (x - boat), x - boat - 0.004), y - 0.44)
        lay(rgb, cover(inside, f), 0.80, 0.78, 0.72)
        jib = min(min(0.24 * (0.70 - y) - (boat - x), boat - x - 0.008), y - 0.45)
        lay(rgb, cover(jib, f), 0.55, 0.06, 0.04)
        hull = min(min(0.13 + 0.6 * (y - 0.42) - abs(x - boat - 0.02), y - 0.375), 0.425 - y)
        lay(rgb, cover(hull, f), 0.10, 0.035, 0.025)
        shore = 0.24 + 0.03 * math.sin(2.3 * x + tone) - y
        lay(rgb, cover(shore + 0.018, f), 0.72, 0.76, 0.76)
        lay(rgb, cover(shore, f), ground[0], ground[1], ground[2])


@njit(cache=True, error_model="numpy")
def bottle_on(x, y, middle, f, rgb):
    """A bottle with its label before a pale disc."""
    lay(rgb, cover(0.36 - math.sqrt((x - middle) ** 2 + (y - 0.50) ** 2), f), 0.78, 0.72, 0.55)
    t = (y - 0.08) / 0.84
    if t < -0.05 or t > 1.05:
        return
    inside = min(min(0.84 * _bottle(min(1.0, max(0.0, t))) - abs(x - middle), 0.84 * t), 0.84 * (1.0 - t))
    share = cover(inside, f)
    lay(rgb, share, 0.02, 0.13, 0.055)
    lay(rgb, share * band(x - middle + 0.075, 0.012, f) * cover(0.56 - t, f), 0.45, 0.62, 0.48)
    label = share * cover(min(t - 0.17, 0.47 - t) * 0.84, f)
    lay(rgb, label, 0.80, 0.77, 0.66)
    lay(rgb, label * cover(0.062 - math.sqrt((x - middle) ** 2 + (y - 0.35) ** 2), f), 0.70, 0.55, 0.05)
    lay(rgb, share * cover((t - 0.89) * 0.84, f), 0.60, 0.46, 0.12)


@njit(cache=True, error_model="numpy")
def cup_on(x, y, middle, f, rgb):
    """A cup of coffee on its saucer, and the steam over it."""
    for k in range(3):
        lane = middle + 0.075 * (k - 1) + 0.022 * math.sin(15.0 * y + 2.0 * k)
        reach = smoothstep(0.56, 0.62, y) * smoothstep(0.90 - 0.05 * (k & 1), 0.72, y)
        lay(rgb, 0.55 * reach * band(x - lane, 0.014, f), 0.75, 0.74, 0.70)
    saucer = 1.0 - math.sqrt(((x - middle) / 0.34) ** 2 + ((y - 0.19) / 0.05) ** 2)
    lay(rgb, cover(0.05 * saucer, f), 0.66, 0.64, 0.60)
    handle = math.sqrt((x - middle - 0.225) ** 2 + (0.85 * (y - 0.40)) ** 2)
    lay(rgb, band(handle - 0.085, 0.022, f), 0.80, 0.79, 0.76)
    t = (y - 0.19) / 0.34
    side = 0.225 - 0.075 * (1.0 - t) ** 2
    lay(rgb, cover(min(min(side - abs(x - middle), y - 0.19), 0.53 - y), f), 0.82, 0.81, 0.78)
    lay(rgb, cover(min(min(0.05 - abs(x - middle + 0.13), y - 0.24), 0.49 - y), 0.08), 0.86, 0.86, 0.84)
    rim = 1.0 - math.sqrt(((x - middle) / 0.225) ** 2 + ((y - 0.53) / 0.04) ** 2)
    lay(rgb, cover(0.04 * rim, f), 0.86, 0.85, 0.82)
    brew = 1.0 - math.sqrt(((x - middle) / 0.195) ** 2 + ((y - 0.527) / 0.028) ** 2)
    lay(rgb, cover(0.028 * brew, f), 0.10, 0.045, 0.02)


@njit(cache=True, error_model="numpy")
def car_on(x, y, middle, size, foot, f, rgb):
    """A car from the side on its shadow; `size` is half its length."""
    s, t = (x - middle) / size, (y - foot) / size
    f /= size
    shadow = 1.0 - math.sqrt((s / 1.08) ** 2 + ((t - 0.02) / 0.07) ** 2)
    lay(rgb, 0.6 * cover(0.07 * shadow, max(f, 0.05)), 0.02, 0.02, 0.025)
    nose = 0.47 - 0.10 * max(0.0, s - 0.45) - 0.06 * max(0.0, -s - 0.7)
    body = min(min(0.99 - abs(s) - 0.25 * max(0.0, t - 0.36), t - 0.13), nose - t)
    lay(rgb, cover(body, f), 0.55, 0.035, 0.03)
    roof = 0.80 - 0.30 * (s + 0.15) ** 2
    cabin = min(min(roof - t, t - 0.40), min(0.62 - 0.95 * (t - 0.45) - s, s + 0.86 - 0.55 * (t - 0.45)))
    lay(rgb, cover(cabin, f), 0.55, 0.035, 0.03)
    pane = min(min(roof - 0.07 - t, t - 0.48), min(0.53 - 0.95 * (t - 0.45) - s, s + 0.76 - 0.55 * (t - 0.45)))
    lay(rgb, cover(min(pane, abs(s + 0.10) - 0.02), f), 0.03, 0.05, 0.065)
    lay(rgb, band(s - 0.90, 0.05, f) * band(t - 0.35, 0.035, f), 0.85, 0.83, 0.72)
    for end in (-0.60, 0.62):
        away = math.sqrt((s - end) ** 2 + (t - 0.17) ** 2)
        lay(rgb, cover(0.185 - away, f), 0.015, 0.015, 0.017)
        lay(rgb, cover(0.11 - away, f), 0.50, 0.51, 0.52)
        lay(rgb, cover(0.035 - away, f), 0.06, 0.06, 0.06)


@njit(cache=True, error_model="numpy")
def horn_on(x, y, middle, f, rgb):
    """Rings of light, and a trumpet before them."""
    away = math.sqrt((x - middle) ** 2 + (y - 0.56) ** 2)
    for k in range(3):
        lay(rgb, 0.85 * band(away - 0.17 - 0.10 * k, 0.016, f), 0.62 - 0.12 * k, 0.30 - 0.02 * k, 0.08 + 0.07 * k)
    # Turned: along the horn a, across it b.
    a, b = 0.86 * (x - middle) + 0.5 * (y - 0.56), -0.5 * (x - middle) + 0.86 * (y - 0.56)
    bell = 0.014 + 0.11 * smoothstep(0.10, 0.34, a) ** 2
    horn = band(b, bell, f) * cover(min(a + 0.36, 0.33 - a), f)
    loop = band(math.sqrt((max(0.0, abs(a + 0.02) - 0.10)) ** 2 + (b + 0.055) ** 2) - 0.05, 0.014, f)
    mouth = band(b, 0.028, f) * band(a + 0.36, 0.02, f)
    lay(rgb, max(max(horn, loop), mouth), 0.72, 0.52, 0.13)
    for k in range(3):
        lay(rgb, band(a + 0.10 - 0.08 * k, 0.016, f) * band(b - 0.0175, 0.0675, f), 0.80, 0.64, 0.26)
