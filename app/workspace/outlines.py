"""The edges of what fills the voxels, as one camera sees them: a picture to lay over its generated one."""

from __future__ import annotations

import io

import numpy as np

from app.workspace.shot import Shot
from engine.render.buffers import render_buffers
from engine.render.raycast import Volume
from engine.spec.classes import CLASS_RGB

WIDTH = 960
"""Pixels across; a camera with fewer keeps its own."""
NOTHING = 255


def outlines(shot: Shot, camera: str) -> bytes | None:
    """PNG with alpha: a line in the class's colour where class or agent changes; None where the shot has no such camera."""
    from PIL import Image

    number = next((at for at, one in enumerate(shot.clip.cameras) if one.name == camera), None)
    if number is None:
        return None
    one = shot.clip.cameras[number]
    width = min(WIDTH, one.width)
    one = one.resized(width, max(1, round(one.height * width / one.width)))
    volume = Volume.from_dense(shot.occupancy.semantics, shot.clip.grid, shot.occupancy.instances)
    seen = render_buffers(volume, None, shot.clip.grid, one, shot.clip.camera_pose(0, number), np.eye(4))
    data = io.BytesIO()
    Image.fromarray(edges(seen.semantic, seen.instance)).save(data, "PNG", compress_level=1)
    return data.getvalue()


def edges(semantic: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 4): of two neighbours that differ, the one that is no sky is marked, an agent rather than what is behind it."""
    marked = np.zeros(semantic.shape, bool)
    for axis in (0, 1):
        one, two = [slice(None)] * 2, [slice(None)] * 2
        one[axis], two[axis] = slice(None, -1), slice(1, None)
        a, b = tuple(one), tuple(two)
        differ = (semantic[a] != semantic[b]) | (instance[a] != instance[b])
        # The nearer thing is drawn around: an agent before the ground, anything before the sky.
        first = (instance[a] > 0) | (semantic[b] == NOTHING) | (instance[b] == 0)
        marked[a] |= differ & first & (semantic[a] != NOTHING)
        marked[b] |= differ & ~(first & (semantic[a] != NOTHING)) & (semantic[b] != NOTHING)
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(CLASS_RGB)] = CLASS_RGB
    return np.dstack([colours[semantic], np.where(marked, 255, 0).astype(np.uint8)])
