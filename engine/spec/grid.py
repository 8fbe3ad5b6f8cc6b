"""The voxel grid: where cell [x, y, z] lies in the ego frame of its frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE_HZ = 12.0
"""Frame rate of every sequence; frame k is at k / 12 s."""
LATENT_CELLS, TOKEN_CELLS = 4, 8
"""Columns of voxels along the edge of a latent cell, and of a token of 2 x 2 of those."""


@dataclass(frozen=True, slots=True)
class GridSpec:
    """An axis-aligned voxel grid in the ego frame (x forward, y left, z up), indexed [x, y, z]."""

    name: str
    shape: tuple[int, int, int]
    """Cells along x, y, z."""
    voxel_m: float
    """Edge of the cubic voxel."""
    origin_m: tuple[float, float, float]
    """Corner of voxel [0, 0, 0] with the smallest coordinates."""

    @property
    def bev_shape(self) -> tuple[int, int]:
        return self.shape[:2]

    @property
    def upper_m(self) -> tuple[float, float, float]:
        """Corner opposite to `origin_m`."""
        return tuple(o + n * self.voxel_m for o, n in zip(self.origin_m, self.shape, strict=True))  # type: ignore[return-value]

    def cell_centers_m(self) -> tuple[np.ndarray, np.ndarray]:
        """x of every row (X,) and y of every column (Y,), metres in the ego frame."""
        x0, y0, _ = self.origin_m
        nx, ny, _ = self.shape
        return x0 + (np.arange(nx) + 0.5) * self.voxel_m, y0 + (np.arange(ny) + 0.5) * self.voxel_m

    def crop(self, cells_xy: int) -> GridSpec:
        """The central `cells_xy` x `cells_xy` columns of this grid, same heights."""
        nx, ny, nz = self.shape
        if cells_xy > min(nx, ny):
            raise ValueError(f"A crop of {cells_xy} cells does not fit grid '{self.name}' of {nx} x {ny}: ask for less.")
        half = cells_xy * self.voxel_m / 2
        return GridSpec(f"{self.name}-{cells_xy}", (cells_xy, cells_xy, nz), self.voxel_m, (-half, -half, self.origin_m[2]))


GRIDS: dict[str, GridSpec] = {
    "occ3d": GridSpec("occ3d", (200, 200, 16), 0.4, (-40.0, -40.0, -1.0)),
    "nucraft": GridSpec("nucraft", (256, 256, 20), 0.4, (-51.2, -51.2, -2.0)),
}
OCC3D = GRIDS["occ3d"]
