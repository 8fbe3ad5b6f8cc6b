"""The agents of one frame as meshes that stand on the ground: those that the occupancy shows, and as much of them as it shows.

An agent with a box gets its parametric model, fitted to the box. One without (painted) is fitted to its voxels. One whose voxels are
gone is not drawn; one that was cut into loses the triangles that have no voxel near.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from engine.api import OccupancyFrame
from engine.spec.classes import AGENTS, CLASSES, DEFAULT_SIZE_M
from engine.spec.geometry import Box, rotation
from engine.spec.grid import GridSpec
from engine.spec.looks import AgentLook
from engine.views.drawn.agents.model import agent_mesh
from engine.views.drawn.agents.rig import Motion
from engine.views.drawn.mesh import Mesh

COARSE_FROM_M = 38.0
"""Agents farther from the ego than this are drawn with fewer triangles."""
WHOLE = 0.55
"""Share of the columns (and of the height) of its box that an agent must fill to be drawn whole."""
NEAR_VOXEL_M = 0.45
"""Triangles of an agent that was cut into stay within this distance of its voxels."""
GROWN_M = (0.4, 0.3, 0.25)
"""Metres by which vehicles are drawn longer, wider and taller than their boxes: their voxels, whole cells, are that much larger on
average, and whoever looks from the occupancy to the picture finds the same mask."""
VEHICLES = ("car", "bus", "truck", "trailer", "construction_vehicle")
STANDS_WITHIN_M = 1.5
"""A box whose bottom is no farther than this from the ground is put on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """One agent of a frame."""

    box: Box
    """In the ego frame of the frame, its bottom on the drawn ground."""
    mesh: Mesh
    """In the scene frame."""
    motion: Motion


def agents_of(
    frame: OccupancyFrame,
    boxes: tuple[Box, ...],
    grid: GridSpec,
    scene_SE3_ego: np.ndarray,
    ground_z: Callable[[float, float], float],
    motions: Mapping[int, Motion],
    seed: int,
    looks: Mapping[int, AgentLook] = MappingProxyType({}),
) -> list[Placed]:
    """Every agent that the frame shows. `ground_z(x, y)` is the ground's height in the scene frame, all in its metres.

    `looks` by instance id; an agent that has none looks as the seed says.
    """
    counts = np.bincount(frame.instances.reshape(-1))
    shown = set(np.flatnonzero(counts).tolist()) - {0}
    boxed = [box for box in boxes if box.instance_id in shown]
    voxels = _voxels(frame, shown, grid)
    placed = []
    for box in [*boxed, *_painted(frame, shown - {box.instance_id for box in boxes}, voxels, grid)]:
        own = voxels.get(box.instance_id)
        if own is None:
            continue
        motion = motions.get(box.instance_id, Motion())
        stood = _on_ground(box, scene_SE3_ego, ground_z)
        mesh = agent_mesh(
            box.class_name,
            _drawn_size_m(box),
            box.instance_id,
            seed,
            motion,
            looks.get(box.instance_id, AgentLook()).fitting(box.class_name),
            coarse=bool(np.hypot(*box.center_m[:2]) > COARSE_FROM_M),
        ).moved(stood)
        if _cut(box, own, grid):
            mesh = _left(mesh, own @ scene_SE3_ego[:3, :3].T + scene_SE3_ego[:3, 3])
        placed.append(Placed(box, mesh, motion))
    return placed


def _drawn_size_m(box: Box) -> tuple[float, float, float]:
    length, width, height = box.size_m
    if box.class_name not in VEHICLES:
        return box.size_m
    return length + GROWN_M[0], width + GROWN_M[1], height + GROWN_M[2]


def _voxels(frame: OccupancyFrame, shown: set[int], grid: GridSpec) -> dict[int, np.ndarray]:
    """Centres (N, 3) of the voxels of each agent, metres in the ego frame."""
    cells = np.argwhere(frame.instances > 0)
    if not len(cells):
        return {}
    ids = frame.instances[tuple(cells.T)]
    order = np.argsort(ids, kind="stable")
    centers = (cells[order] + 0.5) * grid.voxel_m + np.array(grid.origin_m)
    starts = np.flatnonzero(np.diff(ids[order], prepend=0))
    return {int(ids[order][start]): piece for start, piece in zip(starts, np.split(centers, starts[1:]), strict=True)}


def _on_ground(box: Box, scene_SE3_ego: np.ndarray, ground_z: Callable[[float, float], float]) -> np.ndarray:
    """scene_SE3_box (4, 4), origin at the bottom's centre, tilted as the ground under it."""
    heading = scene_SE3_ego[:3, :3] @ (np.cos(box.yaw_rad), np.sin(box.yaw_rad), 0.0)
    yaw = float(np.arctan2(heading[1], heading[0]))
    center = scene_SE3_ego[:3, :3] @ box.center_m + scene_SE3_ego[:3, 3]
    bottom = center[2] - box.size_m[2] / 2
    half = np.array(box.size_m[:2]) * 0.35
    c, s = np.cos(yaw), np.sin(yaw)
    ahead, behind, left, right = (
        ground_z(center[0] + c * a - s * b, center[1] + s * a + c * b) for a, b in ((half[0], 0), (-half[0], 0), (0, half[1]), (0, -half[1]))
    )
    pose = np.eye(4)
    pose[:3, 3] = center[0], center[1], bottom
    level = (ahead + behind + left + right) / 4
    if abs(level - bottom) < STANDS_WITHIN_M:
        pose[2, 3] = level
        upright = box.class_name in ("pedestrian", "traffic_cone")
        pitch = 0.0 if upright else float(np.clip(-np.arctan2(ahead - behind, 2 * half[0]), -0.15, 0.15))
        roll = 0.0 if upright else float(np.clip(np.arctan2(left - right, 2 * half[1]), -0.08, 0.08))
        pose[:3, :3] = rotation(yaw, pitch, roll)
    else:
        pose[:3, :3] = rotation(yaw)
    return pose


