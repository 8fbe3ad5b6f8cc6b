"""The smooth sheet under everything: heights that voxels rounded to 0.4 m, made slopes again.

A slope leaves terraces in voxels, and blurring terraces leaves waves. So the sheet is blurred strongly and pushed back, again and again,
to within half a voxel of what was seen: a plane comes back as a plane.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from engine.views.drawn.ground_masks import nearest

_PASSES = ((9.0, 6), (5.0, 6), (2.5, 4))
"""Width of the blur (cells) and how often."""
_LAST = 2.0


def sheet(seen_m: np.ndarray, decided: np.ndarray, settled: np.ndarray, settled_m: np.ndarray, voxel_m: float) -> np.ndarray:
    """Heights float64 (X, Y) of a crop, of use where `decided`.

    seen_m (X, Y): heights of ground voxels' centres, NaN where none was seen; settled columns keep `settled_m`.
    """
    known = np.isfinite(seen_m) & decided & ~settled
    if not (known | settled).any():
        return np.zeros(seen_m.shape)
    values = np.where(settled, settled_m, seen_m)
    rows, columns = nearest(known | settled)
    values = values[rows, columns]
    median = ndimage.median_filter(values, 5)
    odd = known & (np.abs(values - median) > 0.75 * voxel_m)
    values = np.where(odd, median, values)
    known &= ~odd
    trend = _plane(values, decided)
    values = values - trend
    # Twice rounded (the frame's voxels, then the world's): a little more than half a voxel.
    slack = 0.6 * voxel_m
    low, high = np.where(known, values - slack, -np.inf), np.where(known, values + slack, np.inf)
    weight = decided.astype(np.float64)
    kept = settled_m - trend
    for width, times in _PASSES:
        share = np.maximum(_blurred(weight, width), 1e-6)
        for _ in range(times):
            values = np.clip(_blurred(values * weight, width) / share, low, high)
            values[settled] = kept[settled]
    values = _blurred(values * weight, _LAST) / np.maximum(_blurred(weight, _LAST), 1e-6)
    values[settled] = kept[settled]
    return values + trend


def _blurred(field: np.ndarray, width: float) -> np.ndarray:
    return ndimage.gaussian_filter(field, width, truncate=2.5)


def _plane(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The plane nearest to the values, at every column."""
    i, j = np.indices(values.shape)
    terms = np.stack([np.ones(values.shape), i, j], axis=-1)
    solution = np.linalg.lstsq(terms[where], values[where], rcond=None)[0]
    return terms @ solution
