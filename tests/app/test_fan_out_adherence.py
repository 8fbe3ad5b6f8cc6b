"""What is measured of a take while it is made is what its files show; what the judge reads of its pictures decides in the gate."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.fanout.gate import Gate
from app.fanout.measured import READ_OF, READ_PICTURES, Measured, read_where
from app.jobs.request import TakeRequest
from app.jobs.take_maker import Watch, make_take
from editor.samples import crossing
from engine.api import Cancelled, Picture, Recipe
from engine.metrics.instances import InstanceScores
from engine.metrics.judge import load_judge
from engine.metrics.layout import Obedience
from engine.presets import RecipeModels
from engine.spec.frames import FrameReader
from engine.spec.take import Take
from engine.views.fake import FakeViews
from engine.views.scene import ViewScene
from tests.app.fakes import RECIPE, FakeModels


class Noise(FakeViews):
    """Pictures that show nothing of the scene."""

    def pictures(self, scene: ViewScene, arrived: Iterator[int], cancelled: Cancelled) -> Iterator[Picture]:
        dice = np.random.default_rng(0)
        for picture in super().pictures(scene, arrived, cancelled):
            yield replace(picture, rgb=dice.integers(0, 256, picture.rgb.shape, np.uint8))


def test_scores_from_memory_are_those_of_the_files(tmp_path: Path) -> None:
    measured = Measured(None)
    folder = make_take(TakeRequest(crossing(), tmp_path / "take", RECIPE, "buffers", frames=3, cameras=("CAM_FRONT",)), FakeModels(), measured.watch())
    take = Take.open(folder)
    obedience, instances = Obedience(), InstanceScores(take.grid)
    with closing(FrameReader(folder)) as reader:
        for k, (semantics, ids) in enumerate(reader.frames(3)):
            obedience.add(semantics, take.layouts[k])
            instances.add(semantics, ids, take.layouts[k], take.boxes[k])
    scores = measured.scores(folder)
    assert scores["obedience_miou"] == obedience.scores()["miou"] and scores["obedience_iou"] == obedience.scores()["iou"]
    assert scores["phantoms_per_frame"] == instances.scores()["phantoms_per_frame"]
    assert scores["recall_vehicles"] == instances.scores()["recall"]["vehicles"]["recall"]
    assert scores.keys().isdisjoint({"adherence_miou", "adherence_weather"}) and measured.seconds > 0


def test_seconds_of_a_take_are_without_those_of_who_looks_on(tmp_path: Path) -> None:
    start = time.perf_counter()
    request = TakeRequest(crossing(), tmp_path / "take", RECIPE, frames=2, cameras=("CAM_FRONT",))
    folder = make_take(request, FakeModels(), Watch(on_frame=lambda _: time.sleep(0.3), on_picture=lambda _: time.sleep(0.3)))
    assert sum(json.loads((folder / "take.json").read_text())["seconds"].values()) < time.perf_counter() - start - 4 * 0.3


@pytest.mark.timeout(600)
def test_pictures_that_show_something_else_are_rejected(tmp_path: Path) -> None:
    recipe, judge = Recipe("fake", "drawn"), load_judge()
    scores = {}
    for name, models in (("drawn", RecipeModels(recipe, "cpu")), ("noise", FakeModels(views=Noise()))):
        measured = Measured(lambda: judge)
        folder = make_take(TakeRequest(crossing(), tmp_path / name, recipe, frames=2, cameras=("CAM_FRONT",)), models, measured.watch())
        scores[name] = measured.scores(folder)
    assert scores["drawn"]["adherence_weather"] == 100.0 and Gate().verdict(scores["drawn"])[0] == "pass", scores
    verdict, reasons = Gate().verdict(scores["noise"])
    assert verdict == "reject" and reasons[0].startswith("adherence_miou is ")


def test_few_pictures_are_read_and_from_all_over() -> None:
    assert read_where(0, 16) == [] and read_where(2, 4) == [(0, 0)] and read_where(1, 1) == [(0, 0)]
    assert read_where(6, 16) == [(0, 0), (1, 5), (3, 10), (5, 15)]
    assert read_where(6, 49) == [(0, 0), (1, 16), (3, 32), (5, 48)]
    for cameras in range(1, 8):
        for frames in range(1, 60):
            read = read_where(cameras, frames)
            assert 1 <= len(read) <= max(1, min(READ_PICTURES, cameras * frames // READ_OF)) and len(set(read)) == len(read)
            assert all(camera < cameras and frame < frames for camera, frame in read)
