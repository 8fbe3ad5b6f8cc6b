"""Paint on the road: lines and crossings near a point, found through squares that list them (numba).

An item is drawn only on columns decided no earlier than itself: what a person has seen stays as it is when the world grows.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import value_noise
from engine.spec.classes import CLASS
from engine.views.drawn.ground_texture import band, octave, seen
from engine.views.drawn.markings import DASHED, DOUBLE

BIN = 8
"""Columns of a square that lists what is painted in it."""
PAINTED = 0
"""`paint` answers no less where it painted."""
WHITE = (0.60, 0.60, 0.57)
YELLOW = (0.53, 0.315, 0.030)
HALF_WIDTH_M = 0.07
DOUBLE_AT_M, DOUBLE_HALF_M = 0.125, 0.06
"""A double line: how far each is from the middle, and half its width."""
DASH_M, PERIOD_M = 3.0, 7.5
BAR_M = 0.5
"""Width of a crossing's bars, and of the gaps between them."""
_CLASS_M = 0.2
"""The point of a line's class is so near to its middle."""
_CROSSING = CLASS["ped_crossing"]


@njit(cache=True, error_model="numpy")
def paint(maps, x, y, view_x, view_y, long_m, wide_m, outside, out):
    """Paints over the asphalt in out[0:4]; answers the painted class, or -1."""
    cell = maps.frame[2]
    a, b = int(np.floor((x - maps.frame[3]) / (cell * BIN))), int(np.floor((y - maps.frame[4]) / (cell * BIN)))
    if a < 0 or b < 0 or a >= maps.bins.shape[0] or b >= maps.bins.shape[1] or maps.bins[a, b, 1] == 0:
        return -1
    u, v = x - maps.frame[0], y - maps.frame[1]
    i, j = int(np.floor(u / cell + 0.5)), int(np.floor(v / cell + 0.5))
    epoch = 65535.0
    if 0 <= i < maps.epoch.shape[0] and 0 <= j < maps.epoch.shape[1]:
        epoch = float(maps.epoch[i, j])
    nearest, item = 1e9, -1
    crossing, inside = 0.0, 0.0
    for n in range(maps.bins[a, b, 0], maps.bins[a, b, 0] + maps.bins[a, b, 1]):
        row = maps.bin_items[n]
        if row < 0:
            strip = maps.strips[-1 - row]
            if strip[6] > epoch:
                continue
            du, dv = u - strip[0], v - strip[1]
            p, q = du * strip[2] + dv * strip[3], dv * strip[2] - du * strip[3]
            if abs(p) > strip[4] + 0.5 or abs(q) > strip[5] + 0.5:
                continue
            ahead, aside = view_x * strip[2] + view_y * strip[3], view_y * strip[2] - view_x * strip[3]
            foot_p = max(1e-3, np.sqrt((ahead * long_m) ** 2 + (aside * wide_m) ** 2))
            foot_q = max(1e-3, np.sqrt((aside * long_m) ** 2 + (ahead * wide_m) ** 2))
            here = band(p, strip[4], foot_p) * band(q, strip[5], foot_q)
            at = (p + strip[7]) / (2 * BAR_M)
            near = (at - np.floor(at) - 0.5) * 2 * BAR_M
            bars = 0.5 + seen(1.6 * BAR_M, foot_p) * (band(near, 0.5 * BAR_M, foot_p) - 0.5)
            crossing, inside = max(crossing, here * bars), max(inside, here)
            continue
        line = maps.lines[row]
        if line[6] > epoch:
            continue
        ux, uy = line[2] - line[0], line[3] - line[1]
        px, py = u - line[0], v - line[1]
        t = min(1.0, max(0.0, (px * ux + py * uy) / max(ux * ux + uy * uy, 1e-9)))
        d = (px - t * ux) ** 2 + (py - t * uy) ** 2
        if d < nearest:
            nearest, item = d, row
    label = -1
    cover, yellow = crossing, False
    if inside > 0.5:
        label = _CROSSING
    if item >= 0 and inside < 0.98 and nearest < 1.0:
        line = maps.lines[item]
        ux, uy = line[2] - line[0], line[3] - line[1]
        length = max(np.sqrt(ux * ux + uy * uy), 1e-6)
        ux, uy = ux / length, uy / length
        px, py = u - line[0], v - line[1]
        along, off = px * ux + py * uy, py * ux - px * uy
        ahead, aside = view_x * ux + view_y * uy, view_y * ux - view_x * uy
        foot_s = max(1e-3, np.sqrt((ahead * long_m) ** 2 + (aside * wide_m) ** 2))
        foot_d = max(1e-3, np.sqrt((aside * long_m) ** 2 + (ahead * wide_m) ** 2))
        ends = 1.0
        if line[7] > 0:
            ends = min(1.0, max(0.0, 0.5 + along / foot_s))
        if line[8] > 0:
            ends = min(ends, min(1.0, max(0.0, 0.5 + (length - along) / foot_s)))
        if line[5] == DOUBLE:
            share = band(off - DOUBLE_AT_M, DOUBLE_HALF_M, foot_d) + band(off + DOUBLE_AT_M, DOUBLE_HALF_M, foot_d)
            share = min(1.0, share)
        else:
            share = band(off, HALF_WIDTH_M, foot_d)
        if line[5] == DASHED:
            at = (line[4] + along) / PERIOD_M
            near = (at - np.floor(at) - 0.5) * PERIOD_M
            dash = band(near, 0.5 * DASH_M, foot_s)
            share *= DASH_M / PERIOD_M + seen(PERIOD_M, foot_s) * (dash - DASH_M / PERIOD_M)
        share *= ends * (1.0 - inside)
        if share > cover:
            cover, yellow = share, line[5] == DOUBLE
        if label < 0 and ends > 0.5 and abs(off) < (_CLASS_M + (0.06 if line[5] == DOUBLE else 0.0)):
            label = int(line[9])
    if cover > 0.0:
        foot = np.sqrt(long_m * wide_m)
        worn = value_noise(x, y, 2.3, 171) - 0.5
        cover *= min(1.0, 0.86 + 0.20 * worn + 0.30 * octave(x, y, 0.31, foot, 172) + 0.34 * octave(x, y, 0.06, foot, 173))
        grime = 1.0 + 0.10 * octave(x, y, 0.9, foot, 174)
        for n in range(3):
            out[n] += cover * ((YELLOW[n] if yellow else WHITE[n]) * grime - out[n])
        out[3] += cover * (0.62 - out[3])
    return label


