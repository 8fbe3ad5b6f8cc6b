"""Latents carried by the geometry: what was made for one view of a point, asked of another view of it, or of the same camera later.

Latents hold appearance, cell by cell of a picture; a cell's middle is a point of the world (of the sky: a direction), and where that lies in
another picture is known. So overlapping views can show one light, and the frames between two key frames move with what they show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.spec.camera import Camera
from engine.spec.classes import IS_AGENT
from engine.spec.geometry import invert, transform

FEATHER_CELLS = 2.5
"""From a picture's border inwards, what it says of others goes from nothing to all over so many cells: no seam shows where a view ends."""
SKY_M = 1e5


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The middles of a view's latent cells, (h, w, ..), in the picture that they are of, (H, W)."""

    camera: Camera
    world_SE3_camera: np.ndarray
    """float64 (4, 4)."""
    middles_m: np.ndarray
    """float64 (h, w, 3), world; NaN where a lens shows nothing."""
    at: tuple[np.ndarray, np.ndarray]
    """Rows (h, 1) and columns (1, w) of their pixels."""
    distance_m: np.ndarray
    """float16 (H, W) along the ray, 0 in the sky."""
    label: np.ndarray
    """uint8 (H, W)."""

    @classmethod
    def of(cls, guide: Mapping[str, Tensor], camera: Camera, world_SE3_camera: np.ndarray, cells: tuple[int, int]) -> Cells:
        """`guide` as `show` takes it, of one view, in `cells` rows and columns, however many its picture has."""
        distance, label = (guide[name][0].cpu().numpy() for name in ("distance", "label"))
        rows, columns = (((np.arange(count) + 0.5) * size / count).astype(int) for count, size in zip(cells, label.shape, strict=True))
        at = rows[:, None], columns[None]
        rays = guide["rays"][0].cpu().double().numpy()[:, at[0], at[1]].transpose(1, 2, 0)           # (h, w, 3)
        there = distance[at].astype(np.float64)
        far = np.where(there > 0, there, SKY_M) * np.where(np.linalg.norm(rays, axis=-1) > 0.5, 1.0, np.nan)
        middles = transform(world_SE3_camera, (rays * far[..., None]).reshape(-1, 3)).reshape(*cells, 3)
        return cls(camera, world_SE3_camera, middles, at, distance, label)


def carried(latents: Tensor, source: Cells, target: Cells, same_moment: bool) -> tuple[Tensor, Tensor]:
    """(C, h, w): latents (C, h, w) of a view at each middle of another one's cells, and how far they are to be trusted there, (1, h, w) in [0, 1].

    Agents count only at the `same_moment`.
    """
    rows, columns = target.middles_m.shape[:2]
    height, width = source.label.shape
    at_camera = transform(invert(source.world_SE3_camera), target.middles_m.reshape(-1, 3))          # (h w, 3)
    pixels, expected = source.camera.project(at_camera), np.linalg.norm(at_camera, axis=1)
    x, y = pixels[:, 0] / width * columns - 0.5, pixels[:, 1] / height * rows - 0.5  # (h w,) each, in cells
    inside = np.minimum(np.minimum(x, columns - 1 - x), np.minimum(y, rows - 1 - y))
    seen = np.isfinite(inside) & (inside >= 0)
    v, u = (np.where(seen, np.nan_to_num(pixels[:, axis]), 0).astype(int) for axis in (1, 0))
    there, sky = source.distance_m[v, u].astype(np.float64), target.distance_m[target.at].reshape(-1) == 0
    with np.errstate(invalid="ignore"):
        same = np.where(sky, there == 0, (there > 0) & (np.abs(there - expected) < 0.1 * expected + 0.3))
    moves = IS_AGENT[target.label[target.at].reshape(-1)] | IS_AGENT[source.label[v, u]]
    trust = np.where(seen & same & (same_moment | ~moves), np.clip(inside / FEATHER_CELLS, 0, 1), 0.0)
    grid = torch.from_numpy(np.stack([(x + 0.5) / columns, (y + 0.5) / rows], -1) * 2 - 1).float().nan_to_num().reshape(1, rows, columns, 2)
    read = F.grid_sample(latents[None].float(), grid.to(latents.device), mode="bilinear", padding_mode="border", align_corners=False)[0]
    return read, torch.from_numpy(trust.reshape(1, rows, columns)).float().to(latents.device)


def agreed(latents: Tensor, target: Cells, others: list[tuple[Tensor, Cells]], same_moment: bool, share: float = 1.0) -> Tensor:
    """(C, h, w): a view's latents with what `others` say in its place where they see the same, each after the other, by `share` of their trust."""
    for known, source in others:
        read, trust = carried(known, source, target, same_moment)
        latents = torch.lerp(latents, read, share * trust)
    return latents
