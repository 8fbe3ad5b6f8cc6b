"""Vehicles that do what the ego must answer to: cut in, brake hard, come the wrong way.

Each is laid out relative to the ego's own motion: the gap from the ego's front bumper to the vehicle's near end is a function of time, so
that the time to collision is what was asked for also where the ego speeds up or slows down.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from editor.clip import frame_count
from editor.document import Document
from editor.entities import Agent
from editor.variations.drive import Lane, Street, driven_street
from editor.variations.guarantees import gap_and_closing, new_agents_are_sound, only_agents_differ, time_to_collision_s
from editor.variations.motion import EGO_FRONT_M, EGO_HALF_WIDTH_M, in_the_way, motion_of
from editor.variations.variation import Choice, NoPlace, Range, Setting, Values, Variation, added, put_agents
from engine.spec.classes import DEFAULT_SIZE_M
from engine.spec.grid import RATE_HZ

TTC_TOLERANCE_S = 0.15
"""How far a time to collision measured at 12 Hz may be from the one asked for."""
BEYOND_SIGHT_M = 60.0
"""A vehicle may come into being when it is farther ahead than this: no grid reaches there."""
_DRIVEN = ("bicycle", "bus", "car", "motorcycle", "trailer", "truck")
_STEP_S = 1 / RATE_HZ
_BUMPER_M = 0.5
"""Vehicles keep at least this much between bumpers."""


def _vehicle(street: Street, class_name: str, stations: np.ndarray, left_m: np.ndarray, name: str, against: bool = False) -> Agent | None:
    """A vehicle whose middle is at stations (T,) and so far left of the drive at each frame; None where it would leave the road or reverse."""
    driven = -np.diff(stations) if against else np.diff(stations)
    if (driven < -1e-6).any():
        return None
    xy, yaw = street.drive.place(stations, left_m)
    if not street.on_road(xy):
        return None
    moved = np.gradient(left_m) / np.maximum(np.abs(np.gradient(stations)), 0.05)
    heading = yaw + np.arctan(moved) if not against else yaw + np.pi - np.arctan(moved)
    track = tuple(street.keyframe(t, *p, h) for t, p, h in zip(street.drive.times_s, xy, heading, strict=True))
    return Agent("", 0, class_name, DEFAULT_SIZE_M[class_name], track, name=name)


def _put(document: Document, agent: Agent) -> Document | None:
    """With the agent, and without agents that it would run into; None where that is the ego, or nearly all there are."""
    met = in_the_way(document, motion_of(agent, frame_count(document)), 0.2)
    return None if "ego" in met or len(met) > 4 else put_agents(document, agent, removed=met)


def _ahead(street: Street, gap_m: np.ndarray, class_name: str) -> np.ndarray:
    """Stations of the middle of a vehicle whose rear is so far ahead of the ego's front."""
    return street.drive.station_m + EGO_FRONT_M + gap_m + DEFAULT_SIZE_M[class_name][0] / 2


def _cut_in(setting: Setting) -> Document:
    street, values = driven_street(setting.document), setting.values
    times, kind = street.drive.times_s, values["vehicle"]
    closing, ttc = values["closing_m_s"], values["ttc_s"]
    easing = 1.1 * closing / ttc
    for at_s in setting.moments(0.5, setting.document.duration_s - 0.5):
        section = street.lanes_at(float(np.interp(at_s, times, street.drive.station_m)))
        if section is None or np.interp(at_s, times, street.drive.speed_m_s) < closing + 1.0:
            continue
        after = np.maximum(times - at_s, 0.0)
        eased = np.minimum(after, closing / easing)
        gap = closing * ttc + closing * np.maximum(at_s - times, 0.0) - closing * eased + easing * eased**2 / 2
        first = setting.rng.random() < 0.5
        for to_left in (first, not first):
            lanes = section.lanes_beside(to_left)
            if not lanes or (not section.dividers_m and _is_oncoming(setting.document, street, lanes[0])):
                continue
            begun = abs(lanes[0].middle_m)
            share = _sides_meet(
                begun, DEFAULT_SIZE_M[kind], values["lane_change_s"] * (np.interp(at_s, times, street.drive.speed_m_s) - closing)
            )
            if share is None:
                continue
            phase = np.clip((times - at_s) / values["lane_change_s"] + share, 0.0, 1.0)
            left = (1 if to_left else -1) * begun * (1 - _smoothstep(phase))
            agent = _vehicle(street, kind, _ahead(street, gap, kind), left, "cuts in")
            placed = None if agent is None else _put(setting.document, agent)
            if placed is not None:
                return placed
    raise NoPlace("Nowhere does the ego drive fast enough beside a lane from which a vehicle could cut in.")


