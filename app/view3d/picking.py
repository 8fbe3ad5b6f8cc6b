"""What a click in the 3D view means: the entity that the ray meets first. Ego frame, metres."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely

from app.view3d import shapes
from app.view3d.moment import Moment
from editor.clip import boxes_at
from editor.entities import Agent, Area, CameraEntity, Line
from engine.spec.classes import FREE
from engine.spec.geometry import invert
from engine.spec.grid import RATE_HZ

FAR_M = 200.0
STEP = 0.25
"""Of a voxel's edge, by which a ray goes on."""
SLACK_M = 0.6
"""A box this much behind the voxel that was hit counts as in front of it: voxels stand out of their box by up to one."""
NEAR_LINE_M = 0.3
"""A line is met as far from its middle, where it is narrower than that."""
BODY_M = 1.0
"""The ego counts as this much behind its skin, for cameras stand in its body."""


def pick(moment: Moment, origin_m: np.ndarray, direction: np.ndarray, cameras: Iterable[str] = (), clip_m: float | None = None) -> str | None:
    """Id of the agent, the camera (of the ids `cameras`, which are drawn), the ego, the line or the area that a ray (3,), (3,) meets first; None for none.

    Only what is drawn is met: of the ego the two boxes of its body, of a camera its pyramid, of an agent its box and its voxels. Ground and
    buildings hide what is behind them; of ground, the line there counts, or the smallest area.
    """
    direction = direction / np.linalg.norm(direction)
    ego_SE3_world = invert(moment.clip.world_SE3_ego[0])
    found = [*_boxes(moment, ego_SE3_world, origin_m, direction), *_cameras(moment, set(cameras), origin_m, direction)]
    far, hit, instance = _voxel(moment, origin_m, direction, clip_m)
    of_instance = {agent.instance_id: agent.id for agent in moment.document.of(Agent)}
    if hit is not None and instance in of_instance:
        found.append((far, of_instance[instance]))
    seen = [one for one in found if one[0] <= far + SLACK_M]
    if seen:
        return min(seen, key=lambda one: one[0] + (BODY_M if one[1] == "ego" else 0.0))[1]
    return None if hit is None else _ground(moment, invert(ego_SE3_world) @ np.array([*hit, 1.0]))


def enters(origin: np.ndarray, direction: np.ndarray, low: np.ndarray, high: np.ndarray) -> float | None:
    """How far along a ray (3,), (3,) an axis-aligned box from `low` to `high` (3,) begins; None where it is not met."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (low - origin) / direction, (high - origin) / direction
    near, far = np.nanmax(np.minimum(one, two)), np.nanmin(np.maximum(one, two))
    outside = ((direction == 0) & ((origin < low) | (origin > high))).any()
    return None if outside or near > far or far < 0 else max(float(near), 0.0)


def enters_pyramid(origin: np.ndarray, direction: np.ndarray, across_m: float, up_m: float, deep_m: float) -> float | None:
    """The same of a pyramid with its tip at the origin, along z, of half widths `across_m` and `up_m` where it ends, `deep_m` from its tip."""
    outward = np.array([[deep_m, 0, -across_m], [-deep_m, 0, -across_m], [0, deep_m, -up_m], [0, -deep_m, -up_m], [0, 0, 1.0]])
    outside, towards = outward @ origin - [0, 0, 0, 0, deep_m], outward @ direction
    if (outside[towards == 0] > 0).any():
        return None
    along = -outside[towards != 0] / towards[towards != 0]
    near, far = along[towards[towards != 0] < 0].max(initial=0.0), along[towards[towards != 0] > 0].min(initial=np.inf)
    return None if near > far else float(near)


def _boxes(moment: Moment, ego_SE3_world: np.ndarray, origin: np.ndarray, direction: np.ndarray) -> Iterable[tuple[float, str]]:
    names = {agent.instance_id: agent.id for agent in moment.document.of(Agent)}
    world_SE3_ego = invert(ego_SE3_world)
    start, way = (world_SE3_ego @ np.array([*origin, 1.0]))[:3], world_SE3_ego[:3, :3] @ direction
    for box in boxes_at(moment.document, moment.frame / RATE_HZ):
        turn = np.array([[np.cos(box.yaw_rad), np.sin(box.yaw_rad), 0], [-np.sin(box.yaw_rad), np.cos(box.yaw_rad), 0], [0, 0, 1]])
        half = np.asarray(box.size_m) / 2
        met = enters(turn @ (start - np.asarray(box.center_m)), turn @ way, -half, half)
        if met is not None and box.instance_id in names:
            yield met, names[box.instance_id]
    for middle, size in shapes.ego_body():
        if (met := enters(origin, direction, middle - size / 2, middle + size / 2)) is not None:
            yield met, "ego"


def _cameras(moment: Moment, drawn: set[str], origin: np.ndarray, direction: np.ndarray) -> Iterable[tuple[float, str]]:
    entities = {entity.id: entity for entity in moment.document.of(CameraEntity)}
    for number, name in enumerate(moment.camera_ids):
        if name not in drawn or name not in entities:
            continue
        camera_SE3_ego = invert(moment.clip.camera_pose(0, number))
        tip = (camera_SE3_ego @ np.array([*origin, 1.0]))[:3]
        met = enters_pyramid(tip, camera_SE3_ego[:3, :3] @ direction, *shapes.frustum_m(entities[name].camera))
        if met is not None:
            yield met, name


def _voxel(moment: Moment, origin: np.ndarray, direction: np.ndarray, clip_m: float | None) -> tuple[float, np.ndarray | None, int]:
    """How far the first filled voxel is (infinite where there is none), where that is (3,), and whose it is."""
    grid, semantics = moment.clip.grid, moment.occupancy.semantics
    steps = np.arange(0.0, FAR_M, STEP * grid.voxel_m)
    points = origin + steps[:, None] * direction
    cells = np.floor((points - grid.origin_m) / grid.voxel_m).astype(int)
    inside = ((cells >= 0) & (cells < semantics.shape)).all(1)
    if clip_m is not None:
        inside &= points[:, 2] < clip_m
    at = np.flatnonzero(inside)
    filled = at[semantics[tuple(cells[at].T)] != FREE]
    if not len(filled):
        return np.inf, None, 0
    first = filled[0]
    return float(steps[first]), points[first], int(moment.occupancy.instances[tuple(cells[first])])


def _ground(moment: Moment, world: np.ndarray) -> str | None:
    """The line there, or the smallest area."""
    point = shapely.Point(world[:2])
    lines = (line for line in moment.document.of(Line) if _may_hold(line.points_m, world, NEAR_LINE_M + line.width_m / 2))
    for line in lines:
        if shapely.LineString(line.points_m).distance(point) <= max(NEAR_LINE_M, line.width_m / 2):
            return line.id
    over = [area for area in moment.document.of(Area) if _may_hold(area.exterior_m, world) and shapely.Polygon(area.exterior_m, area.holes_m).contains(point)]
    return min(over, key=lambda area: shapely.Polygon(area.exterior_m).area).id if over else None


def _may_hold(points_m: np.ndarray, world: np.ndarray, around_m: float = 0.0) -> bool:
    xy = np.asarray(points_m)
    return bool((xy.min(0) - around_m <= world[:2]).all() and (world[:2] <= xy.max(0) + around_m).all())
