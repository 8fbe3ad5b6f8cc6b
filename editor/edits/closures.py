"""A lane that is closed with cones. Its numbers are in its cones' names, so that it is laid out anew with others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from editor import check
from editor.document import Document, Edit, EditError
from editor.edits.roads import LANE_M, SHORTEST_M
from editor.entities import Agent, Keyframe, Point
from editor.ground import height_at
from editor.ids import new_id, new_instance_id
from engine.spec.classes import DEFAULT_SIZE_M
from engine.spec.geometry import Pose

SIDES = {"left": 1.0, "right": -1.0}
_KERB_M = 0.3
"""From a lane's edge to the middle of its cones."""
_NAME = re.compile(r"closed lane (\d+): (left|right), ([\d.]+) m, lane ([\d.]+) m, every ([\d.]+) m, taper ([\d.]+) m")


@dataclass(frozen=True, slots=True)
class Closure:
    """Numbers of a closed lane: cones from its outer edge (to `side` of its middle) across to its inner one within `taper_m`, and on along that."""

    number: int
    side: str
    length_m: float
    lane_width_m: float
    spacing_m: float
    taper_m: float

    @property
    def name(self) -> str:
        """What each of its cones is called."""
        return (
            f"closed lane {self.number}: {self.side}, {self.length_m:.12g} m, lane {self.lane_width_m:.12g} m, every {self.spacing_m:.12g} m, "
            f"taper {self.taper_m:.12g} m"
        )

    def aside_m(self, station_m: float) -> float:
        """How far left of the lane's middle its cone stands."""
        across = 1 - 2 * min(station_m / self.taper_m, 1.0) if self.taper_m else -1.0
        return SIDES[self.side] * (self.lane_width_m / 2 - _KERB_M) * across


def closure_of(agent: Agent) -> Closure | None:
    """The closed lane that a cone is of."""
    found = _NAME.fullmatch(agent.name)
    return None if found is None else Closure(int(found[1]), found[2], *(float(number) for number in found.groups()[2:]))


def close_lane(points: Sequence[Point], side: str = "right", lane_width_m: float = LANE_M, spacing_m: float = 3.0, taper_m: float = 15.0) -> Edit:
    """Cones that close a lane: from its outer edge at the first point across to its inner edge within `taper_m`, and on along that edge.

    `points` run down the lane's middle in the direction of travel; `side` is where its outer edge lies.
    """
    line = shapely.LineString(check.points(points, "A closed lane", 2))
    wanted = _checked(Closure(0, side, line.length, lane_width_m, spacing_m, taper_m))

    def edit(document: Document) -> Document:
        taken = [found.number for agent in document.of(Agent) if (found := closure_of(agent)) is not None]
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
        closure = closure_of(document.get(name, Agent))
        if closure is None:
            raise EditError(f"'{name}' is no cone of a lane that was closed with the Close a lane tool: move it by itself.")
        wanted = _checked(replace(closure, **changes))
        if wanted == closure:
            return document
        cones = [agent for agent in document.of(Agent) if agent.name == closure.name]
        line = _middle(closure, cones)
        return _laid_out(document.with_entities(removed=tuple(cone.id for cone in cones)), wanted, line)

    return edit


def _checked(closure: Closure) -> Closure:
    check.one_of(closure.side, "The side", tuple(SIDES))
    wide = check.number(closure.lane_width_m, "A lane's width", 1.0, 10.0)
    spacing, taper = check.number(closure.spacing_m, "The spacing", 0.5, 50.0), check.number(closure.taper_m, "The taper", 0.0, 200.0)
    if closure.length_m < max(spacing, SHORTEST_M):
        raise EditError(f"A closed lane of {closure.length_m:.1f} m has no room for cones {spacing:g} m apart: drag farther along the lane.")
    return replace(closure, lane_width_m=wide, spacing_m=spacing, taper_m=taper)


def _middle(closure: Closure, cones: Sequence[Agent]) -> shapely.LineString:
    """The lane's middle, from where its cones stand and look."""
    points, ahead = [], np.zeros(2)
    for k, cone in enumerate(cones):
        pose = cone.keyframes[0].pose
        ahead, aside = np.array([np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)]), closure.aside_m(k * closure.spacing_m)
        points.append(np.array([pose.x_m, pose.y_m]) - aside * np.array([-ahead[1], ahead[0]]))
    # The last stretch had no room for a cone; one cone alone tells by its heading where the lane goes.
    rest = closure.length_m - (len(points) - 1) * closure.spacing_m
    if rest > 1e-6:
        points.append(points[-1] + rest * ahead)
    return shapely.LineString(points)


def _laid_out(document: Document, closure: Closure, line: shapely.LineString) -> Document:
    for station in np.arange(0.0, closure.length_m + 1e-6, closure.spacing_m):
        a, b = (np.array(line.interpolate(min(max(station + d, 0.0), line.length)).coords[0]) for d in (-0.5, 0.5))
        ahead = (b - a) / max(np.hypot(*(b - a)), 1e-9)
        x, y = np.array(line.interpolate(station).coords[0]) + closure.aside_m(float(station)) * np.array([-ahead[1], ahead[0]])
        pose = Pose(float(x), float(y), height_at(document, float(x), float(y)), float(np.arctan2(ahead[1], ahead[0])))
        cone = Agent(
            new_id(document, "traffic_cone"), new_instance_id(document), "traffic_cone", DEFAULT_SIZE_M["traffic_cone"], (Keyframe(0.0, pose),),
            name=closure.name,
        )  # fmt: skip
        document = check.put(document, cone)
    return document
