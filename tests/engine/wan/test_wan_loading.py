"""What is loaded is what was saved; what is missing or does not fit is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.views import registry
from engine.views.ggve.control import ControlConfig, Controlled

pytest.importorskip("diffusers", reason="diffusers is in the extra views-wan, which is not installed")
pytest.importorskip("transformers", reason="transformers is in the extra views-wan, which is not installed")

from diffusers import WanTransformer3DModel  # noqa: E402

from engine.views.ggve.wan import loading, places  # noqa: E402
from engine.views.ggve.wan.model import load_views  # noqa: E402
from engine.views.ggve.wan.settings import read_settings  # noqa: E402
from tests.engine.wan.tiny import SIX, TINY, Street, drawn  # noqa: E402


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
