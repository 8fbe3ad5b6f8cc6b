"""What sensors have in sight, against every voxel's slabs and cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.render.raycast import Volume
from engine.render.sight import (
    FACE_NORMALS,
    NUSCENES_LIDAR,
    Lidar,
    camera_mask,
    in_sight,
    lidar_mask,
    scan,
    share_in_sight,
    voxel_centres_m,
    within_picture,
)
from engine.spec.camera import surround_cameras
from engine.spec.classes import CLASS, FREE
from engine.spec.grid import GridSpec

GRID = GridSpec("small", (14, 11, 7), 0.4, (-2.8, -2.2, -0.6))


def crowd(filled: float, seed: int, clear: np.ndarray) -> Volume:
    """Voxels at random, none where a sensor is."""
    semantics = np.where(np.random.default_rng(seed).random(GRID.shape) < filled, 4, FREE).astype(np.uint8)
    cell = np.floor((clear - GRID.origin_m) / GRID.voxel_m).astype(int)
    if ((cell >= 0) & (cell < GRID.shape)).all():
        semantics[tuple(cell)] = FREE
    return Volume.from_dense(semantics, GRID)


def first_met(volume: Volume, origin: np.ndarray, target: np.ndarray) -> tuple[float, int]:
    """Share of the way to a target, and the voxel, at which the line from a point first meets an occupied one: all slabs of all voxels."""
    cells = np.argwhere(volume.semantics < FREE)
    low = np.array(volume.grid.origin_m) + cells * volume.grid.voxel_m
    way = target - origin
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (low - origin) / way, (low + volume.grid.voxel_m - origin) / way
    near, far = np.minimum(one, other).max(1), np.maximum(one, other).min(1)
    near = np.maximum(near, 0.0)
    met = np.flatnonzero((near < far - 1e-9) & (far > 1e-9))
    if not len(met):
        return np.inf, -1
    best = met[near[met].argmin()]
    return float(near[best]), int(np.ravel_multi_index(tuple(cells[best]), volume.grid.shape))


def slow(volume: Volume, origin: np.ndarray, reaches) -> np.ndarray:  # noqa: ANN001
    seen = np.zeros(volume.grid.shape, bool)
    for index, centre in enumerate(voxel_centres_m(volume.grid)):
        at = np.unravel_index(index, volume.grid.shape)
        if volume.semantics[at] == FREE:
            share, _ = first_met(volume, origin, centre)
            level = abs(centre[2] - origin[2]) <= np.sin(np.radians(1)) * np.linalg.norm(centre - origin)
            seen[at] = reaches(centre[None])[0] and share >= 1 and (share < np.inf or level)
            continue
        for normal in FACE_NORMALS.astype(float):
            face = centre + normal * volume.grid.voxel_m / 2
            if (origin - face) @ normal > 0 and reaches(face[None])[0]:
                share, voxel = first_met(volume, origin, face)
                seen[at] |= share > 1 - 1e-3 or voxel == index
    return seen


@pytest.mark.parametrize("filled", [0.0, 0.02, 0.15, 0.6])
@pytest.mark.parametrize("origin", [(0.0312, 0.1173, 0.7719), (-1.7147, 1.9331, 1.4713), (4.1371, -3.2719, 2.6127)])
def test_in_sight_equals_brute_force(filled: float, origin: tuple[float, float, float]) -> None:
    at = np.array(origin)
    volume = crowd(filled, seed=5, clear=at)
    fast = in_sight(volume, at, lambda points: np.ones(len(points), bool))
    np.testing.assert_array_equal(fast, slow(volume, at, lambda points: np.ones(len(points), bool)))


def test_what_a_wall_hides_is_known_from_where_the_lidar_was_before() -> None:
    """Occupied voxels add up along the drive; the air is that of the frame."""
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[8, :, :] = CLASS["manmade"]
    semantics[11, 5, 2] = CLASS["car"]
    volume = Volume.from_dense(semantics, GRID)
    lidar = Lidar((-2.0, 0.0, 0.4), -1.0, 1.0)
    alone = lidar_mask(volume, lidar)
    added = lidar_mask(volume, lidar, np.array([(2.5, 0.1, 0.4)]))
    assert alone[8, 5, 2] and not alone[11, 5, 2] and added[11, 5, 2]
    np.testing.assert_array_equal(alone[semantics == FREE], added[semantics == FREE])


def test_masks_of_sensors_equal_brute_force() -> None:
    lidar = Lidar((0.1013, 0.0517, 0.9031), -0.4, 0.3)
    volume = crowd(0.1, seed=9, clear=np.array(lidar.ego_xyz_m))

    def between(points: np.ndarray) -> np.ndarray:
        way = points - (0.1013, 0.0517, 0.9031)
        angle = np.arctan2(way[:, 2], np.hypot(*way[:, :2].T))
        return (angle >= -0.4) & (angle <= 0.3)

    np.testing.assert_array_equal(lidar_mask(volume, lidar), slow(volume, np.array(lidar.ego_xyz_m), between))
    camera = surround_cameras(64, 32)[1]
    pose = camera.ego_SE3_camera.matrix()
    pose[:3, 3] = 0.0713, -0.1319, 0.8337
    np.testing.assert_array_equal(camera_mask(volume, camera, pose), slow(volume, pose[:3, 3], lambda points: within_picture(camera, pose, points)))


def test_a_wall_hides_what_is_behind_it() -> None:
    grid = GridSpec("street", (100, 50, 16), 0.4, (-20.0, -10.0, -1.0))
    semantics = np.full(grid.shape, FREE, np.uint8)
    semantics[:, :, 1] = CLASS["driveable_surface"]
    semantics[75, 10:40, 2:12] = CLASS["manmade"]
    seen = lidar_mask(Volume.from_dense(semantics, grid))
    assert seen[75, 25, 3] and seen[66, 25, 1] and seen[66, 25, 4], "the wall, the road before it, and the air between"
    assert not seen[60, 25, 1], "too steep for the lowest ring"
    assert not seen[76:, 20:30].any(), "nothing behind the wall"
    assert not seen[66, 25, 14] and not seen[..., 0].any(), "no air before the sky, nothing under the road"


def test_a_scan_lies_on_surfaces() -> None:
    grid = GridSpec("street", (100, 50, 16), 0.4, (-20.0, -10.0, -1.0))
    semantics = np.full(grid.shape, FREE, np.uint8)
    semantics[:, :, 1] = CLASS["driveable_surface"]
    points, voxels = scan(Volume.from_dense(semantics, grid))
    ego = points[:, :3] @ NUSCENES_LIDAR.ego_SE3_lidar()[:3, :3].T + NUSCENES_LIDAR.ego_xyz_m
    np.testing.assert_allclose(ego[:, 2], -0.2, atol=1e-4)
    assert (np.unravel_index(voxels, grid.shape)[2] == 1).all() and points.dtype == np.float32 and points.shape[1] == 5
    low = np.degrees(np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1])))
    ring = points[:, 4]
    np.testing.assert_allclose(low, -30.67 + ring * (10.67 + 30.67) / 31, atol=1e-3)
    lidar = NUSCENES_LIDAR.rays()
    assert np.allclose(lidar[0, 23] / np.linalg.norm(lidar[0, 23, 1:]), (0, 1, lidar[0, 23, 2]), atol=1e-6), "y is forward"


def test_how_much_of_a_thing_is_in_sight() -> None:
    grid = GridSpec("street", (60, 40, 10), 0.4, (0.0, -8.0, 0.0))
    semantics, instances = np.full(grid.shape, FREE, np.uint8), np.zeros(grid.shape, np.uint16)
    semantics[30:35, 18:22, 0:4], instances[30:35, 18:22, 0:4] = CLASS["car"], 7
    eye = np.array([1.0, 0.01, 0.61])

    def everything(points: np.ndarray) -> np.ndarray:
        return np.ones(len(points), bool)

    assert share_in_sight(Volume.from_dense(semantics, grid, instances), 7, [(eye, everything)]) == 1.0
    semantics[20, 20:40, 0:9] = CLASS["manmade"]
    half = share_in_sight(Volume.from_dense(semantics, grid, instances), 7, [(eye, everything)])
    assert 0.3 < half < 0.7
    semantics[20, :, 0:9] = CLASS["manmade"]
    volume = Volume.from_dense(semantics, grid, instances)
    assert share_in_sight(volume, 7, [(eye, everything)]) == 0.0
    assert share_in_sight(volume, 7, [(eye, everything), (np.array([23.0, 0.0, 0.6]), everything)]) > 0.3, "another sensor sees it"
    assert share_in_sight(volume, 9, [(eye, everything)]) == 0.0
