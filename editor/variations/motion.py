"""Where everybody is at every frame, as arrays: what variations build on and what their guarantees are measured with."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from editor.clip import frame_count
from editor.document import Document
from editor.entities import Agent, Keyframe
from editor.track import SAME_MOMENT_S
from editor.validate import EGO_CENTER_AHEAD_M, EGO_SIZE_M
from engine.spec.grid import RATE_HZ

EGO_FRONT_M = EGO_CENTER_AHEAD_M + EGO_SIZE_M[0] / 2
"""From the ego's origin under the rear axle to its front bumper."""
EGO_REAR_M = EGO_SIZE_M[0] / 2 - EGO_CENTER_AHEAD_M
"""From its rear bumper to its origin."""
EGO_HALF_WIDTH_M = EGO_SIZE_M[1] / 2
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A footprint over the document's frames: a rectangle in the world at k / 12 s."""

    center_m: np.ndarray
    """float64 (T, 2), world."""
    yaw_rad: np.ndarray
    """float64 (T,)."""
    length_m: float
    width_m: float
    exists: np.ndarray
    """bool (T,)."""

    def corners_m(self) -> np.ndarray:
        """(T, 4, 2): front left, front right, rear right, rear left."""
        along = np.stack([np.cos(self.yaw_rad), np.sin(self.yaw_rad)], -1) * self.length_m / 2
        left = np.stack([-np.sin(self.yaw_rad), np.cos(self.yaw_rad)], -1) * self.width_m / 2
        return self.center_m[:, None] + np.stack([along + left, along - left, -along - left, left - along], 1)


def times_of(document: Document) -> np.ndarray:
    """Seconds of the document's frames, (T,)."""
    return np.arange(frame_count(document)) / RATE_HZ


def sampled(keyframes: Sequence[Keyframe], times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x, y (T, 2) and yaw (T,) of a track at times (s): `editor.track.pose_at` for many times at once."""
    moments = np.array([keyframe.time_s for keyframe in keyframes])
    x, y = (np.interp(times_s, moments, [getattr(k.pose, axis) for k in keyframes]) for axis in ("x_m", "y_m"))
    yaw = np.interp(times_s, moments, np.unwrap([keyframe.pose.yaw_rad for keyframe in keyframes]))
    return np.stack([x, y], -1), yaw


def ego_motion(document: Document) -> Motion:
    """The ego's own footprint."""
    origin, yaw = sampled(document.ego.keyframes, times_of(document))
    center = origin + EGO_CENTER_AHEAD_M * np.stack([np.cos(yaw), np.sin(yaw)], -1)
    return Motion(center, yaw, EGO_SIZE_M[0], EGO_SIZE_M[1], np.ones(len(yaw), bool))


def motion_of(agent: Agent, frames: int) -> Motion:
    """An agent's footprint over `frames` frames; remembered for an agent that is asked about again."""
    key = (id(agent), frames)
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key][1]
    times = np.arange(frames) / RATE_HZ
    center, yaw = sampled(agent.keyframes, times)
    since = -np.inf if agent.appears_s is None else agent.appears_s - SAME_MOMENT_S
    until = np.inf if agent.disappears_s is None else agent.disappears_s + SAME_MOMENT_S
    motion = Motion(center, yaw, agent.size_m[0], agent.size_m[1], (times >= since) & (times <= until))
    with _lock:
        _known[key] = agent, motion  # the agent is kept alive beside it, so that its id cannot come to mean another
        while len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return motion


