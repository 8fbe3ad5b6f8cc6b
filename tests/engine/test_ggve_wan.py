"""GGVE on diffusers' Wan at a tiny random size: the whole path on a CPU, and every switch against the plain sampler."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.api import OccupancyFrame, Picture, Recipe
from engine.data.frames import DataError
from engine.data.take_videos import TakeVideos
from engine.data.videos import open_videos
from engine.spec.camera import Camera, Rig, surround_cameras
from engine.spec.clip import SceneClip
from engine.spec.geometry import Pose
from engine.spec.grid import GridSpec
from engine.views import registry
from engine.views.ggve.control import ControlConfig, Controlled, Controls
from engine.views.ggve.flow import sample as euler
from engine.views.scene import ViewScene
from engine.views.surround import densify
from engine.write import TakeWriter

pytest.importorskip("diffusers", reason="diffusers is in the extra views-wan, which is not installed")
pytest.importorskip("transformers", reason="transformers is in the extra views-wan, which is not installed")

from diffusers import AutoencoderKLWan, WanTransformer3DModel, WanVACETransformer3DModel  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel  # noqa: E402

from engine.train import loop  # noqa: E402
from engine.train import wan as recipe  # noqa: E402
from engine.views.external import vace  # noqa: E402
from engine.views.ggve.wan import fitting, loading, places, sampling  # noqa: E402
from engine.views.ggve.wan.buffers import coordinate_video, nearness_video, ray_video, repeated_first, semantic_video  # noqa: E402
from engine.views.ggve.wan.latents import VideoLatents, pictures_of, video_of  # noqa: E402
from engine.views.ggve.wan.model import WanViews, load_views  # noqa: E402
from engine.views.ggve.wan.settings import FEW_STEPS, Settings, read_settings  # noqa: E402
from engine.views.ggve.wan.text import LENGTH, encode_prompts  # noqa: E402
from tests.engine.test_nuscenes_videos import write as write_drive  # noqa: E402

TINY = {"num_attention_heads": 2, "attention_head_dim": 12, "text_dim": 32, "freq_dim": 32, "ffn_dim": 32, "num_layers": 4}
VAE = {"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
QUICK = Settings(steps=2, guidance=1.0, chunk_frames=5, carried_frames=1, pixels=32 * 16)
CPU = torch.device("cpu")
GRID = GridSpec("small", (40, 40, 8), 0.4, (-8.0, -8.0, -1.0))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tensors are so small that a second thread only waits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def save_repository(folder: Path, transformer: Any) -> None:
    """A repository in diffusers' form, with random weights."""
    torch.manual_seed(1)
    transformer.save_pretrained(folder / "transformer")
    AutoencoderKLWan(**VAE).save_pretrained(folder / "vae")
    config = UMT5Config(vocab_size=12, d_model=32, d_kv=8, d_ff=16, num_heads=2, num_layers=1)
    UMT5EncoderModel(config).save_pretrained(folder / "text_encoder")
    words = ["<pad>", "</s>", "<unk>", "rain", "night", "a", "street", "fog"]
    tokenizer = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    fast.save_pretrained(folder / "tokenizer")
    (folder / "scheduler").mkdir()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What $ANYSCENE_MODELS names: the repository, and a branch that was woken as if it were trained."""
    home = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    save_repository(home / "Wan2.1-T2V-1.3B-Diffusers", WanTransformer3DModel(**TINY))
    model = plain(home)
    loading.save_branch(model.control, home / "wan-1.3b", torch.float32, {"steps": 3})
    (home / "wan-1.3b" / "settings.json").write_text(json.dumps({"steps": 2, "guidance": 2.0, "chunk_frames": 5, "carried_frames": 1}))
    return home


@pytest.fixture
def models_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(places.FOLDER, str(home))
    return home


def plain(home: Path) -> Controlled:
    """The tiny model with a woken branch."""
    folder = home / "Wan2.1-T2V-1.3B-Diffusers"
    latents = loading.load_latents(folder, CPU)
    backbone = loading.load_backbone(folder, torch.float32)
    torch.manual_seed(2)
    model = loading.controlled(backbone, loading.control_config(backbone, latents, 2), torch.float32)
    with torch.no_grad():
        for linear in (model.control.proj_in, *model.control.proj_out):
            linear.weight.normal_(0, 0.1)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def latents(home: Path) -> VideoLatents:
    return loading.load_latents(home / "Wan2.1-T2V-1.3B-Diffusers", CPU)


def inputs(views: int = 2) -> tuple[Tensor, Tensor, Controls]:
    """Noise (1, V, C, F, h, w), text and controls of two latent frames."""
    random = torch.Generator().manual_seed(3)
    size = (2, 4, 6)
    observed = torch.zeros(1, views, 1, *size)
    observed[:, 0] = 1
    parts = [torch.randn((1, views, channels, *size), generator=random) for channels in (16, 16, 16, 16)]
    rays = torch.randn((1, views, 6, 8, 32, 48), generator=random)
    return parts[0], torch.randn((1, 5, 32), generator=random), Controls(parts[1] * observed, observed, rays, parts[2], parts[3])


def run(model: Controlled, settings: Settings = QUICK) -> Tensor:
    """Latents that a model makes of the same noise under some settings."""
    noise, text, controls = inputs()
    velocity = sampling.guided(model, controls, text, None, 1.0)
    made = sampling.sample(velocity, noise, controls.hint, controls.observed, sampling.scheduler_of(settings), lambda: False)
    assert made is not None
    return made


class Street:
    """A clip of some frames, and the scene around it."""

    def __init__(self, cameras: Sequence[Camera], frames: int = 5) -> None:
        poses = np.stack([Pose(0.3 * k, 0.0, 0.0).matrix() for k in range(frames)])
        self.clip = SceneClip(np.zeros((frames, 15, 40, 40), np.uint8), ((),) * frames, poses, tuple(cameras), grid=GRID, prompt="rain a street")

    def read(self, index: int) -> OccupancyFrame:
        semantics = np.full(GRID.shape, 20, np.uint8)
        semantics[:, :, 1] = 11
        semantics[30, 10 + index : 30, 2:6] = 15
        return OccupancyFrame(index, semantics, np.zeros(GRID.shape, np.uint16))

    def scene(self, seed: int = 0, **told: Any) -> ViewScene:
        return ViewScene(self.clip, Recipe(views="wan-1.3b", seed=seed), self.read, **told)


def views_of(home: Path, settings: Settings = QUICK, model: Controlled | None = None) -> WanViews:
    random = torch.Generator().manual_seed(4)
    table = {word: torch.randn((5, 32), generator=random) for word in ("rain a street", "night", settings.negative)}
    folder = home / "Wan2.1-T2V-1.3B-Diffusers"
    encode = lambda prompts: torch.stack([table[prompt] for prompt in prompts])  # noqa: E731
    return WanViews(model or plain(home), loading.load_latents(folder, CPU), encode, settings, CPU)


def drawn(views: Any, scene: ViewScene) -> dict[str, np.ndarray]:
    """Name -> uint8 (T, H, W, 3)."""
    made: dict[str, list[Picture]] = {}
    for picture in views.pictures(scene, iter(range(len(scene))), lambda: False):
        made.setdefault(picture.camera, []).append(picture)
    assert all([p.index for p in column] == list(range(len(scene))) for column in made.values())
    return {name: np.stack([p.rgb for p in column]) for name, column in made.items()}


SIX = tuple(surround_cameras(32, 16))


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


def test_a_surround_take_is_made_call_by_call(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.views.ggve.wan import model as module

    modes = []
    real = module._Take._run
    monkeypatch.setattr(module._Take, "_run", lambda self, call, *rest: modes.append(call.mode) or real(self, call, *rest))
    street = Street(SIX, 1)
    made = drawn(views_of(home), street.scene())
    assert set(made) == {c.name for c in SIX} and all(video.shape == (1, 16, 32, 3) for video in made.values())
    assert modes == ["three views", "neighbour", "neighbour", "middle"]


def test_the_seed_decides_and_nothing_else(home: Path) -> None:
    views, street = views_of(home), Street(SIX[:1], 1)
    one, again, other = (drawn(views, street.scene(seed=seed))["camera_0"] for seed in (0, 0, 1))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


@pytest.mark.parametrize(("given", "mode"), [((), "two views"), (("camera_1",), "neighbour")])
def test_other_modes(home: Path, given: tuple[str, ...], mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.views.ggve.wan import model as module

    modes = []
    real = module._Take._run
    monkeypatch.setattr(module._Take, "_run", lambda self, call, *rest: modes.append(call.mode) or real(self, call, *rest))
    kept = np.random.default_rng(1).integers(0, 256, (1, 16, 32, 3)).astype(np.uint8)
    made = drawn(views_of(home), Street(SIX[:2], 1).scene(given={name: lambda index: kept[index] for name in given}))
    assert modes == [mode] and set(made) == {"camera_0", "camera_1"}
    for name in given:
        assert np.array_equal(made[name], kept), "a view that is given comes back as it is"


def test_a_camera_put_between_two_is_made_from_both_and_leaves_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.views.ggve.wan import model as module

    seen = []
    real = module._Take._run
    monkeypatch.setattr(module._Take, "_run", lambda self, call, *rest: seen.append(call) or real(self, call, *rest))
    rig, dense = densify(Rig("pair", SIX[:2]))
    kept = np.random.default_rng(1).integers(0, 256, (2, 16, 32, 3)).astype(np.uint8)
    given = {camera.name: lambda index, picture=kept[k]: picture for k, camera in enumerate(SIX[:2])}
    made = drawn(views_of(home), Street(rig.cameras, 1).scene(given=given))
    assert [call.mode for call in seen] == ["middle"] and seen[0].targets == dense.calls[-1].targets
    assert all(np.array_equal(made[camera.name][0], kept[k]) for k, camera in enumerate(SIX[:2]))
    assert made[seen[0].targets[0]].std() > 1


def test_an_anchor_and_a_first_picture_steer_what_is_made(home: Path) -> None:
    random = np.random.default_rng(2)
    one, two = (random.integers(0, 256, (16, 32, 3)).astype(np.uint8) for _ in range(2))
    street, loud = Street(SIX[:2], 5), plain(home)
    for linear in (loud.control.proj_in, *loud.control.proj_out):
        linear.weight *= 10                                                          # a random decoder hides small differences
    views = views_of(home, model=loud)
    by_anchor = [drawn(views, street.scene(given={"camera_1": lambda index, picture=p: picture}))["camera_0"] for p in (one, two)]
    assert not np.array_equal(*by_anchor)
    free = drawn(views, street.scene())["camera_0"]
    first = drawn(views, street.scene(reference={"camera_0": one}))["camera_0"]
    assert np.array_equal(first[0], one) and not np.array_equal(first[1:], free[1:])


def test_chunks_carry_their_last_pictures_over(home: Path) -> None:
    settings, seen = replace(QUICK, chunk_frames=9, carried_frames=5), []
    views = views_of(home, settings)
    encode = views.latents.encode
    views.latents.encode = lambda video: seen.append(video) or encode(video)  # type: ignore[method-assign]
    made = drawn(views, Street(SIX[:1], 13).scene())["camera_0"]
    carried = [video for video in seen if video.shape[2] == 5 and np.array_equal(pictures_of(video[0]), made[4:9])]
    assert made.shape[0] == 13 and carried, "the next chunk is given the last five pictures"


def test_cameras_of_different_sizes_go_together(home: Path) -> None:
    cameras = (SIX[0], surround_cameras(16, 32)[1])
    made = drawn(views_of(home), Street(cameras, 1).scene())
    assert made["camera_0"].shape == (1, 16, 32, 3) and made["camera_1"].shape == (1, 32, 16, 3)


def test_frames_are_pulled_chunk_by_chunk_and_a_cancel_keeps_what_is_finished(home: Path) -> None:
    scene, pulled = Street(SIX[:1], 9).scene(), []

    def arrived() -> Iterator[int]:
        for index in range(9):
            pulled.append(index)
            yield index

    pictures = views_of(home).pictures(scene, arrived(), lambda: len(pulled) > 5)
    assert [picture.index for picture in pictures] == [0, 1, 2, 3, 4] and pulled == [0, 1, 2, 3, 4, 5]


def test_every_size_is_one_of_whole_tokens(home: Path) -> None:
    views = views_of(home, Settings())
    sized = views.size(Camera("a", 1600, 900, 1266, 1266, 800, 450))
    assert (sized.width, sized.height) == (848, 480) and views.unknown_words("zebra in the rain") == ()


def test_loaded_from_a_folder_it_is_what_was_saved(models_at: Path) -> None:
    views = load_views("wan-1.3b", "cpu", torch.float32)
    assert views.settings.steps == 2 and views.settings.guidance == 2.0
    assert views.facts["views"] == "wan-1.3b" and views.facts["branch"]["steps"] == 3  # type: ignore[index]
    made = drawn(views, Street(SIX[:1], 2).scene())["camera_0"]
    assert made.shape == (2, 16, 32, 3) and made.std() > 1


def test_what_is_missing_is_said_with_the_command_that_brings_it(models_at: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "has_cuda", lambda: True)
    assert places.why_not("wan-1.3b") is None
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert "hf download Wan-AI/Wan2.1-T2V-14B-Diffusers" in str(places.why_not("wan-14b"))
    (models_at / "wan-1.3b" / "control.safetensors").rename(tmp_path / "kept")
    try:
        assert "launch.py train wan --preset compact" in str(places.why_not("wan-1.3b"))
    finally:
        (tmp_path / "kept").rename(models_at / "wan-1.3b" / "control.safetensors")
    monkeypatch.setattr(places, "EXTRA", ("no_such_package",))
    assert "generate SCENE --views wan-1.3b" in str(places.why_not("wan-1.3b"))
    monkeypatch.setattr(places, "has_cuda", lambda: False)
    assert "needs a CUDA GPU" in str(places.why_not("wan-1.3b"))
    with pytest.raises(registry.ViewsError, match="CUDA"):
        registry.check("wan-1.3b")
    assert not {"wan-1.3b", "wan-14b", "vace-1.3b", "vace-14b"} & set(registry.runnable())


def test_the_hubs_cache_is_read_and_a_download_that_was_cut_off_is_told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(places.FOLDER, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    at = tmp_path / "models--Wan-AI--Wan2.1-T2V-1.3B-Diffusers"
    (at / "refs").mkdir(parents=True)
    (at / "refs" / "main").write_text("abc")
    (at / "snapshots").mkdir()
    (at / "snapshots" / "abc").symlink_to(home / "Wan2.1-T2V-1.3B-Diffusers")
    assert places.repository_folder("wan-1.3b") == at / "snapshots" / "abc"
    (at / "snapshots" / "abc").unlink()
    (at / "snapshots" / "abc" / "vae").mkdir(parents=True)
    with pytest.raises(places.WanError, match="goes on where it stopped"):
        places.repository_folder("wan-1.3b")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"steps": 0}', "must be at least 1"),
        ('{"steps": "many"}', "must be of type int"),
        ('{"speed": 3}', "choose among steps"),
        ('{"cache": "first_block"}', "added twice"),
        ('{"strength": 0.5}', "only the VACE models"),
        ('{"lora": "/no/such/file"}', "is not there"),
        ("[1]", "not a readable JSON object"),
        ("{", "not a readable JSON object"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, said: str) -> None:
    monkeypatch.setenv(places.FOLDER, str(tmp_path))
    (tmp_path / "wan-14b").mkdir()
    (tmp_path / "wan-14b" / "settings.json").write_text(written)
    with pytest.raises(places.WanError, match=said):
        read_settings("wan-14b")


def test_a_branch_of_another_backbone_is_refused(home: Path, tmp_path: Path) -> None:
    backbone = loading.load_backbone(home / "Wan2.1-T2V-1.3B-Diffusers", torch.float32)
    other = Controlled(WanTransformer3DModel(**TINY | {"ffn_dim": 64}), ControlConfig((0, 2), 16, 16, 16, (4, 8, 8)))
    loading.save_branch(other.control, tmp_path, torch.float32, {})
    with pytest.raises(places.WanError, match="no branch for this backbone"):
        loading.load_branch(backbone, tmp_path, torch.float32)
    (tmp_path / "control.card.json").write_text("{}")
    with pytest.raises(places.WanError, match="no branch for this backbone"):
        loading.load_branch(backbone, tmp_path, torch.float32)


# VACE


@pytest.fixture(scope="module")
def vace_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("vace")
    torch.manual_seed(7)
    save_repository(home / "Wan2.1-VACE-1.3B-diffusers", WanVACETransformer3DModel(**TINY, vace_layers=[0, 2], vace_in_channels=96))
    return home


@pytest.fixture
def their_vace(vace_home: Path) -> Any:
    return vace.load_vace(vace_home / "Wan2.1-VACE-1.3B-diffusers", torch.float32)


def test_a_converted_vace_is_vace_on_a_wide_canvas(their_vace: Any) -> None:
    """Three views, the middle one observed: our hints, mask and places against VACE's own forward pass over the panorama."""
    noise, text, controls = inputs(3)
    observed = torch.zeros_like(controls.observed)
    observed[:, 1] = 1
    random = torch.Generator().manual_seed(8)
    inactive, reactive = (torch.randn(noise.shape, generator=random) for _ in range(2))
    wide = lambda x: torch.cat(x.unbind(1), -1)  # noqa: E731
    mask = wide(1 - observed).expand(-1, 64, -1, -1, -1)
    seen = torch.cat([wide(inactive), wide(reactive), mask], 1)                      # (B, 96, F, h, 3 w)
    time = torch.tensor([700.0])
    with torch.no_grad():
        wanted = their_vace(wide(noise), time, text, control_hidden_states=seen, return_dict=False)[0]
        model = vace.converted(their_vace)
        told = controls._replace(hint=inactive, observed=observed, semantic=reactive)
        made = model(noise, time, text, told)
        assert (wide(model(noise, time, text, None)) - wanted).abs().max() > 1e-2, "the hints must count"
    torch.testing.assert_close(wide(made), wanted, rtol=0, atol=1e-5)


