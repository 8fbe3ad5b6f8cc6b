"""What the 3D view asks of a moment of the scene."""

from __future__ import annotations

from typing import Protocol

from editor.document import Document
from engine.api import OccupancyFrame
from engine.spec.clip import SceneClip


class Moment(Protocol):
    """A frame of a scene with what fills its voxels (app.workspace.shot.Shot is one)."""

    @property
    def document(self) -> Document: ...
    @property
    def frame(self) -> int: ...
    @property
    def clip(self) -> SceneClip:
        """Of this one frame."""
        ...
    @property
    def occupancy(self) -> OccupancyFrame: ...
    @property
    def camera_ids(self) -> tuple[str, ...]:
        """Of the entities behind the clip's cameras, '' where there is none."""
        ...
