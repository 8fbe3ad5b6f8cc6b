"""How hard a track brakes: where its speed drops, it drops over a stretch of road instead of at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from editor import check
from editor.document import Document, Edit, EditError
from editor.edits.agents import tracked, with_track
from editor.entities import Keyframe
from editor.track import pose_at, stations_m
from engine.spec.grid import RATE_HZ

USUAL_M_S2 = 8.0
"""What a car's brakes do on a dry road."""
STAYS_M = 0.01
"""Two keyframes no farther apart than this are a stop."""
FINE_M = 0.1
STEP_S = 1 / RATE_HZ
"""Keyframes along a stretch of braking lie a frame apart: a track is straight in time between two."""


def brake_within(id: str, limit_m_s2: float = USUAL_M_S2) -> Edit:
    """Lets a track brake early enough that it never slows down by more than `limit_m_s2` (m/s^2) from its first keyframe to its last.

    Its way, its stops and its first moment stay. Where the way is too short for that, it begins slower. Speeding up stays as it is.
    """
    limit = check.number(limit_m_s2, "The limit of braking", 0.1, 20.0)

    def edit(document: Document) -> Document:
        owner = tracked(document, id)
        if len(owner.keyframes) < 2:
            raise EditError(f"'{id}' has no way to go yet: give it a waypoint first.")
        track = braked(owner.keyframes, limit)
        return document if track == owner.keyframes else with_track(document, owner, track)

    return edit


def braked(track: Sequence[Keyframe], limit_m_s2: float) -> tuple[Keyframe, ...]:
    """The same way within the limit: the same keyframes, at their times or later, and more of them where it brakes."""
    stations, lasts = stations_m(track, STAYS_M), np.diff([k.time_s for k in track])
    far = np.diff(stations)
    if stations[-1] == 0.0:
        return tuple(track)
    fine = np.unique(np.concatenate([stations, np.arange(0.0, stations[-1], FINE_M)]))
    own, begins, ends = _speeds(fine, stations, far / lasts, limit_m_s2)
    arrives = np.concatenate([[0.0], np.cumsum(2 * np.diff(fine) / (begins + ends))])
    made, late_s = [track[0]], 0.0
    for k, (a, b) in enumerate(zip(track, track[1:], strict=False)):
        first, last = np.searchsorted(fine, (stations[k], stations[k + 1]))
        braking = np.flatnonzero(ends[first:last] < own[first:last] * (1 - 1e-9))
        if len(braking):
            when = a.time_s + late_s + arrives[first : last + 1] - arrives[first]
            # It brakes to the stretch's end: all that slows it down is what comes behind that.
            for moment in np.arange(when[braking[0]], when[-1] - STEP_S / 4, STEP_S):
                j = min(int(np.searchsorted(when, moment, side="right")) - 1, last - first - 1)
                since, span = moment - when[j], when[j + 1] - when[j]
                slows = (begins[first + j] - ends[first + j]) / span
                share = (fine[first + j] + since * (begins[first + j] - slows * since / 2) - stations[k]) / far[k]
                if moment > made[-1].time_s + 1e-6:
                    made.append(Keyframe(float(moment), pose_at(track, float(a.time_s + share * lasts[k]))))
            late_s += float(when[-1] - when[0] - lasts[k])
        made.append(replace(b, time_s=b.time_s + late_s))
    return tuple(made)


def _speeds(fine: np.ndarray, stations: np.ndarray, speeds: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Speeds (m/s) of the pieces between the stations `fine` (m): as they were, and within the limit at each piece's begin and end."""
    moving = speeds > 0
    own = speeds[moving][np.searchsorted(stations[1:][moving], (fine[:-1] + fine[1:]) / 2)]
    stands = np.isin(fine, stations[:-1][~moving])
    begins, ends = own.copy(), own.copy()
    for j in range(len(own) - 1, -1, -1):
        behind = 0.0 if stands[j + 1] else begins[j + 1] if j + 1 < len(own) else np.inf
        ends[j] = min(own[j], behind)
        begins[j] = min(own[j], np.sqrt(ends[j] ** 2 + 2 * limit * (fine[j + 1] - fine[j])))
    return own, begins, ends
