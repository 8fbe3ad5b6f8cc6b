"""What the judge reads of a take's videos decides in the gate: a drawn take passes, and the same take with other pictures does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest

from app.fanout.gate import Gate, read_pictures
from editor.samples import crossing
from engine.api import Recipe
from engine.metrics.judge import load_judge
from tests.app.fakes import take


@pytest.mark.timeout(600)
def test_pictures_that_show_something_else_are_rejected(tmp_path: Path) -> None:
    from engine.presets import RecipeModels

    recipe = Recipe("fake", "drawn")
    made = take(crossing(), tmp_path / "take", recipe, models=RecipeModels(recipe, "cpu"), frames=2, cameras=("CAM_FRONT",))
    judge = load_judge()
    scores = read_pictures(made, lambda: judge)
    assert scores["adherence_weather"] == 100.0 and Gate().verdict(scores)[0] == "pass", scores
    other = tmp_path / "other"
    shutil.copytree(made, other)
    noise = np.random.default_rng(0).integers(0, 256, (256, 448, 3), np.uint8)
    with imageio.get_writer(other / "video/CAM_FRONT.mp4", format="FFMPEG", fps=12, macro_block_size=2) as writer:  # type: ignore[arg-type]
        for _ in range(2):
            writer.append_data(noise)
    verdict, reasons = Gate().verdict(read_pictures(other, lambda: judge))
    assert verdict == "reject" and reasons[0].startswith("adherence_miou is ")
    shutil.rmtree(other / "video")
    assert read_pictures(other, lambda: judge) == {}
