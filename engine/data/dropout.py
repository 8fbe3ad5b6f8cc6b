"""Lidar-like incompleteness: far from where the ego ever was, standing voxels go missing."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.lattice import hash01, value_noise
from engine.spec.classes import FREE
from engine.spec.clip import SceneClip

_NEAR_M, _FAR_M = 10.0, 45.0


def thin_out(semantics: np.ndarray, instances: np.ndarray, clip: SceneClip, index: int, share: float, seed: int) -> None:
    """Frees up to `share` of the voxels without an instance, in place; the same places of the world in every frame."""
    path = np.ascontiguousarray(clip.world_SE3_ego[:: max(len(clip) // 8, 1), :2, 3])
    pose = np.ascontiguousarray(clip.world_SE3_ego[index])
    _thin(semantics, instances, pose, path, *clip.grid.origin_m[:2], clip.grid.voxel_m, share, seed)


@njit(cache=True)
def _thin(semantics, instances, pose, path, x0, y0, v, share, seed):
    nx, ny, nz = semantics.shape
    for i in range(nx):
        for j in range(ny):
            ex, ey = x0 + (i + 0.5) * v, y0 + (j + 0.5) * v
            x = pose[0, 0] * ex + pose[0, 1] * ey + pose[0, 3]
            y = pose[1, 0] * ex + pose[1, 1] * ey + pose[1, 3]
            near = 1e9
            for k in range(len(path)):
                near = min(near, (x - path[k, 0]) ** 2 + (y - path[k, 1]) ** 2)
            far = min(max((np.sqrt(near) - _NEAR_M) / (_FAR_M - _NEAR_M), 0.0), 1.0)
            gone = share * far * 2 * value_noise(x, y, 5.0, seed)
            for k in range(nz):
                if instances[i, j, k] == 0 and semantics[i, j, k] != FREE:
                    if hash01(int(np.floor(x / v)) * 64 + k, int(np.floor(y / v)), seed) < gone:
                        semantics[i, j, k] = FREE
