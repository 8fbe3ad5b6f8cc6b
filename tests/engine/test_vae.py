"""The VAE: shapes, locality, the fused class choice, strict weights."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.devices import half_precision
from engine.occupancy.config import PRESETS
from engine.occupancy.losses import (
    AGENT_SHOWN_MARGIN,
    SHOWN_MARGIN,
    classes_out_of_reach,
    focal,
    lovasz_softmax,
    unasked,
    unshown,
    volume_error,
    voxels_that_matter,
)
from engine.occupancy.vae import OccupancyVae
from engine.spec.classes import CHANNEL, CHANNEL_TO_CLASSES, CHANNELS, CLASS, FREE
from engine.weights import WeightsError, load_model, save_model

TINY = PRESETS["tiny"].vae


@pytest.fixture
def vae() -> OccupancyVae:
    torch.manual_seed(0)
    return OccupancyVae(TINY).eval()


@torch.no_grad()
def test_shapes_and_the_fused_argmax(vae: OccupancyVae) -> None:
    semantics = torch.randint(0, 21, (2, 32, 40, 16), dtype=torch.uint8)
    layouts = (torch.rand(2, 15, 32, 40) > 0.8).to(torch.uint8)
    posterior = vae.encode(semantics)
    assert posterior.mean.shape == (2, 4, 8, 10)
    voxels = vae.decode(posterior.mean, layouts)
    assert voxels.shape == (2, 32, 40, 16, TINY.embedding)
    torch.nn.init.normal_(vae.asked.weight)
    plain = vae.classify(voxels, vae.column_logits(layouts)[..., None, :]).argmax(-1)
    assert torch.equal(vae.semantics(voxels, layouts).long(), plain)


@torch.no_grad()
def test_paint_moves_class_logits_of_its_column_and_of_columns_near_it(vae: OccupancyVae) -> None:
    layouts = torch.zeros(1, 15, 16, 16, dtype=torch.uint8)
    layouts[0, CHANNEL["bus"], 8, 8] = 1
    assert (vae.column_logits(layouts) == 0).all(), "untrained paint must say nothing"
    vae.asked.weight[CLASS["bus"], CHANNEL["bus"]] = 2.0
    vae.asked.weight[CLASS["bus"], len(CHANNELS) + CHANNEL["bus"]] = 1.0
    moved = vae.column_logits(layouts)[0, :, :, CLASS["bus"]]
    assert moved[8, 8] == 3 and moved[6, 10] == 1 and moved.sum() == 25 + 2
    with pytest.raises(ValueError, match="pass layouts"):
        vae.semantics(torch.zeros(1, 16, 16, 16, TINY.embedding))


@torch.no_grad()
def test_normalise_and_back(vae: OccupancyVae) -> None:
    vae.latent_mean.copy_(torch.arange(4.0))
    vae.latent_std.copy_(torch.arange(1.0, 5.0))
    latents = torch.randn(2, 3, 4, 8, 8)
    torch.testing.assert_close(vae.denormalise(vae.normalise(latents)), latents)


@torch.no_grad()
def test_without_attention_an_edit_stays_local() -> None:
    torch.manual_seed(0)
    local = OccupancyVae(replace(TINY, axial_blocks=0)).eval()
    for parameter in local.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.05)
    latents, layouts = torch.randn(1, 4, 32, 32), torch.zeros(1, 15, 128, 128)
    before = local.decode(latents, layouts)
    layouts[:, 3, 100:110, 100:110] = 1
    after = local.decode(latents, layouts)
    assert torch.equal(before[:, :64, :64], after[:, :64, :64])
    assert not torch.equal(before, after)


def test_a_decoder_that_needs_the_layout_says_so(vae: OccupancyVae) -> None:
    with pytest.raises(ValueError, match="sees the layout"):
        vae.decode(torch.zeros(1, 4, 8, 8))


def test_losses_know_right_from_wrong() -> None:
    target = torch.tensor([3, 3, 20, 7])
    right, wrong = torch.full((4, 21), -10.0), torch.full((4, 21), -10.0)
    right[torch.arange(4), target] = 10
    wrong[torch.arange(4), (target + 1) % 21] = 10
    weight = torch.ones(4)
    assert focal(right, target, weight) < 1e-3 < focal(wrong, target, weight)
    assert lovasz_softmax(right, target) < 1e-3 and lovasz_softmax(wrong, target) > 0.99
    semantics = torch.full((1, 16, 16, 16), FREE)
    semantics[0, 8, 8, 8] = 4
    share, stands_for = voxels_that_matter(semantics, torch.Generator().manual_seed(0))
    assert share[0, 7:10, 7:10, 7:10].all() and 0.03 < share.float().mean() < 0.08
    assert stands_for[0, 8, 8, 8] == 1 and 0.8 < stands_for[share].sum() / semantics.numel() < 1.2


def test_a_road_that_may_lie_at_two_heights_is_still_shown() -> None:
    road, walk = CHANNEL["drivable_area"], CHANNEL["walkway"]
    target = torch.full((3, 4), FREE)
    target[:, 1] = CLASS["driveable_surface"]
    painted = torch.zeros(3, 15, dtype=torch.uint8)
    painted[:2, road] = 1
    logits = torch.zeros(3, 4, 21)
    logits[..., FREE] = 2.0
    logits[:, 1:3, CLASS["driveable_surface"]] = 1.9  # half here, half there, and most likely at neither
    logits[1, 1, CLASS["driveable_surface"]] = 20.0
    others = len(CHANNEL_TO_CLASSES[road]) - 1
    ahead = math.log(math.exp(1.9) + others) - math.log(math.exp(2.0) + 19 - others)
    assert float(unshown(logits, painted, target)) == pytest.approx(SHOWN_MARGIN - ahead, abs=1e-4)
    assert unshown(logits[1:], painted[1:], target[1:]) == 0, "shown, or not painted"
    painted[:, road], painted[:, walk] = 0, 1
    assert unshown(logits, painted, target) == 0, "the truth does not show it either"


def test_an_agent_must_be_shown_by_more_than_a_road() -> None:
    cone, target = CLASS["traffic_cone"], torch.tensor([[CLASS["traffic_cone"], FREE]])
    painted = torch.zeros(1, 15, dtype=torch.uint8)
    painted[0, CHANNEL["traffic_cone"]] = 1
    logits = torch.full((1, 2, 21), -1e3)
    logits[..., FREE], logits[0, 0, cone] = 0.0, SHOWN_MARGIN + 1
    assert float(unshown(logits, painted, target)) == pytest.approx(AGENT_SHOWN_MARGIN - SHOWN_MARGIN - 1)


def test_a_class_that_is_drawn_too_large_is_told_by_how_much() -> None:
    target = torch.cat([torch.full((300,), CLASS["manmade"]), torch.full((100,), FREE)])
    stands_for = torch.where(target == FREE, 20.0, 1.0)
    right = 20 * torch.nn.functional.one_hot(target, 21).float()
    assert volume_error(right, target, stands_for) < 1e-6
    wrong = right.clone()
    wrong[:150] = right[-1]
    assert volume_error(wrong, target, stands_for) == pytest.approx(0.5)
    wrong[-30:], wrong[:150] = right[0], right[0]
    assert volume_error(wrong, target, stands_for) == pytest.approx(30 * 20 / 300)
    assert volume_error(right[-100:], target[-100:], stands_for[-100:]) == 0, "nothing is there whose volume could be wrong"


def test_weights_round_trip_and_every_refusal(vae: OccupancyVae, tmp_path: Path) -> None:
    stem = tmp_path / "vae"
    other = OccupancyVae(TINY)
    with pytest.raises(WeightsError, match="no weights"):
        load_model(other, stem, TINY)
    save_model(vae, stem, TINY, {"steps": 1})
    assert load_model(other, stem, TINY)["steps"] == 1
    for mine, theirs in zip(other.state_dict().values(), vae.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-3, rtol=2e-3)
    with pytest.raises(WeightsError, match="trained with latent = 4, the preset asks for 16"):
        load_model(OccupancyVae(replace(TINY, latent=16)), stem, replace(TINY, latent=16))
    path = stem.with_suffix(".safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="SHA-256"):
        load_model(other, stem, TINY)
    card = json.loads(stem.with_suffix(".card.json").read_text())
    import hashlib

    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    stem.with_suffix(".card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="not a readable safetensors"):
        load_model(other, stem, TINY)
    path.unlink()
    with pytest.raises(WeightsError, match="are not"):
        load_model(other, stem, TINY)


def test_weights_larger_than_a_shard_come_in_several_files(vae: OccupancyVae, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.weights.SHARD_BYTES", 40_000)
    save_model(vae, tmp_path / "vae", TINY, {})
    files = sorted(tmp_path.glob("*.safetensors"))
    assert len(files) > 1 and (tmp_path / "vae.2.safetensors").exists()
    assert {file.stat().st_mode for file in files} == {(tmp_path / "vae.card.json").stat().st_mode}, "who may read the card may read the weights"
    other = OccupancyVae(TINY)
    load_model(other, tmp_path / "vae", TINY)
    for mine, theirs in zip(other.state_dict().values(), vae.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-3, rtol=2e-3)
    files[0].unlink()
    with pytest.raises(WeightsError, match="restore them"):
        load_model(other, tmp_path / "vae", TINY)


def test_a_processor_without_bfloat16_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    a, cpu = torch.ones(4, 4), torch.device("cpu")
    for able, wanted in ((False, torch.float32), (True, torch.bfloat16)):
        monkeypatch.setattr("engine.devices.cpu_multiplies_bfloat16", lambda able=able: able)
        with half_precision(cpu):
            assert (a @ a).dtype == wanted


def test_a_class_that_nobody_painted_is_pushed_below_the_others() -> None:
    layouts = torch.zeros(1, 15, 16, 16, dtype=torch.uint8)
    layouts[0, CHANNEL["bus"], 8, 8] = 1
    impossible = classes_out_of_reach(layouts, 2)
    assert impossible.shape == (1, 16, 16, 21) and impossible[0, :, :, CLASS["truck"]].all() and not impossible[..., FREE].any()
    assert int((~impossible[0, :, :, CLASS["bus"]]).sum()) == 25
    logits = torch.full((2, 21), -20.0, requires_grad=True)
    with torch.no_grad():
        logits[0, CLASS["bus"]], logits[0, CLASS["truck"]] = 1.0, 2.0  # a truck in a bus: 1 above, 4 wanted below
        logits[1, CLASS["bus"]] = 1.0
    loss = unasked(logits, impossible[0, 8, 8].expand(2, -1))
    assert loss.item() == pytest.approx(5, abs=1e-3)
    loss.backward()
    assert logits.grad is not None and logits.grad[0, CLASS["truck"]] > 0 > logits.grad[0, CLASS["bus"]] and not logits.grad[1].any()
