"""A sketch's odds follow the volumes: what comes out too small is drawn more often, and what is right is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import OccupancyFrame, Recipe
from engine.data.worlds import make_world
from engine.occupancy.config import PRESETS
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.sketch import Sketch
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.spec.classes import CLASS, FREE
from engine.spec.clip import SceneClip
from engine.train import odds
from engine.weights import load_model, save_model

TINY = PRESETS["tiny"]
WORLDS = 3
FIRST_SEED = 700_000_000


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> OccupancyGenerator:
    monkeypatch.setattr(odds, "DRAWN", WORLDS)
    monkeypatch.setattr(odds, "PACE", (0.5, 0.5))
    torch.manual_seed(0)
    assert TINY.sketch is not None
    vae, sketch = OccupancyVae(TINY.vae), Sketch(TINY.sketch)
    sketch.codebook.copy_(torch.randn(TINY.sketch.codes, TINY.sketch.latent))
    return OccupancyGenerator(TINY, vae, StOccDit(TINY.dit), torch.device("cpu"), sketch)


def bias_of(generator: OccupancyGenerator) -> torch.Tensor:
    assert generator.sketch is not None
    bias = generator.sketch.leave[1].bias
    assert isinstance(bias, torch.Tensor)
    return bias.detach().clone()


def generates(generator: OccupancyGenerator, monkeypatch: pytest.MonkeyPatch, lacks: int | None) -> None:
    """Makes it generate the worlds as they are, without one class."""
    truths = []
    for number in range(WORLDS):
        world = make_world(FIRST_SEED + number)
        truths.append(next(iter(world.occupancy(world.clip(1)))).semantics)
    asked = iter(range(10_000))

    def frames(clip: SceneClip, recipe: Recipe) -> Iterator[OccupancyFrame]:
        semantics = truths[next(asked) % WORLDS]
        semantics = np.where(semantics == lacks, FREE, semantics).astype(np.uint8)
        yield OccupancyFrame(0, semantics, np.zeros(semantics.shape, np.uint16))

    monkeypatch.setattr(generator, "frames", frames)


def test_what_is_drawn_as_much_as_it_is_there_is_left_alone(generator: OccupancyGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    generates(generator, monkeypatch, lacks=None)
    before = bias_of(generator)
    passes = odds.move_odds(generator, FIRST_SEED, WORLDS, lambda made: None)
    assert len(passes) == 2 and all(value == 1.0 for value in passes[0].values()) and "terrain" in passes[0]
    torch.testing.assert_close(bias_of(generator), before)


def test_codes_of_a_class_that_is_missing_become_likelier(generator: OccupancyGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    generates(generator, monkeypatch, lacks=CLASS["vegetation"])
    before, told = bias_of(generator), []
    passes = odds.move_odds(generator, FIRST_SEED, WORLDS, told.append)
    assert told == passes and passes[0]["vegetation"] == 0.0 and passes[0]["terrain"] == 1.0
    moved = bias_of(generator) - before
    assert moved.max() > 0.5 and moved.min() >= -1e-6, "no class was drawn too large, so nothing becomes rarer"
    assert (moved.abs() < 1e-6).any(), "a code that does not hold the class stays as likely as it was"


def test_its_weights_say_what_was_moved(generator: OccupancyGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TINY.sketch is not None and generator.sketch is not None
    generates(generator, monkeypatch, lacks=CLASS["vegetation"])
    save_model(generator.sketch, tmp_path / "begin", TINY.sketch, {"steps": 7})
    monkeypatch.setattr(odds, "load_generator", lambda preset, device: (generator, {"vae": "abc"}))
    odds.main("tiny", tmp_path / "out", device="cpu", begin=tmp_path / "begin", worlds=WORLDS, first_world=FIRST_SEED - odds.FIRST_SEED)
    card = load_model(Sketch(TINY.sketch), tmp_path / "out" / "sketch", TINY.sketch)
    assert card["steps"] == 7 and card["odds_moved"]["with"] == "abc" and len(card["odds_moved"]["passes"]) == 2
    with pytest.raises(ValueError, match="no odds to move"):
        odds.main("paper", tmp_path / "paper")
