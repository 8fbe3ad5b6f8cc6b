"""How much of one camera's view other cameras see: what decides which views are neighbours. Numpy only."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from engine.spec.camera import Camera
from engine.spec.geometry import invert, transform

DEPTHS_M = (8.0, 20.0, 60.0)
"""Where on each ray a thing may stand: nearer, the mounts' distance would decide, not the views."""
RAYS = (81, 11)
"""Across and down a view."""
SAME_SIDE = 0.5
"""Cosine between two cameras' rays to a point, above which both see the same side of it."""


class Sight:
    """Which sample points of each view (rays x depths) lie in the other views. Poses in the ego frame, occlusion ignored."""

    def __init__(self, cameras: Sequence[Camera], widened: float = 1.0) -> None:
        """`widened` 1.5 asks as if every picture that sees reached half as far again from its centre."""
        views = [_View(camera) for camera in cameras]
        self.seen = np.array([[seer.sees(view, widened) for seer in views] for view in views])
        """bool (N, N, P): point p of view i lies in view j; a view's own points are all seen by it."""
        self._count = np.maximum(self.seen[np.arange(len(views)), np.arange(len(views))].sum(1), 1)
        """Points of each view, (N,): a fisheye's corners hold none."""
        shares = self.seen.sum(-1) / self._count[:, None]
        self._overlap = np.maximum(shares, shares.T)

    def covered(self, view: int, by: Collection[int]) -> float:
        """Share of a view, in [0, 1], that the views `by` see together."""
        return float(self.seen[view, list(by)].any(0).sum() / self._count[view]) if by else 0.0

    def overlap(self, a: int, b: int) -> float:
        """The greater of the two shares: a telephoto overlaps the wide view around it wholly."""
        return float(self._overlap[a, b])

    def shared_anew(self, a: int, b: int, made: Collection[int]) -> float:
        """Share of view `a` that `b` sees and none of `made` does."""
        known = self.seen[a, list(made)].any(0) if made else np.zeros(self.seen.shape[2], bool)
        return float((self.seen[a, b] & ~known).sum() / self._count[a])


class _View:
    """One camera's sample points and the test whether it sees others'."""

    def __init__(self, camera: Camera) -> None:
        self.camera, self.pose = camera, camera.ego_SE3_camera.matrix()
        self.camera_SE3_ego = invert(self.pose)
        rays_camera = camera.resized(*RAYS).rays().reshape(-1, 3).astype(np.float64)
        self.inside = np.tile(np.isfinite(rays_camera).all(-1), len(DEPTHS_M))  # [P]
        self.rays = np.tile(rays_camera @ self.pose[:3, :3].T, (len(DEPTHS_M), 1))  # [P, 3] ego frame
        self.reach_rad = float(np.nanmax(np.arctan2(np.hypot(*rays_camera[:, :2].T), rays_camera[:, 2]), initial=0.0))  # of the outermost ray
        self.points = self.rays * np.repeat(DEPTHS_M, len(rays_camera))[:, None] + self.pose[:3, 3]

    def sees(self, other: _View, widened: float) -> np.ndarray:
        """bool (P,): which sample points of `other` lie in this view, seen from the same side."""
        if other is self:
            return self.inside
        camera = self.camera
        with np.errstate(invalid="ignore", divide="ignore"):
            points = transform(self.camera_SE3_ego, other.points)
            from_centre = camera.project(points) - (camera.cx, camera.cy)  # [P, 2] pixels
            left_top, right_bottom = widened * np.array([[-camera.cx, -camera.cy], [camera.width - camera.cx, camera.height - camera.cy]])
            seen = other.inside & ((from_centre >= left_top) & (from_centre <= right_bottom)).all(-1)
        at = np.flatnonzero(seen)
        if camera.fisheye is not None:  # its polynomial folds back behind its reach
            seen[at] = np.arctan2(np.hypot(*points[at, :2].T), points[at, 2]) <= min(widened * self.reach_rad, np.pi)
        to_point = other.points[at] - self.pose[:3, 3]
        seen[at] &= (to_point * other.rays[at]).sum(-1) >= SAME_SIDE * np.linalg.norm(to_point, axis=-1)
        return seen
