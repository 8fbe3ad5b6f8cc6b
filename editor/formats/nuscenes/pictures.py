"""The pictures that a table set names: of which camera, when, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from editor.formats.nuscenes.tables import Tables, choose_scene, data_of_scene
from editor.formats.report import MALFORMED, FormatError, what_is_wrong


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """One row of sample_data that is a picture."""

    channel: str
    time_s: float
    """After the scene's first key frame."""
    name: str
    """As the table has it: relative to the data set's folder."""
    width: int
    height: int
    is_key_frame: bool


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


def pictures_in(data: Sequence[Mapping[str, Any]], channels: Mapping[str, tuple[str, str]], zero_us: int) -> list[SourcePicture]:
    """The rows of sample_data that are pictures; channels by their tokens, as (channel, modality)."""
    found = [
        SourcePicture(
            channels[row["token"]][0],
            (int(row["timestamp"]) - zero_us) / 1e6,
            str(row.get("filename", "")),
            int(row["width"]),
            int(row["height"]),
            bool(row.get("is_key_frame", True)),
        )
        for row in data
        if channels[row["token"]][1] == "camera"
    ]
    return sorted(found, key=lambda picture: (picture.channel, picture.time_s))
