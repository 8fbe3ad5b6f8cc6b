"""The folder that takes land in: DIR/KEY/ is a finished take or is not there.

A take is made under `.fanout/making/`, its row is put beside, and then its folder is renamed into place. Whoever is killed on the way
leaves something under `making` that nobody lists and the next start removes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

KNOWN_BY = ".fanout"
"""What tells a folder of ours from any other."""
_KEY = re.compile(r"[0-9a-f]{64}")


class StoreError(ValueError):
    """A folder that cannot be used: one sentence."""


class Store:
    """One folder of takes. Several processes, on several machines that see the same disk, may land takes in it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._rows = root / KNOWN_BY / "rows"
        self._files = root / KNOWN_BY / "files"
        self._making = root / KNOWN_BY / "making"
        self.thumbnails = root / "thumbnails"

    def prepare(self) -> None:
        """Makes what is missing of the folders."""
        for folder in (self._rows, self._files, self._making, self.thumbnails):
            folder.mkdir(parents=True, exist_ok=True)

    def landed(self) -> set[str]:
        """Keys of the takes that are whole."""
        with os.scandir(self.root) as entries:
            takes = {entry.name for entry in entries if _KEY.fullmatch(entry.name)}
        with os.scandir(self._rows) as entries:
            return takes & {entry.name.removesuffix(".json") for entry in entries}

    def landed_of(self, keys: Iterable[str]) -> set[str]:
        """Those of a few keys whose takes are whole."""
        return {key for key in keys if (self.root / key).is_dir() and (self._rows / f"{key}.json").is_file()}

    def take(self, key: str) -> Path:
        return self.root / key

    @contextlib.contextmanager
    def opened(self, key: str) -> Iterator[Path]:
        """The folder of a take that has landed, to be read inside."""
        yield self.take(key)

    def publish(self, names: Iterable[str]) -> None:
        """Puts files of the driver's folder where the takes are."""

    def fetch_thumbnails(self, keys: Iterable[str]) -> None:
        """Puts pictures of takes where the page is."""

    def row(self, key: str) -> dict[str, Any]:
        """What was measured and noted of a take that has landed."""
        return json.loads((self._rows / f"{key}.json").read_text())

    def files(self, key: str) -> list[dict[str, Any]]:
        """Path, sha256 and bytes of every file of a take that has landed; apart from its row, because they are most of what is known of it."""
        return json.loads((self._files / f"{key}.json").read_text())

    def begin(self, key: str) -> Path:
        """A folder, not there yet, to make a take in: named for this process, so that two who make the same one do not meet."""
        folder = self._making / f"{key}-{socket.gethostname()}-{os.getpid()}"
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def give_up(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def land(self, key: str, folder: Path, row: dict[str, Any], thumbnail: bytes) -> bool:
        """Puts a finished take in place, its hashed files apart from its row; False where another landed the same one first."""
        put(self.thumbnails / f"{key}.jpg", thumbnail)
        if self.take(key).exists():
            self.give_up(folder)
            return False
        rest = {name: value for name, value in row.items() if name != "files"}
        put(self._files / f"{key}.json", json.dumps(row["files"]).encode())
        put(self._rows / f"{key}.json", json.dumps(rest, allow_nan=False).encode())
        sync_folder(folder)
        try:
            os.rename(folder, self.take(key))
        except OSError:
            self.give_up(folder)
            if not self.take(key).exists():
                raise
            return False
        sync_folder(self.root)
        return True

    def begun(self) -> set[str]:
        """Keys of what is being made, or was when its maker died."""
        return {name[:64] for name in os.listdir(self._making) if _KEY.fullmatch(name[:64])}

    def sweep(self) -> None:
        """Removes what dead makers left. Only for whoever holds the lock, before anything is made."""
        for name in os.listdir(self._making):
            shutil.rmtree(self._making / name, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Held by the one who hands out the work. Raises StoreError where another holds it; it goes with its holder's process."""
        try:
            import fcntl
        except ImportError:  # Windows: two at once waste work, and land the same bytes
            yield
            return
        with open(self.root / KNOWN_BY / "lock", "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StoreError(f"Another fan-out is at work in {self.root}: wait for it, or choose another folder.") from None
            yield


def put(path: Path, content: bytes) -> None:
    """Written beside, synced and renamed."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last; not every file system lets a folder be opened for that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
