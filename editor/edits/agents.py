"""Edits of agents and of tracks: those of agents, of the ego and of cameras on a path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from editor import check
from editor.document import Document, Edit, EditError
from editor.entities import Agent, CameraEntity, EgoPath, Keyframe
from editor.ground import height_at
from editor.ids import new_id, new_instance_id
from editor.track import SAME_MOMENT_S, facing_path, followers, pose_at
from engine.spec.classes import DEFAULT_SIZE_M
from engine.spec.geometry import Pose

Tracked = Agent | EgoPath | CameraEntity
UNCHANGED = object()
"""Stands for 'leave it', where None means 'from the start' or 'to the end'."""


def add_agent(
    class_name: str, x: float, y: float, yaw: float = 0.0, *, time_s: float = 0.0, size: Sequence[float] | None = None, name: str = ""
) -> Edit:
    """An agent that stands at (x, y) on the ground; waypoints set it moving."""
    check.agent_class(class_name)
    x, y, yaw = check.coordinate(x, "x"), check.coordinate(y, "y"), check.number(yaw, "The heading", -1e4, 1e4)
    time_s = check.number(time_s, "The time", -check.LONGEST_S, check.LONGEST_S)
    size_m = DEFAULT_SIZE_M[class_name] if size is None else check.size(size, "An agent's size")

    def edit(document: Document) -> Document:
        pose = Pose(x, y, height_at(document, x, y, time_s), yaw)
        agent = Agent(new_id(document, class_name), new_instance_id(document), class_name, size_m, (Keyframe(time_s, pose),), name=name)
        return check.put(document, agent)

    return edit


def set_agent(
    id: str,
    *,
    class_name: str | None = None,
    size: Sequence[float] | None = None,
    name: str | None = None,
    appears_s: object = UNCHANGED,
    disappears_s: object = UNCHANGED,
) -> Edit:
    """Replaces what is given. Another class brings its own size, unless a size is given or was set by hand, and keeps the look it can have."""
    if class_name is not None:
        check.agent_class(class_name)
    size_m = None if size is None else check.size(size, "An agent's size")

    def moment(value: object, old: float | None) -> float | None:
        return old if value is UNCHANGED else None if value is None else check.number(value, "A time of appearing or disappearing")

    def edit(document: Document) -> Document:
        agent = document.get(id, Agent)
        new_class = class_name or agent.class_name
        look = agent.look.fitting(new_class)
        by_class = class_name is not None and agent.size_m == DEFAULT_SIZE_M[agent.class_name]
        after = replace(
            agent,
            class_name=new_class,
            size_m=size_m or (DEFAULT_SIZE_M[new_class] if by_class else agent.size_m),
            name=agent.name if name is None else name,
            appears_s=moment(appears_s, agent.appears_s),
            disappears_s=moment(disappears_s, agent.disappears_s),
            colour=look.colour,
            model=look.model,
        )
        return document if after == agent else check.put(document, after)

    return edit


def set_look(id: str, *, colour: object = UNCHANGED, model: object = UNCHANGED) -> Edit:
    """Sets an agent's main colour (sRGB, #rrggbb) and its model (a name of its class in engine.spec.looks); None = from the seed.

    What a log saw in several pieces is one agent still: all pieces of the instance change.
    """
    given: dict[str, Any] = {key: value for key, value in (("colour", colour), ("model", model)) if value is not UNCHANGED}
    if isinstance(colour, str):
        given["colour"] = colour.lower()

    def edit(document: Document) -> Document:
        chosen = document.get(id, Agent)
        same = [a for a in document.of(Agent) if (a.instance_id, a.class_name) == (chosen.instance_id, chosen.class_name)]
        changed = [after for agent in same if (after := replace(agent, **given)) != agent]
        return check.put(document, *changed) if changed else document

    return edit


def add_waypoint(id: str, time_s: float, x: float, y: float, yaw: float | None = None) -> Edit:
    """Puts a keyframe at a time, in place of one that is there. Without `yaw` it looks along the path.

    Neighbours that looked along the path keep doing so. A pedestrian who stood still turns to the first waypoint.
    """
    time_s = check.number(time_s, "The time", -check.LONGEST_S, check.LONGEST_S)
    x, y = check.coordinate(x, "x"), check.coordinate(y, "y")
    heading = None if yaw is None else check.number(yaw, "The heading", -1e4, 1e4)

    def change(document: Document, owner: Tracked) -> tuple[Keyframe, ...]:
        old = owner.keyframes
        before = pose_at(old, time_s)
        pose = replace(_grounded(document, before, x, y, time_s), yaw_rad=before.yaw_rad if heading is None else heading)
        kept = [keyframe for keyframe in old if abs(keyframe.time_s - time_s) > SAME_MOMENT_S]
        track = tuple(sorted((*kept, Keyframe(time_s, pose)), key=lambda keyframe: keyframe.time_s))
        if isinstance(owner, CameraEntity):
            # A camera looks where it was turned to, not where it goes.
            return track
        turning = followers(old) if heading is None else followers(old) - {time_s}
        if heading is None:
            turning = turning | {time_s}
            if isinstance(owner, Agent) and owner.class_name == "pedestrian" and len(old) == 1:
                turning = turning | {old[0].time_s}
        return facing_path(track, turning)

    return _retrack(id, change)


def move_waypoint(id: str, index: int, x: float, y: float, *, yaw: float | None = None, time_s: float | None = None) -> Edit:
    """Moves a keyframe. Without `yaw`, keyframes that looked along the path keep doing so and others keep their heading."""
    x, y = check.coordinate(x, "x"), check.coordinate(y, "y")
    heading = None if yaw is None else check.number(yaw, "The heading", -1e4, 1e4)
    moment = None if time_s is None else check.number(time_s, "The time", -check.LONGEST_S, check.LONGEST_S)

    def change(document: Document, owner: Tracked) -> tuple[Keyframe, ...]:
        old = owner.keyframes
        keyframe = old[_index(id, index, old)]
        time = keyframe.time_s if moment is None else moment
        if any(other is not keyframe and abs(other.time_s - time) <= SAME_MOMENT_S for other in old):
            raise EditError(f"'{id}' already has a waypoint at {time:g} s: choose another time or move that one.")
        pose = _grounded(document, keyframe.pose, x, y, time)
        moved = Keyframe(time, pose if heading is None else replace(pose, yaw_rad=heading))
        track = tuple(sorted((moved if k is keyframe else k for k in old), key=lambda k: k.time_s))
        if isinstance(owner, CameraEntity):
            return track
        following = followers(old)
        turning = following - {keyframe.time_s}
        return facing_path(track, turning | {time} if keyframe.time_s in following and heading is None else turning)

    return _retrack(id, change)


def delete_waypoint(id: str, index: int) -> Edit:
    """Removes a keyframe; the last one cannot go."""

    def change(_: Document, owner: Tracked) -> tuple[Keyframe, ...]:
        old = owner.keyframes
        gone = _index(id, index, old)
        if len(old) == 1:
            raise EditError(
                f"'{id}' has only this waypoint left"
                + (": the ego has to be somewhere." if id == "ego" else ": delete the whole thing instead.")
            )
        track = old[:gone] + old[gone + 1 :]
        return track if isinstance(owner, CameraEntity) else facing_path(track, followers(old) - {old[gone].time_s})

    return _retrack(id, change)


def shift_track(id: str, forward_m: float = 0.0, left_m: float = 0.0) -> Edit:
    """Moves every keyframe by the same amount in its own frame: two metres ahead, one to the left."""
    forward = check.number(forward_m, "The shift forward", -1e5, 1e5)
    left = check.number(left_m, "The shift to the left", -1e5, 1e5)

    def change(_: Document, owner: Tracked) -> tuple[Keyframe, ...]:
        def shifted(pose: Pose) -> Pose:
            c, s = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
            return replace(pose, x_m=float(pose.x_m + forward * c - left * s), y_m=float(pose.y_m + forward * s + left * c))

        if isinstance(owner, CameraEntity):
            raise EditError(f"'{id}' is a camera, whose own frame looks along z: move it instead.")
        return tuple(replace(keyframe, pose=shifted(keyframe.pose)) for keyframe in owner.keyframes)

    if forward == 0 and left == 0:
        return lambda document: document
    return _retrack(id, change)


def set_track(id: str, keyframes: Sequence[Keyframe]) -> Edit:
    """Replaces a whole track, sorted by time; for scripts and importers."""
    track = tuple(sorted(keyframes, key=lambda keyframe: keyframe.time_s))
    return _retrack(id, lambda document, owner: track)


def tracked(document: Document, id: str) -> Tracked:
    """The agent, ego path or free camera of an id. Raises EditError for anything else."""
    if id == "ego":
        return document.ego
    entity = document.entities.get(id)
    if isinstance(entity, CameraEntity) and entity.mount == "ego":
        raise EditError(f"Camera '{entity.camera.name}' rides on the ego and has no path of its own: give it the mount 'path' first.")
    if not isinstance(entity, Agent | CameraEntity):
        found = "is not in this scene" if entity is None else f"is a {type(entity).__name__}"
        raise EditError(f"Waypoints belong to an agent, a free camera or the ego, and '{id}' {found}.")
    return entity


def with_track(document: Document, owner: Tracked, keyframes: tuple[Keyframe, ...]) -> Document:
    """The document in which `owner` follows `keyframes`."""
    match owner:
        case EgoPath():
            return replace(document, ego=check.entity(replace(owner, keyframes=keyframes)))
        case CameraEntity():
            return check.put(document, replace(owner, keyframes=keyframes, mount="path" if len(keyframes) > 1 else "world"))
        case _:
            return check.put(document, replace(owner, keyframes=keyframes))


def _retrack(id: str, change: Callable[[Document, Tracked], tuple[Keyframe, ...]]) -> Edit:
    def edit(document: Document) -> Document:
        owner = tracked(document, id)
        track = change(document, owner)
        return document if track == owner.keyframes else with_track(document, owner, track)

    return edit


def _grounded(document: Document, pose: Pose, x: float, y: float, time_s: float) -> Pose:
    """`pose` moved to (x, y), as high above the ground there as it was before."""
    rise = height_at(document, x, y, time_s) - height_at(document, pose.x_m, pose.y_m, time_s)
    return replace(pose, x_m=x, y_m=y, z_m=pose.z_m + rise)


def _index(id: str, index: int, keyframes: tuple[Keyframe, ...]) -> int:
    if not 0 <= index < len(keyframes):
        raise EditError(f"'{id}' has {len(keyframes)} waypoints, numbered from 0, so there is no {index}.")
    return index
