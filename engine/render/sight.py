"""What sensors see of occupancy: a virtual spinning LiDAR, and which voxels a point or a camera has in sight.

All of it asks `raycast.cast_rays`. A free voxel is in sight where the line through its centre meets something, and not before it: as in
Occ3D, a ray that never comes back tells nothing of the air. Lines that leave the grid within a degree of level are taken to come back: in a
street something stands farther on. An occupied voxel is in sight where nothing stands before the centre of a face that is turned to the sensor
(through its own middle, ground seen at a slant would hide itself).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.render.raycast import FACE_NORMALS, Hits, Volume, cast_rays
from engine.spec.camera import Camera
from engine.spec.classes import FREE
from engine.spec.geometry import invert, transform
from engine.spec.grid import GridSpec

Reach = Callable[[np.ndarray], np.ndarray]
"""Which of the points (N, 3) of the ego frame a sensor can look at, (N,) bool."""
LEVEL = float(np.sin(np.radians(1.0)))
"""How much a line that leaves the grid may rise or fall and still be taken to meet something."""
TOUCH = 1e-3
"""Share of a line of sight at its far end in which a hit is the target itself."""


@dataclass(frozen=True, slots=True)
class Lidar:
    """Beams in evenly spaced rings, spinning about the sensor's z axis; x right, y forward, z up, as nuScenes' LIDAR_TOP."""

    ego_xyz_m: tuple[float, float, float] = (0.943713, 0.0, 1.84023)
    lowest_rad: float = float(np.radians(-30.67))
    highest_rad: float = float(np.radians(10.67))
    rings: int = 32
    steps: int = 1086
    """Directions a turn."""
    farthest_m: float = 100.0

    def ego_SE3_lidar(self) -> np.ndarray:
        """(4, 4)."""
        pose = np.eye(4)
        pose[:2, :2] = (0.0, 1.0), (-1.0, 0.0)
        pose[:3, 3] = self.ego_xyz_m
        return pose

    def rays(self) -> np.ndarray:
        """Unit directions (steps, rings, 3) float32 in the LiDAR frame; ring 0 is the lowest."""
        elevation = np.linspace(self.lowest_rad, self.highest_rad, self.rings)
        azimuth = 2 * np.pi * np.arange(self.steps)[:, None] / self.steps
        flat = np.cos(elevation) * np.ones_like(azimuth)
        return np.stack([flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation) * np.ones_like(azimuth)], -1).astype(np.float32)


NUSCENES_LIDAR = Lidar()
"""Mount and rings of nuScenes' Velodyne HDL-32E."""


def scan(volume: Volume, lidar: Lidar = NUSCENES_LIDAR) -> tuple[np.ndarray, np.ndarray]:
    """One turn of a virtual LiDAR: rows (N, 5) float32 of x, y, z (LiDAR frame, metres), intensity 0 and ring; and the voxel (N,) each lies on."""
    rays = _rays(lidar)
    hits = cast_rays(volume, rays, lidar.ego_SE3_lidar())
    met = (hits.voxel >= 0) & (hits.distance < lidar.farthest_m)
    ring = np.broadcast_to(np.arange(lidar.rings, dtype=np.float32), met.shape)[met]
    points = (rays[met] * hits.distance[met][:, None]).astype(np.float32)
    return np.concatenate([points, np.zeros((len(points), 1), np.float32), ring[:, None]], 1), hits.voxel[met]


@lru_cache(4)
def _rays(lidar: Lidar) -> np.ndarray:
    return lidar.rays()


def lidar_mask(volume: Volume, lidar: Lidar = NUSCENES_LIDAR, elsewhere_m: np.ndarray | None = None) -> np.ndarray:
    """Bool (X, Y, Z): voxels in sight of the LiDAR, between its lowest and highest ring and within its reach.

    Gaps between rings count as seen: data sets add up many turns, which close them. `elsewhere_m` (N, 3): where else it was in the scene, in
    this frame's ego frame; what is occupied and in sight from there counts as well, as where sweeps are added up.
    """

    def reaches_from(origin_m: np.ndarray) -> Reach:
        def reaches(targets_m: np.ndarray) -> np.ndarray:
            way = targets_m - origin_m
            flat = np.hypot(way[:, 0], way[:, 1])
            elevation = np.arctan2(way[:, 2], flat)
            return (elevation >= lidar.lowest_rad) & (elevation <= lidar.highest_rad) & (np.hypot(flat, way[:, 2]) < lidar.farthest_m)

        return reaches

    here = np.array(lidar.ego_xyz_m)
    seen = in_sight(volume, here, reaches_from(here))
    for origin_m in () if elsewhere_m is None else elsewhere_m:
        _see_occupied(volume, origin_m, reaches_from(origin_m), seen.reshape(-1))
    return seen


