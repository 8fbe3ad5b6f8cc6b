"""The things a scene is made of. Frozen, world-frame, metres and radians; an edit makes new ones and shares the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.spec.camera import Camera
from engine.spec.geometry import Pose
from engine.spec.looks import AgentLook

Point = tuple[float, float]
Source = Literal["drawn", "imported", "derived"]
"""Where a map element came from; 'derived' was computed by us because the source had none."""


@dataclass(frozen=True, slots=True)
class Area:
    """A polygon of one map channel."""

    id: str
    channel: str
    exterior_m: tuple[Point, ...]
    holes_m: tuple[tuple[Point, ...], ...] = ()
    source: Source = "drawn"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline of one map channel (road_divider, lane_divider, ...)."""

    id: str
    channel: str
    points_m: tuple[Point, ...]
    width_m: float = 0.4
    source: Source = "drawn"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """Where something is at one time. For an agent the pose is that of its box's bottom centre."""

    time_s: float
    pose: Pose


@dataclass(frozen=True, slots=True)
class ConeOf:
    """The numbers of a closed lane, which all of its cones have, and where along it this one stands (editor.edits.closures)."""

    number: int
    side: Literal["left", "right"]
    """Where the lane's outer edge lies, seen the way it is driven."""
    length_m: float
    lane_width_m: float
    spacing_m: float
    taper_m: float
    station_m: float
    """From the lane's first point along its middle."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with a keyframed track: linear position, shortest-arc heading; one keyframe means it stands still."""

    id: str
    instance_id: int
    class_name: str
    size_m: tuple[float, float, float]
    """Length, width, height."""
    keyframes: tuple[Keyframe, ...]
    appears_s: float | None = None
    """First time it exists; None = from the start."""
    disappears_s: float | None = None
    """Last time it exists (inclusive); None = to the end."""
    source: Source = "drawn"
    name: str = ""
    colour: str | None = None
    """Main colour, sRGB as #rrggbb; None = from the seed."""
    model: str | None = None
    """One of engine.spec.looks.MODELS of its class; None = from the seed."""
    closure: ConeOf | None = None
    """The closed lane that it is a cone of."""

    @property
    def look(self) -> AgentLook:
        """Colour and model."""
        return AgentLook(self.model, self.colour)


@dataclass(frozen=True, slots=True)
class EgoPath:
    """The ego vehicle's own track: world_SE3_ego over time."""

    id: str = "ego"
    keyframes: tuple[Keyframe, ...] = (Keyframe(0.0, Pose()),)
    source: Source = "drawn"


@dataclass(frozen=True, slots=True)
class SourcePictures:
    """Where the pictures that a real camera took lie: referred to, never copied (`editor.source_pictures` finds the one of a moment)."""

    folder: str
    """On the machine that imported them."""
    rows: tuple[tuple[float, str], ...]
    """Time (s, rising) and name, relative to the folder."""


@dataclass(frozen=True, slots=True)
class CameraEntity:
    """A camera on the ego, fixed in the world, or on a path of its own."""

    id: str
    camera: Camera
    """`camera.ego_SE3_camera` is read when mount is 'ego'."""
    mount: Literal["ego", "world", "path"] = "ego"
    keyframes: tuple[Keyframe, ...] = ()
    """world_SE3_camera: one for 'world', two or more for 'path'."""
    enabled: bool = True
    source: Source = "drawn"
    pictures: SourcePictures | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PaintLayer:
    """Painted cells of one channel. Two layers are equal when all their cells are."""

    id: str
    channel: str
    erases: bool = False
    span: tuple[int, int] | None = None
    """First and last frame (inclusive) at which it holds; None = the whole scene."""
    tiles: Mapping[tuple[int, int], np.ndarray] = field(default_factory=dict)
    """World tile (engine.spec.layout.PAINT_TILE) -> read-only (64, 64) bool, indexed [x, y]."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PaintLayer):
            return NotImplemented
        if (self.id, self.channel, self.erases, self.span) != (other.id, other.channel, other.erases, other.span):
            return False
        return self.tiles.keys() == other.tiles.keys() and all(
            tile is other.tiles[key] or np.array_equal(tile, other.tiles[key]) for key, tile in self.tiles.items()
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class OccupancyEdit:
    """One edit of generated occupancy, replayed on top of every generation (never baked in)."""

    id: str
    kind: Literal["remove_instance", "remove_class", "fill_box", "clear_box"]
    span: tuple[int, int] | None = None
    """First and last frame (inclusive); None = every frame."""
    class_name: str = ""
    """Class to remove, or to fill with."""
    instance_id: int = 0
    box_pose: Pose = field(default_factory=Pose)
    """World pose of the box's centre, for the box kinds."""
    box_size_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    follows: int = 0
    """Instance id of the agent in whose frame (its box's bottom centre) `box_pose` is, so that the box goes with it; 0 = the world's."""


Entity = Area | Line | Agent | EgoPath | CameraEntity | PaintLayer | OccupancyEdit
