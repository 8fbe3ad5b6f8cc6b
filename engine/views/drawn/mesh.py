"""Triangles with shading normals and surface coordinates, and the table of numbers that says what each triangle is made of.

Static meshes are in the scene frame (the world frame less a fixed offset), agents' in their box frame. A mesh carries a table of
parts; a triangle names a row of it. The row is all that shading knows of a surface, so a colour or a class is changed in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np


class Material(IntEnum):
    """What a surface is made of: which function of `surface.py` gives its colour at a point."""

    PLAIN = 0
    GLASS = 1
    PAINT = 2
    GROUND = 3
    FACADE = 4
    ROOF = 5
    FOLIAGE = 6
    BARK = 7
    CONCRETE = 8
    METAL = 9
    RUBBER = 10
    CLOTH = 11
    POSTER = 12


class Glow(IntEnum):
    """What a lamp is for; light.py says when it burns."""

    NONE = 0
    HEADLIGHT = 1
    TAIL = 2
    WINDOW = 3
    STREET_LAMP = 4
    SIGNAL = 5


# Columns of a part.
MATERIAL, RED, GREEN, BLUE, ROUGHNESS, METALLIC, GLOW, GLOW_LEVEL, CLASS_ID, INSTANCE, SEED, PARAMS = range(12)
PART = 24
"""Numbers in a part. From PARAMS on they belong to the material: a facade's storeys and windows, a crown's colour."""


def part(
    material: Material,
    rgb: Sequence[float] = (0.5, 0.5, 0.5),
    class_id: int = 0,
    *,
    roughness: float = 0.8,
    metallic: float = 0.0,
    glow: Glow = Glow.NONE,
    glow_level: float = 1.0,
    instance: int = 0,
    seed: int = 0,
    params: Sequence[float] = (),
) -> np.ndarray:
    """One row (PART,) float32. `rgb` is linear albedo in [0, 1]; `seed` keeps its lowest 23 bits, which float32 holds exactly."""
    row = np.zeros(PART, np.float32)
    row[:PARAMS] = material, *rgb, roughness, metallic, glow, glow_level, class_id, instance, seed & 0x7FFFFF
    row[PARAMS : PARAMS + len(params)] = params
    return row


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Indexed triangles, counter-clockwise seen from outside; a vertex that needs two normals stands there twice."""

    vertices: np.ndarray
    """float32 (V, 3), metres."""
    normals: np.ndarray
    """float32 (V, 3), unit length, for shading."""
    faces: np.ndarray
    """int32 (F, 3), rows of `vertices`."""
    face_part: np.ndarray
    """int32 (F,), rows of `parts`."""
    parts: np.ndarray
    """float32 (N, PART)."""
    uv: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    """float32 (V, 2), metres along the surface where the material asks for it (facades: along the wall, height above its foot)."""

    def __post_init__(self) -> None:
        if len(self.uv) != len(self.vertices):
            object.__setattr__(self, "uv", np.zeros((len(self.vertices), 2), np.float32))

    @staticmethod
    def empty() -> Mesh:
        return Mesh(
            np.zeros((0, 3), np.float32),
            np.zeros((0, 3), np.float32),
            np.zeros((0, 3), np.int32),
            np.zeros(0, np.int32),
            np.zeros((0, PART), np.float32),
        )

    def moved(self, a_SE3_b: np.ndarray, scale: Sequence[float] = (1.0, 1.0, 1.0)) -> Mesh:
        """This mesh of frame b, scaled along its axes and then expressed in frame a."""
        scale_b = np.asarray(scale, np.float64)
        vertices = (self.vertices * scale_b) @ a_SE3_b[:3, :3].T + a_SE3_b[:3, 3]
        normals = (self.normals / scale_b) @ a_SE3_b[:3, :3].T
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        return Mesh(vertices.astype(np.float32), normals.astype(np.float32), self.faces, self.face_part, self.parts, self.uv)


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """All of them as one; their tables of parts follow one another."""
    meshes = [mesh for mesh in meshes if len(mesh.faces)]
    if not meshes:
        return Mesh.empty()
    vertex_offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    part_offsets = np.cumsum([0, *(len(mesh.parts) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.faces + np.int32(offset) for mesh, offset in zip(meshes, vertex_offsets, strict=False)]),
        np.concatenate([mesh.face_part + np.int32(offset) for mesh, offset in zip(meshes, part_offsets, strict=False)]),
        np.concatenate([mesh.parts for mesh in meshes]),
        np.concatenate([mesh.uv for mesh in meshes]),
    )
