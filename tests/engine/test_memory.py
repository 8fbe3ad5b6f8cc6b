"""An earlier take as the memory of the next: what an edit does not touch is taken over, wherever the ego drives now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from engine.api import OccupancyFrame, Recipe
from engine.metrics.same_world import FoundAgain
from engine.occupancy.config import PRESETS
from engine.occupancy.keyframe import key_place
from engine.occupancy.memory import WorldMemory
from engine.occupancy.rollout import OccupancyGenerator
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose, invert
from engine.spec.grid import OCC3D
from engine.spec.layout import Layout, Polygon
from engine.spec.raster import rasterise
from engine.spec.take import Take
from engine.write import TakeWriter
from tests.engine.untrained import untrained_generator

SMALL = OCC3D.crop(48)
ROAD = Layout((Polygon(CHANNEL["drivable_area"], np.array([(-200.0, -4.0), (200.0, -4.0), (200.0, 4.0), (-200.0, 4.0)])),))
SQUARE = Polygon(CHANNEL["walkway"], np.array([(3.0, 5.0), (6.0, 5.0), (6.0, 8.0), (3.0, 8.0)]))
CAR = Box(7, "car", (4.0, 1.0, 0.8), (4.0, 1.8, 1.6), 0.0)
OTHER = Box(8, "car", (-6.0, -2.0, 0.8), (4.0, 1.8, 1.6), 0.0)
DRIVE = tuple(Pose(x_m=0.4 * k) for k in range(3))


def clip(*poses: Pose, boxes: tuple[Box, ...] = (CAR, OTHER), ground: Layout = ROAD, start_s: float = 0.0) -> SceneClip:
    matrices = np.stack([pose.matrix() for pose in poses])
    seen = tuple(tuple(box.moved(invert(pose)) for box in boxes) for pose in matrices)
    layouts = np.stack([rasterise(replace(ground, boxes=boxes), SMALL, pose) for pose in matrices])
    return SceneClip(layouts, seen, matrices, grid=SMALL, ground=(ground,) * len(poses), start_s=start_s)


def street(seed: int) -> np.ndarray:
    """The road, terrain beside it, and boxes of matter at random places."""
    dice = np.random.default_rng(seed)
    made = np.full(SMALL.shape, FREE, np.uint8)
    made[..., 2] = CLASS["terrain"]
    made[:, 14:34, 2] = CLASS["driveable_surface"]
    for x, y in dice.integers(0, 44, (12, 2)):
        made[x : x + 4, y : y + 4, 3:8] = CLASS["manmade"]
    return made


def take(folder: Path, scene: SceneClip, frames: list[np.ndarray]) -> Take:
    writer = TakeWriter(folder, scene, {"seed": 0})
    for index, semantics in enumerate(frames):
        writer.add_occupancy(OccupancyFrame(index, semantics, np.zeros(SMALL.shape, np.uint16)))
    writer.stage("occupancy")
    writer.finish({})
    return Take.open(folder)


@pytest.fixture(scope="module")
def generator() -> OccupancyGenerator:
    return untrained_generator(PRESETS["tiny"])


def test_nothing_edited_is_the_take_itself(tmp_path: Path, generator: OccupancyGenerator) -> None:
    frames = [street(k) for k in range(3)]
    old = take(tmp_path / "take", clip(*DRIVE), frames)
    again = list(generator.frames(clip(*DRIVE), Recipe(seed=9), memory=WorldMemory(old, clip(*DRIVE))))
    assert all(np.array_equal(frame.semantics, was) for frame, was in zip(again, frames, strict=True))


def test_a_moved_agent_and_new_paint_change_what_is_near_them(tmp_path: Path, generator: OccupancyGenerator) -> None:
    frames = [street(k) for k in range(3)]
    old = take(tmp_path / "take", clip(*DRIVE), frames)
    moved = replace(CAR, center_m=(6.0, 1.0, 0.8))
    for scene, near in (
        (clip(*DRIVE, boxes=(moved, OTHER)), [(x, y) for x in (2, 4, 6, 8) for y in (0.1, 1, 1.9)]),
        (clip(*DRIVE, ground=replace(ROAD, polygons=(*ROAD.polygons, SQUARE))), [(x, y) for x in (3, 4.5, 6) for y in (5, 6.5, 8)]),
    ):
        again = list(generator.frames(scene, Recipe(), memory=WorldMemory(old, scene)))
        assert len(again) == 3
        x, y = SMALL.cell_centers_m()
        for k, (frame, was) in enumerate(zip(again, frames, strict=True)):
            spots = np.ones(SMALL.bev_shape, bool)
            for px, py in near:
                spots[np.abs(x - (px - 0.4 * k)).argmin(), np.abs(y - py).argmin()] = False
            far = distance_transform_edt(spots) * 0.4 > 4.0  # pyright: ignore[reportOperatorIssue]
            differs = (frame.semantics != was).any(2)
            assert differs.any() and not differs[far].any()


def test_an_unchanged_car_is_no_edit_seen_from_a_tilted_ego(tmp_path: Path) -> None:
    old = take(tmp_path / "take", clip(*DRIVE), [street(0)] * 3)
    aside = clip(*(Pose(0.4 * k, 0.7, 0.2, 0.1, 0.03, 0.02) for k in range(3)))
    assert WorldMemory(old, aside).of(1).seen.known.all() and not WorldMemory(old, aside).of(1).whole
    gone = WorldMemory(old, clip(*(Pose(0.4 * k, 0.7) for k in range(3)), boxes=(OTHER,))).of(1)
    x, y = SMALL.cell_centers_m()
    assert not gone.seen.known[np.abs(x - 3.6).argmin(), np.abs(y - 1).argmin()] and gone.seen.known.mean() > 0.75


def test_another_path_finds_the_remembered_world(tmp_path: Path, generator: OccupancyGenerator) -> None:
    old = take(tmp_path / "take", clip(*DRIVE), [street(0)] * 3)
    aside = clip(*(Pose(0.4 * k, 1.0, yaw_rad=0.09) for k in range(3)))
    memory = WorldMemory(old, aside)
    key = generator.key(Recipe(), aside, 0, key_place(ROAD, SMALL, aside.world_SE3_ego[0]), (memory.of(0).seen, None), lambda: False)
    assert key is not None
    found, view = FoundAgain(SMALL), key.from_pose(SMALL, aside.world_SE3_ego[0])
    straight = memory.of(0).seen.from_pose(SMALL, aside.world_SE3_ego[0])
    inner = np.where(distance_transform_edt(straight.known)[..., None] > 6, straight.semantics, FREE).astype(np.uint8)  # pyright: ignore[reportOperatorIssue, reportOptionalSubscript, reportIndexIssue]
    one, other = (np.where(inner != FREE, each.semantics, FREE).astype(np.uint8) for each in (straight, view))
    found.add(one, other, (np.eye(4), np.eye(4)), (aside.layouts[0], aside.layouts[0]))
    score = found.scores()["found_again"]
    assert score is not None and score > 97, "but for the rim, whose cells are known in part and drawn by the random decoder"


def test_behind_its_end_the_nearest_frame_is_remembered(tmp_path: Path) -> None:
    frames = [street(k) for k in range(3)]
    old = take(tmp_path / "take", clip(*DRIVE), frames)
    later = WorldMemory(old, clip(*DRIVE, boxes=(), start_s=5.0)).of(0)
    assert np.array_equal(later.seen.semantics, frames[0]) and later.seen.known.all() and not later.in_place


def test_a_take_of_another_grid_is_refused(tmp_path: Path) -> None:
    old = take(tmp_path / "take", clip(*DRIVE), [street(0)] * 3)
    layouts = np.zeros((1, 15, *OCC3D.bev_shape), np.uint8)
    with pytest.raises(ValueError, match="remember a take of this grid"):
        WorldMemory(old, SceneClip(layouts, ((),), np.eye(4)[None]))

