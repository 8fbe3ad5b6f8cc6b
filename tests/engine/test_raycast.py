"""The column-bitmask walk against brute force, Embree, a plain walk, and cases worked out by hand."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.render import bench, mesh
from engine.render.raycast import FACE_NORMALS, Volume, cast, cast_rays, cast_rays_slow
from engine.spec.camera import surround_cameras
from engine.spec.classes import FREE
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D, GridSpec

ODD = GridSpec("odd", (37, 70, 11), 0.5, (-9.0, -17.0, -1.5))
TALL = GridSpec("tall", (9, 12, 64), 0.25, (0.0, 0.0, 0.0))


def random_volume(grid: GridSpec, filled: float, seed: int) -> Volume:
    rng = np.random.default_rng(seed)
    semantics = np.where(rng.random(grid.shape) < filled, rng.integers(0, FREE, grid.shape), FREE).astype(np.uint8)
    return Volume.from_dense(semantics, grid)


def random_rays(count: int, seed: int) -> np.ndarray:
    rays = np.random.default_rng(seed).normal(size=(count, 3))
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def at(x: float, y: float, z: float) -> np.ndarray:
    return Pose(x, y, z).matrix()


@pytest.mark.parametrize("grid", [ODD, TALL], ids=lambda grid: grid.name)
@pytest.mark.parametrize("filled", [0.0, 0.004, 0.05, 0.5, 1.0])
def test_equals_brute_force(grid: GridSpec, filled: float) -> None:
    volume = random_volume(grid, filled, seed=3)
    rng = np.random.default_rng(4)
    low, high = np.array(grid.origin_m), np.array(grid.upper_m)
    hits = 0
    for k in range(8):
        rays = random_rays(24, seed=k)
        # Half of the cameras inside the grid, half around it, all of them turned somehow.
        where = rng.uniform(low, high) if k % 2 else (low + high) / 2 + (high - low) * rng.choice([-1, 1], 3) * rng.uniform(0.2, 1.2, 3)
        if k % 2 == 0:
            rays = rays * 0.15 + ((low + high) / 2 - where) / np.linalg.norm((low + high) / 2 - where)
        pose = Pose(*where, *rng.uniform(-3, 3, 3)).matrix()
        rays = rays @ pose[:3, :3]
        fast, slow = cast_rays(volume, rays, pose), cast_rays_slow(volume, rays, pose)
        np.testing.assert_array_equal(fast.voxel, slow.voxel)
        np.testing.assert_array_equal(fast.face, slow.face)
        np.testing.assert_allclose(fast.distance, slow.distance, rtol=1e-9, atol=1e-9)
        hits += int((fast.voxel >= 0).sum())
    assert (hits > 0) == (filled > 0)


@pytest.mark.parametrize("seed", [1, 2])
def test_equals_embree_and_the_plain_walk_on_a_street(seed: int) -> None:
    pytest.importorskip("embreex")
    semantics, instances = bench.street(OCC3D, seed)
    volume = Volume.from_dense(semantics, OCC3D, instances)
    scene = bench.EmbreeScene(mesh.surface_mesh(semantics, OCC3D))
    for camera in surround_cameras(224, 128):
        rays, pose = camera.rays(), camera.ego_SE3_camera.matrix()
        hits = cast_rays(volume, rays, pose)
        np.testing.assert_array_equal(hits.voxel, bench.plain_walk(volume, rays, pose))
        classes, distance = scene.classes(rays, pose)
        ours = np.where(hits.voxel < 0, 255, semantics.reshape(-1)[hits.voxel])
        assert 0.2 < (ours != 255).mean() < 1.0
        assert (ours != classes).sum() == 0
        np.testing.assert_allclose(hits.distance[ours != 255], distance[ours != 255], rtol=1e-4)


def test_rays_along_the_lattice() -> None:
    """Origins on corners and rational slopes: every tie there is. What is hit must lie on the ray, and nothing solid before it."""
    grid = GridSpec("unit", (70, 41, 20), 1.0, (0.0, 0.0, 0.0))
    rays = np.array([ray for ray in itertools.product((-2.0, -1.0, 0.0, 1.0, 2.0), repeat=3) if any(ray)])
    rng = np.random.default_rng(0)
    hits = 0
    for filled in (0.0005, 0.01, 0.2):
        volume = random_volume(grid, filled, seed=6)
        for _ in range(25):
            start = rng.integers(-10, 90, 3) * rng.choice([0.5, 1.0])
            got = cast_rays(volume, rays, at(*start))
            hit = got.voxel >= 0
            cells = np.stack(np.unravel_index(got.voxel[hit], grid.shape), -1)
            points = start + got.distance[hit, None] * rays[hit]
            assert (np.abs(points - cells - 0.5) < 0.5 + 1e-9).all()
            assert (volume.semantics[tuple(cells.T)] != FREE).all()
            hits += hit.sum()
            for ray, distance in zip(rays[::7], got.distance[::7], strict=True):
                before = start + np.arange(0.013, min(distance, 200.0) - 0.013, 0.037)[:, None] * ray
                inner = np.abs(before % 1 - 0.5).max(1) < 0.49
                cell = np.floor(before[inner]).astype(int)
                cell = cell[((cell >= 0) & (cell < grid.shape)).all(1)]
                assert (volume.semantics[tuple(cell.T)] == FREE).all()
    assert hits > 500


def test_what_hits_nothing() -> None:
    volume = random_volume(ODD, 1.0, seed=0)
    rays = np.array([[0, 0, 0], [np.nan, 0, 1], [1, np.nan, np.nan], [np.inf, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    outside = cast_rays(volume, rays, at(-20.0, 0.0, 0.0))
    assert (outside.voxel == -1).all() and np.isinf(outside.distance).all() and (outside.face == -1).all()
    inside = cast_rays(volume, rays, at(0.1, 0.1, 0.1))
    assert (inside.voxel >= 0).tolist() == [False] * 4 + [True] * 3
    # Leaving by the very boundary on which the camera sits, and running along the grid's outer side.
    assert cast_rays(volume, np.array([[-1.0, 0, 0]]), at(-9.0, 0.1, 0.1)).voxel[0] == -1
    assert cast_rays(volume, np.array([[0, 1.0, 0]]), at(9.5, -20.0, 0.1)).voxel[0] == -1


def test_inside_a_voxel_and_from_outside_by_hand() -> None:
    semantics = np.full(ODD.shape, FREE, np.uint8)
    semantics[20, 40, 5] = 3
    volume = Volume.from_dense(semantics, ODD)
    cell = np.ravel_multi_index((20, 40, 5), ODD.shape)
    low = np.array(ODD.origin_m) + 0.5 * np.array([20, 40, 5])
    within = cast_rays(volume, random_rays(50, 0), at(*(low + 0.2)))
    assert (within.voxel == cell).all() and (within.distance == 0).all()
    looks_back = (FACE_NORMALS[within.face] * random_rays(50, 0)).sum(1)
    assert (looks_back < 0).all()
    for face, normal in enumerate(FACE_NORMALS):
        hits = cast_rays(volume, -normal[None], at(*(low + 0.25 + normal * 30.25)))
        assert (hits.voxel[0], hits.face[0]) == (cell, face)
        assert hits.distance[0] == pytest.approx(30.0)
    # A camera that touches the voxel sees it, and sees away from it.
    touching = at(low[0], low[1] + 0.1, low[2] + 0.1)
    assert cast_rays(volume, np.array([[1.0, 0, 0], [-1.0, 0, 0]]), touching).voxel.tolist() == [cell, -1]


def test_pose_and_direction_length() -> None:
    volume = random_volume(ODD, 0.02, seed=1)
    pose = Pose(0.3, -0.2, 1.1, 0.7, 0.2, -0.4).matrix()
    rays = random_rays(200, 9)
    turned = cast_rays(volume, rays, pose)
    straight = cast_rays(volume, 4.0 * rays @ pose[:3, :3].T, at(0.3, -0.2, 1.1))
    assert (turned.voxel >= 0).sum() > 50
    np.testing.assert_array_equal(turned.voxel, straight.voxel)
    np.testing.assert_allclose(turned.distance, 4.0 * straight.distance, rtol=1e-9)


def test_an_edit_rebuilds_its_own_columns() -> None:
    rng = np.random.default_rng(5)
    volume = random_volume(ODD, 0.1, seed=2)
    untouched = volume.columns.copy()
    for _ in range(40):
        semantics = volume.semantics.copy()
        x0, y0 = int(rng.integers(-3, 37)), int(rng.integers(-3, 70))
        x1, y1 = x0 + int(rng.integers(0, 12)), y0 + int(rng.integers(0, 12))
        block = semantics[max(x0, 0) : max(x1, 0), max(y0, 0) : max(y1, 0)]
        block[:] = np.where(rng.random(block.shape) < 0.2, 4, FREE)
        before, volume = volume, volume.edited(semantics, None, (x0, x1), (y0, y1))
        fresh = Volume.from_dense(semantics, ODD)
        for name in ("columns", "tiles8", "tiles32"):
            np.testing.assert_array_equal(getattr(volume, name), getattr(fresh, name))
        assert before is not volume
    assert (untouched != volume.columns).any()


def test_errors_name_both_sides() -> None:
    semantics = np.full(ODD.shape, FREE, np.uint8)
    with pytest.raises(ValueError, match=r"\(37, 70, 11\).*'occ3d'"):
        Volume.from_dense(semantics, OCC3D)
    with pytest.raises(ValueError, match="65 voxels high.*at most 64"):
        Volume.from_dense(np.full((4, 4, 65), FREE, np.uint8), GridSpec("high", (4, 4, 65), 1.0, (0, 0, 0)))
    with pytest.raises(ValueError, match="finite 4 x 4"):
        cast_rays(Volume.from_dense(semantics, ODD), random_rays(3, 0), np.full((4, 4), np.nan))


SIMULATED = """
import numpy as np
from engine.render import bench
from engine.render.cuda import CudaVolume
from engine.render.raycast import Volume, cast_rays
from engine.spec.camera import surround_cameras
from engine.spec.grid import OCC3D
grid = OCC3D.crop(70)
semantics, instances = bench.street(grid, 1)
volume = Volume.from_dense(semantics, grid, instances)
camera = surround_cameras(24, 14)[1]
pose = camera.ego_SE3_camera.matrix()
device, host = CudaVolume(volume).cast_rays(camera.rays(), pose), cast_rays(volume, camera.rays(), pose)
assert (host.voxel >= 0).mean() > 0.2
assert (device.voxel != host.voxel).mean() < 0.01, (device.voxel != host.voxel).mean()
same = (device.voxel == host.voxel) & (host.voxel >= 0)
np.testing.assert_allclose(device.distance[same], host.distance[same], rtol=1e-4)
print("same")
"""


def test_the_cuda_kernel_runs_the_same_core() -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SIMULATED],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "same", done.stderr[-2000:]


def test_the_core_stays_in_float32_where_it_is_given_float32() -> None:
    import numba

    masks, real = numba.types.Array(numba.uint64, 2, "C"), numba.float32
    compiled = numba.njit(cast, error_model="numpy")
    signature = (masks, masks, masks, numba.int64, *(real,) * 6)
    compiled.compile(signature)
    code = compiled.inspect_llvm(signature)
    assert " fmul float" in code and " fdiv float" in code
    assert not re.search(" f(add|sub|mul|div) double", code)
