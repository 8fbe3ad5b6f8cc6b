"""Keyframed tracks: linear position, shortest-arc heading, held still before the first and after the last keyframe."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from editor.entities import Agent, Keyframe
from engine.spec.geometry import Pose, interpolate, wrap_angle

SAME_MOMENT_S = 1e-6
"""Frame times reach us through different sums of k / 12; this much apart they are one time."""
STILL_M = 0.05
"""Two keyframes closer than this give no direction of travel."""
FOLLOWS_RAD = np.deg2rad(3.0)
"""A keyframe whose heading is this close to the path's direction is taken to follow the path."""


def pose_at(keyframes: Sequence[Keyframe], time_s: float) -> Pose:
    """Pose at a time (s); O(log n)."""
    index = bisect_right(keyframes, time_s, key=lambda keyframe: keyframe.time_s) - 1
    if index < 0:
        return keyframes[0].pose
    start = keyframes[index]
    if index + 1 == len(keyframes) or time_s == start.time_s:
        return start.pose
    end = keyframes[index + 1]
    return interpolate(start.pose, end.pose, (time_s - start.time_s) / (end.time_s - start.time_s))


def stations_m(keyframes: Sequence[Keyframe], stays_m: float = 0.0) -> np.ndarray:
    """(K,) metres from the first keyframe to each along the track, from above; what two lie apart by no more than `stays_m` counts as nothing."""
    places = np.array([(keyframe.pose.x_m, keyframe.pose.y_m) for keyframe in keyframes], np.float64).reshape(-1, 2)
    far = np.hypot(*np.diff(places, axis=0).T)
    return np.concatenate([[0.0], np.cumsum(np.where(far > stays_m, far, 0.0))])


def exists_at(agent: Agent, time_s: float) -> bool:
    """Whether the agent is in the scene at a time (s); both ends inclusive."""
    return (agent.appears_s is None or time_s >= agent.appears_s - SAME_MOMENT_S) and (
        agent.disappears_s is None or time_s <= agent.disappears_s + SAME_MOMENT_S
    )


def direction_at(keyframes: Sequence[Keyframe], index: int) -> float | None:
    """Heading (rad) of the path at a keyframe, from its neighbours; None where they are too close together."""
    before, after = keyframes[max(index - 1, 0)].pose, keyframes[min(index + 1, len(keyframes) - 1)].pose
    dx, dy = after.x_m - before.x_m, after.y_m - before.y_m
    return float(np.arctan2(dy, dx)) if np.hypot(dx, dy) >= STILL_M else None


def followers(keyframes: Sequence[Keyframe]) -> set[float]:
    """Times of the keyframes that look where the path goes."""
    found = set()
    for index, keyframe in enumerate(keyframes):
        direction = direction_at(keyframes, index)
        if direction is not None and abs(wrap_angle(keyframe.pose.yaw_rad - direction)) <= FOLLOWS_RAD:
            found.add(keyframe.time_s)
    return found


def facing_path(keyframes: Sequence[Keyframe], times: set[float]) -> tuple[Keyframe, ...]:
    """The same track, with the keyframes at `times` turned along the path where it has a direction there."""
    turned = []
    for index, keyframe in enumerate(keyframes):
        direction = direction_at(keyframes, index) if keyframe.time_s in times else None
        turned.append(keyframe if direction is None else replace(keyframe, pose=replace(keyframe.pose, yaw_rad=direction)))
    return tuple(turned)


def speed_between(start: Keyframe, end: Keyframe) -> float:
    """Mean ground speed (m/s) from one keyframe to the next."""
    return float(np.hypot(end.pose.x_m - start.pose.x_m, end.pose.y_m - start.pose.y_m) / (end.time_s - start.time_s))
