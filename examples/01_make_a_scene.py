"""Make a scene without the page, save it, and see its layout: every edit of the studio is a function.

    .venv/bin/python -m examples.01_make_a_scene scene.anyscene
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from editor import edits
from editor.clip import scene_clip
from editor.document import Document
from editor.files import project
from engine.spec.classes import CHANNELS


def make_scene() -> Document:
    """A street with a walkway and a crossing, a car that pulls out and a pedestrian on the crossing; 4 s, six cameras."""
    build = edits.compose(
        edits.set_scene(name="crossing", duration_s=4.0, prompt="a quiet street, overcast"),
        edits.add_area("drivable_area", [(-60, -7), (60, -7), (60, 7), (-60, 7)]),
        edits.add_area("walkway", [(-60, 7), (60, 7), (60, 10), (-60, 10)]),
        edits.add_area("ped_crossing", [(14, -7), (18, -7), (18, 7), (14, 7)]),
        edits.add_line("road_divider", [(-60, 0), (60, 0)]),
        edits.paint_stroke("lane_divider", [(-40, -3.5), (40, -3.5)], radius_m=0.2),
        edits.add_waypoint("ego", 4.0, 20.0, -1.75, 0.0),
        edits.use_rig("nuscenes6"),
    )
    document = build(Document())
    document = edits.add_agent("car", 10.0, 5.5, math.pi, name="pulls out")(document)
    car = list(document.entities)[-1]
    document = edits.add_waypoint(car, 3.0, -10.0, 3.5)(document)
    document = edits.add_agent("pedestrian", 16.0, 8.0, -math.pi / 2)(document)
    walker = list(document.entities)[-1]
    return edits.add_waypoint(walker, 4.0, 16.0, 1.0)(document)


def main(out: Path) -> None:
    document = make_scene()
    project.save(document, out)
    clip = scene_clip(document, frames=2)
    painted = {CHANNELS[c]: int(n) for c, n in enumerate(clip.layouts[0].sum((1, 2))) if n}
    print(f"Saved {out} with {len(document.entities)} entities; cells per channel in frame 0: {painted}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
