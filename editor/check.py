"""What must hold for every entity, stated once: edits and file readers both ask here. All raise EditError, one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from pathlib import PurePosixPath

import numpy as np

from editor.document import Document, EditError, Ground
from editor.entities import (
    Agent,
    Area,
    CameraEntity,
    ConeOf,
    EgoPath,
    Entity,
    Keyframe,
    Line,
    OccupancyEdit,
    PaintLayer,
    Point,
    SourcePictures,
)
from engine.spec.camera import Camera
from engine.spec.classes import AGENTS, CHANNELS, CLASSES, MAP_CHANNELS
from engine.spec.geometry import Pose
from engine.spec.grid import GRIDS
from engine.spec.layout import PAINT_TILE
from engine.spec.looks import COLOURED, MODELS, AgentLook, is_colour
from engine.spec.words import plural

FARTHEST_M = 1e7
"""Large enough for any projected map (UTM northings), small enough that 0.2 m cells stay exact."""
LONGEST_S = 3600.0
LARGEST_INSTANCE = 65535
"""Occupancy stores instances as uint16."""
LARGEST_PICTURE = 8192
SOURCES = ("drawn", "imported", "derived")
EDIT_KINDS = ("remove_instance", "remove_class", "fill_box", "clear_box")
MOUNTS = ("ego", "world", "path")
PLACED = (Area, Line, Agent, CameraEntity, PaintLayer, OccupancyEdit)
"""What a scene's entities can be."""


