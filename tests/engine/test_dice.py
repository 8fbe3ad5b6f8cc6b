"""Dice that belong to a place."""

from __future__ import annotations

import numpy as np
import torch

from engine.occupancy.dice import cell_dice, random_dice, uniform_slow, world_cells
from engine.spec.geometry import Pose

KNOWN = [14472903, 16746553, 4792488]
"""Of cell (3, -4) under seed 5, in 2^-24."""
CELLS = np.random.default_rng(0).integers(-50_000, 50_000, (12, 10, 2))


def test_dice_equal_their_slow_twin_and_known_numbers() -> None:
    for seed in (0, 7, 2**63 + 5):
        rolled = cell_dice(CELLS, seed)(3, 40)
        assert rolled.shape == (1, 40, 12, 10) and rolled.dtype == torch.float32
        assert np.array_equal(rolled[0].reshape(40, -1).numpy(), uniform_slow(CELLS.reshape(-1, 2), seed, 3, 40))
    one = cell_dice(np.array([[[3, -4]]]), 5)(0, 3).flatten()
    assert (one * 2**24).long().tolist() == KNOWN, "the same on every machine"


def test_dice_are_uniform_and_belong_to_the_cell_the_seed_and_the_lane() -> None:
    rolled = cell_dice(CELLS, 1)(0, 500)
    assert abs(float(rolled.mean()) - 0.5) < 0.005 and abs(float(rolled.var()) - 1 / 12) < 0.002
    assert float(rolled.min()) >= 0 and float(rolled.max()) < 1
    assert torch.equal(cell_dice(CELLS[3:5], 1)(100, 50), rolled[:, 100:150, 3:5]), "neither the grid nor the other lanes matter"
    assert (cell_dice(CELLS, 2)(0, 500) != rolled).float().mean() > 0.99
    flat = rolled[0].flatten(1)
    assert np.abs(np.corrcoef(flat[:20].numpy()) - np.eye(20)).max() < 0.4


def test_an_ego_a_whole_cell_further_on_meets_the_same_cells() -> None:
    here = world_cells(np.eye(4), (10, 10), (-8.0, -8.0))
    there = world_cells(Pose(x_m=1.6 * 2).matrix(), (10, 10), (-8.0, -8.0))
    assert np.array_equal(there[:-2], here[2:])


def test_training_dice_are_the_same_when_asked_again() -> None:
    dice = random_dice(4, 2, (3, 5), torch.device("cpu"))
    assert torch.equal(dice(1, 6), dice(1, 6)) and dice(1, 6).shape == (2, 6, 3, 5)
    assert not torch.equal(dice(1, 6)[0], dice(1, 6)[1]) and not torch.equal(dice(0, 6), dice(1, 6))
