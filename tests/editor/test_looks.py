"""An agent's look in the Document: colour and model, None where the seed decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from editor import edits
from editor.clip import looks_of, scene_clip
from editor.commands import run
from editor.document import Document, Edit, EditError
from editor.entities import Agent
from editor.files import project
from editor.files.document_hash import document_hash
from editor.files.jsonform import entity_from_json, entity_to_json
from editor.session import Session
from engine.spec.looks import AgentLook


@pytest.fixture
def scene() -> Document:
    return edits.compose(edits.add_agent("car", 0, 0), edits.add_agent("truck", 9, 0), edits.add_agent("traffic_cone", 5, 5))(Document())


def look(document: Document, id: str = "car-1") -> AgentLook:
    return document.get(id, Agent).look


def test_what_is_given_is_set_and_null_goes_back_to_the_seed(scene: Document) -> None:
    session = Session(scene, now=lambda: 0.0)
    run(session, "set_look", {"id": "car-1", "colour": "#C0392B"})
    run(session, "set_look", {"id": "car-1", "model": "suv"})
    assert look(session.document) == AgentLook("suv", "#c0392b") and session.can_undo == "Change look of car-1"
    run(session, "set_look", {"id": "car-1", "colour": None})
    assert look(session.document) == AgentLook("suv")
    for _ in range(3):
        session.undo()
    assert session.document is scene
    assert edits.set_look("car-1", model=None)(scene) is scene and edits.set_look("car-1")(scene) is scene


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (edits.set_look("car-1", model="tank"), "model of a car must be one of sedan, hatchback, .* it was 'tank'"),
        (edits.set_look("traffic_cone-1", model="suv"), "model of a traffic cone must be one of cone, drum, bollard"),
        (
            edits.set_look("traffic_cone-1", colour="#ff0000"),
            "colours of a traffic cone belong to its model: choose one of cone, drum, bollard",
        ),
        (edits.set_look("car-1", colour="red"), "must be written as #rrggbb"),
        (edits.set_look("car-1", colour="#ff00"), "must be written as #rrggbb"),
        (edits.set_look("car-1", colour=7), "must be written as #rrggbb"),
        (edits.set_look("car-1", model=7), "must be one of"),
        (edits.set_look("nobody", model="suv"), "nobody"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(scene: Document, edit: Edit, says: str) -> None:
    with pytest.raises(EditError, match=says) as caught:
        edit(scene)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_another_class_keeps_what_it_can_have(scene: Document) -> None:
    chosen = edits.set_look("car-1", colour="#112233", model="pickup")(scene)
    as_a = {name: look(edits.set_agent("car-1", class_name=name)(chosen)) for name in ("truck", "bus", "traffic_cone")}
    assert as_a == {"truck": AgentLook("pickup", "#112233"), "bus": AgentLook(None, "#112233"), "traffic_cone": AgentLook()}


def test_copies_look_alike_and_the_pieces_of_one_instance_too(scene: Document) -> None:
    chosen = edits.set_look("car-1", colour="#112233", model="van")(scene)
    copied = edits.compose(edits.duplicate(["car-1"], 3, 0), edits.array("car-1", 2, dx=6), edits.mirror(), edits.move(["car-1"], 1, 1))(
        chosen
    )
    cars = [agent for agent in copied.of(Agent) if agent.class_name == "car"]
    assert len(cars) == 4 and {agent.look for agent in cars} == {AgentLook("van", "#112233")}
    first = scene.get("car-1", Agent)
    pieces = scene.with_entities(replace(first, disappears_s=1.0), replace(first, id="car-1-later", appears_s=2.0))
    assert look(edits.set_look("car-1", model="suv")(pieces), "car-1-later") == AgentLook("suv")


def test_it_is_saved_and_hashed_and_scenes_without_are_as_they_were(scene: Document, tmp_path) -> None:
    assert not {"colour", "model"} & set(entity_to_json(scene.get("car-1", Agent)))
    hashes = {document_hash(scene)}
    for edit in (edits.set_look("car-1", colour="#112233"), edits.set_look("car-1", model="van"), edits.set_look("truck-1", model="box")):
        chosen = edit(scene)
        hashes.add(document_hash(chosen))
        project.save(chosen, tmp_path / "scene.anyscene")
        assert project.load(tmp_path / "scene.anyscene") == chosen
        assert all(entity_from_json(entity_to_json(agent)) == agent for agent in chosen.of(Agent))
    assert len(hashes) == 4
    for wrong in ({"colour": "red"}, {"model": "tank"}, {"colour": 3}):
        with pytest.raises(EditError, match=r"\.$"):
            entity_from_json(entity_to_json(scene.get("car-1", Agent)) | wrong)


def test_the_clip_carries_it_and_asks_for_the_same_occupancy(scene: Document) -> None:
    chosen = edits.set_look("car-1", colour="#112233")(scene)
    plain, clip = scene_clip(scene, frames=2), scene_clip(chosen, frames=2)
    assert looks_of(scene) == plain.looks == {} and clip.looks == {scene.get("car-1", Agent).instance_id: AgentLook(None, "#112233")}
    assert np.array_equal(plain.layouts, clip.layouts) and plain.boxes == clip.boxes and plain.document_hash != clip.document_hash
