"""What a user drops on the page, or chooses of this computer: files or a folder with a scene, map or log.

The page asks `next_step` over and over: it is told what to let the user choose, which files to send, or what to import. Only what an importer reads is
sent, and of pictures those of the chosen scene's key frames. What was sent lies in dropped/ of the workspace folder, under a hash of its files'
names and sizes and its own name, so that the same set dropped again is not sent again; `unused` deletes what no scene refers to.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from app.config import AppConfig
from app.workspace import unused
from editor.document import EditError
from editor.formats import FORMATS, SeveralScenes
from editor.formats.folders import SKIPPED, FolderSource, sources_in
from editor.formats.nuscenes.pictures import pictures_of
from editor.formats.nuscenes.tables import choose_scene

MOST_BYTES = 2 * 2**30
MOST_FILES = 20_000
"""In a folder, of the kinds that importers read."""
SCENE_FILE = "anyscene"
"""The page's own word for a project of ours that lies outside the workspace."""
KINDS = "a nuScenes-like table set (scene.json, sample.json), an Argoverse 2 log (city_SE3_egovehicle.feather), or an .anyscene, .xodr or .pkl"
RULES = {"skipped": SKIPPED, "kept": r".*\.(json|feather|npy|osm|xodr|pkl|anyscene)", "most_files": MOST_FILES}
"""What a page needs to know before it looks into a folder."""
PICTURES_APART_S = 0.4
"""Sets whose every frame is a key frame send about two pictures a second."""
PICTURE_KINDS = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class Offer:
    """What lies on the user's side, and what has been chosen of it."""

    name: str
    sizes: Mapping[str, int]
    """Bytes of every file by its path in what was dropped."""
    source: str | None
    scene: str | None
    has_pictures: bool
    """Whether the pictures of the scene were asked for before."""


def next_step(told: object, config: AppConfig) -> dict[str, Any]:
    """What the page has to do with what was dropped: one of

    {choose: 'source' | 'scene', options: [[value, description], ..]}, {send: [path, ..], id, optional}: optional ones where they are there,
    {import: {format, source, scene}}: the socket's message. Raises EditError, one sentence, where nobody reads it, or it is too much.
    """
    offer = _offer(told)
    sources = [*sources_in(offer.sizes), *(FolderSource(SCENE_FILE, path, (path,)) for path in offer.sizes if path.lower().endswith(".anyscene"))]
    if not sources:
        raise EditError(f"'{offer.name[:80]}' holds nothing that can be imported: give {KINDS}.")
    if offer.source is None and len(sources) > 1:
        return {"choose": "source", "options": [[one.path, FORMATS[one.format].title if one.format in FORMATS else "AnyScene project"] for one in sources]}
    chosen = next((one for one in sources if offer.source in (None, one.path)), None)
    if chosen is None:
        raise EditError(f"'{offer.name[:80]}' holds no '{str(offer.source)[:80]}': drop it again.")
    folder = _folder(offer, chosen, config)
    missing = [path for path in chosen.files if not _is_there(folder / path, offer.sizes[path])]
    if sum(offer.sizes[path] for path in missing) > MOST_BYTES:
        raise EditError(f"'{offer.name[:80]}' has more than {MOST_BYTES // 2**30} GB to read: import it by its path (Ctrl+I).")
    folder.mkdir(parents=True, exist_ok=True)
    unused.use(folder.parent)
    if missing:
        return {"send": missing, "id": f"{folder.parent.name}/{folder.name}", "optional": False}
    source = folder / chosen.path
    if chosen.format == "nuscenes":
        try:
            choose_scene(source, offer.scene)
        except SeveralScenes as several:
            return {"choose": "scene", "options": [list(row) for row in several.scenes.items()]}
        if not offer.has_pictures and (wanted := _pictures(source, chosen, offer.scene)):
            return {"send": [path for path in wanted if not (folder / path).is_file()], "id": f"{folder.parent.name}/{folder.name}", "optional": True}
    return {"import": {"format": chosen.format, "source": str(source), "scene": offer.scene}}


def _offer(told: object) -> Offer:
    match told:
        case {"name": str(name), "files": [*files]} if len(files) <= MOST_FILES:
            sizes = {}
            for row in files:
                match row:
                    case [str(path), int(size)] if _is_inside(path) and size >= 0:
                        sizes[path] = size
            source, scene = told.get("source"), told.get("scene")
            return Offer(name, sizes, None if source is None else str(source), None if scene is None else str(scene), bool(told.get("has_pictures")))
    raise EditError(f"A dropped folder has a name and at most {MOST_FILES} files, each a path and a size: drop a smaller one.")


def _is_inside(path: str) -> bool:
    """Whether a path stays in its folder, on any system, and hides nothing."""
    parts = path.split("/")
    return len(path) <= 1000 and "\\" not in path and ":" not in path and path.isprintable() and all(part and part[0] != "." for part in parts)


def _folder(offer: Offer, source: FolderSource, config: AppConfig) -> Path:
    told = json.dumps(sorted([path, offer.sizes[path]] for path in source.files)).encode()
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", offer.name).strip("-.")[:60] or "scene"
    return config.workspace / unused.FOLDER / hashlib.sha256(told).hexdigest()[:8] / slug


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _pictures(source: Path, chosen: FolderSource, scene: str | None) -> list[str]:
    """Where pictures of the key frames may lie, in the folder that was dropped: below the source, or beside its tables."""
    last: dict[str, float] = defaultdict(lambda: -1e9)
    names = []
    for picture in pictures_of(source, scene):
        if picture.is_key_frame and picture.time_s >= last[picture.channel] + PICTURES_APART_S and _is_inside(picture.name):
            last[picture.channel] = picture.time_s
            names.append(picture.name)
    roots = dict.fromkeys((chosen.path, *(PurePosixPath(path).parent.as_posix() for path in chosen.files if path.endswith("/scene.json"))))
    return [str(PurePosixPath(root) / name) for name in names if name.lower().endswith(PICTURE_KINDS) for root in roots]


async def keep(path: str, chunks: AsyncIterator[bytes], config: AppConfig) -> None:
    """Writes one file that `next_step` asked for: ID/PATH. Raises EditError (one sentence); nothing half stays."""
    folder = config.workspace / unused.FOLDER
    if not _is_inside(path) or not (folder / "/".join(path.split("/")[:2])).is_dir() or path.count("/") < 2:
        raise EditError(f"The studio did not ask for '{path[:80]}': drop the folder again.")
    place = folder / path
    beside = place.with_name(f".{place.name[:100]}.{os.getpid()}.part")
    size = 0
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > MOST_BYTES:
                    raise EditError(f"'{path[:80]}' is larger than {MOST_BYTES // 2**30} GB: import it by its path (Ctrl+I).")
                file.write(chunk)
        os.replace(beside, place)
        unused.use(folder / path.split("/")[0])
    except OSError as error:
        raise EditError(f"'{path[:80]}' could not be kept in {folder} ({error.strerror or error}): free some space, or give it a shorter name.") from error
    finally:
        beside.unlink(missing_ok=True)
