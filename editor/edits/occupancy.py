"""Edits of generated occupancy: kept in the document in their order and replayed on top of every generation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from editor import check
from editor.document import Document, Edit, EditError
from editor.entities import Agent, OccupancyEdit, Point
from editor.files.jsonform import pose_from_json
from editor.ground import height_at
from editor.ids import new_id
from editor.track import pose_at
from engine.spec.geometry import Pose, invert

VEHICLES = ("bicycle", "bus", "car", "construction_vehicle", "motorcycle", "trailer", "truck")
STROKE_TOLERANCE_M = 0.1
"""A stroke of voxels is laid out in straight boxes that leave it by no more than this."""


def remove_vehicles(span: tuple[int, int] | None = None) -> Edit:
    """All vehicles out of the generated occupancy, one edit per class; the layout keeps its agents."""
    frames = check.span(span)

    def edit(document: Document) -> Document:
        for name in VEHICLES:
            document = check.put(document, OccupancyEdit(new_id(document, "edit"), "remove_class", frames, name))
        return document

    return edit


def remove_class(class_name: str, span: tuple[int, int] | None = None) -> Edit:
    """Everything of a class out of the generated occupancy, with the ground closed under what stood on it."""
    return add_occupancy_edit("remove_class", class_name=class_name, span=span)


def add_occupancy_edit(
    kind: str,
    *,
    class_name: str = "",
    instance_id: int = 0,
    pose: Sequence[float] | Pose | None = None,
    size: Sequence[float] | None = None,
    span: tuple[int, int] | None = None,
    follows: str = "",
    time_s: float = 0.0,
) -> Edit:
    """One edit after all others. `pose` is the world pose of the box's centre and `size` its length, width and height, for the box kinds.

    With `follows`, the id of an agent, a box goes with that agent: `pose` is where it is at `time_s`.
    """
    check.one_of(kind, "The kind of an occupancy edit", check.EDIT_KINDS)
    frames = check.span(span)
    place = Pose() if pose is None else pose if isinstance(pose, Pose) else pose_from_json(pose, "The box's pose")
    extent = (0.0, 0.0, 0.0) if size is None else check.size(size, "The box's size")
    instance = check.whole(instance_id, "The instance id", 0, check.LARGEST_INSTANCE)
    moment = check.number(time_s, "The time", -check.LONGEST_S, check.LONGEST_S)

    def edit(document: Document) -> Document:
        box, leader = _followed(document, place, follows, moment)
        return check.put(document, OccupancyEdit(new_id(document, "edit"), kind, frames, class_name, instance, box, extent, leader))  # type: ignore[arg-type]

    return edit


def stroke_voxels(
    points: Sequence[Point],
    radius_m: float = 1.0,
    class_name: str = "",
    *,
    bottom_m: float = 0.2,
    top_m: float = 4.0,
    span: tuple[int, int] | None = None,
    follows: str = "",
    time_s: float = 0.0,
) -> Edit:
    """A brush over voxels: along the points (world metres), from `bottom_m` to `top_m` above the ground; without a class it erases."""
    path = check.points(points, "A stroke", 1)
    radius = check.number(radius_m, "The brush's radius", 0.1, 50.0)
    low, high = check.number(bottom_m, "The bottom", -10.0, 50.0), check.number(top_m, "The top", -10.0, 50.0)
    if high - low < 0.05:
        raise EditError(f"Voxels from {low:g} m to {high:g} m above the ground are none: give a top above the bottom.")
    if class_name:
        check.one_of(class_name, "The class of an occupancy edit", check.CLASSES)
    line = shapely.LineString(path).simplify(STROKE_TOLERANCE_M) if len(set(path)) > 1 else None
    places = np.array(line.coords if line is not None else [path[0], path[0]])

    def edit(document: Document) -> Document:
        for a, b in zip(places, places[1:], strict=False):
            (x, y), far = (a + b) / 2, float(np.hypot(*(b - a)))
            yaw = float(np.arctan2(*(b - a)[::-1])) if far else 0.0
            pose = Pose(float(x), float(y), height_at(document, float(x), float(y), time_s) + (low + high) / 2, yaw)
            size = (far + 2 * radius, 2 * radius, high - low)
            kind = "fill_box" if class_name else "clear_box"
            document = add_occupancy_edit(kind, class_name=class_name, pose=pose, size=size, span=span, follows=follows, time_s=time_s)(document)
        return document

    return edit


def fill_agent(id: str, span: tuple[int, int] | None = None) -> Edit:
    """Fills an agent's own box with its class wherever it goes: for one that the result lacks."""
    frames = check.span(span)

    def edit(document: Document) -> Document:
        agent = document.get(id, Agent)
        box = Pose(0.0, 0.0, agent.size_m[2] / 2)
        made = OccupancyEdit(new_id(document, "edit"), "fill_box", frames, agent.class_name, agent.instance_id, box, agent.size_m, agent.instance_id)
        return check.put(document, made)

    return edit


def _followed(document: Document, place: Pose, follows: str, time_s: float) -> tuple[Pose, int]:
    """A box's pose in the frame of the agent that it follows, and that one's instance id; the world's and 0 where it follows nobody."""
    if not follows:
        return place, 0
    agent = document.get(follows, Agent)
    return Pose.from_matrix(invert(pose_at(agent.keyframes, time_s).matrix()) @ place.matrix()), agent.instance_id
