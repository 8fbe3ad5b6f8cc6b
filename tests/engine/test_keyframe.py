"""Key grids: the same for whoever drives by, and what stands still as they show it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api import OccupancyFrame, Recipe
from engine.metrics.same_world import found_again
from engine.occupancy.config import PRESETS
from engine.occupancy.keyframe import HEADING_STEP_RAD, KeyPlace, key_grid, key_place, static_layout
from engine.occupancy.prior.sketch import places_in
from engine.occupancy.prior.tokens import tokens_of
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.static_world import Seen, StaticWorld, all_of
from engine.spec.classes import AGENTS, CHANNEL, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose, invert
from engine.spec.grid import OCC3D
from engine.spec.layout import Layout, Polygon
from engine.spec.raster import rasterise
from tests.engine.untrained import untrained_generator

SMALL = OCC3D.crop(48)
TURN = 0.62
ALONG, ACROSS = np.array([np.cos(TURN), np.sin(TURN)]), np.array([-np.sin(TURN), np.cos(TURN)])
STREET = Layout((Polygon(CHANNEL["drivable_area"], np.array([a * 200 * ALONG + b * 4 * ACROSS for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])),))
CAR = Box(7, "car", (4.0, 1.0, 0.8), (4.0, 1.8, 1.6), TURN)


def clip(*poses: Pose, boxes: tuple[Box, ...] = ()) -> SceneClip:
    """A street that is turned by TURN in the world, seen from some poses."""
    scene = replace(STREET, boxes=boxes)
    matrices = np.stack([pose.matrix() for pose in poses])
    seen = tuple(tuple(box.moved(invert(pose)) for box in boxes) for pose in matrices)
    layouts = np.stack([rasterise(scene, SMALL, pose) for pose in matrices])
    return SceneClip(layouts, seen, matrices, grid=SMALL, ground=(STREET,) * len(poses))


def place_of(scene: SceneClip, index: int = 0) -> KeyPlace:
    return key_place(STREET, SMALL, scene.world_SE3_ego[index])


@pytest.fixture(scope="module")
def generator() -> OccupancyGenerator:
    return untrained_generator(PRESETS["tiny"], 0.1, spread_sketch=True)


def test_a_key_grid_follows_the_street_and_does_not_ask_who_drives() -> None:
    paths = Pose(0.3, 0.2, yaw_rad=TURN), Pose(0.3 - np.sin(TURN), 0.2 + np.cos(TURN), yaw_rad=TURN), Pose(0.3, 0.2, 0.1, TURN + 0.087, 0.02, 0.01)
    seen = clip(*paths)
    places = [place_of(seen, k) for k in range(3)]
    assert len(set(places)) == 1
    assert abs(places[0].heading_rad - TURN) <= HEADING_STEP_RAD / 2
    assert place_of(clip(Pose(yaw_rad=TURN + np.pi))).heading_rad == pytest.approx(places[0].heading_rad + np.pi), "a quarter turn apart"
    layout = static_layout(STREET, SMALL, places[0])
    assert layout[CHANNEL["drivable_area"]].any() and not layout[: len(AGENTS)].any()
    along = layout[CHANNEL["drivable_area"]].mean(0)
    assert along[44] == 1 and along[0] == along[-1] == 0, "the street goes along x"


def test_neighbouring_key_grids_share_their_cells() -> None:
    here, there = KeyPlace(4, 2, -3), KeyPlace(4, 3, -3)
    assert np.array_equal(here.cells((22, 22))[5:], there.cells((22, 22))[:-5])
    ego = Pose(20.0, -20.0, 1.0, 0.3, 0.05, -0.02).matrix()
    step = np.linalg.inv(here.world_SE3_key(ego)) @ there.world_SE3_key(ego)
    assert np.allclose(step[:3, :3], np.eye(3)) and abs(np.linalg.norm(step[:3, 3]) - 8.0) < 0.02
    pose = here.world_SE3_key(ego)
    assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3)) and np.linalg.det(pose[:3, :3]) == pytest.approx(1)
    assert abs((np.linalg.inv(ego) @ pose)[2, 3]) < 1e-9, "in the ego's ground plane"
    grid = key_grid(OCC3D)
    assert grid.shape == (240, 240, 16) and grid.origin_m == (-48.0, -48.0, -1.0)


def test_places_of_a_wider_grid_go_on_beyond_the_frame() -> None:
    assert torch.allclose(places_in(22, 22, 5)[:, 5:-5, 5:-5], places_in(12, 12), atol=1e-6)


def test_an_agent_that_moves_changes_nothing_far_from_it(generator: OccupancyGenerator) -> None:
    poses = Pose(yaw_rad=TURN), Pose(0.5, 0.3, yaw_rad=TURN)
    grids: list[list[Seen]] = []

    def static(scene: SceneClip) -> list[Seen | None]:
        world = StaticWorld(scene, (STREET,) * 2, lambda *asked: generator.key(Recipe(seed=3), scene, *asked))
        return [world.around(k, lambda: False) for k in range(2)]

    for boxes in ((CAR,), (replace(CAR, center_m=(-4.0, -3.0, 0.8)),), ()):
        grids.append(static(clip(*poses, boxes=boxes)))  # type: ignore[arg-type]
    for others in grids[1:]:
        assert all(np.array_equal(a.semantics, b.semantics) for a, b in zip(grids[0], others, strict=True))
    assert grids[0][0] is grids[0][1], "the same key grid serves both frames"


def test_a_key_grid_that_was_drawn_is_not_drawn_again(generator: OccupancyGenerator) -> None:
    seen, other = clip(Pose(yaw_rad=TURN)), clip(Pose(0.5, 0.2, yaw_rad=TURN + 0.05), boxes=(CAR,))

    def key(scene: SceneClip, seed: int, cancelled: bool = False) -> Seen | None:
        return generator.key(Recipe(seed=seed), scene, 0, place_of(scene), (None, None), lambda: cancelled)

    first = key(seen, 11)
    again, another = key(other, 11, cancelled=True), key(other, 12)
    assert first is not None and again is not None and another is not None
    assert np.array_equal(first.semantics, again.semantics) and not np.array_equal(first.semantics, another.semantics)
    generator._begun.clear()
    redrawn = key(seen, 11)
    assert redrawn is not None and np.array_equal(redrawn.semantics, first.semantics) and key(seen, 13, cancelled=True) is None


def test_what_was_sketched_before_a_draft_was_called_off_is_not_sketched_again(generator: OccupancyGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = clip(Pose(yaw_rad=TURN))

    def key(seed: int, cancelled: bool = False, steps: int | None = None) -> Seen | None:
        return generator.key(Recipe(seed=seed, steps=steps), scene, 0, place_of(scene), (None, None), lambda: cancelled)

    alone = key(21)
    assert alone is not None and key(22) is not None  # another world takes its place
    assert key(21, cancelled=True) is None
    draws: list[int] = []
    sketch, draw = tokens_of(generator.prior).sketch, tokens_of(generator.prior).sketch.draw
    monkeypatch.setattr(sketch, "draw", lambda *given: (draws.append(1), draw(*given))[1])
    after = key(21)
    assert after is not None and not draws and np.array_equal(after.semantics, alone.semantics)
    assert key(21, steps=5) is not None and not draws, "a draft of other steps begins from the same"
    assert key(22) is not None and draws


def test_what_a_key_grid_showed_the_next_one_shows(generator: OccupancyGenerator) -> None:
    seen = clip(Pose(yaw_rad=TURN), Pose(*(9.0 * ALONG), yaw_rad=TURN))
    grid, place = key_grid(SMALL), place_of(seen)
    street = static_layout(STREET, SMALL, place)[CHANNEL["drivable_area"]].astype(bool)
    first = Seen(np.full(grid.shape, FREE, np.uint8), np.ones(grid.bev_shape, bool), grid, place.world_SE3_key(seen.world_SE3_ego[0]))
    first.semantics[..., 2] = np.where(street, CLASS["driveable_surface"], CLASS["terrain"])
    first.semantics[20:30, 50:60, 3:9] = CLASS["manmade"]
    second = generator.key(Recipe(), seen, 1, place_of(seen, 1), (first,), lambda: False)
    assert second is not None
    there = first.from_pose(grid, second.world_SE3_grid)
    held = (second.semantics == there.semantics).all(2)
    assert held[there.known].mean() > 0.95 and not held[~there.known].any(), "but for a rim of half cells"
    assert there.known.mean() == pytest.approx(68 / 88) and (there.semantics == CLASS["manmade"]).sum() == 600


def test_going_on_in_another_world_believes_what_the_past_frame_shows(generator: OccupancyGenerator) -> None:
    seen = clip(*(Pose(*(0.5 * k * ALONG), yaw_rad=TURN) for k in range(3)))
    whole = list(generator.frames(seen, Recipe(seed=1)))
    rest = next(generator.frames(seen, Recipe(seed=1), first=2, past=whole[1]))
    assert np.array_equal(rest.semantics, whole[2].semantics)
    blank = OccupancyFrame(1, np.full(SMALL.shape, FREE, np.uint8), np.zeros(SMALL.shape, np.uint16))
    blank.semantics[..., 2] = CLASS["terrain"]
    other = next(generator.frames(seen, Recipe(seed=1), first=2, past=blank))
    assert not np.array_equal(other.semantics, whole[2].semantics)


def test_a_view_of_a_key_grid_is_the_grid_seen_from_there() -> None:
    dice = np.random.default_rng(0)
    semantics = np.where(dice.random(key_grid(SMALL).shape) < 0.1, CLASS["manmade"], FREE).astype(np.uint8)
    place = KeyPlace(11, 0, 0)
    ego = Pose(0.7, -0.4, 0.0, TURN + 0.08).matrix()
    whole = all_of(semantics, key_grid(SMALL), place.world_SE3_key(ego))
    part = whole.from_pose(SMALL, ego)
    assert part.known.all() and part.semantics.shape == SMALL.shape
    back = Seen(part.semantics, part.known, SMALL, ego)
    found, asked = found_again(back.semantics, back.from_pose(SMALL, ego).semantics, SMALL, np.eye(4))
    assert found.sum() == asked.sum() > 0
    assert 0.09 < (part.semantics != FREE).mean() < 0.11
    over = Seen(np.full(SMALL.shape, FREE, np.uint8), np.zeros(SMALL.bev_shape, bool), SMALL, ego).over(part)
    assert np.array_equal(over.semantics, part.semantics) and over.known.all()
