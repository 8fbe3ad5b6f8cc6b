"""Geometry buffers of one camera from one frame of occupancy, and the pictures that show them to people."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit, prange

from engine.api import Buffers
from engine.colour import srgb
from engine.render.raycast import FACE_NORMALS, FACE_SHADE, Hits, Volume, cast_rays
from engine.spec.camera import Camera
from engine.spec.classes import CLASS_RGB, FREE, NOTHING_HIT
from engine.spec.grid import GridSpec

TOUCHING_M = np.float32(1e-6)
"""Depth written where the camera sits inside a voxel, because 0 means nothing hit."""

SKY_RGB = np.array([[196, 207, 219], [233, 237, 240]], np.float32)
"""Sky at the top and at the bottom of a preview."""


def render_buffers(
    semantics: np.ndarray | Volume,
    instances: np.ndarray | None,
    grid: GridSpec,
    camera: Camera,
    ego_SE3_camera: np.ndarray,
    ego0_SE3_ego: np.ndarray,
) -> Buffers:
    """Ray-cast one camera through one frame.

    `semantics` uint8 (X, Y, Z) and `instances` uint16 (X, Y, Z), or a prepared `Volume` in place of the first (then
    `instances` and `grid` are the volume's own): prepare one where several cameras look at the same frame. Poses are
    (4, 4), metres. Coordinates and Pluecker rays come back in the ego frame of frame 0, normals in that of this frame.
    A pixel past a fisheye's reach hits nothing and its Pluecker ray is 0. Raises ValueError on shapes that do not fit the
    grid and on poses that are not finite.
    """
    volume = semantics if isinstance(semantics, Volume) else Volume.from_dense(semantics, grid, instances)
    if ego0_SE3_ego.shape != (4, 4) or not np.isfinite(ego0_SE3_ego).all():
        raise ValueError("ego0_SE3_ego must be a finite 4 x 4 matrix: mend the ego path before rendering.")
    rays = ray_table(camera)
    hits = cast_rays(volume, rays, ego_SE3_camera)
    ego0_SE3_camera = np.asarray(ego0_SE3_ego, np.float64) @ np.asarray(ego_SE3_camera, np.float64)
    return _gather(volume, hits, rays, ego0_SE3_camera)


def ray_table(camera: Camera) -> np.ndarray:
    """`camera.rays()`, computed once per set of intrinsics: (H, W, 3) float32, read-only."""
    return _ray_table(camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy, camera.fisheye)


@lru_cache(maxsize=16)
def _ray_table(
    width: int, height: int, fx: float, fy: float, cx: float, cy: float, fisheye: tuple[float, float, float, float] | None
) -> np.ndarray:
    rays = np.ascontiguousarray(Camera("", width, height, fx, fy, cx, cy, fisheye=fisheye).rays(), np.float32)
    rays.setflags(write=False)
    return rays


def _gather(volume: Volume, hits: Hits, rays: np.ndarray, ego0_SE3_camera: np.ndarray) -> Buffers:
    height, width = hits.voxel.shape
    buffers = Buffers(
        semantic=np.empty((height, width), np.uint8),
        depth=np.empty((height, width), np.float32),
        coordinate=np.empty((height, width, 3), np.float32),
        normal=np.empty((height, width, 3), np.float32),
        instance=np.empty((height, width), np.uint16),
        plucker=np.empty((height, width, 6), np.float32),
    )
    out = (buffers.semantic, buffers.depth, buffers.coordinate, buffers.normal, buffers.instance, buffers.plucker)
    classes, ids = volume.semantics.reshape(-1), volume.instances.reshape(-1)
    _fill(classes, ids, hits.voxel, hits.distance, hits.face, rays, ego0_SE3_camera, FACE_NORMALS, *out)
    return buffers


@njit(cache=True, parallel=True, nogil=True)
def _fill(classes, ids, voxel, distance, face, rays, pose, normals, semantic, depth, coordinate, normal, instance, plucker):
    height, width = voxel.shape
    ox, oy, oz = pose[0, 3], pose[1, 3], pose[2, 3]
    for v in prange(height):
        for u in range(width):
            rx, ry, rz = np.float64(rays[v, u, 0]), np.float64(rays[v, u, 1]), np.float64(rays[v, u, 2])
            if np.isnan(rx + ry + rz):
                rx, ry, rz = 0.0, 0.0, 0.0
            dx = pose[0, 0] * rx + pose[0, 1] * ry + pose[0, 2] * rz
            dy = pose[1, 0] * rx + pose[1, 1] * ry + pose[1, 2] * rz
            dz = pose[2, 0] * rx + pose[2, 1] * ry + pose[2, 2] * rz
            plucker[v, u, 0], plucker[v, u, 1], plucker[v, u, 2] = dx, dy, dz
            plucker[v, u, 3], plucker[v, u, 4], plucker[v, u, 5] = oy * dz - oz * dy, oz * dx - ox * dz, ox * dy - oy * dx
            cell = voxel[v, u]
            if cell < 0:
                semantic[v, u], instance[v, u], depth[v, u] = NOTHING_HIT, 0, 0.0
                coordinate[v, u, :] = np.nan
                normal[v, u, :] = 0.0
                continue
            t = distance[v, u]
            semantic[v, u], instance[v, u] = classes[cell], ids[cell]
            depth[v, u] = t * rz if t > 0 else TOUCHING_M
            coordinate[v, u, 0], coordinate[v, u, 1], coordinate[v, u, 2] = ox + t * dx, oy + t * dy, oz + t * dz
            normal[v, u, :] = normals[face[v, u]]


def colorise(semantic: np.ndarray, normal: np.ndarray | None = None) -> np.ndarray:
    """Preview uint8 (H, W, 3) of class ids (H, W) under a pale sky, shaded by face where normals (H, W, 3) are given."""
    height, width = semantic.shape
    rgb = np.empty((height, width, 3), np.uint8)
    normals = np.zeros((0, 0, 3), np.float32) if normal is None else np.ascontiguousarray(normal, np.float32)
    _paint(np.ascontiguousarray(semantic), normals, CLASS_RGB, FACE_SHADE, SKY_RGB, rgb)
    return rgb


@njit(cache=True, nogil=True)
def _paint(semantic, normal, palette, face_shade, sky, rgb):
    height, width = semantic.shape
    shaded = normal.shape[0] > 0
    for v in range(height):
        # Square root: the pale band stays near the horizon's half of the picture.
        weight = np.sqrt((v + 0.5) / height)
        for u in range(width):
            class_id = semantic[v, u]
            if class_id >= FREE:
                for c in range(3):
                    rgb[v, u, c] = np.uint8(sky[0, c] + weight * (sky[1, c] - sky[0, c]))
                continue
            shade = np.float32(1.0)
            if shaded:
                # The weights of the six faces, blended: exact for voxel faces, smooth for any other normal.
                total = np.float32(0.0)
                value = np.float32(0.0)
                for axis in range(3):
                    part = normal[v, u, axis]
                    value += part * part * face_shade[2 * axis + (1 if part > 0 else 0)]
                    total += part * part
                if total > 0:
                    shade = value / total
            for c in range(3):
                rgb[v, u, c] = np.uint8(palette[class_id, c] * shade)


NEAR_M, FAR_M = 2.0, 80.0
"""What a picture of depths tells apart."""


def depth_to_rgb(depth: np.ndarray, near_m: float = NEAR_M, far_m: float = FAR_M) -> np.ndarray:
    """Preview uint8 (H, W, 3) of depths (H, W) in metres: near is bright, far is dark, nothing hit (0) is black.

    The scale is the square root of inverse depth between `near_m` and `far_m`, the same for every picture, so that
    frames and cameras can be compared.
    """
    seen = depth > 0
    inverse = 1.0 / np.where(seen, depth, far_m)
    level = np.sqrt(np.clip((inverse - 1 / far_m) / (1 / near_m - 1 / far_m), 0.0, 1.0))
    rgb = depth_colours()[(level * 255).astype(np.uint8)]
    rgb[~seen] = 0
    return rgb


# Ottosson's OKLab: to cone responses (before the cube), and from those to linear sRGB.
_LMS_OKLAB = np.array([[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]])
_RGB_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@lru_cache(maxsize=1)
def depth_colours() -> np.ndarray:
    """(256, 3) uint8: lightness rises evenly in OKLab while the hue turns from violet over teal to yellow."""
    level = np.linspace(0, 1, 256)
    lightness = 0.24 + 0.70 * level
    hue = np.radians(300 - 200 * level)
    chroma = 0.11 + 0.04 * level
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    lms = (_LMS_OKLAB @ np.stack([lightness, a, b])) ** 3
    return np.round(255 * srgb((_RGB_LMS @ lms).T)).astype(np.uint8)
