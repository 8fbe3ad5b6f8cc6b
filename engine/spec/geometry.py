"""Poses and boxes. Right-handed, metres and radians; `a_SE3_b` maps coordinates of frame b into frame a."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


def rotation(yaw_rad: float, pitch_rad: float = 0.0, roll_rad: float = 0.0) -> np.ndarray:
    """Rotation matrix (3, 3) of roll about x, then pitch about y, then yaw about z."""
    cy, sy = np.cos(yaw_rad), np.sin(yaw_rad)
    cp, sp = np.cos(pitch_rad), np.sin(pitch_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def wrap_angle(angle_rad: float) -> float:
    """The same angle in [-pi, pi)."""
    return float((angle_rad + np.pi) % (2 * np.pi) - np.pi)


@dataclass(frozen=True, slots=True)
class Pose:
    """A rigid pose: position in metres, yaw-pitch-roll (z, y, x) in radians."""

    x_m: float = 0.0
    y_m: float = 0.0
    z_m: float = 0.0
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    roll_rad: float = 0.0

    def matrix(self) -> np.ndarray:
        """parent_SE3_self, (4, 4) float64."""
        pose = np.eye(4)
        pose[:3, :3] = rotation(self.yaw_rad, self.pitch_rad, self.roll_rad)
        pose[:3, 3] = self.x_m, self.y_m, self.z_m
        return pose

    @staticmethod
    def from_matrix(pose: np.ndarray) -> Pose:
        """Inverse of `matrix`. Raises ValueError where the matrix is not finite."""
        if pose.shape != (4, 4) or not np.isfinite(pose).all():
            raise ValueError(
                f"A pose must be a finite 4 x 4 matrix, this one is {pose.shape} with {int((~np.isfinite(pose)).sum())} values that are not numbers."
            )
        r = pose[:3, :3]
        yaw = np.arctan2(r[1, 0], r[0, 0])
        pitch = np.arctan2(-r[2, 0], np.hypot(r[2, 1], r[2, 2]))
        roll = np.arctan2(r[2, 1], r[2, 2])
        return Pose(*(float(v) for v in (*pose[:3, 3], yaw, pitch, roll)))


def interpolate(a: Pose, b: Pose, weight: float) -> Pose:
    """Linear in position, shortest arc in every angle; weight 0 gives a, 1 gives b."""

    def arc(start: float, end: float) -> float:
        return wrap_angle(start + weight * wrap_angle(end - start))

    return Pose(
        a.x_m + weight * (b.x_m - a.x_m),
        a.y_m + weight * (b.y_m - a.y_m),
        a.z_m + weight * (b.z_m - a.z_m),
        arc(a.yaw_rad, b.yaw_rad),
        arc(a.pitch_rad, b.pitch_rad),
        arc(a.roll_rad, b.roll_rad),
    )


def invert(pose: np.ndarray) -> np.ndarray:
    """b_SE3_a from a_SE3_b, (..., 4, 4)."""
    inverse = np.zeros_like(pose)
    r_t = np.swapaxes(pose[..., :3, :3], -1, -2)
    inverse[..., :3, :3] = r_t
    inverse[..., :3, 3] = -np.einsum("...ij,...j->...i", r_t, pose[..., :3, 3])
    inverse[..., 3, 3] = 1.0
    return inverse


def transform(a_SE3_b: np.ndarray, points_b: np.ndarray) -> np.ndarray:
    """Points (N, 3) of frame b in frame a."""
    return points_b @ a_SE3_b[:3, :3].T + a_SE3_b[:3, 3]


@dataclass(frozen=True, slots=True)
class Box:
    """An agent at one moment, in the frame that its holder names (world in a Layout, ego in a SceneClip)."""

    instance_id: int
    """Positive; follows the agent through every frame. 0 is 'no instance'."""
    class_name: str
    center_m: tuple[float, float, float]
    """Centre of the cuboid, so its bottom is at z - height / 2."""
    size_m: tuple[float, float, float]
    """Length (along its x), width, height."""
    yaw_rad: float

    def corners_bev_m(self) -> np.ndarray:
        """Footprint (4, 2): front left, front right, rear right, rear left."""
        length, width, _ = self.size_m
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        local = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * (length / 2, width / 2)
        return local @ np.array([[c, s], [-s, c]]) + self.center_m[:2]

    def moved(self, a_SE3_b: np.ndarray) -> Box:
        """This box of frame b, expressed in frame a (tilt of the frames is applied to its centre and heading)."""
        center = a_SE3_b[:3, :3] @ self.center_m + a_SE3_b[:3, 3]
        heading = a_SE3_b[:3, :3] @ (np.cos(self.yaw_rad), np.sin(self.yaw_rad), 0.0)
        return replace(self, center_m=tuple(float(v) for v in center), yaw_rad=float(np.arctan2(heading[1], heading[0])))
