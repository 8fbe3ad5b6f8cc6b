"""Edits that move, turn, copy, mirror or delete whatever is selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from editor import check, tiles
from editor.document import Document, Edit, EditError, Ground
from editor.entities import Agent, Area, CameraEntity, EgoPath, Entity, Keyframe, Line, OccupancyEdit, PaintLayer, Point
from editor.ids import new_id, new_instance_id
from engine.spec.geometry import Pose, wrap_angle
from engine.spec.layout import PAINT_CELL_M, PAINT_TILE


def move(ids: Sequence[str], dx: float, dy: float) -> Edit:
    """Moves things by world metres; paint moves by whole cells. Cameras that ride on the ego stay: they move with it."""
    dx, dy = check.coordinate(dx, "dx"), check.coordinate(dy, "dy")
    if dx == 0 and dy == 0:
        return lambda document: document
    return _each(ids, "move", lambda entity: _placed(entity, lambda x, y: (x + dx, y + dy), 0.0, _moved_cells(dx, dy)))


def rotate(ids: Sequence[str], angle: float, x: float | None = None, y: float | None = None) -> Edit:
    """Turns things by an angle (rad) about (x, y), or each about its own centre (a track about its start)."""
    angle = check.number(angle, "The angle", -1e4, 1e4)
    if (x is None) != (y is None):
        raise EditError("A turn needs both x and y of its centre, or neither.")
    about = None if x is None else (check.coordinate(x, "x"), check.coordinate(y, "y"))
    if angle == 0:
        return lambda document: document

    def turned(entity: Entity) -> Entity:
        cx, cy = about or center(entity)
        c, s = float(np.cos(angle)), float(np.sin(angle))
        point = lambda px, py: (cx + c * (px - cx) - s * (py - cy), cy + s * (px - cx) + c * (py - cy))  # noqa: E731
        return _placed(entity, point, angle, lambda cells: tiles.rotated(cells, angle, cx, cy))

    return _each(ids, "rotate", turned)


def delete(ids: Sequence[str]) -> Edit:
    """Removes things. The ego cannot go: every scene is seen from it."""
    names = _names(ids)
    if "ego" in names:
        raise EditError("The ego cannot be deleted, because every frame is seen from it: move it instead.")

    def edit(document: Document) -> Document:
        for name in names:
            _entity(document, name)
        return document.with_entities(removed=names) if names else document

    return edit


def duplicate(ids: Sequence[str], dx: float = 0.0, dy: float = 0.0) -> Edit:
    """Copies things with new ids, instance ids and camera names, moved by world metres, after all others."""
    dx, dy = check.coordinate(dx, "dx"), check.coordinate(dy, "dy")
    names = _names(ids)
    if "ego" in names:
        raise EditError("The ego cannot be duplicated: a scene has one ego. Duplicate an agent instead.")

    def edit(document: Document) -> Document:
        for name in names:
            copy = copied(document, _entity(document, name))
            if not (isinstance(copy, CameraEntity) and copy.mount == "ego"):
                copy = _placed(copy, lambda x, y: (x + dx, y + dy), 0.0, _moved_cells(dx, dy))
            document = check.put(document, copy)
        return document

    return edit


def array(id: str, count: int, dx: float = 0.0, dy: float = 0.0, delay_s: float = 0.0) -> Edit:
    """`count` further copies of an agent, each a step of (dx, dy) and a delay behind the one before: a queue, a row of cones."""
    count = check.whole(count, "The number of copies", 1, 500)
    dx, dy = check.coordinate(dx, "dx"), check.coordinate(dy, "dy")
    delay = check.number(delay_s, "The delay", -check.LONGEST_S, check.LONGEST_S)

    def edit(document: Document) -> Document:
        first = document.get(id, Agent)
        for k in range(1, count + 1):
            copy = copied(document, first)
            shift = lambda x, y, k=k: (x + k * dx, y + k * dy)  # noqa: E731
            moved = _placed(copy, shift, 0.0, lambda cells: cells)
            assert isinstance(moved, Agent)
            document = check.put(
                document, replace(moved, keyframes=tuple(replace(f, time_s=f.time_s + k * delay) for f in moved.keyframes))
            )
        return document

    return edit


def mirror() -> Edit:
    """Swaps left-hand and right-hand traffic: y becomes -y for map, paint, agents, ego and headings; cameras on the ego keep their places.

    Mirroring twice gives the very same numbers (headings of free cameras up to rounding).
    """

    def flipped(pose: Pose) -> Pose:
        return replace(pose, y_m=-pose.y_m, yaw_rad=-pose.yaw_rad, roll_rad=-pose.roll_rad)

    def track(keyframes: tuple[Keyframe, ...]) -> tuple[Keyframe, ...]:
        return tuple(replace(keyframe, pose=flipped(keyframe.pose)) for keyframe in keyframes)

    def ring(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple((x, -y) for x, y in points)

    def change(entity: Entity) -> Entity:
        match entity:
            case Area():
                return replace(entity, exterior_m=ring(entity.exterior_m), holes_m=tuple(map(ring, entity.holes_m)))
            case Line():
                return replace(entity, points_m=ring(entity.points_m))
            case Agent() if entity.closure is not None:
                lane = replace(entity.closure, side="left" if entity.closure.side == "right" else "right")
                return replace(entity, keyframes=track(entity.keyframes), closure=lane)
            case Agent() | EgoPath():
                return replace(entity, keyframes=track(entity.keyframes))
            case CameraEntity():
                return (
                    entity
                    if entity.mount == "ego"
                    else replace(entity, keyframes=tuple(replace(k, pose=_mirrored_camera(k.pose)) for k in entity.keyframes))
                )
            case PaintLayer():
                return replace(entity, tiles=tiles.mirrored(entity.tiles))
            case OccupancyEdit():
                return replace(entity, box_pose=flipped(entity.box_pose))

    def edit(document: Document) -> Document:
        mirrored = check.put(document, *(change(entity) for entity in document.entities.values()))
        return replace(mirrored, ego=change(document.ego), ground=None if document.ground is None else _mirrored_ground(document.ground))

    return edit


def _mirrored_ground(ground: Ground) -> Ground:
    """Heights of y at -y. The origin is kept to a micrometre, so that twice is the same again."""
    x, y = ground.origin_m
    last = y + (ground.height_m.shape[1] - 1) * ground.cell_m
    heights = np.ascontiguousarray(ground.height_m[:, ::-1])
    heights.setflags(write=False)
    return replace(ground, origin_m=(x, 0.0 - round(last, 6)), height_m=heights)


def center(entity: Entity) -> Point:
    """Where a thing turns about: the middle of its extent, the start of its track, or its box's centre."""
    match entity:
        case Area():
            return _middle(np.array(entity.exterior_m))
        case Line():
            return _middle(np.array(entity.points_m))
        case PaintLayer() if entity.tiles:
            mask, i0, j0 = tiles.to_mask(entity.tiles)
            cells = np.argwhere(mask) + np.array([i0, j0]) * PAINT_TILE
            return _middle(np.concatenate([cells, cells + 1]) * PAINT_CELL_M)
        case OccupancyEdit():
            return entity.box_pose.x_m, entity.box_pose.y_m
        case Agent() | EgoPath() | CameraEntity() if entity.keyframes:
            return entity.keyframes[0].pose.x_m, entity.keyframes[0].pose.y_m
        case _:
            return 0.0, 0.0


