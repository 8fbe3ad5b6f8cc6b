"""The hash of a document, and what of it is remembered."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from editor.document import Document
from editor.entities import Entity
from editor.files.jsonform import canonical, document_to_json, entity_to_json

_Kept = TypeVar("_Kept")
_MOST_KEPT = 20_000
_LONGEST_KEPT = 20_000


def document_hash(document: Document, name: str | None = None, prompt: str | None = None) -> str:
    """sha256 (hex) of the canonical JSON of everything authored; with `name` or `prompt`, were it called so or that asked for. What was hashed
    lately is remembered: an edit costs what it changed."""
    name, prompt = document.name if name is None else name, document.prompt if prompt is None else prompt
    known = _hashed.get(id(document))
    hashes = known[1] if known is not None and known[0] is document else {}
    if (name, prompt) not in hashes:
        head, mark, tail = canonical(document_to_json(replace(document, entities={}, name=name, prompt=prompt))).partition('"entities":[]')
        assert mark, "the place of the entities"
        text = f'{head}"entities":[{",".join(_text(entity) for entity in document.entities.values())}]{tail}'
        hashes = {**hashes, (name, prompt): hashlib.sha256(text.encode()).hexdigest()}
        _remember(_hashed, document, hashes, 32)
    return hashes[name, prompt]


_keeping = Lock()
_texts: dict[int, tuple[object, str]] = {}
_hashed: dict[int, tuple[object, dict[tuple[str, str], str]]] = {}
"""Of documents, by the name and the prompt under which they were hashed."""


def _text(entity: Entity) -> str:
    """The canonical JSON of an entity, which does not change; that of paint is too large to be kept."""
    known = _texts.get(id(entity))
    if known is not None and known[0] is entity:
        return known[1]
    text = canonical(entity_to_json(entity))
    if len(text) <= _LONGEST_KEPT:
        _remember(_texts, entity, text, _MOST_KEPT)
    return text


def _remember(kept: dict[int, tuple[object, _Kept]], thing: object, found: _Kept, most: int) -> None:
    """Under its identity, which is its own as long as it is held here; the oldest goes first."""
    with _keeping:
        kept[id(thing)] = thing, found
        while len(kept) > most:
            del kept[next(iter(kept))]
