"""Occupancy made where a GPU is and handed to whoever makes the rest: the frames that a model yields, packed, and played again."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.fanout.items import Item
from engine.api import Cancelled, Models, OccupancyFrame, OccupancyModel, Recipe, ViewModel
from engine.spec.clip import SceneClip
from engine.spec.take import Take


@dataclass(frozen=True, slots=True)
class Recorded:
    """An item's occupancy as its model yielded it, without the document's edits of it."""

    frames: tuple[bytes, ...]
    """Each an npz of semantics and instances, compressed: some kilobytes."""
    facts: dict[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    failure: str = ""
    """One sentence; empty where all frames are there."""


def record(item: Item, model: OccupancyModel) -> Recorded:
    """All frames of an item. Raises what the model raises."""
    start = time.perf_counter()
    frames = tuple(_packed(frame) for frame in model.occupancy(item.request(Path()).clip(), item.recipe, lambda: False))
    return Recorded(frames, model.facts, time.perf_counter() - start)


class PlayedModels:
    """Answers `engine.api.Models` with recorded occupancy in the occupancy model's place: the take is the same to the byte."""

    def __init__(self, recorded: Recorded, models: Models) -> None:
        self.occupancy: OccupancyModel = _Played(recorded)
        self._models = models

    @property
    def views(self) -> ViewModel:
        return self._models.views


class _Played:
    frame_steps = 1

    def __init__(self, recorded: Recorded) -> None:
        self.facts, self._frames = recorded.facts, recorded.frames

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
        for index, packed in enumerate(self._frames):
            if cancelled():
                return
            with np.load(io.BytesIO(packed)) as arrays:
                yield OccupancyFrame(index, arrays["semantics"], arrays["instances"])

    def redraw(
        self, clip: SceneClip, before: OccupancyFrame, region: np.ndarray, recipe: Recipe, cancelled: Cancelled
    ) -> OccupancyFrame | None:
        raise ValueError("Recorded occupancy cannot be drawn anew: load its model.")


def _packed(frame: OccupancyFrame) -> bytes:
    data = io.BytesIO()
    np.savez_compressed(data, semantics=frame.semantics, instances=frame.instances)
    return data.getvalue()
