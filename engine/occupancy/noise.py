"""World-anchored noise: where the ego returns to a place, it finds the noise that it left there.

Static things then tend to come out alike from frame to frame even before any history is used.
"""

from __future__ import annotations

import zlib

import numpy as np

CELL_M = 1.6
"""Edge of a latent cell: four voxels."""


def world_noise(world_SE3_ego: np.ndarray, cells: tuple[int, int], channels: int, seed: int, corner_m: tuple[float, float]) -> np.ndarray:
    """Standard normal (channels, H, W) float32 for the latent grid of one ego frame.

    Each latent cell takes the value of the world cell that its centre falls in; values come from a counter-based hash of
    (seed, world cell, channel), so they need no state and do not depend on where the drive began.
    """
    x = corner_m[0] + (np.arange(cells[0]) + 0.5) * CELL_M
    y = corner_m[1] + (np.arange(cells[1]) + 0.5) * CELL_M
    ego = np.stack([*np.meshgrid(x, y, indexing="ij"), np.zeros(cells), np.ones(cells)], -1)
    world = np.floor((ego @ world_SE3_ego.T)[..., :2] / CELL_M).astype(np.int64)
    with np.errstate(over="ignore"):
        key = _mix(
            world[..., 0].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            ^ _mix(world[..., 1].astype(np.uint64) + np.uint64(seed) * np.uint64(0xD1342543DE82EF95))
        )
        lanes = _mix(key[None] + np.arange(1, 2 * channels + 1, dtype=np.uint64)[:, None, None] * np.uint64(0xBF58476D1CE4E5B9))
    uniform = (lanes >> np.uint64(11)).astype(np.float64) / 2**53
    radius = np.sqrt(-2 * np.log(uniform[:channels] + 1e-300))
    return (radius * np.cos(2 * np.pi * uniform[channels:])).astype(np.float32)


def place_seed(world_SE3_ego: np.ndarray) -> int:
    """A seed of the place where an ego stands, to the centimetre: two scenes have other dice, a scene that is edited keeps its own."""
    return zlib.crc32(np.round(100 * world_SE3_ego[:3, 3]).astype("<i8").tobytes())


def _mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
