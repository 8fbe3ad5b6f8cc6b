"""What steers the views of a Wan model, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor

from engine.views.ggve.wan.buffers import coordinate_video, semantic_video
from engine.views.ggve.wan.settings import Settings
from engine.views.scene import ViewScene


class Seen(NamedTuple):
    """Of one view at P frames: videos (3, P, H, W) in [-1, 1]."""

    semantic: Tensor | None
    """None is nothing: mid-grey."""
    coordinate: Tensor | None
    """None is zero latents."""
    start: Tensor | None
    """From what video-to-video begins; None begins from what is known, under full noise."""


class Source(Protocol):
    """Where a view model takes its conditions from."""

    empty_is_grey: bool
    """Whether nothing observed is the latent of mid-grey (VACE) or zero (our branch)."""

    def arrived(self, index: int) -> None:
        """The next frame is there; frames come in order."""
        ...

    def seen(self, camera: int, frames: Sequence[int], given: int) -> Seen:
        """Of a camera at frames of a chunk, whose first `given` pictures are known."""
        ...

    def first(self, camera: int) -> np.ndarray | None:
        """The clip's first picture uint8 (H, W, 3) of a camera, where it is given."""
        ...


class VoxelSource:
    """The take's own buffers: class colours and coordinates (paper 3.3)."""

    empty_is_grey = False

    def __init__(self, scene: ViewScene, settings: Settings) -> None:
        self.scene = scene

    def arrived(self, index: int) -> None:
        """See Source. Buffers are cast when they are asked for."""

    def seen(self, camera: int, frames: Sequence[int], given: int) -> Seen:
        """See Source."""
        cast = [self.scene.buffers(index, camera) for index in frames]
        semantic, coordinate = (np.stack([getattr(one, name) for one in cast]) for name in ("semantic", "coordinate"))
        return Seen(semantic_video(semantic), coordinate_video(coordinate), None)

    def first(self, camera: int) -> np.ndarray | None:
        """See Source: a reference picture under the camera's name."""
        return self.scene.reference.get(self.scene.cameras[camera].name)
