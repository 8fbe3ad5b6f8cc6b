"""Edits of how agents move: at a speed, along a lane, behind each other, and so that they meet the ego as asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from editor import check
from editor.closeness import crossing_of, time_to_collision_s
from editor.document import Document, Edit, EditError
from editor.edits.agents import tracked, with_track
from editor.edits.braking import brake_within
from editor.edits.transform import copied, move
from editor.entities import Agent, CameraEntity, Keyframe
from editor.ground import height_at
from editor.lanes import route_from
from editor.track import pose_at, stations_m
from engine.spec.geometry import Pose

FASTEST_M_S = 100.0
BETWEEN_M = 0.3
"""Least room between two of an array, however they are shaken."""
NEAR_ENOUGH_S = 0.02


def set_speed(id: str, speed_m_s: float, index: int | None = None) -> Edit:
    """The speed of a track, from one waypoint to the next where `index` names it: places stay, times behind it change."""
    speed = check.number(speed_m_s, "The speed", 0.05, FASTEST_M_S)

    def edit(document: Document) -> Document:
        owner = tracked(document, id)
        keys = owner.keyframes
        if len(keys) < 2:
            raise EditError(f"'{id}' has no way to go yet: give it a waypoint first.")
        if index is not None and not 0 <= index < len(keys) - 1:
            raise EditError(f"'{id}' has {len(keys) - 1} stretches between waypoints, numbered from 0, so there is no {index}.")
        times = [keys[0].time_s]
        for k, (a, b) in enumerate(zip(keys, keys[1:], strict=False)):
            far = np.hypot(b.pose.x_m - a.pose.x_m, b.pose.y_m - a.pose.y_m)
            # Where it waits, it goes on waiting.
            changed = far > 0.01 and index in (None, k)
            times.append(times[-1] + (max(float(far) / speed, 1e-3) if changed else b.time_s - a.time_s))
        return with_track(document, owner, tuple(replace(key, time_s=float(t)) for key, t in zip(keys, times, strict=True)))

    return edit


def meet(id: str, gap_s: float = 1.0) -> Edit:
    """Shifts an agent's track in time, so that the ego's front gets to where their paths cross `gap_s` after the agent's middle was there."""
    gap = check.number(gap_s, "The gap", -60.0, 60.0)

    def edit(document: Document) -> Document:
        agent = document.get(id, Agent)
        crossing = crossing_of(document, agent)
        if crossing is None:
            raise EditError(f"The path of '{id}' does not cross the ego's, so they cannot meet: give it a waypoint on the other side.")
        if crossing.ego_s > document.duration_s:
            raise EditError(f"The ego gets to where '{id}' crosses only at {crossing.ego_s:.1f} s, after the scene's end: make the scene longer.")
        by = crossing.gap_s - gap
        return check.put(document, replace(agent, keyframes=tuple(replace(k, time_s=k.time_s + by) for k in agent.keyframes)))

    return edit


def reach_ttc(id: str, min_ttc_s: float = 1.5, brake_m_s2: float | None = None) -> Edit:
    """Moves an agent's whole track ahead or back along the ego's way, so that the least time to collision is `min_ttc_s`; speeds and lanes stay.

    With `brake_m_s2` it slows down by no more than that (`brake_within`), and the time to collision is that of the track as it is then.
    """
    wanted = check.number(min_ttc_s, "The time to collision", 0.1, 60.0)
    braking = None if brake_m_s2 is None else brake_within(id, brake_m_s2)

    def edit(document: Document) -> Document:
        if braking is not None and len(document.get(id, Agent).keyframes) > 1:
            document = braking(document)
        first, last = document.ego.keyframes[0].pose, document.ego.keyframes[-1].pose
        way = np.array([last.x_m - first.x_m, last.y_m - first.y_m])
        ahead = way / np.hypot(*way) if np.hypot(*way) > 0.1 else np.array([np.cos(first.yaw_rad), np.sin(first.yaw_rad)])

        def shifted(forward_m: float) -> Document:
            return move([id], float(ahead[0] * forward_m), float(ahead[1] * forward_m))(document)

        def least(forward_m: float) -> float:
            moved = shifted(forward_m)
            return float(time_to_collision_s(moved, moved.get(id, Agent)).min())

        document.get(id, Agent)
        # Farther ahead is later: the first shift that is enough lies between one that is not and one that is.
        steps = np.arange(-60.0, 60.1, 1.0)
        found = np.array([least(float(step)) for step in steps])
        sign = np.where(np.isfinite(found), found - wanted, np.nan)
        spans = [k for k in range(len(steps) - 1) if np.isfinite(sign[k : k + 2]).all() and sign[k] * sign[k + 1] <= 0]
        if not spans:
            near = f"the nearest is {found[np.isfinite(found)].min():.1f} s" if np.isfinite(found).any() else "it is never in the ego's way"
            raise EditError(f"No shift of '{id}' along the ego's way gives a time to collision of {wanted:g} s: {near}. Change its speed first.")
        k = min(spans, key=lambda k: abs(steps[k] + 0.5))
        low, high = float(steps[k]), float(steps[k + 1])
        rising = sign[k + 1] >= sign[k]
        while high - low > 1e-3:
            middle = (low + high) / 2
            value = least(middle)
            if abs(value - wanted) < NEAR_ENOUGH_S:
                low = high = middle
            elif (value < wanted) == rising:
                low = middle
            else:
                high = middle
        return shifted(round((low + high) / 2, 3))

    return edit


