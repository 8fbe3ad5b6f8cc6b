"""The camera strip: what every enabled camera sees at the playhead, as small JPEGs that a browser keeps by their address."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np

from app.workspace.shot import CameraPicture, Shot
from engine.render.above import layout_cells, turned_up
from engine.render.preview import preview_pictures
from engine.render.raycast import Volume
from engine.spec.camera import Camera

STRIP_WIDTH = 384
"""Pixels across a strip picture of 16:9 at its largest; a camera with fewer keeps its own."""
REMEMBERED = 512
"""Pictures kept per workspace: some 40 frames of 6 cameras, 10 MB."""


class ImageCache:
    """JPEGs by the hash of their bytes, newest kept. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._images: OrderedDict[str, bytes] = OrderedDict()

    def put(self, jpeg: bytes) -> str:
        """The name under which `get` finds it."""
        name = hashlib.sha256(jpeg).hexdigest()[:24]
        with self._lock:
            self._images[name] = jpeg
            self._images.move_to_end(name)
            while len(self._images) > REMEMBERED:
                self._images.popitem(last=False)
        return name

    def get(self, name: str) -> bytes | None:
        with self._lock:
            return self._images.get(name)


GROUND_RGB = (13, 16, 20)
"""Behind a layout: the canvas's own."""


@dataclass(frozen=True)
class CameraImages:
    """One camera's pictures at one frame, JPEG."""

    name: str
    entity_id: str
    semantic: bytes
    depth: bytes
    picture: CameraPicture | None


def strip_pixels(width: int) -> int:
    """In a strip picture of any shape, where one of 16:9 is so wide: a tall one takes no longer than a wide one."""
    return width * width * 9 // 16


def strip_camera(camera: Camera, width: int = STRIP_WIDTH) -> Camera:
    """The same view at the strip's size, where a picture of 16:9 is `width` pixels wide."""
    width = min(round((strip_pixels(width) * camera.width / camera.height) ** 0.5), width, camera.width)
    return camera.resized(width, max(1, round(camera.height * width / camera.width)))


def render_strip(shot: Shot, width: int = STRIP_WIDTH) -> Iterator[CameraImages]:
    """At a strip's size (`strip_camera`): semantic and depth of every camera of a shot, and the generated picture where there is one."""
    volume = Volume.from_dense(shot.occupancy.semantics, shot.clip.grid)
    for number, camera in enumerate(shot.clip.cameras):
        semantic, depth = preview_pictures(volume, strip_camera(camera, width), shot.clip.camera_pose(0, number))
        yield CameraImages(camera.name, shot.camera_ids[number], encode(semantic), encode(depth), shot.picture(camera.name))


def strip_key(shot: Shot, voxels: Hashable) -> Hashable:
    """Equal for shots whose pictures look alike, whatever is to be said of them."""
    clip = shot.clip
    poses = tuple(clip.camera_pose(0, number).tobytes() for number in range(len(clip.cameras)))
    found = (shot.picture(camera.name) for camera in clip.cameras)
    pictures = tuple(one and (one.jpeg, one.take.id, one.stale) for one in found)
    return (voxels, shot.frame, shot.camera_ids, clip.cameras, poses, pictures, clip.world_SE3_ego[0].tobytes())


def top_down(shot: Shot) -> bytes:
    """PNG of the occupancy seen from above, one pixel per column, transparent where there is nothing; x forward is up, y left is left."""
    from PIL import Image

    from engine.spec.classes import CLASS_RGB, FREE
    from engine.spec.columns import top_class

    classes = top_class(shot.occupancy.semantics)
    rgba = np.dstack([CLASS_RGB[classes], np.where(classes != FREE, 255, 0)]).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(turned_up(rgba)).save(data, "PNG", compress_level=1)
    return data.getvalue()


def layout_png(layout: np.ndarray) -> bytes:
    """PNG of a layout (15, X, Y), one pixel per cell, areas under lines under agents; x forward is right, y left is up, as on the canvas."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(layout_cells(layout, GROUND_RGB).transpose(1, 0, 2)[::-1])).save(data, "PNG")
    return data.getvalue()


def encode(rgb: np.ndarray) -> bytes:
    """JPEG of uint8 (H, W, 3)."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "JPEG", quality=85)
    return data.getvalue()
