"""GGVE on diffusers' Wan at a tiny random size, and a street that its tests draw."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.api import OccupancyFrame, Picture, Recipe
from engine.spec.camera import Camera, surround_cameras
from engine.spec.clip import SceneClip
from engine.spec.geometry import Pose
from engine.spec.grid import GridSpec
from engine.views.ggve.control import Controlled, Controls
from engine.views.scene import ViewScene

pytest.importorskip("diffusers", reason="diffusers is in the extra views-wan, which is not installed")
pytest.importorskip("transformers", reason="transformers is in the extra views-wan, which is not installed")

from diffusers import AutoencoderKLWan, WanTransformer3DModel  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel  # noqa: E402

from engine.views.ggve.wan import loading, sampling  # noqa: E402
from engine.views.ggve.wan.model import WanViews  # noqa: E402
from engine.views.ggve.wan.settings import Settings  # noqa: E402

TINY = {"num_attention_heads": 2, "attention_head_dim": 12, "text_dim": 32, "freq_dim": 32, "ffn_dim": 32, "num_layers": 4}
VAE = {"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
QUICK = Settings(steps=2, guidance=1.0, chunk_frames=5, carried_frames=1, pixels=32 * 16)
CPU = torch.device("cpu")
GRID = GridSpec("small", (40, 40, 8), 0.4, (-8.0, -8.0, -1.0))


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


def save_home(home: Path) -> Path:
    """The repository, and a branch that was woken as if it were trained."""
    torch.manual_seed(0)
    save_repository(home / "Wan2.1-T2V-1.3B-Diffusers", WanTransformer3DModel(**TINY))
    loading.save_branch(plain(home).control, home / "wan-1.3b", torch.float32, {"steps": 3})
    (home / "wan-1.3b" / "settings.json").write_text(json.dumps({"steps": 2, "guidance": 2.0, "chunk_frames": 5, "carried_frames": 1}))
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
