"""The paper's preset from nothing to a take, at a tiny size: both recipes, a stop in the middle, weights of one's own, a rollout that looks two frames back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.commands.parser import main
from editor import edits
from editor.document import Document
from editor.files import project
from engine.occupancy import config
from engine.occupancy.config import SamplerConfig, VaeConfig
from engine.occupancy.panoptic import Panoptic
from engine.occupancy.stoccdit import StOccDit
from engine.presets import PresetError, load_occupancy, offered
from engine.spec.take import Take
from engine.train import occupancy, sequences, vae
from engine.train.loop import Schedule
from engine.weights import WeightsError, load_model, read_card


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset's own switches with less of everything."""
    paper = config.PRESETS["paper"]
    dit = replace(paper.dit, latent=4, blocks=2, width=32, heads=2, layout_width=8)
    codec = VaeConfig(latent=4, width=16, blocks=1, axial_blocks=1, decoder_sees_layout=False)
    monkeypatch.setitem(config.PRESETS, "paper", replace(paper, vae=codec, dit=dit, sampler=SamplerConfig(steps=2, draft_steps=1, guidance=2.0)))
    short = Schedule(steps=2, batch=1, rate=1e-3, warmup=1, ema=None, workers=0, cosine=True)
    monkeypatch.setitem(vae.SCHEDULES, "paper", short)
    monkeypatch.setitem(occupancy.SCHEDULES, "paper", {1: replace(short, ema=0.9, ema_from=1), 2: short})
    for recipe, edge in ((vae, 32), (occupancy, 32)):
        monkeypatch.setitem(recipe.CROP, "paper", edge)
        monkeypatch.setattr(recipe, "_picture", lambda *a: None)
    monkeypatch.setattr(vae, "reconstruction", lambda *a, **k: {})
    monkeypatch.setitem(occupancy.FRAMES, "paper", 3)
    monkeypatch.setitem(occupancy.SEQUENCE_WORLDS, "paper", 1)
    monkeypatch.setattr(sequences, "PER_WORLD", 1)
    monkeypatch.setattr(sequences, "WORLDS_PER_FILE", 1)
    # After two steps it paints agents by the thousand, and to tell them apart is not what is asked here.
    monkeypatch.setattr(Panoptic, "assign", lambda self, semantics, boxes, pose: np.zeros(semantics.shape, np.uint16))


def test_trained_stopped_resumed_generated_from_and_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, scene, takes = tmp_path / "weights", tmp_path / "road.anyscene", [tmp_path / "take", tmp_path / "again"]
    train = ["train", "occupancy", "-o", str(weights), "--preset", "paper", "--device", "cpu"]
    assert main(["train", "vae", *train[2:]]) == 0
    assert main([*train, "--resume", "--phase", "1"]) == 0
    assert main([*train, "--resume"]) == 0, "phase 1 is there and is not learned again"
    card = read_card(weights / "stoccdit")
    assert card["phase1"]["steps"] == card["phase2"]["steps"] == 2 and card["phase1"]["finished"] and card["phase2"]["finished"]
    assert card["sequences"] == {"frames": 3, "agents_in_history": True, "history": 2}
    dit = StOccDit(config.PRESETS["paper"].dit)
    load_model(dit, weights / "stoccdit", dit.config)
    assert dit.remembers and dit.config.frame_embeddings

    build = edits.compose(edits.set_scene(name="road", duration_s=0.5), edits.add_area("drivable_area", [(-60, -6), (60, -6), (60, 6), (-60, 6)]))
    project.save(build(Document()), scene)
    for take in takes:
        asked = ["generate", str(scene), "-o", str(take), "--preset", "paper", "--weights", str(weights), "--until", "occupancy", "--frames", "3"]
        assert main([*asked, "--device", "cpu"]) == 0
    made, again = (list(Take.open(take).semantics) for take in takes)
    assert len(made) == 3
    assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True))

    capsys.readouterr()
    measured = ["evaluate", "--scene", str(scene), "--preset", "paper", "--frames", "1", "--device", "cpu", "--json"]
    assert main([*measured, "--weights", str(weights)]) == 0
    assert json.loads(capsys.readouterr().out)["scene"]["frames"] == 1
    assert main(measured) == 2 and "There are no weights" in capsys.readouterr().err
    assert main(["evaluate", str(takes[0]), "--weights", str(weights)]) == 2 and "leave them out" in capsys.readouterr().err


def test_without_weights_it_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WeightsError, match="There are no weights at .*train them with"):
        load_occupancy("paper", "cpu", tmp_path)
    assert offered() == ("compact", "noise", "fake"), "the page offers what can be used"
    with pytest.raises(PresetError, match="'fake' has no weights"):
        load_occupancy("fake", "cpu", tmp_path)
