"""What a folder holds that an importer reads, from the names of its files alone: of a folder dropped on the page only that is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from editor.formats.argoverse2 import ANNOTATIONS
from editor.formats.nuscenes.tables import NEEDED, WANTED

SKIPPED = r"samples|sweeps|images|lidar|lidarseg|panoptic|sensors|can_bus|node_modules|__pycache__|\..*|(cam|lidar|radar)_.*"
"""Folders without anything that an importer reads before a scene is chosen, by a pattern for the whole name in any case."""
POSES = "city_SE3_egovehicle.feather"
TABLES = frozenset(f"{table}.json" for table in (*NEEDED, *WANTED))


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Something in a folder that can be imported. Paths are relative to the folder, with '/'; '' is the folder itself."""

    format: str
    path: str
    """What the importer is pointed at."""
    files: tuple[str, ...]
    """What it reads."""


def format_of_file(name: str) -> str | None:
    """The importer of a source that is one file, by its name; None where there is none."""
    path = PurePosixPath(name)
    if path.suffix.lower() == ".pkl":
        return "scenarionet" if path.name.lower().startswith("sd_") else "nuscenes-infos"
    return "opendrive" if path.suffix.lower() == ".xodr" else None


def sources_in(files: Iterable[str]) -> list[FolderSource]:
    """Everything that can be imported of a folder with these files, by path."""
    below: dict[str, list[str]] = defaultdict(list)
    """Names by the folder they lie in."""
    for file in files:
        folder, _, name = file.rpartition("/")
        below[folder].append(name)
    logs = [_argoverse2(folder, below) for folder, names in below.items() if POSES in names]
    tables: dict[str, list[str]] = defaultdict(list)
    for folder, names in below.items():
        if {"scene.json", "sample.json"} <= set(names):
            tables[folder.rpartition("/")[0]].append(folder)
    sets = [FolderSource("nuscenes", root, _tables(folders, below) + _maps(root, below)) for root, folders in tables.items()]
    alone = []
    for folder, names in below.items():
        for name in names:
            kind, path = format_of_file(name), _join(folder, name)
            if kind is not None:
                alone.append(FolderSource(kind, path, (path, *(_maps(folder, below) if kind == "nuscenes-infos" else ()))))
    return sorted([*logs, *sets, *alone], key=lambda source: source.path)


def _argoverse2(log: str, below: dict[str, list[str]]) -> FolderSource:
    own = [_join(log, name) for name in below[log] if name == POSES or name in ANNOTATIONS]
    parts = [(_join(log, "calibration"), (".feather",)), (_join(log, "map"), (".json", ".npy"))]
    return FolderSource("av2", log, (*own, *(_join(folder, name) for folder, kinds in parts for name in below.get(folder, ()) if name.endswith(kinds))))


def _tables(folders: Sequence[str], below: dict[str, list[str]]) -> tuple[str, ...]:
    return tuple(_join(folder, name) for folder in folders for name in below[folder] if name in TABLES)


def _maps(root: str, below: dict[str, list[str]]) -> tuple[str, ...]:
    """Map expansions and T4's Lanelet2 map of a data set, beside its tables or in a folder of tables."""
    places = [folder for folder in below if _is_maps(folder, root)]
    return tuple(_join(folder, name) for folder in places for name in below[folder] if name.endswith((".json", ".osm")))


def _is_maps(folder: str, root: str) -> bool:
    if root and not folder.startswith(f"{root}/"):
        return False
    parts = PurePosixPath(folder).parts[len(PurePosixPath(root).parts) :]
    return bool(parts) and any(part in ("map", "maps") for part in parts[:2])


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
