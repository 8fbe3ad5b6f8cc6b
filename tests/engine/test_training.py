"""Training is resumable to the step, and each recipe ends with weights that load."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.data.worlds import make_world
from engine.occupancy.cells import agent_cells, near_agents, painted_cells
from engine.occupancy.config import PRESETS, NoiseConfig, TokensConfig
from engine.occupancy.prior.noise import NoisePrior
from engine.occupancy.prior.sketch import Sketch, places_in
from engine.occupancy.prior.tokens import TokenPrior
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.stoccdit import HistoryState, StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.spec.worlds import ENCODED_SEED, GENERATED_SEED, HELD_OUT_SEED
from engine.train import cores, encoded, generated, stamps
from engine.train import occupancy as occupancy_recipe
from engine.train import sketch as sketch_recipe
from engine.train import vae as vae_recipe
from engine.train.batches import OccupancyBatches
from engine.train.loop import Schedule, train
from engine.weights import load_model, save_model

CPU = torch.device("cpu")
SCHEDULE = Schedule(steps=4, batch=2, rate=1e-3, warmup=2, ema=0.9, workers=0, checkpoint_every_s=0.0)
BATCHES = OccupancyBatches(seed=0, batch=2, crop=32)


def run(out: Path, schedule: Schedule, resume: bool) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = OccupancyVae(PRESETS["tiny"].vae)
    train(model, vae_recipe.vae_loss, BATCHES, schedule, out, device=CPU, resume=resume)
    return model.state_dict()


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", SCHEDULE, resume=False)

    class Enough(Exception):
        pass

    def stops_after_two(step: int) -> dict[str, torch.Tensor]:
        if step == 2:
            raise Enough
        return dict(BATCHES(step))

    torch.manual_seed(0)
    with pytest.raises(Enough):
        train(OccupancyVae(PRESETS["tiny"].vae), vae_recipe.vae_loss, stops_after_two, SCHEDULE, tmp_path / "cut", device=CPU, resume=False)
    resumed = run(tmp_path / "cut", SCHEDULE, resume=True)
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    schedule = replace(SCHEDULE, steps=100, warmup=10)
    assert schedule.factor(0) == 0.1 and schedule.factor(50) == 1 and schedule.factor(90) == 0.5 and schedule.factor(100) == 0


def test_batches_depend_on_the_step_only_and_never_reach_held_out_worlds() -> None:
    history = replace(BATCHES, history=True)
    first, again = history(7), history(7)
    assert first["semantics"].shape == (2, 32, 32, 16) and first["past"].shape == (2, 32, 32, 16) and first["layouts"].shape == (2, 15, 32, 32)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["layouts"], history(8)["layouts"])
    assert (BATCHES.seed * 7919 + 10**6) * 64 + 64 < HELD_OUT_SEED


def test_recipes_write_weights_that_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vae_recipe.SCHEDULES, "tiny", replace(vae_recipe.SCHEDULES["tiny"], steps=2, batch=1, workers=0, warmup=1))
    monkeypatch.setitem(vae_recipe.CROP, "tiny", 32)
    monkeypatch.setattr(vae_recipe, "reconstruction", lambda *a, **k: {"miou": 0.0})
    monkeypatch.setattr(vae_recipe, "_picture", lambda *a: None)
    vae_recipe.main("tiny", tmp_path, device="cpu")
    assert load_model(OccupancyVae(PRESETS["tiny"].vae), tmp_path / "vae", PRESETS["tiny"].vae)["steps"] == 2

    short = {number: replace(schedule, steps=2, batch=2, workers=0, warmup=1) for number, schedule in occupancy_recipe.SCHEDULES["tiny"].items()}
    monkeypatch.setitem(occupancy_recipe.SCHEDULES, "tiny", short | {3: replace(short[2], seed=3)})
    monkeypatch.setitem(occupancy_recipe.CROP, "tiny", 32)
    monkeypatch.setattr(occupancy_recipe, "_picture", lambda *a: None)
    occupancy_recipe.main("tiny", tmp_path, device="cpu")
    dit = StOccDit(PRESETS["tiny"].dit)
    card = load_model(dit, tmp_path / "stoccdit", PRESETS["tiny"].dit)
    assert card["phase1"]["finished"] and card["phase2"]["finished"] and card["phase3"]["finished"]
    assert card["vae_sha256"] == json.loads((tmp_path / "vae.card.json").read_text())["sha256"]
    assert dit.remembers, "phase 2 must have opened the temporal branch"


def test_a_decoder_learns_alone_and_another_latent_begins_from_the_same_widths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vae_recipe.SCHEDULES, "tiny", Schedule(steps=2, batch=1, rate=1e-2, warmup=1, workers=0, ema=None))
    monkeypatch.setitem(vae_recipe.CROP, "tiny", 32)
    monkeypatch.setattr(vae_recipe, "reconstruction", lambda *a, **k: {"miou": 0.0})
    monkeypatch.setattr(vae_recipe, "_picture", lambda *a: None)
    config = PRESETS["tiny"].vae
    before, after, wider = OccupancyVae(config), OccupancyVae(config), OccupancyVae(replace(config, latent=6))
    save_model(before, tmp_path / "begin", config, {})
    vae_recipe.main("tiny", tmp_path / "a", device="cpu", begin=tmp_path / "begin", decoder_only=True)
    load_model(after, tmp_path / "a" / "vae", config)
    semantics = torch.randint(0, 21, (1, 32, 32, 16), dtype=torch.uint8)
    load_model(before, tmp_path / "begin", config)
    assert torch.equal(before.encode(semantics).mean, after.encode(semantics).mean)
    assert not torch.equal(before.asked.bias, after.asked.bias)

    vae_recipe.main("tiny", tmp_path / "b", device="cpu", begin=tmp_path / "begin", latent=6)
    card = load_model(wider, tmp_path / "b" / "vae", wider.config)
    assert {name.split(".")[0] for name in card["untrained_at_first"]} == {"to_latent", "from_latent", "latent_mean", "latent_std"}


def test_a_decoder_learns_from_what_it_is_given_in_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "ROLLOUT", 2)
    monkeypatch.setattr(generated, "KEPT", (0, 1))
    monkeypatch.setattr(generated, "ROLLOUTS_PER_FILE", 1)
    monkeypatch.setattr(stamps, "MOST", 0)
    preset = PRESETS["tiny"]
    assert isinstance(preset.prior, TokensConfig)
    vae, sketch = OccupancyVae(preset.vae), Sketch(preset.prior.sketch)
    sketch.codebook.copy_(torch.randn(sketch.codebook.shape))
    generator = OccupancyGenerator(preset, vae, StOccDit(preset.dit), TokenPrior(preset.prior, sketch), CPU)
    generated.generate_frames(generator, tmp_path, 2)
    usual = OccupancyBatches(seed=0, batch=2, crop=32)
    batches = generated.GeneratedBatches.read(tmp_path, usual, seed=1, batch=3, crop=32)
    assert torch.equal(batches(1)["semantics"], usual(1)["semantics"])
    made = batches(2)
    assert made["latents"].shape == (3, 4, 8, 8) and all(torch.equal(made[name], batches(2)[name]) for name in made)

    # Layouts, occupancy and latents are of one place: wherever a crop was cut, that is where its layout was painted.
    world = make_world(GENERATED_SEED)
    clip = world.clip(2)
    truth = {frame.index: frame.semantics for frame in world.occupancy(clip)}
    whole = generated.GeneratedBatches.read(tmp_path, usual, seed=1, batch=1, crop=200)(0)
    index = next(k for k in range(2) if (whole["layouts"][0].numpy() == clip.layouts[k]).all())
    assert (whole["semantics"][0].numpy() == truth[index]).all()
    rows = [made[name][0] for name in ("semantics", "layouts", "latents")]
    spots = [(x, y) for x in range(0, 169, 4) for y in range(0, 169, 4)]
    found = [
        (k, x, y) for k in range(2) for x, y in spots if (clip.layouts[k][:, x : x + 32, y : y + 32] == rows[1].numpy()).all()
        and (truth[k][x : x + 32, y : y + 32] == rows[0].numpy()).all()
    ]
    there = [batches.latents[k][:, x // 4 : x // 4 + 8, y // 4 : y // 4 + 8] for k, x, y in found]
    assert any(np.array_equal(latents.astype(np.float32), rows[2].numpy()) for latents in there)

    vae.latent_mean.fill_(2.0)
    terms = vae_recipe.lived_loss(vae, made, torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):  # as on a machine that has it
        half = vae_recipe.lived_loss(vae, made, torch.Generator().manual_seed(0))
    assert half["volume"].item() == pytest.approx(terms["volume"].item(), rel=0.1)
    other = vae_recipe.lived_loss(vae, made | {"latents": made["latents"] + 1}, torch.Generator().manual_seed(0))
    assert terms["entropy"] != other["entropy"], "the latents given are those decoded"

    with pytest.raises(ValueError, match="leave --generated out"):
        generated.generate_frames(OccupancyGenerator(preset, vae, StOccDit(preset.dit), NoisePrior(), CPU), tmp_path, 2)
    with pytest.raises(ValueError, match="add --decoder-only"):
        vae_recipe.main("tiny", tmp_path / "vae", generated=2)


def test_data_made_by_several_processes_are_those_made_by_one(tmp_path: Path) -> None:
    items = [(tmp_path / f"{number}", number) for number in range(2 * cores.WORTH_A_PROCESS)]
    seen: list[tuple[int, int]] = []
    cores.on_every_core(_write_square, items, CPU, lambda done, total: seen.append((done, total)))
    assert [int(path.read_text()) for path, _ in items] == [number**2 for _, number in items]
    assert seen == [(done, len(items)) for done in range(len(items) + 1)]


def test_what_others_make_for_one_process_comes_in_order() -> None:
    items = list(range(3 * cores.WORTH_A_PROCESS))
    assert list(cores.made_on_every_core(_square, items, most=3)) == [(number, number**2) for number in items]
    assert list(cores.made_on_every_core(_square, items[:2])) == [(0, 0), (1, 1)], "few are made here"


def _square(number: int) -> int:
    return number**2


def _write_square(item: tuple[Path, int]) -> None:
    item[0].write_text(str(item[1] ** 2))


def test_the_sketch_learns_from_frames_that_were_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "WORLDS_PER_FILE", 2)
    monkeypatch.setattr(encoded, "SNAPSHOTS", 1)
    monkeypatch.setattr(sketch_recipe, "HELD_BACK", 2)
    monkeypatch.setitem(sketch_recipe.SCHEDULES, "tiny", Schedule(steps=2, batch=4, rate=1e-3, warmup=1, ema=0.9, workers=0))
    codec = OccupancyVae(PRESETS["tiny"].vae)
    save_model(codec, tmp_path / "vae", codec.config, {})
    facts = sketch_recipe.main("tiny", tmp_path, device="cpu", vae=tmp_path / "vae", worlds=4)
    assert facts["frames"] == 6 and facts["steps"] == 2 and facts["held_out_nats"] > 0
    assert isinstance(prior := PRESETS["tiny"].prior, TokensConfig)
    load_model(Sketch(prior.sketch), tmp_path / "sketch", prior.sketch)

    def nothing_is_made_twice(seed: int) -> None:
        raise AssertionError(seed)

    monkeypatch.setattr(encoded, "make_world", nothing_is_made_twice)
    layouts, latents, emptied, volumes = encoded.read_encoded(tmp_path / "frames")
    assert latents.shape == emptied.shape == (8, 4, 50, 50) and volumes.shape == (8, 50, 50, len(encoded.STATIC))
    changed = torch.from_numpy((latents != emptied).any(1))
    with_agents = agent_cells(torch.from_numpy(np.stack([encoded.unpack_layout(layout, (200, 200)) for layout in layouts])))
    assert changed[with_agents].float().mean() > 0.9 > 0.5 > changed[~with_agents].float().mean(), "agents are taken out and nothing else"
    encoded.encode_worlds(codec, tmp_path / "frames", 0, 4, CPU)
    monkeypatch.undo()
    layout = encoded.unpack_layout(layouts[0], (200, 200))
    assert (layout == make_world(ENCODED_SEED).clip(1).layouts[0]).all()

    numbered = torch.arange(8 * 2500, dtype=torch.int16).reshape(8, 50, 50)
    batches = sketch_recipe.CodeBatches(torch.from_numpy(layouts), numbered, -1 - numbered, seed=3, batch=4)
    crops, again, whole = batches(1), batches(1), batches(4)
    assert all(torch.equal(crops[name], again[name]) for name in crops)
    assert crops["codes"].shape == (4, 26, 26) and crops["layouts"].shape == (4, 15, 104, 104) and whole["codes"].shape == (1, 50, 50)
    assert not crops["known"].flatten(1).all(1).any(), "something is left to learn"
    assert not (crops["known"] & crops["wanted"]).any()
    monkeypatch.setattr(sketch_recipe, "REMEMBERED", 1.0)
    for remembered in (batches(step) for step in range(1, 4)):
        agents, near = (each(remembered["layouts"]) for each in (agent_cells, near_agents))
        memory = remembered["known"] & (remembered["given"] < 0)
        assert (remembered["given"][memory] == -1 - remembered["codes"][memory]).all() and memory.float().mean() > 0.3
        assert agents.any() and not (memory & agents).any(), "an agent's cell is never remembered"
        hidden = ~remembered["known"] & ~remembered["wanted"]
        assert (near[hidden]).all() and not (hidden & agents).any(), "what is neither shown nor wanted is memory beside an agent"
    monkeypatch.setattr(sketch_recipe, "REMEMBERED", 0.0)
    assert torch.equal(batches(1)["given"], batches(1)["codes"])
    monkeypatch.setattr(sketch_recipe, "PAINTED_FIRST", 1.0)
    given, painted = batches(1), painted_cells(batches(1)["layouts"])
    assert painted.any() and given["known"][painted].all(), "what is painted is drawn before the rest"
    number, x, y = (int(v) for v in np.unravel_index(int(crops["codes"][0, 0, 0]), (8, 50, 50)))
    cut = encoded.unpack_layout(layouts[number], (200, 200))[:, 4 * x : 4 * x + 104, 4 * y : 4 * y + 104]
    assert (crops["layouts"][0].numpy() == cut).all(), "layout and codes are of one place"
    assert torch.equal(crops["places"][0], places_in(50, 50)[:, x : x + 26, y : y + 26])


def test_phase_two_moves_inherited_parameters_slowly() -> None:
    model = StOccDit(PRESETS["tiny"].dit)
    new, inherited = occupancy_recipe.phase_2_groups(model, 1.0)
    assert new["lr"] == 1.0 and inherited["lr"] == 0.1
    assert len(new["params"]) + len(inherited["params"]) == len(list(model.parameters()))


def test_ablations_differ_from_the_papers_model_in_one_thing() -> None:
    full, half, additive, noisy = (occupancy_recipe.ablated(PRESETS["compact"], name) for name in occupancy_recipe.ABLATIONS)
    assert full.dit.layout_tokens == "joint" and not full.dit.layout_added and not full.dit.local_width and full.prior == NoiseConfig()
    assert replace(half.dit, blocks=full.dit.blocks) == full.dit and half.dit.blocks == full.dit.blocks // 2
    assert replace(additive.dit, layout_tokens="joint", layout_added=False) == full.dit and additive.dit.layout_tokens == "none"
    assert noisy == full and not any(each.vae.decoder_sees_layout for each in (full, half, additive, noisy))
    assert occupancy_recipe.ablated(PRESETS["paper"], "full") == PRESETS["paper"]


def test_without_teacher_forcing_history_is_as_noisy_as_the_frame() -> None:
    preset, heard = PRESETS["tiny"], []

    class Listens(StOccDit):
        def read_history(self, history: torch.Tensor, ages: torch.Tensor | None = None) -> HistoryState:
            heard.append(history)
            return super().read_history(history, ages)

    torch.manual_seed(0)
    vae, model = OccupancyVae(preset.vae), Listens(preset.dit)
    batch = replace(BATCHES, history=True)(0)
    past = vae.latents(batch["past"]).detach()
    for forced, apart in ((True, 0.02), (False, 0.2)):
        loss = occupancy_recipe.FlowLoss(vae, teacher_forcing=forced)
        loss(model, batch, torch.Generator().manual_seed(1))["total"].backward()
        off = (heard[-1][:, 0] - past).std()
        assert (off > apart) if not forced else (off == pytest.approx(occupancy_recipe.HISTORY_NOISE, abs=apart))


def test_a_vae_is_trained_without_a_look_at_the_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vae_recipe.SCHEDULES, "tiny", Schedule(steps=1, batch=1, rate=1e-2, warmup=1, workers=0, ema=None))
    monkeypatch.setitem(vae_recipe.CROP, "tiny", 32)
    monkeypatch.setattr(vae_recipe, "reconstruction", lambda *a, **k: {"miou": 0.0})
    monkeypatch.setattr(vae_recipe, "_picture", lambda *a: None)
    vae_recipe.main("tiny", tmp_path, device="cpu", ablation="no_layout")
    blind = replace(PRESETS["tiny"].vae, decoder_sees_layout=False)
    load_model(OccupancyVae(blind), tmp_path / "vae", blind)
    with pytest.raises(ValueError, match="has one ablation, no_layout"):
        vae_recipe.main("tiny", tmp_path, ablation="half_depth")


def test_unknown_ablation_is_refused() -> None:
    with pytest.raises(ValueError, match="half_depth, additive, no_teacher_forcing"):
        occupancy_recipe.ablated(PRESETS["compact"], "no_layout")


def test_a_training_says_soon_what_it_will_take(tmp_path, capsys):
    schedule = Schedule(steps=9, batch=2, rate=1e-3, workers=0, ema=None)
    def loss(model, batch, generator):
        return {"total": model(batch["x"]).square().mean()}

    train(torch.nn.Linear(500, 400), loss, lambda step: {"x": torch.ones(2, 500)}, schedule, tmp_path, device=torch.device("cpu"), resume=False)
    told = [line for line in capsys.readouterr().out.splitlines() if "s a step" in line]
    assert len(told) == 1 and "--resume goes on" in told[0]
    assert re.match(r"0\.2 M parameters, 6 steps of 2: about \d+\.\d+ s a step on cpu, 0\.0 hours", told[0]), "whatever else the machine does"
