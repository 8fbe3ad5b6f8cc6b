"""FID and KID of renders, with a stand-in for InceptionV3: what a user's file must do, and what is done with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.metrics.page import render_page
from engine.metrics.procedural import evaluate_procedural
from engine.metrics.renders import Inception, InceptionError, RenderScores, renders
from engine.occupancy.fake import FakeOccupancy
from engine.spec.camera import surround_cameras
from engine.spec.classes import CLASS, CLASS_RGB, FREE
from engine.spec.grid import GridSpec

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
"""TorchScript is what such files come as."""
GRID = GridSpec("small", (40, 40, 16), 0.4, (-8.0, -8.0, -1.0))
CAMERAS = surround_cameras(64, 40)[:2]
POSES = np.stack([camera.ego_SE3_camera.matrix() for camera in CAMERAS])


class Floats(nn.Module):
    """Mean colours of quarters: features (N, 12) of floats (N, 3, 299, 299)."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == 299 and float(x.max()) <= 1
        return nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)


class Bytes(nn.Module):
    """The same as StyleGAN's file is called: bytes, and `return_features`."""

    def forward(self, x: Tensor, return_features: bool = False) -> Tensor:
        assert x.dtype == torch.uint8 and return_features
        return nn.functional.adaptive_avg_pool2d(x.float() / 255, 2).flatten(1)


class Maps(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def saved(module: nn.Module, path: Path) -> Path:
    torch.jit.script(module).save(str(path))
    return path


def street(wall_x: int) -> np.ndarray:
    volume = np.full(GRID.shape, FREE, np.uint8)
    volume[:, :, 0] = CLASS["driveable_surface"]
    volume[wall_x, :, 1:10] = CLASS["manmade"]
    return volume


def test_both_kinds_of_file_are_called_as_they_want_to_be(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    plain, stylegan = (Inception.load(saved(kind(), tmp_path / f"{kind.__name__}.pt"), "cpu") for kind in (Floats, Bytes))
    assert not plain.takes_bytes and stylegan.takes_bytes
    assert plain(pictures).shape == stylegan(pictures).shape == (3, 12)
    assert np.abs(plain(pictures) - stylegan(pictures)).max() < 0.02


def test_what_gives_no_features_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InceptionError, match=r"features \(2, D\) are wanted"):
        Inception.load(saved(Maps(), tmp_path / "maps.pt"), "cpu")
    (tmp_path / "text.pt").write_text("no")
    with pytest.raises(InceptionError, match="not a TorchScript"):
        Inception.load(tmp_path / "text.pt", "cpu")


def test_pictures_show_classes_heights_and_depths() -> None:
    pictures = renders(street(30), GRID, CAMERAS, POSES)
    assert [len(pictures[kind]) for kind in ("camera_semantic", "camera_depth", "bev_semantic", "bev_height")] == [2, 2, 1, 1]
    bev = pictures["bev_semantic"][0]
    assert (bev == CLASS_RGB[CLASS["driveable_surface"]]).all(), "the lowest class of a column counts"
    assert len(np.unique(pictures["bev_height"][0].reshape(-1, 3), axis=0)) == 2


def test_the_same_volumes_are_at_distance_zero_and_other_ones_are_not(tmp_path: Path) -> None:
    extractor = Inception.load(saved(Floats(), tmp_path / "floats.pt"), "cpu")
    same, other, blind = (RenderScores(extractor) for _ in range(3))
    for wall in range(24, 36):
        same.add(street(wall), street(wall), GRID, CAMERAS, POSES)
        other.add(street(wall), street(38 - wall // 3), GRID, CAMERAS, POSES)
        blind.add(street(wall), street(wall), GRID, (), POSES[:0])
    alike, unlike = same.scores()["camera_renders"], other.scores()["camera_renders"]
    assert alike["fid"] == pytest.approx(0, abs=1e-3) and unlike["fid"] > 10 * max(alike["fid"], 1e-4)
    assert alike["pictures"] == 24 and alike["features_of"] == "floats.pt" and set(alike["kinds"]) == {"camera_semantic", "camera_depth"}
    assert blind.scores()["camera_renders"] is None and blind.scores()["bev_renders"]["pictures"] == 12


def test_an_evaluation_carries_them_to_its_page(tmp_path: Path) -> None:
    file = saved(Floats(), tmp_path / "floats.pt")
    report = evaluate_procedural(FakeOccupancy(), 2, frames_per_world=2, held_out=0, inception=file, grid=GRID)
    scores = report["procedural"]["versus_truth"]
    assert scores["camera_renders"]["pictures"] == 12 and scores["bev_renders"]["fid"] > 0
    render_page(report, [], tmp_path / "page.html")
    assert "FID of camera renders" in (tmp_path / "page.html").read_text()
