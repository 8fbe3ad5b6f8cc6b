"""What the kernels read: a static and a moving mesh, each as arrays and as an Embree scene, in the scene frame.

The scene frame is the world frame less `origin_m`, a multiple of `ORIGIN_STEP_M` near the ego: Embree counts in float32, and a city's
coordinates have four digits before the point. Textures are anchored in the world: kernels add the origin again in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.views.drawn.mesh import Mesh, joined
from engine.views.drawn.rays import Together, Triangles

ORIGIN_STEP_M = 64.0


def scene_origin_m(world_m: np.ndarray) -> np.ndarray:
    """(3,) float64: the multiple of ORIGIN_STEP_M nearest to a point of the world."""
    return np.round(np.asarray(world_m, np.float64) / ORIGIN_STEP_M) * ORIGIN_STEP_M


class Surfaces(NamedTuple):
    """The arrays of one mesh, as a kernel takes them; see `mesh.Mesh`."""

    vertices: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    parts: np.ndarray


class Traced:
    """One mesh, ready to be hit."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.triangles = Triangles(mesh.vertices, mesh.faces)
        self.surfaces = Surfaces(
            np.ascontiguousarray(mesh.vertices, np.float32),
            np.ascontiguousarray(mesh.normals, np.float32),
            np.ascontiguousarray(mesh.uv, np.float32),
            np.ascontiguousarray(mesh.faces, np.int32),
            np.ascontiguousarray(mesh.face_part, np.int32),
            np.ascontiguousarray(mesh.parts, np.float32),
        )


class World:
    """Static and moving things of one moment together."""

    def __init__(self, static: Traced, moving: Traced, origin_m: np.ndarray) -> None:
        self.static, self.moving, self.origin_m = static, moving, np.asarray(origin_m, np.float64)
        self.together = Together([static.triangles, moving.triangles])


def traced(meshes: Sequence[Mesh]) -> Traced:
    """Several meshes as one."""
    return Traced(joined(meshes))