_lock = threading.Lock()
_known: OrderedDict[tuple[int, int], tuple[Agent, Motion]] = OrderedDict()


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Several footprints over the same frames."""

    names: tuple[str, ...]
    center_m: np.ndarray
    """(N, T, 2)."""
    yaw_rad: np.ndarray
    """(N, T)."""
    half_m: np.ndarray
    """(N, 2): half length, half width."""
    exists: np.ndarray
    """bool (N, T)."""
    low_m: np.ndarray
    high_m: np.ndarray
    """(N, 2): corners of what each sweeps over in all frames."""

    @staticmethod
    def of(names: Sequence[str], motions: Sequence[Motion]) -> Traffic:
        center = np.stack([motion.center_m for motion in motions])
        half = np.array([(motion.length_m, motion.width_m) for motion in motions]) / 2
        reach = np.hypot(*half.T)[:, None]
        return Traffic(
            tuple(names),
            center,
            np.stack([motion.yaw_rad for motion in motions]),
            half,
            np.stack([motion.exists for motion in motions]),
            center.min(1) - reach,
            center.max(1) + reach,
        )

    def meets(self, one: Motion, margin_m: float = 0.0) -> np.ndarray:
        """bool (N, T): at which frames footprint `one`, grown by a margin on every side, meets each of these, where both exist.

        Separating axes of two rectangles: they are apart where one of their four sides' directions tells them apart.
        """
        own = np.array([one.length_m, one.width_m]) / 2 + margin_m
        radius = float(np.hypot(*own))
        low, high = one.center_m.min(0) - radius, one.center_m.max(0) + radius
        met = np.zeros(self.yaw_rad.shape, bool)
        rows = np.nonzero(((self.low_m < high) & (self.high_m > low)).all(1))[0]
        between = self.center_m[rows] - one.center_m
        reach = radius + np.hypot(*self.half_m[rows].T)
        near = ((between**2).sum(-1) < reach[:, None] ** 2) & one.exists & self.exists[rows]
        index, frames = np.nonzero(near)
        if len(index):
            row = rows[index]
            met[row, frames] = _rectangles_meet(
                between[index, frames], one.yaw_rad[frames], own, self.yaw_rad[row, frames], self.half_m[row]
            )
        return met


def _rectangles_meet(
    between_m: np.ndarray, yaw_rad: np.ndarray, own_m: np.ndarray, other_yaw_rad: np.ndarray, other_m: np.ndarray
) -> np.ndarray:
    """bool (K,): whether rectangles of half sizes (2,) and (K, 2), with these headings (K,), the others' middles so far away (K, 2), meet."""
    c, s = np.abs(np.cos(other_yaw_rad - yaw_rad)), np.abs(np.sin(other_yaw_rad - yaw_rad))
    length, width = other_m.T
    apart = np.zeros(len(c), bool)
    for heading, along, across in (
        (yaw_rad, own_m[0] + length * c + width * s, own_m[1] + length * s + width * c),
        (other_yaw_rad, length + own_m[0] * c + own_m[1] * s, width + own_m[0] * s + own_m[1] * c),
    ):
        apart |= np.abs(between_m[:, 0] * np.cos(heading) + between_m[:, 1] * np.sin(heading)) >= along
        apart |= np.abs(between_m[:, 1] * np.cos(heading) - between_m[:, 0] * np.sin(heading)) >= across
    return ~apart


def traffic_of(document: Document) -> Traffic:
    """The ego, called 'ego', and every agent; remembered for a document with the same of both."""
    agents = tuple(document.of(Agent))
    key = (frame_count(document), id(document.ego), *map(id, agents))
    with _lock:
        if key in _traffic:
            _traffic.move_to_end(key)
            return _traffic[key][1]
    motions = [ego_motion(document), *(motion_of(agent, key[0]) for agent in agents)]
    traffic = Traffic.of(("ego", *(agent.id for agent in agents)), motions)
    with _lock:
        _traffic[key] = (document.ego, *agents), traffic
        while len(_traffic) > 8:
            _traffic.popitem(last=False)
    return traffic


_traffic: OrderedDict[tuple[int, ...], tuple[tuple[object, ...], Traffic]] = OrderedDict()


def in_the_way(document: Document, motion: Motion, margin_m: float = 0.1, but: frozenset[str] = frozenset()) -> list[str]:
    """Ids of what a footprint would run into: 'ego' and agents, without those named in `but`."""
    traffic = traffic_of(document)
    hit = traffic.meets(motion, margin_m).any(1)
    return [traffic.names[index] for index in np.nonzero(hit)[0] if traffic.names[index] not in but]
