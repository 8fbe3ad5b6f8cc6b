"""The pictures of a preview against those of the buffers that they are made without."""

from __future__ import annotations

import numpy as np
import pytest

from engine.render import bench
from engine.render.buffers import colorise, depth_to_rgb, render_buffers
from engine.render.preview import preview_pictures
from engine.render.raycast import Volume
from engine.spec.camera import Camera, surround_cameras
from engine.spec.classes import CLASS, FREE
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D, GridSpec

STREET = OCC3D.crop(100)
FISHEYE = Camera("round", 90, 70, 22.0, 22.0, 45.0, 35.0, fisheye=(0.05, -0.01, 0.0, 0.0))


def both(volume: Volume, camera: Camera, pose: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """What a preview shows, and what the buffers of the same camera look like."""
    seen = render_buffers(volume, None, volume.grid, camera, pose, np.eye(4))
    return preview_pictures(volume, camera, pose), (colorise(seen.semantic, seen.normal), depth_to_rgb(seen.depth))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_preview_is_what_the_buffers_look_like(seed):
    volume = Volume.from_dense(*bench.street(STREET, seed)[:1], STREET)
    for camera in (*surround_cameras(112, 64), FISHEYE):
        got, wanted = both(volume, camera, camera.ego_SE3_camera.matrix())
        for picture, twin in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(picture, twin)


def test_past_a_fisheyes_reach_inside_a_voxel_and_over_nothing():
    grid = GridSpec("small", (20, 20, 8), 0.4, (-4.0, -4.0, -1.0))
    full, empty = np.full(grid.shape, CLASS["vegetation"], np.uint8), np.full(grid.shape, FREE, np.uint8)
    behind = full.copy()
    behind[10:] = FREE
    for semantics in (full, empty, behind):
        for height in (0.1, 9.0):
            got, wanted = both(Volume.from_dense(semantics, grid), FISHEYE, Pose(0.3, 0.1, height, 0.4, 0.2).matrix())
            for picture, twin in zip(got, wanted, strict=True):
                np.testing.assert_array_equal(picture, twin)


def test_a_pose_must_be_finite():
    grid = GridSpec("small", (20, 20, 8), 0.4, (-4.0, -4.0, -1.0))
    with pytest.raises(ValueError, match="finite"):
        preview_pictures(Volume.from_dense(np.full(grid.shape, FREE, np.uint8), grid), FISHEYE, np.full((4, 4), np.nan))
