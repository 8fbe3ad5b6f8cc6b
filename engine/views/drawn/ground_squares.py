"""The squares of the ground's mesh as triangles of named corners: next to smaller squares, and cut where the road's edge runs (numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

UNIT = 2
"""Columns of a square of level 1; level n is 2 ** n columns wide."""
LATTICE, CROSS_I, CROSS_J = 0, 1, 3
"""Kinds of corners: on the lattice; on a line along i (below: at the road, + 1: at the walk); on a line along j."""
HALF = 1 << 20


@njit(cache=True, error_model="numpy", inline="always")
def _key(kind, i, j):
    return (((i + HALF) * (2 * HALF)) + (j + HALF)) * 5 + kind


@njit(cache=True, error_model="numpy", inline="always")
def _is(mask, i, j):
    return 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1] and mask[i, j]


@njit(cache=True, error_model="numpy")
def _side(level, cut, road, first, i, j, di, dj, size, ring, count):
    """Append the corners of one side of a square, its first end included: from column (i, j) on, the square on its left."""
    at = 0
    while at < size:
        p, q = i + di * at, j + dj * at
        ring[count] = _key(LATTICE, p, q)
        count += 1
        step = size - at
        # The unit on the other side of this piece.
        ci = p if di > 0 else p - 1 if di < 0 else (p if dj > 0 else p - 1)
        cj = q if dj > 0 else q - 1 if dj < 0 else (q - 1 if di > 0 else q)
        a, b = (ci - first[0]) // UNIT, (cj - first[1]) // UNIT
        if 0 <= a < level.shape[0] and 0 <= b < level.shape[1]:
            step = min(step, 2 ** level[a, b])
        if size == 1:
            # The line itself may be crossed by the road's edge, where a cell beside it is cut.
            li, lj = min(p, p + di), min(q, q + dj)
            crossed = (_is(cut, li, lj) or _is(cut, li, lj - 1)) if di != 0 else (_is(cut, li, lj) or _is(cut, li - 1, lj))
            if crossed and road[p, q] != road[p + di, q + dj]:
                kind = CROSS_I if di != 0 else CROSS_J
                here = 0 if road[p, q] else 1
                ring[count] = _key(kind + here, li, lj)
                ring[count + 1] = _key(kind + 1 - here, li, lj)
                count += 2
        at += step
    return count


@njit(cache=True, error_model="numpy")
def emit(level, cut, road, first, keys, walls):
    """Triangles as keys (N, 3) and kerb faces as keys of their two lower corners (M, 2); where given none, only counts them."""
    total, wall_total = 0, 0
    write = len(keys) > 0
    ring = np.empty(1200, np.int64)
    piece = np.empty(16, np.int64)
    for a in range(level.shape[0]):
        for b in range(level.shape[1]):
            one = level[a, b]
            size = 2**one
            if one >= 1:
                span = size // UNIT
                if a % span or b % span:
                    continue
            for sub in range(4 if one == 0 else 1):
                i, j = first[0] + a * UNIT + sub // 2, first[1] + b * UNIT + sub % 2
                n = _side(level, cut, road, first, i, j, 1, 0, size, ring, 0)
                n = _side(level, cut, road, first, i + size, j, 0, 1, size, ring, n)
                n = _side(level, cut, road, first, i + size, j + size, -1, 0, size, ring, n)
                n = _side(level, cut, road, first, i, j + size, 0, -1, size, ring, n)
                if one == 0 and _is(cut, i, j):
                    total, wall_total = _split(ring, n, piece, keys, walls, total, wall_total, write)
                elif n == 4 or one == 0:
                    for k in range(1, n - 1):
                        if write:
                            keys[total, 0], keys[total, 1], keys[total, 2] = ring[0], ring[k], ring[k + 1]
                        total += 1
                else:
                    middle = _key(LATTICE, i + size // 2, j + size // 2)
                    for k in range(n):
                        if write:
                            keys[total, 0], keys[total, 1], keys[total, 2] = middle, ring[k], ring[(k + 1) % n]
                        total += 1
    return total, wall_total


@njit(cache=True, error_model="numpy")
def _split(ring, n, piece, keys, walls, total, wall_total, write):
    """A square with the road's edge in it: what lies between two crossings is a piece of its own, and a kerb stands between the two."""
    # Rotate so that the ring begins just behind a crossing.
    start = 0
    for k in range(n):
        if ring[k] % 5 != LATTICE and ring[(k + 1) % n] % 5 == LATTICE:
            start = k
            break
    crossings = 0
    for k in range(n):
        if ring[k] % 5 != LATTICE:
            crossings += 1
    # With four crossings (a saddle), corners on the walk are cut off one by one and the road goes through.
    main = 0
    count = 0
    whole = np.empty(16, np.int64)
    for k in range(n):
        key = ring[(start + k) % n]
        piece[count] = key
        count += 1
        ends = key % 5 != LATTICE and count > 1
        if ends:
            on_walk = (piece[0] % 5) in (CROSS_I + 1, CROSS_J + 1)
            if crossings <= 4 or on_walk:
                for m in range(1, count - 1):
                    if write:
                        keys[total, 0], keys[total, 1], keys[total, 2] = piece[0], piece[m], piece[m + 1]
                    total += 1
            else:
                for m in range(count):
                    whole[main + m] = piece[m]
                main += count
            if on_walk:
                if write:
                    walls[wall_total, 0], walls[wall_total, 1] = piece[count - 1] - 1, piece[0] - 1
                wall_total += 1
            count = 0
    for m in range(1, main - 1):
        if write:
            keys[total, 0], keys[total, 1], keys[total, 2] = whole[0], whole[m], whole[m + 1]
        total += 1
    return total, wall_total
