"""The shipped weights of GGVE's compact model and of the judge, on worlds that no training has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.api import Picture, Recipe
from engine.metrics.judge import Reading, load_judge, weather_of
from engine.metrics.surround import held_out_clip, psnr_db
from engine.spec.camera import surround_cameras
from engine.spec.classes import NOTHING_HIT
from engine.views import registry
from engine.views.look import read_prompt
from engine.views.scene import ViewScene

CAMERAS = tuple(surround_cameras(224, 128)[:3])


def drawn_by(name: str, prompt: str, frames: int = 1) -> list[Picture]:
    clip, occupancy = held_out_clip(2, frames, prompt)
    scene = ViewScene(replace(clip, cameras=CAMERAS), Recipe(seed=0), lambda index: occupancy[index])
    return list(registry.load(name, "cpu").pictures(scene, iter(range(frames)), lambda: False))


@pytest.fixture(scope="module")
def day() -> list[Picture]:
    return drawn_by("compact", "clear noon", 2)


def test_pictures_are_near_the_teachers(day: list[Picture]) -> None:
    truth = {(picture.camera, picture.index): picture.rgb for picture in drawn_by("drawn", "clear noon", 2)}
    assert sorted(truth) == sorted((made.camera, made.index) for made in day)
    assert min(psnr_db(made.rgb, truth[made.camera, made.index]) for made in day) > 22


def test_night_is_dark_and_the_prompt_decides(day: list[Picture]) -> None:
    night = drawn_by("compact", "night")
    assert np.mean([picture.rgb for picture in night]) < 0.5 * np.mean([picture.rgb for picture in day])


def test_the_judge_reads_the_drawn_world() -> None:
    clip, occupancy = held_out_clip(2, 1, "snow")
    scene = ViewScene(replace(clip, cameras=CAMERAS), Recipe(), lambda index: occupancy[index])
    reading = Reading(load_judge())
    for number, picture in enumerate(drawn_by("drawn", "snow")):
        label = scene.buffers(0, number).semantic
        assert (label == NOTHING_HIT).any()
        reading.add(picture.rgb, label, weather_of(read_prompt("snow", 0)[0]))
    assert reading.miou() > 0.25 and (reading.weather_right() or 0) > 0.5
