"""Cameras and rigs. Camera frame: x right, y down, z forward; a pixel's centre is at integer + 0.5."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from engine.spec.geometry import Pose


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole, or a Kannala-Brandt fisheye where `fisheye` holds its four coefficients."""

    name: str
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    ego_SE3_camera: Pose = field(default_factory=Pose)
    """Pose of the camera in its mount's frame (ego frame by default)."""
    fisheye: tuple[float, float, float, float] | None = None
    """k1..k4 of theta + k1 theta^3 + k2 theta^5 + k3 theta^7 + k4 theta^9, or None for a pinhole."""

    def intrinsics(self) -> np.ndarray:
        """(3, 3) float64."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    def resized(self, width: int, height: int) -> Camera:
        """The same field of view in another picture size."""
        sx, sy = width / self.width, height / self.height
        return Camera(self.name, width, height, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy, self.ego_SE3_camera, self.fisheye)

    def within(self, pixels: int, multiple: int = 16) -> Camera:
        """This camera, or the same field of view in a picture of about `pixels` with sides divisible by `multiple`."""
        scale = min(1.0, (pixels / (self.width * self.height)) ** 0.5)
        width, height = (max(multiple, multiple * round(side * scale / multiple)) for side in (self.width, self.height))
        return self if (width, height) == (self.width, self.height) else self.resized(width, height)

    def rays(self) -> np.ndarray:
        """Unit directions (height, width, 3) float32 through every pixel centre, in the camera frame.

        A fisheye's table is the inverse of its projection, found by Newton steps; pixels past its reach are NaN.
        """
        u = (np.arange(self.width) + 0.5 - self.cx) / self.fx
        v = (np.arange(self.height) + 0.5 - self.cy) / self.fy
        x, y = np.meshgrid(u, v)
        if self.fisheye is None:
            d = np.stack([x, y, np.ones_like(x)], -1)
            return (d / np.linalg.norm(d, axis=-1, keepdims=True)).astype(np.float32)
        radius = np.hypot(x, y)
        theta = _invert_kannala_brandt(radius, self.fisheye)
        scale = np.divide(np.sin(theta), radius, out=np.ones_like(radius), where=radius > 1e-12)
        return np.stack([x * scale, y * scale, np.cos(theta)], -1).astype(np.float32)

    def project(self, points_camera: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) of points (N, 3) in the camera frame; NaN where a point cannot be seen."""
        x, y, z = points_camera.T.astype(np.float64)
        if self.fisheye is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                uv = np.stack([self.fx * x / z + self.cx, self.fy * y / z + self.cy], -1)
            uv[z <= 0] = np.nan
            return uv
        r = np.hypot(x, y)
        theta = np.arctan2(r, z)
        scale = np.divide(_kannala_brandt(theta, self.fisheye), r, out=np.ones_like(r), where=r > 1e-12)
        scale[theta > _fold(self.fisheye)] = np.nan
        return np.stack([self.fx * x * scale + self.cx, self.fy * y * scale + self.cy], -1)


def _kannala_brandt(theta: np.ndarray, k: tuple[float, float, float, float]) -> np.ndarray:
    t2 = theta * theta
    return theta * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))))


def _fold(k: tuple[float, float, float, float]) -> float:
    """The angle (rad) up to which a pixel's distance from the centre grows: past it the lens model runs backwards, and shows nothing."""
    turning = np.roots([9 * k[3], 7 * k[2], 5 * k[1], 3 * k[0], 1.0])
    angles = np.sqrt(turning[(np.abs(turning.imag) < 1e-9) & (turning.real > 0)].real)
    return float(min(angles.min(initial=math.pi), math.pi))


def _invert_kannala_brandt(radius: np.ndarray, k: tuple[float, float, float, float]) -> np.ndarray:
    theta = np.minimum(radius, np.pi)
    for _ in range(20):
        t2 = theta * theta
        slope = 1 + t2 * (3 * k[0] + t2 * (5 * k[1] + t2 * (7 * k[2] + t2 * 9 * k[3])))
        theta = theta - (_kannala_brandt(theta, k) - radius) / np.where(np.abs(slope) < 1e-9, 1e-9, slope)
    reached = np.abs(_kannala_brandt(theta, k) - radius) < 1e-6
    return np.where(reached & (theta >= 0) & (theta <= _fold(k)), theta, np.nan)


@dataclass(frozen=True, slots=True)
class Rig:
    """Cameras that go together, in the order of the surround chain where it has one."""

    name: str
    cameras: tuple[Camera, ...]

    def __getitem__(self, name: str) -> Camera:
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise KeyError(f"Rig '{self.name}' has no camera '{name}': it has {', '.join(c.name for c in self.cameras)}.")


def surround_cameras(width: int = 448, height: int = 256) -> list[Camera]:
    """Six cameras around the ego, 60 degrees apart, 1.6 m above the ground."""
    forward = np.array([[0, 0, 1.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # the camera frame of one that looks along x
    poses = (Pose(1.0, 0.0, 1.6, math.radians(60 * k)).matrix() @ forward for k in range(6))
    focal = width / 2 / math.tan(math.radians(35))
    lens = (width, height, focal, focal, width / 2, height / 2)
    return [Camera(f"camera_{k}", *lens, Pose.from_matrix(pose)) for k, pose in enumerate(poses)]
