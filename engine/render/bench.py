"""Ray casting against the ways one would otherwise take, measured side by side in one process."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter

import numpy as np
from numba import get_num_threads, njit, prange, set_num_threads

from engine.render import mesh
from engine.render.raycast import Volume, cast_rays, grid_pose
from engine.spec.camera import surround_cameras
from engine.spec.classes import CLASS, FREE, NOTHING_HIT
from engine.spec.grid import OCC3D, GridSpec


def street(grid: GridSpec, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A made-up street for tests and benches: semantics uint8 and instances uint16, (X, Y, Z); the ego stands on the road."""
    rng = np.random.default_rng(seed)
    nx, ny, nz = grid.shape
    semantics = np.full(grid.shape, FREE, np.uint8)
    instances = np.zeros(grid.shape, np.uint16)
    floor = min(max(int(-grid.origin_m[2] / grid.voxel_m) - 1, 0), nz - 2)
    across = np.abs(np.arange(ny) - ny / 2) * grid.voxel_m
    semantics[:, :, floor] = np.where(across < 8, CLASS["driveable_surface"], np.where(across < 11, CLASS["sidewalk"], CLASS["terrain"]))
    semantics[:, ny // 2, floor] = CLASS["lane_divider"]

    def block(x: int, y: int, size: tuple[int, int, int], class_name: str, instance_id: int = 0) -> None:
        where = (slice(x, x + size[0]), slice(y, y + size[1]), slice(floor + 1, floor + 1 + size[2]))
        semantics[where] = CLASS[class_name]
        instances[where] = instance_id

    for _ in range(nx * ny // 400):
        y = int(rng.integers(0, ny))
        if across[y] > 12 and across[min(y + 8, ny - 1)] > 12:
            kind = ("manmade", "vegetation")[rng.integers(2)]
            block(int(rng.integers(0, nx)), y, (int(rng.integers(2, 20)), int(rng.integers(2, 8)), int(rng.integers(3, nz))), kind)
    semantics[(semantics == CLASS["vegetation"]) & (rng.random(grid.shape) < 0.3)] = FREE
    for instance_id in range(1, 1 + nx // 10):
        x, y = int(rng.integers(0, nx)), int(np.clip(ny // 2 + rng.integers(-18, 18), 0, ny - 1))
        if abs(x - nx // 2) > 12 or abs(y - ny // 2) > 8:
            block(x, y, (11, 5, 4), "car", instance_id)
    return semantics, instances


def bench_raycast(grid: GridSpec = OCC3D, repeats: int = 5) -> dict[str, float | int | str]:
    """Milliseconds per camera of 256 x 448, on one thread each: ours, a plain Amanatides-Woo walk, Embree on the greedy mesh.

    Turning the camera's rays into the ego frame is part of all three. `edit_*` is from an edit of 10 x 10 columns to the next
    picture: masks, or the touched chunks and a new Embree scene. The ratios are theirs over ours: above 1, ours is faster.
    `mismatches_*` count pixels whose voxel (Embree: class) differs.
    Embree is left out where embreex is not installed.
    """
    semantics, instances = street(grid, seed=1)
    volume = Volume.from_dense(semantics, grid, instances)
    camera = surround_cameras()[0]
    rays, pose = camera.rays(), camera.ego_SE3_camera.matrix()
    middle = grid.shape[0] // 2
    region = ((middle + 20, middle + 30), (middle - 5, middle + 5))
    edited = semantics.copy()
    edited[region[0][0] : region[0][1], region[1][0] : region[1][1], 3:6] = CLASS["truck"]

    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: cast_rays(volume, rays, pose),
        "plain": lambda: plain_walk(volume, rays, pose),
        "edit_ours": lambda: cast_rays(volume.edited(edited, instances, *region), rays, pose),
    }
    scene = None
    if find_spec("embreex") is not None:
        chunks = mesh.surface_chunks(semantics, grid)
        scene = EmbreeScene(mesh.join(chunks.values()))

        def edit_embree() -> None:
            fresh = mesh.surface_chunks(edited, grid, mesh.chunks_touched(grid, *region))
            EmbreeScene(mesh.join((chunks | fresh).values())).classes(rays, pose)

        ways |= {"embree": lambda: scene.classes(rays, pose), "edit_embree": edit_embree}
    threads = get_num_threads()
    set_num_threads(1)
    try:
        best = _best_ms(ways, repeats)
    finally:
        set_num_threads(threads)

    voxel = cast_rays(volume, rays, pose).voxel
    row: dict[str, float | int | str] = {"grid": grid.name, "rays": voxel.size} | {f"{name}_ms": round(ms, 3) for name, ms in best.items()}
    row["plain_ratio"] = round(best["plain"] / best["ours"], 2)
    row["mismatches_plain"] = int((voxel != plain_walk(volume, rays, pose)).sum())
    if scene is not None:
        row["embree_ratio"] = round(best["embree"] / best["ours"], 2)
        row["edit_embree_ratio"] = round(best["edit_embree"] / best["edit_ours"], 2)
        classes = np.where(voxel < 0, NOTHING_HIT, semantics.reshape(-1)[voxel])
        row["mismatches_embree"] = int((classes != scene.classes(rays, pose)[0]).sum())
    return row


def _best_ms(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Best of `repeats` of each, after one run to compile; taken in turns, so that a busy machine is busy for all of them."""
    best = dict.fromkeys(ways, math.inf)
    for turn in range(repeats + 1):
        for name, run in ways.items():
            start = perf_counter()
            run()
            if turn > 0:
                best[name] = min(best[name], 1000 * (perf_counter() - start))
    return best


class EmbreeScene:
    """Embree over a surface mesh: the bench's rival and the tests' oracle. Needs embreex."""

    def __init__(self, surface: mesh.Surface) -> None:
        from embreex import mesh_construction, rtcore_scene

        corners = surface.vertices() * np.float32(surface.grid.voxel_m) + np.array(surface.grid.origin_m, np.float32)
        self.surface = surface
        self._scene = rtcore_scene.EmbreeScene()
        triangles = np.ascontiguousarray(corners[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3, 3), np.float32)
        self._mesh = mesh_construction.TriangleMesh(self._scene, triangles)

    def classes(self, rays: np.ndarray, ego_SE3_rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class ids uint8 (255 = nothing hit) and distances float32 of unit rays (..., 3) from one point."""
        directions = np.ascontiguousarray(rays.reshape(-1, 3) @ ego_SE3_rays[:3, :3].T, np.float32)
        origins = np.ascontiguousarray(np.broadcast_to(ego_SE3_rays[:3, 3], directions.shape), np.float32)
        found = self._scene.run(origins, directions, output=True)
        primitive = found["primID"]
        classes = np.where(primitive < 0, NOTHING_HIT, self.surface.class_id[primitive >> 1]).astype(np.uint8)
        return classes.reshape(rays.shape[:-1]), found["tfar"].reshape(rays.shape[:-1])


def plain_walk(volume: Volume, rays: np.ndarray, ego_SE3_rays: np.ndarray) -> np.ndarray:
    """int32 (H, W) voxel index of rays (H, W, 3), -1 = nothing hit: Amanatides and Woo (1987), voxel by voxel."""
    voxel = np.empty(rays.shape[:2], np.int32)
    _plain_table(volume.semantics, rays, grid_pose(volume.grid, ego_SE3_rays), get_num_threads(), voxel)
    return voxel


@njit(cache=True, parallel=True, error_model="numpy", nogil=True)
def _plain_table(semantics, rays, pose, lanes, voxel):
    n = semantics.shape
    for lane in prange(lanes):
        cell, step = np.empty(3, np.int64), np.empty(3, np.int64)
        t_next, t_step, d = np.empty(3), np.empty(3), np.empty(3)
        for row in range(lane, rays.shape[0], lanes):
            for column in range(rays.shape[1]):
                voxel[row, column] = -1
                t, t_end = 0.0, np.inf
                for a in range(3):
                    d[a] = pose[a, 0] * rays[row, column, 0] + pose[a, 1] * rays[row, column, 1] + pose[a, 2] * rays[row, column, 2]
                    near, far = -pose[a, 3] / d[a], (n[a] - pose[a, 3]) / d[a]
                    t, t_end = max(t, min(near, far)), min(t_end, max(near, far))
                if not t < t_end:
                    continue
                for a in range(3):
                    cell[a] = min(max(int(math.floor(pose[a, 3] + t * d[a])), 0), n[a] - 1)
                    step[a] = 1 if d[a] > 0 else -1
                    t_step[a] = abs(1 / d[a])
                    t_next[a] = (cell[a] + (1 if d[a] > 0 else 0) - pose[a, 3]) / d[a]
                while True:
                    if semantics[cell[0], cell[1], cell[2]] < FREE:
                        voxel[row, column] = (cell[0] * n[1] + cell[1]) * n[2] + cell[2]
                        break
                    a = 0 if t_next[0] <= t_next[1] and t_next[0] <= t_next[2] else (1 if t_next[1] <= t_next[2] else 2)
                    cell[a] += step[a]
                    if cell[a] < 0 or cell[a] >= n[a]:
                        break
                    t_next[a] += t_step[a]
