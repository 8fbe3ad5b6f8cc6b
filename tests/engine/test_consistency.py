"""Pictures that agree, and pictures that do not, on a plane whose geometry is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.metrics.consistency import Agreement, Seen, differences
from engine.render.buffers import ray_table
from engine.spec.camera import Camera
from engine.spec.geometry import Pose, transform

FORWARD = np.array([[0, 0, 1.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def wall(x_m: float = 0.0, y_m: float = 0.0, yaw: float = 0.0, moves: float = 0.0) -> tuple[Seen, np.ndarray]:
    """What a camera sees of the wall x = 20, painted by place (and moved aside by `moves` metres)."""
    camera = Camera("a", 96, 64, 60.0, 60.0, 48.0, 32.0)
    pose = Pose(x_m, y_m, 1.5, yaw).matrix() @ FORWARD
    rays = ray_table(camera).astype(np.float64)
    depth = (20 - x_m) / (rays @ pose[:3, :3].T)[..., 0]
    points = transform(pose, (rays * depth[..., None]).reshape(-1, 3)).reshape(*depth.shape, 3)
    paint = 128 + 60 * np.sin((points[..., 1] + moves) / 3) * np.cos(points[..., 2] / 3)
    return Seen(camera, pose, depth.astype(np.float32), np.ones(depth.shape, bool)), np.repeat(paint[..., None], 3, -1).round().astype(np.uint8)


def test_what_is_fixed_to_the_world_agrees_and_what_slides_does_not() -> None:
    here, there = wall(), wall(2.0, 1.0, 0.2)
    assert differences(*here, *there).mean() < 1.0, "rounding and resampling"
    sliding = wall(2.0, 1.0, 0.2, moves=2.0)
    assert differences(*here, *sliding).mean() > 10
    brighter = there[1] + np.uint8(20)
    assert differences(*here, there[0], brighter).mean() == pytest.approx(20, abs=1.0)


def test_hidden_points_and_other_sides_do_not_count() -> None:
    here, (seen, picture) = wall(), wall(2.0)
    hidden = Seen(seen.camera, seen.world_SE3_camera, seen.depth * 0.5, seen.still)
    assert len(differences(*here, hidden, picture)) == 0
    assert len(differences(*here, *wall(yaw=np.pi))) == 0
    moving = Seen(seen.camera, seen.world_SE3_camera, seen.depth, np.zeros_like(seen.still))
    assert len(differences(*here, moving, picture)) == 0


def test_errors_over_time_and_across_cameras_are_told_apart() -> None:
    left, right, later = wall(), wall(0.0, 1.0), wall(1.0)
    seen = {("left", 3): left[0], ("right", 3): right[0], ("left", 4): later[0], ("right", 4): right[0]}
    pictures = {("left", 3): left[1], ("right", 3): right[1] + np.uint8(30), ("left", 4): later[1], ("right", 4): right[1] + np.uint8(30)}
    agreement = Agreement()
    agreement.add(pictures, seen)
    report = agreement.report()
    assert report["warp_error"] < 1.0 and report["cross_view_error"] == pytest.approx(30, abs=1.5)
    assert Agreement().report() == {"warp_error": None, "cross_view_error": None}
