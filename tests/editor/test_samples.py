"""The example scenes that we ship are what the code draws."""

from __future__ import annotations

import pytest

from editor.clip import scene_clip
from editor.entities import Agent, CameraEntity
from editor.files import project
from editor.samples import SAMPLES, TEMPLATES, crossing, write
from engine.views.look import read_prompt


@pytest.mark.parametrize("name", SAMPLES)
def test_the_file_is_what_the_code_draws(name: str) -> None:
    committed = TEMPLATES / f"{name}.anyscene"
    assert project.load(committed) == SAMPLES[name](), "run python -m editor.samples"


def test_writing_writes_every_sample_the_same_way_twice(tmp_path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    for name in SAMPLES:
        assert (tmp_path / "a" / f"{name}.anyscene").read_bytes() == (tmp_path / "b" / f"{name}.anyscene").read_bytes()
    assert {path.stem for path in TEMPLATES.glob("*.anyscene")} == set(SAMPLES)


def test_the_crossing_has_what_it_promises() -> None:
    scene = crossing()
    agents = list(scene.of(Agent))
    assert len(agents) >= 10 and len({agent.class_name for agent in agents}) >= 5 and sum(len(agent.keyframes) > 1 for agent in agents) >= 5
    assert len(scene.ego.keyframes) > 1 and len(list(scene.of(CameraEntity))) == 6
    clip = scene_clip(scene, frames=2)
    assert (clip.layouts[:, 10:].sum((0, 2, 3)) > 0).all(), "every map channel is there"


def test_the_lane_closure_has_its_cones() -> None:
    agents = list(SAMPLES["lane_closure"]().of(Agent))
    assert sum(agent.class_name == "traffic_cone" for agent in agents) >= 12


@pytest.mark.parametrize("name", SAMPLES)
def test_a_template_asks_only_for_what_every_view_model_understands(name: str) -> None:
    prompt = SAMPLES[name]().prompt
    assert prompt and read_prompt(prompt, 0)[1] == ()
