"""One shaded picture of a voxel volume: sun and shadow, sky light, fog, lamps (numba).

At 0.1 m voxels it is the teacher; at the studio's 0.4 m it is what the view model starts from and refines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from engine.lattice import value_noise
from engine.render.buffers import ray_table
from engine.render.raycast import FACE_NORMALS, Volume, _cast_f64, grid_pose
from engine.spec.camera import Camera
from engine.spec.geometry import Box
from engine.views.look import Look
from engine.views.materials import surface

CHANNELS = 14
"""Shaded RGB 0-2 (display), albedo 3-5, inverse depth 6, normal 7-9, light reaching the surface 10, place in the box 11-13."""
NOTHING = 21
"""Class id of a pixel that hits nothing, for the network's embedding."""


@dataclass(frozen=True, slots=True, eq=False)
class Shaded:
    """Per pixel: features float32 (H, W, 14) and class ids uint8 (H, W)."""

    features: np.ndarray
    labels: np.ndarray

    @property
    def rgb(self) -> np.ndarray:
        """Display colours (H, W, 3) in [0, 1]."""
        return self.features[..., :3]


def shade(
    volume: Volume, camera: Camera, ego_SE3_camera: np.ndarray, world_SE3_ego: np.ndarray, boxes: Sequence[Box], look: Look, smooth: int
) -> Shaded:
    """Shades one camera's view of one frame. `smooth` is the radius, in voxels, over which normals are averaged."""
    rays = ray_table(camera)
    features = np.zeros((camera.height, camera.width, CHANNELS), np.float32)
    labels = np.full((camera.height, camera.width), NOTHING, np.uint8)
    rows, row_of = _box_table(boxes, int(volume.instances.max()) if volume.instances.size else 0)
    sun_world = np.array(
        [
            math.cos(look.sun_azimuth_rad) * math.cos(look.sun_elevation_rad),
            math.sin(look.sun_azimuth_rad) * math.cos(look.sun_elevation_rad),
            math.sin(look.sun_elevation_rad),
        ]
    )
    sun_ego = world_SE3_ego[:3, :3].T @ sun_world
    light = np.array([look.sun, look.night, look.fog_per_m, look.wet, look.warmth, *sun_ego])
    _shade(
        volume.columns, volume.tiles8, volume.tiles32, volume.semantics, volume.instances, rays, grid_pose(volume.grid, ego_SE3_camera),
        np.ascontiguousarray(ego_SE3_camera), np.ascontiguousarray(world_SE3_ego), np.array(volume.grid.origin_m), volume.grid.voxel_m,
        rows, row_of, FACE_NORMALS, light, look.seed, smooth, features, labels,
    )  # fmt: skip
    return Shaded(features, labels)


