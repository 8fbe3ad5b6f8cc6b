"""The first compact view model: shaded voxels, refined by a small network, camera by camera and frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.api import TAKE_PIXELS, Cancelled, OccupancyFrame, Picture, Recipe
from engine.devices import half_precision
from engine.render.raycast import Volume
from engine.spec.clip import SceneClip
from engine.views.look import Look, read_prompt
from engine.views.refiner import Refiner, RefinerConfig
from engine.views.shading import Shaded, shade
from engine.weights import load_model

SMOOTH = 1
"""Radius, in 0.4 m voxels, over which normals are averaged."""


class ViewModel:
    """Draws every enabled camera of a clip. Views agree by construction: they share one look and one geometry."""

    def __init__(self, refiner: Refiner, device: torch.device, card: dict[str, Any]) -> None:
        self.refiner, self.device, self.card = refiner.to(device).eval(), device, card
        if device.type == "cpu":
            self.refiner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @staticmethod
    def load(stem: Path, device: torch.device) -> ViewModel:
        """From weights on disk; WeightsError where they do not fit."""
        config = RefinerConfig()
        refiner = Refiner(config)
        return ViewModel(refiner, device, load_model(refiner, stem, config))

    def pictures(self, clip: SceneClip, frames: list[OccupancyFrame], recipe: Recipe, cancelled: Cancelled) -> Iterator[Picture]:
        """Frame by frame, all cameras of a frame together, so that the first surround picture comes early."""
        look, _ = read_prompt(clip.prompt, recipe.seed)
        for frame in frames:
            volume = Volume.from_dense(frame.semantics, clip.grid, frame.instances)
            for index, camera in enumerate(clip.cameras):
                if cancelled():
                    return
                small = camera.within(TAKE_PIXELS)
                shaded = shade(
                    volume,
                    small,
                    clip.camera_pose(frame.index, index),
                    clip.world_SE3_ego[frame.index],
                    clip.boxes[frame.index],
                    look,
                    SMOOTH,
                )
                yield Picture(camera.name, frame.index, self.refine(shaded, look))

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