@njit(cache=True, error_model="numpy")
def listed(lines, strips, frame, shape):
    """Squares (P, Q, 2) and their items (N,): every line piece and strip in each square that it may touch."""
    size = frame[2] * BIN
    shift_x, shift_y = frame[0] - frame[3], frame[1] - frame[4]
    bins = np.zeros((shape[0], shape[1], 2), np.int32)
    items = np.zeros(0, np.int32)
    for turn in range(2):
        if turn == 1:
            total = 0
            for a in range(shape[0]):
                for b in range(shape[1]):
                    bins[a, b, 0] = total
                    total += bins[a, b, 1]
                    bins[a, b, 1] = 0
            items = np.zeros(total + 1, np.int32)
        for n in range(len(lines) + len(strips)):
            if n < len(lines):
                x0, x1 = min(lines[n, 0], lines[n, 2]) - 0.8, max(lines[n, 0], lines[n, 2]) + 0.8
                y0, y1 = min(lines[n, 1], lines[n, 3]) - 0.8, max(lines[n, 1], lines[n, 3]) + 0.8
                row = n
            else:
                strip = strips[n - len(lines)]
                wide = abs(strip[2]) * strip[4] + abs(strip[3]) * strip[5] + 0.8
                high = abs(strip[3]) * strip[4] + abs(strip[2]) * strip[5] + 0.8
                x0, x1, y0, y1 = strip[0] - wide, strip[0] + wide, strip[1] - high, strip[1] + high
                row = -1 - (n - len(lines))
            for a in range(max(0, int((x0 + shift_x) / size)), min(shape[0], int((x1 + shift_x) / size) + 2)):
                for b in range(max(0, int((y0 + shift_y) / size)), min(shape[1], int((y1 + shift_y) / size) + 2)):
                    if turn == 1:
                        items[bins[a, b, 0] + bins[a, b, 1]] = row
                    bins[a, b, 1] += 1
    return bins, items
