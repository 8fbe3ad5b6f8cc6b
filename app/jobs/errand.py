"""Work on a finished take that makes no take: its scores, or the take in somebody else's format. The engine's process does it."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

KINDS = ("evaluate", "export")


class ErrandCancelled(Exception):
    """The work was called off; nothing of it is left."""


@dataclass(frozen=True)
class Errand:
    """One piece of such work."""

    kind: str
    """One of KINDS."""
    take: Path
    """The take's folder, which is only read."""
    out: Path
    """The file that is written, whole or not at all: scores as JSON; an export as one file, or as a zip of its files."""
    format: str = ""
    """Of an export, a name of `engine.export.FORMATS`."""


def run(errand: Errand, progress: Callable[[str, int, int], None], cancelled: Callable[[], bool]) -> tuple[str, ...]:
    """Write `errand.out`; returns sentences about what was dropped. Raises ValueError (one sentence), ErrandCancelled."""
    errand.out.parent.mkdir(parents=True, exist_ok=True)
    beside = errand.out.with_name(f".{errand.out.stem}.part{errand.out.suffix}")

    def told(stage: str, done: int, total: int) -> None:
        if cancelled():
            raise ErrandCancelled
        progress(stage, done, total)

    try:
        notes = _scores(errand, beside, told) if errand.kind == "evaluate" else _export(errand, beside, told)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, errand.out)
    finally:
        beside.unlink(missing_ok=True)
    return notes


def _scores(errand: Errand, beside: Path, told: Callable[[str, int, int], None]) -> tuple[str, ...]:
    from engine.metrics.report import evaluate

    report = evaluate([errand.take], progress=lambda stage, done, total: told("scores", done, total))
    beside.write_text(json.dumps(report, default=float))
    return ()


def _export(errand: Errand, beside: Path, told: Callable[[str, int, int], None]) -> tuple[str, ...]:
    from engine.export import export_take
    from engine.spec.take import Take

    told("export", 0, 1)
    take = Take.open(errand.take)
    if errand.out.suffix != ".zip":
        dropped = export_take(take, errand.format, beside).dropped
    else:
        folder = beside.with_suffix("")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            dropped = export_take(take, errand.format, folder).dropped
            told("export", 0, 1)
            pack(folder, beside)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    told("export", 1, 1)
    return tuple(dropped)


def pack(folder: Path, archive: Path) -> None:
    """Everything in a folder as a zip."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder))
