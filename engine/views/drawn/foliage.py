"""Leaves: clumps become triangles (numba).

A plant is a list of clumps: balls of foliage that overlap. Each becomes a dark, ragged core and, where it is not inside another
clump of its plant, leaf sprays: slim triangles that point outward every way, whose shading normals follow clump and crown so that
light on them is soft. All dice belong to the clump's place in the world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

import engine.spec  # noqa: F401  (sets numba's threading layer before numba compiles anything)
from engine.lattice import hash01
from engine.views.drawn.mesh import Mesh

# Columns of a clump, float64 (CLUMP,).
X, Y, Z, RADIUS, SQUASH = range(5)
"""World centre, radius in metres, and how flat it is: its height over its width."""
PART_ROW = 5
CROWN = 6
"""6-8: world centre of the crown that its light follows."""
FIRST, LAST = 9, 10
"""The plant's own clumps are the rows FIRST up to LAST."""
SPRAY_M, SLIMNESS, SPRAYS_M2, DROOP = 11, 12, 13, 14
"""Length of a spray, its width over its length, sprays on a square metre of clump, and by how much their tips hang (negative: rise)."""
CLUMP = 15


def _icosahedron() -> tuple[np.ndarray, np.ndarray]:
    """Unit vertices (12, 3) and faces (20, 3), counter-clockwise seen from outside."""
    g = (1 + 5**0.5) / 2
    v = np.array([(s * a, t * g * b, 0) for s in (-1, 1) for t in (-1, 1) for a, b in ((1, 1),)])
    v = np.concatenate([v, v[:, [2, 0, 1]], v[:, [1, 2, 0]]])
    edge = np.linalg.norm(v[:, None] - v[None], axis=-1)
    near = (edge > 0) & (edge < 2.1)
    faces = [(i, j, k) for i in range(12) for j in range(i + 1, 12) for k in range(j + 1, 12) if near[i, j] and near[j, k] and near[i, k]]
    faces = [(i, j, k) if np.dot(np.cross(v[j] - v[i], v[k] - v[i]), v[i]) > 0 else (i, k, j) for i, j, k in faces]
    return v / np.linalg.norm(v, axis=1, keepdims=True), np.array(faces, np.int32)


_BALL, _BALL_FACES = _icosahedron()
BLUNT = 0.4
"""Share of sprays that turn their broad end outward."""
TIP, BASE = 0.6, -0.4
"""Where a spray's tip and its base lie along it, in its lengths: its first surface coordinate. The second is -1 and 1 at the base's two corners."""
_ROUGH = 0.22
"""Share of its radius by which a core's corners stand in or out."""


class Limits(NamedTuple):
    """Where foliage may hang: below `floor_m` (X, Y) float32 of a world column it may not. `origin_m` (3,) is the grid's corner."""

    floor_m: np.ndarray
    origin_m: np.ndarray
    voxel_m: float


@dataclass(slots=True)
class Leaves:
    """Triangles of clumps, in world metres less an offset."""

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    uv: np.ndarray

    def mesh(self, parts: np.ndarray) -> Mesh:
        return Mesh(self.vertices, self.normals, self.faces, self.face_part, parts, self.uv)


def leaves(clumps: np.ndarray, limits: Limits, seed: int, scene_origin_m: np.ndarray) -> Leaves:
    """What clumps (N, CLUMP) look like, in the scene frame."""
    area = 4 * np.pi * clumps[:, RADIUS] ** 2
    most = np.maximum(np.ceil(area * clumps[:, SPRAYS_M2]).astype(np.int64), 4) if len(clumps) else np.zeros(0, np.int64)
    vertices = np.empty((int((most * 3 + 12).sum()), 3), np.float32)
    normals = np.empty_like(vertices)
    faces = np.empty((int((most + 20).sum()), 3), np.int32)
    face_part = np.empty(len(faces), np.int32)
    uv = np.zeros((len(vertices), 2), np.float32)
    v, f = _grow(
        clumps, most, limits.floor_m, limits.origin_m, limits.voxel_m, seed, np.asarray(scene_origin_m, np.float64), _BALL, _BALL_FACES,
        vertices, normals, faces, face_part, uv,
    )  # fmt: skip
    return Leaves(vertices[:v], normals[:v], faces[:f], face_part[:f], uv[:v])


