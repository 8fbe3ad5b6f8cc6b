"""Random numbers that belong to a place: what falls at a cell of the world is a function of that cell and the seed, of nothing else.

Not of the ego's grid, of the frame's number, or of which other cells are drawn. Integers only, so they are the same on every CPU.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

import engine.spec  # noqa: F401  (sets numba's threading layer before numba compiles anything)

Dice = Callable[[int, int], Tensor]
"""(first lane, lanes) -> (B, lanes, h, w) float32, uniform in [0, 1): the same whenever the same lanes are asked for."""
CELL_M = 1.6
"""Edge of a latent cell: four voxels."""


def world_cells(world_SE3_ego: np.ndarray, cells: tuple[int, int], corner_m: tuple[float, float]) -> np.ndarray:
    """int64 (H, W, 2): the cell of the world, CELL_M wide, that the centre of each latent cell of an ego's grid falls in."""
    x = corner_m[0] + (np.arange(cells[0]) + 0.5) * CELL_M
    y = corner_m[1] + (np.arange(cells[1]) + 0.5) * CELL_M
    ego = np.stack([*np.meshgrid(x, y, indexing="ij"), np.zeros(cells), np.ones(cells)], -1)
    return np.floor((ego @ world_SE3_ego.T)[..., :2] / CELL_M).astype(np.int64)


def cell_dice(cells: np.ndarray, seed: int) -> Dice:
    """Dice of one frame whose latent cells are these cells of the world, int64 (h, w, 2)."""
    flat = np.ascontiguousarray(cells.reshape(-1, 2), np.int64)

    def roll(first: int, lanes: int) -> Tensor:
        rolled = _uniform(flat, np.uint64(seed % 2**64), first, lanes)               # (lanes, h*w)
        return torch.from_numpy(rolled.reshape(1, lanes, *cells.shape[:2]))

    return roll


def random_dice(seed: int, frames: int, cells: tuple[int, int], device: torch.device) -> Dice:
    """Dice of `frames` frames that lie nowhere: training throws them where it works, others on another kind of device."""

    def roll(first: int, lanes: int) -> Tensor:
        generator = torch.Generator(device).manual_seed((seed * 1_000_003 + first) % 2**63)
        return torch.rand((frames, lanes, *cells), generator=generator, device=device)

    return roll


def cell_normal(cells: np.ndarray, channels: int, seed: int) -> np.ndarray:
    """Standard normal (channels, H, W) float32 of cells of the world, int64 (H, W, 2)."""
    key = _key(cells[..., 0], cells[..., 1], seed)                                   # (H, W)
    uniform = (_lane(key, np.arange(2 * channels)[:, None, None]) >> np.uint64(11)).astype(np.float64) / 2**53
    radius = np.sqrt(-2 * np.log(uniform[:channels] + 1e-300))
    return (radius * np.cos(2 * np.pi * uniform[channels:])).astype(np.float32)


def uniform_slow(cells: np.ndarray, seed: int, first: int, lanes: int) -> np.ndarray:
    """The plain twin of what `cell_dice` rolls: float32 (lanes, n) of cells int64 (n, 2)."""
    key = _key(cells[:, 0], cells[:, 1], seed)
    return ((_lane(key, np.arange(first, first + lanes)[:, None]) >> np.uint64(40)).astype(np.float64) / 2**24).astype(np.float32)


def _key(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        row = _mix(y.astype(np.uint64) + np.uint64(seed % 2**64) * np.uint64(0xD1342543DE82EF95))
        return _mix(x.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ row)


def _lane(key: np.ndarray, lane: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return _mix(key[None] + (lane.astype(np.uint64) + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9))


def _mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


@njit(cache=True, error_model="numpy", inline="always")
def _mix_one(x: np.uint64) -> np.uint64:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(parallel=True, cache=True, error_model="numpy")
def _uniform(cells: np.ndarray, seed: np.uint64, first: int, lanes: int) -> np.ndarray:
    out = np.empty((lanes, len(cells)), np.float32)
    for n in prange(len(cells)):
        row = _mix_one(np.uint64(cells[n, 1]) + seed * np.uint64(0xD1342543DE82EF95))
        key = _mix_one(np.uint64(cells[n, 0]) * np.uint64(0x9E3779B97F4A7C15) ^ row)
        for lane in range(lanes):
            mixed = _mix_one(key + np.uint64(first + lane + 1) * np.uint64(0xBF58476D1CE4E5B9))
            out[lane, n] = np.float32(mixed >> np.uint64(40)) / np.float32(16777216.0)
    return out
