"""What is asked for when a take is asked for: the same on the command line and in the studio's jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from app.jobs.basis import Basis
from editor.clip import scene_clip
from editor.document import Document, EditError
from engine.api import Recipe
from engine.spec.clip import SceneClip
from engine.spec.grid import RATE_HZ
from engine.spec.take import Take, frames_on_disk
from engine.spec.words import plural

STAGES = ("layout", "occupancy", "buffers", "video")
"""In order; a take made `until` one of them has all those before it."""
SEEN = ("buffers", "video")
"""Those that look through cameras, and so ask the view model."""


@dataclass(frozen=True)
class TakeRequest:
    """One take."""

    document: Document
    out: Path
    """The take's folder."""
    recipe: Recipe
    until: str = "video"
    start_s: float = 0.0
    frames: int = 16
    """At 12 Hz, from `start_s`."""
    cameras: tuple[str, ...] | None = None
    """Their names; None takes every enabled one."""
    basis: Basis | None = None
    """The frames that it starts with, where they come from an older take; it starts where that one started."""
    gbuffers: bool = False
    """Whether the view model also hands over what it drew before the light."""
    anchors: Mapping[str, Path] = field(default_factory=dict)
    """Camera's name -> a picture file that its video begins with, for view models that take one."""
    world: Path | None = None
    """The folder of an earlier take whose world is remembered: what the document has not changed since is taken over, also under another ego
    path. None draws everything anew."""

    @property
    def start_frame(self) -> int:
        """Of the scene's timeline."""
        return round(self.start_s * RATE_HZ)

    @property
    def makes_occupancy(self) -> bool:
        """Whether there is any occupancy to generate."""
        return self.until != "layout" and (self.basis is None or self.basis.frames < self.frames)

    def clip(self) -> SceneClip:
        """What is to be made, its cameras as the scene has them. Raises EditError (one sentence) for a request that makes no sense."""
        if self.until not in STAGES:
            raise EditError(f"A take cannot be made until '{self.until}': choose one of {', '.join(STAGES)}.")
        if self.frames < 1:
            raise EditError(f"A take of {plural(self.frames, 'frame')} has nothing in it: ask for at least 1.")
        if not self.start_s >= 0:
            raise EditError(f"A take cannot start at {self.start_s} s: the scene starts at 0 s.")
        if self.gbuffers and self.until not in SEEN:
            raise EditError(f"A take until '{self.until}' has no G-buffers: ask for 'buffers' or 'video', or leave them out.")
        if self.world is not None and self.until == "layout":
            raise EditError("A take until 'layout' has no world to remember: ask for 'occupancy' or more, or leave the world out.")
        if self.world is not None and self.basis is not None:
            raise EditError("A take that goes on from another one stays in its world: leave the world out, or start anew.")
        if self.anchors and self.until != "video":
            raise EditError(f"A take until '{self.until}' has no video to begin from a picture: leave the anchor out, or ask for 'video'.")
        if self.basis is None:
            clip = scene_clip(self.document, self.start_s, self.frames, self.cameras)
        else:
            clip = self.basis.clip(self.document, self.frames, self.cameras)
        if self.until in SEEN and not clip.cameras:
            raise EditError(
                f"Scene '{self.document.name}' has no enabled camera to render '{self.until}' from: add a camera or a rig, or stop at 'occupancy'."
            )
        for name in self.anchors:
            if name not in {camera.name for camera in clip.cameras}:
                raise EditError(f"There is no camera '{name}' to anchor: the take has {', '.join(camera.name for camera in clip.cameras) or 'none'}.")
        return clip

    def remembered(self) -> Take | None:
        """The take whose world is remembered. Raises TakeError (one sentence) where there is none, EditError where it has no occupancy."""
        if self.world is None:
            return None
        take = Take.open(self.world)
        if not frames_on_disk(self.world):
            raise EditError(f"Take '{self.world.name}' has no occupancy to remember: name one that was made until 'occupancy' or more.")
        if self.world.resolve() == self.out.resolve():
            raise EditError(f"The world of {self.world} cannot be remembered while that take is written: give the new take a folder of its own.")
        return take

    def anchor_pictures(self) -> dict[str, np.ndarray]:
        """uint8 (H, W, 3) of each anchor. Raises EditError (one sentence) where a file is no picture."""
        pictures = {}
        for name, path in self.anchors.items():
            try:
                with Image.open(path, formats=("PNG", "JPEG")) as picture:
                    pictures[name] = np.array(picture.convert("RGB"))
            except (OSError, ValueError, Image.DecompressionBombError) as error:
                raise EditError(f"The anchor picture {path} cannot be read ({error}): name a PNG or JPEG file.") from None
        return pictures
