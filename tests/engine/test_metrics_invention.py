"""Distances between sets of features, the held-out reference, diversity over seeds and sensitivity to channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.devices import half_precision
from engine.metrics.diversity import Diversity, diversity
from engine.metrics.features import AutoencoderFeatures, load_features
from engine.metrics.frechet import frechet_distance, kernel_distance
from engine.metrics.invention import Invention
from engine.metrics.reference import Sample, compare, held_out_reference
from engine.metrics.sensitivity import blanked, sensitivity
from engine.occupancy.config import PRESETS
from engine.occupancy.fake import FakeOccupancy
from engine.occupancy.vae import OccupancyVae
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import OCC3D
from engine.weights import WeightsError, save_model

GRID = OCC3D.crop(40)


def clip(frames: int = 2) -> SceneClip:
    """A road with a car on it, and a walkway beside."""
    layouts = np.zeros((frames, 15, *GRID.bev_shape), np.uint8)
    layouts[:, CHANNEL["drivable_area"], :, :20] = 1
    layouts[:, CHANNEL["walkway"], :, 20:24] = 1
    layouts[:, CHANNEL["car"], 10:20, 5:10] = 1
    car = Box(7, "car", (-2.0, -5.0, 0.8), (4.0, 2.0, 1.6), 0.0)
    return SceneClip(layouts, ((car,),) * frames, np.tile(np.eye(4), (frames, 1, 1)), grid=GRID)


class SeededEngine(FakeOccupancy):
    """The lift, with a building whose place the seed decides, and deaf to the walkway."""

    def occupancy(self, clip: SceneClip, recipe: Recipe, cancelled: Cancelled) -> Iterator[OccupancyFrame]:
        layouts = clip.layouts.copy()
        layouts[:, CHANNEL["walkway"]] = 0
        for frame in super().occupancy(replace(clip, layouts=layouts), recipe, cancelled):
            frame.semantics[4 * recipe.seed : 4 * recipe.seed + 4, 30:] = CLASS["manmade"]
            yield frame


def test_frechet_between_gaussians_of_known_distance() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(20_000, 6)), 2 * random.normal(size=(20_000, 6)) + 1
    # |1|^2 over 6 dimensions, and (1 - 2)^2 for each of their standard deviations.
    for shrink in (True, False):
        assert frechet_distance(a, b, shrink) == pytest.approx(6 + 6, rel=0.02)
        assert frechet_distance(b, a, shrink) == pytest.approx(frechet_distance(a, b, shrink), rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_frechet_of_full_covariances_agrees_with_the_textbook_root() -> None:
    from scipy.linalg import sqrtm

    random = np.random.default_rng(1)
    a, b = (random.normal(size=(300, 5)) @ random.normal(size=(5, 5)) for _ in range(2))
    first, second = np.cov(a.T), np.cov(b.T)
    apart = a.mean(0) - b.mean(0)
    textbook = apart @ apart + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    assert frechet_distance(a, b, shrink=False) == pytest.approx(textbook, rel=1e-6)


def test_shrinkage_helps_small_samples() -> None:
    random = np.random.default_rng(2)
    a, b = random.normal(size=(40, 32)), random.normal(size=(40, 32))
    assert frechet_distance(a, b) < 0.5 * frechet_distance(a, b, shrink=False)


def test_kernel_distance_by_hand() -> None:
    # (xy + 1)^3: 1 within each set off the diagonal, and (1 + 1 + 1 + 27) / 4 across.
    assert kernel_distance(np.array([[0.0], [1]]), np.array([[0.0], [2]])) == pytest.approx(1 + 1 - 2 * 7.5)
    random = np.random.default_rng(3)
    a, b, far = random.normal(size=(500, 4)), random.normal(size=(500, 4)), random.normal(size=(500, 4)) + 2
    assert abs(kernel_distance(a, b)) < 0.2 < kernel_distance(a, far)
    with pytest.raises(ValueError, match="cannot be compared"):
        kernel_distance(a, far[:, :2])


@pytest.fixture
def autoencoder(tmp_path: Path) -> AutoencoderFeatures:
    torch.manual_seed(0)
    config = PRESETS["tiny"].vae
    save_model(OccupancyVae(config), tmp_path / "vae", config, {})
    return AutoencoderFeatures.load(tmp_path / "vae", "tiny", "cpu")


def test_features_are_means_and_spreads_of_squares(autoencoder: AutoencoderFeatures) -> None:
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[:20, :20, 2] = CLASS["terrain"]
    features = autoencoder(semantics)
    assert features.shape == (25, 8) and np.isfinite(features).all() and (features[:, 4:] >= 0).all()
    with torch.no_grad(), half_precision(torch.device("cpu")):
        latents = autoencoder.vae.encode(torch.from_numpy(semantics)[None]).mean.float()[0].numpy()
    square = latents[:, 2:4, 4:6].reshape(4, -1)  # square (1, 2) of the 10 x 10 latents
    assert np.allclose(features[1 * 5 + 2, :4], square.mean(1), atol=1e-4)
    assert np.allclose(features[1 * 5 + 2, 4:], square.std(1), atol=2e-3)
    with pytest.raises(WeightsError, match="16 voxels high"):
        autoencoder(semantics[:, :, :8])


def test_without_weights_there_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.metrics.features.WEIGHTS", tmp_path)
    reason = load_features()
    assert isinstance(reason, str) and "no weights" in reason
    reference = held_out_reference(4, GRID, reason)
    result = compare(reference.halves[0], reference)
    assert result["anyscene_ae_frechet"] == {"unavailable": reason}
    assert result["class_histogram_js"]["between_held_out_halves"] > 0


def test_invention_is_measured_in_units_of_the_held_out_halves(autoencoder: AutoencoderFeatures) -> None:
    reference = held_out_reference(6, GRID, autoencoder)
    assert [half.row_count for half in reference.halves] == [75, 75]
    first = compare(reference.halves[0], reference)
    # To itself 0, to the other half the distance between the halves: their mean is half of it.
    for name in ("class_histogram_js", "anyscene_ae_frechet"):
        assert first[name]["ratio"] == pytest.approx(0.5, abs=0.02)
    assert first["anyscene_ae_frechet"]["rows"] == 75 and first["held_out"]["worlds"] == 6
    # Crates everywhere are no world.
    odd = Sample(autoencoder)
    crates = np.full(GRID.shape, FREE, np.uint8)
    crates[::3, ::3, 5:9] = CLASS["others"]
    for _ in range(3):
        odd.add(crates, np.zeros((15, *GRID.bev_shape), np.uint8))
    far = compare(odd, reference)
    assert far["class_histogram_js"]["ratio"] > 1.5 and far["anyscene_ae_frechet"]["ratio"] > 1.5
    with pytest.raises(ValueError, match="4 or more"):
        held_out_reference(3, GRID, autoencoder)


def test_what_was_painted_is_no_speck() -> None:
    layout = np.zeros((15, *GRID.bev_shape), np.uint8)
    layout[CHANNEL["traffic_cone"], 5, 5] = layout[CHANNEL["lane_divider"], 9, 9] = 1
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[5, 5, 3:6] = semantics[20, 20, 3:6] = CLASS["traffic_cone"]
    semantics[9, 9, 2], semantics[9, 9, 8] = CLASS["lane_divider"], CLASS["vegetation"]
    invention = Invention()
    invention.add(semantics, layout)
    assert invention.speck_voxels == 3 + 1 and invention.occupied_voxels == 8


def test_seeds_differ_where_nothing_is_painted() -> None:
    result = diversity(SeededEngine(), clip(), Recipe(), seeds=(0, 1))
    # 2 x 4 rows of 10 unpainted columns, of 40 x 16; all painted columns agree (the walkway is empty for both).
    assert result == {
        "unpainted_columns_that_differ": 12.5, "painted_columns_same_top_class": 100.0, "painted_columns_same_lowest_class": 100.0,
        "seeds": 2, "frames": 2,
    }  # fmt: skip
    assert diversity(FakeOccupancy(), clip(), Recipe(), seeds=(0, 1))["unpainted_columns_that_differ"] == 0
    with pytest.raises(ValueError, match="only one"):
        diversity(FakeOccupancy(), clip(), Recipe(), seeds=(1, 1))


def test_a_painted_column_that_looks_different_from_above_disagrees() -> None:
    layout = np.zeros((15, *GRID.bev_shape), np.uint8)
    layout[CHANNEL["drivable_area"], :10] = 1
    a = np.full(GRID.shape, FREE, np.uint8)
    a[:10, :, 2] = CLASS["driveable_surface"]
    b, c = a.copy(), a.copy()
    b[0, :, 9] = CLASS["vegetation"]  # a tree over a tenth of the road
    c[:, :, 0] = CLASS["terrain"]  # below the road no one sees it; off the road everything differs
    score = Diversity()
    score.add([a, b], layout)
    assert score.scores()["painted_columns_same_top_class"] == 90.0 and score.scores()["painted_columns_same_lowest_class"] == 100.0
    assert score.scores()["unpainted_columns_that_differ"] == 0
    score = Diversity()
    score.add([a, c], layout)
    assert score.scores()["painted_columns_same_top_class"] == 100.0 and score.scores()["painted_columns_same_lowest_class"] == 0
    assert score.scores()["unpainted_columns_that_differ"] == 100.0


def test_each_channel_matters_where_it_was_painted() -> None:
    engine, scene = SeededEngine(), clip()
    result = sensitivity(engine, scene, Recipe())["per_channel"]
    # Below the car there is road before and after, and the car's cells are painted drivable too.
    assert result["car"] == {"painted_columns": 100, "changed_inside": 100.0, "changed_elsewhere": 0.0, "no_longer_shown": 100.0}
    assert result["drivable_area"]["changed_inside"] == 100.0 and result["drivable_area"]["changed_elsewhere"] == 0
    assert result["walkway"] == {"painted_columns": 320, "changed_inside": 0.0, "changed_elsewhere": 0.0, "no_longer_shown": None}
    assert result["bus"] is None and len(result) == 15


def test_blanking_a_channel_takes_its_boxes_and_leaves_the_clip_alone() -> None:
    scene = clip()
    without = blanked(scene, CHANNEL["car"])
    assert not without.layouts[:, CHANNEL["car"]].any() and without.boxes == ((), ())
    assert scene.layouts[:, CHANNEL["car"]].any() and len(scene.boxes[0]) == 1
    assert blanked(scene, CHANNEL["walkway"]).boxes == scene.boxes
