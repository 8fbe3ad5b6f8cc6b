"""The takes of the workspace folder as the shelf shows them: what each was made from and by what, read from its small files only."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.config import AppConfig
from app.jobs.carried_on import Asked
from app.jobs.take_maker import SCENE
from editor.document import Document
from editor.files.document_hash import document_hash
from engine.presets import recipe_of
from engine.spec.grid import RATE_HZ
from engine.spec.take import frames_on_disk

THUMBNAIL_PX = 224
"""Across."""


def cards(config: AppConfig, document: Document) -> list[dict[str, Any]]:
    """Every take of the folder, newest first. Of the scene of the document that is open, a take that was made from another state of it is stale.
    A new name alone is no other state, and another prompt alone makes a variant of it."""
    folders = [path.parent for path in config.takes.glob("*/take.json")] if config.takes.is_dir() else []
    found = [dict(one) for folder in folders if (one := _card(folder, *_stamp(folder))) is not None]
    for one in found:
        if one["document_hash"] == document_hash(document, one["scene"] or None):
            one["state"] = "current"
        elif one["scene"] != document.name:
            one["state"] = "other scene"
        else:
            one["state"] = "variant" if one["document_hash"] == document_hash(document, prompt=one["prompt"]) else "stale"
        one["scored"] = (config.scores / f"{one['name']}.json").is_file()
    return sorted(found, key=lambda one: -one["modified"])


def card(config: AppConfig, name: str) -> dict[str, Any] | None:
    """One take, without its state."""
    folder = config.takes / Path(name).name
    return _card(folder, *_stamp(folder)) if (folder / "take.json").is_file() else None


def _stamp(folder: Path) -> tuple[float, int]:
    """Changes when a take is written on."""
    try:
        videos = sum(1 for _ in (folder / "video").glob("*.mp4")) if (folder / "video").is_dir() else 0
        return (folder / "take.json").stat().st_mtime, videos
    except OSError:
        return 0.0, 0


@lru_cache(maxsize=1024)
def _card(folder: Path, modified: float, videos: int) -> dict[str, Any] | None:
    """Of the folder as it was then; None where it is no take."""
    try:
        info = json.loads((folder / "take.json").read_text())
        cameras = json.loads((folder / "cameras.json").read_text())
        told, recipe = info.get("recipe", {}), recipe_of(info.get("recipe", {}))
        stage, finished, asked = str(info.get("stage", "")), bool(info.get("finished")), Asked.of(info)
        frames = int(info.get("frame_count", 0))
        frames = frames if finished else frames_on_disk(folder)
        seen = [one["name"] for one in cameras if (folder / "video" / f"{one['name']}.mp4").is_file()]
        return {
            "name": folder.name, "scene": str(told.get("scene", "")), "prompt": str(info.get("prompt", "")), "seed": recipe.seed,
            "occupancy": recipe.occupancy, "views": recipe.views if stage == "video" or videos else "", "steps": recipe.steps,
            "frames": frames, "length_s": round(frames / RATE_HZ, 2), "start_s": float(told.get("start_s", 0.0)),
            "stage": stage, "whole": asked.whole, "asked_frames": asked.frames, "until": asked.until, "seconds": info.get("seconds", {}), "modified": modified,
            "document_hash": str(told.get("document_hash", "")), "can_restore": (folder / SCENE).is_file(),
            "cameras": [{"name": one["name"], "width": one["width"], "height": one["height"], "video": one["name"] in seen} for one in cameras],
            "thumbnail": f"/api/thumbnail/{folder.name}?{int(modified)}.{videos}",
        }  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def thumbnail(config: AppConfig, name: str) -> bytes | None:
    """JPEG of a take: its front camera's first picture, else its first layout from above; None where there is no such take."""
    folder = config.takes / Path(name).name
    return _thumbnail(folder, *_stamp(folder)) if (folder / "take.json").is_file() else None


@lru_cache(maxsize=256)
def _thumbnail(folder: Path, modified: float, videos: int) -> bytes | None:
    from PIL import Image

    del modified, videos  # what the picture is of
    found = sorted((folder / "video").glob("*.mp4"), key=lambda path: ("FRONT" not in path.stem.upper(), len(path.stem), path.stem))
    try:
        picture = _first_picture(found[0]) if found else _layout(folder)
    except (OSError, ValueError, KeyError, StopIteration, RuntimeError):
        return None
    size = (THUMBNAIL_PX, max(1, round(picture.height * THUMBNAIL_PX / picture.width)))
    data = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).convert("RGB").save(data, "JPEG", quality=85)
    return data.getvalue()


def _first_picture(video: Path) -> Any:
    import imageio.v3 as iio
    from PIL import Image

    return Image.fromarray(next(iio.imiter(video, plugin="FFMPEG")))


def _layout(folder: Path) -> Any:
    import numpy as np
    from PIL import Image

    from app.workspace.images import layout_png

    with np.load(folder / "layouts.npz", allow_pickle=False) as held:
        whole = Image.open(io.BytesIO(layout_png(held["layouts"][0])))
    # A strip of it, in the shape of a camera's picture.
    return whole.crop((0, whole.height * 7 // 32, whole.width, whole.height * 25 // 32))
