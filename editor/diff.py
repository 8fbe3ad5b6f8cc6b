"""What changed between two documents, by identity: entities and tiles that are the same object did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from editor.document import Document
from editor.entities import PaintLayer

FIELDS = ("name", "duration_s", "grid", "prompt", "ego", "ground", "notes")


@dataclass(frozen=True, slots=True)
class Difference:
    """What a view has to redraw."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    fields: frozenset[str]
    """Which of the document's own fields changed (see FIELDS)."""
    reordered: bool
    """Whether the drawing order is another one than removing and appending gives."""
    tiles: Mapping[str, frozenset[tuple[int, int]]]
    """Per added, changed or removed paint layer: the tiles that differ."""

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.fields or self.reordered)


def diff(before: Document, after: Document) -> Difference:
    """O(entities + tiles of the paint layers that changed)."""
    old, new = before.entities, after.entities
    if before is after:
        return Difference((), (), (), frozenset(), False, {})
    fields = frozenset(name for name in FIELDS if getattr(before, name) is not getattr(after, name))
    if old is new:
        return Difference((), (), (), fields, False, {})
    added = tuple(name for name in new if name not in old)
    removed = tuple(name for name in old if name not in new)
    changed = tuple(name for name, entity in new.items() if name in old and old[name] is not entity)
    expected = [name for name in old if name in new] + list(added)
    tiles = {name: _changed_tiles(old.get(name), new.get(name)) for name in (*added, *changed, *removed)}
    return Difference(added, changed, removed, fields, expected != list(new), {name: keys for name, keys in tiles.items() if keys})


def _changed_tiles(old: object, new: object) -> frozenset[tuple[int, int]]:
    a = old.tiles if isinstance(old, PaintLayer) else {}
    b = new.tiles if isinstance(new, PaintLayer) else {}
    return frozenset(key for key in a.keys() | b.keys() if a.get(key) is not b.get(key))
