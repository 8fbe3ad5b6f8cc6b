"""Pedestrian crossings as rectangles: each component of crossing columns is one, or is taken apart into several.

Bars lie across the long side, one half metre wide and apart.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from engine.views.drawn.ground_masks import EIGHT, patches

STRIP = 12
"""Numbers in a crossing: centre x y (metres from column [0, 0]'s centre), cos and sin of its long side, half length, half width, epoch,
metres along its long side from the bars' zero to the centre."""
_LEAST = 8
"""Fewer columns are no crossing."""
_THIN = 2.6
"""Narrower (cells) is no crossing."""
_FULL = 0.74
"""A component that fills so much of its smallest rectangle is one."""


def strips(mask: np.ndarray, across: np.ndarray, cell_m: float, epoch: int, before: np.ndarray) -> np.ndarray:
    """float32 (N, STRIP) of a mask (X, Y) of crossing columns.

    across (X, Y): angle (radians) at right angles to the street; it decides where the rectangle is nearly square. A crossing that goes on
    one of `before` (M, STRIP) takes its direction and its bars.
    """
    mask = ndimage.binary_closing(np.pad(mask, 2), EIGHT)[2:-2, 2:-2] | mask
    groups, _ = patches(mask)
    found = []
    for number, box in enumerate(ndimage.find_objects(groups), start=1):
        cells = np.argwhere(groups[box] == number) + (box[0].start, box[1].start)
        if len(cells) >= _LEAST:
            found.extend(_apart(cells.astype(np.float64), 0))
    rows = []
    for center, angle, half in found:
        i, j = np.clip(np.round(center).astype(int), 0, np.array(mask.shape) - 1)
        angle, half = _long_side_first(angle, half, float(across[i, j]))
        rows.append(_row(center, angle, half, cell_m, epoch, before))
    return np.array(rows, np.float32).reshape(-1, STRIP)


def _row(center: np.ndarray, angle: float, half: np.ndarray, cell_m: float, epoch: int, before: np.ndarray) -> np.ndarray:
    row = np.zeros(STRIP, np.float32)
    x, y = center * cell_m
    phase = half[0] * cell_m
    for old in before:
        du, dv = x - old[0], y - old[1]
        turned = (np.arctan2(old[3], old[2]) - angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
        p, q = du * old[2] + dv * old[3], dv * old[2] - du * old[3]
        size = np.hypot(*half) * cell_m
        if abs(turned) < 0.2 and abs(p) < old[4] + size + 0.8 and abs(q) < old[5] + size + 0.8:
            other = abs((np.arctan2(old[3], old[2]) - angle + np.pi / 2) % np.pi - np.pi / 2) > np.pi / 4
            angle, half = float(np.arctan2(old[3], old[2])), half[::-1] if other else half
            phase = old[7] + p
            if abs(half[1] * cell_m - old[5]) < 0.7 and abs(q) < 0.7:
                x, y = old[0] + p * old[2], old[1] + p * old[3]
                half = np.array([half[0], old[5] / cell_m])
            break
    row[:8] = x, y, np.cos(angle), np.sin(angle), half[0] * cell_m, half[1] * cell_m, epoch, phase
    return row


def _long_side_first(angle: float, half: np.ndarray, across: float) -> tuple[float, np.ndarray]:
    """Turn a rectangle so that its first side is the one that people walk along."""
    ratio = half[0] / half[1]
    swap = ratio < 1.0
    if 0.75 < ratio < 1.33:
        swap = abs((angle - across + np.pi / 2) % np.pi - np.pi / 2) > np.pi / 4
    return (angle + np.pi / 2, half[::-1]) if swap else (angle, half)


def _apart(cells: np.ndarray, depth: int) -> list[tuple[np.ndarray, float, np.ndarray]]:
    """Centre, angle and half sides (cells) of the rectangles that cells (N, 2) make up."""
    if len(cells) < _LEAST or depth > 5:
        return []
    angle, area = _least_rectangle(cells)
    way = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = cells @ way.T
    if len(cells) >= _FULL * area:
        low, high = _sides(turned)
        if (high - low).min() < _THIN:
            return []
        return [((low + high) / 2 @ way, angle, (high - low) / 2)]
    # Look for the largest full rectangle in this direction, take it away, and look at what is left.
    start = np.floor(turned.min(axis=0)) - 1
    shape = tuple(int(n) for n in np.ceil(turned.max(axis=0)) - start + 2)
    raster = np.zeros(shape, bool)
    for di in (-0.25, 0.25):
        for dj in (-0.25, 0.25):
            at = np.round((cells + (di, dj)) @ way.T - start).astype(int)
            raster[at[:, 0], at[:, 1]] = True
    raster = ndimage.binary_closing(raster, EIGHT) | raster
    i0, j0, i1, j1 = _grown(raster, *largest_rectangle(raster))
    low, high = start + (i0 - 0.5, j0 - 0.5), start + (i1 + 0.5, j1 + 0.5)
    taken = ((turned > low - 0.6) & (turned < high + 0.6)).all(axis=1)
    result = []
    if (high - low).min() >= _THIN:
        result.append(((low + high) / 2 @ way, angle, (high - low) / 2))
    rest = cells[~taken].astype(int)
    if len(rest) == len(cells) or not len(rest):
        return result
    offset = rest.min(axis=0)
    mask = np.zeros(rest.max(axis=0) - offset + 1, bool)
    mask[tuple((rest - offset).T)] = True
    groups, count = patches(mask)
    for number in range(1, count + 1):
        result.extend(_apart((np.argwhere(groups == number) + offset).astype(np.float64), depth + 1))
    return result


def _least_rectangle(cells: np.ndarray) -> tuple[float, float]:
    """Angle and area of the smallest rectangle around cells (N, 2), each a square of one."""
    corners = np.concatenate([cells + (di, dj) for di in (-0.5, 0.5) for dj in (-0.5, 0.5)])
    try:
        hull = corners[ConvexHull(corners).vertices]
    except QhullError:
        return 0.0, float(len(cells))
    sides = np.roll(hull, -1, axis=0) - hull
    angles = np.unique(np.round(np.arctan2(sides[:, 1], sides[:, 0]) % (np.pi / 2), 4))
    turned_u = hull @ np.stack([np.cos(angles), np.sin(angles)])
    turned_v = hull @ np.stack([-np.sin(angles), np.cos(angles)])
    areas = np.ptp(turned_u, axis=0) * np.ptp(turned_v, axis=0)
    best = int(np.argmin(areas))
    return float(angles[best]), float(areas[best])


def _sides(turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corner of cells (N, 2) in a rectangle's own directions: where most rows and columns of cells end."""
    low, high = np.empty(2), np.empty(2)
    for axis in (0, 1):
        lane = np.round(turned[:, 1 - axis]).astype(int)
        ends = np.array([[turned[lane == one, axis].min(), turned[lane == one, axis].max()] for one in np.unique(lane)])
        share = (0.5, 0.5) if len(ends) > 3 else (0.0, 1.0)
        low[axis], high[axis] = np.quantile(ends[:, 0], share[0]) - 0.5, np.quantile(ends[:, 1], share[1]) + 0.5
    return low, high


@njit(cache=True, error_model="numpy")
def largest_rectangle(raster):
    """First row, first column, last row, last column of a largest full rectangle of a mask."""
    height = np.zeros(raster.shape[1], np.int64)
    best = 0
    result = (0, 0, 0, 0)
    for i in range(raster.shape[0]):
        for j in range(raster.shape[1]):
            height[j] = height[j] + 1 if raster[i, j] else 0
        for j in range(raster.shape[1]):
            least = height[j]
            for k in range(j, raster.shape[1]):
                least = min(least, height[k])
                if least == 0:
                    break
                if least * (k - j + 1) > best:
                    best = least * (k - j + 1)
                    result = (i - least + 1, j, i, k)
    return result


def _grown(raster: np.ndarray, i0: int, j0: int, i1: int, j1: int) -> tuple[int, int, int, int]:
    """The rectangle with every side moved outwards while more than half of the next row is full."""
    while i0 > 0 and raster[i0 - 1, j0 : j1 + 1].mean() > 0.5:
        i0 -= 1
    while i1 + 1 < raster.shape[0] and raster[i1 + 1, j0 : j1 + 1].mean() > 0.5:
        i1 += 1
    while j0 > 0 and raster[i0 : i1 + 1, j0 - 1].mean() > 0.5:
        j0 -= 1
    while j1 + 1 < raster.shape[1] and raster[i0 : i1 + 1, j1 + 1].mean() > 0.5:
        j1 += 1
    return i0, j0, i1, j1
