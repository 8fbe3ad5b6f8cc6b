"""Triangles of simple bodies, and how a pile of them becomes a mesh with creases where they are sharp. Metres, box frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.views.drawn.mesh import PART, Mesh

CREASE_DEG = 42.0
"""Faces that meet at a sharper angle than this keep their own normals along the edge: panels are split, few-sided limbs are not."""
WELD_M = 2e-4
"""Corners nearer than this are one point of the surface."""

Point = Sequence[float] | np.ndarray


@dataclass(frozen=True, slots=True)
class Rigged:
    """A mesh in its rest pose, its vertices sorted by bone."""

    mesh: Mesh
    edges: np.ndarray
    """int64 (bones + 1,): bone k moves rows edges[k] to edges[k + 1]. Bone 0 stands still."""

    def posed(self, poses: Sequence[tuple[np.ndarray, np.ndarray]], parts: np.ndarray) -> Mesh:
        """Bone k + 1 turned by `poses[k][0]` (3, 3) about the origin and then moved by `poses[k][1]` (3,); `parts` in place of its own."""
        mesh = self.mesh
        if not poses:
            return Mesh(mesh.vertices, mesh.normals, mesh.faces, mesh.face_part, parts, mesh.uv)
        vertices, normals = mesh.vertices.copy(), mesh.normals.copy()
        _move(
            vertices,
            normals,
            self.edges,
            np.array([turn for turn, _ in poses], np.float64),
            np.array([shift for _, shift in poses], np.float64),
        )
        return Mesh(vertices, normals, mesh.faces, mesh.face_part, parts, mesh.uv)


class Soup:
    """A pile of triangles, each with a part and a bone; `rigged` sorts it into a mesh."""

    def __init__(self) -> None:
        self._triangles: list[np.ndarray] = []
        self._parts: list[np.ndarray] = []
        self._bones: list[np.ndarray] = []
        self._rows: list[np.ndarray] = []
        self._row_index: dict[bytes, int] = {}
        self.bone = 0
        """The bone that triangles belong to which are added from now on."""

    def add(self, triangles: np.ndarray, row: np.ndarray | Sequence[np.ndarray], choice: np.ndarray | None = None) -> None:
        """`triangles` (F, 3, 3) of one part, or of `row[choice]` (F,)."""
        rows = [row] if isinstance(row, np.ndarray) else row
        index = np.array([self._index(one) for one in rows], np.int32)[np.zeros(len(triangles), int) if choice is None else choice]
        self._triangles.append(np.asarray(triangles, np.float64))
        self._parts.append(index)
        self._bones.append(np.full(len(triangles), self.bone, np.int64))

    def _index(self, row: np.ndarray) -> int:
        key = row.tobytes()
        if key not in self._row_index:
            self._row_index[key] = len(self._rows)
            self._rows.append(row)
        return self._row_index[key]

    def rigged(self, bone_count: int = 1, crease_deg: float = CREASE_DEG) -> Rigged:
        """Vertices welded by place, normals averaged over faces that meet at less than the crease angle."""
        triangles = np.concatenate(self._triangles)
        scaled = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        area = np.linalg.norm(scaled, axis=1)
        kept = area > 1e-9
        triangles, scaled, area = triangles[kept], scaled[kept], area[kept]
        face_part, face_bone = np.concatenate(self._parts)[kept], np.concatenate(self._bones)[kept]

        corners = triangles.reshape(-1, 3)
        cell = np.round(corners / WELD_M).astype(np.int64) + (1 << 18)
        place = np.unique((face_bone.repeat(3) << 57) + (cell[:, 0] << 38) + (cell[:, 1] << 19) + cell[:, 2], return_inverse=True)[1]
        normals = _corner_normals(place, scaled, scaled / area[:, None], float(np.cos(np.radians(crease_deg))))

        fine = np.round((normals + 1.0) * 63.5).astype(np.int64)
        keys = (face_bone.repeat(3) << 52) + (place << 24) + (fine[:, 0] << 16) + (fine[:, 1] << 8) + fine[:, 2]
        unique, first, faces = np.unique(keys, return_index=True, return_inverse=True)
        vertex_bone = unique >> 52
        edges = np.searchsorted(vertex_bone, np.arange(bone_count + 1))
        mesh = Mesh(
            corners[first].astype(np.float32),
            normals[first].astype(np.float32),
            faces.reshape(-1, 3).astype(np.int32),
            face_part.astype(np.int32),
            np.stack(self._rows).astype(np.float32).reshape(-1, PART),
        )
        return Rigged(mesh, edges)


@njit(nogil=True, cache=True)
def _corner_normals(place: np.ndarray, scaled: np.ndarray, unit: np.ndarray, crease_cos: float) -> np.ndarray:
    """(3F, 3): for each corner the mean of the normals of the faces around its place that are not beyond a crease."""
    places = place.max() + 1
    starts = np.zeros(places + 1, np.int64)
    for corner in range(len(place)):
        starts[place[corner] + 1] += 1
    for k in range(places):
        starts[k + 1] += starts[k]
    around = np.empty(len(place), np.int64)
    filled = starts[:-1].copy()
    for corner in range(len(place)):
        around[filled[place[corner]]] = corner // 3
        filled[place[corner]] += 1
    normals = np.empty((len(place), 3))
    for corner in range(len(place)):
        own = unit[corner // 3]
        x = y = z = 0.0
        for k in range(starts[place[corner]], starts[place[corner] + 1]):
            other = around[k]
            if own[0] * unit[other, 0] + own[1] * unit[other, 1] + own[2] * unit[other, 2] > crease_cos:
                x += scaled[other, 0]
                y += scaled[other, 1]
                z += scaled[other, 2]
        length = max(np.sqrt(x * x + y * y + z * z), 1e-12)
        normals[corner, 0], normals[corner, 1], normals[corner, 2] = x / length, y / length, z / length
    return normals


@njit(nogil=True, cache=True)
def _move(vertices: np.ndarray, normals: np.ndarray, edges: np.ndarray, turns: np.ndarray, shifts: np.ndarray) -> None:
    """Bone k + 1, rows edges[k + 1] to edges[k + 2], turned by `turns[k]` and moved by `shifts[k]`, in place."""
    for k in range(len(turns)):
        turn, shift = turns[k], shifts[k]
        for row in range(edges[k + 1], edges[k + 2]):
            x, y, z = vertices[row]
            a, b, c = normals[row]
            for axis in range(3):
                vertices[row, axis] = turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2] * z + shift[axis]
                normals[row, axis] = turn[axis, 0] * a + turn[axis, 1] * b + turn[axis, 2] * c


def grid(points: np.ndarray) -> np.ndarray:
    """Triangles (2 (n-1) (m-1), 3, 3) of a sheet of points (n, m, 3); the outside is where rows x columns turn counter-clockwise."""
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    return np.stack([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)], axis=2).reshape(-1, 3, 3)


def box(low: Point, high: Point, taper: float = 1.0) -> np.ndarray:
    """A cuboid between two corners; `taper` scales its top face about the middle."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    foot = np.array([[x0, y0, z0], [x1, y0, z0], [x1, y1, z0], [x0, y1, z0]], np.float64)
    head = foot.copy()
    middle = (foot[0] + foot[2]) / 2
    head[:, :2] = middle[:2] + (head[:, :2] - middle[:2]) * taper
    head[:, 2] = z1
    ring = np.stack([foot, head], axis=1)[[0, 1, 2, 3, 0]]
    return np.concatenate([grid(ring), fan(head), fan(foot[::-1])])


