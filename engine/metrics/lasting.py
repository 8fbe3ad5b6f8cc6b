"""Whether what was drawn once stays: shapes of the static world, decided cells, and bodies and colours of agents, from a take's first frame to its last."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.spec.classes import FREE
from engine.views.drawn.mesh import GLOW_LEVEL, MATERIAL, PART, Material, Mesh
from engine.views.drawn.moving import COARSE_FROM_M
from engine.views.drawn.static_world import HIDDEN
from engine.views.drawn.world import DrawnWorld, Moment

_BODY = [column for column in range(PART) if column != GLOW_LEVEL]
"""Columns of a part that belong to a body; brake lights burn now and then."""


class Lasting:
    """Shown every moment of a drawn world that forgets nothing behind it, in order."""

    def __init__(self, world: DrawnWorld) -> None:
        self._world = world
        self._first: tuple[Mesh, np.ndarray, np.ndarray] | None = None
        """Static mesh, labels and decided columns of the first frame."""
        self._last = Mesh.empty()
        self._bodies: dict[tuple[int, bool], tuple[int, bytes]] = {}
        """By instance and coarseness: how many vertices, and the parts."""
        self._changed: set[int] = set()

    def add(self, moment: Moment) -> None:
        """One frame, right after the world saw it."""
        self._last = moment.world.static.mesh
        if self._first is None:
            static = self._world.static
            self._first = self._last, static.labels.copy(), static.decided.copy()
        for agent in moment.agents:
            number, coarse = agent.box.instance_id, bool(np.hypot(*agent.box.center_m[:2]) > COARSE_FROM_M)
            body = len(agent.mesh.vertices), agent.mesh.parts[:, _BODY].tobytes()
            if self._bodies.setdefault((number, coarse), body) != body:
                self._changed.add(number)

    def report(self) -> dict[str, Any]:
        """Counts: of the first frame what is there, and what of it the last frame does not have; agents, and those whose body or colours changed."""
        assert self._first is not None, "no moment was added"
        mesh, labels, decided = self._first
        before, static = shapes(mesh), self._world.static
        shown = decided[..., None] & (labels != FREE) & (labels != HIDDEN)
        return {
            "triangles": len(before),
            "triangles_gone": len(before - shapes(self._last)),
            "cells": int(shown.sum()),
            "cells_changed": int((static.labels != labels)[decided].sum()),
            "agents": len({number for number, _ in self._bodies}),
            "agents_changed": len(self._changed),
        }


def shapes(mesh: Mesh, material: Material | None = None) -> set[bytes]:
    """Corners and part of every triangle of a material, of all but the ground where none is named, as bytes."""
    of_faces = mesh.parts[mesh.face_part, MATERIAL]
    mine = of_faces != int(Material.GROUND) if material is None else of_faces == int(material)
    corners = mesh.vertices[mesh.faces[mine]].reshape(-1, 9)
    return {row.tobytes() for row in np.hstack([corners, mesh.parts[mesh.face_part[mine]]]).astype(np.float32)}
