"""The loops of the BEV rasteriser. `engine.spec.raster` states the rules and is the only caller.

Every kernel works in cell coordinates (u, v): the centre of cell [i, j] is at u = i, v = j. Coordinates stay floats until
they are clamped to the grid, so that far-away shapes cannot overflow an index.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np
from numba import njit

EDGE = 1e-9
"""Slack of every 'on the edge' decision, in cells: centres on an edge of a line or an agent are inside."""
SMALL_AGENT_COVERAGE = 0.25


@njit(cache=True, inline="always")
def _u(m, x, y):
    return m[0] * (x - m[4]) + m[1] * (y - m[5]) + m[6]


@njit(cache=True, inline="always")
def _v(m, x, y):
    return m[2] * (x - m[4]) + m[3] * (y - m[5]) + m[7]


@njit(cache=True, inline="always")
def _clamp(value, count):
    """Integer in [0, count] of a float that may be far outside."""
    return int(min(max(value, 0.0), float(count)))


@njit(cache=True)
def _cell_bounds(m, low_x, low_y, high_x, high_y):
    """Bounds (u0, v0, u1, v1) in cells of a world-axis-aligned rectangle."""
    reach_u = (abs(m[0]) * (high_x - low_x) + abs(m[1]) * (high_y - low_y)) / 2
    reach_v = (abs(m[2]) * (high_x - low_x) + abs(m[3]) * (high_y - low_y)) / 2
    x, y = (low_x + high_x) / 2, (low_y + high_y) / 2
    u, v = _u(m, x, y), _v(m, x, y)
    return u - reach_u, v - reach_v, u + reach_u, v + reach_v


@njit(cache=True, nogil=True)
def fill_areas(out, m, points, ring_starts, area_starts, channels, bounds):
    """Even-odd areas: every edge toggles one cell a row, a running parity along the row fills."""
    nx, ny = out.shape[1:]
    toggle = np.zeros((nx, ny + 1), np.uint8)
    for area in range(len(channels)):
        u0, v0, u1, v1 = _cell_bounds(m, bounds[area, 0], bounds[area, 1], bounds[area, 2], bounds[area, 3])
        row0, row1 = _clamp(floor(u0), nx), _clamp(floor(u1) + 2.0, nx)
        column0, column1 = _clamp(floor(v0), ny), _clamp(floor(v1) + 2.0, ny)
        if row0 >= row1 or column0 >= column1:
            continue
        for ring in range(area_starts[area], area_starts[area + 1]):
            start, end = ring_starts[ring], ring_starts[ring + 1]
            ua, va = _u(m, points[end - 1, 0], points[end - 1, 1]), _v(m, points[end - 1, 0], points[end - 1, 1])
            for k in range(start, end):
                ub, vb = _u(m, points[k, 0], points[k, 1]), _v(m, points[k, 0], points[k, 1])
                # Half-open in u: a vertex that lies on a row belongs to one of its two edges only.
                first, past = _clamp(ceil(min(ua, ub)), nx), _clamp(ceil(max(ua, ub)), nx)
                for i in range(first, past):
                    toggle[i, _clamp(ceil(va + (i - ua) * (vb - va) / (ub - ua)), ny)] ^= 1
                ua, va = ub, vb
        channel = out[channels[area]]
        for i in range(row0, row1):
            inside = np.uint8(0)
            for j in range(column0, column1):
                inside ^= toggle[i, j]
                toggle[i, j] = 0
                channel[i, j] |= inside
            toggle[i, ny] = 0


@njit(cache=True, nogil=True)
def draw_lines(out, m, points, line_starts, channels, radii, bounds):
    """Discs of each line's radius (cells) swept along its chain."""
    nx, ny = out.shape[1:]
    for line in range(len(channels)):
        radius = radii[line]
        reach = radius + EDGE
        u0, v0, u1, v1 = _cell_bounds(m, bounds[line, 0], bounds[line, 1], bounds[line, 2], bounds[line, 3])
        if u1 + reach < -0.5 or v1 + reach < -0.5 or u0 - reach > nx - 0.5 or v0 - reach > ny - 0.5:
            continue
        channel = out[channels[line]]
        start, end = line_starts[line], line_starts[line + 1]
        ua, va = _u(m, points[start, 0], points[start, 1]), _v(m, points[start, 0], points[start, 1])
        own_u, own_v = floor(ua + 0.5), floor(va + 0.5)
        reached = False
        for k in range(min(start + 1, end - 1), end):  # a single point is a segment of no length
            ub, vb = _u(m, points[k, 0], points[k, 1]), _v(m, points[k, 0], points[k, 1])
            du, dv = ub - ua, vb - va
            length2 = du * du + dv * dv
            for i in range(_clamp(ceil(min(ua, ub) - reach), nx), _clamp(floor(max(ua, ub) + reach) + 1.0, nx)):
                # The stretch of the segment whose discs reach this row bounds the columns worth a look.
                t0, t1 = 0.0, 1.0
                if abs(du) > 1e-12:
                    ta, tb = (i - reach - ua) / du, (i + reach - ua) / du
                    t0, t1 = max(0.0, min(ta, tb)), min(1.0, max(ta, tb))
                low, high = min(va + t0 * dv, va + t1 * dv) - reach, max(va + t0 * dv, va + t1 * dv) + reach
                for j in range(_clamp(ceil(low), ny), _clamp(floor(high) + 1.0, ny)):
                    t = ((i - ua) * du + (j - va) * dv) / length2 if length2 > 0.0 else 0.0
                    t = min(max(t, 0.0), 1.0)
                    if sqrt((ua + t * du - i) ** 2 + (va + t * dv - j) ** 2) <= reach:
                        channel[i, j] = 1
                        reached = True
            ua, va = ub, vb
        if not reached and 0 <= own_u < nx and 0 <= own_v < ny:
            channel[int(own_u), int(own_v)] = 1


