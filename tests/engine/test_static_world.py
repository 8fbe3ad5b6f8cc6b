"""Frames vote on a world-aligned grid, and what was decided stays."""

import numpy as np
import pytest

from engine.spec.classes import CLASS, FREE
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D
from engine.views.drawn.static_world import HIDDEN, UNSEEN, StaticWorld

ROAD, WALL, CAR = CLASS["driveable_surface"], CLASS["manmade"], CLASS["car"]


def _poses(*xy_yaw):
    return np.stack([Pose(x, y, 0.0, yaw).matrix() for x, y, yaw in xy_yaw])


def _frame(pose):
    """A road everywhere, and a wall at world x in [20.2, 21), 2 m high, as a frame at an ego pose shows them."""
    xs, ys = OCC3D.cell_centers_m()
    x, y = np.meshgrid(xs, ys, indexing="ij")
    world_x = pose[0, 0] * x + pose[0, 1] * y + pose[0, 3]
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 2] = ROAD
    semantics[:, :, 3:8][(world_x >= 20.0) & (world_x < 20.8)] = WALL
    return semantics


def _wall_x(world):
    found = (world.labels == WALL).any(axis=2) & world.decided
    return (np.flatnonzero(found.any(axis=1)) + 0.5) * world.voxel_m + world.origin_m[0]


@pytest.mark.parametrize("yaw", [0.0, 0.4, -2.0])
def test_a_wall_lies_where_it_is_in_the_world_whatever_the_ego_pose(yaw):
    poses = _poses((3.1, -2.7, yaw))
    poses[:, 2, 3] = 21.37
    world = StaticWorld(OCC3D, poses)
    assert world.see(_frame(poses[0]), poses[0]) and world.epoch == 0
    np.testing.assert_allclose([_wall_x(world).min(), _wall_x(world).max()], [20.2, 20.6], atol=0.4)
    np.testing.assert_allclose(world.origin_m[:2] / 0.4, np.round(world.origin_m[:2] / 0.4), atol=1e-9)
    road = np.flatnonzero((world.labels == ROAD).any(axis=(0, 1)))
    assert road.tolist() == [2], "a flat street lies in one layer"


def test_decided_columns_never_change_and_new_ones_come_in_steps():
    poses = _poses(*((k * 1.0, 0.0, 0.0) for k in range(20)))
    world = StaticWorld(OCC3D, poses)
    assert world.see(_frame(poses[0]), poses[0])
    before, decided = world.labels.copy(), world.decided.copy()
    changes = [world.see(np.full(OCC3D.shape, WALL, np.uint8), pose) for pose in poses[1:]]
    assert [k + 1 for k, changed in enumerate(changes) if changed] == [8, 16]
    np.testing.assert_array_equal(world.labels[decided], before[decided])
    assert world.decided.sum() > decided.sum() and not (world.fresh & decided).any()


def test_most_frames_win_where_they_differ():
    poses = _poses(*((k * 1.0, 0.0, 0.0) for k in range(9)))
    world = StaticWorld(OCC3D, poses)
    world.see(_frame(poses[0]), poses[0])
    odd = np.full(OCC3D.shape, WALL, np.uint8)
    for k in range(1, 9):
        world.see(odd if k in (3, 5) else _frame(poses[k]), poses[k])
    ahead = np.flatnonzero(world.fresh.any(axis=1))
    # The columns that all eight frames showed: road, though two frames said wall.
    column = world.labels[ahead[0], 100]
    assert (column == ROAD).sum() == 1 and not (column == WALL).any()


def test_an_agent_hides_and_is_never_part_of_the_world():
    poses = _poses((0, 0, 0), (0, 0, 0))
    frame = _frame(poses[0])
    frame[110:118, 98:103, 2:7] = CAR
    world = StaticWorld(OCC3D, poses)
    world.see(frame, poses[0])
    assert not (world.labels == CAR).any()
    assert (world.labels == HIDDEN).any()
    assert (world.labels[~world.decided] == UNSEEN).all()


def test_compiled_functions_older_than_any_source_are_forgotten(tmp_path):
    import os

    from engine.compiled import forget_stale

    cache = tmp_path / "__pycache__"
    cache.mkdir()
    (tmp_path / "called.py").write_text("")
    for name, age in (("old.nbi", -10), ("new.nbi", 10), ("old.nbc", -10)):
        (cache / name).write_text("")
        os.utime(cache / name, (1e9 + age, 1e9 + age))
    os.utime(tmp_path / "called.py", (1e9, 1e9))
    assert forget_stale(tmp_path) == 2
    assert [path.name for path in cache.iterdir()] == ["new.nbi"]