def number(value: object, what: str, low: float = -math.inf, high: float = math.inf) -> float:
    """`value` as a finite float within [low, high]."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise EditError(f"{what} must be a number, not {_shown(value)}.")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise EditError(f"{what} must be a finite number, not {_shown(value)}.")
    if not low <= result <= high:
        raise EditError(f"{what} is {result:g}, which is outside {low:g} to {high:g}.")
    return result


def whole(value: object, what: str, low: int, high: int) -> int:
    """`value` as an int within [low, high]; 3.0 counts as 3."""
    result = number(value, what, low, high)
    if result != int(result):
        raise EditError(f"{what} must be a whole number, not {result:g}.")
    return int(result)


def one_of(value: object, what: str, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise EditError(f"{what} must be one of {', '.join(choices)}; it was {_shown(value)}.")
    return value


def text(value: object, what: str, longest: int = 10_000) -> str:
    if not isinstance(value, str):
        raise EditError(f"{what} must be text, not {_shown(value)}.")
    if len(value) > longest:
        raise EditError(f"{what} has {len(value)} characters, and at most {longest} fit.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise EditError(f"{what} holds half of a character pair, which no file can store: type it again.") from None
    return value


def coordinate(value: object, what: str) -> float:
    return number(value, what, -FARTHEST_M, FARTHEST_M)


def points(value: object, what: str, fewest: int) -> tuple[Point, ...]:
    """`value` as (x, y) pairs of finite metres."""
    rows = items(value, what)
    if len(rows) < fewest:
        raise EditError(f"{what} needs at least {fewest} point{'s' if fewest > 1 else ''}, and {len(rows)} came.")
    result = []
    for row in rows:
        pair = items(row, f"Each point of {what.lower()}")
        if len(pair) != 2:
            raise EditError(f"Each point of {what.lower()} must be [x, y], not {_shown(row)}.")
        result.append((coordinate(pair[0], f"x in {what.lower()}"), coordinate(pair[1], f"y in {what.lower()}")))
    return tuple(result)


def items(value: object, what: str, count: int | None = None) -> list[object]:
    """`value` as a list: JSON arrays, tuples and numpy arrays, never a string."""
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Iterable):
        raise EditError(f"{what} must be a list, not {_shown(value)}.")
    result = list(value)
    if count is not None and len(result) != count:
        raise EditError(f"{what} must hold {count} values, and {len(result)} came.")
    return result


def size(value: object, what: str, low: float = 0.05) -> tuple[float, float, float]:
    """`value` as length, width, height in metres."""
    length, width, height = (number(v, what, low, 1000.0) for v in items(value, what, 3))
    return length, width, height


def span(value: object) -> tuple[int, int] | None:
    """`value` as first and last frame (inclusive), or None for the whole scene."""
    if value is None:
        return None
    first, last = (whole(v, "A frame of the span", 0, 10**6) for v in items(value, "The span of frames", 2))
    if last < first:
        raise EditError(f"The span of frames ends at {last} before it starts at {first}: swap the two.")
    return first, last


def duration(value: object) -> float:
    return number(value, "The scene's duration in seconds", 1 / 12, LONGEST_S)


def channel(value: object) -> str:
    return one_of(value, "The channel", CHANNELS)


def map_channel(value: object) -> str:
    return one_of(value, "The channel of a shape", MAP_CHANNELS)


def agent_class(value: object) -> str:
    return one_of(value, "The agent's class", AGENTS)


def closure(value: ConeOf) -> None:
    """Refuses numbers that no closed lane has."""
    whole(value.number, "The number of a closed lane", 0, 10**6)
    one_of(value.side, "The side", ("left", "right"))
    number(value.length_m, "The length of a closed lane", 0.0, 1e5)
    number(value.lane_width_m, "A lane's width", 1.0, 10.0)
    number(value.spacing_m, "The spacing", 0.5, 50.0)
    number(value.taper_m, "The taper", 0.0, 200.0)
    number(value.station_m, "A cone's place along a closed lane", 0.0, 1e5)


def look(class_name: str, value: AgentLook) -> None:
    """Whether an agent of a class can look like that."""
    spoken, models = class_name.replace("_", " "), MODELS[class_name]
    if value.colour is not None:
        if not is_colour(value.colour):
            raise EditError(f"An agent's colour must be written as #rrggbb, like #c0392b; it was {_shown(value.colour)}.")
        if class_name not in COLOURED:
            raise EditError(f"The colours of a {spoken} belong to its model: choose one of {', '.join(models)} instead of a colour.")
    if value.model is not None:
        one_of(value.model, f"The model of a {spoken}", models)


def identifier(value: object) -> str:
    """An id: short printable text, because it goes into file members, URLs and messages."""
    result = text(value, "An id", 200)
    if not result or not result.isprintable():
        raise EditError(f"An id must be printable and not empty; it was {_shown(value)}.")
    return result


def pose(value: Pose, what: str) -> Pose:
    if not isinstance(value, Pose):
        raise EditError(f"{what} must have a Pose, not {_shown(value)}.")
    for part, angle in zip((value.x_m, value.y_m, value.z_m, value.yaw_rad, value.pitch_rad, value.roll_rad), "pppaaa", strict=True):
        number(part, f"{what}'s {'position' if angle == 'p' else 'angle'}", *((-FARTHEST_M, FARTHEST_M) if angle == "p" else (-1e4, 1e4)))
    return value


def keyframes(value: tuple[Keyframe, ...], what: str, fewest: int = 1) -> None:
    if not isinstance(value, tuple) or not all(isinstance(each, Keyframe) for each in value):
        raise EditError(f"{what} must have a tuple of Keyframe, not {_shown(value)}.")
    for each in value:
        number(each.time_s, f"{what}'s keyframe time", -LONGEST_S, LONGEST_S)
    if len(value) < fewest:
        raise EditError(f"{what} has {plural(len(value), 'keyframe')} and needs at least {fewest}.")
    for before, after in zip(value, value[1:], strict=False):
        if not before.time_s < after.time_s:
            raise EditError(f"{what} has keyframes at {before.time_s:g} s and then at {after.time_s:g} s: their times must rise.")
    for keyframe in value:
        pose(keyframe.pose, what)


def camera(value: Camera) -> None:
    if not isinstance(value, Camera):
        raise EditError(f"A camera must be a Camera, not {_shown(value)}.")
    what = f"Camera '{value.name}'"
    text(value.name, "A camera's name", 100)
    if not value.name or "/" in value.name or "\\" in value.name or value.name.startswith(".") or not value.name.isprintable():
        raise EditError(f"{what} needs another name: takes keep a folder per camera, so no slashes, no leading dot, not empty.")
    whole(value.width, f"{what}'s width", 1, LARGEST_PICTURE)
    whole(value.height, f"{what}'s height", 1, LARGEST_PICTURE)
    number(value.fx, f"{what}'s fx", 1e-3, 1e6)
    number(value.fy, f"{what}'s fy", 1e-3, 1e6)
    number(value.cx, f"{what}'s cx", -1e6, 1e6)
    number(value.cy, f"{what}'s cy", -1e6, 1e6)
    pose(value.ego_SE3_camera, what)
    for coefficient in () if value.fisheye is None else items(value.fisheye, f"{what}'s fisheye coefficients", 4):
        number(coefficient, f"{what}'s fisheye coefficient", -1e3, 1e3)


def _pictures(value: SourcePictures, what: str) -> None:
    text(value.folder, f"The folder of the pictures of {what}", 1000)
    times_s = [number(time_s, f"{what} has a picture's time that", -LONGEST_S, LONGEST_S) for time_s, _ in value.rows]
    if any(b < a for a, b in zip(times_s, times_s[1:], strict=False)):
        raise EditError(f"{what} has pictures whose times do not rise: sort them.")
    for _, name in value.rows:
        text(name, f"A picture's name of {what}", 500)
        if not names_a_picture(name):
            raise EditError(f"{what} has a picture '{name[:80]}', which is no .jpg or .png inside of a folder: take it out.")


def names_a_picture(name: str) -> bool:
    """Whether a relative name stays inside of its folder and has a picture's ending."""
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name and "\0" not in name
    return inside and path.suffix.lower() in (".jpg", ".jpeg", ".png")


