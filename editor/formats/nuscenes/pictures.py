"""The pictures that a table set names of a scene: `export TAKE nuscenes --like DIR` writes a take's own under their names."""

from __future__ import annotations

from pathlib import Path

from editor.formats.nuscenes.tables import SourcePicture, choose_scene, data_of_scene, pictures_in
from editor.formats.report import MALFORMED, FormatError, what_is_wrong
from engine.spec.tables import Tables


def pictures_of(source: Path, scene_name: str | None) -> list[SourcePicture]:
    """All pictures of a scene, by camera and time. Raises FormatError where the scene cannot be read."""
    folder, scene = choose_scene(source, scene_name)
    tables = Tables(folder)
    try:
        samples = [row for row in tables.rows("sample") if row["scene_token"] == scene["token"]]
        zero_us = min((int(row["timestamp"]) for row in samples), default=0)
        data, channels = data_of_scene(tables, {row["token"] for row in samples})
        return pictures_in(data, channels, zero_us)
    except FormatError:
        raise
    except MALFORMED as error:
        raise FormatError(f"{folder} is not laid out as nuScenes' tables are ({what_is_wrong(error)}): copy the tables again.") from error
