"""What an import says about itself, and the one error that an importer raises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from editor.entities import Agent, Area, Entity, Line
from engine.spec.source import MALFORMED as MALFORMED
from engine.spec.source import FormatError as FormatError
from engine.spec.source import what_is_wrong as what_is_wrong

MOST_NAMED = 40
"""Scenes that are named when one has to be chosen."""


class SeveralScenes(FormatError):
    """A source of which one scene has to be chosen. `scenes` are their names, and a description of each or ''."""

    def __init__(self, source: Path, scenes: Mapping[str, str]) -> None:
        super().__init__(f"{source} holds {len(scenes)} scenes: choose one with --scene: {listed(scenes)}.")
        self.scenes = scenes


def listed(names: Iterable[str]) -> str:
    """The first MOST_NAMED of them, and how many more there are."""
    whole = list(names)
    return ", ".join(whole[:MOST_NAMED]) + (f" and {len(whole) - MOST_NAMED} more" if len(whole) > MOST_NAMED else "")


@dataclass(frozen=True, slots=True)
class Dropped:
    """Source elements that the scene cannot hold."""

    category: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was read, what was left out, and what we computed or assumed because the source did not say."""

    format: str
    source: str
    duration_s: float
    origin_m: tuple[float, float, float]
    """Source coordinates of the scene's world origin: source = world + origin."""
    read: Mapping[str, int]
    """Kind of element -> count in the scene."""
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()

    def dropped_sentences(self) -> tuple[str, ...]:
        """One line per dropped category."""
        return tuple(f"Dropped {row.count} x {row.category}: {row.reason}." for row in self.dropped)

    def text(self) -> str:
        """The lines that the command line and the page print."""
        read = ", ".join(f"{count} {kind}" for kind, count in self.read.items())
        head = f"Read {self.duration_s:.1f} s of {self.format} from {self.source}: {read or 'nothing'}."
        return "\n".join((head, *self.dropped_sentences(), *self.notes))


def count_entities(entities: Iterable[Entity]) -> dict[str, int]:
    """How many there are of every map channel and agent class, and of cameras."""
    counts: Counter[str] = Counter()
    for entity in entities:
        match entity:
            case Area() | Line():
                counts[entity.channel] += 1
            case Agent():
                counts[entity.class_name] += 1
            case _:
                counts["camera"] += 1
    return dict(counts)
