"""View model `voxels`: shaded voxels, refined by a small network, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from engine.api import Cancelled, Picture
from engine.devices import half_precision
from engine.spec.camera import Camera
from engine.views.look import Look, read_prompt
from engine.views.refiner import Refiner, RefinerConfig
from engine.views.scene import PICTURE_PIXELS, ViewScene
from engine.views.shading import Shaded, shade
from engine.weights import load_model

SMOOTH = 1
"""Radius, in 0.4 m voxels, over which normals are averaged."""


class VoxelViews:
    """Answers `engine.api.ViewModel`. Views agree by construction: they share one look and one geometry."""

    order: Literal["frame", "camera"] = "frame"

    def __init__(self, refiner: Refiner, device: torch.device, card: dict[str, Any]) -> None:
        self.refiner, self.device = refiner.to(device).eval(), device
        if device.type == "cpu":
            self.refiner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.facts: dict[str, object] = {"device": device.type, "weights": card["sha256"], "versions": {"torch": torch.__version__}}

    @staticmethod
    def load(stem: Path, device: torch.device) -> VoxelViews:
        """From weights on disk; WeightsError where they do not fit."""
        config = RefinerConfig()
        refiner = Refiner(config)
        return VoxelViews(refiner, device, load_model(refiner, stem, config))

    def size(self, camera: Camera) -> Camera:
        """At most 448 x 256 pixels."""
        return camera.within(PICTURE_PIXELS)

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        return read_prompt(prompt, 0)[1]

    def pictures(self, scene: ViewScene, arrived: Iterator[int], cancelled: Cancelled) -> Iterator[Picture]:
        """See engine.api.ViewModel."""
        look, _ = read_prompt(scene.prompt, scene.seed)
        clip = scene.clip
        for index in arrived:
            for number, camera in enumerate(scene.cameras):
                if cancelled():
                    return
                pose, world_SE3_ego = clip.camera_pose(index, number), clip.world_SE3_ego[index]
                shaded = shade(scene.volume(index), camera, pose, world_SE3_ego, clip.boxes[index], look, SMOOTH)
                yield Picture(camera.name, index, self.refine(shaded, look))

    @torch.no_grad()
    def refine(self, shaded: Shaded, look: Look) -> np.ndarray:
        """uint8 (H, W, 3)."""
        features, labels, light = as_tensors(shaded, look, self.device)
        with half_precision(self.device):
            rgb = self.refiner(features, labels, light)
        return (rgb[0].float().clamp(0, 1).permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()


def as_tensors(shaded: Shaded, look: Look, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The network's inputs, each with a batch axis of one."""
    features = torch.from_numpy(shaded.features).to(device)[None].permute(0, 3, 1, 2)
    return features, torch.from_numpy(shaded.labels).to(device)[None], torch.from_numpy(look.vector()).to(device)[None]
