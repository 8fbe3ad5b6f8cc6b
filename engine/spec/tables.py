"""nuScenes' tables, which T4 and Lyft share: rows by token, for who imports one scene of them and for who learns from many."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from engine.spec.camera import Camera
from engine.spec.geometry import Pose
from engine.spec.large_tables import rows_with
from engine.spec.rows import se3
from engine.spec.source import FormatError, what_is_wrong

Row = Mapping[str, Any]
_NO_TABLES = ("samples", "sweeps", "maps", "lidarseg")


def table_folders(source: Path) -> list[Path]:
    """Those that hold tables: the source itself, and one or two below it (v1.0-mini, annotation, data)."""
    if source.name == "scene.json" and source.is_file():
        source = source.parent
    if not source.is_dir():
        return []
    below = sorted(path for path in source.iterdir() if path.is_dir() and path.name not in _NO_TABLES)
    places = [source, *below, *(folder / "annotation" for folder in below)]
    return [place for place in places if (place / "scene.json").is_file() and (place / "sample.json").is_file()]


class Tables:
    """The tables of one folder, each read when it is first asked for, with their rows by token."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: dict[str, list[Row]] = {}
        self._by_token: dict[str, dict[str, Row]] = {}

    def has(self, table: str) -> bool:
        return (self.folder / f"{table}.json").is_file()

    def rows(self, table: str) -> list[Row]:
        """Raises FormatError where the table is missing or is no table."""
        if table not in self._rows:
            self._rows[table] = read_table(self.folder / f"{table}.json")
        return self._rows[table]

    def keep(self, table: str, key: str, wanted: Collection[str]) -> list[Row]:
        """The rows whose `key` is one of `wanted`. Of a large table that is not in memory yet nothing else is read, now or later."""
        path = self.folder / f"{table}.json"
        if table not in self._rows and path.is_file() and (rows := rows_with(path, key, wanted)) is not None:
            self._rows[table] = rows
        return [row for row in self.rows(table) if row[key] in wanted]

    def get(self, table: str, token: str, asked_by: str) -> Row:
        """The row with a token; FormatError where it leads nowhere."""
        if table not in self._by_token:
            self._by_token[table] = {row["token"]: row for row in self.rows(table)}
        row = self._by_token[table].get(token)
        if row is None:
            raise FormatError(
                f"{self.folder / table}.json has no row '{str(token)[:60]}', which {asked_by} points to: copy the tables again."
            )
        return row


def read_table(path: Path) -> list[Row]:
    try:
        rows = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FormatError(f"{path} is missing: copy all tables of the data set into one folder.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not a whole JSON table ({what_is_wrong(error)}): copy it again.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("token"), str) for row in rows):
        raise FormatError(f"{path} is not a list of rows with tokens, as nuScenes' tables are: copy it again.")
    return rows


def is_inside(name: str) -> bool:
    """Whether a file's name in a table leads to a place inside of the data set."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def camera_of(channel: str, data: Row, calibrated: Row) -> Camera:
    """Of a row of sample_data and its calibrated_sensor, as a pinhole. FormatError where the lens is none."""
    lens = np.array(calibrated["camera_intrinsic"], np.float64)
    if lens.shape != (3, 3) or not np.isfinite(lens).all():
        raise FormatError(f"calibrated_sensor '{calibrated['token']}' of {channel} has no 3 x 3 camera_intrinsic: copy the tables again.")
    numbers = (float(lens[0, 0]), float(lens[1, 1]), float(lens[0, 2]), float(lens[1, 2]))
    return Camera(channel, int(data["width"]), int(data["height"]), *numbers, Pose.from_matrix(se3(calibrated, "calibrated_sensor")))
