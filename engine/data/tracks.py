"""An agent or the ego over time: standing, or driving along a route with a speed profile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.data import curves
from engine.spec.classes import DEFAULT_SIZE_M
from engine.spec.grid import RATE_HZ


@dataclass(slots=True, eq=False)
class Track:
    """One instance. Standing where `points` is None."""

    class_name: str
    size_m: tuple[float, float, float]
    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0
    points: np.ndarray | None = None
    s0: float = 0.0
    """Arc length at time 0."""
    speed: float = 0.0
    accel: float = 0.0
    """m/s2 until the speed reaches 0 or `top_speed`."""
    top_speed: float = 20.0
    sway: float = 0.0
    """Lateral offset from the route, metres to the left."""
    instance_id: int = 0

    def poses(self, times_s: np.ndarray) -> np.ndarray:
        """(T, 3): x, y, yaw in the world."""
        if self.points is None:
            return np.broadcast_to(np.array([self.x, self.y, self.yaw]), (len(times_s), 3))
        s = self.s0 + travelled(self.speed, self.accel, self.top_speed, times_s)
        lengths = curves.arc_lengths(self.points)
        s = np.minimum(s, lengths[-1] + 40.0)
        at = curves.at_length(self.points, lengths, s)
        yaw = curves.heading_at(self.points, lengths, s, max(0.3 * self.size_m[0], 0.5))
        return np.stack([at[:, 0] - np.sin(yaw) * self.sway, at[:, 1] + np.cos(yaw) * self.sway, yaw], -1)


def travelled(speed: float, accel: float, top_speed: float, times_s: np.ndarray) -> np.ndarray:
    """Distance after each time (>= 0) with constant acceleration until standing or at top speed."""
    if abs(accel) < 1e-6:
        return speed * times_s
    limit = top_speed if accel > 0 else 0.0
    ends = max((limit - speed) / accel, 0.0)
    t = np.minimum(times_s, ends)
    return speed * t + 0.5 * accel * t * t + np.maximum(times_s - ends, 0) * (limit if ends > 0 else speed)


def size_of(rng: np.random.Generator, class_name: str) -> tuple[float, float, float]:
    """Length, width, height around the class's mean."""
    length, width, height = DEFAULT_SIZE_M[class_name]
    if class_name == "car" and rng.random() < 0.12:  # vans
        return float(rng.uniform(4.7, 5.6)), float(rng.uniform(1.9, 2.15)), float(rng.uniform(2.0, 2.5))
    if class_name == "truck" and rng.random() < 0.45:  # large pick-ups and delivery vans
        return float(rng.uniform(5.2, 6.1)), float(rng.uniform(1.95, 2.3)), float(rng.uniform(1.9, 2.7))
    if class_name == "barrier" and rng.random() < 0.3:  # jersey walls and short fences
        return float(rng.uniform(0.4, 0.6)), float(rng.uniform(1.2, 3.2)), float(rng.uniform(0.8, 1.2))
    spread = {"car": 0.08, "pedestrian": 0.12, "traffic_cone": 0.18, "bus": 0.1, "truck": 0.15, "trailer": 0.12}.get(class_name, 0.1)
    common = 1 + rng.normal(0, spread * 0.6)
    jitter = np.clip(common * (1 + rng.normal(0, spread * 0.5, 3)), 0.7, 1.4)
    return float(length * jitter[0]), float(width * min(jitter[1], 1.15)), float(height * jitter[2])


class Floor:
    """Who is where: refuses tracks that would overlap an accepted one at any frame of the horizon."""

    def __init__(self, horizon_s: float, capacity: int = 512) -> None:
        self.times_s = np.arange(int(np.ceil(horizon_s * RATE_HZ)) + 2) / RATE_HZ
        self._poses = np.zeros((capacity, len(self.times_s), 3), np.float32)
        self._sizes = np.zeros((capacity, 2), np.float32)
        self._moves = np.zeros(capacity, np.bool_)
        self._count = 0
        self.tracks: list[Track] = []

    def add(self, track: Track, margin_m: float = 0.12, hidden: bool = False) -> bool:
        """True where the track found room. `hidden` keeps room without becoming an agent (the ego)."""
        if self._count == len(self._poses):
            return False
        n = self._count
        self._poses[n] = track.poses(self.times_s)
        self._sizes[n] = track.size_m[0] / 2 + margin_m, track.size_m[1] / 2 + margin_m
        self._moves[n] = track.points is not None
        if _collides(self._poses, self._sizes, self._moves, n):
            return False
        self._count += 1
        if not hidden:
            track.instance_id = len(self.tracks) + 1
            self.tracks.append(track)
        return True


@njit(cache=True)
def _collides(poses, sizes, moves, n):
    frames = poses.shape[1]
    radius = np.hypot(sizes[n, 0], sizes[n, 1])
    for other in range(n):
        reach = (radius + np.hypot(sizes[other, 0], sizes[other, 1])) ** 2
        for t in range(frames if moves[n] or moves[other] else 1):
            dx, dy = poses[n, t, 0] - poses[other, t, 0], poses[n, t, 1] - poses[other, t, 1]
            if dx * dx + dy * dy < reach and _overlap(poses[n, t], sizes[n], poses[other, t], sizes[other]):
                return True
    return False


@njit(cache=True)
def _overlap(a, size_a, b, size_b):
    """Separating axes of two rectangles given by pose and half sizes."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    turn = b[2] - a[2]
    cd, sd = abs(np.cos(turn)), abs(np.sin(turn))
    for one in range(2):
        yaw = a[2] if one == 0 else b[2]
        mine, other = (size_a, size_b) if one == 0 else (size_b, size_a)
        c, s = np.cos(yaw), np.sin(yaw)
        if abs(c * dx + s * dy) > mine[0] + cd * other[0] + sd * other[1]:
            return False
        if abs(c * dy - s * dx) > mine[1] + sd * other[0] + cd * other[1]:
            return False
    return True
