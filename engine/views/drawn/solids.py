"""Quads, boxes and tubes gathered into one mesh: walls, roofs and street furniture are made of little else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.views.drawn.mesh import Mesh, joined

Point = Sequence[float] | np.ndarray


class Solids:
    """Gathers flat faces in world metres and hands them over as one mesh in the scene frame."""

    def __init__(self, origin_m: np.ndarray) -> None:
        """`origin_m` (3,) is the scene frame's origin in the world."""
        self.origin_m = np.asarray(origin_m, np.float64)
        self.parts: list[np.ndarray] = []
        self._quads: list[tuple[Point, Point, Point, Point]] = []
        self._quad_part: list[int] = []
        self._quad_uv: list[tuple[float, ...]] = []
        self._boxes: list[tuple[Point, Point, Point, Point]] = []
        self._box_part: list[int] = []
        self._round: list[Mesh] = []

    def part(self, row: np.ndarray) -> int:
        """Register a row of parts; its index is what the shapes below take."""
        self.parts.append(row)
        return len(self.parts) - 1

    def quad(self, a: Point, b: Point, c: Point, d: Point, part: int, uv: Sequence[float] = (0.0, 0.0, 1.0, 1.0)) -> None:
        """A quad, counter-clockwise from outside; `uv` is (u, v) at `a` and at `c` where it is a rectangle, or all four pairs."""
        self._quads.append((a, b, c, d))
        self._quad_part.append(part)
        if len(uv) == 4:
            uv = (uv[0], uv[1], uv[2], uv[1], uv[2], uv[3], uv[0], uv[3])
        self._quad_uv.append(tuple(uv))

    def box(self, corner: Point, x: Point, y: Point, z: Point, part: int) -> None:
        """A box from its corner and its three edges, which are a right-handed system; u runs along an edge and v up."""
        self._boxes.append((corner, x, y, z))
        self._box_part.append(part)

    def tube(self, points: np.ndarray, radii: Sequence[float], part: int, sides: int = 8) -> None:
        """A bent round tube through points (N, 3) with a radius at each; closed at its far end."""
        points = np.asarray(points, np.float64)
        along = np.gradient(points, axis=0) if len(points) > 1 else np.array([[0.0, 0.0, 1.0]])
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        helper = np.where(np.abs(along[:, 2:3]) > 0.9, [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]])
        first = np.cross(helper, along)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        second = np.cross(along, first)
        angles = np.arange(sides) * (2 * np.pi / sides)
        ring = np.cos(angles)[None, :, None] * first[:, None] + np.sin(angles)[None, :, None] * second[:, None]
        vertices = points[:, None] + ring * np.asarray(radii, np.float64)[:, None, None] - self.origin_m
        vertices = np.concatenate([vertices.reshape(-1, 3), vertices[-1], points[-1:] - self.origin_m])
        normals = np.concatenate([ring.reshape(-1, 3), np.repeat(along[-1:], sides + 1, axis=0)])
        count = len(points)
        i, j = np.meshgrid(np.arange(count - 1), np.arange(sides), indexing="ij")
        a, b = (i * sides + j).ravel(), (i * sides + (j + 1) % sides).ravel()
        sides_of = np.concatenate([np.stack([a, b, b + sides], 1), np.stack([a, b + sides, a + sides], 1)])
        top = count * sides
        cap = np.stack([np.full(sides, top + sides), top + np.arange(sides), top + (np.arange(sides) + 1) % sides], 1)
        faces = np.concatenate([sides_of, cap]).astype(np.int32)
        self._round.append(
            Mesh(
                vertices.astype(np.float32),
                normals.astype(np.float32),
                faces,
                np.full(len(faces), part, np.int32),
                np.zeros((0, 24), np.float32),
            )
        )

    def mesh(self) -> Mesh:
        """All that was gathered, in the scene frame."""
        quads = np.array(self._quads, np.float64).reshape(-1, 4, 3)
        part = np.array(self._quad_part, np.int32)
        uv = np.array(self._quad_uv, np.float64).reshape(-1, 4, 2)
        if self._boxes:
            boxes, box_uv = _box_quads(np.array(self._boxes, np.float64))
            quads, uv = np.concatenate([quads, boxes]), np.concatenate([uv, box_uv])
            part = np.concatenate([part, np.repeat(np.array(self._box_part, np.int32), 6)])
        normals = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        base = np.arange(len(quads))[:, None] * 4
        faces = np.concatenate([base + [0, 1, 2], base + [0, 2, 3]], axis=1).reshape(-1, 3)
        flat = Mesh(
            (quads.reshape(-1, 3) - self.origin_m).astype(np.float32),
            np.repeat(normals, 4, axis=0).astype(np.float32),
            faces.astype(np.int32),
            np.repeat(part, 2).astype(np.int32),
            np.zeros((0, 24), np.float32),
            uv.reshape(-1, 2).astype(np.float32),
        )
        whole = joined([flat, *self._round])
        if not len(whole.faces):
            return Mesh.empty()
        parts = np.stack(self.parts).astype(np.float32)
        # A quad whose fourth corner is its third is a triangle.
        corners = whole.vertices[whole.faces]
        kept = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])).max(axis=1) > 1e-9
        return Mesh(whole.vertices, whole.normals, whole.faces[kept], whole.face_part[kept], parts, whole.uv)


def _box_quads(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4, 3) as quads (6 N, 4, 3) and their (u, v) (6 N, 4, 2)."""
    p, x, y, z = boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]
    w, d, h = (np.linalg.norm(edge, axis=1) for edge in (x, y, z))
    sides = (
        (p, x, z, w, h),
        (p + x, y, z, d, h),
        (p + x + y, -x, z, w, h),
        (p + y, -y, z, d, h),
        (p + z, x, y, w, d),
        (p + y, x, -y, w, d),
    )
    quads = np.stack([np.stack([a, a + b, a + b + c, a + c], 1) for a, b, c, _, _ in sides], 1)
    zero = np.zeros_like(w)
    uv = np.stack([np.stack([zero, zero, u, zero, u, v, zero, v], 1) for *_, u, v in sides], 1)
    return quads.reshape(-1, 4, 3), uv.reshape(-1, 4, 2)
