"""Measurements on finished Documents that guarantees are made of. Nothing here knows how a variation built what is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from editor.clip import frame_count
from editor.document import Document
from editor.entities import Agent
from editor.track import speed_between
from editor.validate import FASTEST_M_S
from editor.variations.drive import street_of
from editor.variations.motion import EGO_FRONT_M, EGO_HALF_WIDTH_M, in_the_way, motion_of
from editor.variations.variation import added
from engine.spec.grid import RATE_HZ


def only_agents_differ(before: Document, after: Document) -> str | None:
    """Whether nothing but added and removed agents tells two documents apart."""
    heads = [(d.name, d.duration_s, d.grid, d.prompt, d.notes) for d in (before, after)]
    if heads[0] != heads[1] or before.ego != after.ego or before.ground is not after.ground:
        return "Something other than agents changed."
    for key, entity in before.entities.items():
        other = after.entities.get(key)
        if other is None and not isinstance(entity, Agent):
            return f"'{key}' was removed, which is no agent."
        if other is not None and other is not entity and other != entity:
            return f"'{key}' changed."
    return None


def new_agents_are_sound(before: Document, after: Document, new_tracks: bool = True) -> str | None:
    """Whether whoever is new has an instance id of its own, goes no faster than its kind can (where the track is ours), and runs into nobody
    at any frame."""
    fresh = added(before, after)
    if not fresh:
        return "Nobody was added."
    instances = [agent.instance_id for agent in after.of(Agent)]
    for agent in fresh:
        if instances.count(agent.instance_id) > 1:
            return f"'{agent.id}' shares the instance id {agent.instance_id} with another agent."
        fastest = max((speed_between(a, b) for a, b in zip(agent.keyframes, agent.keyframes[1:], strict=False)), default=0.0)
        if new_tracks and fastest > FASTEST_M_S[agent.class_name]:
            return f"'{agent.id}' goes {fastest:.1f} m/s, more than a {agent.class_name} can."
        met = in_the_way(after, motion_of(agent, frame_count(after)), 0.0, frozenset({agent.id}))
        if met:
            return f"'{agent.id}' runs into '{met[0]}'."
    return None


def of_class(agents: Sequence[Agent], *classes: str) -> list[Agent]:
    return [agent for agent in agents if agent.class_name in classes]


def gap_and_closing(document: Document, agent: Agent) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Along the ego's drive, at each frame: metres from the ego's front bumper to the nearest end of an agent, the speed (m/s) at which
    they shrank since the frame before (NaN at the first), and metres between their sides (negative where they share a lane).

    The agent's ends are those of its length along its heading.
    """
    drive = street_of(document).drive
    motion = motion_of(agent, frame_count(document))
    stations, left = drive.stations_of(motion.center_m)
    _, road_yaw = drive.place(stations)
    turn = motion.yaw_rad - road_yaw
    half = (np.abs(np.cos(turn)) * agent.size_m[0] + np.abs(np.sin(turn)) * agent.size_m[1]) / 2
    across = (np.abs(np.sin(turn)) * agent.size_m[0] + np.abs(np.cos(turn)) * agent.size_m[1]) / 2
    gap = stations - half - drive.station_m - EGO_FRONT_M
    closing = np.concatenate([[np.nan], -np.diff(gap) * RATE_HZ])
    there = motion.exists
    return np.where(there, gap, np.nan), np.where(there, closing, np.nan), np.abs(left) - across - EGO_HALF_WIDTH_M


def time_to_collision_s(document: Document, agent: Agent) -> np.ndarray:
    """(T,) seconds until the ego's front would meet an agent ahead of it if both kept their speeds; inf where they would not."""
    gap, closing, aside = gap_and_closing(document, agent)
    with np.errstate(divide="ignore", invalid="ignore"):
        ttc = gap / closing
    return np.where((closing > 0.05) & (gap > 0) & (aside < 0), ttc, np.inf)


def hidden_from_ego(document: Document, seen: Agent, screen: Agent) -> np.ndarray:
    """(T,) bool: at which frames the line from the ego's eye (its front bumper's middle) to the middle of `seen` goes through `screen`."""
    frames = frame_count(document)
    drive = street_of(document).drive
    eye, _ = drive.place(drive.station_m + EGO_FRONT_M)
    target = motion_of(seen, frames).center_m
    box = motion_of(screen, frames)
    c, s = np.cos(box.yaw_rad), np.sin(box.yaw_rad)

    def local(points: np.ndarray) -> np.ndarray:
        away = points - box.center_m
        return np.stack([away[:, 0] * c + away[:, 1] * s, away[:, 1] * c - away[:, 0] * s], -1)

    start, end = local(eye), local(target)
    half = np.array([box.length_m, box.width_m]) / 2
    step = np.where(np.abs(end - start) < 1e-9, 1e-9, end - start)
    near, far = np.sort(np.stack([(-half - start) / step, (half - start) / step]), axis=0)
    return (near.max(-1) < far.min(-1)) & (far.min(-1) > 0) & (near.max(-1) < 1)
