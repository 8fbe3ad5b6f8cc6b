"""A take seen along another path: what stood in the world stands there still, agents too, and nothing is made up. No edge lies on a voxel's centre."""

from __future__ import annotations

import numpy as np
import pytest

from engine.api import OccupancyFrame, Recipe
from engine.occupancy.resampled import EVERY, MOST, Resampled, looked_at
from engine.presets import load_occupancy
from engine.spec.classes import CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D, RATE_HZ
from engine.spec.take import Take
from engine.write import TakeWriter

GRID = OCC3D.crop(48)
FRAMES = 8
CAR = 9
CAR_M = ((5.2, 9.2), (-1.2, 0.8), (-0.2, 1.4))
"""Where it stands in the world at frame 0; each frame it goes one voxel along x."""


def world_at(points: np.ndarray, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Class and instance of points (.., 3) of the world: a road, a wall every 7 m, and the car."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    label = np.full(x.shape, FREE, np.uint8)
    floor = (z > -0.6) & (z < -0.2)
    label[floor] = np.where(np.abs(y[floor]) < 5.2, CLASS["driveable_surface"], CLASS["terrain"])
    label[(np.floor(x / 0.4) % 17 < 2) & (y > 5.2) & (y < 7.2) & (z > -0.2) & (z < 2.6)] = CLASS["manmade"]
    car = np.ones(x.shape, bool)
    for value, (low, high), far in zip((x, y, z), CAR_M, (0.4 * frame, 0, 0), strict=True):
        car &= (value > low + far) & (value < high + far)
    label[car] = CLASS["car"]
    return label, np.where(car, CAR, 0).astype(np.uint16)


def seen_from(pose: np.ndarray, frame: int) -> tuple[np.ndarray, np.ndarray]:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in GRID.shape), indexing="ij"), -1)
    points = (index + 0.5) * GRID.voxel_m + GRID.origin_m
    return world_at(points @ pose[:3, :3].T + pose[:3, 3], frame)


def clip(poses: list[Pose], start_s: float = 0.0) -> SceneClip:
    matrices = np.stack([pose.matrix() for pose in poses])
    return SceneClip(np.zeros((len(poses), 15, *GRID.bev_shape), np.uint8), ((),) * len(poses), matrices, grid=GRID, start_s=start_s)


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    """Straight on by two voxels a frame."""
    folder, scene = tmp_path_factory.mktemp("take") / "take", clip([Pose(x_m=0.8 * k) for k in range(FRAMES)])
    writer = TakeWriter(folder, scene, {"seed": 0})
    for k in range(FRAMES):
        writer.add_occupancy(OccupancyFrame(k, *seen_from(scene.world_SE3_ego[k], k)))
    writer.finish({})
    return Take.open(folder)


def resampled(take: Take, scene: SceneClip) -> list[OccupancyFrame]:
    return list(load_occupancy("resampled").occupancy(scene, Recipe("resampled"), lambda: False, None, world=take))


def test_a_path_aside_sees_the_same_world(take: Take) -> None:
    aside = clip([Pose(x_m=0.8 * k, y_m=1.2) for k in range(FRAMES)])
    for frame in resampled(take, aside):
        truth, ids = seen_from(aside.world_SE3_ego[frame.index], frame.index)
        reached = slice(0, GRID.shape[1] - 3)  # three voxels to the left of what any frame showed
        assert np.array_equal(frame.semantics[:, reached], truth[:, reached]) and np.array_equal(frame.instances, ids)
        assert (frame.semantics[:, GRID.shape[1] - 3 :] == FREE).all(), "what nobody has seen is not made up"


def test_what_its_moment_did_not_reach_comes_from_other_frames(take: Take) -> None:
    ahead = clip([Pose(x_m=0.8 * 6)])  # at frame 0 already where the take is at frame 6
    frame, = resampled(take, ahead)
    truth, ids = seen_from(ahead.world_SE3_ego[0], 0)
    assert np.array_equal(frame.semantics, truth) and np.array_equal(frame.instances, ids)


def test_a_turned_path_is_right_within_a_voxel(take: Take) -> None:
    turned = clip([Pose(yaw_rad=np.radians(5))])
    frame, = resampled(take, turned)
    truth, _ = seen_from(turned.world_SE3_ego[0], 0)
    inner = np.s_[8:40, 8:40]
    assert (frame.semantics[inner] == truth[inner]).mean() > 0.97 and (frame.instances == CAR).sum() == pytest.approx(200, rel=0.2)


def test_a_moment_outside_the_take_has_its_world_and_no_agents(take: Take) -> None:
    late = clip([Pose(x_m=1.6)], start_s=100 / RATE_HZ)
    frame, = resampled(take, late)
    truth, _ = seen_from(late.world_SE3_ego[0], 2)
    still = truth != CLASS["car"]
    assert np.array_equal(frame.semantics[still], truth[still]) and not frame.instances.any() and not (frame.semantics == CLASS["car"]).any()


def test_frames_near_in_time_come_first_and_not_without_end() -> None:
    assert looked_at(7, 20) == [7, 6, 12, 0, 18] and looked_at(0, 1) == [0]
    many = looked_at(601, 2000)
    assert len(many) == 1 + MOST and max(abs(k - 601) for k in many) <= EVERY * (MOST // 2 + 1)


def test_it_says_what_it_lacks(take: Take) -> None:
    model, scene = Resampled(), clip([Pose()])
    with pytest.raises(ValueError, match="--world TAKE"):
        next(model.occupancy(scene, Recipe("resampled"), lambda: False))
    with pytest.raises(ValueError, match="draws nothing new"):
        model.redraw(scene, OccupancyFrame(0, take.semantics[0], take.instances[0]), np.zeros(GRID.bev_shape, bool), Recipe(), lambda: False)
    assert list(model.occupancy(scene, Recipe("resampled"), lambda: True, None, world=take)) == []
