"""What the drawn world tells the decoder of one camera's view, before any appearance: geometry, materials, where the sun falls, what is in the air.

The decoder draws from it what a latent of appearance alone could not hold: every edge and every shadow
(`shared/notes/ggve.md`, "A decoder that sees the geometry").
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from engine.colour import srgb
from engine.render.buffers import ray_table
from engine.views.drawn.film import Film
from engine.views.drawn.finish import gather
from engine.views.drawn.horizon import land_at
from engine.views.drawn.light import EXPOSURE
from engine.views.drawn.mesh import Material
from engine.views.drawn.rays import RAY, blocked
from engine.views.drawn.sky import cloud_at
from engine.views.drawn.weather import falling
from engine.views.drawn.world import DrawnWorld, Moment

_FOLIAGE = int(Material.FOLIAGE) + 1
SUN_REACH_M = 400.0
"""Farthest thing that throws a shadow."""
ROUGHNESS, METALLIC, OPENNESS, SUNLIT = range(4)
"""Rows of `Guide.surface`."""
FALLS, CLOUD, BILLOW, LAND = range(4)
"""Rows of `Guide.air`."""


class Guide(NamedTuple):
    """One view as whole numbers, small enough to keep thousands in memory: all (.., H, W)."""

    albedo: np.ndarray
    """uint8 (3, H, W), sRGB; in the sky that of the far land on the horizon, before any light."""
    normal: np.ndarray
    """int8 (3, H, W): outward, camera frame, times 127; 0 in the sky."""
    distance: np.ndarray
    """float16 (H, W): metres along the ray, 0 in the sky."""
    label: np.ndarray
    """uint8 (H, W): class id, 255 in the sky."""
    material: np.ndarray
    """uint8 (H, W): Material + 1, 0 in the sky."""
    surface: np.ndarray
    """uint8 (4, H, W), 255 is 1: ROUGHNESS, METALLIC, OPENNESS (share of the sky that a point sees) and SUNLIT (sun's cosine where it
    falls, 0 in shadow, under clouds and at night)."""
    shone: np.ndarray
    """uint8 (4, H, W): what surfaces give off and mirrors show, sRGB of what is left of it under the take's exposure (x / (1 + x)); and
    likewise the light of lamps on a surface, whatever its colour. In the sky only what windows of the far land give off at night."""
    air: np.ndarray
    """uint8 (4, H, W), 255 is 1: FALLS (share of a pixel that drops and flakes cover); in the sky CLOUD (how far clouds hide it), BILLOW (how
    bright their sides are) and LAND (how far the far land hides it)."""


def guide_of(world: DrawnWorld, moment: Moment, camera: int, seen: Film) -> Guide:
    """Of what a camera (by number) saw of a moment."""
    ego_SE3_camera = world.clip.camera_pose(moment.index, camera)
    scene_SE3_camera = np.ascontiguousarray(world.scene_SE3_ego(moment.index) @ ego_SE3_camera)
    hit = seen.depth > 0
    sunlit = np.zeros(hit.shape, np.float32)
    if moment.light.sun_rgb[0] > 0.0:
        rays = ray_table(world.clip.cameras[camera])
        _shine(moment.world.together.pointer, moment.light.sun_xyz, rays, scene_SE3_camera, seen.depth, seen.normal, seen.material, sunlit)
    normal = np.where(hit[..., None], seen.normal @ scene_SE3_camera[:3, :3], 0.0)
    shone = np.where(hit[..., None], np.concatenate([seen.shone, seen.lamps[..., None]], -1), 0.0) * moment.light.numbers[EXPOSURE]
    surface = np.stack([seen.roughness, seen.metallic, np.ones_like(sunlit), sunlit])
    surface[OPENNESS] = _smooth_openness(seen)
    air, land, look = np.zeros((4, *hit.shape), np.float32), np.zeros((4, *hit.shape), np.float32), moment.look
    weather = np.array([look.rain, look.snow, look.sun, look.cloud, world.seconds(moment)])
    _float(seen.depth, ray_table(world.clip.cameras[camera]), scene_SE3_camera, moment.light.sun_xyz, weather, look.seed, air, land)
    windows = np.where(hit, 0.0, land[3] * look.night * moment.light.numbers[EXPOSURE])
    shone[..., :3] += windows[..., None]
    return Guide(
        albedo=np.ascontiguousarray(_byte(srgb(np.where(hit[..., None], seen.albedo, land[:3].transpose(1, 2, 0)))).transpose(2, 0, 1)),
        normal=np.ascontiguousarray(np.rint(np.clip(normal, -1, 1) * 127).astype(np.int8).transpose(2, 0, 1)),
        distance=np.minimum(seen.depth, 6e4).astype(np.float16),
        label=seen.label,
        material=seen.material,
        surface=_byte(np.where(hit, surface, 0.0)),
        shone=np.ascontiguousarray(_byte(srgb(shone / (1 + shone))).transpose(2, 0, 1)),
        air=_byte(air),
    )


def _smooth_openness(seen: Film) -> np.ndarray:
    """float32 (H, W): the 4 x 4 pattern of sky rays averaged as `finish` does."""
    light = np.zeros(seen.direct.shape, np.float32)
    gather(light, np.ones_like(light), seen.openness, seen.depth, seen.normal, light)
    return light[..., 0]


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _shine(scene, sun, rays, pose, depth, normal, material, out):
    """Cosine of the sun on every point that it falls on, into out (H, W); leaves let it wrap around, as in `shade`."""
    height, width = depth.shape
    for v in prange(height):
        ray = np.zeros(RAY, np.float32)
        words = ray.view(np.uint32)
        for u in range(width):
            far = depth[v, u]
            if far <= 0.0:
                continue
            nx, ny, nz = normal[v, u, 0], normal[v, u, 1], normal[v, u, 2]
            cosine = nx * sun[0] + ny * sun[1] + nz * sun[2]
            if material[v, u] == _FOLIAGE:
                cosine = (cosine + 0.35) / 1.35
            if cosine <= 0.0:
                continue
            a, b, c = rays[v, u, 0] * far, rays[v, u, 1] * far, rays[v, u, 2] * far
            away = 0.01 + 3e-4 * far
            x = pose[0, 3] + pose[0, 0] * a + pose[0, 1] * b + pose[0, 2] * c + away * nx
            y = pose[1, 3] + pose[1, 0] * a + pose[1, 1] * b + pose[1, 2] * c + away * ny
            z = pose[2, 3] + pose[2, 0] * a + pose[2, 1] * b + pose[2, 2] * c + away * nz
            if not blocked(scene, ray, words, x, y, z, sun[0], sun[1], sun[2], 0.005, SUN_REACH_M):
                out[v, u] = cosine


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _float(depth, rays, pose, sun_xyz, weather, seed, out, land):
    """Drops, flakes, clouds and far land in every pixel's direction, as `finish` and `sky_map` draw them, into out (4, H, W), and the land's
    colour and windows into land (4, H, W)."""
    rain, snow, sun, cover, time_s = weather
    height, width = depth.shape
    for v in prange(height):
        far_land = np.zeros(4, np.float32)
        for u in range(width):
            rx, ry, rz = rays[v, u, 0], rays[v, u, 1], rays[v, u, 2]
            if math.isnan(rx):
                continue
            dx = pose[0, 0] * rx + pose[0, 1] * ry + pose[0, 2] * rz
            dy = pose[1, 0] * rx + pose[1, 1] * ry + pose[1, 2] * rz
            dz = pose[2, 0] * rx + pose[2, 1] * ry + pose[2, 2] * rz
            elevation = math.asin(min(1.0, max(-1.0, dz)))
            if rain > 0.0 or snow > 0.0:
                far = depth[v, u] if depth[v, u] > 0 else 1e4
                out[FALLS, v, u] = falling(math.atan2(dy, dx), elevation, far, time_s, rain, snow, seed)
            if depth[v, u] <= 0.0:
                body, edge, closed, billow = cloud_at(dx, dy, dz, sun_xyz, sun, cover, seed)
                out[CLOUD, v, u] = 1 - (1 - body) * (1 - closed)
                out[BILLOW, v, u] = edge * (1 - closed) + billow * closed
                out[LAND, v, u] = land_at(math.atan2(dy, dx), elevation, seed, far_land)
                for k in range(4):
                    land[k, v, u] = far_land[k]


def _byte(values: np.ndarray) -> np.ndarray:
    return np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)