def entity(value: Entity) -> Entity:
    """`value` itself, or EditError saying what about it makes no sense."""
    identifier(value.id)
    match value:
        case Area():
            map_channel(value.channel)
            points(value.exterior_m, "An area", 3)
            for hole in value.holes_m:
                points(hole, "A hole", 3)
        case Line():
            map_channel(value.channel)
            points(value.points_m, "A line", 2)
            number(value.width_m, "A line's width", 0.01, 100.0)
        case Agent():
            agent_class(value.class_name)
            whole(value.instance_id, "An instance id", 1, LARGEST_INSTANCE)
            size(value.size_m, "An agent's size")
            look(value.class_name, value.look)
            if value.closure is not None:
                closure(value.closure)
            keyframes(value.keyframes, f"Agent '{value.id}'")
            for moment in (value.appears_s, value.disappears_s):
                if moment is not None:
                    number(moment, f"Agent '{value.id}' appears or disappears at a time that", -LONGEST_S, LONGEST_S)
            if value.appears_s is not None and value.disappears_s is not None and value.disappears_s < value.appears_s:
                raise EditError(
                    f"Agent '{value.id}' would disappear at {value.disappears_s:g} s, before it appears at {value.appears_s:g} s."
                )
        case EgoPath():
            if value.id != "ego":
                raise EditError(f"The ego path's id is always 'ego', not '{value.id}'.")
            keyframes(value.keyframes, "The ego path")
        case CameraEntity():
            camera(value.camera)
            one_of(value.mount, "A camera's mount", MOUNTS)
            keyframes(value.keyframes, f"Camera '{value.camera.name}'", {"ego": 0, "world": 1, "path": 2}[value.mount])
            if value.pictures is not None:
                _pictures(value.pictures, f"Camera '{value.camera.name}'")
        case PaintLayer():
            channel(value.channel)
            span(value.span)
            for key, tile in value.tiles.items():
                for index in key:
                    whole(index, "A paint tile's index", -(10**6), 10**6)
                if tile.shape != (PAINT_TILE, PAINT_TILE) or tile.dtype != bool:
                    raise EditError(f"Paint tile {key} is {tile.dtype} {tile.shape}; tiles are bool ({PAINT_TILE}, {PAINT_TILE}).")
        case OccupancyEdit():
            one_of(value.kind, "The kind of an occupancy edit", EDIT_KINDS)
            span(value.span)
            pose(value.box_pose, "The edit's box")
            if value.kind in ("remove_class", "fill_box"):
                one_of(value.class_name, "The class of an occupancy edit", CLASSES)
            if value.kind == "remove_instance":
                whole(value.instance_id, "The instance to remove", 1, LARGEST_INSTANCE)
            else:
                whole(value.instance_id, "An instance id", 0, LARGEST_INSTANCE)
            if value.kind in ("fill_box", "clear_box"):
                size(value.box_size_m, "The edit's box size")
            whole(value.follows, "The agent that a box follows", 0, LARGEST_INSTANCE)
    if not isinstance(value, PaintLayer | OccupancyEdit):
        one_of(value.source, "A source", SOURCES)
    if isinstance(value, Area | Line | Agent):
        text(value.name, "A name", 1000)
    return value


def document(value: Document) -> Document:
    """`value` itself, or EditError where its own fields (not its entities) make no sense."""
    text(value.name, "The scene's name", 500)
    text(value.prompt, "The prompt", 20_000)
    duration(value.duration_s)
    one_of(value.grid, "The grid", tuple(GRIDS))
    return value


def whole_document(value: Document) -> Document:
    """`value` itself, or EditError where anything in it could not be opened again: its own fields, the ego, every entity, the ground."""
    document(value)
    for note in items(value.notes, "The scene's notes"):
        text(note, "A note of the scene")
    if not isinstance(value.ego, EgoPath):
        raise EditError(f"The ego must be an EgoPath, not {_shown(value.ego)}.")
    entity(value.ego)
    if not isinstance(value.entities, Mapping):
        raise EditError(f"The scene's entities must be a dict, not {_shown(value.entities)}.")
    for key, each in value.entities.items():
        if not isinstance(each, PLACED):
            raise EditError(f"Entity {_shown(key)} must be a shape, an agent, a camera, paint or an occupancy edit, not {_shown(each)}.")
        entity(each)
        if each.id != key:
            raise EditError(f"Entity '{each.id}' is kept under another id, {_shown(key)}: use Document.with_entities.")
    if value.ground is not None:
        ground(value.ground)
    return value


def ground(value: Ground) -> Ground:
    for part in items(value.origin_m, "The ground's origin", 2):
        coordinate(part, "The ground's origin")
    number(value.cell_m, "The ground's cell in metres", 0.01, 1000.0)
    if not isinstance(value.height_m, np.ndarray) or value.height_m.ndim != 2 or value.height_m.dtype != np.float32:
        raise EditError(f"The ground's heights must be a float32 array of two dimensions, not {_shown(value.height_m)}.")
    if np.isinf(value.height_m).any():
        raise EditError("The ground has an infinite height: write NaN where it is unknown.")
    return value


def put(scene: Document, *changed: Entity, removed: tuple[str, ...] = ()) -> Document:
    """`scene.with_entities` after every changed entity passed `entity`."""
    return scene.with_entities(*(entity(value) for value in changed), removed=removed)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
