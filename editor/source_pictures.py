"""Pictures that a scene's real cameras took, found where they lie: an underlay for the camera strip, an anchor for a view model."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from editor.document import Document, EditError
from editor.entities import CameraEntity

FARTHEST_S = 0.3
"""Key frames are 0.5 s apart: where a set has no more, each stands for the time around it."""


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A file that is there, and when it was taken."""

    path: Path
    time_s: float


def source_pictures(document: Document, time_s: float) -> dict[str, Path]:
    """Camera -> file, of every camera whose log has a picture near that moment; files that are gone are left out."""
    found = {}
    for entity in document.of(CameraEntity):
        with contextlib.suppress(EditError):
            if (picture := source_picture(document, entity.camera.name, time_s)) is not None:
                found[entity.camera.name] = picture.path
    return found


def source_picture(document: Document, camera_name: str, time_s: float) -> FoundPicture | None:
    """The picture nearest in time, None where the camera has none within FARTHEST_S; a single one stands for the whole scene.

    Raises EditError, one sentence, for an unknown camera, and where the file is not there any more. Open the file as JPEG or PNG only
    (`PIL.Image.open(path, formats=("JPEG", "PNG"))`): a scene from a stranger names files too.
    """
    entity = next((one for one in document.of(CameraEntity) if one.camera.name == camera_name), None)
    if entity is None:
        raise EditError(f"The scene has no camera '{camera_name}': choose one of its own.")
    if entity.pictures is None or not entity.pictures.rows:
        return None
    rows = entity.pictures.rows
    at = bisect_left(rows, time_s, key=lambda row: row[0])
    when, name = min(rows[max(at - 1, 0) : at + 1], key=lambda row: abs(row[0] - time_s))
    if len(rows) > 1 and abs(when - time_s) > FARTHEST_S:
        return None
    path = Path(entity.pictures.folder) / name
    if not path.is_file():
        raise EditError(f"The picture {path} is not there: put the data set back in its place, or import the scene again from where it is now.")
    return FoundPicture(path, when)
