"""What a surface is made of at a point: the numbers that every material answers with, and who answers (numba).

A material's function gets the point in world metres (float64), the surface coordinates, the row of parts, and how wide a pixel is
there (`footprint_m`): patterns finer than that are averaged by it, never sampled, so that nothing shimmers.
"""

from __future__ import annotations

import math

from numba import njit

from engine.lattice import value_noise
from engine.views.drawn.mesh import BLUE, CLASS_ID, GLOW_LEVEL, GREEN, RED, Glow, Material
from engine.views.drawn.mesh import GLOW as PART_GLOW
from engine.views.drawn.mesh import MATERIAL as PART_MATERIAL
from engine.views.drawn.mesh import METALLIC as PART_METALLIC
from engine.views.drawn.mesh import ROUGHNESS as PART_ROUGHNESS

# What a material answers, float64 (ANSWER,).
ALBEDO = 0
"""0-2: linear red, green, blue."""
ROUGHNESS, METALLIC = 3, 4
GLOW = 5
"""5-7: linear light that it sends out by itself when its lamps are on at night."""
CLASS = 8
"""Occupancy class id of the point."""
NORMAL = 9
"""9-11: world normal; filled with the interpolated one before the material is asked, which may bend it."""
MIRROR = 12
"""0 to 1: share of a smooth dielectric or metal layer on top (panes, clear coat, water), which mirrors by Fresnel."""
TRANSLUCENCY = 13
"""0 to 1: share of light that comes through from behind (leaves)."""
DAY_GLOW = 14
"""0 to 1: how much of the glow is there by day, with its lamps off (brake lights are on when they are)."""
ANSWER = 16

_GLASS, _PAINT, _METAL = int(Material.GLASS), int(Material.PAINT), int(Material.METAL)
_CLOTH = int(Material.CLOTH)
_HEAD, _TAIL, _LAMP, _SIGNAL, _WINDOW = int(Glow.HEADLIGHT), int(Glow.TAIL), int(Glow.STREET_LAMP), int(Glow.SIGNAL), int(Glow.WINDOW)


@njit(cache=True, error_model="numpy")
def plain_surface(row, x, y, z, footprint_m, out):
    """Paint, glass, rubber, cloth, metal: the part's own numbers, with a little grain on cloth."""
    material = int(row[PART_MATERIAL])
    out[ALBEDO], out[ALBEDO + 1], out[ALBEDO + 2] = row[RED], row[GREEN], row[BLUE]
    out[ROUGHNESS], out[METALLIC] = row[PART_ROUGHNESS], row[PART_METALLIC]
    if material == _GLASS:
        out[MIRROR], out[ROUGHNESS] = 1.0, 0.05
    elif material == _PAINT:
        out[MIRROR] = 0.9
    elif material == _METAL:
        out[MIRROR] = 0.35
    elif material == _CLOTH:
        grain = 0.9 + 0.2 * value_noise(x + z, y - z, 0.12, 3)
        share = max(0.0, 1 - footprint_m / 0.08)
        for c in range(3):
            out[ALBEDO + c] *= 1 + (grain - 1) * share
    kind = int(row[PART_GLOW])
    if kind > 0:
        level = row[GLOW_LEVEL]
        if kind == _HEAD:
            out[GLOW], out[GLOW + 1], out[GLOW + 2] = 7.0 * level, 6.6 * level, 5.6 * level
        elif kind == _TAIL:
            out[GLOW], out[GLOW + 1], out[GLOW + 2] = 1.6 * level, 0.05 * level, 0.03 * level
            out[DAY_GLOW] = min(1.0, max(0.0, level - 1.0))
        elif kind == _LAMP:
            out[GLOW], out[GLOW + 1], out[GLOW + 2] = 9.0 * level, 7.0 * level, 4.2 * level
        elif kind == _SIGNAL:
            for c in range(3):
                out[GLOW + c] = 3.0 * level * row[RED + c]
            out[DAY_GLOW] = 0.6
        elif kind == _WINDOW:
            out[GLOW], out[GLOW + 1], out[GLOW + 2] = 0.9 * level, 0.66 * level, 0.36 * level


@njit(cache=True, error_model="numpy", inline="always")
def clear(row, nx, ny, nz, out):
    """An answer before the material speaks: nothing but the part's class and the interpolated normal."""
    for c in range(16):
        out[c] = 0.0
    out[CLASS] = row[CLASS_ID]
    out[ROUGHNESS] = 0.9
    out[NORMAL], out[NORMAL + 1], out[NORMAL + 2] = nx, ny, nz


@njit(cache=True, error_model="numpy", inline="always")
def unit(x, y, z):
    """The direction of a vector; up where it has none."""
    length = math.sqrt(x * x + y * y + z * z)
    if length < 1e-9:
        return 0.0, 0.0, 1.0
    return x / length, y / length, z / length


@njit(cache=True, error_model="numpy", inline="always")
def smoothstep(low, high, x):
    """0 below `low`, 1 above `high`, smooth between."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3 - 2 * t)
