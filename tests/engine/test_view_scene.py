"""What a view model is given: frames and buffers read when asked for, cast once, and forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.api import OccupancyFrame, Recipe
from engine.spec.camera import Camera
from engine.spec.clip import SceneClip
from engine.spec.frames import FrameReader
from engine.spec.geometry import Pose
from engine.spec.grid import GridSpec
from engine.spec.take import TakeError
from engine.views.fake import FakeViews
from engine.views.scene import ViewScene, frames_from
from engine.write import TakeWriter

GRID = GridSpec("small", (24, 20, 8), 0.4, (-4.8, -4.0, -1.0))
FRAMES = 5
CAMERAS = tuple(
    Camera(name, 32, 20, 20.0, 20.0, 16.0, 10.0, Pose(0.0, 0.0, 1.0, yaw, 0.0, -np.pi / 2)) for name, yaw in (("front", -1.57), ("rear", 1.57))
)


def occupancy(index: int) -> OccupancyFrame:
    rng = np.random.default_rng(index)
    semantics = np.where(rng.random(GRID.shape) < 0.05, rng.integers(0, 20, GRID.shape), 20).astype(np.uint8)
    return OccupancyFrame(index, semantics, np.zeros(GRID.shape, np.uint16))


@pytest.fixture
def clip() -> SceneClip:
    poses = np.stack([Pose(0.2 * k, 0.0, 0.0).matrix() for k in range(FRAMES)])
    return SceneClip(np.zeros((FRAMES, 15, 24, 20), np.uint8), ((),) * FRAMES, poses, CAMERAS, grid=GRID)


def test_frames_come_from_disk_of_a_take_that_is_written_and_of_a_finished_one(clip: SceneClip, tmp_path: Path) -> None:
    writer = TakeWriter(tmp_path / "take", clip, {})
    reader = FrameReader(tmp_path / "take")
    for index in range(FRAMES):
        with pytest.raises(TakeError, match=f"Frame {index} "):
            reader.read(index)
        writer.add_occupancy(occupancy(index))
        assert np.array_equal(reader.read(index)[0], occupancy(index).semantics)
    writer.finish({})
    assert not (tmp_path / "take" / "partial").exists()
    for index in (0, 3, 1, 4, 4):
        semantics, instances = reader.read(index)
        assert np.array_equal(semantics, occupancy(index).semantics) and instances.dtype == np.uint16 and not instances.any()
    assert [semantics.tobytes() for semantics, _ in reader.frames(3)] == [occupancy(k).semantics.tobytes() for k in range(3)]
    with pytest.raises(TakeError, match="fewer frames"):
        reader.read(FRAMES)
    reader.close()
    assert frames_from(tmp_path / "take")(2).index == 2


def test_a_scene_holds_few_frames_and_casts_each_ray_once(clip: SceneClip) -> None:
    read: list[int] = []
    cast: list[tuple[int, int]] = []

    def one(index: int) -> OccupancyFrame:
        read.append(index)
        return occupancy(index)

    scene = ViewScene(clip, Recipe(seed=7), one, on_cast=lambda index, camera, buffers: cast.append((index, camera)))
    assert scene.seed == 7 and len(scene) == FRAMES
    for index in range(FRAMES):
        for _ in range(2):
            for camera in range(len(CAMERAS)):
                scene.buffers(index, camera)
        scene.frame(index)
    assert read == list(range(FRAMES)) and cast == [(index, camera) for index in range(FRAMES) for camera in range(2)]
    assert len(scene._frames) <= 2 and len(scene._volumes) <= 2
    large = replace(clip, cameras=tuple(camera.resized(1600, 900) for camera in CAMERAS))
    heavy = ViewScene(large, Recipe(), occupancy)
    for index in range(2):
        heavy.buffers(index, 0)
    assert len(heavy._buffers) == 1, "what is remembered is counted in pixels"


@pytest.mark.parametrize("order", ["frame", "camera"])
def test_a_model_pulls_the_frames_in_the_order_that_it_names(clip: SceneClip, order) -> None:
    told: list[object] = []

    def arrived():
        for index in range(FRAMES):
            told.append(index)
            yield index

    scene = ViewScene(clip, Recipe(), occupancy)
    for picture in FakeViews(order=order).pictures(scene, arrived(), lambda: False):
        told.append((picture.camera, picture.index))
        assert picture.rgb.shape == (20, 32, 3) and picture.rgb.dtype == np.uint8
    if order == "frame":
        assert told[:4] == [0, ("front", 0), ("rear", 0), 1]
    else:
        assert told[: FRAMES + 2] == [*range(FRAMES), ("front", 0), ("front", 1)]
    assert len(told) == 3 * FRAMES
    assert list(FakeViews(order=order).pictures(scene, iter(range(FRAMES)), lambda: True)) == []
