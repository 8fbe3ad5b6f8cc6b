"""The ground's material at a point: which surface it is, by curves between columns, and what that surface looks like (numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01
from engine.spec.classes import CLASS
from engine.views.drawn.ground_cells import FLAT, ROAD, SOIL, WALK
from engine.views.drawn.ground_lookup import MIXED, OUTSIDE, between, ground_height, purity, spline
from engine.views.drawn.ground_paint import PAINTED, paint
from engine.views.drawn.ground_texture import KERB, asphalt, band, grass, manhole, octave, patch, paving, slabs
from engine.views.drawn.surface import ALBEDO, GLOW, METALLIC, MIRROR, ROUGHNESS, TRANSLUCENCY
from engine.views.drawn.surface import CLASS as ANSWER_CLASS

__all__ = ["KERB_M", "ground_height", "ground_seen", "ground_surface"]

KERB_M = 0.16
"""Width of a kerb stone."""
_CLASS = (CLASS["driveable_surface"], CLASS["other_flat"], CLASS["sidewalk"], CLASS["terrain"])


@njit(cache=True, error_model="numpy")
def ground_surface(maps, x, y, footprint_m, out):
    """Answer (surface.py) of the ground at world (x, y) in a pixel `footprint_m` wide; writes all but NORMAL."""
    ground_seen(maps, x, y, 1.0, 0.0, footprint_m, footprint_m, out)


@njit(cache=True, error_model="numpy", inline="always")
def _width(slope_u, slope_v, view_x, view_y, long_m, wide_m):
    """Width of a pixel's footprint across an edge whose normal is the slope."""
    length = np.sqrt(slope_u * slope_u + slope_v * slope_v)
    if length < 1e-6:
        return 1e-3, 1.0
    nu, nv = slope_u / length, slope_v / length
    ahead, aside = nu * view_x + nv * view_y, nv * view_x - nu * view_y
    return max(1e-3, np.sqrt((ahead * long_m) ** 2 + (aside * wide_m) ** 2)), length


@njit(cache=True, error_model="numpy")
def ground_seen(maps, x, y, view_x, view_y, long_m, wide_m, out):
    """As `ground_surface`, for a footprint `long_m` along the unit direction of view (view_x, view_y) on the ground and `wide_m` across."""
    cell = maps.frame[2]
    seed = int(maps.frame[6])
    u, v = (x - maps.frame[0]) / cell, (y - maps.frame[1]) / cell
    pure = purity(maps, u, v)
    foot = np.sqrt(long_m * wide_m)
    if pure == OUTSIDE:
        field, cell = maps.far_distance, maps.frame[5]
        u, v = (x - maps.frame[3]) / cell, (y - maps.frame[4]) / cell
        degrees = maps.far_heading[min(max(int(u + 0.5), 0), field.shape[0] - 1), min(max(int(v + 0.5), 0), field.shape[1] - 1)]
    else:
        field = maps.distance
        degrees = maps.heading[min(int(u + 0.5), field.shape[0] - 1), min(int(v + 0.5), field.shape[1] - 1)]
    # Shares of the four surfaces, and metres from the road's edge (positive on the road).
    road = flat = walk = 0.0
    edge = -9.0
    if pure >= MIXED:
        edge, su, sv = spline(field, ROAD, u, v)
        width, slope = _width(su, sv, view_x, view_y, long_m, wide_m)
        edge /= max(slope / cell, 0.35)
        road = min(1.0, max(0.0, 0.5 + edge / width))
        if road < 1.0:
            value, su, sv = spline(field, FLAT, u, v)
            width, slope = _width(su, sv, view_x, view_y, long_m, wide_m)
            flat = min(1.0, max(0.0, 0.5 + value / (max(slope / cell, 0.35) * width)))
            if flat < 1.0:
                value, su, sv = spline(field, WALK, u, v)
                width, slope = _width(su, sv, view_x, view_y, long_m, wide_m)
                value /= max(slope / cell, 0.35)
                # Grass hangs over the slabs' edge.
                value += 0.10 * octave(x, y, 0.23, foot, seed + 91) + 0.05 * octave(x, y, 0.05, foot, seed + 92)
                walk = min(1.0, max(0.0, 0.5 + value / max(width, 0.02)))
    elif pure == ROAD:
        road, edge = 1.0, 9.0
    elif pure == FLAT:
        flat = 1.0
    elif pure == WALK:
        walk = 1.0
    flat = (1.0 - road) * flat
    walk = (1.0 - road - flat) * walk
    soil = max(0.0, 1.0 - road - flat - walk)
    angle = np.pi / 180.0 * degrees
    cos, sin = np.cos(angle), np.sin(angle)
    along, across = cos * x + sin * y, cos * y - sin * x
    ahead, aside = cos * view_x + sin * view_y, cos * view_y - sin * view_x
    foot_along = max(1e-3, np.sqrt((ahead * long_m) ** 2 + (aside * wide_m) ** 2))
    foot_across = max(1e-3, np.sqrt((aside * long_m) ** 2 + (ahead * wide_m) ** 2))
    red = green = blue = rough = 0.0
    painted = -1
    if road > 0.002:
        asphalt(x, y, along, across, edge, foot, seed, out)
        _in_the_road(maps, x, y, edge, foot, seed, pure, out)
        painted = paint(maps, x, y, view_x, view_y, long_m, wide_m, pure == OUTSIDE, out)
        red, green, blue, rough = road * out[0], road * out[1], road * out[2], road * out[3]
    if flat > 0.002:
        paving(x, y, along, across, foot_along, foot_across, seed, out)
        red, green, blue, rough = red + flat * out[0], green + flat * out[1], blue + flat * out[2], rough + flat * out[3]
    if walk > 0.002:
        slabs(x, y, along, across, foot_along, foot_across, seed, out)
        if edge > -KERB_M - 2 * foot:
            stone = _kerb_stone(maps, u, v, pure, along + across, edge, foot, seed)
            for n in range(3):
                tone = 1.0 + 0.12 * octave(x, y, 0.8, foot, seed + 95) + 0.12 * octave(x, y, 0.02, foot, seed + 96)
                out[n] += stone * (KERB[n] * tone - out[n])
            out[0] *= 1.0 - 0.45 * band(edge + KERB_M, 0.006, max(foot, 0.004))
            out[1] *= 1.0 - 0.45 * band(edge + KERB_M, 0.006, max(foot, 0.004))
            out[2] *= 1.0 - 0.45 * band(edge + KERB_M, 0.006, max(foot, 0.004))
        red, green, blue, rough = red + walk * out[0], green + walk * out[1], blue + walk * out[2], rough + walk * out[3]
    if soil > 0.002:
        grass(x, y, foot, seed, out)
        red, green, blue, rough = red + soil * out[0], green + soil * out[1], blue + soil * out[2], rough + soil * out[3]
    out[ALBEDO], out[ALBEDO + 1], out[ALBEDO + 2], out[ROUGHNESS] = red, green, blue, rough
    out[METALLIC] = out[GLOW] = out[GLOW + 1] = out[GLOW + 2] = out[MIRROR] = out[TRANSLUCENCY] = 0.0
    kind = ROAD
    if max(flat, walk, soil) > road:
        kind = FLAT if flat >= max(walk, soil) else WALK if walk >= soil else SOIL
    label = _CLASS[0] if kind == ROAD else _CLASS[1] if kind == FLAT else _CLASS[2] if kind == WALK else _CLASS[3]
    out[ANSWER_CLASS] = painted if kind == ROAD and painted >= PAINTED else label


