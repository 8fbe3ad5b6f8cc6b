"""Batches from data: the contract of procedural batches, the share that was asked for, and nothing that does not fit."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.data.datasets import open_datasets
from engine.data.frames import DataError
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.geometry import Pose
from engine.spec.grid import GRIDS, OCC3D
from engine.train import sources
from engine.train.batches import OccupancyBatches

PROCEDURAL = OccupancyBatches(seed=3, batch=5, crop=32)
MARK = CLASS["other_flat"]
"""Fills the data's volumes from edge to edge, which no procedural world does: so rows from data are known."""


@pytest.fixture(scope="module")
def occ3d(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two frames without poses; the second has terrain on top, and both a car in a corner."""
    folder = tmp_path_factory.mktemp("occ3d")
    for k in range(2):
        labels = np.full(OCC3D.shape, 17, np.uint8)
        labels[:, :, 0] = MARK
        labels[:, :, 15] = (17, CLASS["terrain"])[k]
        labels[:100, :100, 5] = CLASS["car"]
        (folder / f"gts/scene/{k}").mkdir(parents=True)
        np.savez_compressed(folder / f"gts/scene/{k}/labels.npz", semantics=labels)
    return f"occ3d:{folder}"


@pytest.fixture(scope="module")
def nucraft(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two frames with poses; class = z index, so that heights can be read off."""
    folder = tmp_path_factory.mktemp("nucraft")
    volume = np.empty(GRIDS["nucraft"].shape, np.uint8)
    volume[:] = np.arange(20)
    for k in range(2):
        np.savez_compressed(folder / f"{k}.npz", semantics=volume)
    np.save(folder / "poses.npy", np.stack([Pose(0.8 * k, 0, 0, 0).matrix() for k in range(2)]))
    return f"nucraft:{folder}"


def from_data(batch: dict[str, torch.Tensor]) -> list[bool]:
    return [bool((row[:, :, 0] == MARK).all()) for row in batch["semantics"]]


def test_without_data_nothing_changes() -> None:
    assert sources.pick(None, PROCEDURAL) is PROCEDURAL
    assert sources.describe(PROCEDURAL) == "engine.data procedural worlds"


def test_a_batch_has_the_contract_of_procedural_ones_and_depends_on_seed_and_step_only(occ3d: str) -> None:
    batches = sources.pick(occ3d, PROCEDURAL, 1.0)
    first = batches(4)
    plain = PROCEDURAL(4)
    assert {name: (t.shape, t.dtype) for name, t in first.items()} == {name: (t.shape, t.dtype) for name, t in plain.items()}
    again = pickle.loads(pickle.dumps(batches))(4)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(from_data(first)) and not any(from_data(plain))
    others = [batches(step) for step in (5, 6)] + [sources.pick(occ3d, replace(PROCEDURAL, seed=4), 1.0)(4)]
    assert all(not torch.equal(first["semantics"], other["semantics"]) for other in others)
    drawn = torch.cat([batches(step)["semantics"] for step in range(12)])
    assert (drawn[:, 0, 0, 15] == FREE).any() and (drawn[:, 0, 0, 15] == CLASS["terrain"]).any(), "both frames are drawn"
    cars = (drawn == CLASS["car"]).flatten(1).any(1)
    assert cars.any() and not cars.all(), "crops lie anywhere"
    layouts = torch.cat([batches(step)["layouts"] for step in range(12)])
    assert torch.equal(layouts[:, CHANNEL["car"]] > 0, (drawn == CLASS["car"]).any(3)), "layout and volume are cut alike"


def test_the_share_is_exact_over_the_steps_and_the_rest_is_procedural(occ3d: str) -> None:
    batches = sources.pick(occ3d, PROCEDURAL, 0.3)
    rows = [from_data(batches(step)) for step in range(4)]
    assert [sum(row) for row in rows] == [1, 2, 1, 2] and all(len(row) == 5 for row in rows)
    made, plain = batches(1), replace(PROCEDURAL, batch=3)(1)
    assert torch.equal(made["semantics"][2:], plain["semantics"]) and torch.equal(made["layouts"][2:], plain["layouts"])
    assert "30%" in sources.describe(batches) and f"{occ3d} (2 frames)" in sources.describe(batches)
    assert sum(sum(from_data(sources.pick(occ3d, PROCEDURAL)(step))) for step in range(2)) == round(10 * sources.DATA_SHARE)


def test_history_comes_from_data_with_poses_and_else_from_procedural_worlds(occ3d: str, nucraft: str) -> None:
    past = replace(PROCEDURAL, batch=2, history=True, history_every=2)
    both = sources.pick(f"{occ3d},{nucraft}", past, 1.0)
    with_past, without = both(2), both(3)
    assert "past" in with_past and "past" not in without
    assert with_past["past"].shape == (2, 32, 32, 16)
    # Only nuCraft has poses: its classes are its heights, and its past is the same without agents.
    expected = torch.arange(2, 18, dtype=torch.uint8)
    assert torch.equal(with_past["semantics"], expected.expand(2, 32, 32, 16))
    column = torch.where(expected <= 10, FREE, expected).to(torch.uint8)
    inside = (with_past["past"] == column).all(3)
    assert inside.float().mean() > 0.9, "all but the strip that has just come into view"

    alone = sources.pick(occ3d, past, 1.0)
    assert torch.equal(alone(2)["past"], past(2)["past"]) and not any(from_data(alone(2))) and all(from_data(alone(3)))
    assert "no poses" in sources.describe(alone) and "no poses" not in sources.describe(both)


def test_heights_are_the_models(nucraft: str) -> None:
    """nuCraft starts at -2 m and the model at -1 m: two voxels and a half further up, of which the lower is taken."""
    volume = sources.pick(nucraft, replace(PROCEDURAL, batch=1), 1.0)(0)["semantics"]
    assert volume.shape == (1, 32, 32, 16) and volume[0, 0, 0].tolist() == list(range(2, 18))


@pytest.mark.parametrize(
    ("procedural", "share", "words"),
    [
        (PROCEDURAL, 0.0, "above 0 and at most 1"),
        (PROCEDURAL, 1.5, "above 0 and at most 1"),
        (replace(PROCEDURAL, crop=36), 0.5, "multiple of 8"),
        (replace(PROCEDURAL, crop=208), 0.5, "crops of 208"),
        (replace(PROCEDURAL, grid=replace(OCC3D, voxel_m=0.2)), 0.5, "voxels of 0.4 m, the model has 0.2 m"),
        (replace(PROCEDURAL, grid=GRIDS["nucraft"]), 0.5, "heights of -1 to 5.4 m, the model of -2 to 6 m"),
    ],
)
def test_what_does_not_fit_is_one_sentence(occ3d: str, procedural: OccupancyBatches, share: float, words: str) -> None:
    assert len(open_datasets(occ3d)[0]) == 2
    with pytest.raises(DataError, match=words):
        sources.pick(occ3d, procedural, share)
