"""Takes handed over from the page: written beside the others in the workspace's folder of exports, and read again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.workspace import files
from app.workspace.workspace import Send, Workspace
from editor.document import EditError
from engine.spec.words import plural


def export(workspace: Workspace, message: Mapping[str, Any], send: Send) -> None:
    """Each format in a folder of its own; one that cannot be written says why, and the others are written all the same."""
    from engine.export import FORMATS, export_take
    from engine.spec.take import Take

    names = message.get("formats")
    if not isinstance(names, list) or not names or any(name not in FORMATS for name in names):
        raise EditError(f"An export needs one or more of {', '.join(FORMATS)}.")
    source = files.take_folder(message.get("take", ""), workspace.config)
    take, parent = Take.open(source), free(workspace.config.exports, source.name)
    rows: list[dict[str, object]] = []
    tell = {"type": "exported", "take": source.name, "folder": str(parent), "verified": None}
    for name in dict.fromkeys(names):
        send({**tell, "rows": list(rows), "writing": name})
        out = parent / (f"{name}.glb" if name.startswith("glb") else name)
        row: dict[str, object] = {"format": name, "url": f"/api/exports/{parent.name}/{out.name}", "files": 0, "dropped": [], "error": None}
        parent.mkdir(parents=True, exist_ok=True)
        try:
            report = export_take(take, name, out)
            row |= {"files": report.files, "dropped": list(report.dropped)}
        except (ValueError, OSError) as refusal:
            row["error"] = " ".join(str(refusal).split())
            shutil.rmtree(out, ignore_errors=True)
        rows.append(row)
    written = [str(row["format"]) for row in rows if row["error"] is None]
    if message.get("verify") is True and written:
        send({**tell, "rows": rows, "writing": "what was written, read again"})
        tell["verified"] = _verified(take, parent, written)
    send({**tell, "rows": rows, "writing": None})


def free(parent: Path, name: str) -> Path:
    """A folder that is not there yet."""
    number, folder = 1, parent / name
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder


def _verified(take: Any, parent: Path, written: list[str]) -> str:
    """What was read again of what was written, in a sentence."""
    faults = [fault for name in written if name in _CHECKS and (fault := _CHECKS[name](take, parent / name))]
    if faults:
        return "Read again, it does not agree: " + "; ".join(faults) + "."
    read = [name for name in written if name in _CHECKS]
    unread = [name for name in written if name not in _CHECKS]
    tail = f"; {', '.join(unread)} {'has' if len(unread) == 1 else 'have'} no reader here" if unread else ""
    return (f"Read again and equal to the take: {', '.join(read)}{tail}." if read else f"Nothing was read again{tail}.").replace("again; ", "again: ")


def _occ3d_fault(take: Any, folder: Path) -> str | None:
    import numpy as np

    from engine.export import OCC3D_OF_CLASS

    found = sorted(folder.rglob("labels.npz"))
    if len(found) != len(take.semantics):
        return f"occ3d has {plural(len(found), 'frame')} of {len(take.semantics)}"
    wrong = [k for k, path in enumerate(found) if not np.array_equal(np.load(path)["semantics"], OCC3D_OF_CLASS[take.semantics[k]])]
    return f"occ3d differs at frame {wrong[0]}" if wrong else None


def _mp4_fault(take: Any, folder: Path) -> str | None:
    from engine.export.parts import pictures

    for path in sorted(folder.glob("*.mp4")):
        if (count := sum(1 for _ in pictures(path))) != take.frame_count:
            return f"{path.name} has {plural(count, 'picture')} of {take.frame_count}"
    return None


def _nuscenes_fault(take: Any, folder: Path) -> str | None:
    from editor.formats import FormatError
    from editor.formats.nuscenes.verify import verify

    try:
        verify(take, folder)
    except FormatError as fault:
        return str(fault).rstrip(".")
    return None


_CHECKS = {"occ3d": _occ3d_fault, "mp4": _mp4_fault, "nuscenes": _nuscenes_fault}
