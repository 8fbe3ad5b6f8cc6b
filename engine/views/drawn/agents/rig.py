"""How an agent moves, and a model that can be put in the pose of a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.spec.looks import AgentLook
from engine.views.drawn.agents.palette import BRAKE_LEVEL
from engine.views.drawn.agents.shapes import Rigged
from engine.views.drawn.mesh import CLASS_ID, GLOW, GLOW_LEVEL, INSTANCE, Glow, Mesh

__all__ = ["AgentLook", "Model", "Motion", "Pose", "still"]

Pose = tuple[np.ndarray, np.ndarray]
"""A turn (3, 3) about the origin, then a move (3,)."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What an agent does at one moment."""

    distance_m: float = 0.0
    """Travelled since its first frame, along its heading; backwards counts down."""
    speed_m_s: float = 0.0
    braking: bool = False
    steer_rad: float = 0.0
    """Of the front wheels, to the left."""
    parked: bool = False
    """It never moves in its clip: a bicycle may stand there without its rider."""


@dataclass(frozen=True)
class Model:
    """A built body: it is kept and shared, only its pose is made anew."""

    rigged: Rigged
    pose: Callable[[Motion], Sequence[Pose]]
    """One pose for each bone after the first."""

    @cached_property
    def _tail_rows(self) -> np.ndarray:
        return np.flatnonzero(self.rigged.mesh.parts[:, GLOW] == Glow.TAIL)

    def mesh(self, motion: Motion, class_id: int, instance_id: int) -> Mesh:
        """The mesh of this moment, its parts marked with class and instance."""
        parts = self.rigged.mesh.parts.copy()
        parts[:, CLASS_ID] = class_id
        parts[:, INSTANCE] = instance_id
        if motion.braking:
            parts[self._tail_rows, GLOW_LEVEL] = BRAKE_LEVEL
        return self.rigged.posed(self.pose(motion), parts)


def still(_: Motion) -> Sequence[Pose]:
    """The pose of what has no moving parts."""
    return ()
