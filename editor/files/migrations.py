"""Older project files, brought up one version at a time. One function per version; never edit one that has shipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Migration = Callable[[dict[str, Any]], dict[str, Any]]

FORMAT_VERSION = 1
"""Version of project.json that this program writes."""

MIGRATIONS: dict[int, Migration] = {}
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
