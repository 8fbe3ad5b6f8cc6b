"""The two pictures of a preview, classes and depth, cast and coloured pixel by pixel without the buffers between."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import get_num_threads, njit, prange

from engine.render.buffers import FAR_M, NEAR_M, TOUCHING_M, colorise, depth_colours, ray_table
from engine.render.raycast import FACE_NORMALS, Volume, cast_f64, grid_pose
from engine.spec.camera import Camera
from engine.spec.classes import FREE, NOTHING_HIT


def preview_pictures(volume: Volume, camera: Camera, ego_SE3_camera: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What one camera sees of a volume, as uint8 (H, W, 3): its classes and its depth.

    The same as `colorise` and `depth_to_rgb` of what `render_buffers` gives. `ego_SE3_camera` (4, 4) in metres; raises ValueError where
    it is not finite.
    """
    pose = grid_pose(volume.grid, ego_SE3_camera)
    semantic, depth = np.empty((2, camera.height, camera.width, 3), np.uint8)
    _preview(
        volume.columns, volume.tiles8, volume.tiles32, volume.semantics, ray_table(camera), pose, get_num_threads(),
        _face_colours(), _sky(camera.height), depth_colours(), semantic, depth,
    )  # fmt: skip
    return semantic, depth


@lru_cache(maxsize=1)
def _face_colours() -> np.ndarray:
    """(classes, 6, 3) uint8: what `colorise` makes of each class on each face."""
    classes = np.repeat(np.arange(FREE, dtype=np.uint8)[:, None], len(FACE_NORMALS), 1)
    return colorise(classes, np.broadcast_to(FACE_NORMALS, (*classes.shape, 3)))


@lru_cache(maxsize=16)
def _sky(height: int) -> np.ndarray:
    """(H, 3) uint8: what `colorise` makes of nothing, row by row."""
    return colorise(np.full((height, 1), NOTHING_HIT, np.uint8))[:, 0]


@njit(cache=True, parallel=True, error_model="numpy", nogil=True)
def _preview(columns, tiles8, tiles32, semantics, table, pose, lanes, face_rgb, sky_rgb, depth_rgb, semantic, depth):
    height, width = table.shape[:2]
    nz = semantics.shape[2]
    nearest, scale = np.float32(1 / FAR_M), np.float32(1 / NEAR_M - 1 / FAR_M)
    for lane in prange(lanes):
        # Interleaved rows: those of the sky are cheap, those of the street are not.
        for row in range(lane, height, lanes):
            for column in range(width):
                rx, ry, rz = np.float64(table[row, column, 0]), np.float64(table[row, column, 1]), np.float64(table[row, column, 2])
                dx = pose[0, 0] * rx + pose[0, 1] * ry + pose[0, 2] * rz
                dy = pose[1, 0] * rx + pose[1, 1] * ry + pose[1, 2] * rz
                dz = pose[2, 0] * rx + pose[2, 1] * ry + pose[2, 2] * rz
                ix, iy, iz, t, face = cast_f64(columns, tiles8, tiles32, nz, pose[0, 3], pose[1, 3], pose[2, 3], dx, dy, dz)
                metres = np.float32(0.0)
                if ix < 0:
                    for c in range(3):
                        semantic[row, column, c] = sky_rgb[row, c]
                else:
                    class_id = semantics[ix, iy, iz]
                    for c in range(3):
                        semantic[row, column, c] = face_rgb[class_id, face, c]
                    metres = np.float32(t * rz) if t > 0 else TOUCHING_M
                if not metres > 0:
                    for c in range(3):
                        depth[row, column, c] = 0
                    continue
                share = (np.float32(1.0) / metres - nearest) / scale
                level = np.uint8(np.sqrt(min(max(share, np.float32(0.0)), np.float32(1.0))) * np.float32(255.0))
                for c in range(3):
                    depth[row, column, c] = depth_rgb[level, c]
