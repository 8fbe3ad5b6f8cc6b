"""Timed poses of a log -> keyframes on the document's clock, cut to the window that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from editor.entities import Agent, Keyframe
from editor.formats.report import Dropped, FormatError
from editor.track import SAME_MOMENT_S, pose_at
from engine.spec.grid import RATE_HZ

GAP_S = 0.5
"""An agent unseen for longer than this is gone in between: its track is cut there."""
GAP_PERIODS = 1.75
"""So it is in a slow log, once a sample is missing: then two periods lie between its neighbours, give or take the stamps' jitter."""
FRAME_S = 1 / RATE_HZ
STILL_S = 4.0
"""A log of one moment becomes a scene of this length."""
STILL_NOTE = f"The source holds one moment: the scene stands still for {STILL_S:g} s."


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a log's clock that becomes the scene; `start_s` is the scene's zero."""

    start_s: float
    end_s: float
    is_still: bool = False
    """Whether the log has one moment only, which then holds for the whole scene."""

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Track:
    """One agent of a log: box bottom centres in the world frame on the log's clock (rising)."""

    name: str
    class_name: str
    size_m: tuple[float, float, float]
    keyframes: tuple[Keyframe, ...]


def choose_window(source: str, length_s: float, start_s: float, duration_s: float | None) -> Window:
    """The asked-for part of a log that is `length_s` long; FormatError where there is nothing in it."""
    is_still = length_s < FRAME_S
    latest_s = 0.0 if is_still else length_s - FRAME_S
    if not np.isfinite(start_s) or not 0 <= start_s <= latest_s + SAME_MOMENT_S:
        raise FormatError(f"{source} is {length_s:.2f} s long and cannot start at {start_s:g} s: choose a start within it.")
    if duration_s is not None and not (np.isfinite(duration_s) and duration_s >= FRAME_S - SAME_MOMENT_S):
        raise FormatError(f"A duration of {duration_s:g} s holds no scene: ask for {FRAME_S:.3f} s or more, or leave it out.")
    if is_still:
        return Window(0.0, STILL_S if duration_s is None else float(duration_s), True)
    end_s = length_s if duration_s is None else min(length_s, start_s + duration_s)
    return Window(float(start_s), float(end_s))


def sampling_period_s(tracks: Sequence[Track], stamps_s: np.ndarray) -> float:
    """How far apart a log sees its agents, whatever its own clock does: the median over all of them, or over its stamps (N,)."""
    steps = [np.diff([keyframe.time_s for keyframe in track.keyframes]) for track in tracks]
    known = np.concatenate([*steps, np.zeros(0)])
    known = known if len(known) else np.diff(stamps_s)
    return float(np.median(known)) if len(known) else FRAME_S


def longest_gap_s(period_s: float) -> float:
    """The longest time between two sights of an agent that is there all the while."""
    return max(GAP_S, GAP_PERIODS * period_s)


def keyframes_in(window: Window, keyframes: Sequence[Keyframe]) -> tuple[Keyframe, ...]:
    """The keyframes of a log's clock on the scene's clock; a track that crosses the window's edge gets an interpolated one on it."""
    low, high = window.start_s - SAME_MOMENT_S, window.end_s + SAME_MOMENT_S
    if not keyframes or keyframes[-1].time_s < low or keyframes[0].time_s > high:
        return ()
    inside = [keyframe for keyframe in keyframes if low <= keyframe.time_s <= high]
    if keyframes[0].time_s < low and (not inside or inside[0].time_s > window.start_s + SAME_MOMENT_S):
        inside.insert(0, Keyframe(window.start_s, pose_at(keyframes, window.start_s)))
    if keyframes[-1].time_s > high and inside[-1].time_s < window.end_s - SAME_MOMENT_S:
        inside.append(Keyframe(window.end_s, pose_at(keyframes, window.end_s)))
    return tuple(Keyframe(max(0.0, keyframe.time_s - window.start_s), keyframe.pose) for keyframe in inside)


def agents_in(window: Window, tracks: Sequence[Track], stamps_s: np.ndarray) -> tuple[list[Agent], list[Dropped], list[str]]:
    """The agents of a log's tracks in a window, those that are not in it, and what a user should know of their gaps.

    `stamps_s` (N,) are the log's own, for its sampling period where no agent is seen twice.
    """
    period_s = sampling_period_s(tracks, stamps_s)
    agents = [agent for number, track in enumerate(tracks, 1) for agent in agents_of(track, number, window, period_s)]
    inside, dropped, notes = len({agent.instance_id for agent in agents}), [], []
    if outside := len(tracks) - inside:
        dropped.append(Dropped("track", outside, "not seen in the part that was asked for"))
    if cut := len(agents) - inside:
        notes.append(
            f"{cut} gaps of more than {longest_gap_s(period_s):.2g} s: those tracks go on as another agent with the same instance id."
        )
    if window.is_still:
        notes.append(STILL_NOTE)
    return agents, dropped, notes


def agents_of(track: Track, instance_id: int, window: Window, period_s: float) -> tuple[Agent, ...]:
    """The agents of one track: one per stretch without a gap, all with the same instance id; none outside the window.

    `period_s` is the log's sampling period: a box seen only once exists for half of it before and after.
    """
    # One moment is all there is: what is seen in it is there throughout.
    seen = track.keyframes[:1] if window.is_still else track.keyframes
    longest_s = longest_gap_s(period_s)
    cuts = [0, *(i for i in range(1, len(seen)) if seen[i].time_s - seen[i - 1].time_s > longest_s), len(seen)]
    agents = []
    for number, (first, last) in enumerate(zip(cuts, cuts[1:], strict=False)):
        keyframes = keyframes_in(window, seen[first:last])
        if not keyframes:
            continue
        half = window.duration_s if window.is_still else period_s / 2 if last - first == 1 else 0.0
        appears, disappears = seen[first].time_s - half - window.start_s, seen[last - 1].time_s + half - window.start_s
        agents.append(
            Agent(
                id=f"agent-{instance_id}" + (f"-{number + 1}" if number else ""),
                instance_id=instance_id,
                class_name=track.class_name,
                size_m=track.size_m,
                keyframes=keyframes,
                appears_s=appears if appears > SAME_MOMENT_S else None,
                disappears_s=disappears if disappears < window.duration_s - SAME_MOMENT_S else None,
                source="imported",
                name=track.name,
            )
        )
    return tuple(agents)
