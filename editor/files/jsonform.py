"""Entities as JSON: the same form in project files, on the canvas's WebSocket and under the document hash.

Dataclass fields by name plus "kind". A pose is [x, y, z, yaw, pitch, roll], a keyframe is [t, x, y, z, yaw, pitch, roll], a paint
tile is base64 of its packed bits. An OccupancyEdit's own kind is written as "edit", because "kind" says what the entity is.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from editor import check
from editor.document import Document, EditError
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
from editor.tiles import packed, unpacked
from engine.spec.camera import Camera
from engine.spec.geometry import Pose

Json = dict[str, Any]
KINDS: dict[type, str] = {
    Area: "area",
    Line: "line",
    Agent: "agent",
    EgoPath: "ego",
    CameraEntity: "camera",
    PaintLayer: "paint",
    OccupancyEdit: "occupancy_edit",
}


def entity_to_json(entity: Entity) -> Json:
    """Plain lists, dicts, floats, strings and None; equal entities give equal JSON."""
    head: Json = {"kind": KINDS[type(entity)], "id": entity.id}
    match entity:
        case Area():
            body = {"channel": entity.channel, "exterior_m": _rows(entity.exterior_m), "holes_m": [_rows(hole) for hole in entity.holes_m]}
        case Line():
            body = {"channel": entity.channel, "points_m": _rows(entity.points_m), "width_m": float(entity.width_m)}
        case Agent():
            body = {
                "instance_id": int(entity.instance_id),
                "class_name": entity.class_name,
                "size_m": [float(v) for v in entity.size_m],
                "keyframes": [keyframe_to_json(k) for k in entity.keyframes],
                "appears_s": _float_or_none(entity.appears_s),
                "disappears_s": _float_or_none(entity.disappears_s),
                # Only where it was chosen: scenes from before there were looks keep their hash, and with it their takes.
                **{key: value for key in ("colour", "model") if (value := getattr(entity, key)) is not None},
                **({} if entity.closure is None else {"closure": asdict(entity.closure)}),
            }
        case EgoPath():
            body = {"keyframes": [keyframe_to_json(k) for k in entity.keyframes]}
        case CameraEntity():
            body = {
                "camera": camera_to_json(entity.camera),
                "mount": entity.mount,
                "keyframes": [keyframe_to_json(k) for k in entity.keyframes],
                "enabled": bool(entity.enabled),
                # Only where there are some, as with looks.
                **({} if entity.pictures is None else {"pictures": _pictures_to_json(entity.pictures)}),
            }
        case PaintLayer():
            tiles = {f"{i},{j}": base64.b64encode(packed(entity.tiles[i, j]).tobytes()).decode() for i, j in sorted(entity.tiles)}
            body = {"channel": entity.channel, "erases": bool(entity.erases), "span": _span(entity.span), "tiles": tiles}
        case OccupancyEdit():
            body = {
                "edit": entity.kind,
                "span": _span(entity.span),
                "class_name": entity.class_name,
                "instance_id": int(entity.instance_id),
                "box_pose": pose_to_json(entity.box_pose),
                "box_size_m": [float(v) for v in entity.box_size_m],
            } | ({"follows": int(entity.follows)} if entity.follows else {})
    tail = {key: getattr(entity, key) for key in ("source", "name") if hasattr(entity, key)}
    return {**head, **body, **tail}


def entity_from_json(data: object) -> Entity:
    """The inverse. Raises EditError, one sentence, for an unknown kind, a missing or unknown field, a wrong type or a value out of range."""
    fields = _Fields(data)
    kind = fields.take("kind")
    readers = {
        "area": _area,
        "line": _line,
        "agent": _agent,
        "ego": _ego,
        "camera": _camera,
        "paint": _paint,
        "occupancy_edit": _occupancy_edit,
    }
    if not isinstance(kind, str) or kind not in readers:
        raise EditError(f"An entity of kind {kind!r} is not known: kinds are {', '.join(readers)}.")
    fields.what = f"the {kind} '{check.identifier(fields.data.get('id'))}'"
    entity = readers[kind](fields)
    fields.finish()
    return check.entity(entity)


def pose_to_json(pose: Pose) -> list[float]:
    return [float(v) for v in (pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad, pose.pitch_rad, pose.roll_rad)]


def pose_from_json(value: object, what: str = "A pose") -> Pose:
    return check.pose(Pose(*(check.number(v, f"{what}'s value") for v in check.items(value, what, 6))), what)


def keyframe_to_json(keyframe: Keyframe) -> list[float]:
    return [float(keyframe.time_s), *pose_to_json(keyframe.pose)]


def camera_to_json(camera: Camera) -> Json:
    return {
        "name": camera.name,
        "width": int(camera.width),
        "height": int(camera.height),
        **{key: float(getattr(camera, key)) for key in ("fx", "fy", "cx", "cy")},
        "ego_SE3_camera": pose_to_json(camera.ego_SE3_camera),
        "fisheye": None if camera.fisheye is None else [float(v) for v in camera.fisheye],
    }


def camera_from_json(data: object) -> Camera:
    """A Camera, checked. Raises EditError."""
    fields = _Fields(data, "a camera")
    name = check.text(fields.take("name"), "A camera's name")
    fields.what = f"camera '{name}'"
    size = [check.whole(fields.take(key), f"Camera '{name}'s {key}", 1, check.LARGEST_PICTURE) for key in ("width", "height")]
    fx, fy, cx, cy = (check.number(fields.take(key), f"Camera '{name}'s {key}") for key in ("fx", "fy", "cx", "cy"))
    pose = pose_from_json(fields.take("ego_SE3_camera", [0.0] * 6), f"Camera '{name}'s pose")
    fisheye = fields.take("fisheye", None)
    if fisheye is not None:
        k1, k2, k3, k4 = (check.number(v, "A fisheye coefficient") for v in check.items(fisheye, "The fisheye coefficients", 4))
        fisheye = (k1, k2, k3, k4)
    fields.finish()
    camera = Camera(name, size[0], size[1], fx, fy, cx, cy, pose, fisheye)
    check.camera(camera)
    return camera


def canonical(data: object) -> str:
    """One spelling of a JSON value: sorted keys, no spaces. Refuses NaN and infinity with ValueError."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def document_to_json(document: Document) -> Json:
    """All that the user authored, paint and ground included."""
    ground = document.ground
    return {
        **document_head(document),
        "entities": [entity_to_json(entity) for entity in document.entities.values()],
        "ground": None
        if ground is None
        else {
            "origin_m": [float(v) for v in ground.origin_m],
            "cell_m": float(ground.cell_m),
            "shape": list(ground.height_m.shape),
            "height_m": base64.b64encode(np.ascontiguousarray(ground.height_m, "<f4").tobytes()).decode(),
        },
    }


