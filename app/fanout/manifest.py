"""manifest.parquet: one row a take, to be read by whatever trains on them."""

from __future__ import annotations

import json
import os
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from app.fanout.gate import SCORES
from app.fanout.store import Store

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("verdict", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("scene", pa.string()),
        ("scene_sha256", pa.string()),
        ("licence", pa.string()),
        ("variation", pa.string()),
        ("parameters", pa.string()),
        ("number", pa.int64()),
        ("seed", pa.int64()),
        ("prompt", pa.string()),
        ("recipe", pa.string()),
        ("weights", pa.string()),
        ("document_sha256", pa.string()),
        ("frames", pa.int32()),
        ("cameras", pa.int32()),
        *((name, pa.float64()) for name in SCORES),
        ("seconds", pa.float64()),
        ("bytes", pa.int64()),
        ("files", pa.list_(pa.struct([("path", pa.string()), ("sha256", pa.string()), ("bytes", pa.int64())]))),
    ]
)
"""parameters, recipe and weights are JSON objects; seconds are of all stages together."""


def write_manifest(store: Store) -> list[dict[str, Any]]:
    """Rows of all takes that have landed, by key; the file is replaced whole."""
    rows = [store.row(key) for key in sorted(store.landed())]
    table = pa.Table.from_pylist([_flat(row) for row in rows], SCHEMA)
    path = store.root / "manifest.parquet"
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("wb") as stream:
        parquet.write_table(table, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)
    return rows


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    spelled = {key: json.dumps(row[key], sort_keys=True) for key in ("parameters", "recipe", "weights")}
    scores = {name: row["scores"].get(name) for name in SCORES}
    return {**{key: row[key] for key in SCHEMA.names if key in row}, **spelled, **scores, "seconds": sum(row["seconds"].values())}
