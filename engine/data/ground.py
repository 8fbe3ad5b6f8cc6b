"""The height of the ground, as a function of the world's x and y."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.spec.geometry import Pose
from engine.spec.grid import GridSpec

HeightFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""World x and y in metres (any shape) -> world z in metres."""

_MOST_SLOPE = 0.03
"""Per wave: the grid reaches 1 m below the ego only, so that steeper hills leave it within sight."""


def ground_columns(height: HeightFunction, grid: GridSpec, world_SE3_ego: np.ndarray) -> np.ndarray:
    """float32 (X, Y): height of the ground in the ego frame over every column's centre."""
    x, y = grid.cell_centers_m()
    r, t = world_SE3_ego[:3, :3], world_SE3_ego[:3, 3]
    wx, wy, wz = (r[k, 0] * x[:, None] + r[k, 1] * y[None] + t[k] for k in range(3))
    return ((height(wx, wy) - wz) * r[2, 2]).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A sum of long waves; flat where there are none."""

    waves: tuple[tuple[float, float, float, float], ...] = ()
    """(amplitude m, wave number along x and y in rad/m, phase rad)."""

    @staticmethod
    def sample(rng: np.random.Generator, hills_m: float) -> Ground:
        """Two waves up to `hills_m` high, none steeper than 3%."""
        waves = []
        for share in (0.7, 0.3):
            wave_number, direction, phase = 2 * np.pi / rng.uniform(90, 220), rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
            amplitude = min(hills_m * share, _MOST_SLOPE / wave_number)
            waves.append((float(amplitude), float(wave_number * np.cos(direction)), float(wave_number * np.sin(direction)), float(phase)))
        return Ground(tuple(waves)) if hills_m > 0 else Ground()

    def height(self, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
        """World z in metres."""
        z = np.zeros(np.broadcast_shapes(np.shape(x_m), np.shape(y_m)))
        for amplitude, kx, ky, phase in self.waves:
            z = z + amplitude * np.sin(kx * x_m + ky * y_m + phase)
        return z

    def poses(self, path: np.ndarray) -> np.ndarray:
        """world_SE3_ego (T, 4, 4) of an ego that stands on the ground at x, y, yaw (T, 3) and leans with it."""
        x, y, yaw = path.T
        c, s, d = np.cos(yaw), np.sin(yaw), 1.5
        z = self.height(x, y)
        pitch = -np.arctan((self.height(x + c * d, y + s * d) - self.height(x - c * d, y - s * d)) / (2 * d))
        roll = np.arctan((self.height(x - s * d, y + c * d) - self.height(x + s * d, y - c * d)) / (2 * d))
        return np.stack([Pose(*(float(v) for v in row)).matrix() for row in zip(x, y, z, yaw, pitch, roll, strict=True)])