@njit(cache=True, error_model="numpy", inline="always")
def hangs_free(x, y, z, floor, origin, voxel):
    i, j = int(np.floor((x - origin[0]) / voxel)), int(np.floor((y - origin[1]) / voxel))
    if i < 0 or j < 0 or i >= floor.shape[0] or j >= floor.shape[1]:
        return True
    return z >= floor[i, j]


@njit(cache=True, error_model="numpy")
def _inside_another(clumps, c, x, y, z, share):
    """Whether a point lies inside another clump of the plant of clump c, within `share` of its radius."""
    for n in range(int(clumps[c, FIRST]), int(clumps[c, LAST])):
        if n == c:
            continue
        r = clumps[n, RADIUS] * share
        dx, dy, dz = x - clumps[n, X], y - clumps[n, Y], (z - clumps[n, Z]) / clumps[n, SQUASH]
        if dx * dx + dy * dy + dz * dz < r * r:
            return True
    return False


@njit(cache=True, error_model="numpy", inline="always")
def _unit(x, y, z):
    length = np.sqrt(x * x + y * y + z * z) + 1e-9
    return x / length, y / length, z / length


@njit(cache=True, error_model="numpy")
def _light(clumps, c, x, y, z, outward):
    """Shading normal at a point of clump c: away from the clump's centre, and `outward` of it away from the crown's."""
    ax, ay, az = _unit(x - clumps[c, X], y - clumps[c, Y], (z - clumps[c, Z]) / clumps[c, SQUASH])
    bx, by, bz = _unit(x - clumps[c, CROWN], y - clumps[c, CROWN + 1], z - clumps[c, CROWN + 2])
    w = 1.0 - outward
    return _unit(w * ax + outward * bx, w * ay + outward * by, w * az + outward * bz + 0.08)


@njit(cache=True, error_model="numpy", inline="always")
def _toward(n, count, key, seed, turn):
    """Direction of spray n of `count`: even over the ball, with dice."""
    up = 1.0 - 2.0 * (n + hash01(key, 100 + n, seed)) / count
    around = turn + 2.39996323 * n + 0.9 * hash01(key, 300 + n, seed)
    flat = np.sqrt(max(1.0 - up * up, 0.0))
    return flat * np.cos(around), flat * np.sin(around), up


