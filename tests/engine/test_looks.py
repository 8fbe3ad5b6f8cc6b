"""What an author chose of an agent's look: it is on disk with the take, and in the drawn world on that agent only."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.api import OccupancyFrame
from engine.spec import looks
from engine.spec.classes import AGENTS, DEFAULT_SIZE_M
from engine.spec.clip import SceneClip
from engine.spec.looks import AgentLook
from engine.spec.take import Take, TakeError
from engine.views.drawn.agents import MODELS, agent_mesh
from engine.views.drawn.agents import palette as pal
from engine.views.drawn.world import DrawnWorld
from engine.views.look import read_prompt
from tests.engine.test_drawn_world import BOXES, _clip, _with_agents
from tests.engine.test_take import make_clip, written

GREEN = "#0a8040"


def test_the_names_that_an_author_may_use_are_those_of_the_bodies() -> None:
    assert looks.MODELS == MODELS and set(looks.MODELS) == set(AGENTS)


@pytest.mark.parametrize("class_name", AGENTS)
def test_a_colour_is_seen_on_every_model_of_a_class_that_has_one(class_name: str) -> None:
    for model in MODELS[class_name]:
        mesh = agent_mesh(class_name, DEFAULT_SIZE_M[class_name], 7, 3, look=AgentLook(model, GREEN))
        share = float((np.abs(mesh.parts[mesh.face_part, 1:4] - pal.srgb(GREEN[1:])) < 1e-6).all(axis=1).mean())
        assert (share > 0) == (class_name in looks.COLOURED), (model, share)


def test_a_look_fits_a_class_as_far_as_it_can() -> None:
    assert AgentLook("suv", GREEN).fitting("car") == AgentLook("suv", GREEN)
    assert AgentLook("suv", GREEN).fitting("bus") == AgentLook(None, GREEN)
    assert AgentLook("pickup", GREEN).fitting("truck").model == "pickup"
    assert not AgentLook("suv", GREEN).fitting("traffic_cone") and not AgentLook()


def test_a_take_keeps_the_looks_and_without_any_it_is_what_it_was(tmp_path: Path) -> None:
    chosen = {7: AgentLook("pickup", GREEN), 9: AgentLook(colour="#ff0000"), 11: AgentLook("van")}
    written(tmp_path / "take", 2, replace(make_clip(), looks=chosen | {12: AgentLook()})).finish({})
    assert Take.open(tmp_path / "take").looks == chosen
    written(tmp_path / "plain", 2).finish({})
    assert Take.open(tmp_path / "plain").looks == {} and "looks" not in json.loads((tmp_path / "plain/take.json").read_text())


@pytest.mark.parametrize(
    "rows", [[], 3, {"7": 3}, {"7": {"colour": "red"}}, {"7": {"model": 5}}, {"x": {}}, {"-1": {}}, {"7": {"colour": ["#ff0000"]}}]
)
def test_looks_that_are_none_are_refused_in_a_sentence(tmp_path: Path, rows: object) -> None:
    written(tmp_path / "take", 1).finish({})
    path = tmp_path / "take/take.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"looks": rows}))
    with pytest.raises(TakeError, match="'looks'") as caught:
        Take.open(tmp_path / "take")
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def _drawn(clip: SceneClip, instance_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour of an agent's pixels, and its vertices."""
    world = DrawnWorld(clip, read_prompt("clear day", 0)[0])
    moment = world.see(OccupancyFrame(0, *_with_agents(BOXES)))
    seen = world.expose(moment, 0)
    mesh = next(one.mesh for one in moment.agents if one.box.instance_id == instance_id)
    return world.develop(seen, moment, 0)[seen.instance == instance_id].astype(float).mean(axis=0), mesh.vertices


def test_the_drawn_world_draws_the_colour_and_the_model_that_were_chosen() -> None:
    clip = _clip()
    plain, body = _drawn(clip, 3)
    for colour in ("#d01018", "#1030c0"):
        wanted = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
        painted, same_body = _drawn(replace(clip, looks={3: AgentLook(colour=colour)}), 3)
        assert np.linalg.norm(painted - wanted) < np.linalg.norm(plain - wanted) - 15, (plain, painted)
        assert np.argmax(painted) == np.argmax(wanted) and np.array_equal(same_body, body)
    bodies = [_drawn(replace(clip, looks={3: AgentLook(model)}), 3)[1] for model in ("pickup", "minivan", "of a later version")]
    assert len({one.tobytes() for one in bodies}) == 3 and np.array_equal(bodies[2], body), "an unknown model is the seed's"
    others = replace(clip, looks={4: AgentLook("pickup", GREEN), 99: AgentLook("suv", GREEN)})
    assert np.array_equal(_drawn(others, 3)[1], body)
