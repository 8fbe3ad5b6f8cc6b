"""The Document: everything the user authored, immutable. Edits are functions Document -> Document (see editor.edits)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from editor.entities import Agent, Area, CameraEntity, EgoPath, Entity, Line, OccupancyEdit, PaintLayer

E = TypeVar("E", Area, Line, Agent, CameraEntity, PaintLayer, OccupancyEdit)


class EditError(ValueError):
    """An edit that makes no sense on this document: one sentence, shown to the user as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """World-anchored ground height, as a raster."""

    origin_m: tuple[float, float]
    """World x, y of the centre of cell [0, 0]."""
    cell_m: float
    height_m: np.ndarray
    """float32 (X, Y), read-only; NaN where unknown."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ground):
            return NotImplemented
        return (self.origin_m, self.cell_m) == (other.origin_m, other.cell_m) and np.array_equal(self.height_m, other.height_m, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Document:
    """One scene. Two documents are equal when all that the user authored is equal."""

    name: str = "untitled"
    duration_s: float = 4.0
    """Length of the timeline."""
    grid: str = "occ3d"
    prompt: str = ""
    ego: EgoPath = field(default_factory=EgoPath)
    entities: Mapping[str, Entity] = field(default_factory=dict)
    """Everything but the ego, by id, in drawing order. A plain dict that nobody mutates."""
    ground: Ground | None = None
    notes: tuple[str, ...] = ()
    """What an importer wants remembered (what was dropped or derived)."""

    def of(self, kind: type[E]) -> Iterator[E]:
        """The entities of one kind, in drawing order."""
        return (entity for entity in self.entities.values() if isinstance(entity, kind))

    def get(self, entity_id: str, kind: type[E]) -> E:
        """One entity; EditError where it is missing or of another kind."""
        entity = self.entities.get(entity_id)
        if not isinstance(entity, kind):
            found = "is missing" if entity is None else f"is a {type(entity).__name__}"
            raise EditError(f"This edit needs a {kind.__name__} with id '{entity_id}', which {found} in this scene.")
        return entity

    def with_entities(self, *changed: Entity, removed: tuple[str, ...] = ()) -> Document:
        """A document in which `changed` are added or replaced in place and `removed` are gone."""
        entities = {key: value for key, value in self.entities.items() if key not in removed}
        entities.update({entity.id: entity for entity in changed})
        return replace(self, entities=entities)


Edit = Callable[[Document], Document]
"""A pure change: the same document in, an equal document out, every time. Returns its input itself where nothing changes."""
