"""Variations of what is there already: the side of the road, the ego's place, who else is there, light and weather."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from editor import edits
from editor.clip import frame_count
from editor.document import Document
from editor.entities import Agent, CameraEntity
from editor.variations.drive import street_of
from editor.variations.guarantees import new_agents_are_sound, only_agents_differ
from editor.variations.motion import Traffic, ego_motion, in_the_way, motion_of, sampled, times_of, traffic_of
from editor.variations.variation import Choice, NoPlace, Range, Setting, Values, Variation, added, put_agents

# Left-hand traffic.


def _left_hand(setting: Setting) -> Document:
    document = setting.document
    street = street_of(document)
    sections = [street.section(float(s)) for s in np.linspace(0.0, street.drive.length_m, 5)]
    told = [street.right_hand(section) for section in sections if section is not None and section.dividers_m]
    if told and sum(told) * 2 < len(told):
        raise NoPlace("The ego keeps to the left already.")
    return edits.mirror()(document)


def _left_hand_holds(before: Document, after: Document, values: Values) -> str | None:
    again = edits.mirror()(after)
    for key, entity in before.entities.items():
        other = again.entities.get(key)
        free = isinstance(entity, CameraEntity) and entity.mount != "ego"  # its heading comes back up to rounding
        if not free and other != entity:
            return f"'{key}' mirrored twice is not what it was."
        if isinstance(entity, CameraEntity) and not free and after.entities[key] != entity:
            return f"Camera '{entity.camera.name}' on the ego changed."
    if again.ego != before.ego or len(after.entities) != len(before.entities):
        return "The ego's path mirrored twice is not what it was."
    return None


# The ego's place.


def _clear_of_others(before: Document, after: Document) -> str | None:
    """Whether the ego runs into nobody at frames at which it did not before."""
    traffic = traffic_of(before)
    fresh = (traffic.meets(ego_motion(after)) & ~traffic.meets(ego_motion(before))).any(1)
    for name, met in zip(traffic.names[1:], fresh[1:], strict=True):
        if met:
            return f"The ego would run into '{name}'."
    street = street_of(before)
    was, now = (sampled(d.ego.keyframes, times_of(d))[0] for d in (before, after))
    if street.on_road(was) and not street.on_road(now):
        return "The ego would leave the road."
    return None


def _shifted(setting: Setting) -> Document:
    sign = 1.0 if setting.values.get("side", setting.values.get("way")) in ("left", "ahead") else -1.0
    distance = sign * setting.values["metres"]
    lateral = "side" in setting.values
    return edits.shift_track("ego", 0.0 if lateral else distance, distance if lateral else 0.0)(setting.document)


def _shift_holds(before: Document, after: Document, values: Values) -> str | None:
    if replace(after, ego=before.ego) != before:
        return "Something other than the ego's path changed."
    moments = np.array([keyframe.time_s for keyframe in before.ego.keyframes])
    (was, yaw), (now, turned) = (sampled(d.ego.keyframes, moments) for d in (before, after))
    moved = now - was
    ahead = moved[:, 0] * np.cos(yaw) + moved[:, 1] * np.sin(yaw)
    left = moved[:, 1] * np.cos(yaw) - moved[:, 0] * np.sin(yaw)
    sign = 1.0 if values.get("side", values.get("way")) in ("left", "ahead") else -1.0
    wanted = (0.0, sign * values["metres"]) if "side" in values else (sign * values["metres"], 0.0)
    if np.abs(ahead - wanted[0]).max() > 1e-6 or np.abs(left - wanted[1]).max() > 1e-6 or not np.array_equal(yaw, turned):
        return f"The ego did not move by exactly {values['metres']:g} m in its own frame."
    return _clear_of_others(before, after)


# Who else is there.


def _thinned(setting: Setting) -> Document:
    """What a log saw in several pieces is one agent still."""
    document = setting.document
    instances = sorted({agent.instance_id for agent in document.of(Agent)})
    leaving = round(setting.values["share"] * len(instances))
    if not 0 < leaving <= len(instances):
        raise NoPlace(f"Of {len(instances)} agents a share of {setting.values['share']:.2f} is nobody.")
    gone = {instances[index] for index in setting.rng.permutation(len(instances))[:leaving]}
    return document.with_entities(removed=tuple(agent.id for agent in document.of(Agent) if agent.instance_id in gone))


def _thinned_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after):
        return broken
    had, has = ({agent.instance_id for agent in d.of(Agent)} for d in (before, after))
    if not has < had or len(had) - len(has) != round(values["share"] * len(had)):
        return f"{len(had) - len(has)} of {len(had)} agents are gone, not a share of {values['share']:.2f}."
    return None


_APART_M = (1.0, 2.5, 5.0, 9.0)
"""Copies stand so far before or behind the one they are copies of."""


def _doubled(setting: Setting) -> Document:
    document = setting.document
    frames = frame_count(document)
    copies: list[Agent] = []
    instances: dict[int, list[Agent]] = {}
    for agent in document.of(Agent):
        instances.setdefault(agent.instance_id, []).append(agent)
    for agent in (pieces[0] for pieces in instances.values() if len(pieces) == 1):
        first = 1 if setting.rng.random() < 0.5 else -1
        motion = motion_of(agent, frames)
        forward = np.stack([np.cos(motion.yaw_rad), np.sin(motion.yaw_rad)], -1)
        for way in (sign * (agent.size_m[0] + apart) for apart in _APART_M for sign in (first, -first)):
            if not in_the_way(document, replace(motion, center_m=motion.center_m + way * forward), 0.2):
                alone = Document(entities={agent.id: agent})
                copies.append(edits.shift_track(agent.id, way)(alone).get(agent.id, Agent))
                break
    copies = _apart(copies, frames)
    wanted = round(setting.values["share"] * len(instances))
    if not wanted or len(copies) < wanted:
        raise NoPlace(f"Of {len(instances)} agents {len(copies)} have room for another beside them, and {max(wanted, 1)} were asked for.")
    chosen = sorted(setting.rng.permutation(len(copies))[:wanted])
    return put_agents(document, *(copies[index] for index in chosen))


def _apart(agents: list[Agent], frames: int) -> list[Agent]:
    """Those that run into none before them in the list."""
    if not agents:
        return []
    traffic = Traffic.of([str(k) for k in range(len(agents))], [motion_of(agent, frames) for agent in agents])
    kept: list[int] = []
    for k, agent in enumerate(agents):
        met = traffic.meets(motion_of(agent, frames), 0.2).any(1)
        if not met[kept].any():
            kept.append(k)
    return [agents[k] for k in kept]


def _doubled_holds(before: Document, after: Document, values: Values) -> str | None:
    if broken := only_agents_differ(before, after) or new_agents_are_sound(before, after, new_tracks=False):
        return broken
    had = len({agent.instance_id for agent in before.of(Agent)})
    if any(agent.id not in after.entities for agent in before.of(Agent)) or len(added(before, after)) != round(values["share"] * had):
        return f"{len(added(before, after))} agents were added to {had}, not a share of {values['share']:.2f}."
    return None


# Light and weather.

WEATHER = ("clear", "overcast", "light rain", "heavy rain", "fog", "snow")
LIGHT = ("midday", "morning", "sunset", "dusk", "night")


def _looks(setting: Setting) -> Document:
    weather, light = setting.values["weather"], setting.values["light"]
    place = setting.values["place"]
    return edits.set_scene(prompt=f"{weather}, {light}{f', {place}' if place else ''}")(setting.document)


def _looks_hold(before: Document, after: Document, values: Values) -> str | None:
    if replace(after, prompt=before.prompt) != before:
        return "Something other than the prompt changed."
    if not all(values[key] in after.prompt for key in ("weather", "light", "place")):
        return f"The prompt '{after.prompt}' does not say {values['weather']} and {values['light']}."
    return None


LEFT_HAND = Variation(
    "left_hand_traffic",
    "Everything keeps to the other side of the road: map, paint, agents and ego are mirrored, cameras on the ego keep their places.",
    "Mirrored once more it is the scene that it was, and every camera on the ego is untouched.",
    {},
    _left_hand,
    _left_hand_holds,
    dice=False,
)
_STAYS = "nothing else changes, and it runs into nobody and leaves no road that it did not before"
EGO_LATERAL = Variation(
    "ego_lateral",
    "The ego drives farther to one side.",
    f"Every keyframe of the ego moves exactly `metres` to its own left or right; {_STAYS}.",
    {"metres": Range(0.2, 1.2, "how far, metres", 0.01, 20.0), "side": Choice(("left", "right"), "to which side")},
    _shifted,
    _shift_holds,
)
EGO_LONGITUDINAL = Variation(
    "ego_longitudinal",
    "The ego drives farther ahead or behind.",
    f"Every keyframe of the ego moves exactly `metres` along its own heading; {_STAYS}.",
    {"metres": Range(0.5, 4.0, "how far, metres", 0.01, 100.0), "way": Choice(("ahead", "behind"), "which way")},
    _shifted,
    _shift_holds,
)
THINNED = Variation(
    "agents_thinned",
    "Some of the agents are gone.",
    "A share of `share` of all agents is gone (to the nearest whole number), the others and all else are untouched.",
    {"share": Range(0.3, 0.7, "of agents that go", 0.01, 1.0)},
    _thinned,
    _thinned_holds,
)
DOUBLED = Variation(
    "agents_doubled",
    "Agents get a double that does the same a few metres before or behind them.",
    "A share of `share` of all agents (to the nearest whole number) has a double that runs into nobody at any frame; nothing else changes.",
    {"share": Range(0.5, 1.0, "of agents that get one", 0.01, 1.0)},
    _doubled,
    _doubled_holds,
)
LOOKS = Variation(
    "light_and_weather",
    "The scene in another weather and light: its prompt is replaced.",
    "The prompt names `weather`, `light` and `place`, and nothing else changes.",
    {
        "weather": Choice(WEATHER, "weather"),
        "light": Choice(LIGHT, "time of day"),
        "place": Choice(("", "city street", "suburban road"), "words about the place, none with ''"),
    },
    _looks,
    _looks_hold,
)
