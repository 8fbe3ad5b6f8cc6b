"""The document hash of many documents that share most of what is in them: what was spelled once is not spelled again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Any

from editor.document import Document
from editor.entities import EgoPath, Entity
from editor.files.jsonform import canonical, document_head, document_to_json, entity_to_json

_SPELLINGS = 50_000
_PROMPT = '"prompt":'


def quick_document_hash(document: Document) -> str:
    """`editor.files.jsonform.document_hash`, which is the slow twin: each entity is spelled once, and a document that differs from the one
    before it in its prompt alone goes on from what was hashed of that."""
    key = (id(document.entities), id(document.ego), id(document.ground), document.name, document.duration_s, document.grid, document.notes)
    with _lock:
        known = _begun.get(key)
    if known is None:
        digest = hashlib.sha256(_before_the_prompt(document).encode())
        known = (document.entities, document.ego, document.ground), digest
        with _lock:
            _begun[key] = known  # what the ids name is kept alive beside the digest
            while len(_begun) > 64:
                _begun.popitem(last=False)
    digest = known[1].copy()
    digest.update(f"{_PROMPT}{canonical(document.prompt)}}}".encode())
    return digest.hexdigest()


def _before_the_prompt(document: Document) -> str:
    """The canonical spelling up to the prompt, which sorts last."""
    head: dict[str, Any] = document_head(document)
    head["ego"] = entity_to_json(document.ego)
    values = {key: canonical(value) for key, value in head.items() if key not in ("prompt", "ego")}
    values["ego"] = _spelled(document.ego)
    values["entities"] = f"[{','.join(_spelled(entity) for entity in document.entities.values())}]"
    values["ground"] = "null" if document.ground is None else canonical(document_to_json(Document(ground=document.ground))["ground"])
    assert max(values) < "prompt"
    return "{" + "".join(f'"{key}":{values[key]},' for key in sorted(values))


def _spelled(entity: Entity | EgoPath) -> str:
    key = id(entity)
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key][1]
    spelling = canonical(entity_to_json(entity))
    with _lock:
        _known[key] = entity, spelling
        while len(_known) > _SPELLINGS:
            _known.popitem(last=False)
    return spelling


_lock = threading.Lock()
_known: OrderedDict[int, tuple[Entity | EgoPath, str]] = OrderedDict()
_begun: OrderedDict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = OrderedDict()
