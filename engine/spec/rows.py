"""Numbers of a row -> checked vectors, rotations and SE(3) matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.spec.source import FormatError

FARTHEST_M = 1e7


def vector(row: Mapping[str, Any], key: str, count: int, table: str) -> np.ndarray:
    """`count` finite numbers under a key; FormatError, which names the row, where they are not there."""
    try:
        values = np.asarray(row[key], np.float64).ravel()
    except (KeyError, TypeError, ValueError, OverflowError):
        values = np.zeros(0)
    if len(values) != count or not (np.abs(values) < FARTHEST_M).all():
        raise FormatError(f"{table} '{str(row.get('token', '?'))[:60]}' has no {key} of {count} numbers: mend or remove the row.")
    return values


def quaternion(row: Mapping[str, Any], table: str, key: str = "rotation") -> np.ndarray:
    """(3, 3) of a quaternion, scalar first."""
    q = vector(row, key, 4, table)
    norm = float(np.linalg.norm(q))
    if norm < 1e-6:
        raise FormatError(f"{table} '{str(row.get('token', '?'))[:60]}' has a {key} of length zero: mend or remove the row.")
    w, x, y, z = q / norm
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def se3(row: Mapping[str, Any], table: str, translation: str = "translation", rotation: str = "rotation") -> np.ndarray:
    """(4, 4) of a row's translation and quaternion."""
    pose = np.eye(4)
    pose[:3, :3] = quaternion(row, table, rotation)
    pose[:3, 3] = vector(row, translation, 3, table)
    return pose


def matrix(row: Mapping[str, Any], key: str, table: str) -> np.ndarray:
    """(4, 4) rigid matrix under a key, its rotation made exact again (sources store it in float32)."""
    pose = vector(row, key, 16, table).reshape(4, 4).copy()
    u, s, vt = np.linalg.svd(pose[:3, :3])
    if np.abs(s - 1).max() > 1e-2 or np.linalg.det(u @ vt) < 0:
        raise FormatError(f"{table} '{str(row.get('token', '?'))[:60]}' has a {key} that is no rotation: mend or remove the row.")
    pose[:3, :3] = u @ vt
    pose[3] = (0, 0, 0, 1)
    return pose