def _is_oncoming(document: Document, street: Street, lane: Lane) -> bool:
    """Whether somebody in a lane faces the ego's drive, half-way through the scene: where no line tells, traffic does."""
    frames = frame_count(document)
    agents = [motion_of(agent, frames) for agent in document.of(Agent) if agent.class_name in _DRIVEN]
    if not agents:
        return False
    half = frames // 2
    stations, left = street.drive.stations_of(np.array([motion.center_m[half] for motion in agents]))
    _, yaw = street.drive.place(stations)
    facing = np.cos(np.array([motion.yaw_rad[half] for motion in agents]) - yaw) < -0.5
    return bool((facing & (left > lane.right_m) & (left < lane.left_m)).any())


def _smoothstep(phase: np.ndarray) -> np.ndarray:
    return phase * phase * (3 - 2 * phase)


def _sides_meet(begun_m: float, size_m: tuple[float, float, float], runs_m: float) -> float | None:
    """The share of a lane change, over `runs_m` of road and `begun_m` across, at which the vehicle's side, turned as it is, comes to overlap
    the ego's; None where they overlap from the start."""
    phase = np.linspace(0.0, 1.0, 401)
    turn = np.arctan(begun_m * 6 * phase * (1 - phase) / max(runs_m, 1.0))
    side = begun_m * (1 - _smoothstep(phase)) - (np.sin(turn) * size_m[0] + np.cos(turn) * size_m[1]) / 2 - EGO_HALF_WIDTH_M
    return None if side[0] < 0.1 else float(phase[np.argmax(side < -0.02)])


def _cut_in_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after) or new_agents_are_sound(before, after):
        return broken
    (agent, *more) = added(before, after)
    gap, closing, aside = gap_and_closing(after, agent)
    inside = np.nonzero((aside[1:] < 0) & (aside[:-1] >= 0))[0] + 1
    if more or len(inside) != 1 or aside[-1] >= 0:
        return "The vehicle does not enter the ego's lane once and stay in it."
    ttc = gap[inside[0]] / closing[inside[0]]
    if not abs(ttc - values["ttc_s"]) <= TTC_TOLERANCE_S:
        return f"The time to collision is {ttc:.2f} s where the vehicle cuts in, not {values['ttc_s']:.2f} s."
    return _ahead_for_good(gap)


def _ahead_for_good(gap: np.ndarray) -> str | None:
    return None if np.nanmin(gap) >= _BUMPER_M - 1e-6 else f"The vehicle is {np.nanmin(gap):.2f} m before the ego's bumper."


def _hard_brake(setting: Setting) -> Document:
    street, values = driven_street(setting.document), setting.values
    times, kind = street.drive.times_s, values["vehicle"]
    braking, ttc = values["braking_m_s2"], values["ttc_s"]
    closing = min(values["closing_m_s"], 3.6 * ttc)
    lasts = closing / braking
    for at_s in setting.moments(lasts + 0.25, setting.document.duration_s - 0.25):
        if np.interp(at_s, times, street.drive.speed_m_s) < closing + 0.3:
            continue
        begins, held = at_s - _STEP_S - lasts, at_s - _STEP_S
        braked = np.clip(times - begins, 0.0, lasts)
        coasted = np.clip(times - held, 0.0, _STEP_S)
        eased = np.clip(times - at_s, 0.0, ttc / 1.05)
        lost = braking * braked**2 / 2 + closing * coasted + closing * eased - (1.05 * closing / ttc) * eased**2 / 2
        gap = closing * ttc + closing * _STEP_S + closing * lasts / 2 - lost
        agent = _vehicle(street, kind, _ahead(street, gap, kind), np.zeros(len(times)), "brakes hard")
        placed = None if agent is None else _put(setting.document, agent)
        if placed is not None:
            return placed
    raise NoPlace("Nowhere does the ego drive fast enough, on a road that goes on, for a vehicle ahead of it to brake hard.")


def _hard_brake_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after) or new_agents_are_sound(before, after):
        return broken
    (agent, *more) = added(before, after)
    gap, closing, aside = gap_and_closing(after, agent)
    if more or (aside >= 0).any():
        return "It takes one vehicle, in the ego's own lane all the time."
    least = float(time_to_collision_s(after, agent).min())
    if abs(least - values["ttc_s"]) > TTC_TOLERANCE_S:
        return f"The least time to collision is {least:.2f} s, not {values['ttc_s']:.2f} s."
    braked = float(np.nanmax(np.diff(closing))) * RATE_HZ
    if braked > 1.25 * values["braking_m_s2"] + 0.5:
        return f"The vehicle brakes at {braked:.1f} m/s2 against the ego, more than the {values['braking_m_s2']:.1f} asked for."
    return _ahead_for_good(gap)


