"""Agents that meet the ego as asked, queue behind each other, follow lanes, and boxes of voxels that go with them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from editor import edits
from editor.clip import boxes_at, frame_count, occupancy_edits_at
from editor.closeness import crossing_of, time_to_collision_s
from editor.document import Document, EditError
from editor.edits.agents import tracked
from editor.entities import Agent, OccupancyEdit
from editor.files.jsonform import entity_from_json, entity_to_json
from editor.track import pose_at, speed_between
from editor.validate import problems


def street() -> Document:
    """A straight two-way road; the ego drives at 8 m/s in its right lane."""
    return edits.compose(
        edits.set_scene(duration_s=6.0), edits.add_road([(-40, 0), (100, 0)]), edits.add_dividers(),
        edits.move_waypoint("ego", 0, 0, -1.75), edits.add_waypoint("ego", 6, 48, -1.75),
    )(Document())  # fmt: skip


def with_walker() -> Document:
    return edits.compose(edits.add_agent("pedestrian", 24, -6), edits.add_waypoint("pedestrian-1", 5, 24, 6))(street())


@pytest.mark.parametrize("gap_s", [1.0, 0.4, -0.5])
def test_a_walker_meets_the_ego_with_the_gap_that_was_asked_for(gap_s: float) -> None:
    scene = edits.compose(edits.set_speed("pedestrian-1", 1.8), edits.meet("pedestrian-1", gap_s))(with_walker())
    walker = scene.get("pedestrian-1", Agent)
    crossing = crossing_of(scene, walker)
    assert crossing is not None and crossing.gap_s == pytest.approx(gap_s, abs=1e-6)
    here, ego = pose_at(walker.keyframes, crossing.agent_s), pose_at(scene.ego.keyframes, crossing.ego_s)
    assert (here.x_m, here.y_m) == pytest.approx((24, -1.75)) and ego.x_m + 3.7 == pytest.approx(24)
    a, b = walker.keyframes
    assert np.hypot(b.pose.x_m - a.pose.x_m, b.pose.y_m - a.pose.y_m) / (b.time_s - a.time_s) == pytest.approx(1.8)


def test_who_cannot_meet_is_told_why() -> None:
    beside = edits.compose(edits.add_agent("pedestrian", 24, -6), edits.add_waypoint("pedestrian-1", 5, 30, -6))(street())
    with pytest.raises(EditError, match="does not cross"):
        edits.meet("pedestrian-1", 1)(beside)
    with pytest.raises(EditError, match="no way to go"):
        edits.set_speed("pedestrian-1", 1)(edits.add_agent("pedestrian", 0, 0)(street()))


def test_one_stretch_gets_another_speed_and_those_behind_keep_theirs() -> None:
    scene = edits.compose(*(edits.add_waypoint("ego", t, x, -1.75) for t, x in ((2, 16), (3, 16), (4, 24))))(street())
    times = [k.time_s for k in edits.set_speed("ego", 4.0, 0)(scene).ego.keyframes]
    assert times == pytest.approx([0, 4, 5, 6, 8]), "it waits as long as before, only later"


def cut_in() -> Document:
    """A car from the other lane before the ego, which then brakes from 9 to 4 m/s."""
    steps = [edits.add_agent("car", 14, 1.75), *(edits.add_waypoint("car-1", t, x, y) for t, x, y in ((1.5, 27, -1.75), (3, 36, -1.75), (6, 46, -1.75)))]
    return edits.compose(*steps)(street())


def test_the_least_time_to_collision_is_reached() -> None:
    scene = cut_in()
    solved = edits.reach_ttc("car-1", 1.5)(scene)
    assert time_to_collision_s(solved, solved.get("car-1", Agent)).min() == pytest.approx(1.5, abs=0.05)
    before, after = (one.get("car-1", Agent).keyframes for one in (scene, solved))
    assert [k.time_s for k in before] == [k.time_s for k in after]
    shift = {(round(b.pose.x_m - a.pose.x_m, 9), b.pose.y_m - a.pose.y_m) for a, b in zip(before, after, strict=True)}
    assert len(shift) == 1 and next(iter(shift))[1] == 0.0, "moved as a whole, along the ego's way: it keeps its lanes and its speeds"
    with pytest.raises(EditError, match="never in the ego's way|nearest"):
        edits.reach_ttc("car-1", 1.5)(edits.compose(edits.add_agent("car", 10, 30), edits.add_waypoint("car-1", 6, 60, 30))(street()))


def hardest_braking(agent: Agent) -> float:
    """m/s^2, from frame to frame along its way, between its first and its last keyframe."""
    keys = agent.keyframes
    stations = np.cumsum([0.0, *(np.hypot(b.pose.x_m - a.pose.x_m, b.pose.y_m - a.pose.y_m) for a, b in zip(keys, keys[1:], strict=False))])
    times = np.arange(keys[0].time_s, keys[-1].time_s, 1 / 12)
    return float(max(-np.diff(np.interp(times, [k.time_s for k in keys], stations), 2)) * 144)


@pytest.mark.parametrize("limit", [8.0, 2.0])
def test_a_track_brakes_no_harder_than_its_limit(limit: float) -> None:
    scene = cut_in()
    car = scene.get("car-1", Agent)
    assert hardest_braking(car) > 30
    after = edits.brake_within("car-1", limit)(scene).get("car-1", Agent)
    assert hardest_braking(after) <= limit * 1.05
    assert hardest_braking(after) >= 0.8 * limit, "and no softer than it has to"
    kept = {(k.pose.x_m, k.pose.y_m): k.time_s for k in after.keyframes}
    assert {(k.pose.x_m, k.pose.y_m) for k in car.keyframes} <= set(kept) and after.keyframes[0] == car.keyframes[0]
    assert all(kept[k.pose.x_m, k.pose.y_m] >= k.time_s - 1e-9 for k in car.keyframes), "nobody gets anywhere earlier"
    way = shapely.LineString([(k.pose.x_m, k.pose.y_m) for k in car.keyframes])
    assert max(way.distance(shapely.Point(k.pose.x_m, k.pose.y_m)) for k in after.keyframes) < 1e-6, "on the same way"
    assert edits.brake_within("car-1", limit)(edits.brake_within("car-1", 20.0)(cut_in())).get("car-1", Agent).keyframes[0] == car.keyframes[0]


def test_a_stop_is_braked_for_and_lasts_as_long_and_who_brakes_softly_is_left_alone() -> None:
    steps = [edits.add_agent("car", 0, -1.75), *(edits.add_waypoint("car-1", t, x, -1.75) for t, x in ((3, 30), (4.5, 30), (6, 39)))]
    scene = edits.compose(*steps)(street())
    after = edits.brake_within("car-1", 5.0)(scene).get("car-1", Agent)
    stands = [(a.time_s, b.time_s) for a, b in zip(after.keyframes, after.keyframes[1:], strict=False) if speed_between(a, b) == 0]
    assert len(stands) == 1 and stands[0][1] - stands[0][0] == pytest.approx(1.5)
    # From 10 m/s at 5 m/s^2: 10 m of braking take one second more than at full speed.
    assert stands[0][0] == pytest.approx(4.0, abs=0.02) and hardest_braking(after) <= 5.25
    assert after.keyframes[-1].time_s - stands[0][1] == pytest.approx(1.5, abs=0.02), "and goes on as fast as it did"
    faster = edits.compose(edits.add_agent("car", 0, -1.75), *(edits.add_waypoint("car-1", t, x, -1.75) for t, x in ((3, 6), (6, 30))))(street())
    assert edits.brake_within("car-1", 1.0)(faster) is faster, "speeding up is not braking"


def test_a_time_to_collision_is_reached_within_the_braking_that_was_allowed() -> None:
    solved = edits.reach_ttc("car-1", 1.5, 3.0)(cut_in())
    car = solved.get("car-1", Agent)
    assert time_to_collision_s(solved, car).min() == pytest.approx(1.5, abs=0.05) and hardest_braking(car) <= 3.15


def test_an_array_on_a_way_stays_apart_in_every_frame() -> None:
    scene = edits.compose(
        edits.add_agent("bicycle", 0, -6), *(edits.add_waypoint("bicycle-1", t, x, y) for t, x, y in ((2, 8, -6), (4, 14, -2), (6, 24, -2)))
    )(street())
    for jitter in (0.0, 0.3):
        six = edits.array_along("bicycle-1", 5, 3.0, jitter)(scene)
        assert len({a.instance_id for a in six.of(Agent)}) == 6
        for frame in range(frame_count(six)):
            boxes = [shapely.Polygon(box.corners_bev_m()) for box in boxes_at(six, frame / 12)]
            assert len(boxes) == 6 and all(a.intersection(b).area < 1e-9 for i, a in enumerate(boxes) for b in boxes[:i])
        assert edits.array_along("bicycle-1", 5, 3.0, jitter)(scene) == six
    leader, follower = (pose_at(six.get(id, Agent).keyframes, 5.0) for id in ("bicycle-1", "bicycle-2"))
    way = shapely.LineString([(0, -6), (8, -6), (14, -2), (24, -2)])
    assert way.distance(shapely.Point(follower.x_m, follower.y_m)) < 0.2 and leader.x_m > follower.x_m
    with pytest.raises(EditError, match="too near"):
        edits.array_along("bicycle-1", 5, 0.5)(scene)


def test_a_way_follows_the_lane_with_and_against_the_traffic() -> None:
    for yaw, end in ((0.0, 40.0), (np.pi, -20.0)):
        scene = edits.compose(edits.add_agent("car", 10, -1.6, yaw), edits.follow_lane("car-1", 30, 10))(street())
        last = tracked(scene, "car-1").keyframes[-1]
        assert (last.pose.x_m, last.pose.y_m) == pytest.approx((end, -1.6), abs=0.01) and last.time_s == pytest.approx(3.0)
        wrong = [p for p in problems(scene) if "against the traffic" in p.sentence]
        assert bool(wrong) == (yaw != 0) and all(p.ids == ("car-1",) for p in wrong)
    mirrored = edits.mirror()(edits.compose(edits.add_agent("car", 10, -1.6), edits.follow_lane("car-1", 30, 10))(street()))
    assert not [p for p in problems(mirrored) if "against" in p.sentence], "on the left, all of them drive as the ego does"
    with pytest.raises(EditError, match="no lane to follow"):
        edits.compose(edits.add_agent("car", 10, 50), edits.follow_lane("car-1", 30, 10))(street())


def test_a_box_of_voxels_goes_with_its_agent_and_with_nobody_who_is_not_there() -> None:
    moving = edits.compose(edits.add_agent("truck", 0, 2), edits.add_waypoint("truck-1", 4, 0, 42), edits.set_agent("truck-1", disappears_s=2.0))(street())
    scene = edits.add_occupancy_edit("clear_box", pose=(0, 2, 1, 0, 0, 0), size=(2, 2, 2), follows="truck-1", time_s=0.0)(moving)
    (kept,) = scene.of(OccupancyEdit)
    assert entity_from_json(entity_to_json(kept)) == kept and kept.follows == scene.get("truck-1", Agent).instance_id
    for time_s, y in ((0.0, 2.0), (1.0, 12.0)):
        (there,) = occupancy_edits_at(scene, time_s)
        assert (there.box_pose.x_m, there.box_pose.y_m, there.box_pose.z_m) == pytest.approx((0, y, 1), abs=1e-9)
    assert occupancy_edits_at(scene, 3.0) == []
    filled = edits.fill_agent("truck-1")(moving)
    (box,) = occupancy_edits_at(filled, 1.0)
    assert (box.kind, box.class_name, box.box_pose.y_m) == ("fill_box", "truck", pytest.approx(12.0))


def test_a_stroke_of_voxels_is_boxes_along_it() -> None:
    scene = edits.stroke_voxels([(0, 0), (5, 0), (10, 0), (10, 8)], 1.0, bottom_m=0.2, top_m=2.2)(Document())
    boxes = list(scene.of(OccupancyEdit))
    assert [(b.kind, tuple(round(v, 3) for v in b.box_size_m)) for b in boxes] == [("clear_box", (12, 2, 2)), ("clear_box", (10, 2, 2))]
    assert (boxes[0].box_pose.x_m, boxes[0].box_pose.z_m, boxes[1].box_pose.yaw_rad) == pytest.approx((5, 1.2, np.pi / 2))
    assert [b.kind for b in edits.stroke_voxels([(0, 0)], 1.0, "car")(Document()).of(OccupancyEdit)] == ["fill_box"]
