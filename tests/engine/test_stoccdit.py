"""Laws of the generator: causality, caches that change nothing, a start at zero, inpainting that holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
import torch

from engine.occupancy.attention import attend
from engine.occupancy.config import PRESETS, DitConfig
from engine.occupancy.flow import euler_times, noised, painted_weight, sample, small_agent_weight, training_times, velocity_loss
from engine.occupancy.prior import Begun
from engine.occupancy.stoccdit import StOccDit
from engine.spec.classes import CHANNEL

TINY = PRESETS["tiny"].dit


def awake(config: DitConfig = TINY) -> StOccDit:
    """A model whose zero-initialised parts are random, so that every path matters."""
    torch.manual_seed(0)
    model = StOccDit(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model.eval()


def inputs(frames: int = 1, config: DitConfig = TINY) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    noisy = torch.randn(2, frames, config.latent, 8, 12, generator=generator)
    t = torch.rand(2, frames, generator=generator)
    layouts = (torch.rand(2, frames, 15, 32, 48, generator=generator) > 0.8).float()
    return noisy, t, layouts


def test_starts_at_zero_velocity() -> None:
    noisy, t, layouts = inputs()
    assert torch.equal(StOccDit(TINY)(noisy, t, layouts), torch.zeros_like(noisy))


@pytest.mark.parametrize("stream", ["joint", "one_way", "none"])
@torch.no_grad()
def test_states_computed_once_change_nothing(stream: str) -> None:
    model = awake(replace(TINY, layout_tokens=stream, layout_added=True))
    noisy, t, layouts = inputs()
    history = torch.randn(2, 2, TINY.latent, 8, 12)
    whole = model(noisy, t, layouts, history)
    cached = model.denoise(noisy, t, model.read_layout(layouts), model.read_history(history))
    assert torch.equal(whole, cached)
    assert not torch.allclose(whole, model(noisy, t, 1 - layouts, history)), "the layout must matter"
    assert not torch.allclose(whole, model(noisy, t, layouts, history + 1)), "the history must matter"


@torch.no_grad()
def test_a_noisy_frame_sees_only_its_past() -> None:
    model = awake()
    noisy, t, layouts = inputs(frames=3)
    history = torch.randn(2, 3, TINY.latent, 8, 12)
    frame = torch.arange(3)
    ages = torch.where(frame[:, None] > frame[None, :], frame[:, None] - frame[None, :], -1)
    before = model(noisy, t, layouts, history, ages)
    later = history.clone()
    later[:, 1] += 1
    after = model(noisy, t, layouts, later, ages)
    assert torch.equal(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2], after[:, 2])


@torch.no_grad()
def test_hidden_history_equals_no_history() -> None:
    model = awake()
    noisy, t, layouts = inputs()
    history = torch.randn(2, 1, TINY.latent, 8, 12)
    hidden = model(noisy, t, layouts, history, torch.full((2, 1, 1), -1))
    empty = model(noisy, t, layouts, history[:, :0])
    torch.testing.assert_close(hidden, empty)


@torch.no_grad()
def test_null_layout_is_not_a_blank_page() -> None:
    model = awake()
    noisy, t, layouts = inputs()
    dropped = model(noisy, t, layouts, drop_layout=torch.tensor([True, True]))
    torch.testing.assert_close(dropped, model.denoise(noisy, t, model.null_state(2, 4, 6), None))
    assert not torch.allclose(dropped, model(noisy, t, torch.zeros_like(layouts)))


def test_phase_one_never_touches_the_temporal_branch() -> None:
    model = awake()
    noisy, t, layouts = inputs()
    model(noisy, t, layouts).square().mean().backward()
    for name, parameter in model.named_parameters():
        if "temporal." in name or "time_gate" in name:
            assert parameter.grad is None, name


def test_a_perfect_velocity_recovers_the_data_and_inpainting_holds_the_rest() -> None:
    data, noise = torch.randn(1, 1, 4, 6, 6), torch.randn(1, 1, 4, 6, 6)
    free = torch.ones(1, 1, 1, 6, 6)
    torch.testing.assert_close(sample(lambda x, t: noise - data, Begun(torch.zeros_like(data), noise, free), 5), data)
    mask = torch.zeros(1, 1, 1, 6, 6)
    mask[..., :3] = 1
    known = torch.randn_like(data)
    filled = sample(lambda x, t: noise - data, Begun(known, noise, mask), 5)
    assert filled is not None
    assert torch.equal(filled[..., 3:], known[..., 3:])
    torch.testing.assert_close(filled[..., :3], data[..., :3])
    assert euler_times(4) == [1, 0.75, 0.5, 0.25, 0]


def test_cancelling_ends_within_one_step() -> None:
    calls = []
    begun = Begun(torch.zeros(1), torch.zeros(1), torch.ones(1))
    result = sample(lambda x, t: calls.append(t) or x, begun, 10, cancelled=lambda: len(calls) >= 3)
    assert result is None and len(calls) == 3


def test_small_agents_weigh_more() -> None:
    layouts = torch.zeros(1, 1, 15, 32, 32)
    layouts[0, 0, CHANNEL["traffic_cone"], 5, 9] = 1
    layouts[0, 0, CHANNEL["car"], 20:24, 20:24] = 1
    weight = small_agent_weight(layouts)
    assert weight.shape == (1, 1, 1, 8, 8)
    assert weight[0, 0, 0, 1, 2] == 4 and weight.sum() == 64 + 3
    clean, noise = torch.zeros(1, 1, 4, 8, 8), torch.ones(1, 1, 4, 8, 8)
    assert velocity_loss(noise, clean, noise, weight) == 0
    assert velocity_loss(clean, clean, noise, weight) == 1
    assert torch.equal(noised(clean, noise, torch.tensor([[0.25]])), torch.full_like(clean, 0.25))


def test_the_local_head_begins_as_the_model_without_it_and_then_matters() -> None:
    torch.manual_seed(0)
    config = replace(TINY, local_width=8)
    model, (noisy, t, layouts) = awake(config), inputs(config=config)
    plain = StOccDit(TINY).eval()
    plain.load_state_dict({name: value for name, value in model.state_dict().items() if not name.startswith("local.")})
    with torch.no_grad():
        assert not torch.equal(model(noisy, t, layouts), plain(noisy, t, layouts))
        assert model.local is not None
        for parameter in model.local.leave.parameters():
            parameter.zero_()
        assert torch.equal(model(noisy, t, layouts), plain(noisy, t, layouts))


@pytest.mark.parametrize("layout_tokens", ["joint", "one_way"])
def test_several_noises_of_one_layout_equal_one_by_one(layout_tokens: Literal["joint", "one_way"]) -> None:
    config = replace(TINY, local_width=8, layout_tokens=layout_tokens)
    model, (noisy, t, layouts) = awake(config), inputs(3, config)
    shared = layouts[:, :1]
    with torch.no_grad():
        together = model.denoise(noisy, t, model.read_layout(shared).repeated(3), None)
        alone = torch.cat([model(noisy[:, k : k + 1], t[:, k : k + 1], shared) for k in range(3)], 1)
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_stratified_times_cover_the_distribution_in_every_row() -> None:
    times = training_times((1000, 4), torch.Generator().manual_seed(0))
    quartiles = torch.sigmoid(torch.special.ndtri(torch.tensor([0.25, 0.5, 0.75])))
    assert (torch.bucketize(times, quartiles) == torch.arange(4)).all()
    assert abs(float(torch.logit(times).mean())) < 0.02 and abs(float(torch.logit(times).std()) - 1) < 0.03


def test_painted_weight_counts_only_what_is_painted_all_over() -> None:
    layouts = torch.zeros(1, 1, 15, 8, 8)
    layouts[..., CHANNEL["walkway"], :4, :] = 1
    assert torch.equal(painted_weight(layouts, 0.5)[0, 0, 0], torch.tensor([[0.5, 0.5], [1.0, 1.0]]))


def test_attention_of_nothing_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On CUDA torch's fused attention returns None for it, and every rollout begins with a history of no frames."""
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", lambda *a: None)
    q, k, v = torch.zeros(3, 0, 2, 5, 8).unbind(0)
    with torch.no_grad():
        assert attend(q, k, v).shape == (0, 5, 16)
