"""Polylines in the plane: resampling, offsets, ribbons, and smooth noise along them. Metres, arrays (N, 2)."""

from __future__ import annotations

import numpy as np


def arc_lengths(points_m: np.ndarray) -> np.ndarray:
    """Distance along the line at every point, (N,), starting at 0."""
    steps = np.hypot(*np.diff(points_m, axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


def at_length(points_m: np.ndarray, lengths_m: np.ndarray, s_m: np.ndarray | float) -> np.ndarray:
    """Points (M, 2) at arc lengths `s_m`; beyond an end the line goes on straight."""
    s = np.atleast_1d(np.asarray(s_m, np.float64))
    out = np.stack([np.interp(s, lengths_m, points_m[:, 0]), np.interp(s, lengths_m, points_m[:, 1])], -1)
    before, after = s < 0, s > lengths_m[-1]
    if before.any():
        out[before] = points_m[0] + s[before, None] * unit(points_m[1] - points_m[0])
    if after.any():
        out[after] = points_m[-1] + (s[after, None] - lengths_m[-1]) * unit(points_m[-1] - points_m[-2])
    return out


def heading_at(points_m: np.ndarray, lengths_m: np.ndarray, s_m: np.ndarray | float, reach_m: float = 0.75) -> np.ndarray:
    """Yaw (M,) of the chord from `reach_m` behind to `reach_m` ahead: smooth where the line has corners."""
    s = np.atleast_1d(np.asarray(s_m, np.float64))
    chord = at_length(points_m, lengths_m, s + reach_m) - at_length(points_m, lengths_m, s - reach_m)
    return np.arctan2(chord[:, 1], chord[:, 0])


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.hypot(*vector)), 1e-9)


def normals(points_m: np.ndarray) -> np.ndarray:
    """Unit normals to the left, (N, 2)."""
    tangent = np.gradient(points_m, axis=0)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    return np.stack([-tangent[:, 1], tangent[:, 0]], -1)


def offset(points_m: np.ndarray, left_m: float | np.ndarray) -> np.ndarray:
    """The line moved to its left by `left_m` (scalar or (N,))."""
    return points_m + normals(points_m) * np.broadcast_to(left_m, len(points_m))[:, None]


def ribbon(points_m: np.ndarray, from_m: float | np.ndarray, to_m: float | np.ndarray) -> np.ndarray:
    """Outline (2 N, 2) of the band between two left offsets."""
    n = normals(points_m)
    a = points_m + n * np.broadcast_to(from_m, len(points_m))[:, None]
    b = points_m + n * np.broadcast_to(to_m, len(points_m))[:, None]
    return np.concatenate([a, b[::-1]])


def resample(points_m: np.ndarray, step_m: float) -> np.ndarray:
    lengths = arc_lengths(points_m)
    count = max(int(round(lengths[-1] / step_m)), 1)
    return at_length(points_m, lengths, np.linspace(0, lengths[-1], count + 1))


def smooth_noise(rng: np.random.Generator, count: int, knots_every: int, sigma: float) -> np.ndarray:
    """(count,) noise that bends slowly: random knots, cosine between them."""
    knots = rng.normal(0, sigma, count // knots_every + 3)
    t = np.arange(count) / knots_every
    low = t.astype(int)
    w = 0.5 - 0.5 * np.cos(np.pi * (t - low))
    return knots[low] * (1 - w) + knots[low + 1] * w


def bezier(start: np.ndarray, control_a: np.ndarray, control_b: np.ndarray, end: np.ndarray, count: int = 16) -> np.ndarray:
    t = np.linspace(0, 1, count)[:, None]
    return (1 - t) ** 3 * start + 3 * t * (1 - t) ** 2 * control_a + 3 * t * t * (1 - t) * control_b + t**3 * end


def rectangle(x_m: float, y_m: float, yaw_rad: float, length_m: float, width_m: float) -> np.ndarray:
    """Corners (4, 2), counter-clockwise."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    local = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (length_m / 2, width_m / 2)
    return local @ np.array([[c, s], [-s, c]]) + (x_m, y_m)
