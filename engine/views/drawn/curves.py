"""Curves through stairs: outlines of masks and chains of cells as polylines, smoothed so that what was straight comes out straight.

Smoothing is Whittaker's: least squares against the second differences. It keeps straight lines to their very ends and arcs wider than
the cut-off; a limit on how far a node may move keeps small islands from shrinking.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.linalg import solveh_banded


def smoothed(points: np.ndarray, weights: np.ndarray, cutoff_m: float, spacing_m: float) -> np.ndarray:
    """(N, 2) nodes that lie `spacing_m` apart, without waves shorter than about `cutoff_m`; heavy nodes stay where they are."""
    count = len(points)
    if count < 4:
        return points.copy()
    stiffness = (cutoff_m / (2 * np.pi * spacing_m)) ** 4
    bands = np.zeros((3, count))
    bands[2] = weights
    bands[2] += stiffness * np.concatenate([[1, 5], np.full(count - 4, 6.0), [5, 1]]) if count > 4 else stiffness * np.array([1.0, 5, 5, 1])
    bands[1, 1:] = stiffness * np.concatenate([[-2], np.full(count - 3, -4.0), [-2]])
    bands[0, 2:] = stiffness
    return solveh_banded(bands, points * weights[:, None])


def resampled(points: np.ndarray, spacing_m: float) -> np.ndarray:
    """The polyline (N, 2) with nodes about `spacing_m` apart, ends included."""
    lengths = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    count = max(int(round(along[-1] / spacing_m)), 1) + 1
    at = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1])], axis=1)


def softened(points: np.ndarray, closed: bool, cutoff_m: float, limit_m: float, spacing_m: float) -> tuple[np.ndarray, int]:
    """An outline (N, 2) smoothed, no node moved farther than `limit_m`; a closed one ends where it begins.

    An open one is drawn out straight at both ends; the second answer is by how many nodes.
    """
    points = resampled(points, spacing_m)
    if len(points) < 4:
        return points, 0
    pad = min(len(points) - 1, int(2 * cutoff_m / spacing_m)) if closed else int(np.ceil(0.5 * cutoff_m / spacing_m))
    if closed:
        ring = points[:-1]
        padded = np.concatenate([ring[len(ring) - pad :], ring, ring[: pad + 1]])
    else:
        ahead = np.arange(1, pad + 1)[:, None] * spacing_m
        (first, back), (last, on) = _straight_end(points[::-1]), _straight_end(points)
        padded = np.concatenate([(first + ahead * back)[::-1], points, last + ahead * on])
    result = padded
    for cutoff in (cutoff_m, 0.3 * cutoff_m):
        moved = smoothed(result, np.ones(len(padded)), cutoff, spacing_m) - padded
        length = np.maximum(np.hypot(*moved.T), 1e-9)
        result = padded + moved * np.minimum(1.0, limit_m / length)[:, None]
    if closed:
        result = result[pad : len(result) - pad]
        result[-1] = result[0]
        return result, 0
    return result, pad


def _straight_end(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the line through the last nodes (N, 2) ends, and its unit direction."""
    last = points[-9:]
    middle = last.mean(axis=0)
    way = np.linalg.svd(last - middle, full_matrices=False)[2][0]
    way = way if float(way @ (last[-1] - last[0])) >= 0 else -way
    return middle + float((last[-1] - middle) @ way) * way, way


@njit(cache=True, nogil=True, error_model="numpy")
def _step(mask, i, j, into):
    """Segments of marching squares in the cell between four columns: which edge follows on which, the mask on the left."""
    nx, ny = mask.shape
    a, b, c, d = mask[i, j], mask[i + 1, j], mask[i + 1, j + 1], mask[i, j + 1]
    # Edges: south (i, j)-(i+1, j), east, north, west; along x they are numbered first, then along y.
    south, north = i * ny + j, i * ny + j + 1
    west, east = nx * ny + i * ny + j, nx * ny + (i + 1) * ny + j
    code = a * 1 + b * 2 + c * 4 + d * 8
    if code == 1:
        into[south] = west
    elif code == 2:
        into[east] = south
    elif code == 3:
        into[east] = west
    elif code == 4:
        into[north] = east
    elif code == 5:
        into[south] = east
        into[north] = west
    elif code == 6:
        into[north] = south
    elif code == 7:
        into[north] = west
    elif code == 8:
        into[west] = north
    elif code == 9:
        into[south] = north
    elif code == 10:
        into[east] = north
        into[west] = south
    elif code == 11:
        into[east] = north
    elif code == 12:
        into[west] = east
    elif code == 13:
        into[south] = east
    elif code == 14:
        into[west] = south


@njit(cache=True, nogil=True, error_model="numpy")
def trace_outlines(mask):
    """Outlines of a uint8 mask (X, Y) of 0 and 1: points (N, 2) in cells, where each begins (M + 1,), and which are closed (M,)."""
    nx, ny = mask.shape
    into = np.full(2 * nx * ny, -1, np.int64)
    for i in range(nx - 1):
        for j in range(ny - 1):
            _step(mask, i, j, into)
    has_before = np.zeros(2 * nx * ny, np.bool_)
    total = 0
    for e in range(2 * nx * ny):
        if into[e] >= 0:
            has_before[into[e]] = True
            total += 2
    points = np.zeros((total + 1, 2))
    starts = [0]
    closed = [False]
    count = 0
    for turn in range(2):
        for first in range(2 * nx * ny):
            if into[first] < 0 or (turn == 0 and has_before[first]):
                continue
            e = first
            while e >= 0:
                k = e % (nx * ny)
                i, j = k // ny, k % ny
                points[count, 0] = i + (0.5 if e < nx * ny else 0.0)
                points[count, 1] = j + (0.0 if e < nx * ny else 0.5)
                count += 1
                following = into[e]
                into[e] = -1
                e = following
            starts.append(count)
            closed.append(turn == 1)
    return points[:count], np.array(starts), np.array(closed[1:])


@njit(cache=True, nogil=True, error_model="numpy")
def write_distance(points, reach, distance, heading):
    """Lower |distance| (X, Y) around one polyline (N, 2), all in cells; positive on its left. `heading` (X, Y): the nearest piece's, radians."""
    nx, ny = distance.shape
    for n in range(len(points) - 1):
        ax, ay = points[n, 0], points[n, 1]
        bx, by = points[n + 1, 0], points[n + 1, 1]
        ux, uy = bx - ax, by - ay
        squared = ux * ux + uy * uy
        if squared < 1e-12:
            continue
        for i in range(max(0, int(min(ax, bx) - reach)), min(nx, int(max(ax, bx) + reach) + 2)):
            for j in range(max(0, int(min(ay, by) - reach)), min(ny, int(max(ay, by) + reach) + 2)):
                px, py = i - ax, j - ay
                t = min(1.0, max(0.0, (px * ux + py * uy) / squared))
                d = np.hypot(px - t * ux, py - t * uy)
                # Nodes belong to both neighbours: the later segment wins only where it is truly nearer.
                if d < abs(distance[i, j]) - 1e-9 and d <= reach:
                    distance[i, j] = d if ux * py - uy * px >= 0 else -d
                    heading[i, j] = np.arctan2(uy, ux)
