"""One undo step as JSON: what it changed and nothing else, so that writing it down costs what the edit cost.

A paint layer is told by the tiles that changed. `apply_step` shares everything that a step did not touch with the document before it,
as the edit did.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from editor import check
from editor.diff import FIELDS, diff
from editor.document import Document, EditError, Ground
from editor.entities import EgoPath, Entity, PaintLayer
from editor.files.jsonform import Json, document_head, document_to_json, entity_from_json, entity_to_json, tile_key
from editor.history import Step
from editor.tiles import packed, unpacked


def step_to_json(step: Step) -> Json:
    """`set` has added and changed entities, paint layers without their tiles; `tiles` has those, null where one is gone."""
    before, after = step.before, step.after
    changes = diff(before, after)
    rows: list[Json] = []
    for name in (*changes.changed, *changes.added):
        entity = after.entities[name]
        rows.append(entity_to_json(replace(entity, tiles={}) if isinstance(entity, PaintLayer) else entity))
    row: Json = {
        "label": step.label,
        "selection": [list(step.selection_before), list(step.selection_after)],
        "removed": list(changes.removed),
        "set": rows,
        "tiles": {name: _tiles(after.entities[name], keys) for name, keys in changes.tiles.items() if name in after.entities},
    }
    if changes.reordered:
        row["order"] = list(after.entities)
    if changes.fields:
        head: Json = document_head(after)
        if "ground" in changes.fields:
            head["ground"] = document_to_json(replace(after, entities={}))["ground"]
        row["fields"] = {name: head[name] for name in sorted(changes.fields)}
    return row


def apply_step(before: Document, row: Mapping[str, Any]) -> Step:
    """The step that `row` tells of, taken from `before`. Raises EditError where it tells of none."""
    try:
        entities: dict[str, Entity] = {name: entity for name, entity in before.entities.items() if name not in row["removed"]}
        for data in row["set"]:
            entity = entity_from_json(data)
            if isinstance(entity, EgoPath):
                raise EditError("A step lists the ego among the other entities.")
            if isinstance(entity, PaintLayer):
                entity = replace(entity, tiles=_with_tiles(entities.get(entity.id), row["tiles"].get(entity.id, {})))
            entities[entity.id] = entity
        if "order" in row:
            entities = {name: entities[name] for name in row["order"]}
        changed = {name: _field(name, value) for name, value in row.get("fields", {}).items()}
        selected = [tuple(check.text(name, "A selected id", 200) for name in ids) for ids in row["selection"]]
        after = replace(before, entities=entities if row["set"] or row["removed"] or "order" in row else before.entities, **changed)
        return Step(check.text(row["label"], "A step's label"), before, after, selected[0], selected[1])
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, binascii.Error) as error:
        raise EditError(f"A step of the history cannot be read ({error}).") from error


def _tiles(layer: Entity, keys: frozenset[tuple[int, int]]) -> Json:
    tiles = layer.tiles if isinstance(layer, PaintLayer) else {}
    return {f"{i},{j}": base64.b64encode(packed(tiles[i, j]).tobytes()).decode() if (i, j) in tiles else None for i, j in sorted(keys)}


def _with_tiles(old: Entity | None, changed: Mapping[str, str | None]) -> Mapping[tuple[int, int], np.ndarray]:
    tiles = dict(old.tiles) if isinstance(old, PaintLayer) else {}
    for key, data in changed.items():
        if data is None:
            tiles.pop(tile_key(key), None)
        else:
            tiles[tile_key(key)] = unpacked(base64.b64decode(data, validate=True))
    return tiles


def _field(name: str, value: Any) -> Any:
    if name not in FIELDS:
        raise EditError(f"A scene has no field '{name}'.")
    if name == "ego":
        ego = entity_from_json(value)
        if not isinstance(ego, EgoPath):
            raise EditError("The ego of a step is something else.")
        return ego
    if name == "notes":
        return tuple(check.text(note, "A note") for note in value)
    if name == "duration_s":
        return check.duration(value)
    if name == "ground":
        return None if value is None else _ground(value)
    return check.text(value, f"The scene's {name}")


def _ground(value: Mapping[str, Any]) -> Ground:
    height_m = np.frombuffer(base64.b64decode(value["height_m"], validate=True), "<f4").reshape(value["shape"])
    x, y = (check.coordinate(v, "The ground's origin") for v in value["origin_m"])
    return Ground((x, y), check.number(value["cell_m"], "The ground's cell", 0.01, 1000.0), height_m)
