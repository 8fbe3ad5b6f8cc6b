"""What leaves and bark look like at a point (numba): noise anchored in the world, averaged where a pixel is wider than it."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01
from engine.views.drawn.foliage import BASE, TIP
from engine.views.drawn.mesh import BLUE, GREEN, PARAMS, RED
from engine.views.drawn.mesh import SEED as ROW_SEED
from engine.views.drawn.surface import ALBEDO, METALLIC, MIRROR, NORMAL, ROUGHNESS, TRANSLUCENCY, smoothstep

# What a part of foliage carries behind PARAMS: world centres in metres.
CLUMP_CENTRE = PARAMS
CLUMP_RADIUS = PARAMS + 3
CROWN_CENTRE = PARAMS + 4
CROWN_RADIUS, CROWN_HALF_HEIGHT = PARAMS + 7, PARAMS + 8
INNER_SHADE = PARAMS + 9
"""0 to 1: how dark it is deep inside the crown."""
LEAF_M = PARAMS + 10
"""Width of a leaf."""
EVEN = PARAMS + 11
"""0 to 1: how little it is in tufts, lighter and darker."""

_TURN = 0.55
"""How far leaves near by turn the normal."""
_PAIRS = 4.0
"""Pairs of leaflets on a spray."""


@njit(cache=True, error_model="numpy")
def _noise3(x, y, z, scale_m, seed):
    """Smooth noise in [0, 1) in space with features about `scale_m` wide; its mean is 0.5."""
    u, v, w = x / scale_m, y / scale_m, z / scale_m
    i, j, k = int(np.floor(u)), int(np.floor(v)), int(np.floor(w))
    a, b, c = u - i, v - j, w - k
    a, b, c = a * a * (3 - 2 * a), b * b * (3 - 2 * b), c * c * (3 - 2 * c)
    value = 0.0
    for layer in range(2):
        s = seed + 131 * (k + layer)
        low = hash01(i, j, s) * (1 - a) + hash01(i + 1, j, s) * a
        high = hash01(i, j + 1, s) * (1 - a) + hash01(i + 1, j + 1, s) * a
        value += (low * (1 - b) + high * b) * (c if layer else 1 - c)
    return value


@njit(cache=True, error_model="numpy", inline="always")
def _seen(footprint_m, scale_m):
    """Share of a pattern of this scale that a pixel shows: none where the pixel is as wide as half of it."""
    return min(1.0, max(0.0, 1.6 - 3.2 * footprint_m / scale_m))


@njit(cache=True, error_model="numpy")
def leaf_gap(along, across, wide_m):
    """Whether a ray passes between the leaflets of a spray, at its surface coordinates (foliage.TIP), in a pixel `wide_m` wide.

    Near by a spray is a twig with leaflets in pairs; where a pixel is as wide as they are it is the triangle that they lie in.
    """
    near = 1.0 - smoothstep(0.012, 0.035, wide_m)
    side = abs(across) / max(TIP - along, 1e-3)
    if near <= 0.0 or side < 0.14:
        return False
    pair = _PAIRS * (along - BASE) - 0.8 * side
    room = 0.5 * np.sqrt(max(0.0, 1.0 - side * side))
    return abs(pair - np.floor(pair) - 0.5) > room + 0.5 * (1.0 - near)


@njit(cache=True, error_model="numpy")
def foliage_surface(row, x, y, z, footprint_m, out):
    """Leaves at a world point: the part's colour, darker inside clump and crown, with tufts and leaves as near as a pixel shows them."""
    seed = int(row[ROW_SEED])
    dx, dy, dz = x - row[CLUMP_CENTRE], y - row[CLUMP_CENTRE + 1], z - row[CLUMP_CENTRE + 2]
    depth = np.sqrt(dx * dx + dy * dy + dz * dz) / max(row[CLUMP_RADIUS], 0.05)
    ex, ey, ez = x - row[CROWN_CENTRE], y - row[CROWN_CENTRE + 1], z - row[CROWN_CENTRE + 2]
    out_of_crown = np.sqrt((ex * ex + ey * ey) / row[CROWN_RADIUS] ** 2 + (ez / row[CROWN_HALF_HEIGHT]) ** 2)
    light = (0.70 + 0.42 * smoothstep(0.62, 1.2, depth)) * (1.0 - row[INNER_SHADE] * (1.0 - smoothstep(0.25, 1.0, out_of_crown)))
    yellow = 0.0
    seen = _seen(footprint_m, 0.45) * (1.0 - row[EVEN])
    if seen > 0.0:
        tuft = _noise3(x, y, z, 0.45, seed) - 0.5
        light *= 1.0 + 0.5 * seen * tuft
        yellow += 0.3 * seen * tuft
    leaf = row[LEAF_M]
    seen = _seen(footprint_m, leaf)
    if seen > 0.0:
        # Turned against the axes, so that no lattice shows.
        u, v, w = 0.8 * x - 0.48 * y + 0.36 * z, 0.6 * x + 0.64 * y - 0.48 * z, 0.6 * y + 0.8 * z
        a = smoothstep(0.25, 0.75, _noise3(u, v, w, leaf, seed + 7)) - 0.5
        b = _noise3(u, v, w, leaf, seed + 8) - 0.5
        c = _noise3(u, v, w, leaf, seed + 9) - 0.5
        light *= 1.0 + 0.6 * seen * a
        yellow += 0.5 * seen * b
        out[NORMAL] += _TURN * seen * 2.0 * b
        out[NORMAL + 1] += _TURN * seen * 2.0 * c
        out[NORMAL + 2] += _TURN * seen * 2.0 * a
        length = np.sqrt(out[NORMAL] ** 2 + out[NORMAL + 1] ** 2 + out[NORMAL + 2] ** 2) + 1e-9
        for q in range(3):
            out[NORMAL + q] /= length
    out[ALBEDO] = row[RED] * light * (1.0 + 0.5 * yellow)
    out[ALBEDO + 1] = row[GREEN] * light * (1.0 + 0.1 * yellow)
    out[ALBEDO + 2] = row[BLUE] * light * (1.0 - 0.4 * yellow)
    out[ROUGHNESS], out[METALLIC], out[MIRROR], out[TRANSLUCENCY] = 0.75, 0.0, 0.0, 0.4


