"""Older project files, brought up one version at a time. One function per version; never edit one that has shipped."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

Migration = Callable[[dict[str, Any]], dict[str, Any]]

FORMAT_VERSION = 2
"""Version of project.json that this program writes."""

_CLOSED = re.compile(r"closed lane (\d+): (left|right), ([\d.]+) m, lane ([\d.]+) m, every ([\d.]+) m, taper ([\d.]+) m")


def closures_from_names(entities: Any) -> None:
    """Until version 2 the numbers of a closed lane were in the names of its cones, which stood in their order. Changes the rows in place."""
    stood: dict[str, int] = defaultdict(int)
    for row in entities if isinstance(entities, list) else []:
        name = row.get("name") if isinstance(row, dict) and row.get("kind") == "agent" else None
        found = _CLOSED.fullmatch(name) if isinstance(name, str) else None
        if found is None or name is None:
            continue
        length, lane, every, taper = (float(number) for number in found.groups()[2:])
        row["closure"] = {
            "number": int(found[1]), "side": found[2], "length_m": length, "lane_width_m": lane, "spacing_m": every, "taper_m": taper,
            "station_m": min(stood[name] * every, length),
        }  # fmt: skip
        row["name"] = ""
        stood[name] += 1


def _closures(data: dict[str, Any]) -> dict[str, Any]:
    closures_from_names(data.get("entities"))
    return data


MIGRATIONS: dict[int, Migration] = {1: _closures}
"""Version n -> function that turns project.json of version n into version n + 1."""


def migrate(
    data: dict[str, Any], version: int, target: int = FORMAT_VERSION, table: Mapping[int, Migration] = MIGRATIONS
) -> dict[str, Any]:
    """`data` of `version` as `target`. Raises ValueError where a step is missing."""
    while version < target:
        if version not in table:
            raise ValueError(f"format version {version} is older than any that this program can bring up to {target}")
        data = table[version](data)
        version += 1
    return data
