"""`import` and `edit`: files that become scenes. No engine, so no torch."""

from __future__ import annotations

import io
import runpy
import traceback
from argparse import Namespace
from pathlib import Path

from app.commands.paths import output_file
from app.errors import CommandError
from editor import check
from editor.document import Document, EditError
from editor.files import project
from editor.formats import import_scene
from engine.spec.words import plural


def import_(args: Namespace) -> int:
    out = output_file(args.out)
    document, report = import_scene(
        args.format, args.source, start_s=args.start, duration_s=args.duration, map_path=args.map, scene_name=args.scene
    )
    project.save(document, out)
    print(report.text())
    print(f"Saved {out}.")
    return 0


def edit(args: Namespace) -> int:
    out = output_file(args.out)
    document = load_scene(args.scene)
    edited = _openable(_run_script(args.script, document, debug=args.debug), args.script, debug=args.debug)
    project.save(edited, out)
    print(f"Saved {out}." if edited != document else f"Saved {out}: {args.script} changed nothing.")
    return 0


def load_scene(path: Path) -> Document:
    if not path.is_file():
        raise CommandError(f"There is no scene file {path}: give a .anyscene file, which 'import' or the studio writes.")
    return project.load(path)


def frames_left(document: Document, start_s: float, asked: int | None = None) -> int:
    """Frames from `start_s` to the end of a scene. CommandError where there are none, or fewer than were asked for."""
    from editor.clip import frame_count
    from engine.spec.grid import RATE_HZ

    left = frame_count(document) - round(start_s * RATE_HZ)
    if left < 1:
        raise CommandError(f"--start {start_s:g} is past the end of '{document.name}', which is {document.duration_s:g} s long: start earlier.")
    if left < (asked or 1):
        raise CommandError(f"'{document.name}' has {plural(left, 'frame')} from {start_s:g} s on, and {asked} were asked for: ask for fewer.")
    return left


def _run_script(script: Path, document: Document, *, debug: bool) -> Document:
    """Raises CommandError with the script's own line where it fails: the mistake is in the user's file, not in ours."""
    if not script.is_file():
        raise CommandError(f"There is no script {script}: give a Python file that defines edit(document).")
    try:
        function = runpy.run_path(str(script), run_name="anyscene_edit").get("edit")
        if not callable(function):
            raise CommandError(f"{script} defines no function edit(document): add one that returns the new document.")
        edited = function(document)
    except (CommandError, EditError):
        raise
    except SystemExit as error:
        raise CommandError(f"{script} left with exit code {error.code} instead of returning a document.") from error
    except Exception as error:
        if debug:
            raise
        raise CommandError(f"{script}{_line_of(error, script)}: {type(error).__name__}: {error}.") from error
    if not isinstance(edited, Document):
        raise CommandError(f"edit(document) in {script} returned {type(edited).__name__}: it must return the new document.")
    return edited


def _openable(document: Document, script: Path, *, debug: bool) -> Document:
    """`document` itself, once it has passed for everything that a file is checked for when it is opened. Raises CommandError."""
    try:
        check.whole_document(document)
        project.from_file(io.BytesIO(project.to_bytes(document)))
    except Exception as error:
        if debug:
            raise
        known = isinstance(error, (EditError, project.ProjectError))
        reason = str(error) if known else f"it holds something of a kind that no scene file has ({type(error).__name__}: {error})"
        raise CommandError(f"What edit(document) in {script} returned could not be opened again: {reason.rstrip('.')}; mend the script.") from error
    return document


def _line_of(error: Exception, script: Path) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == script]
    return f", line {lines[-1]}" if lines else ""
