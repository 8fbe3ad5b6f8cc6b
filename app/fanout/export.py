"""Passed takes handed over to training: appended to what was handed over before, which is never rewritten."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from app.fanout.packing import packed
from app.fanout.store import Store, sync_folder
from engine.spec.words import plural

WEBDATASET = "webdataset"
SHARD_BYTES = 256e6
"""A shard is closed when it holds so much."""


class ShardsError(ValueError):
    """What cannot be handed over: one sentence."""


def export(store: Store, kind: str, shard_bytes: float = SHARD_BYTES) -> str:
    """Hands over the takes that passed and were not handed over yet, under `export/KIND`. Returns a sentence for the user.

    `webdataset` gives tar shards, any other kind a folder a take by `engine.export`. Raises ShardsError for an unknown kind.
    """
    from engine.export import FORMATS, export_take
    from engine.spec.take import Take

    if kind != WEBDATASET and kind not in FORMATS:
        raise ShardsError(f"Takes cannot be exported as '{kind}': choose {WEBDATASET}, {', '.join(FORMATS)}.")
    folder = store.root / "export" / kind
    folder.mkdir(parents=True, exist_ok=True)
    passed = [key for key in sorted(store.landed()) if store.row(key)["verdict"] == "pass"]
    if kind == WEBDATASET:
        there = {key for shard in _shards(folder) for key in _keys(shard)}
        fresh = [key for key in passed if key not in there]
        written = sum(1 for _ in _write_shards(store, folder, fresh, shard_bytes))
        return f"Handed over {plural(len(fresh), 'take')} in {written} new shards in {folder}; {len(there)} were there."
    fresh = [key for key in passed if not (folder / key).exists()]
    for key in fresh:
        beside = folder / f".{key}.{os.getpid()}"
        with store.opened(key) as take:
            export_take(Take.open(take), kind, beside)
        os.rename(beside, folder / key)
    return f"Handed over {plural(len(fresh), 'take')} as {kind} in {folder}; {len(passed) - len(fresh)} were there."


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*.tar"))


def _keys(shard: Path) -> set[str]:
    """Of the samples in a shard, from its member names alone."""
    with tarfile.open(shard) as archive:
        return {member.name.split(".", 1)[0] for member in archive}


def _write_shards(store: Store, folder: Path, keys: list[str], shard_bytes: float) -> Iterator[Path]:
    """New shards behind those that are there, each whole or not there."""
    number = 1 + max((int(shard.stem) for shard in _shards(folder)), default=-1)
    left = list(keys)
    while left:
        path = folder / f"{number:06d}.tar"
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with beside.open("wb") as stream:
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
                while left and stream.tell() < shard_bytes:
                    _add_sample(store, archive, left.pop(0))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
        sync_folder(folder)
        yield path
        number += 1


def _add_sample(store: Store, archive: tarfile.TarFile, key: str) -> None:
    """The take's files as KEY.PATH with dots for slashes, depth deflated, and its row as KEY.json. No times, no owners: same takes, same bytes."""
    row = store.row(key)
    _add(archive, f"{key}.json", json.dumps({name: row[name] for name in row if name != "counts"}, sort_keys=True).encode())
    with store.opened(key) as take:
        for file in store.files(key):
            name, content = packed(file["path"], (take / file["path"]).read_bytes())
            _add(archive, f"{key}.{name.replace('/', '.').lower()}", content)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))
