"""Every change of a scene, as functions that return `Document -> Document`. Pure: same document in, equal document out."""

from functools import reduce

from editor.document import Document, Edit
from editor.edits.agents import add_agent, add_waypoint, delete_waypoint, move_waypoint, set_agent, set_look, set_track, shift_track
from editor.edits.braking import brake_within
from editor.edits.cameras import add_camera, insert_between, set_camera, use_rig
from editor.edits.closures import close_lane, set_closure
from editor.edits.motion import array_along, follow_lane, meet, reach_ttc, set_speed
from editor.edits.occupancy import add_occupancy_edit, fill_agent, remove_class, remove_vehicles, stroke_voxels
from editor.edits.paint import fill, paint_polygon, paint_stroke
from editor.edits.roads import add_crosswalk, add_dividers, add_road, add_walkways, clip_to_road
from editor.edits.scene import replace_scene, set_ground, set_scene
from editor.edits.shapes import add_area, add_line, set_area, set_line
from editor.edits.stamps import set_crosswalk, set_road
from editor.edits.transform import array, delete, duplicate, mirror, move, rotate


def compose(*edits: Edit) -> Edit:
    """The edits one after the other, as one."""

    def edit(document: Document) -> Document:
        return reduce(lambda scene, step: step(scene), edits, document)

    return edit


__all__ = [
    "Edit",
    "add_agent",
    "add_area",
    "add_camera",
    "add_crosswalk",
    "add_dividers",
    "add_line",
    "add_occupancy_edit",
    "add_road",
    "add_walkways",
    "add_waypoint",
    "array",
    "array_along",
    "brake_within",
    "clip_to_road",
    "close_lane",
    "compose",
    "delete",
    "delete_waypoint",
    "duplicate",
    "fill",
    "fill_agent",
    "follow_lane",
    "insert_between",
    "meet",
    "mirror",
    "move",
    "move_waypoint",
    "paint_polygon",
    "paint_stroke",
    "reach_ttc",
    "remove_class",
    "remove_vehicles",
    "replace_scene",
    "rotate",
    "set_agent",
    "set_area",
    "set_camera",
    "set_closure",
    "set_crosswalk",
    "set_ground",
    "set_line",
    "set_look",
    "set_road",
    "set_scene",
    "set_speed",
    "set_track",
    "shift_track",
    "stroke_voxels",
    "use_rig",
]
