"""What a log's own cameras took at the playhead, where its pictures lie on this machine: the underlay of the camera strip."""

from __future__ import annotations

from pathlib import Path

from app.workspace.images import STRIP_WIDTH, encode
from app.workspace.shot import Shot
from editor.document import EditError
from editor.source_pictures import source_picture
from engine.spec.grid import RATE_HZ


def recorded_pictures(shot: Shot) -> tuple[tuple[str, Path], ...]:
    """(camera, file) of the cameras whose log has a picture near that moment; files that are gone are left out."""
    found = []
    for camera in shot.clip.cameras:
        try:
            picture = source_picture(shot.document, camera.name, shot.frame / RATE_HZ)
        except EditError:
            continue
        if picture is not None:
            found.append((camera.name, picture.path))
    return tuple(found)


def recorded_jpeg(path: Path) -> bytes | None:
    """The picture at the strip's size; None where it is none. Only JPEG and PNG are read: a scene from a stranger names files too."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path, formats=("JPEG", "PNG")) as picture:
            picture.draft("RGB", (STRIP_WIDTH, STRIP_WIDTH))
            picture.thumbnail((STRIP_WIDTH, STRIP_WIDTH))
            return encode(np.asarray(picture.convert("RGB")))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
