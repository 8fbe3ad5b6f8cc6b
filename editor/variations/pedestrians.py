"""People where a driver does not expect them: from behind a parked vehicle, and many at a crossing."""

from __future__ import annotations

import numpy as np
import shapely

from editor.clip import frame_count
from editor.document import Document
from editor.entities import Agent, Area, Keyframe
from editor.variations.drive import Street, driven_street, street_of
from editor.variations.guarantees import hidden_from_ego, new_agents_are_sound, of_class, only_agents_differ
from editor.variations.motion import EGO_HALF_WIDTH_M, in_the_way, motion_of
from editor.variations.variation import Choice, NoPlace, Range, Setting, Values, Variation, added, put_agents
from engine.spec.classes import DEFAULT_SIZE_M
from engine.spec.grid import RATE_HZ

_PERSON_M = DEFAULT_SIZE_M["pedestrian"]
_CLEAR_M = EGO_HALF_WIDTH_M + _PERSON_M[0] / 2
"""A person's middle this far beside the drive is just out of the ego's way."""
_SHORTEST_HIDDEN_S = 0.5
_MOST_LEFT_OUT = 3
_FAR_M = 9.0
"""A vehicle parked farther from the drive than this hides nobody."""


def _jaywalker(setting: Setting) -> Document:
    street = driven_street(setting.document)
    size = DEFAULT_SIZE_M[setting.values["occluder"]]
    for time_s in setting.moments(1.0, setting.document.duration_s - 1.5 / RATE_HZ):
        station = float(np.interp(time_s, street.drive.times_s, street.drive.station_m)) + 3.7
        section = street.section(station)
        if section is None or street.drive.front_arrives_s(station - _PERSON_M[0] / 2) is None:
            continue
        right = street.right_hand(street.lanes_at(station) or section)
        for sign in (-1.0, 1.0) if right else (1.0, -1.0):
            edge = section.left_edge_m if sign > 0 else -section.right_edge_m
            aside = max(EGO_HALF_WIDTH_M + 0.4 + size[1] / 2, edge - size[1] / 2 - 0.2)
            if (
                aside > edge + size[1] / 2
                or aside - size[1] / 2 > _FAR_M
                or not street.kerb_is_steady(station - size[0] - 2.0, station + 2.0, sign > 0)
            ):
                continue
            placed = _parked_and_walking(setting, street, station, sign, aside)
            if placed is not None:
                return placed
    raise NoPlace("Nowhere on the ego's way is there room for a parked vehicle at the kerb and time to step out from behind it.")


def _parked_and_walking(setting: Setting, street: Street, station: float, sign: float, aside: float) -> Document | None:
    document, values = setting.document, setting.values
    length, width, height = DEFAULT_SIZE_M[values["occluder"]]
    arrives = street.drive.front_arrives_s(station - _PERSON_M[0] / 2)
    assert arrives is not None
    leaves_s = arrives - values["gap_s"]
    speed = values["speed_m_s"]
    begins_s = leaves_s - (aside + _CLEAR_M) / speed
    if begins_s + 0.3 * width / speed < _SHORTEST_HIDDEN_S:
        return None  # it would be seen too early
    middle = station - 0.35 - _PERSON_M[0] / 2 - values["clearance_m"] - length / 2
    xy, _ = street.drive.place(middle, sign * aside)
    along = street.kerb_heading(middle - length / 2, middle + length / 2, sign > 0)
    heading = along if sign < 0 else along + np.pi
    parked = Agent("", 0, values["occluder"], (length, width, height), (street.keyframe(0.0, *xy[0], heading),), name="parked")
    ends_s = leaves_s + 1.5 / speed
    (start, end), road = street.drive.place(np.full(2, station), np.array([sign * aside, -sign * (_CLEAR_M + 1.5)]))
    facing = road[0] - sign * np.pi / 2
    walk = (street.keyframe(begins_s, *start, facing), street.keyframe(ends_s, *end, facing))
    walking = Agent("", 0, "pedestrian", _PERSON_M, walk, name="steps out from behind it")
    frames = frame_count(document)
    met = dict.fromkeys(name for agent in (parked, walking) for name in in_the_way(document, motion_of(agent, frames)))
    return None if "ego" in met or len(met) > _MOST_LEFT_OUT else put_agents(document, parked, walking, removed=tuple(met))


def post_encroachment_s(document: Document, walker: Agent) -> float | None:
    """Seconds from the moment a walker has left the ego's way until the ego's front is there; None where that does not come to pass."""
    drive = street_of(document).drive
    stations, left = drive.stations_of(motion_of(walker, frame_count(document)).center_m)
    half = walker.size_m[0] / 2 + EGO_HALF_WIDTH_M
    side = np.sign(left[np.argmax(np.abs(left))])
    far = -side if abs(left[0]) >= half and np.sign(left[0]) == side else side
    beyond = far * left - half
    out = np.nonzero((beyond[1:] >= -1e-9) & (beyond[:-1] < -1e-9))[0]
    if not len(out):
        return None
    k = int(out[0])
    share = -beyond[k] / (beyond[k + 1] - beyond[k])
    arrives = drive.front_arrives_s(float(stations[k]) - walker.size_m[0] / 2)
    return None if arrives is None else arrives - float(drive.times_s[k] + share / RATE_HZ)


