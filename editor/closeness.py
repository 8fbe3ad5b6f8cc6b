"""How near the ego comes to others: time to collision, and when two paths cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from editor.clip import ego_pose_at, frame_count
from editor.document import Document
from editor.entities import Agent, Keyframe
from editor.track import exists_at, pose_at, stations_m
from engine.spec.grid import RATE_HZ

EGO_FRONT_M = 3.7
"""From the ego's origin under the rear axle to its front bumper."""
EGO_HALF_WIDTH_M = 0.95
LEAST_CLOSING_M_S = 0.05


def time_to_collision_s(document: Document, agent: Agent) -> np.ndarray:
    """(T,) seconds until the ego's front would meet an agent in its way ahead if both kept their speeds; inf where they would not."""
    times = np.arange(frame_count(document)) / RATE_HZ
    gap, aside, there = np.full(len(times), np.nan), np.full(len(times), np.inf), np.zeros(len(times), bool)
    for k, time_s in enumerate(times):
        ego, other = ego_pose_at(document, time_s), pose_at(agent.keyframes, time_s)
        dx, dy, turn = other.x_m - ego.x_m, other.y_m - ego.y_m, other.yaw_rad - ego.yaw_rad
        c, s = np.cos(ego.yaw_rad), np.sin(ego.yaw_rad)
        length, width = agent.size_m[:2]
        along = (abs(np.cos(turn)) * length + abs(np.sin(turn)) * width) / 2
        across = (abs(np.sin(turn)) * length + abs(np.cos(turn)) * width) / 2
        gap[k] = c * dx + s * dy - along - EGO_FRONT_M
        aside[k] = abs(c * dy - s * dx) - across - EGO_HALF_WIDTH_M
        there[k] = exists_at(agent, time_s)
    closing = -np.gradient(gap) * RATE_HZ if len(times) > 1 else np.zeros(len(times))
    meets = there & (gap > 0) & (aside < 0) & (closing > LEAST_CLOSING_M_S)
    return np.where(meets, gap / np.where(meets, closing, 1.0), np.inf)


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where two paths cross, and when each is there."""

    x_m: float
    y_m: float
    agent_s: float
    """When the agent's middle is there."""
    ego_s: float
    """When the ego's front bumper is there."""

    @property
    def gap_s(self) -> float:
        """How long after the agent the ego gets there."""
        return self.ego_s - self.agent_s


def crossing_of(document: Document, agent: Agent) -> Crossing | None:
    """The first place on the ego's path that an agent's path crosses; None where they do not cross."""
    theirs, own = _way(agent.keyframes), _way(document.ego.keyframes)
    if theirs is None or own is None:
        return None
    # The front is ahead of the origin: the path of the origin is carried on by that much.
    last, before = np.array(own.coords[-1]), np.array(own.coords[-2])
    reach = shapely.LineString([*own.coords, last + (last - before) / max(np.hypot(*(last - before)), 1e-9) * EGO_FRONT_M])
    met = [point for point in shapely.get_parts(theirs.intersection(reach)) if point.geom_type == "Point"]
    if not met:
        return None
    point = min(met, key=reach.project)
    front = reach.project(point) - EGO_FRONT_M
    return Crossing(
        float(point.x), float(point.y), _when(agent.keyframes, theirs.project(point)), _when(document.ego.keyframes, max(front, 0.0))
    )  # fmt: skip


def _way(track: Sequence[Keyframe]) -> shapely.LineString | None:
    """What a track draws on the ground; None where it goes nowhere."""
    return None if stations_m(track)[-1] < 0.1 else shapely.LineString([(k.pose.x_m, k.pose.y_m) for k in track])


def _when(track: Sequence[Keyframe], station_m: float) -> float:
    """The moment (s) at which a track is so far along its way."""
    return float(np.interp(station_m, stations_m(track), [k.time_s for k in track]))
