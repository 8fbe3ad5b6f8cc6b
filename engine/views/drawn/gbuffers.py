"""What the drawn world shows before the light, as the files of a take want it: materials, smooth geometry, and where each point goes next."""

from __future__ import annotations

import numpy as np

from engine.api import GBuffers
from engine.colour import srgb
from engine.render.buffers import ray_table
from engine.spec.camera import Camera
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose, invert, transform
from engine.views.drawn.film import Film


def gbuffers(clip: SceneClip, index: int, camera: int, seen: Film) -> GBuffers:
    """GBuffers of one camera (by number) at one frame. What lies within a pixel is that of the surface that fills most of it."""
    lens = clip.cameras[camera]
    rays = np.nan_to_num(ray_table(lens))
    hit = seen.depth > 0
    world_SE3_ego = clip.world_SE3_ego[index]
    ego_SE3_camera = clip.camera_pose(index, camera)
    in_camera = (rays * seen.depth[..., None])[hit].astype(np.float64)
    in_ego = transform(ego_SE3_camera, in_camera)
    coordinate = np.full(seen.normal.shape, np.nan, np.float32)
    coordinate[hit] = transform(invert(clip.world_SE3_ego[0]) @ world_SE3_ego, in_ego)
    normal = np.where(hit[..., None], seen.normal @ world_SE3_ego[:3, :3], 0.0).astype(np.float32)
    motion = np.zeros((*hit.shape, 2), np.float32)
    if index + 1 < len(clip):
        motion[hit] = _motion(clip, index, camera, lens, in_ego, seen.instance[hit], np.argwhere(hit))
    return GBuffers(
        albedo=_byte(srgb(np.where(hit[..., None], seen.albedo, 0.0))),
        normal=normal,
        depth=seen.depth * rays[..., 2],
        coordinate=coordinate,
        roughness=_byte(np.where(hit, seen.roughness, 0.0)),
        metallic=_byte(np.where(hit, seen.metallic, 0.0)),
        material=seen.material,
        semantic=seen.label,
        instance=seen.instance,
        motion=motion,
    )


def _motion(
    clip: SceneClip, index: int, camera: int, lens: Camera, in_ego: np.ndarray, instances: np.ndarray, pixels: np.ndarray
) -> np.ndarray:
    """float32 (N, 2): pixels right and down to where points (N, 3) of the ego frame are in the next frame; 0 where they cannot be seen."""
    next_SE3_ego = invert(clip.world_SE3_ego[index + 1]) @ clip.world_SE3_ego[index]
    moved = transform(next_SE3_ego, in_ego)
    after = {box.instance_id: box for box in clip.boxes[index + 1]}
    for box in clip.boxes[index]:
        own = instances == box.instance_id
        if own.any() and box.instance_id in after:
            moved[own] = transform(_ego_SE3_box(after[box.instance_id]) @ invert(_ego_SE3_box(box)), in_ego[own])
    seen = lens.project(transform(invert(clip.camera_pose(index + 1, camera)), moved))
    return np.nan_to_num(seen - (pixels[:, ::-1] + 0.5)).astype(np.float32)


def _ego_SE3_box(box: Box) -> np.ndarray:
    return Pose(*box.center_m, box.yaw_rad).matrix()


def _byte(values: np.ndarray) -> np.ndarray:
    return np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)
