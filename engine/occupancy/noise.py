"""World-anchored noise: where the ego returns to a place, it finds the noise that it left there.

Static things then tend to come out alike from frame to frame even before any history is used.
"""

from __future__ import annotations

import numpy as np

from engine.occupancy.dice import cell_normal, world_cells


def world_noise(world_SE3_ego: np.ndarray, cells: tuple[int, int], channels: int, seed: int, corner_m: tuple[float, float]) -> np.ndarray:
    """Standard normal (channels, H, W) float32 for the latent grid of one ego frame.

    Each latent cell takes the value of the world cell that its centre falls in; values come from a counter-based hash of
    (seed, world cell, channel), so they need no state and do not depend on where the drive began.
    """
    return cell_normal(world_cells(world_SE3_ego, cells, corner_m), channels, seed)