def camera_mask(volume: Volume, camera: Camera, ego_SE3_camera: np.ndarray) -> np.ndarray:
    """Bool (X, Y, Z): voxels in sight of a camera and within its picture."""
    return in_sight(volume, ego_SE3_camera[:3, 3], lambda targets_m: within_picture(camera, ego_SE3_camera, targets_m))


def within_picture(camera: Camera, ego_SE3_camera: np.ndarray, points_m: np.ndarray) -> np.ndarray:
    """Which points (N, 3) of the ego frame fall into a picture."""
    u, v = camera.project(transform(invert(ego_SE3_camera), points_m)).T
    with np.errstate(invalid="ignore"):
        return (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)


def in_sight(volume: Volume, origin_m: np.ndarray, reaches: Reach) -> np.ndarray:
    """Bool (X, Y, Z): voxels that a sensor at `origin_m` (ego frame) has in sight; `reaches` says which points (N, 3) it can look at."""
    grid = volume.grid
    seen = np.zeros(grid.shape, bool)
    flat = seen.reshape(-1)
    centres = voxel_centres_m(grid)
    occupied = volume.semantics < FREE
    free = np.flatnonzero(~occupied.reshape(-1) & reaches(centres))
    hits = _looked(volume, origin_m, centres[free])
    way = centres[free] - origin_m
    level = np.abs(way[:, 2]) <= LEVEL * np.linalg.norm(way, axis=1)
    flat[free] = _reached(hits) & (np.isfinite(hits.distance) | level)
    _see_occupied(volume, origin_m, reaches, flat)
    return seen


def _see_occupied(volume: Volume, origin_m: np.ndarray, reaches: Reach, flat: np.ndarray) -> None:
    """Marks the occupied voxels in sight in a raveled volume of bools."""
    for facing, targets_m in _facing(volume.semantics < FREE, volume.grid, origin_m):
        can = reaches(targets_m)
        looked, targets_m = facing[can], targets_m[can]
        hits = _looked(volume, origin_m, targets_m)
        flat[looked[_reached(hits) | (hits.voxel == looked)]] = True


def share_in_sight(volume: Volume, instance_id: int, sensors: Iterable[tuple[np.ndarray, Reach]]) -> float:
    """How much of what an instance turns to the sensors, and does not cover itself, is in sight: 0 to 1; 0 where it has no voxels."""
    own = volume.instances == instance_id
    ids = volume.instances.reshape(-1)
    open_, all_ = 0, 0
    for origin_m, reaches in sensors:
        for facing, targets_m in _facing(own, volume.grid, origin_m):
            can = reaches(targets_m)
            hits = _looked(volume, origin_m, targets_m[can])
            reached = _reached(hits) | (hits.voxel == facing[can])
            covers_itself = ~reached & (ids[np.maximum(hits.voxel, 0)] == instance_id)
            open_, all_ = open_ + int(reached.sum()), all_ + int((~covers_itself).sum())
    return open_ / all_ if all_ else 0.0


@lru_cache(2)
def voxel_centres_m(grid: GridSpec) -> np.ndarray:
    """(X * Y * Z, 3) in the ego frame, in the order of the raveled volume; read-only."""
    axes = (o + (np.arange(n) + 0.5) * grid.voxel_m for o, n in zip(grid.origin_m, grid.shape, strict=True))
    centres = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    centres.setflags(write=False)
    return centres


def _facing(solid: np.ndarray, grid: GridSpec, origin_m: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each of the six directions: the voxels (M,) of a solid (X, Y, Z) whose face there is open and turned to a point, and the faces' centres (M, 3)."""
    padded = np.pad(solid, 1)
    inner = tuple(slice(1, 1 + n) for n in solid.shape)
    for normal in FACE_NORMALS.astype(np.float64):
        beyond = tuple(slice(part.start + int(step), part.stop + int(step)) for part, step in zip(inner, normal, strict=True))
        cells = np.flatnonzero((solid & ~padded[beyond]).reshape(-1))
        faces = voxel_centres_m(grid)[cells] + normal * (grid.voxel_m / 2)
        turned = (origin_m - faces) @ normal > 0
        yield cells[turned], faces[turned]


def _looked(volume: Volume, origin_m: np.ndarray, targets_m: np.ndarray) -> Hits:
    """What rays from a point towards others meet; distances are shares of the way."""
    pose = np.eye(4)
    pose[:3, 3] = origin_m
    return cast_rays(volume, (targets_m - origin_m).astype(np.float32), pose)


def _reached(hits: Hits) -> np.ndarray:
    return hits.distance > 1 - TOUCH
