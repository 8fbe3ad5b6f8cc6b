"""Latents, controls, sampler, LoRA, offloading, attention: every switch of Wan against the plain sampler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.views.ggve.flow import sample as euler

pytest.importorskip("diffusers", reason="diffusers is in the extra views-wan, which is not installed")
pytest.importorskip("transformers", reason="transformers is in the extra views-wan, which is not installed")

from diffusers import AutoencoderKLWan  # noqa: E402
from transformers import PreTrainedTokenizerFast, UMT5EncoderModel  # noqa: E402

from engine.views.ggve.wan import fitting, loading, places, sampling  # noqa: E402
from engine.views.ggve.wan.buffers import coordinate_video, nearness_video, ray_video, repeated_first, semantic_video  # noqa: E402
from engine.views.ggve.wan.latents import VideoLatents, pictures_of, video_of  # noqa: E402
from engine.views.ggve.wan.settings import FEW_STEPS, Settings  # noqa: E402
from engine.views.ggve.wan.text import LENGTH, encode_prompts  # noqa: E402
from tests.engine.wan.tiny import CPU, SIX, VAE, Street, drawn, inputs, plain, run, views_of  # noqa: E402


def test_videos_go_to_latents_and_back_scaled_as_diffusers_scales_them(latents: VideoLatents) -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (5, 16, 32, 3)).astype(np.uint8)
    assert np.array_equal(pictures_of(video_of(pictures)), pictures)
    made = latents.encode(video_of(pictures)[None])                                  # (1, 16, 2, 2, 4)
    assert made.shape == (1, 16, 2, 2, 4) and latents.latent_frames(5) == 2
    raw = latents.vae.encode(video_of(pictures)[None]).latent_dist.mode()
    mean, std = (torch.tensor(v)[:, None, None, None] for v in (latents.vae.config.latents_mean, latents.vae.config.latents_std))
    torch.testing.assert_close(made, (raw - mean) / std)
    torch.testing.assert_close(latents.decode(made), latents.vae.decode(raw).sample, rtol=0, atol=1e-4)
    start = latents.encode(video_of(pictures[:1])[None])
    torch.testing.assert_close(made[:, :, :1], start, rtol=0, atol=1e-5)             # causal: later frames change nothing of the first


def test_buffers_become_videos_of_a_known_range() -> None:
    semantic = np.array([[[*range(20), 255]]], np.uint8)
    colours = pictures_of(semantic_video(semantic))
    assert len({tuple(c) for c in colours[0, 0]}) == 21 and not colours[0, 0, 20].any()
    points = np.array([[[[0.0, 0.0, 2.2], [np.nan] * 3, [40.0, -40.0, 2.2], [500.0, 80.0, -1.0]]]], np.float32)
    told = coordinate_video(points)[:, 0, 0].T                                       # (4, 3)
    wanted = torch.tensor([[0, 0, 0], [-1, -1, -1], [0.5, -0.5, 0], [1, 1, -0.5]])
    torch.testing.assert_close(told, wanted, rtol=0, atol=1e-5)
    near = nearness_video(np.array([[[0.0, 2.0, 20.0, 1.0]]], np.float32))
    torch.testing.assert_close(near[0, 0, 0], torch.tensor([-1.0, 1.0, -0.8, 1.0]))


def test_rays_are_the_buffers_own_with_the_first_frame_four_times() -> None:
    scene = Street(SIX[:1]).scene()
    poses = np.stack([scene.ego0_SE3_ego(k) @ scene.clip.camera_pose(k, 0) for k in (0, 4)])
    rays = ray_video(scene.cameras[0], poses)                                        # (6, 2, H, W)
    for place, index in enumerate((0, 4)):
        cast = scene.buffers(index, 0).plucker * np.array([1, 1, 1, 0.1, 0.1, 0.1], np.float32)
        np.testing.assert_allclose(rays[:, place].permute(1, 2, 0).numpy(), cast, atol=1e-5)
    repeated = repeated_first(rays)
    assert repeated.shape[1] == 5 and torch.equal(repeated[:, 0], repeated[:, 3]) and torch.equal(repeated[:, 4], rays[:, 1])


def test_prompts_are_encoded_as_diffusers_pipelines_do_it(home: Path) -> None:
    from diffusers import WanPipeline

    folder = home / "Wan2.1-T2V-1.3B-Diffusers"
    made = encode_prompts(folder, ["rain  a street", "night"], CPU, torch.float32)
    assert made.shape == (2, LENGTH, 32) and not made[1, 1:].any() and made[1, 0].any()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer")
    encoder = UMT5EncoderModel.from_pretrained(folder / "text_encoder")
    pipeline = WanPipeline(tokenizer, encoder, AutoencoderKLWan(**VAE), None)  # type: ignore[arg-type]
    try:
        theirs = pipeline._get_t5_prompt_embeds(["rain a street", "night"], max_sequence_length=LENGTH)
    except NameError:
        pytest.skip("diffusers' pipeline needs ftfy to read a prompt, which is not installed")
    torch.testing.assert_close(made, theirs)


def test_few_steps_meet_the_times_that_they_were_distilled_for() -> None:
    for kind in ("euler", "unipc"):
        scheduler = sampling.scheduler_of(Settings(steps=4, shift=5.0, scheduler=kind))  # type: ignore[arg-type]
        np.testing.assert_allclose(scheduler.sigmas, [1, 0.9375, 5 / 6, 0.625, 0], atol=1e-3)
    assert len(sampling.scheduler_of(FEW_STEPS).timesteps) == 4 and FEW_STEPS.guidance == 1


def test_eulers_scheduler_is_our_own_sampler(home: Path) -> None:
    model = plain(home)
    noise, text, controls = inputs()
    settings = Settings(steps=3, shift=3.0, scheduler="euler")
    velocity = sampling.guided(model, controls, text, None, 1.0)
    times = sampling.scheduler_of(settings).sigmas.tolist()
    ours = euler(lambda x, t: velocity(x, 1000 * t), noise, controls.hint, controls.observed, times, lambda: False)
    torch.testing.assert_close(run(model, settings), ours, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scheduler", ["euler", "unipc"])
def test_what_is_observed_stays_and_what_is_not_is_made(home: Path, scheduler: Any) -> None:
    made = run(plain(home), Settings(steps=3, scheduler=scheduler))
    noise, _, controls = inputs()
    assert torch.equal(made[:, 0], controls.hint[:, 0])
    assert torch.isfinite(made).all() and not torch.allclose(made[:, 1], noise[:, 1], atol=0.1)


def test_guidance_goes_away_from_the_negative_prompt(home: Path) -> None:
    model = plain(home)
    noise, text, controls = inputs()
    negative, time = torch.flip(text, (1, 2)), torch.tensor([500.0])
    with torch.no_grad():
        a, b = (model(noise, time, words, controls) for words in (text, negative))
        made = sampling.guided(model, controls, text, negative, 3.0)(noise, time)
        silent = sampling.guided(model, controls, text, None, 1.0, 0.0)(noise, time)
        assert torch.equal(silent, model(noise, time, text, None)) and not torch.equal(silent, a)
    torch.testing.assert_close(made, b + 3 * (a - b), rtol=0, atol=1e-6)


def test_video_to_video_begins_where_the_strength_says() -> None:
    noise, _, controls = inputs()
    start = torch.full_like(noise, 2.0)
    still = lambda x, t: torch.zeros_like(x)  # noqa: E731
    made = sampling.sample(
        still, noise, controls.hint, torch.zeros_like(controls.observed),
        sampling.scheduler_of(Settings(steps=10, shift=1.0, strength=0.5, scheduler="euler")), lambda: False, start,
    )  # fmt: skip
    torch.testing.assert_close(made, 0.5 * start + 0.5 * noise)
    weak = sampling.scheduler_of(Settings(steps=10, shift=3.0, strength=0.3, scheduler="euler"))
    assert 0 < weak.sigmas[0] <= 0.3 and len(weak.timesteps) < 10


def test_cancelled_between_two_steps() -> None:
    asked = []
    noise, _, controls = inputs()

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    calls: list[Tensor] = []
    velocity = lambda x, t: calls.append(t) or torch.zeros_like(x)  # noqa: E731
    scheduler = sampling.scheduler_of(Settings(steps=5))
    assert sampling.sample(velocity, noise, controls.hint, controls.observed, scheduler, cancelled) is None and len(calls) == 2


def lora_file(folder: Path, prefix: str = "diffusion_model.", up: float = 0.2) -> Path:
    """In the names of the original Wan, as the few-step LoRAs come."""
    from safetensors.torch import save_file

    random = torch.Generator().manual_seed(6)
    weights = {}
    for number in range(4):
        for layer, wide in (("self_attn.q", 24), ("self_attn.o", 24), ("ffn.0", 32)):
            at = f"{prefix}blocks.{number}.{layer}"
            weights[f"{at}.lora_down.weight"] = torch.randn((2, 24), generator=random)
            weights[f"{at}.lora_up.weight"] = up * torch.randn((wide, 2), generator=random)
    save_file(weights, folder / "lora.safetensors")
    return folder / "lora.safetensors"


def test_a_lora_is_a_sum_of_products_over_the_backbone_and_leaves_the_branch(home: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    pytest.importorskip("peft", reason="peft is in the extra views-wan, which is not installed")
    file = lora_file(tmp_path)
    model = plain(home)
    before = {name: p.clone() for name, p in model.control.state_dict().items()}
    fitting.add_lora(model, str(file), 0.5)
    assert all(torch.equal(p, before[name]) for name, p in model.control.state_dict().items())
    by_hand, weights = plain(home), load_file(file)
    layers = {"self_attn.q": "attn1.to_q", "self_attn.o": "attn1.to_out.0", "ffn.0": "ffn.net.0.proj"}
    for number in range(4):
        for name, ours in layers.items():
            down, up = (weights[f"diffusion_model.blocks.{number}.{name}.lora_{part}.weight"] for part in ("down", "up"))
            layer: Any = by_hand.backbone.get_submodule(f"blocks.{number}.{ours}")
            layer.weight += 0.5 * up @ down
    torch.testing.assert_close(run(model, FEW_STEPS), run(by_hand, FEW_STEPS), rtol=0, atol=1e-4)
    assert not torch.allclose(run(model, FEW_STEPS), run(plain(home), FEW_STEPS), atol=1e-3)


def test_a_lora_of_another_model_is_refused(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="peft is in the extra views-wan, which is not installed")
    from safetensors.torch import save_file

    down, up = torch.zeros(2, 99), torch.zeros(24, 2)
    at = "transformer.blocks.0.attn1.to_q.lora"
    save_file({f"{at}_A.weight": down, f"{at}_B.weight": up}, tmp_path / "other.safetensors")
    with pytest.raises(places.WanError, match="does not fit|holds nothing"):
        fitting.add_lora(plain(home), str(tmp_path / "other.safetensors"), 1.0)
    with pytest.raises(places.WanError, match="does not fit"):
        fitting.add_lora(plain(home), str(tmp_path / "missing.safetensors"), 1.0)


def test_blocks_that_wait_on_disk_make_the_same(home: Path, tmp_path: Path) -> None:
    model = plain(home)
    fitting.offload(model, CPU, tmp_path)
    files = list(tmp_path.rglob("*.safetensors"))
    assert len(files) > 6 * 8, "every layer of four blocks and two of the branch has a file"
    wanted = run(plain(home))
    assert torch.equal(run(model), wanted) and torch.equal(run(model), wanted)


def test_blocks_that_wait_in_main_memory_make_the_same(home: Path) -> None:
    model = plain(home)
    fitting.fit(model, Settings(offload="cpu"), CPU)
    assert torch.equal(run(model), run(plain(home)))


def test_float8_is_the_model_with_its_weights_rounded(home: Path) -> None:
    model = plain(home)
    fitting.keep_in_float8(model)
    rounded = plain(home)
    for part in (rounded.backbone, rounded.control):
        for name, module in part.named_modules():
            inside = name.startswith("blocks.") or name.startswith("proj_")
            if isinstance(module, torch.nn.Linear) and inside:
                for p in module.parameters():
                    p.data = p.data.to(torch.float8_e4m3fn).float()
    kept = [p for p in (*model.backbone.parameters(), *model.control.parameters()) if p.dtype == torch.float8_e4m3fn]
    assert len(kept) > 6 * 20
    torch.testing.assert_close(run(model), run(rounded), rtol=0, atol=1e-5)
    assert not torch.equal(run(model), run(plain(home)))
    assert drawn(views_of(home, model=model), Street(SIX[:1], 1).scene())["camera_0"].std() > 1


def test_another_attention_reaches_backbone_and_branch(home: Path) -> None:
    model = plain(home)
    fitting.attend_by(model, "_native_math")
    chosen = [m.processor._attention_backend for m in model.modules() if hasattr(m, "processor")]
    assert len(chosen) == 12 and len(set(chosen)) == 1 and chosen[0] is not None
    torch.testing.assert_close(run(model), run(plain(home)), rtol=0, atol=1e-4)
    with pytest.raises(places.WanError, match="take 'native'"):
        fitting.attend_by(model, "no_such_attention")


def test_the_video_autoencoder_in_tiles_is_close_to_the_whole(home: Path, latents: VideoLatents) -> None:
    tiled = loading.load_latents(home / "Wan2.1-T2V-1.3B-Diffusers", CPU, tiling=True)
    assert tiled.vae.use_tiling
    tiled.vae.enable_tiling(32, 32, 24, 24)
    smooth = torch.linspace(-1, 1, 64)[None, None, None, None].expand(1, 3, 1, 64, 64).contiguous()
    a, b = tiled.encode(smooth), latents.encode(smooth)
    assert a.shape == b.shape and (a - b).abs().mean() < 0.25 * b.std()


def test_first_block_cache_would_add_the_hints_twice_and_is_refused(home: Path) -> None:
    """The reason for the refusal, measured: without a branch the cache is exact on an input that is repeated, with it it is not."""
    from diffusers.hooks import FirstBlockCacheConfig

    noise, text, controls = inputs()
    time, gap = torch.tensor([500.0]), {}
    for name, seen in (("plain", None), ("branch", controls)):
        model = plain(home)
        with torch.no_grad():
            wanted = model(noise, time, text, seen)
            model.backbone.enable_cache(FirstBlockCacheConfig(threshold=1e9))        # type: ignore[operator]
            with model.backbone.cache_context("cond"):                               # type: ignore[operator]
                model(noise, time, text, seen)
                gap[name] = (model(noise, time, text, seen) - wanted).abs().max()
    assert gap["plain"] < 1e-5 < 1e-3 < gap["branch"]
    for cache in ("first_block", "mag"):
        with pytest.raises(places.WanError, match="added twice"):
            Settings(cache=cache).check()