def test_a_converted_vace_is_a_start_for_training(their_vace: Any) -> None:
    model = vace.converted(their_vace)
    model.control.requires_grad_(True)
    noise, text, controls = inputs(2)
    model(noise, torch.tensor([300.0]), text, controls).square().mean().backward()
    still = {name for name, p in model.control.named_parameters() if p.grad is None or not p.grad.any()}
    assert still <= {"plucker.weight", "plucker.bias"}, "rays have no weight yet, so their own layer learns from the second step on"


def test_the_chain_of_one_view_is_diffusers_own_pipeline(vace_home: Path, their_vace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers import UniPCMultistepScheduler, WanVACEPipeline
    from PIL import Image

    settings = Settings(steps=3, guidance=2.0, chunk_frames=5, carried_frames=1, pixels=32 * 16)
    folder, street = vace_home / "Wan2.1-VACE-1.3B-diffusers", Street(SIX[:1], 5)
    texts = torch.randn((2, 5, 32), generator=torch.Generator().manual_seed(9))
    depth = np.random.default_rng(3).uniform(1, 30, (5, 16, 32)).astype(np.float32)

    class Depths(vace.DrawnSource):
        def arrived(self, index: int) -> None:
            self._kept[index] = [], [depth[index]]

    latents = loading.load_latents(folder, CPU)
    views = WanViews(vace.converted(their_vace), latents, lambda prompts: texts[: len(prompts)], settings, CPU, Depths)
    made = drawn(views, street.scene())["camera_0"]

    from engine.views.calls import Chunk
    from engine.views.ggve.wan.model import _Take

    noise = _Take(views, street.scene(), lambda: False)._noise("camera_0", Chunk(0, 0, 5, 5), torch.Size((16, 2, 2, 4)))
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    pipeline = WanVACEPipeline(None, None, latents.vae, scheduler, their_vace)       # type: ignore[arg-type]
    pipeline.set_progress_bar_config(disable=True)
    shown = [Image.fromarray(frame) for frame in pictures_of(nearness_video(depth))]
    theirs = pipeline(
        video=shown, mask=[Image.new("L", (32, 16), 255)] * 5, height=16, width=32, num_frames=5, num_inference_steps=3, guidance_scale=2.0,
        latents=noise[None], prompt_embeds=texts[:1], negative_prompt_embeds=texts[1:], output_type="np",
    ).frames[0]  # fmt: skip
    # their depth went through eight bits, ours did not
    assert np.abs(made / 255.0 - theirs).max() < 0.03 and made.std() > 3


@pytest.mark.parametrize(
    "chosen",
    [{}, {"first_frame": "drawn"}, {"drive": "pictures"}, {"strength": 0.5}, {"strength": 0.5, "drive": "pictures", "first_frame": "drawn"}],
    ids=lambda chosen: "-".join(map(str, chosen)) or "depth",
)
def test_vace_is_driven_by_the_drawn_world(vace_home: Path, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, Any]) -> None:
    reason = registry.VIEWS["drawn"].why_not()
    if reason is not None:
        pytest.skip(reason)
    monkeypatch.setenv(places.FOLDER, str(vace_home))
    told = {"steps": 2, "guidance": 1.0, "chunk_frames": 5, "carried_frames": 1, "pixels": 32 * 16} | chosen
    (vace_home / "vace-1.3b").mkdir(exist_ok=True)
    (vace_home / "vace-1.3b" / "settings.json").write_text(json.dumps(told))
    views = vace.load_views("vace-1.3b", "cpu", torch.float32)
    street = Street(SIX[:1], 6)
    made = drawn(views, street.scene())
    assert {video.shape for video in made.values()} == {(6, 16, 32, 3)}
    if chosen.get("first_frame") == "drawn":
        from engine.views.drawn.model import DrawnViews

        first = next(iter(DrawnViews(32 * 16).pictures(street.scene(), iter([0]), lambda: False)))
        assert np.array_equal(made[first.camera][0], first.rgb)


