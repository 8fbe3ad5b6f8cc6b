"""The list of verbs: what each is called, where the page offers it, its keys, its arguments and the edit it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from editor import check, edits
from editor.arguments import (
    BRAKING,
    FLAG,
    METRES,
    NUMBER,
    OMIT,
    POINTS,
    POSE,
    RADIANS,
    RINGS,
    SECONDS,
    SECONDS_OR_NONE,
    SIZE,
    SPAN,
    SPEED,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    WHOLE,
    Arg,
    X,
    Y,
    choice,
    may,
    one,
    some,
)  # fmt: skip
from editor.document import Edit, EditError
from editor.edits.agents import UNCHANGED
from editor.rigs import rig_names
from editor.session import Session
from engine.spec.classes import AGENTS, CHANNELS, CLASSES, MAP_CHANNELS

GROUPS = ("Scene", "Edit", "Map", "Paint", "Agents", "Cameras", "Result")
"""Menus that commands of the document stand in; the page adds its own for tools, time and view."""


@dataclass(frozen=True, slots=True)
class Command:
    """One verb."""

    name: str
    title: str
    """What menus and palette call it."""
    group: str
    label: str
    """What undo shows; fields of the arguments in braces."""
    args: Mapping[str, Arg]
    edit: Callable[..., Edit] | None = None
    """Makes the edit from the arguments; None for a command that acts on the session."""
    act: Callable[..., None] | None = None
    keys: tuple[str, ...] = ()
    asks: bool = False
    """Whether the page asks for what may be left out before it runs this."""
    selects_added: bool = False
    merges: bool = False
    """Whether repeats within a second on the same thing and the same fields are one step (typing, sliders)."""
    of_take: bool = False
    """Whether it is for the take that is shown: of the scene as this step leaves it, the studio makes that take once more."""
    lacks: Callable[[Session], str | None] | None = None
    """The sentence that says what this needs and is not there, beyond its arguments."""


def _undo(session: Session) -> None:
    at_depth = session.undo_at_depth
    if session.undo() is None:
        raise EditError(
            f"Undo keeps {session.undo_limit} steps and all of them are taken back: open a saved file to go further back."
            if at_depth
            else "There is nothing to undo."
        )


def _redo(session: Session) -> None:
    if session.redo() is None:
        raise EditError("There is nothing to redo.")


def _select(session: Session, ids: tuple[str, ...]) -> None:
    session.select(ids)


def _shift_ego(forward_m: float, left_m: float) -> Edit:
    return edits.shift_track("ego", forward_m, left_m)


_CHANNEL = may(choice(*CHANNELS), OMIT)
_PAINT = {"channel": Arg(TEXT.read, "choice", choices=CHANNELS, fill="channel"), "erases": may(FLAG, False)}
_SHAPE = {"channel": Arg(TEXT.read, "choice", choices=MAP_CHANNELS, fill="channel")}
_MAP_CHANNEL = may(choice(*MAP_CHANNELS))
_TRACK = one("agent", "ego", "camera")

TABLE = (
    Command(
        "set_scene", "Scene settings", "Scene", "Change scene",
        {"name": may(TEXT), "prompt": may(TEXT), "duration_s": may(SECONDS), "grid": may(choice("occ3d", "nucraft"))},
        edits.set_scene, merges=True, asks=True,
    ),
    Command("mirror", "Mirror traffic, left-hand to right-hand and back", "Scene", "Mirror traffic", {}, edits.mirror),
    Command("undo", "Undo", "Edit", "Undo", {}, act=_undo, keys=("Ctrl+Z",), lacks=lambda s: None if s.can_undo else "There is nothing to undo."),
    Command(
        "redo", "Redo", "Edit", "Redo",
        {},
        act=_redo, keys=("Ctrl+Shift+Z", "Ctrl+Y"), lacks=lambda s: None if s.can_redo else "There is nothing to redo.",
    ),
    Command("select", "Select by id", "Edit", "Select", {"ids": may(some(), ())}, act=_select, asks=True),
    Command("move", "Move by metres", "Edit", "Move", {"ids": some(), "dx": METRES, "dy": METRES}, edits.move),
    Command("rotate", "Turn by an angle", "Edit", "Rotate", {"ids": some(), "angle": RADIANS, "x": may(METRES), "y": may(METRES)}, edits.rotate),
    Command(
        "delete", "Delete", "Edit", "Delete",
        {"ids": some("agent", "camera", "area", "line", "paint", "occupancy_edit")},
        edits.delete, keys=("Delete", "Backspace"),
    ),
    Command(
        "duplicate", "Duplicate", "Edit", "Duplicate",
        {"ids": some("agent", "camera", "area", "line", "paint", "occupancy_edit"), "dx": may(METRES, 0.0), "dy": may(METRES, 0.0)},
        edits.duplicate, keys=("Ctrl+D",), selects_added=True,
    ),
    Command(
        "add_area", "Area from points", "Map", "Add {channel}",
        {**_SHAPE, "exterior": POINTS, "holes": may(RINGS, ()), "name": may(TEXT)}, edits.add_area, selects_added=True
    ),
    Command(
        "add_line", "Line from points", "Map", "Add {channel}",
        {**_SHAPE, "points": POINTS, "width_m": may(METRES, 0.4), "name": may(TEXT)}, edits.add_line, selects_added=True
    ),
    Command(
        "set_area", "Change an area", "Map", "Change area",
        {"id": one("area"), "channel": _MAP_CHANNEL, "exterior": may(POINTS), "holes": may(RINGS), "name": may(TEXT)},
        edits.set_area, merges=True, asks=True,
    ),
    Command(
        "set_line", "Change a line", "Map", "Change line",
        {"id": one("line"), "channel": _MAP_CHANNEL, "points": may(POINTS), "width_m": may(METRES), "name": may(TEXT)},
        edits.set_line, merges=True, asks=True,
    ),
    Command(
        "add_road", "Road", "Map", "Add road",
        {"points": POINTS, "lanes": may(WHOLE, 2), "lane_width_m": may(METRES, 3.5)}, edits.add_road, selects_added=True,
    ),
    Command(
        "add_crosswalk", "Crosswalk across a road", "Map", "Add crosswalk",
        {"x": X, "y": Y, "width_m": may(METRES, 3.0)}, edits.add_crosswalk, selects_added=True,
    ),
    Command(
        "set_road", "Lanes of a road", "Map", "Lanes of {id}",
        {"id": one("area"), "lanes": may(WHOLE), "lane_width_m": may(METRES)}, edits.set_road, merges=True, asks=True,
    ),
    Command(
        "set_crosswalk", "Width and place of a crosswalk", "Map", "Change {id}",
        {"id": one("area"), "width_m": may(METRES), "at_m": may(METRES)}, edits.set_crosswalk, merges=True, asks=True,
    ),
    Command("add_walkways", "Walkways along all roads", "Map", "Walkways", {"width_m": may(METRES, 2.5)}, edits.add_walkways),
    Command("add_dividers", "Dividers of all roads", "Map", "Dividers", {"lane_width_m": may(METRES, 3.5)}, edits.add_dividers),
    Command("clip_to_road", "Clip to the road", "Map", "Clip to the road", {"ids": some("area")}, edits.clip_to_road),
    Command(
        "close_lane", "Close a lane with cones", "Map", "Close a lane",
        {
            "points": POINTS, "side": may(choice("right", "left"), "right"), "lane_width_m": may(METRES, 3.5), "spacing_m": may(METRES, 3.0),
            "taper_m": may(METRES, 15.0),
        },
        edits.close_lane, selects_added=True,
    ),
    Command(
        "set_closure", "Numbers of a closed lane", "Map", "Change the closed lane",
        {
            "id": one("agent"), "side": may(choice("right", "left")), "lane_width_m": may(METRES), "spacing_m": may(METRES), "taper_m": may(METRES),
        },
        edits.set_closure, merges=True, asks=True, selects_added=True,
    ),
    Command(
        "paint_stroke", "Brush along points", "Paint", "Brush {channel}",
        {**_PAINT, "radius_m": METRES, "points": POINTS, "span": SPAN}, edits.paint_stroke
    ),
    Command(
        "fill", "Fill from a place", "Paint", "Fill {channel}",
        {**_PAINT, "x": X, "y": Y, "span": SPAN, "frame": may(Arg(WHOLE.read, "whole", fill="frame"), 0)}, edits.fill, asks=True
    ),
    Command("paint_polygon", "Paint a polygon", "Paint", "Lasso {channel}", {**_PAINT, "points": POINTS, "span": SPAN}, edits.paint_polygon),
    Command(
        "add_agent", "Add an agent", "Agents", "Add {class_name}",
        {"class_name": choice(*AGENTS), "x": X, "y": Y, "yaw": may(RADIANS, 0.0), "time_s": may(TIME), "size": may(SIZE), "name": may(TEXT)},
        edits.add_agent, selects_added=True,
    ),
    Command(
        "set_agent", "Class, size, name and times of an agent", "Agents", "Change {id}",
        # None means something here: from the start, to the end.
        {
            "id": one("agent"), "class_name": may(choice(*AGENTS)), "size": may(SIZE), "name": may(TEXT),
            "appears_s": may(SECONDS_OR_NONE, UNCHANGED), "disappears_s": may(SECONDS_OR_NONE, UNCHANGED),
        },
        edits.set_agent, merges=True, asks=True,
    ),
    Command(
        "set_look", "Colour and model of an agent", "Agents", "Change look of {id}",
        # None means something here too: from the seed.
        {"id": one("agent"), "colour": may(TEXT_OR_NONE, UNCHANGED), "model": may(TEXT_OR_NONE, UNCHANGED)},
        edits.set_look, merges=True, asks=True,
    ),
    Command(
        "add_waypoint", "Add a waypoint", "Agents", "Add waypoint of {id}",
        {"id": _TRACK, "time_s": TIME, "x": X, "y": Y, "yaw": may(RADIANS)}, edits.add_waypoint, asks=True
    ),
    Command(
        "move_waypoint", "Move a waypoint", "Agents", "Move waypoint of {id}",
        {"id": _TRACK, "index": WHOLE, "x": X, "y": Y, "yaw": may(RADIANS), "time_s": may(SECONDS)}, edits.move_waypoint, asks=True,
    ),
    Command("delete_waypoint", "Delete a waypoint", "Agents", "Delete waypoint of {id}", {"id": _TRACK, "index": WHOLE}, edits.delete_waypoint),
    Command(
        "shift_track", "Shift a track in its own frame", "Agents", "Shift {id}",
        {"id": one("agent", "ego"), "forward_m": may(METRES, 0.0), "left_m": may(METRES, 0.0)}, edits.shift_track, asks=True,
    ),
    Command(
        "array", "Array by a step", "Agents", "Array of {id}",
        {"id": one("agent"), "count": WHOLE, "dx": may(METRES, 0.0), "dy": may(METRES, 0.0), "delay_s": may(SECONDS, 0.0)},
        edits.array, selects_added=True, asks=True,
    ),
    Command(
        "array_along", "Array along the way", "Agents", "Array of {id}",
        {"id": one("agent"), "count": may(WHOLE, 5), "spacing_m": may(METRES, 3.0), "jitter_s": may(SECONDS, 0.0)},
        edits.array_along, selects_added=True, asks=True,
    ),
    Command("set_speed", "Speed of a track", "Agents", "Speed of {id}", {"id": _TRACK, "speed_m_s": SPEED, "index": may(WHOLE)}, edits.set_speed),
    Command("meet", "Meet the ego", "Agents", "{id} meets the ego", {"id": one("agent"), "gap_s": may(SECONDS, 1.0)}, edits.meet, asks=True),
    Command(
        "reach_ttc", "Least time to collision", "Agents", "Time to collision of {id}",
        {"id": one("agent"), "min_ttc_s": may(SECONDS, 1.5), "brake_m_s2": may(BRAKING)}, edits.reach_ttc, asks=True,
    ),
    Command(
        "brake_within", "Brake no harder than a limit", "Agents", "{id} brakes within a limit",
        {"id": _TRACK, "limit_m_s2": may(BRAKING, 8.0)}, edits.brake_within, asks=True,
    ),
    Command(
        "follow_lane", "Follow the lane", "Agents", "{id} follows the lane",
        {"id": one("agent", "ego"), "distance_m": may(METRES, 40.0), "speed_m_s": may(SPEED, 8.0)}, edits.follow_lane, asks=True,
    ),
    Command(
        "add_camera", "Add a camera", "Cameras", "Add camera",
        {
            "name": may(TEXT), "mount": may(choice("ego", "world", "path"), "ego"), "pose": POSE, "width": WHOLE, "height": WHOLE,
            "fx": may(NUMBER), "fov_deg": may(Arg(NUMBER.read, "number", unit="°")),
        },
        edits.add_camera, selects_added=True,
    ),
    Command(
        "set_camera", "Change a camera", "Cameras", "Change camera",
        {
            "id": one("camera"), "pose": may(POSE), "mount": may(choice("ego", "world", "path")), "enabled": may(FLAG),
            "fov_deg": may(Arg(NUMBER.read, "number", unit="°")), "width": may(WHOLE), "height": may(WHOLE), "name": may(TEXT),
        },
        edits.set_camera, merges=True, asks=True,
    ),
    Command("use_rig", "Use a rig", "Cameras", "Use rig {name}", {"name": choice(*rig_names())}, lambda name: edits.use_rig(name)),
    Command(
        "insert_cameras", "Insert cameras between neighbours", "Cameras", "Insert cameras between",
        {"ids": may(some("camera"))},
        edits.insert_between,
    ),
    Command(
        "add_occupancy_edit", "Edit voxels by hand", "Result", "Edit occupancy",
        {
            "kind": choice(*check.EDIT_KINDS), "class_name": may(choice(*CLASSES)), "instance_id": may(WHOLE), "pose": may(POSE), "size": may(SIZE),
            "span": SPAN, "follows": may(TEXT), "time_s": may(TIME, 0.0),
        },
        edits.add_occupancy_edit, selects_added=True,
    ),
    Command(
        "novel_path", "Novel trajectory: the take once more, along another path of the ego", "Result", "Drive {left_m:+g} m left, {forward_m:+g} m ahead",
        {"left_m": may(METRES, 1.0), "forward_m": may(METRES, 0.0)}, _shift_ego, asks=True, of_take=True,
    ),
    Command(
        "remove_class", "Remove a class from the result", "Result", "Remove {class_name}",
        {"class_name": choice(*CLASSES), "span": SPAN}, edits.remove_class,
    ),
    Command(
        "stroke_voxels", "Brush voxels along points", "Result", "Brush voxels",
        {
            "points": POINTS, "radius_m": may(METRES, 1.0), "class_name": may(choice(*CLASSES), ""), "bottom_m": may(METRES, 0.2), "top_m": may(METRES, 4.0),
            "span": SPAN, "follows": may(TEXT, ""), "time_s": may(TIME, 0.0),
        },
        edits.stroke_voxels, selects_added=True,
    ),
    Command(
        "fill_agent", "Fill the agent's box in the result", "Result", "Fill {id}",
        {"id": one("agent"), "span": SPAN}, edits.fill_agent, selects_added=True,
    ),
    Command("remove_vehicles", "Remove all vehicles from the result", "Result", "Remove all vehicles", {"span": SPAN}, edits.remove_vehicles),
)  # fmt: skip
