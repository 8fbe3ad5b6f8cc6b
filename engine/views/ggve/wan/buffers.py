"""A view's voxel buffers as the videos that Wan's autoencoder encodes, and its rays as the branch reads them (paper 3.3).

Legend: P frames of H x W pixels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.render.buffers import ray_table
from engine.spec.camera import Camera
from engine.spec.classes import CLASS_RGB, NOTHING_HIT
from engine.spec.grid import OCC3D

REACH = 2.0
"""The coordinates' box reaches this many times as far as the grid, around the ego of frame 0; what lies beyond counts as its rim."""
MOMENT_M = 10.0
"""Unit of a ray's moment o x d: keeps it about as large as the direction."""
_LOW = np.array(OCC3D.origin_m, np.float32)
_HALF = np.array(OCC3D.shape, np.float32) * OCC3D.voxel_m / 2


def semantic_video(semantic: np.ndarray) -> Tensor:
    """float32 (3, P, H, W) in [-1, 1]: class colours of class ids uint8 (P, H, W), black where nothing was hit."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(CLASS_RGB)] = CLASS_RGB
    table[NOTHING_HIT] = 0
    return torch.from_numpy(table[semantic]).permute(3, 0, 1, 2).float() / 127.5 - 1


def coordinate_video(coordinate: np.ndarray) -> Tensor:
    """float32 (3, P, H, W) in [-1, 1]: points (P, H, W, 3), metres in the ego frame of frame 0, by their place in one metric box that all
    views, chunks and calls share; -1 where nothing was hit (NaN)."""
    inside = np.clip(((coordinate - _LOW) / _HALF - 1) / REACH, -1, 1)
    return torch.from_numpy(np.nan_to_num(inside, nan=-1.0).astype(np.float32)).permute(3, 0, 1, 2).contiguous()


def ray_video(camera: Camera, ego0_SE3_camera: np.ndarray) -> Tensor:
    """float32 (6, P, H, W): Pluecker rays of every pixel of a camera at poses (P, 4, 4); 0 past a fisheye's reach."""
    rays = torch.from_numpy(np.nan_to_num(ray_table(camera)))                        # (H, W, 3)
    return rays_to_video(rays[None], torch.from_numpy(ego0_SE3_camera)[None].float())[0]


def rays_to_video(rays: Tensor, ego0_SE3_camera: Tensor) -> Tensor:
    """float32 (B, 6, P, H, W): [d, o x d / MOMENT_M] of pixels' rays (B, H, W, 3), camera frame, at poses (B, P, 4, 4)."""
    directions = torch.einsum("bpij,bhwj->bpihw", ego0_SE3_camera[:, :, :3, :3], rays)               # (B, P, 3, H, W)
    origins = (ego0_SE3_camera[:, :, :3, 3] / MOMENT_M)[..., None, None].expand_as(directions)       # (B, P, 3, H, W)
    return torch.cat([directions, torch.linalg.cross(origins, directions, dim=2)], 2).transpose(1, 2)            # (B, 6, P, H, W)


def repeated_first(rays: Tensor, stride: int = 4) -> Tensor:
    """Rays (.., P, H, W) with the first frame as often as a latent frame has frames: a stride of 4 then meets one latent frame a step."""
    return torch.cat([rays[..., :1, :, :].expand(*rays.shape[:-3], stride - 1, *rays.shape[-2:]), rays], -3)


def nearness_video(depth: np.ndarray, nearest_m: float = 2.0) -> Tensor:
    """float32 (3, P, H, W) in [-1, 1]: inverse depth as VACE was trained on, near is white; depth (P, H, W) in metres, 0 = nothing."""
    with np.errstate(divide="ignore"):
        near = np.where(depth > 0, np.minimum(nearest_m / depth, 1.0), 0.0).astype(np.float32)
    return (2 * torch.from_numpy(near) - 1)[None].expand(3, -1, -1, -1)
