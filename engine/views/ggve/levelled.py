"""Pictures levelled along their overlaps: where two views of a moment show the same point, the later one takes the colour of the earlier one.

Overlapping views share their latents (`carried.py`), but each is drawn by a decoder that also sees what lies beside the overlap. What is
left between them is smooth; it is measured through the geometry and taken away, and fades where the other view ends, so that no seam shows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from engine.render import again
from engine.spec.camera import Camera
from engine.spec.geometry import transform

EVERY = 2
"""Of the pixels each so-manieth, along both axes, is compared."""
SCALES = (24.0, 8.0, 3.0, 1.2)
"""Deviations of the differences' smoothing, in compared pixels: the first reaches beyond the overlap, the last follows a shadow's edge within it."""
FADE = 0.05
"""Of a neighbourhood at this share of known points, half of their difference is taken."""
OUTLINE_PX = 5
"""Pixels along an edge of the neighbourhood in which nothing may end."""
SKY_M = 1e5


class Seen:
    """What one camera sees of a moment, thinned out to the pixels that are compared, (h, w) of them."""

    def __init__(self, camera: Camera, world_SE3_camera: np.ndarray, rays: np.ndarray, distance_m: np.ndarray) -> None:
        """`rays` (3, H, W) in the camera frame, zero where a lens shows nothing; `distance_m` (H, W) along them, 0 in the sky."""
        self.camera, self.world_SE3_camera = camera, world_SE3_camera
        self.far_m = np.where(distance_m > 0, distance_m.astype(np.float32), SKY_M)  # (H, W)
        self.even = _even(self.far_m)                                                # bool (H, W)
        self.at = at = (slice(EVERY // 2, None, EVERY),) * 2
        rays = rays[:, *at].astype(np.float64)                                       # (3, h, w)
        far = self.far_m[at] * np.where((rays != 0).any(0), 1.0, np.nan)             # (h, w)
        self.points_m = transform(world_SE3_camera, (rays * far).reshape(3, -1).T)   # (h w, 3), world


def levelled(picture: np.ndarray, seen: Seen, others: Iterable[tuple[np.ndarray, Seen]]) -> np.ndarray:
    """float32 (H, W, 3), a picture as it lies beside `others` of the same moment that stay as they are; all of any one scale of colour."""
    mine = _smoothed(picture)[seen.at]                                               # (h, w, 3)
    difference, known = np.zeros(mine.shape), np.zeros(mine.shape[:2])
    for other, source in others:
        there, at = seen_again(seen, source)
        if not there.any():
            continue
        theirs = np.stack([ndimage.map_coordinates(channel, at, order=1, mode="nearest") for channel in _smoothed(other).transpose(2, 0, 1)], -1)
        difference[there] += theirs - mine[there]
        known[there] += 1
    if not known.any():
        return picture.astype(np.float32)
    difference /= np.maximum(known, 1)[..., None]
    weight, level = (known > 0).astype(float), np.zeros_like(difference)
    for scale in SCALES:
        near = ndimage.gaussian_filter(weight, scale, mode="constant")[..., None]    # (h, w, 1)
        left = (difference - level) * weight[..., None]                              # (h, w, 3)
        level += ndimage.gaussian_filter(left, (scale, scale, 0), mode="constant") / (near + FADE)
    height, width = picture.shape[:2]
    rows, columns = ((np.arange(size) - EVERY // 2) / EVERY for size in (height, width))
    grid = np.meshgrid(rows, columns, indexing="ij")
    return picture + np.stack([ndimage.map_coordinates(channel, grid, order=1, mode="nearest") for channel in level.transpose(2, 0, 1)], -1).astype(np.float32)


def seen_again(seen: Seen, source: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Which compared pixels of a view another one shows too, bool (h, w), and where, float64 (2, N): rows and columns between its pixels.

    Outlines are left out on both sides: a pixel there shows something of what is behind.
    """
    even = seen.even[seen.at]
    points = np.where(even.reshape(-1, 1), seen.points_m, np.nan)                    # (h w, 3)
    there, at = again.seen_again(points, source.camera, source.world_SE3_camera, source.far_m, source.even)
    return there.reshape(even.shape), at


def _even(far_m: np.ndarray) -> np.ndarray:
    """bool (H, W): pixels around which one smooth surface goes on, or nothing but sky: there the inverse of distance is its own mean."""
    near = 1 / far_m
    return np.abs(ndimage.uniform_filter(near, OUTLINE_PX) - near) < 0.04 * near


def _smoothed(picture: np.ndarray) -> np.ndarray:
    """float32 (H, W, 3): what thinning out does not alias."""
    return ndimage.gaussian_filter(picture.astype(np.float32), (EVERY / 2, EVERY / 2, 0))