def prism(outline: Sequence[tuple[float, float]], y0: float, y1: float) -> np.ndarray:
    """A convex outline in the x-z plane, thick from y0 to y1."""
    xz = np.asarray(outline, np.float64)
    following = np.roll(xz, -1, axis=0)
    if np.sum(xz[:, 0] * following[:, 1] - xz[:, 1] * following[:, 0]) > 0:
        xz = xz[::-1]
    near = np.insert(xz, 1, y0, axis=1)
    far = np.insert(xz, 1, y1, axis=1)
    ring = np.stack([near, far], axis=1)
    return np.concatenate([grid(np.concatenate([ring, ring[:1]])[::-1]), fan(far), fan(near[::-1])])


def beam(start: tuple[float, float], end: tuple[float, float], depth: tuple[float, float], half_y: float, y: float = 0.0) -> np.ndarray:
    """A straight beam in the x-z plane, `depth` at its start and end, about the plane y."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    across = np.array([-(b - a)[1], (b - a)[0]]) / max(float(np.hypot(*(b - a))), 1e-9) / 2
    outline = [a - across * depth[0], b - across * depth[1], b + across * depth[1], a + across * depth[0]]
    return prism([(float(p[0]), float(p[1])) for p in outline], y - half_y, y + half_y)


def fan(ring: np.ndarray) -> np.ndarray:
    """A convex polygon (n, 3) as triangles, counter-clockwise as its points are."""
    return np.stack([np.broadcast_to(ring[0], (len(ring) - 2, 3)), ring[1:-1], ring[2:]], axis=1)


def loft(rings: np.ndarray, closed_ends: bool = True) -> np.ndarray:
    """A skin over rings (n, m, 3), each counter-clockwise seen from the last ring; ends closed towards their middles."""
    looped = np.concatenate([rings, rings[:, :1]], axis=1)
    triangles = [grid(np.swapaxes(looped, 0, 1))]
    if closed_ends:
        triangles += [hub(rings[-1]), hub(rings[0, ::-1])]
    return np.concatenate(triangles)


def hub(ring: np.ndarray) -> np.ndarray:
    """A polygon (n, 3) as triangles from its middle."""
    middle = np.broadcast_to(ring.mean(axis=0), ring.shape)
    return np.stack([middle, ring, np.roll(ring, -1, axis=0)], axis=1)


def lathe(
    profile: Sequence[tuple[float, float]], segments: int, axis: Point = (0.0, 0.0, 1.0), origin: Point = (0.0, 0.0, 0.0)
) -> np.ndarray:
    """A profile of (radius, height) turned about an axis through `origin`; the profile goes up along the axis on the outside."""
    side, other, up = _frame(axis)
    turn = np.linspace(0.0, 2 * np.pi, segments + 1)
    ring = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * other
    ring[-1] = ring[0]
    radius, height = np.asarray(profile, np.float64).T
    points = np.asarray(origin) + radius[None, :, None] * ring[:, None] + height[None, :, None] * up
    return grid(points)


def tube(
    path: Sequence[Point] | np.ndarray, radius: float | Sequence[float], segments: int = 8, *, flat: float = 1.0, capped: bool = True
) -> np.ndarray:
    """A round rod along a path; `radius` one for all or one a point, `flat` scales its thickness along its second cross axis."""
    points = np.asarray(path, np.float64)
    radii = np.broadcast_to(np.asarray(radius, np.float64), (len(points),))
    along = np.gradient(points, axis=0)
    turn = np.linspace(0.0, 2 * np.pi, segments, endpoint=False)
    rings = np.empty((len(points), segments, 3))
    for k in range(len(points)):
        side, other, _ = _frame(along[k])
        rings[k] = points[k] + radii[k] * (np.cos(turn)[:, None] * side + flat * np.sin(turn)[:, None] * other)
    return loft(rings, capped)


def ellipsoid(center: Point, radii: Point, segments: int = 10, rows: int = 6, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """An ellipsoid, or its slice between two heights in units of its half height."""
    angles = np.linspace(np.arcsin(low), np.arcsin(high), rows + 1)
    unit = lathe([(float(np.cos(a)), float(np.sin(a))) for a in angles], segments)
    return unit * np.asarray(radii) + np.asarray(center)


def disc(center: Point, axis: Point, radius: float, segments: int) -> np.ndarray:
    """A round plate that faces along `axis`."""
    return lathe([(radius, 0.0), (0.0, 0.0)], segments, axis, center)


def superellipse(half_x: float, half_y: float, power: float, count: int) -> np.ndarray:
    """(count, 2): a rounded rectangle's outline, counter-clockwise from +x; power 2 is an ellipse, larger is squarer."""
    turn = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([half_x * np.sign(c) * np.abs(c) ** (2 / power), half_y * np.sign(s) * np.abs(s) ** (2 / power)], axis=1)


