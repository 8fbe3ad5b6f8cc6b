"""Logs and maps of other people -> Documents. Every reader is one function; FORMATS is the table that everyone uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from editor import check
from editor.document import Document, EditError
from editor.formats import argoverse2, nuscenes, opendrive, scenarionet
from editor.formats.report import MALFORMED, Dropped, FormatError, ImportReport, SeveralScenes, what_is_wrong

__all__ = ["FORMATS", "Dropped", "FormatError", "ImportReport", "Importer", "SeveralScenes", "import_scene"]


@dataclass(frozen=True, slots=True)
class Importer:
    """One format: what the page says about it, and its reader."""

    title: str
    source: str
    """What to point at."""
    read: Callable[..., tuple[Document, ImportReport]]
    has_scenes: bool = False
    """Whether one source holds several scenes, of which `scene_name` chooses one."""


LONGEST_NAME = 200

FORMATS: Mapping[str, Importer] = {
    "av2": Importer("Argoverse 2 sensor log", "a log folder", argoverse2.read),
    "nuscenes": Importer("nuScenes tables (T4, Lyft)", "the data set's folder", nuscenes.read_tables, has_scenes=True),
    "nuscenes-infos": Importer("nuScenes infos (mmdet3d)", "an infos .pkl file", nuscenes.read_infos, has_scenes=True),
    "scenarionet": Importer("ScenarioNet scenario (nuScenes, Waymo)", "an sd_*.pkl file", scenarionet.read),
    "opendrive": Importer("OpenDRIVE road network", "an .xodr file", opendrive.read),
}


def import_scene(
    format: str,  # noqa: A002 - the command line's own word
    source: Path,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
    map_path: Path | None = None,
    scene_name: str | None = None,
) -> tuple[Document, ImportReport]:
    """The scene of a log or map, from `start_s` for `duration_s` (None: all of a log, 8 s of a map), and what became of it.

    `scene_name` chooses where a source holds several.

    Raises FormatError with one sentence where the source cannot be read.
    """
    if format not in FORMATS:
        raise FormatError(f"There is no importer '{format}': choose {', '.join(FORMATS)}.")
    source = Path(source)
    if not source.exists():
        raise FormatError(f"{source} does not exist: point at {FORMATS[format].source}.")
    map_path = None if map_path is None else Path(map_path)
    if map_path is not None and not map_path.exists():
        raise FormatError(f"The map {map_path} does not exist: give a file or folder that does.")
    choice = {"scene_name": scene_name} if FORMATS[format].has_scenes else {}
    if scene_name is not None and not choice:
        raise FormatError(f"{source} is a {FORMATS[format].title}, which holds one scene: leave --scene out.")
    try:
        document, report = FORMATS[format].read(source, start_s=start_s, duration_s=duration_s, map_path=map_path, **choice)
        document = replace(document, name=_scene_name(document.name, source))
        check.whole_document(document)
    except EditError as error:
        raise FormatError(f"{source} holds something that no scene can: {error}") from error
    except FormatError as error:
        if source.name in str(error):
            raise
        raise FormatError(f"{source}: {error}") from error
    except MALFORMED as error:
        raise FormatError(f"{source} is damaged ({what_is_wrong(error)}): copy it again, or export it anew.") from error
    return document, report


def _scene_name(told: str, source: Path) -> str:
    """On one line, printable and not too long; the source's own name where nothing is left."""
    words = "".join(letter if letter.isprintable() else " " for letter in told).split()
    return " ".join(words)[:LONGEST_NAME].strip() or source.stem[:LONGEST_NAME]
