"""`python -m app.jobs.warm`: run every hot path once, so that numba's compiled code lies beside the sources before the first start.

launch.py calls it after an installation; nothing is kept but the caches.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from app.jobs.request import TakeRequest
from app.jobs.take_maker import Watch, make_take
from editor.clip import scene_clip
from editor.samples import SAMPLES
from engine.presets import RecipeModels, recipe
from engine.render import warm_up
from engine.render.mesh import surface_mesh, to_glb
from engine.spec.take import Take


def main() -> None:
    """Two frames of a sample scene through one camera, a draft, and the 3D view's mesh."""
    warm_up()
    document = SAMPLES["crossing"]()
    quick = recipe("compact", steps=1)
    models = RecipeModels(quick, "cpu")
    frames = []
    with tempfile.TemporaryDirectory() as folder:
        request = TakeRequest(document, Path(folder) / "take", quick, frames=2, cameras=("CAM_FRONT",))
        Take.open(make_take(request, models, Watch(on_frame=frames.append)))
    region = np.zeros((200, 200), bool)
    region[96:104, 96:104] = True
    clip = scene_clip(document, 0.0, 1, ())
    models.occupancy.redraw(clip, frames[0], region, quick, lambda: False)
    to_glb(surface_mesh(frames[0].semantics, clip.grid))


if __name__ == "__main__":
    main()
