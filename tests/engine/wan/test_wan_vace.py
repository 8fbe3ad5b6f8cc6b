"""VACE, converted, against diffusers' own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.views import registry

pytest.importorskip("diffusers", reason="diffusers is in the extra views-wan, which is not installed")
pytest.importorskip("transformers", reason="transformers is in the extra views-wan, which is not installed")

from diffusers import WanVACETransformer3DModel  # noqa: E402

from engine.views.external import vace  # noqa: E402
from engine.views.ggve.wan import loading, places  # noqa: E402
from engine.views.ggve.wan.buffers import nearness_video  # noqa: E402
from engine.views.ggve.wan.latents import pictures_of  # noqa: E402
from engine.views.ggve.wan.model import WanViews  # noqa: E402
from engine.views.ggve.wan.settings import Settings  # noqa: E402
from tests.engine.wan.tiny import CPU, SIX, TINY, Street, drawn, inputs, save_repository  # noqa: E402


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