@njit(cache=True)
def _coverage(corners, i, j, work):
    """Area of a convex quadrilateral (4, 2) inside cell [i, j], by clipping it with the cell's four sides."""
    count = 4
    work[0, :4] = corners
    source = 0
    for side in range(4):
        axis, sign = side // 2, 1.0 - 2.0 * (side % 2)
        limit = sign * (i if axis == 0 else j) - 0.5
        kept = 0
        previous = work[source, count - 1]
        for k in range(count):
            point = work[source, k]
            before, after = sign * previous[axis] - limit, sign * point[axis] - limit
            if (before >= 0) != (after >= 0):
                work[1 - source, kept] = previous + (point - previous) * (before / (before - after))
                kept += 1
            if after >= 0:
                work[1 - source, kept] = point
                kept += 1
            previous = point
        source, count = 1 - source, kept
        if count == 0:
            return 0.0
    area = 0.0
    for k in range(count):
        a, b = work[source, k], work[source, (k + 1) % count]
        area += a[0] * b[1] - a[1] * b[0]
    return abs(area) / 2


@njit(cache=True, nogil=True)
def fill_boxes(out, boxes, channels, small):
    """Footprints; `boxes` rows are u, v, half length, half width (cells), cos and sin of the heading."""
    nx, ny = out.shape[1:]
    work = np.empty((2, 12, 2))
    corners = np.empty((4, 2))
    for index in range(len(boxes)):
        u, v, half_length, half_width, c, s = boxes[index]
        for k in range(4):
            along = half_length if k == 0 or k == 3 else -half_length
            across = half_width if k < 2 else -half_width
            corners[k, 0], corners[k, 1] = u + along * c - across * s, v + along * s + across * c
        row0, row1 = _clamp(floor(corners[:, 0].min() + 0.5), nx), _clamp(floor(corners[:, 0].max() + 0.5) + 1.0, nx)
        column0, column1 = _clamp(floor(corners[:, 1].min() + 0.5), ny), _clamp(floor(corners[:, 1].max() + 0.5) + 1.0, ny)
        channel = out[channels[index]]
        any_set = False
        for i in range(row0, row1):
            for j in range(column0, column1):
                if small[index]:
                    inside = _coverage(corners, i, j, work) >= SMALL_AGENT_COVERAGE - EDGE
                else:
                    along, across = (i - u) * c + (j - v) * s, (j - v) * c - (i - u) * s
                    inside = abs(along) <= half_length + EDGE and abs(across) <= half_width + EDGE
                if inside:
                    channel[i, j] = 1
                    any_set = True
        if not any_set:
            best, best_i, best_j = 0.0, -1, -1
            for i in range(row0, row1):
                for j in range(column0, column1):
                    covered = _coverage(corners, i, j, work)
                    if covered > best + EDGE:
                        best, best_i, best_j = covered, i, j
            own_u, own_v = floor(u + 0.5), floor(v + 0.5)
            if best_i < 0 and 0 <= own_u < nx and 0 <= own_v < ny:
                best_i, best_j = int(own_u), int(own_v)
            if best_i >= 0:
                channel[best_i, best_j] = 1


