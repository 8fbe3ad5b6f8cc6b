"""Light on a point of the drawn world: sky, lamps, mirrors, air, and how much of the sky it sees (numba)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from engine.views.drawn import sky as skies
from engine.views.drawn.answer import answer
from engine.views.drawn.light import FOG, HAZE_COLUMNS, LAMPS_ON, SNOW, WET
from engine.views.drawn.rays import FAR, HIT_INSTANCE, HIT_PRIMITIVE, HIT_U, HIT_V, blocked, trace
from engine.views.drawn.surface import ALBEDO, DAY_GLOW, GLOW, NORMAL, unit
from engine.views.drawn.weather import snow_over, wetten

OPEN_RAYS = 4
"""Rays a pixel that ask for the sky."""
OPEN_REACH_M = 5.0
ABOVE_BEAM = 6.0
"""How much sooner a beam ends above its aim than below (by the square of the angle)."""


def _open_directions() -> np.ndarray:
    """float64 (17 * OPEN_RAYS, 3): directions over a cosine hemisphere; those of one pixel, and of neighbours, lie far apart.

    Every row and every column of the 4 x 4 pattern looks all around: of a kerb or of what is under a rail a picture shows one row of pixels,
    and where that steps to the next row it would change from light to dark, as dashes. The last few are for all pixels of foliage: leaves lie
    at too many depths to be averaged with their neighbours, and a pattern of pixels would stay on the picture while the crown moves under it.
    """
    # Two Latin squares of which no two cells have the same pair: a quarter of the circle and a part of it, both once in every row and column.
    quarter = np.array([0, 1, 2, 3, 1, 0, 3, 2, 2, 3, 0, 1, 3, 2, 1, 0])[:, None]
    within = np.array([0, 1, 2, 3, 2, 3, 0, 1, 3, 2, 1, 0, 1, 0, 3, 2])[:, None]
    k = np.arange(OPEN_RAYS)[None]
    r = np.sqrt((k + (4 * within + quarter + 0.5) / 16) / OPEN_RAYS).ravel()
    phi = 2 * np.pi * (quarter / 4 + within / 16 + k / OPEN_RAYS + k / 64).ravel()
    k = np.arange(OPEN_RAYS)
    r, phi = np.append(r, np.sqrt((k + 0.5) / OPEN_RAYS)), np.append(phi, 2.4 * k)
    return np.stack([r * np.cos(phi), r * np.sin(phi), np.sqrt(1 - r * r)], -1)


OPEN_DIRECTIONS = _open_directions()
SAME_FOR_ALL = 16
"""The cell of foliage."""


@njit(cache=True, error_model="numpy")
def hit_normal(surfaces, primitive, u, v):
    """Interpolated shading normal of a hit."""
    i, j, k = surfaces.faces[primitive, 0], surfaces.faces[primitive, 1], surfaces.faces[primitive, 2]
    w = 1 - u - v
    n = surfaces.normals
    return unit(
        w * n[i, 0] + u * n[j, 0] + v * n[k, 0], w * n[i, 1] + u * n[j, 1] + v * n[k, 1], w * n[i, 2] + u * n[j, 2] + v * n[k, 2]
    )


@njit(cache=True, error_model="numpy")
def hit_uv(surfaces, primitive, u, v):
    """Interpolated surface coordinates of a hit."""
    i, j, k = surfaces.faces[primitive, 0], surfaces.faces[primitive, 1], surfaces.faces[primitive, 2]
    w = 1 - u - v
    t = surfaces.uv
    return w * t[i, 0] + u * t[j, 0] + v * t[k, 0], w * t[i, 1] + u * t[j, 1] + v * t[k, 1]


@njit(cache=True, error_model="numpy")
def sky_light(light, nx, ny, nz, out):
    """Irradiance / pi of the open sky and the ground's bounce on a normal, into out (3,)."""
    for c in range(3):
        a = light.ambient
        out[c] = max(0.0, a[0, c] + a[1, c] * nx + a[2, c] * ny + a[3, c] * nz)


@njit(cache=True, error_model="numpy")
def lamp_light(scene, ray, words, light, x, y, z, nx, ny, nz, through, out):
    """Light of all lamps on a point of normal n, into out (3,)."""
    out[0] = out[1] = out[2] = 0.0
    for k in range(light.lamps.shape[0]):
        lamp = light.lamps[k]
        dx, dy, dz = lamp[0] - x, lamp[1] - y, lamp[2] - z
        square = dx * dx + dy * dy + dz * dz
        reach = lamp[11]
        if square > reach * reach or square < 1e-4:
            continue
        distance = math.sqrt(square)
        dx, dy, dz = dx / distance, dy / distance, dz / distance
        facing = nx * dx + ny * dy + nz * dz
        facing = max(facing, through * 0.5 * abs(facing) + 0.2 * through)
        if facing <= 0.0:
            continue
        cone = -(lamp[3] * dx + lamp[4] * dy + lamp[5] * dz)
        if cone <= 0.0:
            continue
        flat = lamp[13]
        if flat > 1.0:
            # A beam is wide and flat, and ends soon above its aim.
            rise = -dz - cone * lamp[5]
            level = max(0.0, 1 - cone * cone - rise * rise)
            cone /= math.sqrt(cone * cone + level / flat + rise * rise * flat * (ABOVE_BEAM if rise > 0.0 else 1.0))
        if cone <= lamp[9]:
            continue
        fade = min(1.0, (cone - lamp[9]) / max(1e-3, lamp[10] - lamp[9]))
        window = 1 - (square / (reach * reach)) ** 2
        strength = facing * fade * fade * (3 - 2 * fade) * window * window / (square + 30.0)
        if strength * lamp[6] < 2e-4:
            continue
        if lamp[12] > 0.0 and blocked(
            scene, ray, words, x + nx * 0.02, y + ny * 0.02, z + nz * 0.02, dx, dy, dz, 0.02, max(0.05, distance - lamp[12])
        ):
            continue
        for c in range(3):
            out[c] += strength * lamp[6 + c]


