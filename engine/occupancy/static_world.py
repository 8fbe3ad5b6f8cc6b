"""What stands still in a rollout's world: drawn on key grids, of which the latest is kept, and seen from every frame.

A key grid is drawn under the streets alone, so no agent has a part in it. What the key grid before it showed is taken over as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.api import Cancelled
from engine.occupancy.keyframe import KeyPlace, key_place
from engine.occupancy.warp import seen_columns, warp_static
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert
from engine.spec.grid import LATENT_CELLS, GridSpec
from engine.spec.layout import Layout


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Part of the static world on some grid."""

    semantics: np.ndarray
    """uint8 (X, Y, Z), free where it is not known."""
    known: np.ndarray
    """bool (X, Y)."""
    grid: GridSpec
    world_SE3_grid: np.ndarray

    def from_pose(self, grid: GridSpec, world_SE3_grid: np.ndarray) -> Seen:
        """The same seen on another grid, nearest voxels; agents are left out, and columns that they stood in are not known."""
        here_SE3_there = invert(self.world_SE3_grid) @ world_SE3_grid
        semantics = warp_static(self.semantics, self.grid, here_SE3_there, grid)
        known = seen_columns(self.semantics, self.grid, here_SE3_there, grid, self.known)
        return Seen(semantics, known, grid, world_SE3_grid)

    def over(self, other: Seen) -> Seen:
        """This, and where it is not known, the other."""
        semantics = np.where(self.known[..., None], self.semantics, other.semantics)
        return Seen(semantics, self.known | other.known, self.grid, self.world_SE3_grid)


def all_of(semantics: np.ndarray, grid: GridSpec, world_SE3_grid: np.ndarray) -> Seen:
    """A frame (X, Y, Z) as a source of what stands still."""
    return Seen(semantics, np.ones(semantics.shape[:2], bool), grid, world_SE3_grid)


def seen_by(sources: Sequence[Seen | None], grid: GridSpec, world_SE3_grid: np.ndarray) -> Seen | None:
    """What all these show on another grid, the first of them where several do; None where there are none."""
    shown: Seen | None = None
    for source in sources:
        if source is not None:
            view = source.from_pose(grid, world_SE3_grid)
            shown = view if shown is None else shown.over(view)
    return shown


Draw = Callable[[int, KeyPlace, Sequence["Seen | None"], Cancelled], "Seen | None"]
"""(frame's index, place, what is known already, first what counts most) -> a key grid; None where the work was cancelled."""


class StaticWorld:
    """The static world of one rollout. Holds one key grid, however long the rollout is."""

    def __init__(self, clip: SceneClip, ground: Sequence[Layout], draw: Draw) -> None:
        """`ground` is the clip's, one per frame."""
        self._clip, self._ground, self._draw = clip, ground, draw
        self._place: KeyPlace | None = None
        self._latest: Seen | None = None

    def around(self, index: int, cancelled: Cancelled, remembered: Seen | None = None) -> Seen | None:
        """The key grid around the ego of a frame, drawn where it is not there yet; None where that was cancelled.

        Frames are asked for in their order: a key grid shows what is `remembered` at its first frame, and what the one before it showed.
        """
        place = key_place(self._ground[index], self._clip.grid, self._clip.world_SE3_ego[index])
        if self._latest is None or place != self._place:
            drawn = self._draw(index, place, (remembered, self._latest), cancelled)
            if drawn is None:
                return None
            self._place, self._latest = place, drawn
        return self._latest

    def believe(self, frame: Seen) -> None:
        """Go on from a frame that somebody else made: what it shows is all that is known."""
        self._place, self._latest = None, frame


def expanded(cells: np.ndarray) -> np.ndarray:
    """Bool (4h, 4w): the columns of latent cells (h, w)."""
    return cells.repeat(LATENT_CELLS, 0).repeat(LATENT_CELLS, 1)