def _wrong_way(setting: Setting) -> Document:
    street, values = driven_street(setting.document), setting.values
    times, kind, speed = street.drive.times_s, values["vehicle"], values["speed_m_s"]
    length = DEFAULT_SIZE_M[kind][0]
    last = float(times[-1])
    station = street.drive.station_m
    ego_speed = (station[-1] - station[-2]) * RATE_HZ if len(station) > 1 else 0.0
    gap_at_end = values["ttc_s"] * (speed + ego_speed)
    front = station[-1] + EGO_FRONT_M + gap_at_end + speed * (last - times)
    gap = front - station - EGO_FRONT_M
    begins = int(np.argmax(gap <= BEYOND_SIGHT_M))
    if gap[-1] > BEYOND_SIGHT_M:
        raise NoPlace("The vehicle would be beyond sight to the end.")
    shown = slice(begins, None)
    stations = front[shown] + length / 2
    xy, yaw = street.drive.place(stations)
    seen = stations <= station[-1] + 30.0
    if not seen.any() or not street.on_road(xy[seen]):
        raise NoPlace("The ego's road does not go on far enough for a vehicle to come along it.")
    track = tuple(street.keyframe(t, *p, h + np.pi) for t, p, h in zip(times[shown], xy, yaw, strict=True))
    agent = Agent("", 0, kind, DEFAULT_SIZE_M[kind], track, name="drives the wrong way")
    if begins > 0:
        agent = replace(agent, appears_s=float(times[begins]))
    placed = _put(setting.document, agent)
    if placed is None:
        raise NoPlace("Too many others stand or drive in the ego's lane for a vehicle to come the wrong way along it.")
    return placed


def _wrong_way_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after) or new_agents_are_sound(before, after):
        return broken
    (agent, *more) = added(before, after)
    gap, closing, aside = gap_and_closing(after, agent)
    street = driven_street(after)
    motion = motion_of(agent, frame_count(after))
    _, yaw = street.drive.place(street.drive.stations_of(motion.center_m)[0])
    turned = np.cos(motion.yaw_rad - yaw)[motion.exists]
    if more or (aside[motion.exists] >= 0).any() or (turned > -0.8).any():
        return "It takes one vehicle, that comes towards the ego in the ego's own lane."
    if agent.appears_s is not None and gap[motion.exists][0] < 0.9 * BEYOND_SIGHT_M:
        return "The vehicle appears in sight of the ego."
    ttc = gap[-1] / closing[-1]
    if not abs(ttc - values["ttc_s"]) <= TTC_TOLERANCE_S:
        return f"The time to collision is {ttc:.2f} s at the end, not {values['ttc_s']:.2f} s."
    return None


_VEHICLES = Choice(("car", "truck"), "class of the vehicle")
_OTHERS = "whoever was in its way is left out, and nothing else changes"
CUT_IN = Variation(
    "cut_in",
    "A vehicle from the lane beside moves into the ego's lane, close ahead and slower than the ego, and then keeps ahead.",
    f"At the frame at which their sides come to overlap the time to collision is `ttc_s` (within {TTC_TOLERANCE_S} s), bumpers stay at least {_BUMPER_M} m "
    f"apart; {_OTHERS}.",
    {
        "ttc_s": Range(1.0, 3.0, "time to collision when it cuts in: gap over closing speed, seconds", 0.5, 8.0),
        "closing_m_s": Range(2.0, 5.0, "how much slower than the ego it is then, m/s", 1.0, 20.0),
        "lane_change_s": Range(2.0, 3.5, "how long it takes to change the lane, seconds", 1.0, 8.0),
        "vehicle": _VEHICLES,
    },
    _cut_in,
    _cut_in_holds,
)
HARD_BRAKE = Variation(
    "hard_brake",
    "A vehicle ahead of the ego in its lane brakes hard, and lets go before the ego meets it.",
    f"The least time to collision of the scene is `ttc_s` (within {TTC_TOLERANCE_S} s), the vehicle brakes no harder against the ego than `braking_m_s2`, "
    f"bumpers stay at least {_BUMPER_M} m apart; {_OTHERS}.",
    {
        "ttc_s": Range(1.0, 2.5, "least time to collision, seconds", 0.6, 6.0),
        "braking_m_s2": Range(4.0, 8.0, "how hard it brakes, relative to the ego, m/s2", 1.0, 10.0),
        "closing_m_s": Range(3.0, 7.0, "speed that it loses against the ego, m/s; at most 3.6 x ttc_s, so that it can get away", 1.0, 20.0),
        "vehicle": _VEHICLES,
    },
    _hard_brake,
    _hard_brake_holds,
)
WRONG_WAY = Variation(
    "wrong_way",
    "A vehicle comes towards the ego in the ego's own lane.",
    f"Its heading is against the ego's drive and it is in the ego's lane at every frame; at the last frame the time to collision is `ttc_s` "
    f"(within {TTC_TOLERANCE_S} s); it comes into being no nearer than {0.9 * BEYOND_SIGHT_M:.0f} m ahead; {_OTHERS}.",
    {
        "ttc_s": Range(0.5, 2.0, "time to collision at the end of the scene, seconds", 0.3, 6.0),
        "speed_m_s": Range(5.0, 12.0, "how fast it comes, m/s", 1.0, 40.0),
        "vehicle": _VEHICLES,
    },
    _wrong_way,
    _wrong_way_holds,
)
