"""Volumes seen from above: which classes a column holds, and which one is lowest or highest in it."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from engine.spec.classes import CHANNEL_TO_CLASSES, FREE


def classes_in_columns(semantics: np.ndarray) -> np.ndarray:
    """uint32 (X, Y) from class ids (X, Y, Z): bit c is set where the column has a voxel of class c."""
    return _classes_in_columns(np.ascontiguousarray(semantics, np.uint8))


def holds(columns: np.ndarray, labels: frozenset[int] | tuple[int, ...]) -> np.ndarray:
    """bool (X, Y): columns of `classes_in_columns` that have any of these classes."""
    return (columns & np.uint32(sum(1 << label for label in labels))) != 0


def shown_channels(semantics: np.ndarray) -> np.ndarray:
    """Bool (15, X, Y): channel c is shown in a column when any voxel of the column has one of its classes."""
    columns = classes_in_columns(semantics)
    return np.stack([holds(columns, labels) for labels in CHANNEL_TO_CLASSES])


def lowest_class(semantics: np.ndarray) -> np.ndarray:
    """uint8 (X, Y): the lowest class of each column that is not free (paper B.4, BEV top-down); free where there is none."""
    first = (semantics != FREE).argmax(2)
    return np.take_along_axis(semantics, first[..., None], 2)[..., 0]


@njit(cache=True, nogil=True)
def top_class(semantics: np.ndarray) -> np.ndarray:
    """uint8 (X, Y) from class ids (X, Y, Z): what one sees from above; free where the column is empty."""
    nx, ny, nz = semantics.shape
    classes = np.full((nx, ny), FREE, np.uint8)
    for x in range(nx):
        for y in range(ny):
            for z in range(nz - 1, -1, -1):
                if semantics[x, y, z] != FREE:
                    classes[x, y] = semantics[x, y, z]
                    break
    return classes


@njit(parallel=True, cache=True)
def _classes_in_columns(semantics: np.ndarray) -> np.ndarray:
    nx, ny, nz = semantics.shape
    out = np.zeros((nx, ny), np.uint32)
    for i in prange(nx):
        for j in range(ny):
            word = np.uint32(0)
            for k in range(nz):
                word |= np.uint32(1) << np.uint32(semantics[i, j, k] & 31)
            out[i, j] = word
    return out
