"""What the validator finds, and that it leaves clean scenes alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from editor import edits
from editor.document import Document, Edit
from editor.entities import Agent, Keyframe
from editor.samples import SAMPLES
from editor.validate import problems
from engine.spec.geometry import Pose


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_are_clean(name: str) -> None:
    assert problems(SAMPLES[name]()) == []


def _broken_pose(document: Document) -> Document:
    car = document.get("car-1", Agent)
    return document.with_entities(replace(car, keyframes=(Keyframe(0.0, Pose(float("nan"))),)))


def _same_instance(document: Document) -> Document:
    return document.with_entities(
        replace(document.get("car-1", Agent), id="twin", instance_id=1, keyframes=(Keyframe(0.0, Pose(-20, 20)),))
    )


def _same_camera(document: Document) -> Document:
    return document.with_entities(replace(document.entities["camera-1"], id="again"))


@pytest.mark.parametrize(
    ("edit", "says", "ids"),
    [
        (edits.add_agent("bus", 12, 5), "car-1 and bus-1 stand in each other", {"car-1", "bus-1"}),
        (
            edits.compose(edits.add_agent("bus", -20, 5), edits.add_waypoint("bus-1", 4, 40, 5)),
            "car-1 and bus-1 run into each other at 1.7 s",
            {"car-1", "bus-1"},
        ),
        (edits.add_agent("traffic_cone", 2, 0), "ego and traffic_cone-1 run into", {"ego", "traffic_cone-1"}),
        (edits.add_agent("car", 90, 0), "never inside the grid", {"car-2"}),
        (
            edits.compose(edits.add_agent("pedestrian", 20, -9), edits.add_waypoint("pedestrian-1", 1, 20, 3)),
            "12.0 m/s after 0.0 s",
            {"pedestrian-1"},
        ),
        (edits.add_waypoint("ego", 0.1, 0, 20), "ego goes 200.0 m/s", {"ego"}),
        (_broken_pose, "finite", {"car-1"}),
        (_same_instance, "share the instance id 1", {"car-1", "twin"}),
        (_same_camera, "2 cameras are called 'CAM_FRONT_LEFT'", {"camera-1", "again"}),
        (edits.add_area("walkway", [(0, 0), (1, 1), (2, 2)]), "covers nothing", {"area-1"}),
        (edits.add_line("walkway", [(1, 1), (1, 1)]), "no length", {"line-1"}),
        (
            edits.add_camera([0, 0, -2, 0, 0, 0], 64, 64, mount="world", name="mole"),
            "Camera 'mole' is 2.0 m inside the ground",
            {"camera-7"},
        ),
        (edits.paint_stroke("walkway", [(0, 0)], 1, span=(500, 600)), "after the scene's last frame 47", {"paint-1"}),
        (
            edits.compose(edits.add_agent("car", 0, 20), edits.set_agent("car-2", appears_s=9)),
            "appears at 9 s, after the scene's end",
            {"car-2"},
        ),
    ],
)
def test_each_rule_finds_its_problem(edit: Edit, says: str, ids: set[str]) -> None:
    scene = edits.compose(edits.use_rig("nuscenes6"), edits.add_agent("car", 12, 5))(Document())
    assert problems(scene) == []
    found = problems(edit(scene))
    assert any(says in problem.sentence and set(problem.ids) == ids for problem in found), found
    assert all(problem.sentence.endswith(".") for problem in found)


def test_a_trailer_hangs_on_its_truck_and_bridges_do_not_collide() -> None:
    scene = edits.compose(edits.add_agent("truck", 10, 5), edits.add_agent("trailer", 2, 5))(Document())
    assert problems(scene) == []
    above = edits.compose(
        edits.add_agent("car", 10, 8), edits.add_agent("car", 10, 8), edits.set_track("car-2", [Keyframe(0, Pose(10, 8, 6))])
    )(Document())
    assert problems(above) == []


def test_one_track_in_two_pieces_is_no_duplicate_but_two_at_once_are():
    pose = (Keyframe(0.0, Pose()),)
    first = Agent("a", 7, "car", (4.5, 1.9, 1.6), pose, disappears_s=1.0)
    second = Agent("b", 7, "car", (4.5, 1.9, 1.6), pose, appears_s=1.5)
    apart = Document().with_entities(first, second)
    assert not [p for p in problems(apart) if "instance id" in p.sentence]
    together = apart.with_entities(replace(second, appears_s=0.5))
    assert [p.ids for p in problems(together) if "instance id" in p.sentence] == [("a", "b")]
