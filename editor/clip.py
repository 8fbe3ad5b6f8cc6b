"""Document -> what the engine is given: layouts, boxes, ego frames and cameras per frame. Everything here is derived, nothing is stored."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from editor.document import Document, EditError
from editor.entities import Agent, Area, CameraEntity, Line, OccupancyEdit, PaintLayer
from editor.files.document_hash import document_hash
from editor.track import exists_at, pose_at
from engine.spec.camera import Camera
from engine.spec.classes import CHANNEL
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose, invert
from engine.spec.grid import GRIDS, RATE_HZ, GridSpec
from engine.spec.layout import Layout, Paint, Polygon, Polyline
from engine.spec.looks import AgentLook
from engine.spec.raster import rasterise
from engine.spec.words import plural


def ego_pose_at(document: Document, time_s: float) -> Pose:
    """world_SE3_ego at a time (s); held still outside the path's keyframes."""
    return pose_at(document.ego.keyframes, time_s)


def boxes_at(document: Document, time_s: float) -> list[Box]:
    """Boxes (world frame) of the agents that exist at a time (s), in drawing order."""
    boxes = []
    for agent in document.of(Agent):
        if exists_at(agent, time_s):
            pose = pose_at(agent.keyframes, time_s)
            # Up is the agent's own: on a slope, half a truck's height leans several centimetres sideways.
            x_m, y_m, z_m, _ = pose.matrix() @ (0.0, 0.0, agent.size_m[2] / 2, 1.0)
            boxes.append(Box(agent.instance_id, agent.class_name, (float(x_m), float(y_m), float(z_m)), agent.size_m, pose.yaw_rad))
    return boxes


def occupancy_edits_at(document: Document, time_s: float) -> list[OccupancyEdit]:
    """The edits of generated occupancy in their order at a time (s), boxes that follow an agent at their place in the world.

    Those that follow somebody who is not there at that time are left out.
    """
    edits = []
    for edit in document.of(OccupancyEdit):
        if not edit.follows:
            edits.append(edit)
            continue
        agent = next((one for one in document.of(Agent) if one.instance_id == edit.follows and exists_at(one, time_s)), None)
        if agent is not None:
            pose = Pose.from_matrix(pose_at(agent.keyframes, time_s).matrix() @ edit.box_pose.matrix())
            edits.append(replace(edit, box_pose=pose))
    return edits


def layout_at(document: Document, frame: int) -> Layout:
    """The scene (world frame) at frame / 12 s, with the paint whose span holds there."""
    return _layout(document, frame, frame / RATE_HZ)


def frame_count(document: Document) -> int:
    """Frames on the timeline: those at 0, 1/12, ... that lie before the end."""
    return max(1, int(np.ceil(document.duration_s * RATE_HZ - 1e-6)))


def scene_clip(document: Document, start_s: float = 0.0, frames: int = 16, cameras: Sequence[str] | None = None) -> SceneClip:
    """`frames` frames at 12 Hz from `start_s`. `cameras` names them (default: the enabled ones).

    Paint spans count frames from the document's start, so the clip's first frame is the one nearest to `start_s`.
    Raises EditError for an unknown camera, no frames, or a start that is not a number.
    """
    if not np.isfinite(start_s) or frames < 1:
        raise EditError(f"A clip of {plural(frames, 'frame')} from {start_s} s cannot be made: ask for at least one frame from a finite time.")
    grid = GRIDS[document.grid]
    times = start_s + np.arange(frames) / RATE_HZ
    first = round(start_s * RATE_HZ)
    world_SE3_ego = np.stack([ego_pose_at(document, time).matrix() for time in times])
    layouts = np.empty((frames, len(CHANNEL), *grid.bev_shape), np.uint8)
    boxes, ground = [], []
    for k, time in enumerate(times):
        layout = _layout(document, first + k, float(time))
        ground.append(_ground.get((layout.polygons, layout.polylines, *layout.paint)))
        layouts[k] = rasterise(layout, grid, world_SE3_ego[k])
        ego_SE3_world = invert(world_SE3_ego[k])
        near = (box for box in layout.boxes if may_touch(box, world_SE3_ego[k], grid))
        boxes.append(tuple(box for box in (b.moved(ego_SE3_world) for b in near) if touches_grid(box, grid)))
    chosen, ego_SE3_cameras = _cameras(document, cameras, times, world_SE3_ego)
    return SceneClip(
        layouts,
        tuple(boxes),
        world_SE3_ego,
        cameras=chosen,
        ego_SE3_cameras=ego_SE3_cameras,
        grid=grid,
        prompt=document.prompt,
        document_hash=document_hash(document),
        start_s=float(start_s),
        looks=looks_of(document),
        ground=tuple(ground),
    )


def looks_of(document: Document) -> dict[int, AgentLook]:
    """Instance id -> look, of the agents that have one."""
    return {agent.instance_id: agent.look for agent in document.of(Agent) if agent.look}


