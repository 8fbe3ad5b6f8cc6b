"""World-anchored noise, warped history, instance ids and the rollout itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api import OccupancyFrame, Recipe
from engine.occupancy.config import PRESETS, NoiseConfig
from engine.occupancy.dice import cell_normal, world_cells
from engine.occupancy.history import frames_before
from engine.occupancy.panoptic import Panoptic
from engine.occupancy.prior.noise import NoisePrior
from engine.occupancy.redraw import Window, redraw
from engine.occupancy.region import changed_region
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.static_world import Seen
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import warp_static, warp_static_slow
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose
from engine.spec.grid import OCC3D

SMALL = OCC3D.crop(48)


def normal(world_SE3_ego: np.ndarray, seed: int) -> np.ndarray:
    return cell_normal(world_cells(world_SE3_ego, (50, 50), (-40.0, -40.0)), 16, seed)


def test_noise_is_normal_and_stays_with_the_world() -> None:
    noise = normal(np.eye(4), 3)
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
    moved = normal(Pose(x_m=1.6 * 5).matrix(), 3)
    assert np.array_equal(moved[:, :-5], noise[:, 5:])
    assert not np.array_equal(normal(np.eye(4), 4), noise)


def test_warp_equals_its_slow_twin() -> None:
    semantics = np.random.default_rng(0).integers(0, 21, SMALL.shape).astype(np.uint8)
    pose = Pose(1.3, -0.7, 0.1, 0.4, 0.02, -0.01).matrix()
    warped = warp_static(semantics, SMALL, pose)
    assert np.array_equal(warped, warp_static_slow(semantics, SMALL, pose))
    assert not np.isin(warped, range(1, 11)).any(), "agents are not part of the static world"
    still = warp_static(semantics, SMALL, np.eye(4))
    static = (semantics == 0) | (semantics > 10)
    assert np.array_equal(still[static], semantics[static])


def test_boxes_give_their_ids_and_painted_agents_keep_theirs() -> None:
    semantics = np.full(SMALL.shape, FREE, np.uint8)
    semantics[20:30, 22:26, 3:6] = CLASS["car"]
    semantics[40:42, 5:7, 3:6] = CLASS["pedestrian"]
    x, y = SMALL.cell_centers_m()
    car = Box(7, "car", (float(x[20:30].mean()), float(y[22:26].mean()), 1.0), (4.0, 1.6, 1.6), 0.0)
    panoptic = Panoptic(SMALL, 100)
    first = panoptic.assign(semantics, [car], np.eye(4))
    assert set(np.unique(first[semantics == CLASS["car"]])) == {7}
    assert set(np.unique(first[semantics == CLASS["pedestrian"]])) == {100}
    assert (first[semantics == FREE] == 0).all()
    again = np.full_like(semantics, FREE)
    again[41:43, 5:7, 3:6] = CLASS["pedestrian"]
    assert set(np.unique(panoptic.assign(again, [], np.eye(4)))) == {0, 100}
    other = np.full_like(semantics, FREE)
    other[5:7, 40:42, 3:6] = CLASS["pedestrian"]
    assert set(np.unique(panoptic.assign(other, [], np.eye(4)))) == {0, 101}


@pytest.fixture(scope="module")
def generator() -> OccupancyGenerator:
    torch.manual_seed(0)
    preset = replace(PRESETS["tiny"], dit=replace(PRESETS["tiny"].dit, history=1), prior=NoiseConfig(), memory="frames")
    vae, dit = OccupancyVae(preset.vae), StOccDit(preset.dit)
    with torch.no_grad():
        for parameter in dit.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return OccupancyGenerator(preset, vae, dit, NoisePrior(), torch.device("cpu"))


def clip(frames: int) -> SceneClip:
    layouts = np.zeros((frames, 15, *SMALL.bev_shape), np.uint8)
    layouts[:, CHANNEL["drivable_area"], :, 16:32] = 1
    poses = np.stack([Pose(x_m=0.5 * k).matrix() for k in range(frames)])
    return SceneClip(layouts, ((),) * frames, poses, grid=SMALL)


def test_same_recipe_same_bytes_and_a_longer_rollout_keeps_its_beginning(generator: OccupancyGenerator) -> None:
    short = [frame.semantics for frame in generator.frames(clip(2), Recipe(seed=5, guidance=1.5))]
    long = [frame.semantics for frame in generator.frames(clip(3), Recipe(seed=5, guidance=1.5))]
    other = [frame.semantics for frame in generator.frames(clip(2), Recipe(seed=6, guidance=1.5))]
    assert len(long) == 3
    assert all(np.array_equal(a, b) for a, b in zip(short, long, strict=False))
    assert not all(np.array_equal(a, b) for a, b in zip(short, other, strict=True))


def test_going_on_from_a_frame_gives_the_rest_of_the_rollout(generator: OccupancyGenerator) -> None:
    recipe = Recipe(seed=5)
    whole = list(generator.frames(clip(4), recipe))
    rest = list(generator.frames(clip(4), recipe, first=2, past=whole[1]))
    assert [frame.index for frame in rest] == [2, 3]
    assert all(np.array_equal(a.semantics, b.semantics) for a, b in zip(whole[2:], rest, strict=True))
    blank = OccupancyFrame(1, np.full_like(whole[1].semantics, FREE), np.zeros_like(whole[1].instances))
    assert not np.array_equal(next(generator.frames(clip(4), recipe, first=2, past=blank)).semantics, whole[2].semantics), "history matters"
    with pytest.raises(ValueError, match="needs frame 2 as its history and was given frame 1"):
        next(generator.frames(clip(4), recipe, first=3, past=whole[1]))


def test_a_frame_sees_as_many_frames_as_its_history_is_long() -> None:
    """In its own coordinates and oldest first; agents stay where they stood, unless they are to be taken out."""
    car = np.full(SMALL.shape, FREE, np.uint8)
    car[20:24, 20:24, 3] = CLASS["car"]
    tree = np.where(car == CLASS["car"], CLASS["vegetation"], car).astype(np.uint8)
    poses = np.stack([Pose(x_m=0.4 * k).matrix() for k in range(3)])
    seen = SceneClip(np.zeros((3, 15, *SMALL.bev_shape), np.uint8), ((),) * 3, poses, grid=SMALL)
    kept = frames_before(seen, 2, (car, tree), agents=True)
    assert [np.argwhere(frame != FREE)[0].tolist() for frame in kept] == [[18, 20, 3], [19, 20, 3]]
    assert [sorted(set(frame[frame != FREE])) for frame in kept] == [[CLASS["car"]], [CLASS["vegetation"]]]
    without = frames_before(seen, 2, (car, tree), agents=False)
    assert (without[0] == FREE).all() and np.array_equal(without[1], kept[1])
    told = Seen(tree, np.arange(48)[:, None].repeat(48, 1) < 22, SMALL, poses[2])
    newest = frames_before(seen, 2, (car,), True, told)[0]
    assert np.array_equal(newest[:22], tree[:22]) and (newest[22:] == np.roll(car, -1, 0)[22:]).all()


def test_painted_agents_keep_their_ids_when_a_rollout_goes_on() -> None:
    semantics = np.full(SMALL.shape, FREE, np.uint8)
    semantics[40:42, 5:7, 3:6] = semantics[20:22, 30:32, 3:6] = CLASS["pedestrian"]
    before = Panoptic(SMALL, 100).assign(semantics, [], np.eye(4))
    moved = np.roll(semantics, 1, 0)
    going_on = Panoptic(SMALL, 200)
    going_on.go_on_from(semantics, before, [], np.eye(4))
    assert np.array_equal(going_on.assign(moved, [], np.eye(4)), np.roll(before, 1, 0))


def test_cancelling_keeps_what_is_done(generator: OccupancyGenerator) -> None:
    asked = iter([False] * 3 + [True] * 100)
    frames = list(generator.frames(clip(4), Recipe(), lambda: next(asked)))
    assert [frame.index for frame in frames] == [0]


def test_latents_of_two_presets_do_not_mix() -> None:
    with pytest.raises(ValueError, match="latents of 4 channels"):
        OccupancyGenerator(PRESETS["tiny"], OccupancyVae(PRESETS["tiny"].vae), StOccDit(PRESETS["compact"].dit), NoisePrior(), torch.device("cpu"))


def test_redrawing_holds_everything_outside_the_region(generator: OccupancyGenerator) -> None:
    before = next(iter(generator.frames(clip(1), Recipe(seed=1))))
    painted = clip(1)
    painted.layouts[0, CHANNEL["walkway"], 20:24, 20:24] = 1
    region = changed_region(clip(1).layouts[0], painted.layouts[0])
    assert region[17:27, 17:27].all() and region.sum() == 100
    after = redraw(generator, painted, before, region, Recipe(seed=2))
    assert after is not None
    assert np.array_equal(after.semantics[~region], before.semantics[~region])
    assert np.array_equal(after.instances[~region], before.instances[~region])
    assert not np.array_equal(after.semantics[region], before.semantics[region])
    assert redraw(generator, painted, before, np.zeros_like(region), Recipe()) is before
    assert redraw(generator, painted, before, region, Recipe(), lambda: True) is None


def test_a_window_is_made_of_whole_tokens_inside_the_grid() -> None:
    region = np.zeros((200, 200), bool)
    region[3, 150] = True
    window = Window.around(region)
    assert (window.x, window.y) == (slice(0, 32), slice(120, 176))
    assert window.grid(OCC3D).origin_m == (-40.0, 8.0, -1.0) and window.grid(OCC3D).shape == (32, 56, 16)


def test_a_draft_has_fewer_steps_than_the_frame_that_follows() -> None:
    assert all(preset.sampler.draft_steps < preset.sampler.steps for preset in PRESETS.values())
