"""Pictures that a user drops on a camera, for view models that begin from one: kept in the workspace folder by the hash of their bytes."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path

from app.config import AppConfig
from editor.document import EditError
from engine.views import registry

MOST_BYTES = 32 * 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{24}\.(png|jpeg)")


def keep(data: bytes, config: AppConfig) -> str:
    """The name under which the picture is kept. Raises EditError (one sentence) where it is none."""
    from PIL import Image

    if len(data) > MOST_BYTES:
        raise EditError(f"A picture of {len(data) / 1e6:.0f} MB is too large to begin from: give one of at most {MOST_BYTES // 2**20} MB.")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            picture.verify()
            kind = str(picture.format).lower()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as damage:
        raise EditError("That file is no PNG or JPEG picture: drop one of those on the camera.") from damage
    name = f"{hashlib.sha256(data).hexdigest()[:24]}.{kind}"
    folder = config.workspace / "anchors"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / name).is_file():
        beside = folder / f".{name}.tmp"
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, folder / name)
    return name


def by_digest(digests: Mapping[str, str], config: AppConfig) -> dict[str, Path]:
    """Camera -> file, of {camera: SHA-256 of its picture} as take.json says it; pictures that are not kept here are left out."""
    found = {}
    for camera, digest in digests.items():
        path = next((config.workspace / "anchors").glob(f"{digest[:24]}.*"), None) if re.fullmatch(r"[0-9a-f]{64}", digest) else None
        if path is not None:
            found[camera] = path
    return found


def named(asked: object, views: str, config: AppConfig) -> dict[str, Path]:
    """Camera -> file, of {camera: name}. Raises EditError where a name is none that `keep` gave, or the view model begins from no picture."""
    if asked is None or asked == {}:
        return {}
    if not isinstance(asked, Mapping):
        raise EditError("'anchors' must be an object of cameras and the names of their pictures.")
    if not registry.entry(views).takes_anchors:
        able = [name for name, one in registry.VIEWS.items() if one.takes_anchors and one.why_not() is None]
        raise EditError(f"View model '{views}' begins from no picture: take the picture off the camera, or choose {' or '.join(able) or 'another machine'}.")
    found = {}
    for camera, name in asked.items():
        path = config.workspace / "anchors" / str(name)
        if not isinstance(camera, str) or not _NAME.fullmatch(str(name)) or not path.is_file():
            raise EditError(f"The picture of camera '{str(camera)[:40]}' is not kept here any more: drop it again.")
        found[camera] = path
    return found
