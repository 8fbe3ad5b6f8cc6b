"""Layouts and voxels seen from above as pictures, the one order of what lies over what."""

from __future__ import annotations

import numpy as np

from engine.spec.classes import CHANNEL, CHANNEL_RGB

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
