"""The weights that we ship: they load, obey, draw, and give the same bytes twice. Scenes that no training run has seen."""

from __future__ import annotations

import numpy as np
import pytest

from engine.api import Recipe
from engine.data.worlds import make_world
from engine.metrics.layout import Obedience
from engine.occupancy.model import StOccDitOccupancy
from engine.presets import load_occupancy
from engine.spec.camera import Camera
from engine.spec.clip import SceneClip
from engine.spec.geometry import Pose
from engine.spec.worlds import HELD_OUT_SEED
from engine.views import registry
from engine.views.scene import ViewScene
from engine.weights import WEIGHTS

FRONT = Camera("front", 160, 96, 90.0, 90.0, 80.0, 48.0, Pose(1.5, 0.0, 1.6, -np.pi / 2, 0.0, -np.pi / 2))


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def model() -> StOccDitOccupancy:
    loaded = load_occupancy("compact", "cpu")
    assert isinstance(loaded, StOccDitOccupancy)
    return loaded


@pytest.fixture(scope="module")
def clip() -> SceneClip:
    made = make_world(HELD_OUT_SEED + 12).clip(2)
    return SceneClip(made.layouts, made.boxes, made.world_SE3_ego, cameras=(FRONT,), prompt="a rainy night")


def test_all_weights_together_stay_small() -> None:
    files = list(WEIGHTS.rglob("*.safetensors"))
    assert len(files) >= 3
    assert sum(file.stat().st_size for file in files) < 60e6
    assert max(file.stat().st_size for file in files) <= 16 * 2**20


def test_layout_alone_is_obeyed_on_scenes_never_trained_on(model: StOccDitOccupancy) -> None:
    obedience = Obedience()
    for seed in range(3):
        clip = make_world(HELD_OUT_SEED + seed).clip(1)
        for frame in model.occupancy(clip, Recipe(seed=seed), never):
            obedience.add(frame.semantics, clip.layouts[frame.index])
    scores = obedience.scores()
    assert scores["miou"] > 85 and scores["iou"] > 95, scores


def test_same_recipe_same_bytes_and_pictures_follow(model: StOccDitOccupancy, clip: SceneClip) -> None:
    once = list(model.occupancy(clip, Recipe(seed=3), never))
    again = list(model.occupancy(clip, Recipe(seed=3), never))
    assert all(np.array_equal(a.semantics, b.semantics) and np.array_equal(a.instances, b.instances) for a, b in zip(once, again, strict=True))
    boxes = {box.instance_id for box in clip.boxes[0]}
    assert boxes & set(np.unique(once[0].instances).tolist()), "instance ids must be those of the boxes"
    scene = ViewScene(clip, Recipe(seed=3), once.__getitem__)
    pictures = list(registry.load("drawn", "cpu").pictures(scene, iter(range(2)), never))
    assert [(p.camera, p.index) for p in pictures] == [("front", 0), ("front", 1)]
    assert pictures[0].rgb.shape == (96, 160, 3) and pictures[0].rgb.std() > 5
    buffers = scene.buffers(1, 0)
    assert (buffers.depth > 0).mean() > 0.2


def test_a_blank_page_has_no_agents(model: StOccDitOccupancy) -> None:
    blank = SceneClip(np.zeros((1, 15, 200, 200), np.uint8), ((),), np.eye(4)[None])
    frame = next(iter(model.occupancy(blank, Recipe(), never)))
    agents = (frame.semantics >= 1) & (frame.semantics <= 10)
    assert agents.sum() == 0
