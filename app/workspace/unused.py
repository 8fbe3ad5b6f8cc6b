"""Sets of dropped files that no scene refers to any more are deleted: at the studio's start and after an import.

A scene refers to the pictures of its cameras, by path. Kept is what any scene of the workspace folder names (projects, drafts with their
steps, takes, the queue), what an open one or its undo history names, and what was used within the hour: an import may be about to begin.
Where a file cannot be read nothing is deleted, for nobody knows what it names.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from editor.document import Document
from editor.entities import CameraEntity
from editor.files.autosave import STEPS

log = logging.getLogger("anyscene.files")

FOLDER = "dropped"
RESTS_S = 3600.0
_NAMED = re.compile(rf"{FOLDER}/([0-9a-f]{{8}})/".encode())
_GONE = ".gone-"


def use(folder: Path) -> None:
    """A set (dropped/HASH) is in use: it stays for a while, whoever refers to it."""
    os.utime(folder)


def tidy(workspace: Path, open_documents: Callable[[], Iterable[Document]], now: Callable[[], float] = time.time) -> list[str]:
    """Deletes what no scene needs; names of the sets that went. `open_documents` gives what is open, undo histories too."""
    folder = workspace / FOLDER
    if not folder.is_dir():
        return []
    for half in folder.glob(f"{_GONE}*"):
        shutil.rmtree(half, ignore_errors=True)
    old = [one for one in folder.iterdir() if one.is_dir() and now() - one.stat().st_mtime > RESTS_S]
    if not old:
        return []
    try:
        needed = {name for text in _texts(workspace) for name in _names(text)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as damage:
        log.warning("dropped files are kept, for a scene cannot be read: %s", damage)
        return []
    # Looked at last: what was opened or saved meanwhile is open.
    needed |= {name for document in open_documents() for camera in document.of(CameraEntity) if camera.pictures for name in _names(_folder(camera))}
    gone = [one for one in old if one.name not in needed and now() - one.stat().st_mtime > RESTS_S]
    for one in gone:
        aside = one.with_name(f"{_GONE}{one.name}")
        one.rename(aside)  # at once, so that nothing half is found there
        shutil.rmtree(aside, ignore_errors=True)
    if gone:
        log.info("deleted dropped files that no scene refers to: %s", ", ".join(one.name for one in gone))
    return [one.name for one in gone]


def _folder(camera: CameraEntity) -> bytes:
    pictures = camera.pictures
    return b"" if pictures is None else "".join(f"{pictures.folder}/{name}\n" for _, name in pictures.rows[:1]).encode() + f"{pictures.folder}/".encode()


def _names(text: bytes) -> Iterator[str]:
    return (match.group(1).decode() for match in _NAMED.finditer(text))


def _texts(workspace: Path) -> Iterator[bytes]:
    """What every scene of the workspace folder says."""
    for place, folders, files in os.walk(workspace):
        if Path(place) == workspace:
            folders[:] = [name for name in folders if name != FOLDER]
        for name in files:
            path = Path(place) / name
            if path.suffix == STEPS:
                yield path.read_bytes()
            elif path.suffix == ".anyscene":
                try:
                    with zipfile.ZipFile(path) as archive:
                        yield archive.read("project.json")
                except FileNotFoundError:
                    continue  # deleted meanwhile
