"""FID and KID of camera and BEV renders of occupancy (paper B.4, iv and v), made against true, with InceptionV3 weights of the user's.

The four kinds of picture are the paper's: semantics and depth as each camera sees them, classes and heights from above; every
family is the mean of its two. No such weights are ours to ship: FILE is a TorchScript of InceptionV3 that gives its 2048 pooled
features, either the one published with StyleGAN (`inception-2015-12-05.pt`, which takes bytes and `return_features=True`) or any that takes
floats (N, 3, 299, 299) from 0 to 1. Numbers of different files do not compare, so the report names its SHA-256.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from engine.devices import pick_device
from engine.metrics.frechet import frechet_distance, kernel_distance
from engine.render.buffers import colorise, depth_to_rgb, render_buffers
from engine.render.raycast import Volume
from engine.spec.camera import Camera
from engine.spec.classes import CLASS_RGB, FREE
from engine.spec.columns import lowest_class
from engine.spec.grid import GridSpec

FAMILIES = {"camera_renders": ("camera_semantic", "camera_depth"), "bev_renders": ("bev_semantic", "bev_height")}
INCEPTION_PIXELS = 299
KID_SCALE = 1000
"""KID is given times this, as papers do."""


class InceptionError(ValueError):
    """A file that does not give picture features; its text says what it gave and what is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Inception:
    """A loaded TorchScript; called with pictures it gives their features."""

    module: torch.jit.ScriptModule
    device: torch.device
    facts: dict[str, str]
    takes_bytes: bool

    @staticmethod
    def load(path: Path, device: str = "auto") -> Inception:
        """Raises InceptionError where the file is no TorchScript or does not answer to pictures with features (N, D)."""
        where = pick_device(device)
        try:
            module = torch.jit.load(str(path), map_location=where).eval()
        except (RuntimeError, OSError, ValueError) as error:
            words = " ".join(str(error).split())[:120]
            raise InceptionError(f"{path} is not a TorchScript that torch can load ({words}): give InceptionV3 as torch.jit.save writes it.") from None
        facts = {"features_of": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        takes_bytes = any(argument.name == "return_features" for argument in module.forward.schema.arguments)
        found = Inception(module, where, facts, takes_bytes)
        shape = found(np.zeros((2, 64, 64, 3), np.uint8)).shape
        if len(shape) != 2 or shape[0] != 2:
            raise InceptionError(f"{path} answers to 2 pictures with an array of shape {shape}, features (2, D) are wanted: export the pooled features.")
        return found

    @torch.no_grad()
    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """float32 (N, D) of pictures uint8 (N, H, W, 3)."""
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(self.device)           # (N, 3, H, W)
        if self.takes_bytes:
            out = self.module(x, return_features=True)
        else:
            size = (INCEPTION_PIXELS, INCEPTION_PIXELS)
            out = self.module(F.interpolate(x.float() / 255, size, mode="bilinear", align_corners=False, antialias=True))
        if not isinstance(out, torch.Tensor):
            raise InceptionError(f"{self.facts['features_of']} gives {type(out).__name__} instead of one tensor of features: export the pooled features.")
        return out.float().cpu().numpy()


class RenderScores:
    """Features of renders of made and of true occupancy, accumulated over frames."""

    def __init__(self, extractor: Inception) -> None:
        self.extractor = extractor
        self.features: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)

    def add(self, made: np.ndarray, truth: np.ndarray, grid: GridSpec, cameras: Sequence[Camera], ego_SE3_cameras: np.ndarray) -> None:
        """One frame of two volumes (X, Y, Z), seen by the same cameras at poses (N, 4, 4)."""
        for side, semantics in (("made", made), ("truth", truth)):
            for kind, pictures in renders(semantics, grid, cameras, ego_SE3_cameras).items():
                for picture in pictures:  # one by one: cameras of a rig may differ in size
                    self.features[side, kind].append(self.extractor(picture[None]))

    def scores(self) -> dict[str, Any]:
        """Per family: FID and KID (times 1000), the mean over its two kinds of picture, each kind beside it, and how many pictures.

        A family without pictures (no camera) or with fewer than 2 is None.
        """
        result: dict[str, Any] = {}
        for family, kinds in FAMILIES.items():
            rows = {kind: self._of(kind) for kind in kinds if len(self.features["made", kind]) > 1}
            mean = {name: round(float(np.mean([row[name] for row in rows.values()])), 3) for name in ("fid", "kid_x1000")} if rows else None
            result[family] = mean and mean | {"kinds": rows, "pictures": len(self.features["made", kinds[0]])} | self.extractor.facts
        return result

    def _of(self, kind: str) -> dict[str, float]:
        made, truth = (np.concatenate(self.features[side, kind]) for side in ("made", "truth"))
        # As published: plain covariances. With fewer pictures than features FID is biased upwards; KID is not.
        fid, kid = frechet_distance(made, truth, shrink=False), KID_SCALE * kernel_distance(made, truth)
        return {"fid": round(fid, 3), "kid_x1000": round(kid, 3)}


def renders(semantics: np.ndarray, grid: GridSpec, cameras: Sequence[Camera], ego_SE3_cameras: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Pictures uint8 (H, W, 3) of a volume (X, Y, Z), by kind."""
    pictures: dict[str, list[np.ndarray]] = {kind: [] for kinds in FAMILIES.values() for kind in kinds}
    volume = Volume.from_dense(semantics, grid, None)
    for camera, pose in zip(cameras, ego_SE3_cameras, strict=True):
        seen = render_buffers(volume, None, grid, camera, pose, np.eye(4))
        pictures["camera_semantic"].append(colorise(seen.semantic))
        pictures["camera_depth"].append(depth_to_rgb(seen.depth))
    lowest, occupied = lowest_class(semantics), semantics != FREE
    filled = occupied.any(2)
    pictures["bev_semantic"].append(CLASS_RGB[lowest] * filled[..., None])
    height_m = (semantics.shape[2] - occupied[:, :, ::-1].argmax(2)) * grid.voxel_m
    pictures["bev_height"].append(depth_to_rgb(np.where(filled, height_m, 0.0), near_m=grid.voxel_m, far_m=semantics.shape[2] * grid.voxel_m))
    return pictures
