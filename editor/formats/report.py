"""What an import says about itself, and the one error that an importer raises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shapely.errors import GEOSException

from editor.entities import Agent, Area, Entity, Line


class FormatError(ValueError):
    """A source that cannot be read: one sentence that names the file, what is wrong, and the next step."""


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


MALFORMED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SystemError,
    TypeError,
    ValueError,
    GEOSException,
)
"""What reading a damaged source runs into, whatever the library."""


def what_is_wrong(error: BaseException) -> str:
    """The cause in a reader's words: the middle of a sentence, on one line."""
    said = " ".join(str(error).split()).rstrip(".")[:200]
    match error:
        case KeyError():
            return f"there is no {said}"
        case UnicodeError() | SystemError():
            return "it holds text that is none"
        case IndexError():
            return "a list in it is too short"
        case LookupError():
            return said
        case MemoryError() | OverflowError():
            return "it holds a number or a size that is too large"
        case RecursionError():
            return "it is nested too deeply"
        case EOFError():
            return "it ends too early"
        case GEOSException():
            return "it holds a shape that cannot be drawn"
        case ValueError() if said:
            return said
    return "a value in it is of another kind than its format wants"


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
