"""Trunks and branches: tapered tubes from the ground into a crown."""

from __future__ import annotations

import numpy as np

from engine.lattice import hash01
from engine.views.drawn import foliage
from engine.views.drawn.mesh import Material, Mesh, joined, part
from engine.views.drawn.trees import SPECIES, VEGETATION, Tree


def wood(tree: Tree, clumps: np.ndarray, clear_m: float, seed: int, scene_origin_m: np.ndarray) -> Mesh:
    """Trunk and branches of a tree under its clumps; branches begin at `clear_m` above its foot or higher."""
    kind = SPECIES[tree.species]
    height = tree.crown_m[2] + tree.half_height_m - tree.foot_m[2]
    thick = (0.030 if tree.species in ("birch", "poplar") else 0.036) * height * (0.55 + 0.05 * min(tree.radius_m * 2, 9.0))
    thick = float(np.clip(thick, 0.06, 0.30))
    row = part(Material.BARK, kind.bark, VEGETATION, seed=int(hash01(*tree.peak, seed + 951) * 4096), params=(float(kind.banded),))
    base = max(tree.crown_m[2] - tree.half_height_m, tree.foot_m[2] + 0.5)
    sway = [(hash01(*tree.peak, seed + 952 + q) - 0.5) * 0.2 for q in range(2)]
    end = tree.crown_m + (0, 0, 0.45 * tree.half_height_m)
    fork = np.array([*(0.6 * tree.foot_m[:2] + 0.4 * tree.crown_m[:2]), max(base, tree.foot_m[2] + clear_m)]) + (*sway, 0.0)
    middle = 0.5 * (tree.foot_m + fork) + (-0.5 * sway[1], 0.5 * sway[0], 0.0)
    foot = tree.foot_m - (0, 0, 0.25)
    path = np.array([foot, tree.foot_m + (0, 0, 0.12), tree.foot_m + (0, 0, 0.5), middle, fork, end])
    meshes = [_tube(path, thick * np.array([1.55, 1.3, 1.0, 0.88, 0.72, 0.14]), 7, row, scene_origin_m)]
    order = np.argsort(clumps[:, foliage.Z] + 0.01 * clumps[:, foliage.X], kind="stable")[: max(len(clumps) * 2 // 3, 1)]
    for n in order[:: max(len(order) // 6, 1)][:6]:
        target = clumps[n, :3]
        if _bare(fork, target, clumps):
            continue
        share = float(np.clip((target[2] - fork[2]) / max(end[2] - fork[2], 0.1), 0.0, 0.8)) * 0.6
        start = fork + (end - fork) * share
        bend = start + 0.55 * (target - start) + np.array([0, 0, 0.12 * np.linalg.norm(target - start)])
        meshes.append(_tube(np.array([start, bend, target]), thick * np.array([0.42, 0.28, 0.08]), 4, row, scene_origin_m))
    return joined(meshes)


def _bare(fork: np.ndarray, target: np.ndarray, clumps: np.ndarray) -> bool:
    """Whether a branch to a clump beside or below the fork would be seen to cross the open: it stands on its own then, as a shrub does."""
    if target[2] > fork[2] + 0.3 or np.hypot(*(target - fork)[:2]) < 2.0:
        return False
    middle = fork + 0.6 * (target - fork)
    return bool((np.linalg.norm(clumps[:, :3] - middle, axis=1) > clumps[:, foliage.RADIUS] + 0.2).all())


def _tube(path: np.ndarray, radii: np.ndarray, sides: int, row: np.ndarray, scene_origin_m: np.ndarray) -> Mesh:
    """A tapered tube along points (N, 3) in world metres, open at its ends."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.cross(along, np.where(np.abs(along[:, 2:]) > 0.9, [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]))
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    other = np.cross(along, side)
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * other[:, None]
    vertices = path[:, None] + radii[:, None, None] * ring
    n, k = np.meshgrid(np.arange(len(path) - 1), np.arange(sides), indexing="ij")
    a, b = n * sides + k, n * sides + (k + 1) % sides
    faces = np.concatenate([np.stack([a, b, b + sides], -1).reshape(-1, 3), np.stack([a, b + sides, a + sides], -1).reshape(-1, 3)])
    return Mesh(
        (vertices.reshape(-1, 3) - scene_origin_m).astype(np.float32),
        ring.reshape(-1, 3).astype(np.float32),
        faces.astype(np.int32),
        np.zeros(len(faces), np.int32),
        row[None],
    )