def _box_table(boxes: Sequence[Box], highest: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (N, 7) of x, y, z, yaw and half sizes in the ego frame, and the row of each instance id (-1 = none)."""
    rows = np.zeros((len(boxes) + 1, 7))
    row_of = np.full(max([highest, *(box.instance_id for box in boxes)]) + 1, -1, np.int32)
    for index, box in enumerate(boxes):
        rows[index] = *box.center_m, box.yaw_rad, *(size / 2 for size in box.size_m)
        row_of[box.instance_id] = index
    return rows, row_of


@njit(cache=True)
def _sky(dx, dy, dz, light, out):
    """Display-linear sky in the world direction d: zenith to horizon, the sun's warmth, a far skyline, soft clouds."""
    sun, night, warmth = light[0], light[1], light[4]
    height = min(1.0, max(0.0, dz)) ** 0.5
    grey = 1.0 - sun
    zenith = (0.16 + 0.34 * grey, 0.32 + 0.22 * grey, 0.66 - 0.06 * grey)
    low = (0.62 + 0.14 * warmth, 0.72 - 0.16 * warmth, 0.82 - 0.42 * warmth)
    for c in range(3):
        out[c] = (low[c] * (1 - height) + zenith[c] * height) * (1 - 0.965 * night) + night * (0.012, 0.014, 0.024)[c]
    if dz > 0.02:
        cloud = (
            value_noise(dx / (dz + 0.15) * 1.3, dy / (dz + 0.15) * 1.3, 1.0, 21) * 0.6
            + value_noise(dx / (dz + 0.15) * 4, dy / (dz + 0.15) * 4, 1.0, 22) * 0.4
        )
        cover = min(1.0, max(0.0, (cloud - 0.52 + 0.25 * grey) * 3)) * 0.5 * (1 - night)
        for c in range(3):
            out[c] = out[c] * (1 - cover) + cover * (0.82 - 0.2 * grey)
    else:
        azimuth = math.atan2(dy, dx)
        roof = 0.012 + 0.035 * value_noise(azimuth * 9, 0.0, 1.0, 23) + 0.02 * value_noise(azimuth * 40, 0.0, 1.0, 24)
        if dz < roof:
            for c in range(3):
                out[c] *= 0.80


@njit(cache=True)
def _normal(columns, semantics, ix, iy, iz, code, normals, radius, out):
    """Face normal, or the average direction out of the matter around a voxel of an upright surface."""
    nx, ny = columns.shape
    out[0], out[1], out[2] = normals[code, 0], normals[code, 1], normals[code, 2]
    label = semantics[ix, iy, iz]
    ground = label >= 11 and label != 15 and label != 16
    if ground or radius == 0 or (code == 5 and label == 15):
        return
    gx = gy = gz = 0.0
    for a in range(-radius, radius + 1):
        for b in range(-radius, radius + 1):
            i, j = ix + a, iy + b
            if 0 <= i < nx and 0 <= j < ny:
                if (columns[i, j] >> np.uint64(iz)) & np.uint64(1):
                    gx -= a
                    gy -= b
    nz = semantics.shape[2]
    for c in range(-radius, radius + 1):
        k = iz + c
        if 0 <= k < nz and (columns[ix, iy] >> np.uint64(k)) & np.uint64(1):
            gz -= c * (2 * radius + 1)
    if label == 15:
        gz = 0.0
    length = math.sqrt(gx * gx + gy * gy + gz * gz)
    if length > 1e-6:
        # Half of the face itself keeps corners crisp and thin things lit.
        w = 0.75
        for c in range(3):
            out[c] = (1 - w) * out[c] + w * (gx, gy, gz)[c] / length
        length = math.sqrt(out[0] ** 2 + out[1] ** 2 + out[2] ** 2)
        for c in range(3):
            out[c] /= max(length, 1e-6)


@njit(cache=True, parallel=True, error_model="numpy", nogil=True)
def _shade(
    columns,
    tiles8,
    tiles32,
    semantics,
    instances,
    rays,
    pose,
    ego_camera,
    world_ego,
    origin,
    voxel,
    rows,
    row_of,
    normals,
    light,
    seed,
    radius,
    features,
    labels,
):
    height, width = labels.shape
    nz = semantics.shape[2]
    sun, night, fog, wet, warmth = light[0], light[1], light[2], light[3], light[4]
    sun_rgb = (sun * 2.3, sun * (2.1 - 0.9 * warmth), sun * (1.85 - 1.35 * warmth))
    sx, sy, sz = light[5], light[6], light[7]
    for v in prange(height):
        n, material, sky, back = np.zeros(3), np.zeros(6), np.zeros(3), np.zeros(3)
        for u in range(width):
            rx, ry, rz = np.float64(rays[v, u, 0]), np.float64(rays[v, u, 1]), np.float64(rays[v, u, 2])
            if math.isnan(rx + ry + rz):
                continue
            dx = pose[0, 0] * rx + pose[0, 1] * ry + pose[0, 2] * rz
            dy = pose[1, 0] * rx + pose[1, 1] * ry + pose[1, 2] * rz
            dz = pose[2, 0] * rx + pose[2, 1] * ry + pose[2, 2] * rz
            ex, ey, ez = dx * voxel, dy * voxel, dz * voxel
            wx = world_ego[0, 0] * ex + world_ego[0, 1] * ey + world_ego[0, 2] * ez
            wy = world_ego[1, 0] * ex + world_ego[1, 1] * ey + world_ego[1, 2] * ez
            wz = world_ego[2, 0] * ex + world_ego[2, 1] * ey + world_ego[2, 2] * ez
            _sky(wx, wy, wz, light, sky)
            ix, iy, iz, t, code = _cast_f64(columns, tiles8, tiles32, nz, pose[0, 3], pose[1, 3], pose[2, 3], dx, dy, dz)
            if ix < 0:
                distance = 1e4
                for c in range(3):
                    features[v, u, c] = sky[c]
                # Below the horizon the grid has ended: the ground goes on into the haze.
                if ez < -1e-4:
                    distance = -ego_camera[2, 3] / ez
                    if distance > 0:
                        far = math.exp(-distance * (0.008 + fog))
                        for c in range(3):
                            features[v, u, c] = sky[c] * (1 - far) + far * (0.14, 0.145, 0.13)[c] * (1 - 0.94 * night)
                features[v, u, 6] = 0.0
                for c in range(3):
                    features[v, u, 3 + c] = features[v, u, c]
                continue
            label, instance = semantics[ix, iy, iz], instances[ix, iy, iz]
            px, py, pz = pose[0, 3] + t * dx, pose[1, 3] + t * dy, pose[2, 3] + t * dz
            x, y, z = px * voxel + origin[0], py * voxel + origin[1], pz * voxel + origin[2]
            _normal(columns, semantics, ix, iy, iz, code, normals, radius, n)
            along = across = up = 0.0
            row = row_of[instance] if instance > 0 and instance < len(row_of) else -1
            if row >= 0:
                c_yaw, s_yaw = math.cos(rows[row, 3]), math.sin(rows[row, 3])
                bx, by = x - rows[row, 0], y - rows[row, 1]
                along = (c_yaw * bx + s_yaw * by) / rows[row, 4]
                across = (-s_yaw * bx + c_yaw * by) / rows[row, 5]
                up = (z - rows[row, 2]) / rows[row, 6]
            elif 1 <= label <= 10:
                up = min(1.0, z / 1.5 - 1)
            qx = world_ego[0, 0] * x + world_ego[0, 1] * y + world_ego[0, 2] * z + world_ego[0, 3]
            qy = world_ego[1, 0] * x + world_ego[1, 1] * y + world_ego[1, 2] * z + world_ego[1, 3]
            mx = world_ego[0, 0] * n[0] + world_ego[0, 1] * n[1]
            my = world_ego[1, 0] * n[0] + world_ego[1, 1] * n[1]
            surface(label, instance, seed, qx, qy, z, mx, my, n[2], along, across, up, night, material)
            # Direct light: one ray to the sun from just above the surface.
            hx, hy, hz = px + normals[code, 0] * 0.02, py + normals[code, 1] * 0.02, pz + normals[code, 2] * 0.02
            direct = max(0.0, n[0] * sx + n[1] * sy + n[2] * sz)
            if direct > 0 and sun > 0:
                blocked, _, _, _, _ = _cast_f64(columns, tiles8, tiles32, nz, hx, hy, hz, sx, sy, sz)
                if blocked >= 0:
                    direct = 0.0
            # Sky light: three rays tell how much of the sky a point sees.
            open_sky = 0.25
            for k in range(3):
                ax = math.cos(2.1 * k + 0.4) * 0.75 + n[0] * 0.5
                ay = math.sin(2.1 * k + 0.4) * 0.75 + n[1] * 0.5
                az = 0.66 + n[2] * 0.5
                hit, _, _, far, _ = _cast_f64(columns, tiles8, tiles32, nz, hx, hy, hz, ax, ay, az)
                reach = far * voxel
                open_sky += 0.25 if hit < 0 or reach > 6.0 else 0.25 * min(1.0, reach / 6.0)
            ambient = open_sky * (0.55 + 0.45 * n[2]) * (1 - 0.95 * night)
            metres = t * math.sqrt(ex * ex + ey * ey + ez * ez)
            # Headlights of the ego, and a glow of street lamps.
            lamp = 0.0
            if night > 0:
                beam = max(0.0, x) / (1.0 + math.hypot(x, y))
                lamp = night * (
                    3.2 * beam**6 * math.exp(-((math.hypot(x, y) - 6) ** 2) / 500.0) * max(0.15, -n[0] * 0.7 + n[2] * 0.5) + 0.10 * open_sky
                )
            mirror = wet * 0.35 * max(0.0, n[2]) ** 4 if (label >= 11 and label != 15 and label != 16) else 0.0
            if mirror > 0:
                _sky(wx, wy, -wz, light, back)
            haze = 1 - math.exp(-metres * (0.0035 + fog))
            for c in range(3):
                sky_rgb = (0.46 + 0.15 * (1 - sun), 0.52 + 0.10 * (1 - sun), 0.62)[c]
                lit = direct * sun_rgb[c] + ambient * sky_rgb * (1.35 + 0.5 * (1 - sun)) + lamp * (1.0, 0.86, 0.66)[c]
                colour = material[c] * (1 - 0.45 * mirror / 0.35 * wet) * lit + material[3 + c]
                colour = colour * (1 - mirror) + mirror * back[c]
                features[v, u, c] = colour * (1 - haze) + haze * sky[c]
                features[v, u, 3 + c] = material[c]
                features[v, u, 7 + c] = n[c]
            features[v, u, 6] = 1.0 / max(0.5, metres)
            features[v, u, 10] = direct * sun
            features[v, u, 11], features[v, u, 12], features[v, u, 13] = along, across, up
            labels[v, u] = label
        # Display: a soft shoulder, then gamma.
        for u in range(width):
            for c in range(3):
                value = max(0.0, features[v, u, c])
                features[v, u, c] = (value * (1 + value * 0.12) / (1 + value * 0.55)) ** 0.4545
                features[v, u, 3 + c] = min(1.0, max(0.0, features[v, u, 3 + c])) ** 0.4545