def may_touch(box: Box, world_SE3_ego: np.ndarray, grid: GridSpec) -> bool:
    """Whether a box of the world is near enough for `touches_grid`: most agents of a city are not."""
    reach = max(abs(v) for v in (*grid.origin_m[:2], *grid.upper_m[:2])) * 2**0.5 + box.size_m[0] + box.size_m[1] + 5.0  # a slope tilts the grid
    return abs(box.center_m[0] - world_SE3_ego[0, 3]) <= reach and abs(box.center_m[1] - world_SE3_ego[1, 3]) <= reach


def touches_grid(box: Box, grid: GridSpec) -> bool:
    """Whether a box of the ego frame has its footprint, in part at least, over the grid (separating axes of two rectangles)."""
    low, high = np.array(grid.origin_m[:2]), np.array(grid.upper_m[:2])
    corners = box.corners_bev_m()
    if (corners.max(0) <= low).any() or (corners.min(0) >= high).any():
        return False
    axes = np.array([[np.cos(box.yaw_rad), np.sin(box.yaw_rad)], [-np.sin(box.yaw_rad), np.cos(box.yaw_rad)]])
    grid_corners = np.array([low, (low[0], high[1]), high, (high[0], low[1])])
    reach = np.abs((grid_corners - box.center_m[:2]) @ axes.T)
    signed = (grid_corners - box.center_m[:2]) @ axes.T
    half = np.array(box.size_m[:2]) / 2
    apart = (reach >= half).all(0) & ((signed > 0).all(0) | (signed < 0).all(0))
    return not apart.any()


def world_SE3_camera_at(document: Document, entity: CameraEntity, time_s: float) -> np.ndarray:
    """Pose (4, 4) of any camera in the world at a time (s)."""
    if entity.mount == "ego":
        return ego_pose_at(document, time_s).matrix() @ entity.camera.ego_SE3_camera.matrix()
    return pose_at(entity.keyframes, time_s).matrix()


def _layout(document: Document, frame: int, time_s: float) -> Layout:
    paint = tuple(
        _paint.get((layer,))
        for layer in document.of(PaintLayer)
        if layer.tiles and (layer.span is None or layer.span[0] <= frame <= layer.span[1])
    )
    polygons, polylines = _polygons.get(tuple(document.of(Area))), _polylines.get(tuple(document.of(Line)))
    return Layout(polygons, polylines, tuple(boxes_at(document, time_s)), paint)


def _cameras(
    document: Document, names: Sequence[str] | None, times: np.ndarray, world_SE3_ego: np.ndarray
) -> tuple[tuple[Camera, ...], np.ndarray | None]:
    entities = list(document.of(CameraEntity))
    if names is None:
        chosen = [entity for entity in entities if entity.enabled]
    else:
        by_name = {entity.camera.name: entity for entity in entities}
        for name in names:
            if name not in by_name:
                near = get_close_matches(name, by_name, 3, 0.4) or list(by_name)[:6]
                raise EditError(
                    f"The scene has no camera '{name}': "
                    + (f"did you mean {' or '.join(near)}?" if near else "it has no cameras, add a rig first.")
                )
        chosen = [by_name[name] for name in names]
    if all(entity.mount == "ego" for entity in chosen):
        return tuple(entity.camera for entity in chosen), None
    poses = np.empty((len(times), len(chosen), 4, 4))
    for k, time in enumerate(times):
        ego_SE3_world = invert(world_SE3_ego[k])
        for n, entity in enumerate(chosen):
            mounted = entity.mount == "ego"
            poses[k, n] = entity.camera.ego_SE3_camera.matrix() if mounted else ego_SE3_world @ pose_at(entity.keyframes, time).matrix()
    placed = tuple(
        entity.camera if entity.mount == "ego" else replace(entity.camera, ego_SE3_camera=Pose.from_matrix(poses[0, n]))
        for n, entity in enumerate(chosen)
    )
    # A world camera beside an ego that stands still does not move either; the plain form says so.
    return placed, None if np.allclose(poses, poses[0], atol=1e-9) else poses


class _ByIdentity:
    """Remembers what was derived from the same entity objects: the rasteriser packs shapes once per object that it is shown."""

    def __init__(self, derive: Callable[[tuple[Any, ...]], Any], size: int) -> None:
        self._derive, self._size = derive, size
        self._known: OrderedDict[tuple[int, ...], tuple[tuple[Any, ...], Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, entities: tuple[Any, ...]) -> Any:
        key = tuple(map(id, entities))
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key][1]
        derived = self._derive(entities)
        with self._lock:
            # The entities are kept alive beside the result, so that no id in a key can come to mean another object.
            self._known[key] = entities, derived
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return derived


def _ring(points_m: Sequence[tuple[float, float]]) -> np.ndarray:
    return np.array(points_m, np.float64)


_polygons = _ByIdentity(
    lambda areas: tuple(Polygon(CHANNEL[a.channel], _ring(a.exterior_m), tuple(map(_ring, a.holes_m))) for a in areas), 16
)
_polylines = _ByIdentity(lambda lines: tuple(Polyline(CHANNEL[line.channel], _ring(line.points_m), line.width_m) for line in lines), 16)
_paint = _ByIdentity(lambda layers: Paint(CHANNEL[layers[0].channel], layers[0].erases, layers[0].tiles), 64)
_ground = _ByIdentity(lambda parts: Layout(parts[0], parts[1], (), tuple(parts[2:])), 64)