def document_head(document: Document) -> Json:
    """The document's own fields and its ego path."""
    return {
        "name": document.name,
        "duration_s": float(document.duration_s),
        "grid": document.grid,
        "prompt": document.prompt,
        "ego": entity_to_json(document.ego),
        "notes": list(document.notes),
    }


class _Fields:
    """A JSON object being read: every field once, none left over."""

    _needed = object()

    def __init__(self, data: object, what: str = "an entity") -> None:
        if not isinstance(data, Mapping):
            raise EditError(f"{what.capitalize()} must be a JSON object, not {type(data).__name__}.")
        self.data, self.what, self._taken = data, what, set[str]()

    def take(self, key: str, default: Any = _needed) -> Any:
        self._taken.add(key)
        value = self.data.get(key, default)
        if value is self._needed:
            raise EditError(f"The field '{key}' is missing in {self.what}: add it.")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise EditError(f"The field '{key}' of {self.what} must be true or false, not {value!r}.")
        return value

    def finish(self) -> None:
        unknown = sorted(str(key) for key in self.data if key not in self._taken)
        if unknown:
            raise EditError(f"The field '{unknown[0]}' of {self.what} is not known to this version: remove it.")


def _area(f: _Fields) -> Area:
    holes = tuple(check.points(hole, "A hole", 3) for hole in check.items(f.take("holes_m", []), "The holes"))
    return Area(
        f.take("id"),
        f.take("channel"),
        check.points(f.take("exterior_m"), "An area", 3),
        holes,
        f.take("source", "drawn"),
        f.take("name", ""),
    )


def _line(f: _Fields) -> Line:
    points = check.points(f.take("points_m"), "A line", 2)
    width = check.number(f.take("width_m", 0.4), "A line's width")
    return Line(f.take("id"), f.take("channel"), points, width, f.take("source", "drawn"), f.take("name", ""))


