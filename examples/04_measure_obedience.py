"""Make a take and ask how well it obeys its layout: what is painted appears, what is not painted does not.

    .venv/bin/python -m examples.04_measure_obedience scene.anyscene take compact
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.jobs.request import TakeRequest
from app.jobs.take_maker import make_take
from editor.files import project
from engine import presets
from engine.metrics.report import evaluate


def main(scene: Path, out: Path, preset: str = "compact", frames: int = 4) -> None:
    recipe = presets.recipe(preset)
    make_take(TakeRequest(project.load(scene), out, recipe, until="occupancy", frames=frames), presets.RecipeModels(recipe))
    scores = evaluate([out])["bev_versus_layout"]
    print(f"mIoU of seen from above against painted: {scores['miou']} % (this scene, {frames} frames, preset '{preset}')")
    for channel, iou in scores["per_channel"].items():
        print(f"  {channel:<22} {iou:6.2f} %")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:4])
