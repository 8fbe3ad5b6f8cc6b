"""What a surface looks like: albedo and glow from its class, its place and its place within an agent's box (numba).

The teacher asks at smooth geometry, the view model at blocky geometry; both get the same answer at the same point.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01, value_noise
from engine.spec.classes import CLASS

BARRIER, BICYCLE, BUS, CAR, CONSTRUCTION, MOTORCYCLE, PEDESTRIAN, CONE, TRAILER, TRUCK = range(1, 11)
DRIVABLE, FLAT, SIDEWALK, TERRAIN, MANMADE, VEGETATION = (
    CLASS[name] for name in ("driveable_surface", "other_flat", "sidewalk", "terrain", "manmade", "vegetation")
)
CROSSING, ROAD_DIVIDER, LANE_DIVIDER = CLASS["ped_crossing"], CLASS["road_divider"], CLASS["lane_divider"]

PAINT = np.array(
    [[0.72, 0.72, 0.70], [0.50, 0.51, 0.52], [0.05, 0.05, 0.06], [0.22, 0.23, 0.25], [0.42, 0.05, 0.05], [0.06, 0.13, 0.33],
     [0.62, 0.45, 0.05], [0.08, 0.20, 0.13], [0.60, 0.58, 0.50], [0.30, 0.08, 0.06]], np.float32)  # fmt: skip
"""Car colours, linear."""
CLOTHES = np.array(
    [[0.10, 0.12, 0.20], [0.45, 0.08, 0.08], [0.08, 0.30, 0.32], [0.55, 0.52, 0.46], [0.05, 0.05, 0.05], [0.50, 0.36, 0.06], [0.16, 0.26, 0.10]],
    np.float32)  # fmt: skip
FACADES = np.array(
    [[0.42, 0.17, 0.12], [0.52, 0.46, 0.36], [0.40, 0.40, 0.40], [0.60, 0.58, 0.54], [0.34, 0.26, 0.20], [0.46, 0.36, 0.26]], np.float32)  # fmt: skip
FACADE_LOT_M = 17.0


@njit(cache=True)
def surface(label, instance, seed, x, y, z, nx, ny, nz, along, across, up, night, out):
    """Writes linear albedo into out[0:3] and glow into out[3:6] of a surface point.

    x, y, z: world metres (z above the ground); n: its normal; along, across, up: place within the agent's box, -1 to 1.
    """
    r, g, b = 0.4, 0.4, 0.4
    glow_r = glow_g = glow_b = 0.0
    if label == DRIVABLE or label == LANE_DIVIDER or label == ROAD_DIVIDER or label == CROSSING:
        grain = 0.86 + 0.16 * value_noise(x, y, 3.0, 1) + 0.10 * value_noise(x, y, 0.25, 2)
        r, g, b = 0.105 * grain, 0.108 * grain, 0.115 * grain
        worn = 0.75 + 0.25 * value_noise(x, y, 0.7, 3)
        if label == LANE_DIVIDER:
            r, g, b = 0.62 * worn, 0.62 * worn, 0.60 * worn
        elif label == ROAD_DIVIDER:
            r, g, b = 0.58 * worn, 0.40 * worn, 0.06 * worn
        elif label == CROSSING:
            r, g, b = 0.40 * worn, 0.40 * worn, 0.39 * worn
    elif label == SIDEWALK or label == FLAT:
        grain = 0.88 + 0.16 * value_noise(x, y, 1.7, 4)
        joint = 0.82 if (x / 1.5 - np.floor(x / 1.5) < 0.05 or y / 1.5 - np.floor(y / 1.5) < 0.05) else 1.0
        tone = 0.36 if label == SIDEWALK else 0.25
        r, g, b = tone * grain * joint, 0.97 * tone * grain * joint, 0.90 * tone * grain * joint
    elif label == TERRAIN:
        dry = value_noise(x, y, 7.0, 5) * 0.7 + 0.3 * value_noise(x, y, 0.8, 6)
        r, g, b = 0.11 + 0.13 * dry, 0.17 + 0.08 * dry, 0.055 + 0.06 * dry
    elif label == VEGETATION:
        leaf = 0.5 * value_noise(x / 0.5 + 3 * z, y / 0.5 - 2 * z, 1.0, 7) + 0.5 * value_noise(x, y, 4.0, 8)
        r, g, b = 0.055 + 0.10 * leaf, 0.12 + 0.14 * leaf, 0.03 + 0.05 * leaf
    elif label == MANMADE:
        lot_x, lot_y = int(np.floor(x / FACADE_LOT_M)), int(np.floor(y / FACADE_LOT_M))
        pick = int(hash01(lot_x, lot_y, seed) * len(FACADES))
        grain = 0.90 + 0.14 * value_noise(x / 0.6 + z, y / 0.6 + z, 1.0, 9)
        r, g, b = FACADES[pick, 0] * grain, FACADES[pick, 1] * grain, FACADES[pick, 2] * grain
        if abs(nz) < 0.5:
            side = -ny * x + nx * y
            pitch = 2.4 + 1.4 * hash01(lot_x, lot_y, seed + 1)
            u, v = side / pitch - np.floor(side / pitch), (z - 0.5) / 3.0 - np.floor((z - 0.5) / 3.0)
            if z > 0.9 and 0.22 < u < 0.78 and 0.25 < v < 0.75:
                r, g, b = 0.06, 0.08, 0.11
                if hash01(int(np.floor(side / pitch)), int(z / 3), seed + lot_x * 31 + lot_y) < 0.45:
                    glow_r, glow_g, glow_b = 0.75 * night, 0.55 * night, 0.25 * night
    elif label == BARRIER:
        band = int(np.floor((along + 1) * 3))
        r, g, b = (0.62, 0.20, 0.03) if band % 2 == 0 else (0.62, 0.60, 0.56)
    elif label == CONE:
        r, g, b = (0.66, 0.62, 0.58) if -0.1 < up < 0.35 else (0.72, 0.16, 0.01)
    elif label == PEDESTRIAN or label == BICYCLE or label == MOTORCYCLE:
        top = CLOTHES[int(hash01(instance, seed, 11) * len(CLOTHES))]
        legs = CLOTHES[int(hash01(instance, seed, 12) * len(CLOTHES))]
        head, waist = (0.72, -0.05) if label == PEDESTRIAN else (0.78, 0.15)
        if up > head:
            r, g, b = 0.48, 0.30, 0.21
        elif up > waist:
            r, g, b = top[0], top[1], top[2]
        elif label == PEDESTRIAN:
            r, g, b = legs[0] * 0.7, legs[1] * 0.7, legs[2] * 0.7
        else:
            r, g, b = 0.04, 0.04, 0.045
    elif 1 <= label <= TRUCK:
        r, g, b, glow_r, glow_g, glow_b = _vehicle(label, instance, seed, nz, along, across, up, night)
    out[0], out[1], out[2], out[3], out[4], out[5] = r, g, b, glow_r, glow_g, glow_b


@njit(cache=True)
def _vehicle(label, instance, seed, nz, along, across, up, night):
    """Colour and glow of a car, bus, truck, trailer or construction vehicle at a point of its box."""
    paint = PAINT[int(hash01(instance, seed, 10) * len(PAINT))]
    r, g, b = paint[0], paint[1], paint[2]
    side = abs(nz) < 0.6
    if label == CONSTRUCTION:
        r, g, b = 0.62, 0.38, 0.02
    elif label == TRAILER or (label == TRUCK and along < 0.45):
        r, g, b = 0.62, 0.62, 0.60
    glass = False
    if label == CAR:
        glass = side and 0.12 < up < 0.86 and not (0.10 < along < 0.16) and along < 0.75
    elif label == BUS:
        glass = side and -0.05 < up < 0.62 and abs((along * 5) - np.round(along * 5)) > 0.08
    elif label == TRUCK or label == CONSTRUCTION:
        glass = side and along > 0.5 and 0.05 < up < 0.6
    if glass:
        r, g, b = 0.025, 0.032, 0.040
    wheel_at = 0.60 if label != CAR else 0.62
    if up < -0.42 and abs(across) > 0.72 and abs(abs(along) - wheel_at) < (0.17 if label == CAR else 0.10):
        r, g, b = 0.012, 0.012, 0.013
    elif up < -0.86:
        r, g, b = 0.02, 0.02, 0.02
    glow_r = glow_g = glow_b = 0.0
    if abs(across) > 0.45 and -0.42 < up < -0.02 and side:
        if along < -0.88:
            r, g, b = 0.38, 0.01, 0.01
            glow_r = 0.85 * night
        elif along > 0.90:
            r, g, b = 0.70, 0.68, 0.62
            glow_r, glow_g, glow_b = 1.6 * night, 1.5 * night, 1.2 * night
    return r, g, b, glow_r, glow_g, glow_b