@njit(cache=True, error_model="numpy")
def bark_surface(row, x, y, z, footprint_m, out):
    """Bark at a world point: furrows along the trunk; bands where the part asks for a birch (its first parameter is 1)."""
    seed = int(row[ROW_SEED])
    light = 1.0
    seen = _seen(footprint_m, 0.08)
    if seen > 0.0:
        furrow = _noise3(x, y, z * 0.22, 0.08, seed) - 0.5
        light *= 1.0 + 0.9 * seen * furrow
        out[NORMAL] += 0.8 * seen * furrow
        out[NORMAL + 1] += 0.8 * seen * (_noise3(x, y, z * 0.22, 0.08, seed + 1) - 0.5)
        length = np.sqrt(out[NORMAL] ** 2 + out[NORMAL + 1] ** 2 + out[NORMAL + 2] ** 2) + 1e-9
        for q in range(3):
            out[NORMAL + q] /= length
    seen = _seen(footprint_m, 0.3)
    if seen > 0.0:
        light *= 1.0 + 0.4 * seen * (_noise3(x, y, z * 0.5, 0.3, seed + 2) - 0.5)
    if row[PARAMS] > 0.5:
        seen = _seen(footprint_m, 0.2)
        band = 0.85 * smoothstep(0.62, 0.72, _noise3(x * 0.35, y * 0.35, z, 0.12, seed + 3))
        light *= 1.0 - (band * seen + 0.2 * (1.0 - seen))
    for q in range(3):
        out[ALBEDO + q] = row[RED + q] * light
    out[ROUGHNESS], out[METALLIC], out[MIRROR], out[TRANSLUCENCY] = 0.9, 0.0, 0.0, 0.0
