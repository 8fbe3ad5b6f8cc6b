"""A sketch's odds follow the volumes: what comes out too small is drawn more often, and what is right is left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import Recipe
from engine.data.worlds import make_world
from engine.occupancy.config import PRESETS, TokensConfig
from engine.occupancy.dice import cell_normal, random_dice, world_cells
from engine.occupancy.prior import tokens
from engine.occupancy.prior.sketch import Sketch
from engine.occupancy.prior.tokens import TokenPrior, tokens_of
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.spec.classes import CLASS, FREE
from engine.spec.worlds import ENCODED_SEED
from engine.train import encoded, odds
from engine.weights import load_model, save_model

TINY = PRESETS["tiny"]
assert isinstance(TINY.prior, TokensConfig)
PRIOR = TINY.prior
SKETCH = PRIOR.sketch
WORLDS = 3


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> OccupancyGenerator:
    monkeypatch.setattr(odds, "DRAWN", WORLDS)
    monkeypatch.setattr(odds, "PACE", (0.5, 0.5))
    torch.manual_seed(0)
    vae, sketch = OccupancyVae(TINY.vae), Sketch(SKETCH)
    sketch.codebook.copy_(torch.randn(sketch.codebook.shape))
    return OccupancyGenerator(TINY, vae, StOccDit(TINY.dit), TokenPrior(PRIOR, sketch), torch.device("cpu"))


def bias_of(generator: OccupancyGenerator) -> torch.Tensor:
    bias = tokens_of(generator.prior).sketch.leave[1].bias
    assert isinstance(bias, torch.Tensor)
    return bias.detach().clone()


@pytest.fixture
def frames(generator: OccupancyGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> encoded.Encoded:
    monkeypatch.setattr(encoded, "WORLDS_PER_FILE", 1)
    monkeypatch.setattr(encoded, "SNAPSHOTS", 1)
    encoded.encode_worlds(generator.vae, tmp_path / "out" / "frames", 0, WORLDS, torch.device("cpu"))
    return encoded.read_encoded(tmp_path / "out" / "frames")


def generates(monkeypatch: pytest.MonkeyPatch, frames: encoded.Encoded, lacks: int | None) -> None:
    """Makes it generate the worlds as they are, without one class."""
    truths = {}
    for number in range(WORLDS):
        world = make_world(ENCODED_SEED + number)
        for clip in (world.clip(1), world.snapshots(1)):
            semantics = next(iter(world.occupancy(clip))).semantics
            truths[clip.layouts[0].tobytes()] = np.where(semantics == lacks, FREE, semantics).astype(np.uint8)
    monkeypatch.setattr(odds, "first_frames", lambda g, layouts, noise, seed: torch.stack(
        [torch.from_numpy(truths[layout.numpy().tobytes()]) for layout in layouts]
    ))  # fmt: skip


def test_what_is_drawn_as_much_as_it_is_there_is_left_alone(
    generator: OccupancyGenerator, frames: encoded.Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    generates(monkeypatch, frames, lacks=None)
    monkeypatch.setattr(odds, "SHIFT_PACE", 0.0)
    before = bias_of(generator)
    passes: list[odds.Found] = []
    odds.move_odds(generator, frames, passes)
    assert len(passes) == 2 and passes[0].pop("shift") < 1e-3 and all(value == 1.0 for value in passes[0].values()) and "terrain" in passes[0]
    torch.testing.assert_close(bias_of(generator), before)


def test_codes_of_a_class_that_is_missing_become_likelier(
    generator: OccupancyGenerator, frames: encoded.Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    generates(monkeypatch, frames, lacks=CLASS["vegetation"])
    monkeypatch.setattr(odds, "SHIFT_PACE", 0.0)
    before, told = bias_of(generator), []
    passes: list[odds.Found] = []
    odds.move_odds(generator, frames, passes, told.append)
    assert told == passes and passes[0]["vegetation"] == 0.0 and passes[0]["terrain"] == 1.0
    moved = bias_of(generator) - before
    assert moved.max() > 0.5 and moved.min() >= -1e-6, "no class was drawn too large, so nothing becomes rarer"
    assert (moved.abs() < 1e-6).any(), "a code that does not hold the class stays as likely as it was"


def test_codes_that_lie_where_the_mean_latent_should_be_become_likelier(
    generator: OccupancyGenerator, frames: encoded.Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    generates(monkeypatch, frames, lacks=None)
    sketch, dice = tokens_of(generator.prior).sketch, np.random.default_rng(0)
    # The random VAE's latents lie on a few points, and codes taken from them on fewer: where the mean goes is chance then. So the true
    # latents are a cloud as wide as the codes, and it leans: a step that ignores the lean goes astray by 0.7 of its length.
    lean = np.array([[1.0, 0.0, 0.0, 0.0], [0.7, 0.5, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    shape = np.moveaxis(frames.latents, 1, -1).shape
    around = np.moveaxis(dice.standard_normal(shape) @ lean.T, -1, 1)
    around -= around.mean((0, 2, 3), keepdims=True) - np.array([0.5, 0.0, 0.0, 0.0])[:, None, None]
    true = frames._replace(latents=(frames.latents + around).astype(np.float16))
    sketch.codebook.copy_(torch.from_numpy(dice.standard_normal(sketch.codebook.shape) @ lean.T))
    before = bias_of(generator)
    monkeypatch.setattr(odds, "PACE", (0.02,))
    found: list[odds.Found] = []
    odds.move_odds(generator, true, found)
    assert found[0]["shift"] == pytest.approx(0.5, abs=0.02)
    often = torch.from_numpy(odds._meaning(sketch, true, np.arange(len(true.layouts)), torch.device("cpu"))[1]).float()
    tilted = often * (bias_of(generator) - before).exp()
    moved = (tilted / tilted.sum() - often) @ sketch.codebook
    wanted = torch.tensor([0.5, 0.0, 0.0, 0.0]) * 0.02 * odds.SHIFT_PACE
    assert (moved - wanted).norm() < 0.2 * wanted.norm(), f"the mean of what is drawn goes where the true one is, not by {moved}"


def test_frames_made_together_are_those_made_one_by_one(generator: OccupancyGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_world(ENCODED_SEED).clip(1)
    monkeypatch.setattr(tokens, "cell_dice", lambda cells, seed: random_dice(0, 1, cells.shape[:2], torch.device("cpu")))
    alone = generator.frame(clip, 0, (), Recipe(seed=0))
    cells = world_cells(clip.world_SE3_ego[0], (50, 50), clip.grid.origin_m[:2])
    noise = torch.from_numpy(cell_normal(cells, 4, 0))[None]
    layouts = torch.from_numpy(clip.layouts)
    assert (odds.first_frames(generator, layouts, noise, 0)[0].numpy() == alone).all()
    both = odds.first_frames(generator, layouts.expand(2, -1, -1, -1), noise.expand(2, -1, -1, -1), 0)
    assert both.shape == (2, 200, 200, 16) and (both[0] != both[1]).any(), "each frame has dice of its own"


def test_its_weights_say_what_was_moved(
    generator: OccupancyGenerator, frames: encoded.Encoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generates(monkeypatch, frames, lacks=CLASS["vegetation"])
    save_model(tokens_of(generator.prior).sketch, tmp_path / "begin", SKETCH, {"steps": 7})
    monkeypatch.setattr(odds, "load_generator", lambda preset, device: (generator, {"vae": "abc"}))
    odds.main("tiny", tmp_path / "out", device="cpu", begin=tmp_path / "begin", worlds=WORLDS)
    card = load_model(Sketch(SKETCH), tmp_path / "out" / "sketch", SKETCH)
    assert card["steps"] == 7 and card["odds_moved"]["with"] == "abc" and len(card["odds_moved"]["passes"]) == 2
    with pytest.raises(ValueError, match="no odds to train"):
        odds.main("paper", tmp_path / "paper")


def test_an_interrupted_run_goes_on_after_its_last_pass(
    generator: OccupancyGenerator, frames: encoded.Encoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generates(monkeypatch, frames, lacks=CLASS["vegetation"])
    save_model(tokens_of(generator.prior).sketch, tmp_path / "begin", SKETCH, {})
    monkeypatch.setattr(odds, "load_generator", lambda preset, device: (generator, {"vae": "abc"}))

    def run(name: str, resume: bool = False) -> torch.Tensor:
        if not (tmp_path / name).exists():
            shutil.copytree(tmp_path / "out", tmp_path / name)
        odds.main("tiny", tmp_path / name, device="cpu", begin=tmp_path / "begin", worlds=WORLDS, resume=resume)
        return bias_of(generator)

    whole = run("whole")
    drawn = odds.first_frames
    calls = []

    def breaks(*args: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return drawn(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(odds, "first_frames", breaks)
    with pytest.raises(KeyboardInterrupt):
        run("cut")
    monkeypatch.setattr(odds, "first_frames", drawn)
    torch.testing.assert_close(run("cut", resume=True), whole)
    assert not (tmp_path / "cut" / "odds.pt").exists()
