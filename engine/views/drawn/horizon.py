"""The land on the horizon beyond the world: hills, a town and a line of trees, dim through the air (numba).

It is drawn into the sky's map, infinitely far: it stays where it is however far the ego drives, and nothing of it enters the world.
"""

from __future__ import annotations

import math

from numba import njit

from engine.lattice import hash01, value_noise

HIGHEST_RAD = 0.075
"""Nothing stands higher than this above the horizon."""
_AWAY_M = (450.0, 300.0, 210.0, 130.0)
"""Hills, hills, town, trees: how far the air makes them."""
_BLUE = (0.55, 0.25, 0.10, 0.0)
"""What clear air takes of them besides."""
_HOUSES, _TREES = 260, 420
"""Plots around the whole horizon: a house or none on each, a tree or none on each."""
_STOREY_RAD, _WINDOW_RAD = 0.0062, 0.0055
_WALLS = ((0.30, 0.27, 0.23), (0.24, 0.16, 0.12), (0.27, 0.28, 0.29), (0.36, 0.33, 0.28))
_ROOFS = ((0.19, 0.10, 0.07), (0.12, 0.12, 0.13), (0.16, 0.13, 0.11))


@njit(cache=True, error_model="numpy")
def far_land(azimuth, elevation, light, seed, rim, sky):
    """Lay the far land over the `sky` (3,) in one direction; `rim` (3,) is the sky at the horizon there, `light` as in sky_map."""
    if elevation > HIGHEST_RAD:
        return
    sun, cover, night, fog, warmth, snow = light[0], light[1], light[2], light[3], light[4], light[5]
    closed = max(0.0, cover * 1.6 - 0.6) * (1 - sun)
    land, glow = (0.0, 0.0, 0.0), 0.0
    for layer in range(4):
        share, land, glow = _layer(azimuth, elevation, layer, seed)
        if share <= 0.0:
            continue
        clear = math.exp(-fog * _AWAY_M[layer] - _BLUE[layer])
        for c in range(3):
            lit = (land[c] + 0.35 * snow) * (1 - night) * (0.45 + 0.55 * sun) * (1 - warmth * (0.10, 0.38, 0.62)[c])
            lit += night * (0.10 * land[c] + glow * (1.0, 0.68, 0.34)[c])
            # Air in front of it: the horizon's own light, under a closed cover that of the cover.
            air = (rim[c] * (1 - closed) + sky[c] * closed) * min(1.0, 0.92 + 2.0 * fog)
            sky[c] += share * (lit * clear + air * (1 - clear) - sky[c])


@njit(cache=True, error_model="numpy")
def land_at(azimuth, elevation, seed, out):
    """The far land in one direction before any light: colour (3,), linear, into out[:3], and how bright its windows can be into out[3],
    both zero where there is none; returns the share that it hides of the sky."""
    out[:] = 0.0
    hidden = 0.0
    if elevation <= HIGHEST_RAD:
        for layer in range(4):
            share, land, glow = _layer(azimuth, elevation, layer, seed)
            for c in range(3):
                out[c] += share * (land[c] - out[c])
            out[3] += share * (glow - out[3])
            hidden += share * (1 - hidden)
    return hidden


@njit(cache=True, error_model="numpy")
def _layer(azimuth, elevation, layer, seed):
    """Of hills, hills, town and trees, farthest first: share of a pixel, colour, and light of windows."""
    if layer < 2:
        return _hills(azimuth, elevation, layer, seed)
    if layer == 2:
        return _town(azimuth, elevation, seed)
    return _trees(azimuth, elevation, seed)


@njit(cache=True, error_model="numpy", inline="always")
def _below(top, elevation, soft):
    return min(1.0, max(0.0, (top - elevation) / soft + 0.5))


@njit(cache=True, error_model="numpy")
def _hills(azimuth, elevation, layer, seed):
    x, y = math.cos(azimuth), math.sin(azimuth)
    ridge = (
        0.004
        + (0.030, 0.016)[layer] * value_noise(x * 7 + 40 * layer, y * 7, 1.0, seed + 31 + layer)
        + (0.012, 0.010)[layer] * value_noise(x * 42, y * 42 + 9 * layer, 1.0, seed + 41 + layer)
        + 0.005 * value_noise(x * 150, y * 150, 1.0, seed + 51 + layer)
    )
    return _below(ridge, elevation, 0.0035), (0.10, 0.13, 0.12), 0.0


@njit(cache=True, error_model="numpy", inline="always")
def _quarter(azimuth, seed):
    """0 to 1: how much is built in a direction; where it is little, trees stand."""
    return value_noise(math.cos(azimuth) * 2.6 + 5.0, math.sin(azimuth) * 2.6, 1.0, seed)


