"""Scenes, maps and logs of one file that a user drops on the page: kept in the workspace folder, then imported as any other."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

from app.config import AppConfig
from editor.document import EditError

MOST_BYTES = 2 * 2**30
KINDS = ".anyscene, .xodr or .pkl"


def format_of(name: str) -> str:
    """How a dropped file is read, by its name. Raises EditError (one sentence) where nobody reads it."""
    suffix, stem = Path(name).suffix.lower(), Path(name).stem
    known = {".anyscene": "anyscene", ".xodr": "opendrive", ".pkl": "scenarionet" if stem.startswith("sd_") else "nuscenes-infos"}
    if suffix not in known:
        raise EditError(f"'{name[:80]}' is no {KINDS}: a log that is a folder is imported by its path (Ctrl+I).")
    return known[suffix]


async def keep(name: str, chunks: AsyncIterator[bytes], config: AppConfig) -> dict[str, str]:
    """Writes what arrives and says how to import it: {format, source}. Raises EditError (one sentence); nothing half stays."""
    kind = format_of(name)
    folder = config.workspace / "dropped"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^A-Za-z0-9._-]+", "-", Path(name).stem).strip("-.") or "scene")
    path = path.with_name(path.name + Path(name).suffix.lower())
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    size = 0
    try:
        with beside.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > MOST_BYTES:
                    raise EditError(f"'{name[:80]}' is larger than {MOST_BYTES // 2**30} GB: import it by its path (Ctrl+I).")
                file.write(chunk)
        os.replace(beside, path)
    except OSError as error:
        raise EditError(f"'{name[:80]}' could not be kept in {folder} ({error.strerror or error}): free some space.") from error
    finally:
        beside.unlink(missing_ok=True)
    return {"format": kind, "source": str(path)}
