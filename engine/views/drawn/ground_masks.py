"""Masks of columns: their patches, and what lies nearest (scipy, with the types that its stubs leave open)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

EIGHT = np.ones((3, 3), bool)
"""A column's neighbourhood with its diagonals."""


def patches(mask: np.ndarray, corners: bool = True) -> tuple[np.ndarray, int]:
    """Number (X, Y) of the patch that each true column belongs to, from 1 on, and how many there are; touching corners may join them."""
    found: Any = ndimage.label(mask, EIGHT if corners else None)
    return found[0], int(found[1])


def nearest(source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column (X, Y) of the nearest true cell of `source`, at every cell."""
    found: Any = ndimage.distance_transform_edt(~source, return_distances=False, return_indices=True)
    return found[0], found[1]


def away(source: np.ndarray) -> np.ndarray:
    """float64 (X, Y): cells to the nearest true one."""
    found: Any = ndimage.distance_transform_edt(~source)
    return found


def grown(mask: np.ndarray, times: int) -> np.ndarray:
    """The mask with so many rings of columns around it."""
    return ndimage.binary_dilation(mask, EIGHT, iterations=times)