@njit(cache=True, error_model="numpy")
def seen_in_mirror(scene, static, moving, maps, light, origin, ray, words, x, y, z, dx, dy, dz, spread, out, box, rgb):
    """Radiance that comes along d to a mirroring point: the sky, or what is hit under sun and sky without further rays but one shadow."""
    if not trace(scene, ray, words, x, y, z, dx, dy, dz, 0.02, 300.0):
        skies.sample(light.sky, dx, dy, dz, rgb)
        return
    far = np.float64(ray[FAR])
    instance, primitive = words[HIT_INSTANCE], words[HIT_PRIMITIVE]
    u, v = np.float64(ray[HIT_U]), np.float64(ray[HIT_V])
    surfaces = static if instance == 0 else moving
    nx, ny, nz = hit_normal(surfaces, primitive, u, v)
    if nx * dx + ny * dy + nz * dz > 0:
        nx, ny, nz = -nx, -ny, -nz
    s, t = hit_uv(surfaces, primitive, u, v)
    px, py, pz = x + far * dx, y + far * dy, z + far * dz
    row = surfaces.parts[surfaces.face_part[primitive]]
    wide = far * spread
    answer(row, maps, px + origin[0], py + origin[1], pz + origin[2], s, t, nx, ny, nz, dx, dy, dz, wide, wide, out)
    weather(light, out, px + origin[0], py + origin[1], pz + origin[2], far * spread)
    sun = max(0.0, out[NORMAL] * light.sun_xyz[0] + out[NORMAL + 1] * light.sun_xyz[1] + out[NORMAL + 2] * light.sun_xyz[2])
    if sun > 0.0 and light.sun_rgb[0] > 0.0:
        if blocked(scene, ray, words, px + nx * 0.02, py + ny * 0.02, pz + nz * 0.02, light.sun_xyz[0], light.sun_xyz[1], light.sun_xyz[2], 0.02, 300.0):
            sun = 0.0
    sky_light(light, out[NORMAL], out[NORMAL + 1], out[NORMAL + 2], box)
    for c in range(3):
        rgb[c] = out[ALBEDO + c] * (sun * light.sun_rgb[c] + 0.75 * box[c]) + out[GLOW + c] * max(light.numbers[LAMPS_ON], out[DAY_GLOW])
    if light.numbers[LAMPS_ON] > 0.2:
        lamp_light(scene, ray, words, light, px, py, pz, nx, ny, nz, 0.0, box)
        for c in range(3):
            rgb[c] += out[ALBEDO + c] * box[c]
    through_air(light, dx, dy, far, rgb)


@njit(cache=True, error_model="numpy", inline="always")
def weather(light, out, x, y, z, footprint):
    """What rain and snow make of an answer."""
    if light.numbers[WET] > 0.0:
        wetten(out, x, y, light.numbers[WET], footprint)
    if light.numbers[SNOW] > 0.0:
        snow_over(out, x, y, z, light.numbers[SNOW], footprint)


@njit(cache=True, error_model="numpy")
def through_air(light, dx, dy, distance, rgb):
    """What is left of light rgb (3,) after `distance` metres of air, with the air's own light."""
    share = math.exp(-light.numbers[FOG] * distance)
    place = (math.atan2(dy, dx) / (2 * math.pi) + 0.5) * HAZE_COLUMNS - 0.5
    j = int(math.floor(place))
    b = place - j
    for c in range(3):
        haze = light.haze[j % HAZE_COLUMNS, c] * (1 - b) + light.haze[(j + 1) % HAZE_COLUMNS, c] * b
        rgb[c] = rgb[c] * share + haze * (1 - share)


@njit(cache=True, error_model="numpy")
def openness(scene, ray, words, x, y, z, nx, ny, nz, cell, directions):
    """Share of the sky that a point sees within OPEN_REACH_M, by the few rays of its cell of the pattern."""
    # A frame around the normal (Duff et al. 2017), the same for all upright faces, however their normals are rounded.
    sign = 1.0 if nz > -0.5 else -1.0
    a = -1.0 / (sign + nz)
    b = nx * ny * a
    seen = 0.0
    for k in range(OPEN_RAYS):
        hx, hy, hz = directions[cell * OPEN_RAYS + k, 0], directions[cell * OPEN_RAYS + k, 1], directions[cell * OPEN_RAYS + k, 2]
        dx = hx * (1 + sign * nx * nx * a) + hy * b + hz * nx
        dy = hx * sign * b + hy * (sign + ny * ny * a) + hz * ny
        dz = -hx * sign * nx - hy * ny + hz * nz
        if trace(scene, ray, words, x, y, z, dx, dy, dz, 0.01, OPEN_REACH_M):
            near = np.float64(ray[FAR]) / OPEN_REACH_M
            seen += near * (2 - near) * 0.85
        else:
            seen += 1.0
    return seen / OPEN_RAYS
