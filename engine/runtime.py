"""The engine that runs models: one preset on one device, behind the interface of engine.api."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numba
import numpy as np
import torch

from engine.api import Buffers, Cancelled, OccupancyFrame, Picture, Recipe
from engine.devices import hand_memory_back, pick_device
from engine.occupancy.redraw import redraw
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.shipped import load_generator
from engine.render.buffers import render_buffers
from engine.spec.camera import Camera
from engine.spec.clip import SceneClip
from engine.spec.grid import GridSpec
from engine.views.compact import ViewModel
from engine.weights import WEIGHTS


class ModelEngine:
    """Occupancy by STOccDiT, geometry by ray casting, pictures by the preset's view model."""

    draws_frame_by_frame = True

    def __init__(self, preset: str, generator: OccupancyGenerator, views: ViewModel, facts: dict[str, object]) -> None:
        self.preset, self.generator, self.view_model = preset, generator, views
        self.recipe_facts = facts
        self.frame_steps = generator.preset.sampler.steps

    def occupancy(
        self, clip: SceneClip, recipe: Recipe, cancelled: Cancelled, continue_from: OccupancyFrame | None = None
    ) -> Iterator[OccupancyFrame]:
        """See engine.api.Engine."""
        if continue_from is None:
            return self.generator.frames(clip, recipe, cancelled)
        return self.generator.frames(clip, recipe, cancelled, first=continue_from.index + 1, past=continue_from)

    def redraw(
        self, clip: SceneClip, before: OccupancyFrame, region: np.ndarray, recipe: Recipe, cancelled: Cancelled
    ) -> OccupancyFrame | None:
        """See engine.api.Engine."""
        return redraw(self.generator, clip, before, region, recipe, cancelled)

    def buffers(self, frame: OccupancyFrame, camera: Camera, grid: GridSpec, ego_SE3_camera: np.ndarray, ego0_SE3_ego: np.ndarray) -> Buffers:
        """See engine.api.Engine."""
        return render_buffers(frame.semantics, frame.instances, grid, camera, ego_SE3_camera, ego0_SE3_ego)

    def views(self, clip: SceneClip, frames: list[OccupancyFrame], recipe: Recipe, cancelled: Cancelled) -> Iterator[Picture]:
        """See engine.api.Engine."""
        return self.view_model.pictures(clip, frames, recipe, cancelled)


def load_engine(preset: str, device: str = "auto", weights: Path = WEIGHTS) -> ModelEngine:
    """Loads a preset's weights, strictly. Raises WeightsError or ValueError with one sentence."""
    where = pick_device(device)
    hand_memory_back()
    generator, shas = load_generator(preset, where, weights)
    views = ViewModel.load(weights / preset / "views", where)
    facts: dict[str, object] = {
        "preset": preset,
        "device": where.type,
        "weights": shas | {"views": views.card["sha256"]},
        "sampler": asdict(generator.preset.sampler),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__, "numba": numba.__version__},
    }
    return ModelEngine(preset, generator, views, facts)
