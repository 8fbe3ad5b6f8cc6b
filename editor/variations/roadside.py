"""What stands or rides beside the ego's lane: a closed lane, and a queue of cyclists."""

from __future__ import annotations

import numpy as np

from editor.clip import frame_count
from editor.document import Document
from editor.entities import Agent
from editor.variations.drive import Lane, Street, driven_street, street_of
from editor.variations.guarantees import new_agents_are_sound, of_class, only_agents_differ
from editor.variations.motion import EGO_FRONT_M, EGO_HALF_WIDTH_M, in_the_way, motion_of
from editor.variations.variation import NoPlace, Range, Setting, Values, Variation, added, put_agents
from engine.spec.classes import DEFAULT_SIZE_M
from engine.spec.grid import RATE_HZ

_FROM_EDGE_M = 0.3
"""Cones stand so far inside the lane that they close."""
_FROM_KERB_M = 0.9
"""Cyclists ride so far from the kerb."""


def _lane_closure(setting: Setting) -> Document:
    street, values = driven_street(setting.document), setting.values
    drive = street.drive
    first, last = EGO_FRONT_M + 3.0, drive.length_m + 15.0
    runs = values["taper_m"] + values["works_m"]
    starts = first + (last - first) * setting.rng.permutation(np.linspace(0.0, 1.0, 12))
    for start in starts:
        section = street.lanes_at(float(start))
        if section is None:
            continue
        right = street.right_hand(section)
        for to_left in (not right, right):
            if not street.kerb_is_steady(float(start) - 2.0, float(start) + runs, to_left):
                continue
            for lane in section.lanes_beside(to_left)[:2][::-1]:
                agents = _works(street, float(start), lane, to_left, values)
                placed = None if agents is None else _cleared(setting.document, agents)
                if placed is not None:
                    return placed
    raise NoPlace("Along the ego's way there is no lane of its own direction beside its lane that could be closed over that length.")


