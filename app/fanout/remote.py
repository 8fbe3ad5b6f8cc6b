"""Takes that land in an object store, or on any path that every node sees, by way of fsspec: written where they are made.

URL/KEY/ holds a take's files, depth deflated (`packing.py`), URL/.fanout what is known of it. The row comes last: a take without one is not
listed, and is made again over what was left of it. The driver's own folder holds lock, manifest and page, and a node makes takes under
`.fanout/making` of a folder of that path on its own disk.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import fsspec

from app.fanout.packing import packed, unpacked
from app.fanout.store import KNOWN_BY, Store, StoreError

_WHOLE_OR_NOT = {"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "memory"}
"""Protocols whose objects are there as a whole or not at all; elsewhere a row is renamed into place."""


class RemoteStore(Store):
    """A store at a URL. What goes wrong with it is an OSError or what its protocol's library raises."""

    def __init__(self, root: Path, url: str) -> None:
        """Raises StoreError (one sentence) for a URL that nothing here can open."""
        super().__init__(root)
        self.url = url
        try:
            self._fs, self._at = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            said = " ".join(str(error).split())[:200].rstrip(".")
            raise StoreError(f"Takes cannot be put at '{url}' ({said}): install what it names, or choose another store.") from None
        self._at = self._at.rstrip("/")

    def prepare(self) -> None:
        super().prepare()
        try:
            for name in ("rows", "files"):
                self._fs.makedirs(f"{self._at}/{KNOWN_BY}/{name}", exist_ok=True)
        except Exception as error:
            raise StoreError(f"Takes cannot be put at '{self.url}' ({' '.join(str(error).split())[:200].rstrip('.')}): check it.") from None

    def landed(self) -> set[str]:
        self._fs.invalidate_cache()
        names = self._fs.ls(f"{self._at}/{KNOWN_BY}/rows", detail=False)
        return {name.rsplit("/", 1)[1].removesuffix(".json") for name in names if name.endswith(".json")}

    def landed_of(self, keys: Iterable[str]) -> set[str]:
        self._fs.invalidate_cache()
        return {key for key in keys if self._fs.exists(self._known("rows", key))}

    def row(self, key: str) -> dict[str, Any]:
        return json.loads(self._fs.cat_file(self._known("rows", key)))

    def files(self, key: str) -> list[dict[str, Any]]:
        return json.loads(self._fs.cat_file(self._known("files", key)))

    def begin(self, key: str) -> Path:
        self._making.mkdir(parents=True, exist_ok=True)
        return super().begin(key)

    def land(self, key: str, folder: Path, row: dict[str, Any], thumbnail: bytes) -> bool:
        if self.landed_of([key]):
            self.give_up(folder)
            return False
        for file in row["files"]:
            name, content = packed(file["path"], (folder / file["path"]).read_bytes())
            self._put(f"{key}/{name}", content)
        self._put(f"thumbnails/{key}.jpg", thumbnail)
        rest = {name: value for name, value in row.items() if name != "files"}
        self._put(f"{KNOWN_BY}/files/{key}.json", json.dumps(row["files"]).encode())
        self._put(f"{KNOWN_BY}/rows/{key}.json", json.dumps(rest, allow_nan=False).encode())
        self.give_up(folder)
        return True

    @contextlib.contextmanager
    def opened(self, key: str) -> Iterator[Path]:
        folder = self.begin(key)
        try:
            for file in self.files(key):
                name, _ = packed(file["path"], b"")
                _, content = unpacked(name, self._fs.cat_file(f"{self._at}/{key}/{name}"))
                path = folder / file["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            yield folder
        finally:
            self.give_up(folder)

    def publish(self, names: Iterable[str]) -> None:
        for name in names:
            self._put(name, (self.root / name).read_bytes())

    def fetch_thumbnails(self, keys: Iterable[str]) -> None:
        for key in keys:
            path = self.thumbnails / f"{key}.jpg"
            if not path.exists():
                path.write_bytes(self._fs.cat_file(f"{self._at}/thumbnails/{key}.jpg"))

    def _known(self, kind: str, key: str) -> str:
        return f"{self._at}/{KNOWN_BY}/{kind}/{key}.json"

    def _put(self, name: str, content: bytes) -> None:
        path = f"{self._at}/{name}"
        self._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        protocols = {self._fs.protocol} if isinstance(self._fs.protocol, str) else set(self._fs.protocol)
        if protocols & _WHOLE_OR_NOT:
            self._fs.pipe_file(path, content)
        else:
            self._fs.pipe_file(f"{path}.part", content)
            self._fs.mv(f"{path}.part", path)
