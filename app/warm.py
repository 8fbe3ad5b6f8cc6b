"""`python -m app.warm`: run every hot path once, so that numba's compiled code lies beside the sources before the first start.

launch.py calls it after an installation; nothing is kept but the caches.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from app.take_maker import make_take
from editor.clip import scene_clip
from editor.samples import SAMPLES
from engine.api import Recipe
from engine.presets import load
from engine.render import warm_up
from engine.render.mesh import surface_mesh, to_glb
from engine.spec.take import Take


def main() -> None:
    """Two frames of a sample scene through one camera, a draft, and the 3D view's mesh."""
    warm_up()
    document = SAMPLES["crossing"]()
    engine = load("compact", "cpu")
    frames = []
    with tempfile.TemporaryDirectory() as folder:
        make_take(document, Path(folder) / "take", engine=engine, recipe=Recipe(steps=1), frames=2, cameras=("CAM_FRONT",), on_frame=frames.append)
        Take.open(Path(folder) / "take")
    region = np.zeros((200, 200), bool)
    region[96:104, 96:104] = True
    clip = scene_clip(document, 0.0, 1, ())
    engine.redraw(clip, frames[0], region, Recipe(steps=1), lambda: False)
    to_glb(surface_mesh(frames[0].semantics, clip.grid))


if __name__ == "__main__":
    main()