def _works(street: Street, start_m: float, lane: Lane, to_left: bool, values: Values) -> list[Agent] | None:
    """Cones along the taper and beside the closed lane, a barrier across it and a machine behind; None where they leave the road."""
    outer, inner = (lane.left_m, lane.right_m) if to_left else (lane.right_m, lane.left_m)
    sign = 1.0 if to_left else -1.0
    outer, inner = outer - sign * _FROM_EDGE_M, inner + sign * _FROM_EDGE_M
    steps = int(np.ceil(values["taper_m"] / values["spacing_m"]))
    along = np.linspace(0.0, values["taper_m"], steps + 1)
    more = values["taper_m"] + values["spacing_m"] * np.arange(1, int(values["works_m"] // values["spacing_m"]) + 1)
    stations = start_m + np.concatenate([along, more])
    left = np.concatenate([outer + (inner - outer) * along / values["taper_m"], np.full(len(more), inner)])
    xy, yaw = street.drive.place(stations, left)
    if not street.on_road(xy):
        return None
    agents = [_standing(street, "traffic_cone", p, h, "taper") for p, h in zip(xy, yaw, strict=True)]
    end = start_m + values["taper_m"]
    for class_name, ahead, aside in (("barrier", 1.5, (inner + outer) / 2), ("construction_vehicle", 6.5, outer - sign * 1.3)):
        if class_name == "construction_vehicle" and lane.width_m < 3.3:
            continue
        (point,), (heading,) = street.drive.place(end + ahead, aside)
        agents.append(_standing(street, class_name, point, heading, "closes the lane"))
    return agents


def _standing(street: Street, class_name: str, xy: np.ndarray, yaw: float, name: str) -> Agent:
    return Agent("", 0, class_name, DEFAULT_SIZE_M[class_name], (street.keyframe(0.0, *xy, yaw),), name=name)


def _cleared(document: Document, agents: list[Agent]) -> Document | None:
    """With the agents, without those that would run into them; None where the ego would."""
    frames = frame_count(document)
    met = dict.fromkeys(name for agent in agents for name in in_the_way(document, motion_of(agent, frames), 0.1))
    return None if "ego" in met else put_agents(document, *agents, removed=tuple(met))


def _lane_closure_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after) or new_agents_are_sound(before, after):
        return broken
    fresh = added(before, after)
    cones = of_class(fresh, "traffic_cone")
    if len(of_class(fresh, "barrier")) != 1 or len(cones) < 6:
        return "A closure has a barrier and at least six cones."
    points = np.array([(cone.keyframes[0].pose.x_m, cone.keyframes[0].pose.y_m) for cone in cones])
    stations, left = street_of(after).drive.stations_of(points)
    apart = np.hypot(*np.diff(points, axis=0).T)
    if apart.max() > values["spacing_m"] * 1.1 + 0.6:
        return f"Two cones stand {apart.max():.1f} m apart, {values['spacing_m']:.1f} m were asked for."
    inner = np.abs(left).min()
    tapering = np.abs(left) > inner + 0.05
    run = stations[~tapering].min() - stations.min()
    if abs(run - values["taper_m"]) > max(0.75, values["spacing_m"] / 2):
        return f"The taper runs over {run:.1f} m, not {values['taper_m']:.1f} m."
    if np.abs(left).max() - inner < 1.5:
        return "The taper does not go across a lane."
    return None


def _cyclist_queue(setting: Setting) -> Document:
    street, values = driven_street(setting.document), setting.values
    drive, document = street.drive, setting.document
    length = DEFAULT_SIZE_M["bicycle"][0]
    gaps = values["gap_m"] * setting.rng.uniform(0.9, 1.1, values["cyclists"] - 1)
    behind = np.concatenate([[0.0], np.cumsum(gaps + length)])
    for time_s in setting.moments(0.0, document.duration_s):
        at = float(np.interp(time_s, drive.times_s, drive.station_m)) + EGO_FRONT_M + 6.0
        section = street.section(at)
        if section is None:
            continue
        right = street.right_hand(street.lanes_at(at) or section)
        edge = -section.right_edge_m if right else section.left_edge_m
        aside = edge - _FROM_KERB_M
        if aside < EGO_HALF_WIDTH_M + 0.6:
            continue
        agents = []
        for place in behind:
            stations = at + behind[-1] / 2 - place + values["speed_m_s"] * (drive.times_s - time_s)
            xy, yaw = drive.place(stations, -aside if right else aside)
            if not street.on_road(xy[np.abs(stations - drive.station_m) < 60.0]):
                break
            keep = sorted({*range(0, len(stations), 6), len(stations) - 1})
            track = tuple(street.keyframe(drive.times_s[k], *xy[k], yaw[k]) for k in keep)
            agents.append(Agent("", 0, "bicycle", DEFAULT_SIZE_M["bicycle"], track, name="rides in the queue"))
        else:
            placed = _cleared(document, agents)
            if placed is not None:
                return placed
    raise NoPlace("Nowhere along the ego's way is there room between its lane and the kerb for cyclists.")


def _cyclist_queue_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after) or new_agents_are_sound(before, after):
        return broken
    riders = added(before, after)
    if len(riders) != values["cyclists"] or any(rider.class_name != "bicycle" for rider in riders):
        return f"{len(riders)} agents were added and {values['cyclists']} cyclists were asked for."
    centers = np.stack([motion_of(rider, frame_count(after)).center_m for rider in riders])
    gaps = np.hypot(*np.moveaxis(np.diff(centers, axis=0), -1, 0)) - DEFAULT_SIZE_M["bicycle"][0]
    if (np.abs(gaps - values["gap_m"]) > 0.25 * values["gap_m"] + 0.3).any():
        return f"Two cyclists ride {gaps.min():.1f} to {gaps.max():.1f} m apart, {values['gap_m']:.1f} m were asked for."
    speed = np.hypot(*np.moveaxis(np.diff(centers, axis=1), -1, 0)) * RATE_HZ
    if speed.size and abs(float(speed.mean()) - values["speed_m_s"]) > 0.2 * values["speed_m_s"] + 0.2:
        return f"The cyclists ride {speed.mean():.1f} m/s, {values['speed_m_s']:.1f} were asked for."
    return None


LANE_CLOSURE = Variation(
    "lane_closure",
    "A lane beside the ego's is closed: cones taper across it and go on along it, a barrier and a machine stand behind them.",
    "Cones stand no farther apart than `spacing_m` (a tenth more along bends), their taper goes across the whole lane over `taper_m`, and nothing stands in "
    "the ego's way; whoever would run into the works is left out, and nothing else changes.",
    {
        "taper_m": Range(15.0, 30.0, "length of the taper, metres", 5.0, 150.0),
        "spacing_m": Range(2.0, 4.0, "between cones, metres", 1.0, 12.0),
        "works_m": Range(10.0, 20.0, "length closed behind the taper, metres", 6.0, 200.0),
    },
    _lane_closure,
    _lane_closure_holds,
)
CYCLIST_QUEUE = Variation(
    "cyclist_queue",
    "A queue of cyclists rides along the kerb of the ego's side.",
    "Exactly `cyclists` bicycles are added, `gap_m` apart (within a quarter) at every frame, at `speed_m_s`, none in the ego's way; whoever would run into "
    "them is left out, and nothing else changes.",
    {
        "cyclists": Range(3, 8, "how many", 2, 40, whole=True),
        "gap_m": Range(1.5, 4.0, "between one wheel and the next, metres", 0.5, 20.0),
        "speed_m_s": Range(3.0, 6.0, "how fast they ride, m/s", 0.5, 14.0),
    },
    _cyclist_queue,
    _cyclist_queue_holds,
)
