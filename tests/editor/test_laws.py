"""Laws that hold over any sequence of commands."""

from __future__ import annotations

import hashlib
import io
import json
import random
from dataclasses import replace

import pytest

from editor.commands import COMMANDS, run
from editor.diff import diff
from editor.document import Document, EditError
from editor.entities import PaintLayer
from editor.files.document_hash import document_hash
from editor.files.jsonform import canonical, document_to_json, entity_from_json, entity_to_json
from editor.files.project import from_file, to_bytes
from editor.history import LIMIT
from editor.ids import new_id
from editor.samples import crossing
from editor.session import Session
from editor.validate import problems
from tests.editor.command_examples import arguments

EDITS = [name for name in COMMANDS if name not in ("undo", "redo", "select")]


def walk(seed: int, steps: int = 16):
    """(session, name, args) before each of a random sequence of commands that have something to work on."""
    rng = random.Random(seed)
    session = Session(rng.choice([Document, crossing])(), now=lambda: 0.0)
    while steps:
        name = rng.choice(EDITS)
        args = arguments(rng, name, session.document)
        if args is not None:
            steps -= 1
            yield session, name, args
            try:
                run(session, name, args)
            except EditError as error:
                # What the generator cannot know: a camera's name that is taken, a stroke grown too long.
                assert str(error).endswith((".", "?"))


def dump(document: Document) -> str:
    return canonical(document_to_json(document))


@pytest.mark.parametrize("seed", range(8))
def test_an_edit_leaves_its_input_alone_and_gives_the_same_twice(seed: int) -> None:
    count = 0
    for session, name, args in walk(seed):
        document, before = session.document, dump(session.document)
        results = []
        for _ in range(2):
            other = Session(document, now=lambda: 0.0)
            try:
                run(other, name, args)
            except EditError as error:
                results.append(str(error))
            else:
                results.append(other.document)
        assert results[0] == results[1], name
        if isinstance(results[0], Document):
            assert dump(results[0]) == dump(results[1]) and list(results[0].entities) == list(results[1].entities)
        assert dump(document) == before, name
        count += 1
    assert count == 16


@pytest.mark.parametrize("seed", range(8))
def test_undo_walks_back_and_redo_forth_over_the_same_objects(seed: int) -> None:
    trail: list[Document] = []
    session = None
    for session, _, _ in walk(seed, 40):
        if not trail or trail[-1] is not session.document:
            trail.append(session.document)
    assert session is not None and len(trail) < LIMIT
    end = session.document
    seen = [session.document]
    while session.undo():
        seen.append(session.document)
    assert session.document is trail[0] and not session.dirty
    while session.redo():
        assert any(session.document is one for one in seen)
    assert session.document is end


@pytest.mark.parametrize("seed", range(8))
def test_save_then_load_is_equal_and_saves_the_same_bytes(seed: int) -> None:
    import io

    session = [session for session, _, _ in walk(seed)][-1]
    data = to_bytes(session.document)
    loaded = from_file(io.BytesIO(data))
    assert loaded == session.document and list(loaded.entities) == list(session.document.entities)
    assert to_bytes(loaded) == data and document_hash(loaded) == document_hash(session.document)


@pytest.mark.parametrize("seed", range(8))
def test_entities_come_through_json_as_they_were(seed: int) -> None:
    session = [session for session, _, _ in walk(seed, 12)][-1]
    for entity in (session.document.ego, *session.document.entities.values()):
        again = entity_from_json(json.loads(json.dumps(entity_to_json(entity))))
        assert again == entity and type(again) is type(entity)