def _jaywalker_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after) or new_agents_are_sound(before, after):
        return broken
    fresh = added(before, after)
    walkers, parked = of_class(fresh, "pedestrian"), of_class(fresh, values["occluder"])
    if len(walkers) != 1 or len(parked) != 1 or len(fresh) != 2:
        return "It takes one walker and one parked vehicle."
    gap = post_encroachment_s(after, walkers[0])
    if gap is None or abs(gap - values["gap_s"]) > 0.1:
        return f"The walker is {'never' if gap is None else f'{gap:.2f} s'} ahead of the ego, not {values['gap_s']:.2f} s."
    hidden = hidden_from_ego(after, walkers[0], parked[0])
    seen = int(np.argmin(hidden)) if not hidden.all() else len(hidden)
    if seen < _SHORTEST_HIDDEN_S * RATE_HZ or seen == len(hidden):
        return f"The walker is hidden for {seen / RATE_HZ:.2f} s, less than {_SHORTEST_HIDDEN_S} s, or never seen."
    return None


def _crowd(setting: Setting) -> Document:
    document, values = setting.document, setting.values
    street = street_of(document)
    crossings = [area for area in document.of(Area) if area.channel == "ped_crossing"]
    near = sorted((away, area.id, area) for area in crossings if (away := _metres_from_drive(street, area)) < 35.0)
    if not near:
        raise NoPlace("There is no crossing within 35 m of the ego's way.")
    frames = frame_count(document)
    for _, _, area in near[:4]:
        people = [agent for agent in _columns(setting, street, area) if not in_the_way(document, motion_of(agent, frames), 0.15)]
        if len(people) >= values["people"]:
            chosen = sorted(setting.rng.permutation(len(people))[: values["people"]])
            return put_agents(document, *(people[index] for index in chosen))
    raise NoPlace(f"No crossing near the ego's way has room for {values['people']} people who get into nobody's way.")


def _metres_from_drive(street: Street, area: Area) -> float:
    points, _ = street.drive.place(street.drive.station_m)
    way = shapely.LineString(points) if street.drive.moves else shapely.Point(points[0])
    return float(shapely.distance(way, shapely.Polygon(area.exterior_m)))


def crossing_axes(area: Area) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Middle, unit vector along the way people walk, length along it and width, of a crossing: of its tightest rectangle, the long side."""
    rectangle = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shapely.Polygon(area.exterior_m)))[:4]
    sides = rectangle[1] - rectangle[0], rectangle[2] - rectangle[1]
    long, short = sorted(sides, key=lambda side: -float(np.hypot(*side)))
    length = float(np.hypot(*long))
    return rectangle.mean(0), long / max(length, 1e-9), length, float(np.hypot(*short))


def _columns(setting: Setting, street: Street, area: Area) -> list[Agent]:
    """People in files side by side, each file with a direction and a pace of its own, some of them waiting."""
    middle, along, length, width = crossing_axes(area)
    across = np.array([-along[1], along[0]])
    files = int((width - 0.1) // 0.9)
    rng, people = setting.rng, []
    window = setting.window_s
    for number in range(files):
        aside = (number - (files - 1) / 2) * 0.9
        direction = 1.0 if rng.random() < 0.5 else -1.0
        speed = float(rng.uniform(0.8, 1.6)) * (0.0 if rng.random() < 0.2 else 1.0)
        size = int(length // 1.3)
        places = (np.arange(size) - (size - 1) / 2) * 1.3 + rng.uniform(-0.2, 0.2, size)
        walked = min(length / 2, speed * max(window[1] - window[0], 1.0)) * direction
        begins = float(window[0])
        for place in places:
            start = middle + along * (place - walked / 2) + across * (aside + float(rng.uniform(-0.05, 0.05)))
            heading = float(np.arctan2(*(along * direction)[::-1]))
            track: tuple[Keyframe, ...] = (street.keyframe(begins, *start, heading),)
            if speed > 0:
                track += (street.keyframe(begins + abs(walked) / speed, *(start + along * walked), heading),)
            people.append(Agent("", 0, "pedestrian", _PERSON_M, track, name="in the crowd"))
    return people


def _crowd_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after) or new_agents_are_sound(before, after):
        return broken
    people = added(before, after)
    if len(people) != values["people"] or any(agent.class_name != "pedestrian" for agent in people):
        return f"{len(people)} people were added and {values['people']} were asked for."
    crossings = [shapely.Polygon(area.exterior_m).buffer(5.0) for area in before.of(Area) if area.channel == "ped_crossing"]
    points = shapely.points(np.concatenate([motion_of(agent, frame_count(after)).center_m for agent in people]))
    if not any(bool(shapely.covers(crossing, points).all()) for crossing in crossings):
        return "Somebody leaves the crossing by more than 5 m."
    return None


JAYWALKER = Variation(
    "jaywalker",
    "A pedestrian steps out from behind a vehicle parked at the kerb and crosses the ego's way.",
    "The pedestrian is hidden by the parked vehicle for at least 0.5 s and has left the ego's way `gap_s` (within 0.1 s) before its front arrives; "
    "nobody new runs into anybody; whoever would run into them is left out, and nothing else changes.",
    {
        "gap_s": Range(
            0.4, 2.0, "closest approach: seconds between the pedestrian leaving the ego's way and the ego's front arriving", 0.1, 5.0
        ),
        "speed_m_s": Range(1.4, 2.8, "how fast the pedestrian walks, m/s", 0.5, 6.0),
        "clearance_m": Range(0.2, 0.8, "between the parked vehicle and the pedestrian who passes before it, metres", 0.0, 3.0),
        "occluder": Choice(("car", "truck", "bus"), "class of the parked vehicle"),
    },
    _jaywalker,
    _jaywalker_holds,
)
CROWD = Variation(
    "crowd_at_crossing",
    "A crowd is on a pedestrian crossing near the ego's way, in files that walk either way or wait.",
    "Exactly `people` pedestrians are added, who stay within 5 m of one crossing and run into nobody at any frame; nothing else changes.",
    {"people": Range(6, 20, "how many", 1, 60, whole=True)},
    _crowd,
    _crowd_holds,
)