@njit(cache=True, error_model="numpy")
def _town(azimuth, elevation, seed):
    """Houses: gables and flat roofs, windows that burn at night."""
    at = (azimuth / (2 * math.pi) + 0.5) * _HOUSES
    share, tone, glow = 0.0, (0.0, 0.0, 0.0), 0.0
    for k in range(-1, 2):
        i = int(math.floor(at)) + k
        plot = i % _HOUSES
        built = _quarter((plot / _HOUSES - 0.5) * 2 * math.pi, seed + 61)
        if hash01(plot, 1, seed + 62) > 1.7 * built - 0.25:
            continue
        half = 0.34 + 0.36 * hash01(plot, 2, seed + 62)
        off = at - (i + 0.5 + 0.3 * (hash01(plot, 3, seed + 62) - 0.5))
        if abs(off) > half + 0.1:
            continue
        tall = hash01(plot, 4, seed + 62)
        storeys = 2.0 + math.floor(2.2 * tall + 5.0 * max(0.0, tall - 0.82) * 4 * built)
        wall = 0.002 + storeys * _STOREY_RAD
        gable = storeys < 4.5 and hash01(plot, 5, seed + 62) < 0.75
        top = wall + (0.011 * max(0.0, 1 - abs(off) / half) if gable else 0.0)
        mine = _below(top, elevation, 0.003) * min(1.0, max(0.0, (half - abs(off)) * 12 + 0.5))
        if mine <= 0.0:
            continue
        # The side that is farther round is in its own shade.
        side = 0.72 if off > half * (2 * hash01(plot, 6, seed + 62) - 1) else 1.0
        if elevation > wall:
            roof = _ROOFS[int(hash01(plot, 7, seed + 62) * 3)]
            now, burns = (roof[0], roof[1], roof[2]), 0.0
        else:
            paint = _WALLS[int(hash01(plot, 8, seed + 62) * 4)]
            row = int(math.floor((wall - elevation) / _STOREY_RAD))
            column = int(math.floor(azimuth / _WINDOW_RAD))
            across, up = azimuth / _WINDOW_RAD - column, (wall - elevation) / _STOREY_RAD - row
            pane = 1.0 if 0.28 < across < 0.72 and 0.22 < up < 0.72 else 0.0
            dark = side * (1 - 0.55 * pane)
            now = (paint[0] * dark, paint[1] * dark, paint[2] * dark)
            burns = pane * 0.32 if hash01(column, row, seed + 63) < 0.22 else 0.0
        tone = (
            tone[0] * (1 - mine) + now[0] * mine,
            tone[1] * (1 - mine) + now[1] * mine,
            tone[2] * (1 - mine) + now[2] * mine,
        )
        glow = glow * (1 - mine) + burns * mine
        share = share + mine - share * mine
    if share > 1e-3:
        tone = (tone[0] / share, tone[1] / share, tone[2] / share)
        glow /= share
    return share, tone, glow


@njit(cache=True, error_model="numpy")
def _trees(azimuth, elevation, seed):
    """A row of crowns, higher and closer where little is built."""
    at = (azimuth / (2 * math.pi) + 0.5) * _TREES
    open_land = 1 - _quarter(azimuth, seed + 61)
    top, green = 0.003 + 0.004 * open_land, 0.5
    for k in range(-2, 3):
        i = int(math.floor(at)) + k
        plot = i % _TREES
        if hash01(plot, 1, seed + 72) > 0.25 + 0.85 * open_land:
            continue
        half = 0.55 + 0.75 * hash01(plot, 2, seed + 72)
        off = (at - (i + hash01(plot, 3, seed + 72))) / half
        if abs(off) >= 1.0:
            continue
        high = (0.012 + 0.020 * hash01(plot, 4, seed + 72) * (0.5 + 0.5 * open_land)) * (1 - off * off) ** 0.4
        if high > top:
            top, green = high, hash01(plot, 5, seed + 72)
    lumps = value_noise(azimuth * 160, elevation * 160, 1.0, seed + 73)
    fine = value_noise(azimuth * 420, elevation * 420, 1.0, seed + 74)
    green *= min(1.0, max(0.0, elevation / 0.006))
    share = _below(top * (0.86 + 0.28 * fine), elevation, 0.0025)
    # Lighter where a crown faces the sky.
    lit = 0.62 + 0.55 * min(1.0, max(0.0, elevation / max(top, 0.004))) * (0.5 + lumps) * (0.75 + 0.5 * fine)
    return share, ((0.055 + 0.022 * green) * lit, (0.085 + 0.018 * green) * lit, (0.036 + 0.006 * green) * lit), 0.0
