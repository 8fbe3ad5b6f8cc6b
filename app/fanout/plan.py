"""A plan: scenes x variations x seeds x prompts x recipes, from a TOML file, arguments, or the page."""

from __future__ import annotations

import glob
import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from app.fanout.gate import Gate, gate_from
from app.jobs.request import STAGES
from editor.document import Document, EditError
from editor.variations import VARIATIONS, narrowed, variation

AS_IT_IS = "original"
"""Stands among variations for the scene without any."""
UNKNOWN_LICENCE = "not stated"


class PlanError(ValueError):
    """A plan that makes no sense: one sentence."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where scenes come from: a project file, read when the plan is expanded, or a Document in hand."""

    name: str
    path: Path | None = None
    document: Document | None = None
    licence: str = UNKNOWN_LICENCE


@dataclass(frozen=True, slots=True)
class Wanted:
    """A variation, the ranges asked of it, and how many Documents of each seed."""

    name: str
    ranges: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make of what. Everything but the sources has a default."""

    sources: tuple[Source, ...]
    variations: tuple[Wanted, ...] = (Wanted(AS_IT_IS),)
    seeds: tuple[int, ...] = (0,)
    """Of the variations' dice and of the takes."""
    prompts: tuple[str, ...] = ()
    """In place of the scenes' own; none keeps those."""
    presets: tuple[str, ...] = ("compact",)
    views: tuple[str, ...] = ()
    """View models; none takes each preset's own."""
    until: str = "video"
    start_s: float = 0.0
    frames: int | None = 16
    """At 12 Hz; None goes to the end of each scene."""
    steps: int | None = None
    guidance: float | None = None
    cameras: tuple[str, ...] | None = None
    gate: Gate = field(default_factory=Gate)


_KEYS = (
    "scenes",
    "licences",
    "variations",
    "seeds",
    "prompts",
    "frames",
    "until",
    "preset",
    "views",
    "start_s",
    "steps",
    "guidance",
    "cameras",
    "gate",
)


def read_plan(path: Path) -> Plan:
    """The plan of a TOML file; its scenes are found from the file's own folder. Raises PlanError, one sentence."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"The plan {path} cannot be read ({error.strerror or error}): check the path.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise PlanError(f"The plan {path} is not TOML ({' '.join(str(error).split())}): mend it there.") from None
    try:
        return plan_from(data, path.parent)
    except (PlanError, EditError) as error:
        raise PlanError(f"In the plan {path}: {error}") from None


def plan_from(data: Mapping[str, Any], folder: Path = Path()) -> Plan:
    """The plan that a mapping with the keys of a plan file says. Raises PlanError or EditError, one sentence."""
    for key in data:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, 1)
            raise PlanError(
                f"'{key}' is no key of a plan{f': did you mean {near[0]}?' if near else ': it may have ' + ', '.join(_KEYS) + '.'}"
            )
    if "scenes" not in data:
        raise PlanError("A plan needs 'scenes': a list of .anyscene files, for example scenes = [\"scenes/*.anyscene\"].")
    licences = data.get("licences", {})
    if not isinstance(licences, Mapping) or not all(isinstance(value, str) for value in licences.values()):
        raise PlanError('\'licences\' must be a table of file name patterns and licences, for example "av2_*" = "CC BY-NC-SA 4.0".')
    frames = data.get("frames", 16)
    until = data.get("until", "video")
    if until not in STAGES:
        raise PlanError(f"'until' must be one of {', '.join(STAGES)}, not {until!r}.")
    return Plan(
        tuple(Source(path.stem, path, None, _licence(path, licences)) for path in _files(_words(data["scenes"], "scenes"), folder)),
        tuple(_wanted(one) for one in _list(data.get("variations", [AS_IT_IS]), "variations")),
        tuple(_whole(one, "a seed", 0, 2**63 - 1) for one in _list(data.get("seeds", [0]), "seeds")),
        _words(data.get("prompts", []), "prompts"),
        _words(data.get("preset", "compact"), "preset"),
        _words(data.get("views", []), "views"),
        until,
        _number(data.get("start_s", 0.0), "start_s", 0.0),
        None if frames == "all" else _whole(frames, "'frames' (or \"all\")", 1, 10**6),
        None if data.get("steps") is None else _whole(data["steps"], "'steps'", 1, 10_000),
        None if data.get("guidance") is None else _number(data["guidance"], "guidance", 0.0),
        None if data.get("cameras") is None else _words(data["cameras"], "cameras"),
        gate_from(data.get("gate", {})),
    )


def _wanted(one: object) -> Wanted:
    """'name', or {name = 'name', count = 3, parameter = [low, high]}."""
    if isinstance(one, str):
        one = {"name": one}
    if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
        raise PlanError(
            f'A variation is a name, or a table with a name and ranges, for example {{ name = "cut_in", ttc_s = [1, 2] }}, not {one!r}.'
        )
    ranges = {key: value for key, value in one.items() if key not in ("name", "count")}
    count = _whole(one.get("count", 1), f"the count of '{one['name']}'", 1, 100_000)
    if one["name"] == AS_IT_IS:
        if ranges or count != 1:
            raise PlanError(f"'{AS_IT_IS}' is the scene as it is: it takes neither ranges nor a count.")
        return Wanted(AS_IT_IS)
    narrowed(variation(one["name"]), ranges)
    if not VARIATIONS[one["name"]].dice and count > 1:
        raise PlanError(f"'{one['name']}' makes one scene of a scene, and {count} were asked for: leave the count out.")
    return Wanted(one["name"], ranges, count)


def _files(patterns: Sequence[str], folder: Path) -> list[Path]:
    """Files of patterns, in order, each once. A pattern that matches nothing is kept where it names a file: the report then says what is wrong."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        matches = sorted(glob.glob(os.path.join(folder, pattern), recursive=True))
        if not matches and any(sign in pattern for sign in "*?["):
            raise PlanError(f"No file matches '{pattern}' in {folder.resolve()}: check the scenes of the plan.")
        found.update(dict.fromkeys(Path(match) for match in matches or [os.path.join(folder, pattern)]))
    return list(found)


def _licence(path: Path, licences: Mapping[str, str]) -> str:
    return next((licence for pattern, licence in licences.items() if path.match(pattern) or path.stem == pattern), UNKNOWN_LICENCE)


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise PlanError(f"'{what}' must be a list with something in it, not {value!r}.")
    return list(value)


def _words(value: object, what: str) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words) or (what == "scenes" and not words):
        raise PlanError(f"'{what}' must be a text or a list of texts, not {value!r}.")
    return tuple(dict.fromkeys(words))


def _whole(value: object, what: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise PlanError(f"{what[0].upper()}{what[1:]} must be a whole number from {least} to {most}, not {value!r}.")
    return value


def _number(value: object, what: str, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < least:
        raise PlanError(f"'{what}' must be a number from {least:g}, not {value!r}.")
    return float(value)
