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
from engine.views.drawn.sky import cloud_at
from engine.views.drawn.weather import falling
from engine.views.drawn.world import DrawnWorld, Moment

ROUGHNESS, METALLIC, OPENNESS, SUNLIT = range(4)
"""Rows of `Guide.surface`."""
FALLS, CLOUD, BILLOW, LAND, SKY = range(5)
"""Rows of `Guide.air`."""


class Guide(NamedTuple):
    """One view as whole numbers, small enough to keep thousands in memory: all (.., H, W)."""

    albedo: np.ndarray
    """uint8 (3, H, W), sRGB: of all surfaces in a pixel, each by its share of it; in the sky that of the far land on the horizon."""
    normal: np.ndarray
    """int8 (3, H, W): outward, camera frame, times 127; 0 in the sky."""
    distance: np.ndarray
    """float16 (H, W): metres along the ray, 0 in the sky."""
    label: np.ndarray
    """uint8 (H, W): class id, 255 in the sky."""
    material: np.ndarray
    """uint8 (H, W): Material + 1, 0 in the sky."""
    surface: np.ndarray
    """uint8 (4, H, W), 255 is 1: ROUGHNESS, METALLIC and OPENNESS (share of the sky that a point sees) of the surface that fills most of the pixel, 0
    in the sky; SUNLIT of all in it (sun's cosine where it falls, 0 in shadow, under clouds and at night)."""
    shone: np.ndarray
    """uint8 (4, H, W), of all surfaces in a pixel: what they give off and mirrors show, sRGB of what is left of it under the take's exposure
    (x / (1 + x)); and likewise the light of lamps on them, whatever its colour. In the sky what windows of the far land give off at night."""
    air: np.ndarray
    """uint8 (5, H, W), 255 is 1: FALLS (share of a pixel that drops and flakes cover); in the sky CLOUD (how far clouds hide it) and BILLOW (how
    bright their sides are); LAND and SKY (shares of a pixel that the far land, and it or the sky fill)."""


def guide_of(world: DrawnWorld, moment: Moment, camera: int, seen: Film) -> Guide:
    """Of what a camera (by number) saw of a moment."""
    rays, ego_SE3_camera = ray_table(world.clip.cameras[camera]), world.clip.camera_pose(moment.index, camera)
    scene_SE3_camera = np.ascontiguousarray(world.scene_SE3_ego(moment.index) @ ego_SE3_camera)
    hit, look = seen.depth > 0, moment.look
    air, land = np.zeros((5, *hit.shape), np.float32), np.zeros((4, *hit.shape), np.float32)
    weather = np.array([look.rain, look.snow, look.sun, look.cloud, world.seconds(moment)])
    _float(seen.depth, seen.sky, rays, scene_SE3_camera, moment.light.sun_xyz, weather, look.seed, air, land)
    albedo = seen.mixed.transpose(2, 0, 1) + land[:3]                                # (3, H, W)
    shone = np.concatenate([seen.shone.transpose(2, 0, 1) + land[3] * look.night, seen.lamps[None]]) * moment.light.numbers[EXPOSURE]
    surface = np.stack([np.where(hit, part, 0.0) for part in (seen.roughness, seen.metallic, _smooth_openness(seen))] + [seen.sunlit])
    normal = np.where(hit[..., None], seen.normal @ scene_SE3_camera[:3, :3], 0.0)   # (H, W, 3)
    return Guide(
        albedo=_byte(srgb(albedo)),
        normal=np.ascontiguousarray(np.rint(np.clip(normal, -1, 1) * 127).astype(np.int8).transpose(2, 0, 1)),
        distance=np.minimum(seen.depth, 6e4).astype(np.float16),
        label=seen.label,
        material=seen.material,
        surface=_byte(surface),
        shone=_byte(srgb(shone / (1 + shone))),
        air=_byte(air),
    )


def _smooth_openness(seen: Film) -> np.ndarray:
    """float32 (H, W): the 4 x 4 pattern of sky rays averaged as `finish` does."""
    light = np.zeros(seen.direct.shape, np.float32)
    gather(light, np.ones_like(light), seen.openness, seen.depth, seen.normal, light)
    return light[..., 0]


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _float(depth, sky, rays, pose, sun_xyz, weather, seed, out, land):
    """What is in the air and on the horizon in every pixel's direction, as `finish` and `sky_map` draw it: into out (5, H, W) as `Guide.air`,
    the far land's colour and windows, by its share of the pixel, into land (4, H, W)."""
    rain, snow, sun, cover, time_s = weather
    height, width = depth.shape
    for v in prange(height):
        far_land = np.zeros(4, np.float32)
        for u in range(width):
            rx, ry, rz = rays[v, u, 0], rays[v, u, 1], rays[v, u, 2]
            out[SKY, v, u] = sky[v, u]
            if math.isnan(rx):
                continue
            dx = pose[0, 0] * rx + pose[0, 1] * ry + pose[0, 2] * rz
            dy = pose[1, 0] * rx + pose[1, 1] * ry + pose[1, 2] * rz
            dz = pose[2, 0] * rx + pose[2, 1] * ry + pose[2, 2] * rz
            azimuth, elevation = math.atan2(dy, dx), math.asin(min(1.0, max(-1.0, dz)))
            if rain > 0.0 or snow > 0.0:
                far = depth[v, u] if depth[v, u] > 0 else 1e4
                out[FALLS, v, u] = falling(azimuth, elevation, far, time_s, rain, snow, seed)
            if sky[v, u] > 0.0:
                body, edge, closed, billow = cloud_at(dx, dy, dz, sun_xyz, sun, cover, seed)
                out[CLOUD, v, u] = 1 - (1 - body) * (1 - closed)
                out[BILLOW, v, u] = edge * (1 - closed) + billow * closed
                out[LAND, v, u] = sky[v, u] * land_at(azimuth, elevation, seed, far_land)
                for k in range(4):
                    land[k, v, u] = sky[v, u] * far_land[k]


def _byte(values: np.ndarray) -> np.ndarray:
    return np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)
