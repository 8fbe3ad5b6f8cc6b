"""Points of the world asked of a view whose distances are known: whether it shows them, and where."""

from __future__ import annotations

import numpy as np

from engine.spec.camera import Camera
from engine.spec.geometry import invert, transform


def seen_again(
    points_m: np.ndarray, camera: Camera, world_SE3_camera: np.ndarray, distance_m: np.ndarray, usable: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which points (N, 3) of the world a camera shows at a `usable` pixel, bool (N,), and where, float64 (2, M): rows and columns between its pixels.

    `distance_m` (H, W) along the rays says what hides what, `usable` bool (H, W). Points that are not finite are not shown.
    """
    height, width = usable.shape
    finite = np.isfinite(points_m).all(1)
    at_camera = transform(invert(world_SE3_camera), np.where(finite[:, None], points_m, 0.0))        # (N, 3)
    pixels, distance = camera.project(at_camera), np.linalg.norm(at_camera, axis=1)
    with np.errstate(invalid="ignore"):
        within = finite & (pixels > 1).all(1) & (pixels[:, 0] < width - 1) & (pixels[:, 1] < height - 1)
    column, row = (np.where(within, pixels[:, axis] - 0.5, 0) for axis in range(2))
    nearest = np.round(row).astype(int), np.round(column).astype(int)
    there = within & usable[nearest] & (np.abs(distance_m[nearest] - distance) < 0.03 * distance + 0.05)
    return there, np.stack([row[there], column[there]])