@njit(cache=True, error_model="numpy")
def _grow(clumps, most, floor, origin, voxel, seed, scene, ball, ball_faces, vertices, normals, faces, face_part, uv):
    v = f = 0
    point = np.empty((3, 3))
    for c in range(len(clumps)):
        cx, cy, cz, r, squash = clumps[c, X], clumps[c, Y], clumps[c, Z], clumps[c, RADIUS], clumps[c, SQUASH]
        key = int(np.floor(cx * 50)) * 7919 + int(np.floor(cy * 50)) * 104729 + int(np.floor(cz * 50))
        part = int(clumps[c, PART_ROW])
        turn = hash01(key, 1, seed) * 6.2831853
        hidden = True
        for n in range(most[c]):
            dx, dy, dz = _toward(n, most[c], key, seed, turn)
            if not _inside_another(clumps, c, cx + r * dx, cy + r * dy, cz + r * squash * dz, 1.15):
                hidden = False
                break
        # The core: a ball with corners in and out, drawn in where it would hang over a road or stand in a wall; a grain of it where
        # other clumps hide it all.
        ca, sa = np.cos(turn), np.sin(turn)
        kept = True
        for n in range(12):
            bx, by, bz = ca * ball[n, 0] - sa * ball[n, 1], sa * ball[n, 0] + ca * ball[n, 1], ball[n, 2]
            reach = r * 0.84 * (1.0 - _ROUGH + 2 * _ROUGH * hash01(key, 20 + n, seed))
            drawn_in = 1.0
            for _ in range(6):
                x, y, z = cx + reach * bx, cy + reach * by, cz + reach * squash * bz
                if hangs_free(x, y, z, floor, origin, voxel):
                    break
                reach *= 0.7
                drawn_in = 0.8
            else:
                kept = False
            x, y, z = cx + drawn_in * (x - cx), cy + drawn_in * (y - cy), cz + drawn_in * (z - cz)
            vertices[v + n, 0], vertices[v + n, 1], vertices[v + n, 2] = x - scene[0], y - scene[1], z - scene[2]
            normals[v + n, 0], normals[v + n, 1], normals[v + n, 2] = _light(clumps, c, x, y, z, 0.4)
        if not kept:
            continue
        for n in range(0, 20, 5 if hidden else 1):
            faces[f, 0], faces[f, 1], faces[f, 2] = v + ball_faces[n, 0], v + ball_faces[n, 1], v + ball_faces[n, 2]
            face_part[f] = part
            f += 1
        v += 12
        if hidden:
            continue
        # Sprays: evenly over the ball, those left out that no one would see.
        spray, slim, droop = clumps[c, SPRAY_M], clumps[c, SLIMNESS], clumps[c, DROOP]
        for n in range(most[c]):
            dx, dy, dz = _toward(n, most[c], key, seed, turn)
            reach = r * (0.80 + 0.22 * hash01(key, 500 + n, seed))
            if _inside_another(clumps, c, cx + reach * dx, cy + reach * dy, cz + reach * squash * dz, 0.97):
                continue
            # It points outward, aslant: a side of it, then its tip.
            aslant = hash01(key, 700 + n, seed) * 6.2831853
            tx, ty, tz = _unit(-dy * np.cos(aslant) + 0.3 * dz, dx * np.cos(aslant) - 0.2 * dz, np.sin(aslant))
            tilt = 0.45 + 1.0 * hash01(key, 900 + n, seed)
            ax, ay, az = _unit(
                dx * np.cos(tilt) + tx * np.sin(tilt), dy * np.cos(tilt) + ty * np.sin(tilt), dz * np.cos(tilt) + tz * np.sin(tilt) - droop
            )
            sx, sy, sz = ay * dz - az * dy + 0.35 * tx, az * dx - ax * dz + 0.35 * ty, ax * dy - ay * dx + 0.35 * tz
            along = sx * ax + sy * ay + sz * az
            sx, sy, sz = _unit(sx - along * ax, sy - along * ay, sz - along * az)
            length = spray * (0.7 + 0.6 * hash01(key, 1100 + n, seed))
            if hash01(key, 1500 + n, seed) < BLUNT:
                ax, ay, az = -ax, -ay, -az
            width = 0.5 * length * slim * (0.8 + 0.4 * hash01(key, 1300 + n, seed))
            # Where it would hang over a walk or in a wall, it is drawn in towards the clump.
            free = False
            for _ in range(7):
                x, y, z = cx + reach * dx, cy + reach * dy, cz + reach * squash * dz
                free = True
                for q in range(3):
                    u, w = (TIP, 0.0) if q == 0 else (BASE, width if q == 1 else -width)
                    point[q, 0], point[q, 1], point[q, 2] = (
                        x + u * length * ax + w * sx,
                        y + u * length * ay + w * sy,
                        z + u * length * az + w * sz,
                    )
                    free = free and hangs_free(point[q, 0], point[q, 1], point[q, 2], floor, origin, voxel)
                if free:
                    break
                reach, length, width = 0.85 * reach, 0.92 * length, 0.92 * width
            if not free:
                continue
            for q in range(3):
                vertices[v + q, 0], vertices[v + q, 1], vertices[v + q, 2] = (
                    point[q, 0] - scene[0],
                    point[q, 1] - scene[1],
                    point[q, 2] - scene[2],
                )
                nx, ny, nz = _light(clumps, c, point[q, 0], point[q, 1], point[q, 2], 0.4)
                normals[v + q, 0], normals[v + q, 1], normals[v + q, 2] = nx, ny, nz
                uv[v + q, 0], uv[v + q, 1] = TIP if q == 0 else BASE, 0.0 if q == 0 else 1.0 if q == 1 else -1.0
            # Which way round: counter-clockwise seen from outside.
            gx, gy, gz = ay * sz - az * sy, az * sx - ax * sz, ax * sy - ay * sx
            flip = gx * dx + gy * dy + gz * dz < 0.0
            faces[f, 0], faces[f, 1], faces[f, 2] = v, v + (2 if flip else 1), v + (1 if flip else 2)
            face_part[f] = part
            f += 1
            v += 3
    return v, f