def _agent(f: _Fields) -> Agent:
    return Agent(
        f.take("id"),
        check.whole(f.take("instance_id"), "An instance id", 1, check.LARGEST_INSTANCE),
        f.take("class_name"),
        check.size(f.take("size_m"), "An agent's size"),
        _keyframes(f),
        _moment(f.take("appears_s", None)),
        _moment(f.take("disappears_s", None)),
        f.take("source", "drawn"),
        f.take("name", ""),
        f.take("colour", None),
        f.take("model", None),
        _closure(f.take("closure", None), f.what),
    )


def _closure(value: object, what: str) -> ConeOf | None:
    if value is None:
        return None
    fields = _Fields(value, f"the closed lane of {what}")
    found = ConeOf(*(fields.take(key) for key in ConeOf.__slots__))
    fields.finish()
    check.closure(found)
    return found


def _ego(f: _Fields) -> EgoPath:
    return EgoPath(f.take("id", "ego"), _keyframes(f), f.take("source", "drawn"))


def _camera(f: _Fields) -> CameraEntity:
    camera = camera_from_json(f.take("camera"))
    f.data = {"keyframes": [], **f.data}
    keyframes, pictures = _keyframes(f), _pictures(f.take("pictures", None), f.what)
    return CameraEntity(f.take("id"), camera, f.take("mount", "ego"), keyframes, f.flag("enabled", True), f.take("source", "drawn"), pictures)


def _pictures_to_json(pictures: SourcePictures) -> Json:
    return {"folder": pictures.folder, "rows": [[float(time_s), name] for time_s, name in pictures.rows]}


def _pictures(value: object, what: str) -> SourcePictures | None:
    if value is None:
        return None
    fields = _Fields(value, f"the pictures of {what}")
    rows = [check.items(row, f"A picture of {what}", 2) for row in check.items(fields.take("rows"), f"The pictures of {what}")]
    folder = fields.take("folder")
    fields.finish()
    return SourcePictures(folder, tuple((check.number(time_s, f"A picture's time of {what}"), name) for time_s, name in rows))


def _paint(f: _Fields) -> PaintLayer:
    tiles_json = f.take("tiles", {})
    if not isinstance(tiles_json, Mapping):
        raise EditError(f"The tiles of {f.what} must be a JSON object, not {type(tiles_json).__name__}.")
    tiles: dict[tuple[int, int], np.ndarray] = {}
    for key, data in tiles_json.items():
        tiles[tile_key(key)] = _tile(key, data)
    return PaintLayer(f.take("id"), f.take("channel"), f.flag("erases", False), check.span(f.take("span", None)), tiles)


def _occupancy_edit(f: _Fields) -> OccupancyEdit:
    size = tuple(check.number(v, "A box's size", 0.0, 1000.0) for v in check.items(f.take("box_size_m", [0.0] * 3), "A box's size", 3))
    return OccupancyEdit(
        f.take("id"),
        f.take("edit"),
        check.span(f.take("span", None)),
        check.text(f.take("class_name", ""), "A class"),
        check.whole(f.take("instance_id", 0), "An instance id", 0, check.LARGEST_INSTANCE),
        pose_from_json(f.take("box_pose", [0.0] * 6), "The edit's box"),
        size,  # type: ignore[arg-type]
        check.whole(f.take("follows", 0), "The agent that a box follows", 0, check.LARGEST_INSTANCE),
    )


def tile_key(key: object) -> tuple[int, int]:
    """(i, j) from "i,j"."""
    try:
        i, j = (int(part) for part in str(key).split(","))
    except ValueError:
        raise EditError(f"A paint tile's key must be 'i,j' in whole numbers, not {key!r}.") from None
    return i, j


def _tile(key: object, data: object) -> np.ndarray:
    try:
        raw = base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 512:
        raise EditError(f"Paint tile '{key}' must be base64 of 512 bytes, and {len(raw)} readable bytes came.")
    return unpacked(raw)


def _keyframes(f: _Fields) -> tuple[Keyframe, ...]:
    rows = check.items(f.take("keyframes"), f"The keyframes of {f.what}")
    parts = [check.items(row, f"A keyframe of {f.what}", 7) for row in rows]
    return tuple(
        Keyframe(check.number(part[0], f"A keyframe time of {f.what}"), pose_from_json(part[1:], f"A keyframe of {f.what}"))
        for part in parts
    )


def _moment(value: object) -> float | None:
    return None if value is None else check.number(value, "A time of appearing or disappearing")


def _rows(points_m: tuple[Point, ...]) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in points_m]


def _span(span: tuple[int, int] | None) -> list[int] | None:
    return None if span is None else [int(span[0]), int(span[1])]


def _float_or_none(value: float | None) -> float | None:
    return None if value is None else float(value)
