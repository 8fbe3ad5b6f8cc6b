"""The table of commands: each of them runs, and bad arguments are one sentence."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from editor import edits
from editor.commands import COMMANDS, run
from editor.document import Document, EditError
from editor.samples import crossing
from editor.session import Session
from tests.editor.command_examples import arguments

FIXED = [
    "paint_stroke",
    "fill",
    "paint_polygon",
    "add_area",
    "add_line",
    "add_agent",
    "set_agent",
    "set_look",
    "add_waypoint",
    "move_waypoint",
    "delete_waypoint",
    "move",
    "rotate",
    "delete",
    "duplicate",
    "shift_track",
    "add_camera",
    "set_camera",
    "use_rig",
    "set_scene",
    "add_occupancy_edit",
    "undo",
    "redo",
    "select",
]


_BUSY = edits.compose(
    edits.add_road([(-30, 60), (30, 60)]),
    edits.add_area("ped_crossing", [(0, 50), (3, 50), (3, 70), (0, 70)]),
    edits.add_agent("pedestrian", 20, -8, name="crosses"),
    edits.add_waypoint("pedestrian-5", 4, 20, 8),
    edits.add_agent("car", 16, -1.75, name="is slow"),
    edits.add_waypoint("car-4", 4, 24, -1.75),
    edits.add_waypoint("car-4", 2, 22, -1.75),
    edits.add_crosswalk(20, 60),
    edits.close_lane([(-30, 62), (0, 62)]),
)(crossing())


def busy() -> Session:
    """A session with one of everything, and something to undo and to redo."""
    session = Session(_BUSY, now=lambda: 0.0)
    run(session, "paint_stroke", {"channel": "walkway", "erases": False, "radius_m": 2, "points": [[0, 0], [9, 9]], "span": None})
    run(session, "move", {"ids": ["car-1"], "dx": 0, "dy": 0.5})
    run(session, "undo")
    return session


def test_the_names_agreed_on_are_there() -> None:
    assert set(FIXED) <= set(COMMANDS) and all(name == command.name for name, command in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_runs_from_json_and_can_be_undone(name: str) -> None:
    session = busy()
    start = session.document
    rng = random.Random(name)
    args = next((args for _ in range(100) if (args := arguments(rng, name, start)) is not None), None)
    assert args is not None, "the busy document has nothing to run it on"
    run(session, name, json.loads(json.dumps(args)))
    if name in ("undo", "redo"):
        assert session.document is not start
    elif name == "select":
        assert session.selection == tuple(args["ids"]) and session.document is start
    else:
        assert session.document is not start and session.document != start and session.can_undo
        session.undo()
        assert session.document is start


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_nonsense_in_one_sentence_and_changes_nothing(name: str) -> None:
    nonsense = [
        None,
        True,
        -1,
        10**400,
        float("nan"),
        float("inf"),
        "x",
        [],
        [[]],
        {},
        {"a": 1},
        [None],
        [1e300, 1e300],
        "\ud800",
        [["1", "2"]] * 4,
    ]
    rng = random.Random(1)
    good = None
    while good is None:
        good = arguments(rng, name, busy().document)
    refusals = 0
    for key in [*COMMANDS[name].args, "surprise"]:
        for value in nonsense:
            session = busy()
            start = session.document
            try:
                run(session, name, {**good, key: value})
            except EditError as error:
                refusals += 1
                sentence = str(error)
                assert sentence.endswith((".", "?")) and "\n" not in sentence and len(sentence) < 900
                assert session.document is start
    assert refusals


def test_a_missing_argument_and_a_wrong_container_are_named() -> None:
    session = busy()
    with pytest.raises(EditError, match="'add_agent' needs the argument 'x'"):
        run(session, "add_agent", {"class_name": "car"})
    for args in ([], "x", 3):
        with pytest.raises(EditError, match="JSON object"):
            run(session, "add_agent", args)  # type: ignore[arg-type]
    with pytest.raises(EditError, match="no argument 'colour'"):
        run(session, "add_agent", {"class_name": "car", "x": 0, "y": 0, "colour": "red"})


def test_an_unknown_command_names_its_neighbours() -> None:
    with pytest.raises(EditError, match="did you mean .*add_agent"):
        run(busy(), "add_agents", {})
    with pytest.raises(EditError, match="there are set_scene"):
        run(busy(), "qqqqqq", {})
    with pytest.raises(EditError):
        run(busy(), ["add_agent"], {})  # type: ignore[arg-type]


def test_what_is_added_is_selected_and_undo_gives_the_selection_back() -> None:
    session = Session(Document())
    run(session, "add_agent", {"class_name": "truck", "x": 1, "y": 2, "yaw": 0})
    run(session, "duplicate", {"ids": ["truck-1"], "dx": 0, "dy": 5})
    assert session.selection == ("truck-2",)
    session.undo()
    assert session.selection == ("truck-1",)


def test_labels_say_what_was_done() -> None:
    session = busy()
    run(session, "paint_stroke", {"channel": "drivable_area", "erases": True, "radius_m": 2, "points": [[0, 0]], "span": None})
    assert session.can_undo == "Erase drivable area"
    run(session, "add_agent", {"class_name": "traffic_cone", "x": 1, "y": 2, "yaw": 0})
    assert session.can_undo == "Add traffic cone"


def test_typing_a_name_is_one_step_and_two_fields_are_two() -> None:
    session = Session(Document(), now=lambda: 0.0)
    for name in ("r", "ra", "rain"):
        run(session, "set_scene", {"name": name})
    run(session, "set_scene", {"prompt": "rain"})
    session.undo()
    assert session.document.name == "rain"
    session.undo()
    assert session.document == Document() and session.can_undo is None


def test_null_means_from_the_start_and_leaving_out_means_keep() -> None:
    session = Session(edits.add_agent("car", 0, 0)(Document()))
    run(session, "set_agent", {"id": "car-1", "appears_s": 1.0, "disappears_s": 2.0})
    run(session, "set_agent", {"id": "car-1", "disappears_s": None})
    car = session.document.entities["car-1"]
    assert (car.appears_s, car.disappears_s) == (1.0, None)


def test_the_ego_is_moved_but_never_deleted_or_copied() -> None:
    session = Session(Document())
    run(session, "move", {"ids": ["ego"], "dx": 2, "dy": 0})
    assert session.document.ego.keyframes[0].pose.x_m == 2
    for name in ("delete", "duplicate"):
        with pytest.raises(EditError, match="The ego cannot be"):
            run(session, name, {"ids": ["ego"]})


def test_cameras_on_the_ego_stay_when_all_is_moved() -> None:
    session = Session(crossing())
    cameras = [e for e in session.document.entities if e.startswith("camera")]
    with pytest.raises(EditError, match="does not move"):
        run(session, "move", {"ids": cameras, "dx": 1, "dy": 1})
    start = session.document
    run(session, "move", {"ids": [*start.entities, "ego"], "dx": 1, "dy": 1})
    assert all((session.document.entities[id] is start.entities[id]) == (id in cameras) for id in start.entities)


def test_a_rig_replaces_the_cameras_on_the_ego_only() -> None:
    session = Session(Document())
    run(session, "add_camera", {"mount": "world", "pose": [0, 0, 9, 0, 0, 0], "width": 64, "height": 64, "name": "pole"})
    for rig, count in (("nuscenes6", 6), ("av2_ring", 7), ("surround12", 12)):
        run(session, "use_rig", {"name": rig})
        assert len(session.document.entities) == count + 1
    with pytest.raises(EditError, match="rig must be one of.*nuscenes6"):
        run(session, "use_rig", {"name": "../../secrets"})


def test_rigs_look_where_their_names_say() -> None:
    import numpy as np

    from editor.rigs import load_rig

    def heading(camera) -> float:
        forward = camera.ego_SE3_camera.matrix()[:3, 2]
        assert abs(forward[2]) < 0.1 and camera.ego_SE3_camera.matrix()[2, 1] < -0.9, "level and upright"
        return float(np.rad2deg(np.arctan2(forward[1], forward[0])))

    ring, nuscenes = load_rig("av2_ring"), load_rig("nuscenes6")
    assert (ring["ring_front_center"].width, ring["ring_front_center"].height) == (1550, 2048)
    assert {(c.width, c.height) for c in ring.cameras[1:]} == {(2048, 1550)} and {(c.width, c.height) for c in nuscenes.cameras} == {
        (1600, 900)
    }
    assert heading(nuscenes["CAM_FRONT"]) == pytest.approx(0, abs=1e-3) and abs(heading(nuscenes["CAM_BACK"])) == pytest.approx(
        180, abs=1e-3
    )
    for rig in (ring, nuscenes):
        for camera in rig.cameras:
            if "left" in camera.name.lower():
                assert heading(camera) > 0 and camera.ego_SE3_camera.y_m > 0
            if "right" in camera.name.lower():
                assert heading(camera) < 0 and camera.ego_SE3_camera.y_m < 0


def test_the_table_is_plain_enough_for_the_folder_of_scripts() -> None:
    assert all(Path(name).name == name and name.isidentifier() for name in COMMANDS)
