"""Where a command may write, asked before it starts to compute."""

from __future__ import annotations

import os
from pathlib import Path

from app.errors import CommandError


def output_file(out: Path) -> Path:
    """`out`, with its folder made. Raises CommandError where a file cannot be written there."""
    if out.is_dir():
        raise CommandError(f"-o {out} is a folder and this command writes a file: name a file, for example {out / 'scene.anyscene'}.")
    _make_folder(out.absolute().parent)
    if out.exists() and not os.access(out, os.W_OK):
        raise CommandError(f"-o {out} is there and may not be written: choose another name.")
    return out


def output_folder(out: Path, *, known_by: str = "", replace: bool = False) -> Path:
    """`out` as a folder of ours: new, empty, or, where it may be replaced, an earlier one that holds the file `known_by`. Raises CommandError
    otherwise."""
    if out.exists() and not out.is_dir():
        raise CommandError(f"-o {out} is a file and this command writes a folder: choose another name.")
    if out.is_dir() and any(out.iterdir()) and not (known_by and (out / known_by).exists()):
        raise CommandError(f"-o {out} holds other things already: choose a new folder.")
    if known_by and not replace and (out / known_by).exists():
        raise CommandError(f"-o {out} holds a take already: choose a new folder, or give --replace to have that one written over.")
    _make_folder(out.absolute())
    return out


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The folder {folder} cannot be made ({error.strerror}): choose another -o.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CommandError(f"The folder {folder} may not be written: choose another -o.")