# Training


def smooth(index: int, camera: int) -> np.ndarray:
    """A picture that H.264 keeps: its red is the frame, its green the camera."""
    picture = np.empty((16, 32, 3), np.uint8)
    picture[..., 0], picture[..., 1], picture[..., 2] = 40 + 20 * index, 40 + 60 * camera, 120
    return picture


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    street = Street((SIX[1], SIX[0], SIX[5]), 8)
    scene, folder = street.scene(), tmp_path_factory.mktemp("takes") / "one"
    writer = TakeWriter(folder, street.clip, {})
    for index in range(8):
        writer.add_occupancy(street.read(index))
        for number, camera in enumerate(street.clip.cameras):
            writer.add_buffers(camera.name, index, scene.buffers(index, number))
            writer.add_picture(Picture(camera.name, index, smooth(index, number)))
    writer.stage("video")
    writer.finish({})
    return folder


def test_a_take_is_read_as_the_view_model_saw_it(take: Path) -> None:
    video, scene = TakeVideos(take), Street((SIX[1], SIX[0], SIX[5]), 8).scene()
    assert set(video.pairs) == {(0, 1), (1, 2)} and video.triplets == [(0, 1, 2)] and video.prompt == "rain a street"
    clip = pickle.loads(pickle.dumps(video)).clip((0, 1), 2, 3, 2, (16, 32))
    for place, number in enumerate((0, 1)):
        for k in range(3):
            wanted = smooth(2 + k, number).astype(int)
            assert np.abs(clip["picture"][place, k].astype(int) - wanted).max() <= 6
            cast = scene.buffers(2 + k, number)
            assert np.array_equal(clip["semantic"][place, k], cast.semantic)
            hit = np.isfinite(cast.coordinate).all(-1)
            shift = np.array([0.6, 0, 0])                                            # frame 2 is 0.6 m ahead of frame 0
            np.testing.assert_allclose(clip["coordinate"][place, k][hit], cast.coordinate[hit] - shift, atol=0.01)
            assert np.isnan(clip["coordinate"][place, k][~hit]).all()
    np.testing.assert_allclose(clip["pose"][0, 0], scene.clip.camera_pose(2, 0), atol=1e-5)
    assert TakeVideos(take).clip((2,), 0, 1, 0, (8, 24))["picture"].shape == (1, 1, 8, 24, 3)