def _each(ids: Sequence[str], verb: str, change: Callable[[Entity], Entity]) -> Edit:
    names = _names(ids)

    def edit(document: Document) -> Document:
        things = [document.ego if name == "ego" else _entity(document, name) for name in names]
        free = [thing for thing in things if not (isinstance(thing, CameraEntity) and thing.mount == "ego")]
        if things and not free:
            raise EditError(f"A camera on the ego does not {verb} on the map: set its pose, or give it the mount 'world'.")
        changed = [change(thing) for thing in free]
        for entity in changed:
            if isinstance(entity, EgoPath):
                document = replace(document, ego=check.entity(entity))
        others = [entity for entity in changed if not isinstance(entity, EgoPath)]
        return check.put(document, *others) if others else document

    return edit


def _placed(entity: Entity, point: Callable[[float, float], Point], turn: float, cells: Callable[[tiles.Tiles], tiles.Tiles]) -> Entity:
    def pose(old: Pose) -> Pose:
        x, y = point(old.x_m, old.y_m)
        return replace(old, x_m=x, y_m=y, yaw_rad=wrap_angle(old.yaw_rad + turn) if turn else old.yaw_rad)

    def ring(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(point(x, y) for x, y in points)

    match entity:
        case Area():
            return replace(entity, exterior_m=ring(entity.exterior_m), holes_m=tuple(map(ring, entity.holes_m)))
        case Line():
            return replace(entity, points_m=ring(entity.points_m))
        case PaintLayer():
            return replace(entity, tiles=cells(entity.tiles))
        case OccupancyEdit():
            return replace(entity, box_pose=pose(entity.box_pose))
        case _:
            return replace(entity, keyframes=tuple(replace(keyframe, pose=pose(keyframe.pose)) for keyframe in entity.keyframes))


def copied(document: Document, entity: Entity) -> Entity:
    copy = replace(entity, id=new_id(document, _prefix(entity.id)))
    if isinstance(copy, Agent):
        # A copy of a cone is no cone of the closed lane: it stands where it was put.
        return replace(copy, instance_id=new_instance_id(document), closure=None)
    if isinstance(copy, CameraEntity):
        return replace(copy, camera=replace(copy.camera, name=free_camera_name(document, copy.camera.name)))
    return copy


def free_camera_name(document: Document, name: str) -> str:
    """`name`, or `name_2`, `name_3`, ... where it is taken."""
    taken = {camera.camera.name for camera in document.of(CameraEntity)}
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _mirrored_camera(pose: Pose) -> Pose:
    """The camera's place seen in the mirror y -> -y, with its own x turned back: the place is mirrored, the picture is not.

    diag(1, -1, 1) Rz(yaw) Ry(pitch) Rx(roll) diag(-1, 1, 1) = Rz(pi - yaw) Ry(-pitch) Rx(roll).
    """
    return replace(pose, y_m=-pose.y_m, yaw_rad=wrap_angle(np.pi - pose.yaw_rad), pitch_rad=-pose.pitch_rad)


def _moved_cells(dx: float, dy: float) -> Callable[[tiles.Tiles], tiles.Tiles]:
    return lambda cells: tiles.shifted(cells, round(dx / PAINT_CELL_M), round(dy / PAINT_CELL_M))


def _middle(points: np.ndarray) -> Point:
    x, y = (points.min(0) + points.max(0)) / 2
    return float(x), float(y)


def _prefix(name: str) -> str:
    head, dash, tail = name.rpartition("-")
    return head if dash and head and tail.isdigit() else name


def _names(ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check.identifier(name) for name in check.items(ids, "The ids")))


def _entity(document: Document, name: str) -> Entity:
    entity = document.entities.get(name)
    if entity is None:
        raise EditError(f"There is nothing with the id '{name}' in this scene.")
    return entity
