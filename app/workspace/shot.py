"""One moment of the scene, ready to be shown, and whether what is shown is true of the scene as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from app.jobs.conditions import Conditions
from app.jobs.protocol import FrameMade, unpack
from app.jobs.take_maker import edited
from app.workspace.shown import SeenFor, ShownTake
from editor.clip import scene_clip
from editor.document import Document
from editor.entities import CameraEntity
from engine.api import OccupancyFrame, Recipe
from engine.presets import load_occupancy
from engine.spec.clip import SceneClip
from engine.spec.grid import RATE_HZ


@dataclass(frozen=True, eq=False)
class CameraPicture:
    """A generated picture, and what it is."""

    jpeg: bytes
    take: ShownTake
    stale: bool
    """Whether it lacks an edit."""


@dataclass(frozen=True, eq=False)
class Shot:
    """Where everything is, and what fills the voxels."""

    document: Document
    frame: int
    clip: SceneClip
    """Of this one frame."""
    occupancy: OccupancyFrame
    source: str
    """'take' where it was generated, 'draft' where an edit was drawn into it, 'lift' where it was raised straight from the layout."""
    camera_ids: tuple[str, ...]
    take: ShownTake | None
    recipe: Recipe | None = None
    """Of a draft."""
    whole: bool = False
    """Of a draft: whether all of it, or all of a variant's region, was drawn with the steps of a take's frame."""
    base: tuple[FrameMade, Conditions] | None = None
    """Of a draft: the frame without the occupancy edits, and what it was drawn for."""
    behind: tuple[ShownTake, ...] = ()
    """Older takes, for pictures that `take` lacks."""
    pending: bool = False
    """Whether the frame is being drawn again, because this one lacks an edit."""

    @cached_property
    def stale(self) -> bool:
        """Whether the voxels lack an edit: they were made for another layout of this frame."""
        if self.source == "lift":
            return False
        made_for = self.base[1] if self.base is not None else self.take.conditions(self.frame) if self.take is not None else None
        cells = None if made_for is None else Conditions.of(self.clip).changed_cells(made_for)
        return cells is None or bool(cells.any())

    def picture(self, camera: str) -> CameraPicture | None:
        """The newest picture of this frame that there is. One that lacks an edit stays, and says so."""
        for take in (*((self.take,) if self.take is not None else ()), *self.behind):
            data = take.picture(camera, self.frame)
            if data is not None:
                return CameraPicture(data, take, self._lacks_an_edit(take, camera))
        return None

    def _lacks_an_edit(self, take: ShownTake, camera: str) -> bool:
        seen = take.seen_for(self.frame)
        if seen is None or not SeenFor.of(self.clip).shows_the_same(seen, camera):
            return True
        cells = Conditions.of(self.clip).changed_cells(seen.conditions)
        if cells is None or cells.any():
            return True
        # Edits of the occupancy are in no layout: replayed on the take's own frame they must change nothing.
        own = take.occupancy(self.frame)
        return own is None or not np.array_equal(edited(replace(own, index=0), self.document, self.clip).semantics, own.semantics)

    def drawn(self, made: FrameMade, recipe: Recipe, whole: bool) -> Shot:
        """The same moment with what the engine drew in place of its voxels, under the document's occupancy edits."""
        frame = unpack(made)
        occupancy = edited(OccupancyFrame(0, frame.semantics, frame.instances), self.document, self.clip)
        return replace(self, occupancy=occupancy, source="draft", recipe=recipe, whole=whole)


class ShotMaker:
    """Makes shots; lifts the layout where the take has no such frame."""

    def __init__(self) -> None:
        self._lifter = load_occupancy("fake")

    def shoot(
        self,
        document: Document,
        frame: int,
        take: ShownTake | None,
        cancelled: Callable[[], bool] = lambda: False,
        behind: Sequence[ShownTake] = (),
    ) -> Shot | None:
        """The shot of one frame; None once `cancelled()`. Raises ValueError for a scene that cannot be shown."""
        clip = scene_clip(document, frame / RATE_HZ, 1, None)
        names = {entity.camera.name: entity.id for entity in document.of(CameraEntity)}
        ids = tuple(names.get(camera.name, "") for camera in clip.cameras)
        generated = take.occupancy(frame) if take is not None else None
        if generated is not None and generated.semantics.shape == clip.grid.shape:
            source, occupancy = "take", OccupancyFrame(0, generated.semantics, generated.instances)
        else:
            lifted = next(iter(self._lifter.occupancy(clip, Recipe("fake"), cancelled)), None)
            if lifted is None:
                return None
            source, occupancy = "lift", lifted
        # Edits of the occupancy show at once; on a take that has them already they change nothing.
        return Shot(document, frame, clip, edited(occupancy, document, clip), source, ids, take, behind=tuple(behind))
