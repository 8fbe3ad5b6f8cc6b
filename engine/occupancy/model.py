"""The occupancy model that runs networks: one preset's STOccDiT on one device, behind the interface of engine.api."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import numba
import numpy as np
import torch

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.devices import hand_memory_back, pick_device
from engine.occupancy.memory import WorldMemory
from engine.occupancy.redraw import redraw
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.shipped import load_generator
from engine.spec.clip import SceneClip
from engine.spec.take import Take


class StOccDitOccupancy:
    """Answers `engine.api.OccupancyModel`."""

    def __init__(self, generator: OccupancyGenerator, facts: dict[str, object]) -> None:
        self.generator, self.facts = generator, facts
        self.frame_steps = generator.preset.sampler.steps

    def occupancy(
        self,
        clip: SceneClip,
        recipe: Recipe,
        cancelled: Cancelled,
        continue_from: OccupancyFrame | None = None,
        world: Take | None = None,
        earlier: Iterable[OccupancyFrame] = (),
    ) -> Iterator[OccupancyFrame]:
        """See engine.api.OccupancyModel."""
        first = 0 if continue_from is None else continue_from.index + 1
        memory = None if world is None else WorldMemory(world, clip)
        return self.generator.frames(clip, recipe, cancelled, first, continue_from, memory, earlier)

    def redraw(
        self, clip: SceneClip, before: OccupancyFrame, region: np.ndarray, recipe: Recipe, cancelled: Cancelled
    ) -> OccupancyFrame | None:
        """See engine.api.OccupancyModel."""
        return redraw(self.generator, clip, before, region, recipe, cancelled)


def load_model(preset: str, device: str = "auto", weights: Path | None = None) -> StOccDitOccupancy:
    """Loads a preset's weights, strictly, from a folder as of `load_generator`. Raises WeightsError or ValueError with one sentence."""
    where = pick_device(device)
    hand_memory_back()
    generator, shas = load_generator(preset, where, weights)
    facts: dict[str, object] = {
        "device": where.type,
        "weights": shas,
        "sampler": asdict(generator.preset.sampler),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__, "numba": numba.__version__},
    }
    return StOccDitOccupancy(generator, facts)
