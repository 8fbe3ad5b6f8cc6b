"""A lane that is closed with cones. Each has its numbers (entities.ConeOf), so that it is laid out anew with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from editor import check
from editor.document import Document, Edit, EditError
from editor.edits.roads import LANE_M, SHORTEST_M
from editor.entities import Agent, ConeOf, Keyframe, Point
from editor.ground import height_at
from editor.ids import new_id, new_instance_id
from engine.spec.classes import DEFAULT_SIZE_M
from engine.spec.geometry import Pose

SIDES = {"left": 1.0, "right": -1.0}
_KERB_M = 0.3
"""From a lane's edge to the middle of its cones."""


def close_lane(points: Sequence[Point], side: str = "right", lane_width_m: float = LANE_M, spacing_m: float = 3.0, taper_m: float = 15.0) -> Edit:
    """Cones that close a lane: from its outer edge at the first point across to its inner edge within `taper_m`, and on along that edge.

    `points` run down the lane's middle in the direction of travel; `side` is where its outer edge lies.
    """
    line = shapely.LineString(check.points(points, "A closed lane", 2))
    wanted = _checked(ConeOf(0, check.one_of(side, "The side", tuple(SIDES)), line.length, lane_width_m, spacing_m, taper_m, 0.0))  # type: ignore[arg-type]

    def edit(document: Document) -> Document:
        taken = [agent.closure.number for agent in document.of(Agent) if agent.closure is not None]
        return _laid_out(document, replace(wanted, number=max(taken, default=0) + 1), line)

    return edit


def set_closure(
    id: str,  # noqa: A002 - the commands' own word
    side: str | None = None, lane_width_m: float | None = None, spacing_m: float | None = None, taper_m: float | None = None,
) -> Edit:  # fmt: skip
    """Other numbers for the closed lane that the cone `id` is of: all of its cones are laid out anew where the lane lies."""
    name = check.identifier(id)
    given = {"side": side, "lane_width_m": lane_width_m, "spacing_m": spacing_m, "taper_m": taper_m}
    changes = {key: value for key, value in given.items() if value is not None}

    def edit(document: Document) -> Document:
        closure = document.get(name, Agent).closure
        if closure is None:
            raise EditError(f"'{name}' is no cone of a lane that was closed with the Close a lane tool: move it by itself.")
        wanted = _checked(replace(closure, **changes))
        if wanted == closure:
            return document
        cones = [agent for agent in document.of(Agent) if agent.closure is not None and agent.closure.number == closure.number]
        line = _middle(closure, cones)
        return _laid_out(document.with_entities(removed=tuple(cone.id for cone in cones)), wanted, line)

    return edit


def aside_m(closure: ConeOf, station_m: float) -> float:
    """How far left of the lane's middle a cone stands: from the outer edge (to `side`) across to the inner one within the taper, and on along that."""
    across = 1 - 2 * min(station_m / closure.taper_m, 1.0) if closure.taper_m else -1.0
    return SIDES[closure.side] * (closure.lane_width_m / 2 - _KERB_M) * across


def _checked(closure: ConeOf) -> ConeOf:
    check.closure(closure)
    if closure.length_m < max(closure.spacing_m, SHORTEST_M):
        raise EditError(f"A closed lane of {closure.length_m:.1f} m has no room for cones {closure.spacing_m:g} m apart: drag farther along the lane.")
    return closure


def _middle(closure: ConeOf, cones: Sequence[Agent]) -> shapely.LineString:
    """The lane's middle, from where its cones stand and look."""
    points, ahead, station = [], np.zeros(2), 0.0
    for cone in sorted(cones, key=_station):
        pose, station = cone.keyframes[0].pose, _station(cone)
        ahead, aside = np.array([np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)]), aside_m(closure, station)
        points.append(np.array([pose.x_m, pose.y_m]) - aside * np.array([-ahead[1], ahead[0]]))
        if len(points) == 1 and station > 1e-6:
            points.insert(0, points[0] - station * ahead)  # the first cones are gone
    # The last stretch had no room for a cone; one cone alone tells by its heading where the lane goes.
    rest = closure.length_m - station
    if rest > 1e-6:
        points.append(points[-1] + rest * ahead)
    return shapely.LineString(points)


def _station(cone: Agent) -> float:
    return 0.0 if cone.closure is None else cone.closure.station_m


def _laid_out(document: Document, closure: ConeOf, line: shapely.LineString) -> Document:
    for station in np.arange(0.0, closure.length_m + 1e-6, closure.spacing_m):
        a, b = (np.array(line.interpolate(min(max(station + d, 0.0), line.length)).coords[0]) for d in (-0.5, 0.5))
        ahead = (b - a) / max(np.hypot(*(b - a)), 1e-9)
        x, y = np.array(line.interpolate(station).coords[0]) + aside_m(closure, float(station)) * np.array([-ahead[1], ahead[0]])
        pose = Pose(float(x), float(y), height_at(document, float(x), float(y)), float(np.arctan2(ahead[1], ahead[0])))
        cone = Agent(
            new_id(document, "traffic_cone"), new_instance_id(document), "traffic_cone", DEFAULT_SIZE_M["traffic_cone"], (Keyframe(0.0, pose),),
            closure=replace(closure, station_m=float(station)),
        )  # fmt: skip
        document = check.put(document, cone)
    return document