def test_data_that_cannot_be_used_are_refused_in_a_sentence(take: Path, tmp_path: Path) -> None:
    assert len(open_videos(f"takes:{take}")) == len(open_videos(f"takes:{take.parent}")) == 1
    for data, said in ((None, "--data takes:TAKES"), ("occ3d:/x", "write for example takes:TAKES"), (f"takes:{tmp_path}", "There is no take")):
        with pytest.raises(DataError, match=said):
            open_videos(data)


def test_the_mixture_goes_from_generation_to_all_modes_alike() -> None:
    at = [recipe.mixture(share) for share in (0.0, 0.15, 0.45, 0.6, 1.0)]
    assert all(abs(sum(odds.values()) - 1) < 1e-9 for odds in at)
    assert at[0]["middle"] == 0.05 and at[1]["middle"] == pytest.approx(0.1) and at[2]["middle"] == pytest.approx(0.175)
    assert set(at[3].values()) == set(at[4].values()) == {0.2}


def test_batches_are_of_every_mode_and_follow_from_the_step(take: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = recipe.VideoBatches((TakeVideos(take),), (5, 16, 32), 1, 1, 5)
    one, again = batches(3), batches(3)
    assert all(torch.equal(value.nan_to_num(), again[name].nan_to_num()) for name, value in one.items())
    seen = set()
    monkeypatch.setattr(TakeVideos, "clip", lambda self, group, *rest: {"picture": np.zeros((len(group), 5, 1, 1, 3), np.uint8)})
    for step in range(24):
        batch = batches(step)
        observed = batch["observed"][0]                                              # (V, F)
        whole = observed.min(1).values.tolist()
        seen.add((len(whole), int(sum(whole)), bool(observed[:, 0].min() > 0)))
        assert observed.shape[1] == 2 and batch["picture"].shape[:3] == (1, len(whole), 5)
    assert {(views, anchors) for views, anchors, _ in seen} == {(1, 0), (2, 0), (3, 0), (2, 1), (3, 2)}
    assert {first for _, _, first in seen} == {True, False}


def test_recomputed_blocks_have_the_same_gradients(home: Path) -> None:
    noise, text, controls = inputs()
    gradients = []
    for again in (False, True):
        model = plain(home)
        model.control.requires_grad_(True)
        if again:
            fitting.recompute(model)
        model(noise, torch.tensor([400.0]), text, controls).square().mean().backward()
        gradients.append({name: p.grad for name, p in model.control.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=0, atol=1e-6)


def test_training_resumes_to_the_last_bit_and_its_branch_is_loaded(
    home: Path, take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "Wan2.1-T2V-1.3B-Diffusers").symlink_to(home / "Wan2.1-T2V-1.3B-Diffusers")
    monkeypatch.setenv(places.FOLDER, str(models))
    monkeypatch.setitem(recipe.SCHEDULES, "tiny", replace(recipe.SCHEDULES["tiny"], steps=2, checkpoint_every_s=0.0))
    monkeypatch.setattr(loop, "half_precision", lambda device: nullcontext())        # bfloat16 only costs time at this size
    facts = recipe.main("tiny", models / "wan-1.3b", device="cpu", data=f"takes:{take}")
    assert facts["steps"] == 2 and facts["finished"]

    class Enough(Exception):
        pass

    call = recipe.VideoBatches.__call__

    def stops_after_one(self: recipe.VideoBatches, step: int) -> dict[str, Tensor]:
        if step == 1:
            raise Enough
        return call(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(recipe.VideoBatches, "__call__", stops_after_one)
        with pytest.raises(Enough):
            recipe.main("tiny", tmp_path / "cut", device="cpu", data=f"takes:{take}")
    recipe.main("tiny", tmp_path / "cut", resume=True, device="cpu", data=f"takes:{take}")
    whole, cut = ((folder / "control.safetensors").read_bytes() for folder in (models / "wan-1.3b", tmp_path / "cut"))
    assert whole == cut

    state = torch.load(tmp_path / "cut" / "wan_run" / "checkpoint.pt", weights_only=True)
    branch = loading.load_file(tmp_path / "cut" / "control.safetensors")
    assert set(state["model"]) == set(state["average"]) == set(branch), "the backbone is in no checkpoint"
    assert len(state["optimiser"]["state"]) == len(branch)
    views = load_views("wan-1.3b", "cpu", torch.float32)
    assert views.facts["branch"]["backbone"] == "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"   # type: ignore[index]
    assert any(p.any() for p in views.model.control.proj_out.parameters()), "it has learned something"


def test_a_branch_learns_from_a_log(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.FOLDER, str(home))
    monkeypatch.setitem(recipe.SCHEDULES, "tiny", replace(recipe.SCHEDULES["tiny"], steps=2))
    monkeypatch.setattr(loop, "half_precision", lambda device: nullcontext())
    folder, occ3d = write_drive(tmp_path)
    facts = recipe.main("tiny", tmp_path / "out", device="cpu", data=f"nuscenes:{folder},occ3d:{occ3d}")
    assert facts["finished"] and facts["data"].startswith("1 videos of nuscenes:")
    assert any(value.any() for name, value in loading.load_file(tmp_path / "out" / "control.safetensors").items() if name.startswith("proj_out"))


def test_a_branch_without_data_or_weights_is_not_trained(take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="--data takes:TAKES"):
        recipe.main("tiny", tmp_path / "out", device="cpu")
    monkeypatch.delenv(places.FOLDER, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(places.WanError, match="hf download Wan-AI/Wan2.1-T2V-14B-Diffusers"):
        recipe.main("paper", tmp_path / "out", device="cpu", data=f"takes:{take}")
