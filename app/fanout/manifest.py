"""manifest.parquet: one row a take, to be read by whatever trains on them."""

from __future__ import annotations

import json
import os
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from app.fanout.gate import SCORES
from app.fanout.store import Store

NAME = "manifest.parquet"
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


def is_current(store: Store) -> bool:
    """Whether the manifest has as many rows as takes have landed."""
    try:
        return parquet.read_metadata(store.root / NAME).num_rows == len(store.landed())
    except (OSError, pa.ArrowException):
        return False


def write_manifest(store: Store) -> list[dict[str, Any]]:
    """Replaces the file whole and returns the rows, without their files, of all takes that have landed, by key."""
    landed = sorted(store.landed())
    rows = {key: store.row(key) for key in landed}
    known = _known(store, set(landed))
    there = set(known.column("key").to_pylist())
    fresh = pa.Table.from_pylist([_flat(rows[key], store.files(key)) for key in landed if key not in there], SCHEMA)
    table = pa.concat_tables([known, fresh]).sort_by("key")
    path = store.root / NAME
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("wb") as stream:
        parquet.write_table(table, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)
    return list(rows.values())


def _known(store: Store, landed: set[str]) -> pa.Table:
    """What the manifest has already, which no take that has landed changes: files are hashed and listed once."""
    try:
        table = parquet.read_table(store.root / NAME, schema=SCHEMA)
    except (OSError, pa.ArrowException):
        return SCHEMA.empty_table()
    return table.filter(pa.array([key in landed for key in table.column("key").to_pylist()], pa.bool_()))


def _flat(row: dict[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    spelled = {key: json.dumps(row[key], sort_keys=True) for key in ("parameters", "recipe", "weights")}
    scores = {name: row["scores"].get(name) for name in SCORES}
    return {
        **{key: row[key] for key in SCHEMA.names if key in row},
        **spelled,
        **scores,
        "seconds": sum(row["seconds"].values()),
        "files": files,
    }