@njit(cache=True, nogil=True)
def paint(channel, value, m, world, cell_m, tile_ij, tiles):
    """Set `value` where a paint layer covers a cell; `world` = 2 x 2 cells -> world metres, `m` its inverse with origins."""
    nx, ny = channel.shape
    size = tiles.shape[1]
    tile_m = size * cell_m
    row0, row1, column0, column1 = nx, 0, ny, 0
    near = np.zeros(len(tiles), np.bool_)
    for k in range(len(tiles)):
        x, y = tile_ij[k, 0] * tile_m, tile_ij[k, 1] * tile_m
        u0, v0, u1, v1 = _cell_bounds(m, x, y, x + tile_m, y + tile_m)
        r0, r1 = _clamp(floor(u0), nx), _clamp(floor(u1) + 2.0, nx)
        c0, c1 = _clamp(floor(v0), ny), _clamp(floor(v1) + 2.0, ny)
        if r0 < r1 and c0 < c1:
            near[k] = True
            row0, row1, column0, column1 = min(row0, r0), max(row1, r1), min(column0, c0), max(column1, c1)
    if row0 >= row1 or column0 >= column1:
        return
    i0, i1, j0, j1 = 1 << 62, -(1 << 62), 1 << 62, -(1 << 62)
    for k in range(len(tiles)):
        if near[k]:
            i0, i1 = min(i0, tile_ij[k, 0]), max(i1, tile_ij[k, 0])
            j0, j1 = min(j0, tile_ij[k, 1]), max(j1, tile_ij[k, 1])
    table = np.full((i1 - i0 + 1, j1 - j0 + 1), -1, np.int64)
    for k in range(len(tiles)):
        if near[k]:
            table[tile_ij[k, 0] - i0, tile_ij[k, 1] - j0] = k

    covered = np.zeros((nx, ny), np.bool_)
    for i in range(row0, row1):
        for j in range(column0, column1):
            hits = 0
            for quarter in range(4):
                u, v = i - 0.25 + 0.5 * (quarter >> 1) - m[6], j - 0.25 + 0.5 * (quarter & 1) - m[7]
                px = int(floor((world[0] * u + world[1] * v + m[4]) / cell_m))
                py = int(floor((world[2] * u + world[3] * v + m[5]) / cell_m))
                ti, tj = px // size - i0, py // size - j0
                if 0 <= ti < table.shape[0] and 0 <= tj < table.shape[1]:
                    k = table[ti, tj]
                    if k >= 0 and tiles[k, px % size, py % size]:
                        hits += 1
            covered[i, j] = hits >= 2

    rescued = np.zeros((nx, ny), np.bool_)
    for k in range(len(tiles)):
        if not near[k]:
            continue
        for a in range(size):
            for b in range(size):
                if not tiles[k, a, b]:
                    continue
                x, y = (tile_ij[k, 0] * size + a + 0.5) * cell_m, (tile_ij[k, 1] * size + b + 0.5) * cell_m
                u, v = floor(_u(m, x, y) + 0.5), floor(_v(m, x, y) + 0.5)
                if 0 <= u < nx and 0 <= v < ny:
                    i, j = int(u), int(v)
                    if not covered[i, j] and not covered[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].any():
                        rescued[i, j] = True
    for i in range(row0, row1):
        for j in range(column0, column1):
            if covered[i, j] or rescued[i, j]:
                channel[i, j] = value
