"""Sequences: one pass over noisy and clean streams against one frame at a time, what a clean frame may show, and how the rates go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from engine.data.worlds import make_world
from engine.occupancy.config import PRESETS, DitConfig
from engine.occupancy.stoccdit import HistoryState, StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.spec.classes import FREE
from engine.spec.geometry import invert
from engine.spec.grid import OCC3D
from engine.train.loop import COSINE_FLOOR, Schedule, _follow
from engine.train.occupancy import FlowLoss, seen_ages
from engine.train.sequences import sequence_of

SMALL = OCC3D.crop(64)
T, HISTORY = 4, 2
CONFIGS = [
    DitConfig(latent=4, blocks=2, width=32, heads=2, layout_width=8, history=HISTORY, frame_embeddings=True),
    DitConfig(latent=4, blocks=2, width=32, heads=2, layout_width=8, history=HISTORY, layout_tokens="one_way", layout_added=True, local_width=16),
]


def model(config: DitConfig) -> StOccDit:
    torch.manual_seed(0)
    made = StOccDit(config)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """noisy, clean (2, T, 4, 8, 8), layouts (2, T, 15, 32, 32), times (2, T)."""
    random = torch.Generator().manual_seed(1)
    noisy, clean = (torch.randn(2, T, 4, 8, 8, generator=random) for _ in range(2))
    layouts = (torch.rand(2, T, 15, 32, 32, generator=random) < 0.2).to(torch.uint8)
    return noisy, clean, layouts, torch.rand(2, T, generator=random)


def at_once(dit: StOccDit, noisy: torch.Tensor, clean: torch.Tensor, layouts: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    history = dit.read_history(clean, seen_ages(T, HISTORY, clean.device))
    return dit.denoise(noisy, times, dit.read_layout(layouts), history)


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_a_sequence_at_once_is_its_frames_one_by_one(config: DitConfig) -> None:
    """The slow twin: each noisy frame alone, given the clean frames before it and how old they are."""
    dit = model(config)
    noisy, clean, layouts, times = batch()
    made = at_once(dit, noisy, clean, layouts, times)
    for now in range(T):
        ages = torch.tensor([[now - k if now - k <= HISTORY else -1 for k in range(now)]], dtype=torch.long)
        one = slice(now, now + 1)
        alone = dit(noisy[:, one], times[:, one], layouts[:, one], clean[:, :now], ages)
        torch.testing.assert_close(made[:, one], alone, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_a_frame_sees_clean_frames_before_it_and_no_others() -> None:
    dit = model(CONFIGS[0])
    noisy, clean, layouts, times = batch()
    made = at_once(dit, noisy, clean, layouts, times)
    other = clean.clone()
    other[:, 1] += 1
    moved = (at_once(dit, noisy, other, layouts, times) - made).abs().amax((0, 2, 3, 4)) > 1e-6
    assert moved.tolist() == [False, False, True, True]
    noise = noisy.clone()
    noise[:, 1] += 1
    moved = (at_once(dit, noise, clean, layouts, times) - made).abs().amax((0, 2, 3, 4)) > 1e-6
    assert moved.tolist() == [False, True, False, False], "of a noisy frame nobody sees but itself"
    assert seen_ages(3, 1, torch.device("cpu")).tolist() == [[-1, -1, -1], [1, -1, -1], [-1, 1, -1]]


@pytest.mark.parametrize("config", CONFIGS)
def test_worked_out_again_the_gradients_are_the_same(config: DitConfig) -> None:
    gradients = []
    for again in (False, True):
        dit = model(config)
        dit.checkpointing = again
        at_once(dit, *batch()).square().mean().backward()
        gradients.append({name: parameter.grad for name, parameter in dit.named_parameters() if parameter.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-6, rtol=1e-4)


def test_the_frames_of_a_sequence_lie_on_one_grid() -> None:
    worlds = ((world := make_world(seed), world.clip(T, SMALL, 1.0)) for seed in range(3, 30))
    world, usual = next((world, clip) for world, clip in worlds if np.ptp(clip.world_SE3_ego[:, :2, 3], 0).max() > 1 and clip.boxes[-1])
    truths = [frame.semantics for frame in world.occupancy(usual)]
    kept, emptied = (sequence_of(world, T, 1.0, agents, SMALL) for agents in (True, False))
    assert np.array_equal(kept.semantics[-1], truths[-1]) and np.array_equal(kept.layouts[-1], usual.layouts[-1])
    assert np.array_equal(kept.clean[-1], truths[-1]), "the last ego sees all of its own frame"
    # By hand: centres of the last frame's columns in the first ego's coordinates.
    x, y = np.meshgrid(*SMALL.cell_centers_m(), indexing="ij")
    first_SE3_last = invert(usual.world_SE3_ego[0]) @ usual.world_SE3_ego[-1]
    there = np.stack([x, y, 0 * x, 0 * x + 1], -1) @ first_SE3_last.T
    inside = ((there[..., :2] >= SMALL.origin_m[:2]) & (there[..., :2] < SMALL.upper_m[:2])).all(-1)
    assert not inside.all(), "the ego moved"
    assert (kept.clean[0][~inside] == FREE).all() and np.array_equal(kept.clean[0][inside], kept.semantics[0][inside])
    agents = (kept.clean >= 1) & (kept.clean <= 10)
    assert agents.any() and (emptied.clean[agents] == FREE).all() and np.array_equal(emptied.clean[~agents], kept.clean[~agents])


def test_every_frame_of_a_sequence_is_learned_from() -> None:
    preset = PRESETS["tiny"]
    heard: list[tuple[torch.Tensor, torch.Tensor]] = []

    class Listens(StOccDit):
        def denoise(self, noisy, t, layout, history):  # noqa: ANN001, ANN202
            assert isinstance(history, HistoryState)
            heard.append((t, history.ages))
            return super().denoise(noisy, t, layout, history)

    noisy, clean, layouts, _ = batch()
    given = {"layouts": layouts, "latents": noisy, "past_latents": clean}
    loss = FlowLoss(OccupancyVae(preset.vae), draws=4)(Listens(preset.dit), given, torch.Generator().manual_seed(0))["total"]
    (times, ages), = heard
    assert loss.isfinite() and times.shape == (2, T) and len(times.unique()) == 2 * T
    wanted = seen_ages(T, preset.dit.history, torch.device("cpu"))
    assert ages.shape == (2, T, T) and ((ages == wanted) | (ages == -1)).all() and (ages[:, -1] > 0).any()


def test_the_papers_rate_warms_up_and_falls_along_a_cosine() -> None:
    schedule = Schedule(steps=110, batch=1, rate=1.0, warmup=10, cosine=True)
    factors = [schedule.factor(step) for step in range(111)]
    assert factors[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert factors[60] == pytest.approx((1 + COSINE_FLOOR) / 2) and factors[-1] == pytest.approx(COSINE_FLOOR)
    assert all(a >= b for a, b in zip(factors[9:], factors[10:], strict=False))


def test_averages_begin_with_their_epoch(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN001
    """Against an average kept by hand, over a stop and a start."""
    from engine.train.loop import train

    schedule = Schedule(steps=12, batch=1, rate=0.1, warmup=1, ema=0.5, ema_from=4, workers=0, cosine=True)
    seen: list[float] = []

    def loss(m: nn.Module, given, random) -> dict[str, torch.Tensor]:  # noqa: ANN001
        assert isinstance(m, nn.Linear)
        seen.append(m.weight.item())
        return {"total": (m.weight - 3).square().sum()}

    def run(steps: int) -> float:
        m = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(m.weight)
        whole = schedule if steps == 12 else Stops(**{k: getattr(schedule, k) for k in schedule.__slots__})
        train(m, loss, lambda step: {}, whole, tmp_path, device=torch.device("cpu"), resume=True)
        return m.weight.item()

    class Stops(Schedule):
        """The same, as if it had been stopped after step 7."""

        def factor(self, step: int) -> float:
            if step == 7:
                import os
                import signal

                os.kill(os.getpid(), signal.SIGTERM)
            return super().factor(step)

    run(7)
    stopped = len(seen)
    assert stopped < 12
    made = run(12)
    assert len(seen) == 12, "no step twice"
    after = [*seen[1:]]  # the weight after each step but the last
    average = after[3]
    for count, weight in enumerate(after[4:], 1):
        average += (1 - min(0.5, (count + 2) / (count + 11))) * (weight - average)
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    last = float(kept["model"]["weight"])
    average += (1 - min(0.5, (8 + 2) / (8 + 11))) * (last - average)
    assert made == pytest.approx(average, rel=1e-5)


def test_an_average_leaves_integers_alone() -> None:
    counts = [torch.tensor([1])]
    _follow(0.9, counts, [torch.tensor([5])], torch.tensor(3))
    assert counts[0].item() == 5


def test_what_begins_from_a_model_that_looks_less_far_back(tmp_path) -> None:  # noqa: ANN001
    from engine.train.occupancy import _begin_from
    from engine.weights import save_model

    less = model(replace(CONFIGS[1], history=1))
    save_model(less, tmp_path / "less", less.config, {})
    more = StOccDit(replace(CONFIGS[1], history=3))
    _begin_from(more, tmp_path / "less")
    bias = less.blocks[0].age_bias.half().float()  # type: ignore[union-attr]
    assert torch.equal(more.blocks[0].age_bias, torch.cat([bias, bias[:, 1:], bias[:, 1:]], 1))  # type: ignore[arg-type]
