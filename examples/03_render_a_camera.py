"""Geometry of one camera from occupancy that needs no model: what the scene's layout says, stood up as voxels.

    .venv/bin/python -m examples.03_render_a_camera scene.anyscene front.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from editor.clip import scene_clip
from editor.files import project
from engine.data.lift import lift
from engine.render.buffers import colorise, depth_to_rgb, render_buffers
from engine.spec.classes import CLASSES, NOTHING_HIT

WIDTH, HEIGHT = 448, 256


def main(scene: Path, out: Path) -> None:
    clip = scene_clip(project.load(scene), frames=1)
    if not clip.cameras:
        sys.exit(f"{scene} has no camera: add one or a rig first.")
    (frame,) = lift(clip, surroundings=True)
    camera = clip.cameras[0].resized(WIDTH, HEIGHT)
    buffers = render_buffers(frame.semantics, frame.instances, clip.grid, camera, clip.camera_pose(0, 0), np.eye(4))
    above_below = np.concatenate([colorise(buffers.semantic, buffers.normal), depth_to_rgb(buffers.depth)])
    Image.fromarray(above_below).save(out)
    seen = [CLASSES[c] for c in np.unique(buffers.semantic) if c != NOTHING_HIT]
    nearest_m = buffers.depth[buffers.depth > 0].min()
    print(f"{camera.name} sees {', '.join(seen)}; the nearest surface is {nearest_m:.1f} m away. Wrote {out}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