@njit(cache=True, error_model="numpy")
def _in_the_road(maps, x, y, edge, foot, seed, pure, out):
    """Mended places and iron covers, at most one of each in a square of the world; written over the asphalt."""
    i, j = int(np.floor(x / 12.0)), int(np.floor(y / 12.0))
    if pure != OUTSIDE and hash01(i, j, seed + 11) < 0.24:
        at_x, at_y = 12.0 * (i + 0.35 + 0.3 * hash01(i, j, seed + 12)), 12.0 * (j + 0.35 + 0.3 * hash01(i, j, seed + 13))
        a = int((at_x - maps.frame[0]) / maps.frame[2] + 0.5)
        b = int((at_y - maps.frame[1]) / maps.frame[2] + 0.5)
        p, q = int((x - maps.frame[0]) / maps.frame[2] + 0.5), int((y - maps.frame[1]) / maps.frame[2] + 0.5)
        # Only where its middle is road, and was when this place was decided.
        known = 0 <= a < maps.pure.shape[0] and 0 <= b < maps.pure.shape[1] and p < maps.pure.shape[0] and q < maps.pure.shape[1]
        if known and maps.pure[a, b] == ROAD and maps.epoch[a, b] <= maps.epoch[p, q]:
            angle = np.pi / 180.0 * maps.heading[a, b]
            cos, sin = np.cos(angle), np.sin(angle)
            px, py = cos * (x - at_x) + sin * (y - at_y), cos * (y - at_y) - sin * (x - at_x)
            half_x, half_y = 0.7 + 2.4 * hash01(i, j, seed + 14), 0.45 + 0.9 * hash01(i, j, seed + 15)
            patch(px, py, half_x, half_y, -0.20 if hash01(i, j, seed + 16) < 0.6 else 0.12, foot, out)
    i, j = int(np.floor(x / 23.0)), int(np.floor(y / 23.0))
    if hash01(i, j, seed + 41) < 0.45 and edge > 1.0 and foot < 0.5:
        manhole(x - 23.0 * (i + 0.2 + 0.6 * hash01(i, j, seed + 42)), y - 23.0 * (j + 0.2 + 0.6 * hash01(i, j, seed + 43)), foot, out)


@njit(cache=True, error_model="numpy")
def _kerb_stone(maps, u, v, pure, at, edge, foot, seed):
    """Share of the pixel on the kerb stone's top, 0 where there is no kerb."""
    height = between(maps.far_raise_m if pure == OUTSIDE else maps.raise_m, u, v)
    share = min(1.0, max(0.0, 0.5 + (edge + KERB_M) / max(foot, 0.004)))
    return share * min(1.0, max(0.0, height / 0.03 - 0.3))
