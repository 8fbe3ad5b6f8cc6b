"""Camera buffers against planes and boxes worked out by hand, and against each other."""

from __future__ import annotations

import numpy as np
import pytest

from engine.render import bench, buffers
from engine.render.raycast import FACE_NORMALS, FACE_SHADE, Volume
from engine.spec.camera import Camera, surround_cameras
from engine.spec.classes import CLASS, CLASS_RGB, FREE
from engine.spec.geometry import Pose, invert, transform
from engine.spec.grid import OCC3D, GridSpec

FORWARD = np.array([[0, 0, 1.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""ego_SE3_camera of a camera that looks along the ego's x."""
GRID = GridSpec("small", (60, 50, 12), 0.4, (-8.0, -10.0, -1.0))
STREET = OCC3D.crop(100)
CAMERA = Camera("front", 64, 40, 40.0, 42.0, 31.0, 19.0)


def wall_and_ground() -> tuple[np.ndarray, np.ndarray]:
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[:, :, 1] = CLASS["driveable_surface"]  # its top is at z = -0.2
    semantics[45, :, 2:5] = CLASS["truck"]  # its front is at x = 10.0, its top at z = 1.0
    instances = np.where(semantics == CLASS["truck"], 700, 0).astype(np.uint16)
    return semantics, instances


def test_depth_of_a_plane_and_a_wall() -> None:
    semantics, instances = wall_and_ground()
    ego_SE3_camera = Pose(0.3, 0.1, 1.2).matrix() @ FORWARD
    got = buffers.render_buffers(semantics, instances, GRID, CAMERA, ego_SE3_camera, np.eye(4))
    ray = FORWARD[:3, :3] @ CAMERA.rays().reshape(-1, 3).astype(np.float64).T
    x, y, z = (ray / ray[0]).reshape(3, CAMERA.height, CAMERA.width)  # scaled so that depth along the camera's axis is the length
    wall_depth = 10.0 - 0.3
    wall_z = 1.2 + wall_depth * z
    with np.errstate(divide="ignore"):
        ground_depth = np.where(z < 0, (1.2 + 0.2) / -z, np.inf)
    on_wall = (wall_z < 1.0) & (wall_z > -0.2) & (wall_depth < ground_depth) & (np.abs(0.1 + wall_depth * y) < 10)
    on_ground = (ground_depth < wall_depth) & (np.abs(0.1 + ground_depth * y) < 10)
    assert on_wall.sum() > 100 and on_ground.sum() > 300
    np.testing.assert_allclose(got.depth[on_wall], wall_depth, rtol=1e-5)
    np.testing.assert_allclose(got.depth[on_ground], ground_depth[on_ground], rtol=1e-5)
    assert (got.semantic[on_wall] == CLASS["truck"]).all() and (got.semantic[on_ground] == CLASS["driveable_surface"]).all()
    assert (got.instance[on_wall] == 700).all() and (got.instance[on_ground] == 0).all()
    assert (got.normal[on_wall] == (-1, 0, 0)).all() and (got.normal[on_ground] == (0, 0, 1)).all()


def test_every_buffer_agrees_with_depth_in_a_moved_frame() -> None:
    semantics, instances = bench.street(STREET, 3)
    ego_SE3_camera = Pose(0.5, 0.2, 1.4, 0.6, 0.05, 0.05).matrix() @ FORWARD
    ego0_SE3_ego = Pose(12.0, -3.0, 0.4, 1.1, 0.02, -0.03).matrix()
    got = buffers.render_buffers(semantics, instances, STREET, CAMERA, ego_SE3_camera, ego0_SE3_ego)
    hit = got.semantic != 255
    assert 0.3 < hit.mean() < 1.0
    np.testing.assert_array_equal(hit, got.depth > 0)
    np.testing.assert_array_equal(hit, np.isfinite(got.coordinate).all(-1))
    np.testing.assert_array_equal(hit, np.abs(got.normal).sum(-1) == 1)
    assert (got.instance[~hit] == 0).all() and got.instance.any()

    rays = CAMERA.rays()
    in_camera = (rays / rays[..., 2:] * got.depth[..., None])[hit]
    np.testing.assert_allclose(got.coordinate[hit], transform(ego0_SE3_ego @ ego_SE3_camera, in_camera), atol=1e-4)
    # Just behind the face lies a voxel of the class and instance that the pixel shows.
    inside = transform(invert(ego0_SE3_ego), got.coordinate[hit].astype(np.float64)) - 0.05 * got.normal[hit]
    x, y, z = np.floor((inside - STREET.origin_m) / STREET.voxel_m).astype(int).T
    np.testing.assert_array_equal(semantics[x, y, z], got.semantic[hit])
    np.testing.assert_array_equal(instances[x, y, z], got.instance[hit])
    # Every point lies on its Pluecker ray, and every pixel has one.
    d, moment = got.plucker[..., :3], got.plucker[..., 3:]
    np.testing.assert_allclose(np.linalg.norm(d, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(np.cross(got.coordinate[hit], d[hit]), moment[hit], atol=1e-3)
    np.testing.assert_allclose(moment, np.cross((ego0_SE3_ego @ ego_SE3_camera)[:3, 3], d), atol=1e-4)


def test_a_prepared_volume_gives_the_same() -> None:
    semantics, instances = bench.street(STREET, 4)
    pose = Pose(0.0, 0.0, 1.5).matrix() @ FORWARD
    volume = Volume.from_dense(semantics, STREET, instances)
    dense = buffers.render_buffers(semantics, instances, STREET, CAMERA, pose, np.eye(4))
    prepared = buffers.render_buffers(volume, None, STREET, CAMERA, pose, np.eye(4))
    for name in ("semantic", "depth", "coordinate", "normal", "instance", "plucker"):
        np.testing.assert_array_equal(getattr(dense, name), getattr(prepared, name))


def test_fisheye_pixels_without_a_ray_hit_nothing() -> None:
    camera = Camera("fisheye", 80, 80, 24.0, 24.0, 40.0, 40.0, fisheye=(-0.02, 0.001, 0.0, 0.0))
    wide = Camera("too_wide", 80, 80, 9.0, 9.0, 40.0, 40.0, fisheye=(0.0, 0.0, 0.0, 0.0))
    semantics = np.full(GRID.shape, CLASS["manmade"], np.uint8)
    semantics[2:-2, 2:-2, 2:-2] = FREE
    pose = Pose(1.0, 0.0, 1.0).matrix() @ FORWARD
    for lens in (camera, wide):
        got = buffers.render_buffers(semantics, None, GRID, lens, pose, np.eye(4))
        reached = np.isfinite(lens.rays()).all(-1)
        np.testing.assert_array_equal(got.semantic == CLASS["manmade"], reached)
        assert (got.plucker[~reached] == 0).all() and np.isfinite(got.plucker).all()
        # Points project back onto their own pixels' centres.
        u, v = np.meshgrid(np.arange(80) + 0.5, np.arange(80) + 0.5)
        forward = reached & (got.depth > 0.1)
        assert forward.sum() > 500
        pixels = lens.project(transform(invert(pose), got.coordinate[forward].astype(np.float64)))
        np.testing.assert_allclose(pixels, np.stack([u[forward], v[forward]], -1), atol=2e-3)
    assert not np.isfinite(wide.rays()).all()


def test_a_camera_inside_a_voxel_still_marks_a_hit() -> None:
    semantics = np.full(GRID.shape, CLASS["vegetation"], np.uint8)
    got = buffers.render_buffers(semantics, None, GRID, CAMERA, Pose(0.1, 0.1, 0.1).matrix() @ FORWARD, np.eye(4))
    assert (got.semantic == CLASS["vegetation"]).all() and (got.depth > 0).all() and (got.depth < 1e-5).all()
    np.testing.assert_allclose(got.coordinate, np.broadcast_to(np.float32(0.1), got.coordinate.shape), atol=1e-6)


def test_ray_tables_are_kept_by_intrinsics_alone() -> None:
    moved = Camera("other name", 64, 40, 40.0, 42.0, 31.0, 19.0, Pose(1.0, 2.0, 3.0))
    table = buffers.ray_table(CAMERA)
    assert buffers.ray_table(moved) is table and not table.flags.writeable
    np.testing.assert_array_equal(table, CAMERA.rays())
    assert buffers.ray_table(Camera("front", 64, 40, 41.0, 42.0, 31.0, 19.0)) is not table


def test_poses_must_be_finite() -> None:
    semantics, instances = wall_and_ground()
    with pytest.raises(ValueError, match="ego0_SE3_ego"):
        buffers.render_buffers(semantics, instances, GRID, CAMERA, FORWARD, np.full((4, 4), np.inf))
    with pytest.raises(ValueError, match="does not fit|do not fit"):
        buffers.render_buffers(semantics, instances[1:], GRID, CAMERA, FORWARD, np.eye(4))


def test_colours_of_classes_faces_and_sky() -> None:
    semantic = np.array([[255, CLASS["car"]], [CLASS["car"], CLASS["terrain"]], [255, 255]], np.uint8)
    flat = buffers.colorise(semantic)
    assert (flat[0, 1] == CLASS_RGB[CLASS["car"]]).all() and (flat[1, 1] == CLASS_RGB[CLASS["terrain"]]).all()
    sky = flat[semantic == 255].astype(int)
    assert (sky > 180).all() and (np.ptp(sky, axis=1) < 30).all() and (flat[2, 0] >= flat[0, 0]).all()
    for face, normal in enumerate(FACE_NORMALS):
        shaded = buffers.colorise(semantic, np.broadcast_to(normal, (3, 2, 3)))
        assert (shaded[0, 0] == flat[0, 0]).all()
        np.testing.assert_allclose(shaded[0, 1], CLASS_RGB[CLASS["car"]] * FACE_SHADE[face], atol=1)


def test_depth_colours_are_ordered_by_lightness() -> None:
    depth = np.array([[0.0, 1.0, 2.0, 4.0, 9.0, 20.0, 45.0, 79.0, 500.0]], np.float32)
    rgb = buffers.depth_to_rgb(depth)[0].astype(float)
    linear = np.where(rgb / 255 <= 0.04045, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    assert luminance[0] == 0 and luminance[1] == luminance[2]
    assert (np.diff(luminance[2:8]) < 0).all() and luminance[8] > 0
    assert (np.diff(((buffers.depth_colours() / 255.0) ** 2.2) @ (0.2126, 0.7152, 0.0722)) > -1e-3).all()


def test_six_cameras_of_a_full_frame() -> None:
    semantics, instances = bench.street(OCC3D, 1)
    volume = Volume.from_dense(semantics, OCC3D, instances)
    seen = [
        buffers.render_buffers(volume, None, OCC3D, camera, camera.ego_SE3_camera.matrix(), np.eye(4))
        for camera in surround_cameras(112, 64)
    ]
    assert len(seen) == 6 and all(0.2 < (got.semantic != 255).mean() < 1 for got in seen)
    assert np.unique(np.concatenate([got.instance.ravel() for got in seen])).size > 3
