"""Tracks over time, and the edits of waypoints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from editor import edits
from editor.clip import boxes_at, ego_pose_at
from editor.document import Document, EditError, Ground
from editor.entities import Agent, Keyframe
from editor.track import exists_at, pose_at, stations_m
from engine.spec.geometry import Pose


def car(document: Document, id: str = "car-1") -> Agent:
    return document.get(id, Agent)


def test_position_is_linear_and_held_outside() -> None:
    track = (Keyframe(1.0, Pose(0, 0)), Keyframe(3.0, Pose(10, -4, 2)))
    assert pose_at(track, 2.0) == Pose(5, -2, 1)
    assert pose_at(track, 0.0) is track[0].pose and pose_at(track, 9.0) is track[1].pose and pose_at(track, 1.0) is track[0].pose


def test_stations_are_metres_along_the_way_seen_from_above() -> None:
    track = [Keyframe(float(k), Pose(x, y, z)) for k, (x, y, z) in enumerate([(0, 0, 0), (3, 4, 50), (3, 4.005, 0), (3, 10, 0)])]
    assert stations_m(track).tolist() == pytest.approx([0, 5, 5.005, 11])
    assert stations_m(track, stays_m=0.01).tolist() == pytest.approx([0, 5, 5, 10.995]), "a stop is no way"
    assert stations_m(track[:1]).tolist() == [0]
    rng, plain = np.random.default_rng(1), [0.0]
    shaken = [Keyframe(float(k), Pose(*rng.normal(size=3) * 20)) for k in range(30)]
    for a, b in zip(shaken, shaken[1:], strict=False):
        plain.append(plain[-1] + float(np.sqrt((b.pose.x_m - a.pose.x_m) ** 2 + (b.pose.y_m - a.pose.y_m) ** 2)))
    assert stations_m(shaken).tolist() == pytest.approx(plain)


def test_heading_takes_the_short_way_round() -> None:
    track = (Keyframe(0.0, Pose(yaw_rad=np.deg2rad(170))), Keyframe(1.0, Pose(yaw_rad=np.deg2rad(-170))))
    middle = pose_at(track, 0.5).yaw_rad
    assert abs(abs(middle) - np.pi) < 1e-12
    assert np.rad2deg(pose_at(track, 0.25).yaw_rad) == pytest.approx(175)


def test_pose_at_is_the_plain_scan() -> None:
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 9, 40))
    track = tuple(Keyframe(float(t), Pose(*rng.normal(size=3), yaw_rad=float(rng.uniform(-3, 3)))) for t in times)
    for t in rng.uniform(-1, 10, 200):
        k = int((times <= t).sum()) - 1
        near = track[max(k, 0) : k + 2]
        expected = np.interp(t, [keyframe.time_s for keyframe in near], [keyframe.pose.x_m for keyframe in near])
        assert pose_at(track, float(t)).x_m == pytest.approx(expected)


def test_appearing_and_disappearing_include_both_ends() -> None:
    agent = replace(car(edits.add_agent("car", 0, 0)(Document())), appears_s=1 / 12, disappears_s=0.5)
    start_s = 0.1 + 0.2  # a sum that is not exactly 0.3
    assert [exists_at(agent, t) for t in (0.0, 1 / 12, 0.5, 0.51)] == [False, True, True, False]
    assert exists_at(replace(agent, appears_s=start_s), 0.3) and exists_at(replace(agent, disappears_s=0.3), start_s)


def test_boxes_stand_on_their_pose() -> None:
    scene = edits.add_agent("bus", 5, 1, 0.3, size=(10, 3, 4))(
        replace(Document(), ground=Ground((0, 0), 1.0, np.full((20, 20), 7.0, np.float32)))
    )
    (box,) = boxes_at(scene, 0.0)
    assert box.center_m == (5, 1, 9) and box.size_m == (10, 3, 4) and box.instance_id == 1 and box.yaw_rad == 0.3


def test_without_a_ground_things_stand_where_the_ego_does() -> None:
    scene = edits.set_track("ego", [Keyframe(0.0, Pose(0, 0, 20)), Keyframe(1.0, Pose(10, 0, 30))])(Document())
    assert car(edits.add_agent("car", 5, 1, time_s=0.5)(scene)).keyframes[0].pose.z_m == 25


def test_a_new_waypoint_looks_along_the_path_and_so_do_those_that_did() -> None:
    scene = edits.compose(edits.add_agent("car", 0, 0, 0.0), edits.add_waypoint("car-1", 1, 10, 0), edits.add_waypoint("car-1", 2, 10, 10))(
        Document()
    )
    yaws = [k.pose.yaw_rad for k in car(scene).keyframes]
    assert yaws == pytest.approx([0.0, np.pi / 4, np.pi / 2])
    turned = edits.move_waypoint("car-1", 1, 10, 0, yaw=-1.0)(scene)
    again = edits.move_waypoint("car-1", 2, 20, 10)(turned)
    assert car(again).keyframes[1].pose.yaw_rad == -1.0, "a heading that was set by hand stays"
    assert car(again).keyframes[2].pose.yaw_rad == pytest.approx(np.pi / 4)


def test_a_heading_that_was_given_stays_as_given() -> None:
    scene = edits.compose(edits.add_agent("car", 0, 0, 2.0), edits.add_waypoint("car-1", 1, 10, 0, 0.5))(Document())
    assert [k.pose.yaw_rad for k in car(scene).keyframes] == [2.0, 0.5]


def test_a_pedestrian_turns_to_the_first_waypoint() -> None:
    scene = edits.compose(edits.add_agent("pedestrian", 0, 0, 3.0), edits.add_waypoint("pedestrian-1", 1, 0, 2))(Document())
    assert [k.pose.yaw_rad for k in car(scene, "pedestrian-1").keyframes] == pytest.approx([np.pi / 2] * 2)


def test_a_waypoint_at_a_taken_time_replaces_and_order_is_kept() -> None:
    scene = edits.compose(edits.add_waypoint("ego", 2, 20, 0), edits.add_waypoint("ego", 1, 5, 0), edits.add_waypoint("ego", 1, 6, 0))(
        Document()
    )
    assert [(k.time_s, k.pose.x_m) for k in scene.ego.keyframes] == [(0, 0), (1, 6), (2, 20)]
    moved = edits.move_waypoint("ego", 1, 8, 0, time_s=3)(scene)
    assert [k.time_s for k in moved.ego.keyframes] == [0, 2, 3]
    with pytest.raises(EditError, match="already has a waypoint"):
        edits.move_waypoint("ego", 1, 8, 0, time_s=2)(scene)
    assert ego_pose_at(scene, 0.5).x_m == 3


def test_the_last_waypoint_stays() -> None:
    scene = edits.add_agent("car", 0, 0)(Document())
    for id in ("car-1", "ego"):
        with pytest.raises(EditError, match="only this waypoint"):
            edits.delete_waypoint(id, 0)(scene)
    with pytest.raises(EditError, match="there is no 7"):
        edits.delete_waypoint("car-1", 7)(scene)
    shorter = edits.compose(edits.add_waypoint("car-1", 1, 10, 0), edits.delete_waypoint("car-1", 0))(scene)
    assert [k.time_s for k in car(shorter).keyframes] == [1]


def test_shift_is_exact_in_each_keyframes_own_frame() -> None:
    scene = edits.compose(edits.add_agent("car", 0, 0, 0.0), edits.add_waypoint("car-1", 1, 10, 0), edits.add_waypoint("car-1", 2, 10, 10))(
        Document()
    )
    shifted = edits.shift_track("car-1", 2.0, -1.0)(scene)
    for old, new in zip(car(scene).keyframes, car(shifted).keyframes, strict=True):
        c, s = np.cos(old.pose.yaw_rad), np.sin(old.pose.yaw_rad)
        delta = np.array([new.pose.x_m - old.pose.x_m, new.pose.y_m - old.pose.y_m])
        assert delta @ (c, s) == pytest.approx(2.0) and delta @ (-s, c) == pytest.approx(-1.0)
    left = edits.shift_track("ego", 0, 1.0)(scene)
    assert left.ego.keyframes[0].pose.y_m == 1.0 and left.entities == scene.entities


def test_waypoints_of_what_has_none_are_refused() -> None:
    scene = edits.compose(edits.add_line("lane_divider", [(0, 0), (1, 0)]), edits.use_rig("nuscenes6"))(Document())
    for id, says in (("line-1", "is a Line"), ("nobody", "not in this scene"), ("camera-1", "rides on the ego")):
        with pytest.raises(EditError, match=says):
            edits.add_waypoint(id, 1, 0, 0)(scene)


def test_another_class_brings_its_size_unless_it_was_set() -> None:
    scene = edits.add_agent("car", 0, 0)(Document())
    assert car(edits.set_agent("car-1", class_name="bus")(scene)).size_m == (11.5, 2.9, 3.4)
    own = edits.set_agent("car-1", size=(5, 2, 2))(scene)
    assert car(edits.set_agent("car-1", class_name="bus")(own)).size_m == (5, 2, 2)


def test_array_and_duplicate_make_agents_of_their_own() -> None:
    scene = edits.compose(edits.add_agent("bicycle", 0, 0), edits.add_waypoint("bicycle-1", 2, 10, 0))(Document())
    queue = edits.array("bicycle-1", 5, dx=-3.0, delay_s=0.3)(scene)
    agents = list(queue.of(Agent))
    assert len({a.id for a in agents}) == len({a.instance_id for a in agents}) == 6
    assert agents[5].keyframes[0].time_s == pytest.approx(1.5) and agents[5].keyframes[1].pose.x_m == -5
    copy = car(edits.duplicate(["bicycle-1"], 0, 4)(scene), "bicycle-2")
    assert copy.instance_id == 2 and copy.keyframes[1].pose == Pose(10, 4, 0, 0)


def test_mirroring_twice_is_the_same_scene_and_keeps_the_rig() -> None:
    from editor.samples import crossing

    scene = edits.paint_stroke("walkway", [(3.3, -7.1), (20, 4)], 1.7)(crossing())
    once = edits.mirror()(scene)
    assert edits.mirror()(once) == scene and once != scene
    assert [e for k, e in once.entities.items() if k.startswith("camera")] == [
        e for k, e in scene.entities.items() if k.startswith("camera")
    ]
    assert [b.center_m[1] for b in boxes_at(once, 1.0)] == [-b.center_m[1] for b in boxes_at(scene, 1.0)]
