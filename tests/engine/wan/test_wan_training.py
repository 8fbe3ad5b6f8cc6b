"""Takes and drives are read, and Wan's branch is trained and resumed."""

from __future__ import annotations

import pickle
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.api import Picture
from engine.data.frames import DataError
from engine.data.take_videos import TakeVideos
from engine.data.videos import open_videos
from engine.write import TakeWriter

pytest.importorskip("diffusers", reason="diffusers is in the extra views-wan, which is not installed")
pytest.importorskip("transformers", reason="transformers is in the extra views-wan, which is not installed")

from engine.train import loop  # noqa: E402
from engine.train import wan as recipe  # noqa: E402
from engine.views.ggve.wan import fitting, loading, places  # noqa: E402
from engine.views.ggve.wan.model import load_views  # noqa: E402
from tests.engine.test_nuscenes_videos import write as write_drive  # noqa: E402
from tests.engine.wan.tiny import SIX, Street, inputs, plain  # noqa: E402


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