@pytest.mark.parametrize("seed", range(4))
def test_diff_then_apply_is_identity(seed: int) -> None:
    start = last = None
    for session, _, _ in walk(seed):
        start = start or session.document
        last = session.document
    found = diff(start, last)
    entities = {key: value for key, value in start.entities.items() if key not in found.removed}
    entities.update({key: last.entities[key] for key in (*found.changed, *found.added)})
    assert entities == last.entities and all(entities[key] is last.entities[key] for key in entities)
    for key, tiles in found.tiles.items():
        old, new = (d.entities.get(key) for d in (start, last))
        a, b = (layer.tiles if isinstance(layer, PaintLayer) else {} for layer in (old, new))
        assert all(a.get(t) is b.get(t) for t in (a.keys() | b.keys()) - tiles)


@pytest.mark.parametrize("seed", range(6))
def test_no_command_makes_a_scene_that_breaks_its_own_rules(seed: int) -> None:
    for session, _, _ in walk(seed, 15):
        for problem in problems(session.document):
            assert "must" not in problem.sentence and "needs" not in problem.sentence
            assert all(id == "ego" or id in session.document.entities for id in problem.ids)


def test_ids_are_new_even_beside_foreign_ones() -> None:
    agent = next(iter(crossing().entities.values()))
    strange = ("car-9", "car-x", "car-²", "car-0007", "car--3", "9d3f-car", "car-99999999999999999999")
    document = Document(entities={name: agent for name in strange})
    assert new_id(document, "car") == "car-10" and new_id(Document(), "car") == "car-1"


def test_the_form_on_the_wire_is_the_one_agreed_on() -> None:
    import base64

    import numpy as np

    session = Session(Document())
    run(session, "paint_stroke", {"channel": "walkway", "erases": False, "radius_m": 0.1, "points": [[0.3, 12.9]], "span": [2, 3]})
    run(session, "add_agent", {"class_name": "car", "x": 1, "y": 2, "yaw": 0.5, "time_s": 0.25})
    run(session, "add_occupancy_edit", {"kind": "remove_class", "class_name": "car"})
    paint, agent, edit = (entity_to_json(entity) for entity in session.document.entities.values())
    cells = np.unpackbits(np.frombuffer(base64.b64decode(paint["tiles"]["0,1"]), np.uint8)).reshape(64, 64)
    assert list(paint["tiles"]) == ["0,1"] and np.argwhere(cells).tolist() == [[1, 0]] and paint["span"] == [2, 3]
    assert agent["keyframes"] == [[0.25, 1.0, 2.0, 0.0, 0.5, 0.0, 0.0]] and agent["kind"] == "agent"
    assert (edit["kind"], edit["edit"]) == ("occupancy_edit", "remove_class")


def test_a_fisheye_camera_comes_through_json() -> None:
    from dataclasses import replace

    from editor.files.jsonform import camera_from_json, camera_to_json
    from editor.rigs import load_rig

    camera = replace(load_rig("nuscenes6")["CAM_FRONT"], fisheye=(0.1, -0.02, 0.003, 0.0))
    assert camera_from_json(json.loads(json.dumps(camera_to_json(camera)))) == camera


@pytest.mark.parametrize("seed", range(3))
def test_the_hash_is_that_of_the_whole_spelling_whatever_is_remembered(seed: int) -> None:
    """Documents of one walk share most of their entities; one that comes again is not spelled again."""
    hashes = {}
    for session, _, _ in walk(seed, 15):
        spelled = hashlib.sha256(dump(session.document).encode()).hexdigest()
        assert document_hash(session.document) == document_hash(session.document) == spelled
        assert document_hash(session.document, "other") == document_hash(replace(session.document, name="other")) != spelled
        hashes[id(session.document)] = spelled, session.document
    again = from_file(io.BytesIO(to_bytes(session.document)))
    assert document_hash(again) == document_hash(session.document) and len(hashes) > 5


def test_names_that_look_like_the_place_of_the_entities_change_nothing() -> None:
    session = Session(crossing(), now=lambda: 0.0)
    run(session, "set_scene", {"name": 'x "entities":[] y', "prompt": '"entities":[]'})
    assert document_hash(session.document) == hashlib.sha256(dump(session.document).encode()).hexdigest()
