"""The view model of tests: class colours shaded by face, frame by frame. No model, no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.api import Cancelled, Picture
from engine.render.buffers import colorise
from engine.spec.camera import Camera
from engine.views.scene import PICTURE_PIXELS, ViewScene


@dataclass(frozen=True)
class FakeViews:
    """Answers `engine.api.ViewModel` from the voxel buffers alone; it listens to no prompt, and says so of no word."""

    facts: dict[str, object] = field(default_factory=lambda: {"versions": {"numpy": np.__version__}})
    order: Literal["frame", "camera"] = "frame"

    def size(self, camera: Camera) -> Camera:
        """At most 448 x 256 pixels."""
        return camera.within(PICTURE_PIXELS)

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        return ()

    def pictures(self, scene: ViewScene, arrived: Iterator[int], cancelled: Cancelled) -> Iterator[Picture]:
        """See engine.api.ViewModel."""
        cameras = range(len(scene.cameras))
        if self.order == "frame":
            wanted = ((index, camera) for index in arrived for camera in cameras)
        else:
            frames = list(arrived)
            wanted = ((index, camera) for camera in cameras for index in frames)
        for index, camera in wanted:
            if cancelled():
                return
            seen = scene.buffers(index, camera)
            yield Picture(scene.cameras[camera].name, index, colorise(seen.semantic, seen.normal))
