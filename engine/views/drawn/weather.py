"""What rain, wetness and snow do to a surface, and what falls through the air (numba)."""

from __future__ import annotations

import math

from numba import njit

from engine.lattice import hash01, value_noise
from engine.spec.classes import CLASS
from engine.views.drawn.surface import ALBEDO, GLOW, MIRROR, NORMAL, ROUGHNESS, TRANSLUCENCY, smoothstep
from engine.views.drawn.surface import CLASS as OUT_CLASS

ROAD, FLAT, SIDEWALK, TERRAIN, MANMADE, VEGETATION = (
    CLASS[name] for name in ("driveable_surface", "other_flat", "sidewalk", "terrain", "manmade", "vegetation")
)
CROSSING = CLASS["ped_crossing"]
PEDESTRIAN, TRUCK = CLASS["pedestrian"], CLASS["truck"]


@njit(cache=True, error_model="numpy", inline="always")
def is_road(label):
    """Whether a class is part of the carriageway."""
    return label == ROAD or CROSSING <= label <= CROSSING + 2


@njit(cache=True, error_model="numpy")
def wetten(out, x, y, wet, footprint_m):
    """Rain darkens what soaks it up; on level paving stands water that mirrors, in puddles fully."""
    label = int(out[OUT_CLASS])
    paved = is_road(label) or label == SIDEWALK or label == FLAT
    if paved:
        pond = value_noise(x, y, 5.5, 61) * 0.65 + value_noise(x, y, 1.6, 62) * 0.35
        puddle = smoothstep(0.56, 0.70, pond) * (1.0 if is_road(label) else 0.5)
        film = wet * (0.42 + 0.58 * puddle)
        for c in range(3):
            out[ALBEDO + c] *= 1 - 0.52 * wet * (1 - 0.25 * puddle)
        out[MIRROR] = max(out[MIRROR], film)
        out[ROUGHNESS] = 0.30 * (1 - puddle) + 0.02 * puddle
    elif label == TERRAIN or label == MANMADE or label == VEGETATION:
        for c in range(3):
            out[ALBEDO + c] *= 1 - 0.28 * wet


@njit(cache=True, error_model="numpy")
def snow_over(out, x, y, z, snow, footprint_m):
    """Snow lies on what faces up, thinner where wheels and feet go; not on glass, people or what shines."""
    label = int(out[OUT_CLASS])
    if out[GLOW] > 0.0 or label == PEDESTRIAN:
        return
    up = out[NORMAL + 2]
    patch = 0.6 * value_noise(x, y, 2.7, 71) + 0.4 * value_noise(x, y, 0.7, 72)
    fine = value_noise(x + z, y - z, 0.22, 73) * max(0.0, 1 - footprint_m / 0.25)
    amount = smoothstep(0.35, 0.75, up + 0.25 * (patch - 0.5))
    if is_road(label):
        amount *= smoothstep(0.30, 0.75, patch + 0.10 * fine) * 0.75
    elif label == SIDEWALK:
        amount *= 0.45 + 0.5 * smoothstep(0.25, 0.6, patch)
    elif out[TRANSLUCENCY] > 0.0:
        # It lies leaf by leaf: never a white cap on every clump.
        leaf = value_noise(x + 0.6 * z, y - 0.8 * z, 0.34, 74) + 0.5 * max(0.0, 1 - footprint_m / 0.12) * (value_noise(x - z, y + z, 0.09, 75) - 0.5)
        amount = smoothstep(0.25, 1.25, 0.75 * up + 1.1 * leaf) * 0.8
    elif 1 <= label <= TRUCK:
        amount *= 0.9 if out[MIRROR] < 0.95 else 0.55
    amount *= min(1.0, snow * 1.15)
    for c in range(3):
        white = (0.80, 0.83, 0.88)[c] * (0.93 + 0.07 * patch + 0.04 * fine)
        out[ALBEDO + c] = out[ALBEDO + c] * (1 - amount) + white * amount
    out[MIRROR] *= 1 - amount
    out[TRANSLUCENCY] *= 1 - amount
    out[ROUGHNESS] = out[ROUGHNESS] * (1 - amount) + 0.9 * amount


@njit(cache=True, error_model="numpy")
def falling(azimuth, elevation, depth_m, time_s, rain, snow, seed):
    """Share of a pixel's light that drops or flakes cover, and how bright they are: layers of air at growing distances, fixed in the world.

    Returns cover in [0, 1]. Drops fall 8 m/s and draw 0.35 m streaks, flakes 1.1 m/s and drift.
    """
    cover = 0.0
    for layer in range(5):
        distance = (1.6, 3.0, 5.5, 10.0, 18.0)[layer]
        if depth_m < distance:
            break
        side, height = azimuth * distance, math.tan(max(-1.3, min(1.3, elevation))) * distance
        if rain > 0.0:
            side_cell = 0.055 + 0.012 * distance
            i = int(math.floor(side / side_cell))
            fall = height + 8.0 * time_s + 40 * hash01(i, layer, seed + 11)
            span = 1.9
            j = int(math.floor(fall / span))
            if hash01(i, j, seed + 13 + layer) < 0.30 * rain:
                across = (side / side_cell - i - 0.25 - 0.5 * hash01(i, j, seed + 23)) / 0.10
                along = (fall / span - j) / 0.26
                if along < 1.0 and abs(across) < 1.0:
                    cover += 0.15 * (1 - abs(across)) * math.sin(math.pi * along) * (1.0 if layer else 0.7)
        if snow > 0.0:
            cell = 0.16 + 0.05 * distance
            drift = 0.25 * math.sin(time_s * 0.9 + layer * 1.7)
            fall = height + 1.1 * time_s
            i, j = int(math.floor((side + drift) / cell)), int(math.floor(fall / cell))
            if hash01(i, j, seed + 33 + layer) < 0.36 * snow:
                a = ((side + drift) / cell - i) - (0.3 + 0.4 * hash01(i, j, seed + 43))
                b = (fall / cell - j) - (0.3 + 0.4 * hash01(i, j, seed + 53))
                radius = (0.012 + 0.012 * hash01(i, j, seed + 63)) / cell * (0.7 + 0.10 * distance)
                near = math.sqrt(a * a + b * b) / max(radius, 1e-4)
                if near < 1.0:
                    cover += 0.75 * (1 - near) ** 0.7
    return min(cover, 0.85)