def mirrored(triangles: np.ndarray) -> np.ndarray:
    """The same on the other side of the x-z plane, still facing outwards."""
    return triangles[:, ::-1] * (1.0, -1.0, 1.0)


def both(triangles: np.ndarray) -> np.ndarray:
    """These and their mirror image."""
    return np.concatenate([triangles, mirrored(triangles)])


def turned(axis: str, angle_rad: float) -> np.ndarray:
    """Rotation matrix (3, 3) about x, y or z."""
    c, s = float(np.cos(angle_rad)), float(np.sin(angle_rad))
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]], np.float64)
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float64)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float64)


def smooth_curve(points: Sequence[tuple[float, float]]) -> Callable[[np.ndarray], np.ndarray]:
    """A curve through points (a, b) without overshoot (monotone cubic), constant beyond its ends; read from a table of 16 steps a span."""
    a, b = np.array(sorted(points), np.float64).T
    step = np.maximum(np.diff(a), 1e-9)
    rise = np.diff(b) / step
    slope = np.zeros(len(a))
    product = rise[:-1] * rise[1:]
    turning = product > 0
    slope[1:-1][turning] = 2 * product[turning] / (rise[:-1] + rise[1:])[turning]
    slope[0], slope[-1] = rise[0], rise[-1]
    t = np.linspace(0, 1, 17)[:-1]
    h00, h10, h01, h11 = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2, t * t * (3 - 2 * t), t * t * (t - 1)
    table = b[:-1, None] * h00 + (step * slope[:-1])[:, None] * h10 + b[1:, None] * h01 + (step * slope[1:])[:, None] * h11
    at, values = np.append((a[:-1, None] + step[:, None] * t).ravel(), a[-1]), np.append(table.ravel(), b[-1])
    return lambda x: np.interp(x, at, values)


def _frame(axis: Point) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three unit vectors, right-handed, the third along `axis`."""
    x, y, z = (float(v) for v in axis)
    length = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / length, y / length, z / length
    # The side is across `axis` and y, or across `axis` and x where those run together.
    if abs(y) < 0.9:
        scale = math.hypot(x, z)
        a, b, c = z / scale, 0.0, -x / scale
    else:
        scale = math.hypot(y, z)
        a, b, c = 0.0, -z / scale, y / scale
    side, up = np.array([a, b, c]), np.array([x, y, z])
    return side, np.array([y * c - z * b, z * a - x * c, x * b - y * a]), up
