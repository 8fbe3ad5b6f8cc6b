"""What a log's own cameras took at the playhead, where its pictures lie on this machine: the underlay of the camera strip."""

from __future__ import annotations

from pathlib import Path

from app.workspace.anchors import MOST_BYTES
from app.workspace.images import STRIP_WIDTH, encode
from app.workspace.shot import Shot
from editor.document import Document, EditError
from editor.source_pictures import source_picture, source_pictures
from engine.spec.grid import RATE_HZ


def recorded_pictures(shot: Shot) -> tuple[tuple[str, Path], ...]:
    """(camera, file) of the cameras whose log has a picture near that moment; files that are gone are left out."""
    found = source_pictures(shot.document, shot.frame / RATE_HZ)
    return tuple((camera.name, found[camera.name]) for camera in shot.clip.cameras if camera.name in found)


def recorded_bytes(document: Document, camera: str, frame: int) -> bytes:
    """The file itself, for a video to begin from. Raises EditError (one sentence) where the log has none near that frame."""
    picture = source_picture(document, camera, frame / RATE_HZ)
    if picture is None or picture.path.stat().st_size > MOST_BYTES:
        raise EditError(f"The log has no picture of {camera} near frame {frame} to begin from: move the playhead to one that has.")
    return picture.path.read_bytes()


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