def _cut(box: Box, voxels: np.ndarray, grid: GridSpec) -> bool:
    """Whether much of a box has no voxel of its agent: somebody took a part away."""
    c, s = np.cos(box.yaw_rad), np.sin(box.yaw_rad)
    half = np.array(box.size_m[:2]) / 2
    reach = float(np.hypot(*half))
    xs, ys = grid.cell_centers_m()
    i = np.flatnonzero(np.abs(xs - box.center_m[0]) < reach)
    j = np.flatnonzero(np.abs(ys - box.center_m[1]) < reach)
    if not len(i) or not len(j):
        return False
    dx, dy = np.meshgrid(xs[i] - box.center_m[0], ys[j] - box.center_m[1], indexing="ij")
    inside = (np.abs(c * dx + s * dy) < half[0] - 0.2) & (np.abs(-s * dx + c * dy) < half[1] - 0.2)
    if inside.sum() < 4:
        return False
    filled = np.zeros_like(inside)
    a = np.floor((voxels[:, 0] - grid.origin_m[0]) / grid.voxel_m).astype(int) - i[0]
    b = np.floor((voxels[:, 1] - grid.origin_m[1]) / grid.voxel_m).astype(int) - j[0]
    near = (a >= 0) & (b >= 0) & (a < len(i)) & (b < len(j))
    filled[a[near], b[near]] = True
    tall = box.size_m[2] > 1.2 and np.ptp(voxels[:, 2]) + grid.voxel_m < WHOLE * min(box.size_m[2], grid.upper_m[2] - box.center_m[2] + box.size_m[2] / 2)
    return bool((filled & inside).sum() < WHOLE * inside.sum() or tall)


def _left(mesh: Mesh, voxels_scene: np.ndarray) -> Mesh:
    """Only the triangles whose middle lies near a voxel (N, 3)."""
    from scipy.spatial import cKDTree

    middle = mesh.vertices[mesh.faces].mean(axis=1)
    distance, _ = cKDTree(voxels_scene).query(middle, distance_upper_bound=NEAR_VOXEL_M)
    stays = np.isfinite(distance)
    return replace(mesh, faces=mesh.faces[stays], face_part=mesh.face_part[stays])


def _painted(frame: OccupancyFrame, ids: set[int], voxels: Mapping[int, np.ndarray], grid: GridSpec) -> list[Box]:
    """Boxes of the agents that have none: the smallest rectangle around their voxels, with the usual length and width of the class at least."""
    boxes = []
    for instance_id in sorted(ids):
        points = voxels[instance_id]
        cell = np.floor((points[len(points) // 2] - grid.origin_m) / grid.voxel_m + 1e-6).astype(int)
        label = int(frame.semantics[tuple(cell)])
        if CLASSES[label] not in AGENTS:
            continue
        boxes.append(_around(instance_id, CLASSES[label], points, grid.voxel_m))
    return boxes


def _around(instance_id: int, class_name: str, points: np.ndarray, voxel_m: float) -> Box:
    usual = DEFAULT_SIZE_M[class_name]
    flat = np.unique(points[:, :2], axis=0)
    best = (np.inf, 0.0, np.zeros(2), np.zeros(2))
    for yaw in np.linspace(0, np.pi / 2, 19)[:-1]:
        turned = flat @ np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        low, high = turned.min(axis=0), turned.max(axis=0)
        area = float(np.prod(high - low + 0.5 * voxel_m))
        if area < best[0] - 1e-9:
            best = (area, yaw, low, high)
    _, yaw, low, high = best
    size = high - low + 0.6 * voxel_m
    middle = (low + high) / 2
    if (size[0] < size[1]) == (usual[0] > usual[1]):  # the class says which side is the long one
        yaw, size, middle = yaw + np.pi / 2, size[::-1], np.array([middle[1], -middle[0]])
    c, s = np.cos(yaw), np.sin(yaw)
    length, width = (float(np.clip(size[k], 0.8 * usual[k], max(1.6 * usual[k], 0.8 * size[k]))) for k in range(2))
    bottom = float(points[:, 2].min() - voxel_m / 2)
    height = float(np.clip(np.ptp(points[:, 2]) + voxel_m, 0.75 * usual[2], 1.3 * usual[2]))
    center = (float(c * middle[0] - s * middle[1]), float(s * middle[0] + c * middle[1]), bottom + height / 2)
    return Box(instance_id, class_name, center, (length, width, height), float(yaw))
