"""`compact` views over a street, with untrained tiny weights: what arrives when, what stays, and that it is the same again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import OccupancyFrame, Picture, Recipe
from engine.spec.camera import Camera, surround_cameras
from engine.spec.classes import CHANNELS, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D
from engine.views.ggve.autoencoder import CONFIGS as AUTOENCODERS
from engine.views.ggve.autoencoder import Autoencoder
from engine.views.ggve.compact import CONFIGS, CompactGGVE
from engine.views.ggve.model import KEY_EVERY, CompactViews, load_views
from engine.views.scene import ViewScene
from engine.weights import WeightsError, save_model

FRAMES = KEY_EVERY + 2
RIG = tuple(surround_cameras(64, 32)[:3])


@pytest.fixture(scope="module")
def views() -> CompactViews:
    torch.manual_seed(0)
    autoencoder, model = Autoencoder(AUTOENCODERS["tiny"]), CompactGGVE(CONFIGS["tiny"])
    torch.nn.init.normal_(autoencoder.decoder.leave.weight, std=0.05)
    return CompactViews(autoencoder, model, torch.device("cpu"), {})


def frame(index: int) -> OccupancyFrame:
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 2] = CLASS["driveable_surface"]
    semantics[130:150, 120:140, 3:12] = CLASS["manmade"]
    return OccupancyFrame(index, semantics, np.zeros(OCC3D.shape, np.uint16))


def scene(prompt: str = "noon", frames: int = FRAMES, cameras: tuple[Camera, ...] = RIG, **settings: Mapping[str, object]) -> ViewScene:
    poses = np.stack([Pose(float(k), 0.0, 0.0).matrix() for k in range(frames)])
    clip = SceneClip(np.zeros((frames, len(CHANNELS), *OCC3D.bev_shape), np.uint8), ((),) * frames, poses, cameras, prompt=prompt)
    return ViewScene(clip, Recipe(seed=3), frame, **settings)  # type: ignore[arg-type]


def pictures(views: CompactViews, what: ViewScene) -> dict[tuple[str, int], np.ndarray]:
    return {(p.camera, p.index): p.rgb for p in views.pictures(what, iter(range(len(what))), lambda: False)}


def test_the_first_pictures_need_the_first_frame_only_and_all_come_in_order(views: CompactViews) -> None:
    pulled: list[int] = []

    def arriving() -> Iterator[int]:
        for index in range(FRAMES):
            pulled.append(index)
            yield index

    seen: list[tuple[int, str]] = []
    for picture in views.pictures(scene(), arriving(), lambda: False):
        if not seen:
            assert pulled == [0]
        assert picture.rgb.shape == (32, 64, 3) and picture.rgb.dtype == np.uint8
        seen.append((picture.index, picture.camera))
    assert [index for index, _ in seen] == sorted(index for index, _ in seen)
    assert set(seen) == {(index, camera.name) for index in range(FRAMES) for camera in RIG} and len(seen) == FRAMES * len(RIG)


def test_same_recipe_same_pictures_and_the_prompt_is_seen(views: CompactViews) -> None:
    once, again, night = pictures(views, scene()), pictures(views, scene()), pictures(views, scene("night"))
    assert all(np.array_equal(once[key], again[key]) for key in once)
    assert any(not np.array_equal(once[key], night[key]) for key in once)
    assert views.unknown_words("noon zebra") == ("zebra",)


def test_a_prompt_may_speak_to_one_camera(views: CompactViews) -> None:
    noon, night, mixed = (pictures(views, scene(words, 1)) for words in ("noon", "night", f"noon | {RIG[0].name}: night"))
    one, other = RIG[0].name, RIG[1].name
    assert np.abs(mixed[one, 0].astype(int) - night[one, 0]).mean() < np.abs(mixed[one, 0].astype(int) - noon[one, 0]).mean()
    assert np.abs(mixed[other, 0].astype(int) - noon[other, 0]).mean() < np.abs(mixed[other, 0].astype(int) - night[other, 0]).mean()


def test_given_views_stay_and_steer_the_others(views: CompactViews) -> None:
    plain = pictures(views, scene())
    red = np.zeros((32, 64, 3), np.uint8)
    red[..., 0] = 255
    kept = pictures(views, scene(given={RIG[0].name: lambda index: red}))
    assert all(np.array_equal(kept[RIG[0].name, index], red) for index in range(FRAMES))
    assert not np.array_equal(kept[RIG[1].name, 0], plain[RIG[1].name, 0])
    started = pictures(views, scene(reference={RIG[0].name: np.repeat(np.repeat(red, 3, 0), 3, 1)}))
    assert not np.array_equal(started[RIG[1].name, 0], plain[RIG[1].name, 0])


def test_sizes_are_whole_cells_and_mixed_sizes_go_together(views: CompactViews) -> None:
    large = Camera("large", 1600, 900, 1200.0, 1200.0, 800.0, 450.0)
    drawn = views.size(large)
    assert drawn.width % 16 == drawn.height % 16 == 0 and drawn.width * drawn.height <= 1.1 * views.pixels
    mixed = (RIG[0], RIG[1].resized(48, 64))
    made = pictures(views, scene(frames=1, cameras=mixed))
    assert made[RIG[1].name, 0].shape == (64, 48, 3)


def test_cancelling_ends_at_once(views: CompactViews) -> None:
    stopped = iter(range(100))
    made: list[Picture] = list(views.pictures(scene(), iter(range(FRAMES)), lambda: next(stopped) > 12))
    assert len(made) < FRAMES * len(RIG)


def test_weights_load_and_are_refused_by_name_where_they_are_not(tmp_path: Path, views: CompactViews) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        load_views("cpu", "tiny", tmp_path)
    save_model(views.autoencoder, tmp_path / "autoencoder", AUTOENCODERS["tiny"], {})
    save_model(views.model, tmp_path / "ggve", CONFIGS["tiny"], {})
    loaded = load_views("cpu", "tiny", tmp_path)
    assert loaded.facts["views"] == "tiny" and set(loaded.facts["weights"]) == {"autoencoder", "ggve"}  # type: ignore[arg-type]


def test_frames_may_be_left_out(views: CompactViews) -> None:
    some = list(views.pictures(scene(), iter([0, FRAMES - 1]), lambda: False))
    assert [picture.index for picture in some] == [0] * len(RIG) + [FRAMES - 1] * len(RIG)
    assert all(np.array_equal(picture.rgb, pictures(views, scene())[picture.camera, 0]) for picture in some[: len(RIG)])
