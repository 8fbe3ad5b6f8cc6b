"""The ablations learn from the same crops for as many steps, and end in one table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import Recipe
from engine.data.worlds import make_world
from engine.occupancy.config import PRESETS
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.spec.clip import SceneClip
from engine.spec.worlds import HELD_OUT_SEED
from engine.train import ablations
from engine.train.encoded import unpack_layout
from engine.train.frame_files import read_files
from engine.train.loop import Schedule
from engine.train.occupancy import ABLATIONS, FlowLoss, ablated
from engine.weights import WeightsError, load_model, save_model

BLIND = replace(PRESETS["tiny"].vae, decoder_sees_layout=False)
CPU = torch.device("cpu")


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ablations, "WORLDS_PER_FILE", 1)
    monkeypatch.setattr(ablations, "JUDGED_WORLDS", 1)
    monkeypatch.setattr(ablations, "JUDGED_FRAMES", 2)
    monkeypatch.setattr(ablations, "JUDGED_STEPS", 1)
    monkeypatch.setitem(ablations.CROP, "tiny", 32)
    for name in ("PHASE_1", "PHASE_2"):
        monkeypatch.setattr(ablations, name, Schedule(steps=2, batch=2, rate=1e-2, warmup=1, workers=0, ema=0.5))
    torch.manual_seed(0)
    save_model(OccupancyVae(BLIND), tmp_path / "vae", BLIND, {})
    return tmp_path


def clips(out: Path) -> ablations.ClipBatches:
    vae = OccupancyVae(BLIND).eval()
    ablations.encode_clips(vae, out / "frames", 0, 1, CPU)
    return ablations.ClipBatches(*read_files(out / "frames", ("layouts", "latents", "past")), batch=3, crop=8, history=True)


def test_four_models_end_in_one_table_and_a_second_run_learns_only_what_is_lacking(out: Path) -> None:
    table = ablations.main("tiny", out, device="cpu", worlds=1)
    assert list(table) == list(ABLATIONS) and json.loads((out / "ablations.json").read_text()).keys() == table.keys()
    for name, facts in table.items():
        assert facts["phase1"]["steps"] == facts["phase2"]["steps"] == 2 and facts["bev_versus_layout"]["frames"] == 2
        numbers = ablated(PRESETS["tiny"], name).dit
        load_model(StOccDit(numbers), out / name / "stoccdit", numbers)
    assert table["half_depth"]["parameters"] < table["full"]["parameters"] == table["no_teacher_forcing"]["parameters"]
    assert not (out / "no_teacher_forcing" / "phase1").exists(), "its first phase is that of the full model"
    shutil.rmtree(out / "half_depth")
    again = ablations.main("tiny", out, device="cpu", worlds=1, resume=True)
    assert [table[name]["versus_truth"] for name in ABLATIONS] == [again[name]["versus_truth"] for name in ABLATIONS]


def test_without_a_blind_vae_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"train vae --ablation no_layout -o .* first"):
        ablations.main("tiny", tmp_path, device="cpu")


def test_crops_of_layout_and_latents_are_of_one_place(out: Path) -> None:
    batches = clips(out)
    batch = batches(5)
    assert batch["latents"].shape == batch["past_latents"].shape == (3, 4, 8, 8) and batch["layouts"].shape == (3, 15, 32, 32)
    whole, rows = range(50 - 8 + 1), zip(batch["layouts"].numpy(), batch["latents"].numpy(), batch["past_latents"].numpy(), strict=True)

    def lies_at(index: int, x: int, y: int, layout: np.ndarray, latents: np.ndarray, past: np.ndarray) -> bool:
        window = np.s_[:, x : x + 8, y : y + 8]
        painted = unpack_layout(batches.layouts[index], (200, 200))[:, 4 * x : 4 * x + 32, 4 * y : 4 * y + 32]
        same = np.allclose(batches.latents[index][window], latents) and np.allclose(batches.past[index][window], past)
        return same and np.array_equal(painted, layout)

    # Where nothing stands one place looks like another, so a crop may lie in several; all three are of one.
    for row in rows:
        corners = [np.argwhere(np.isclose(frame[0], row[1][0, 0, 0])).tolist() for frame in batches.latents]
        assert any(lies_at(k, x, y, *row) for k, each in enumerate(corners) for x, y in each if x in whole and y in whole)
    assert all(torch.equal(a, b) for a, b in zip(batches(5).values(), batch.values(), strict=True))


def test_encoded_latents_teach_what_the_frames_they_are_of_do(out: Path) -> None:
    """The same crop, once as class ids and once encoded before, has the same loss."""
    vae, model = OccupancyVae(BLIND).eval(), StOccDit(ablated(PRESETS["tiny"], "full").dit)
    semantics = torch.randint(0, 21, (2, 32, 32, 16), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    layouts, past = torch.zeros(2, 15, 32, 32, dtype=torch.uint8), semantics.flip(0)
    loss = FlowLoss(vae)
    with torch.no_grad():
        plain = loss(model, {"semantics": semantics, "layouts": layouts, "past": past}, torch.Generator().manual_seed(2))
        encoded = {"latents": vae.latents(semantics), "layouts": layouts, "past_latents": vae.latents(past)}
        assert loss(model, encoded, torch.Generator().manual_seed(2))["total"] == pytest.approx(float(plain["total"]))


def test_a_model_that_makes_the_world_itself_is_judged_faultless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablations, "JUDGED_WORLDS", 1)
    monkeypatch.setattr(ablations, "JUDGED_FRAMES", 2)

    class Knows:
        preset = PRESETS["tiny"]

        def frame(self, clip: SceneClip, index: int, past: Sequence[np.ndarray], recipe: Recipe) -> np.ndarray:
            assert len(past) == index
            return [frame.semantics for frame in make_world(HELD_OUT_SEED).occupancy(clip)][index]

    judged = ablations.judge(Knows())  # type: ignore[arg-type]
    assert judged["versus_truth"]["miou"] == judged["versus_truth"]["iou"] == 100 and judged["bev_versus_layout"]["miou"] > 95
