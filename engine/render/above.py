"""Layouts and voxels seen from above as pictures, the one order of what lies over what."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.spec.classes import CHANNEL, CHANNEL_RGB, FREE

_ORDER = (*(CHANNEL[name] for name in ("drivable_area", "walkway", "ped_crossing", "lane_divider", "road_divider")), *range(10))
"""Areas, lines, agents."""


def layout_cells(layout: np.ndarray, background: tuple[int, int, int]) -> np.ndarray:
    """uint8 (X, Y, 3) of a layout (15, X, Y) in its channels' colours, what lies above over what lies below."""
    cells = np.full((*layout.shape[1:], 3), background, np.uint8)
    for channel in _ORDER:
        cells[layout[channel] > 0] = CHANNEL_RGB[channel]
    return cells


def turned_up(cells: np.ndarray) -> np.ndarray:
    """Cells [x, y, ...] as rows and columns of a picture: forward (+x) is up, left (+y) is left."""
    return np.ascontiguousarray(cells[::-1, ::-1])


@njit(cache=True, nogil=True)
def topmost(semantics: np.ndarray) -> np.ndarray:
    """uint8 (X, Y): the class of the highest voxel of every column of class ids (X, Y, Z) that is not free, 20 (free) where there is none."""
    nx, ny, nz = semantics.shape
    classes = np.full((nx, ny), FREE, np.uint8)
    for x in range(nx):
        for y in range(ny):
            for z in range(nz - 1, -1, -1):
                if semantics[x, y, z] != FREE:
                    classes[x, y] = semantics[x, y, z]
                    break
    return classes