def array_along(id: str, count: int = 5, spacing_m: float = 3.0, jitter_s: float = 0.0) -> Edit:
    """`count` further agents behind one on its own way, `spacing_m` apart, each early or late by up to `jitter_s`; no two come too near.

    One that stands is followed by a row behind its back. The dice belong to the agent, so that the same array is the same again.
    """
    number = check.whole(count, "The number of copies", 1, 500)
    spacing = check.number(spacing_m, "The spacing", 0.1, 1000.0)
    jitter = check.number(jitter_s, "The jitter", 0.0, 10.0)

    def edit(document: Document) -> Document:
        first = document.get(id, Agent)
        least = first.size_m[0] + BETWEEN_M
        if spacing < least:
            raise EditError(f"{spacing:g} m is too near for what is {first.size_m[0]:.1f} m long: leave at least {least:.1f} m.")
        dice, behind = np.random.default_rng(first.instance_id), 0.0
        speed = _fastest(first.keyframes)
        for k in range(1, number + 1):
            shake = float(dice.uniform(-1.0, 1.0)) * jitter * speed
            behind = max(behind + least, k * spacing + shake)
            document = check.put(document, replace(copied(document, first), keyframes=_behind(document, first.keyframes, behind)))
        return document

    return edit


def follow_lane(id: str, distance_m: float = 40.0, speed_m_s: float = 8.0) -> Edit:
    """Waypoints along the lane under an agent or the ego, in the direction it looks, from where it is first; against the traffic if so."""
    far = check.number(distance_m, "The distance", 1.0, 2000.0)
    speed = check.number(speed_m_s, "The speed", 0.05, FASTEST_M_S)

    def edit(document: Document) -> Document:
        owner = tracked(document, id)
        if isinstance(owner, CameraEntity):
            raise EditError(f"'{id}' is a camera, and lanes are for agents and the ego.")
        start = owner.keyframes[0]
        route = route_from(document, start.pose.x_m, start.pose.y_m, start.pose.yaw_rad, far)
        keys, time_s, before = [], start.time_s, None
        for x, y, yaw in route:
            time_s += 0.0 if before is None else max(float(np.hypot(x - before[0], y - before[1])) / speed, 1e-3)
            rise = start.pose.z_m - height_at(document, start.pose.x_m, start.pose.y_m, start.time_s)
            keys.append(Keyframe(float(time_s), Pose(x, y, height_at(document, x, y, time_s) + rise, yaw)))
            before = (x, y)
        return with_track(document, owner, tuple(keys))

    return edit


def _fastest(track: tuple[Keyframe, ...]) -> float:
    pairs = zip(track, track[1:], strict=False)
    return max((float(np.hypot(b.pose.x_m - a.pose.x_m, b.pose.y_m - a.pose.y_m)) / (b.time_s - a.time_s) for a, b in pairs), default=0.0)


def _behind(document: Document, track: tuple[Keyframe, ...], metres: float) -> tuple[Keyframe, ...]:
    """The same way, driven so many metres behind: it begins before the way does, straight on backwards."""
    stations = stations_m(track)
    first = track[0].pose

    def place(station: float) -> Pose:
        if station >= 0 and stations[-1] > 0:
            time_s = float(np.interp(station, stations, [k.time_s for k in track]))
            return pose_at(track, time_s)
        x, y = first.x_m + station * np.cos(first.yaw_rad), first.y_m + station * np.sin(first.yaw_rad)
        rise = height_at(document, float(x), float(y), track[0].time_s) - height_at(document, first.x_m, first.y_m, track[0].time_s)
        return replace(first, x_m=float(x), y_m=float(y), z_m=first.z_m + rise)

    # Where the way has a corner, the one behind has it later: its own keyframes lie at the corners and where the leader's are.
    times = {k.time_s for k in track}
    for corner in stations[:-1]:
        if corner + metres < stations[-1] and len(track) > 1:
            times.add(float(np.interp(corner + metres, stations, [k.time_s for k in track])))
    moments = [k.time_s for k in track]
    return tuple(Keyframe(t, place(float(np.interp(t, moments, stations)) - metres)) for t in sorted(times))
