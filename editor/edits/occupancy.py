"""Edits of generated occupancy: kept in the document in their order and replayed on top of every generation."""

from __future__ import annotations

from collections.abc import Sequence

from editor import check
from editor.document import Document, Edit
from editor.entities import OccupancyEdit
from editor.files.jsonform import pose_from_json
from editor.ids import new_id
from engine.spec.geometry import Pose

VEHICLES = ("bicycle", "bus", "car", "construction_vehicle", "motorcycle", "trailer", "truck")


def remove_vehicles(span: tuple[int, int] | None = None) -> Edit:
    """All vehicles out of the generated occupancy, one edit per class; the layout keeps its agents."""
    frames = check.span(span)

    def edit(document: Document) -> Document:
        for name in VEHICLES:
            document = check.put(document, OccupancyEdit(new_id(document, "edit"), "remove_class", frames, name))
        return document

    return edit


def add_occupancy_edit(
    kind: str,
    *,
    class_name: str = "",
    instance_id: int = 0,
    pose: Sequence[float] | Pose | None = None,
    size: Sequence[float] | None = None,
    span: tuple[int, int] | None = None,
) -> Edit:
    """One edit after all others. `pose` is the world pose of the box's centre and `size` its length, width and height, for the box kinds."""
    check.one_of(kind, "The kind of an occupancy edit", check.EDIT_KINDS)
    frames = check.span(span)
    place = Pose() if pose is None else pose if isinstance(pose, Pose) else pose_from_json(pose, "The box's pose")
    extent = (0.0, 0.0, 0.0) if size is None else check.size(size, "The box's size")
    instance = check.whole(instance_id, "The instance id", 0, check.LARGEST_INSTANCE)

    def edit(document: Document) -> Document:
        return check.put(document, OccupancyEdit(new_id(document, "edit"), kind, frames, class_name, instance, place, extent))  # type: ignore[arg-type]

    return edit
