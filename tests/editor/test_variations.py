"""Guarantees of variations, measured anew on what they yield: over the templates, and over real logs where they are there."""

from __future__ import annotations

import io
import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import shapely

from editor import check, edits
from editor.clip import boxes_at, ego_pose_at, frame_count
from editor.document import Document, EditError
from editor.entities import Agent, CameraEntity
from editor.files.jsonform import canonical, document_to_json
from editor.files.project import from_file, to_bytes
from editor.formats import import_scene
from editor.samples import SAMPLES
from editor.variations import VARIATIONS, NoPlace, Variant, stream, variation, vary
from editor.variations.drive import street_of
from editor.variations.guarantees import time_to_collision_s
from editor.variations.motion import EGO_FRONT_M, motion_of, sampled, traffic_of
from editor.variations.pedestrians import post_encroachment_s
from editor.variations.variation import added

SCENES = {name: make() for name, make in SAMPLES.items()}
HAS_NO_PLACE = {
    "blank": {
        "jaywalker",
        "crowd_at_crossing",
        "lane_closure",
        "cyclist_queue",
        "cut_in",
        "hard_brake",
        "wrong_way",
        "left_hand_traffic",
        "agents_thinned",
        "agents_doubled",
    },
    "crossing": {"jaywalker"},
    "lane_closure": {"crowd_at_crossing"},
}
"""Some templates -> variations that refuse them: nothing moves on the blank page, nobody parks in the middle of a crossing, and a straight
road has none."""


def straight() -> Document:
    """A road of four lanes along x; the ego drives 9 m/s along y = -1.75 for 6 s."""
    steps = [
        edits.set_scene(name="straight", duration_s=6.0),
        edits.add_area("drivable_area", [(-60.0, -7.0), (200.0, -7.0), (200.0, 7.0), (-60.0, 7.0)]),
        edits.add_line("road_divider", [(-60.0, 0.0), (200.0, 0.0)]),
        *(edits.add_line("lane_divider", [(-60.0, y), (200.0, y)]) for y in (-3.5, 3.5)),
        edits.move_waypoint("ego", 0, 0.0, -1.75),
        edits.add_waypoint("ego", 6.0, 54.0, -1.75),
        edits.add_agent("car", -20.0, -5.25),
        edits.use_rig("nuscenes6"),
    ]
    return edits.compose(*steps)(Document())


def some(document: Document, name: str, seeds: int = 3) -> list[Variant]:
    """One of each seed, without those that find no place."""
    found = []
    for seed in range(seeds):
        try:
            found.append(next(stream(document, VARIATIONS[name], seed)))
        except NoPlace as refusal:
            assert str(refusal).startswith(f"'{name}' has no place in ") and str(refusal).endswith((".", "?"))
    return found


def agent_of(variant: Variant, before: Document, class_name: str) -> Agent:
    (agent,) = [agent for agent in added(before, variant.document) if agent.class_name == class_name]
    return agent


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("name", VARIATIONS)
def test_every_document_holds_the_guarantee_and_can_be_saved(name: str, scene: str) -> None:
    document = SCENES[scene]
    before = canonical(document_to_json(document))
    found = some(document, name)
    if scene in HAS_NO_PLACE:
        assert bool(found) != (name in HAS_NO_PLACE[scene]), "which scenes have a place is part of what a variation promises"
    for variant in found:
        assert VARIATIONS[name].check(document, variant.document, variant.parameters) is None
        check.whole_document(variant.document)
        assert from_file(io.BytesIO(to_bytes(variant.document))) == variant.document
        assert variant.document != document
        json.dumps(variant.parameters)
    assert canonical(document_to_json(document)) == before, "a variation leaves its input alone"


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_variation_is_a_function_of_scene_seed_and_number(name: str) -> None:
    document, again = straight(), straight()
    if name != "jaywalker":
        document, again = SCENES["crossing"], SAMPLES["crossing"]()
    one = [v.document for v in islice(stream(document, VARIATIONS[name], 5), 3)]
    two = [v.document for v in islice(stream(again, VARIATIONS[name], 5), 3)]
    assert one == two
    other = next(stream(document, VARIATIONS[name], 6)).document
    if VARIATIONS[name].dice:
        assert len({canonical(document_to_json(d)) for d in (*one, other)}) > 1
    else:
        assert other == one[0] == one[1]


@pytest.mark.parametrize(
    "name", ["jaywalker", "crowd_at_crossing", "lane_closure", "cyclist_queue", "cut_in", "hard_brake", "wrong_way", "agents_doubled"]
)
def test_nobody_new_runs_into_anybody_by_polygons_frame_by_frame(name: str) -> None:
    """The slow twin of Traffic.meets: the polygons of editor.clip's boxes, one frame after the other."""
    document = SCENES["crossing"] if name != "jaywalker" else straight()
    found = some(document, name, 2)
    assert found
    for variant in found:
        fresh = {agent.instance_id for agent in added(document, variant.document)}
        for frame in range(frame_count(document)):
            boxes = boxes_at(variant.document, frame / 12)
            shapes = [shapely.Polygon(box.corners_bev_m()) for box in boxes]
            for k, box in enumerate(boxes):
                if box.instance_id in fresh:
                    met = [
                        o.instance_id
                        for o, shape in zip(boxes, shapes, strict=True)
                        if o is not box and shape.intersection(shapes[k]).area > 1e-6
                    ]
                    assert not met, (frame, box, met)


def test_footprints_meet_as_polygons_do() -> None:
    rng = np.random.default_rng(3)
    document = SCENES["crossing"]
    traffic = traffic_of(document)
    for agent in document.of(Agent):
        motion = motion_of(agent, frame_count(document))
        met = traffic.meets(motion, margin := float(rng.uniform(0, 1)))
        corners = [shapely.Polygon(c) for c in motion.corners_m()]
        for k, name in enumerate(traffic.names[1:], 1):
            others = motion_of(document.get(name, Agent), frame_count(document)).corners_m()
            for frame in range(0, frame_count(document), 7):
                apart = corners[frame].distance(shapely.Polygon(others[frame]))
                assert not met[k, frame] or apart <= margin * np.sqrt(2) + 1e-6
                assert met[k, frame] or apart > 0


def test_tracks_are_sampled_as_the_clip_reads_them() -> None:
    for document in SCENES.values():
        times = np.arange(frame_count(document)) / 12
        xy, yaw = sampled(document.ego.keyframes, times)
        poses = [ego_pose_at(document, time) for time in times]
        assert np.allclose(xy, [(p.x_m, p.y_m) for p in poses], atol=1e-9)
        assert np.allclose(np.exp(1j * yaw), np.exp(1j * np.array([p.yaw_rad for p in poses])), atol=1e-9)


def test_closest_approach_of_the_jaywalker_on_a_straight_road() -> None:
    """The ego drives along y = -1.75 at constant speed, so both moments can be had with a ruler."""
    document = straight()
    found = some(document, "jaywalker", 4)
    assert len(found) == 4
    for variant in found:
        walker = agent_of(variant, document, "pedestrian")
        times = np.arange(0, 7, 0.001)
        xy, _ = sampled(walker.keyframes, times)
        aside = np.abs(xy[:, 1] + 1.75)
        inside = np.nonzero(aside < 0.95 + 0.35)[0]
        left_s = times[inside[-1]]
        arrives_s = (walker.keyframes[0].pose.x_m - 0.35 - EGO_FRONT_M) / 9.0
        assert arrives_s - left_s == pytest.approx(variant.parameters["gap_s"], abs=0.02)
        assert post_encroachment_s(variant.document, walker) == pytest.approx(variant.parameters["gap_s"], abs=0.1)


def test_time_to_collision_of_cut_in_and_hard_brake_on_a_straight_road() -> None:
    document = SCENES["crossing"]
    for name in ("cut_in", "hard_brake"):
        for variant in some(document, name, 4):
            (agent,) = added(document, variant.document)
            times = np.arange(0, 48) / 12
            xy, yaw = sampled(agent.keyframes, times)
            half = (np.abs(np.cos(yaw)) * agent.size_m[0] + np.abs(np.sin(yaw)) * agent.size_m[1]) / 2
            gap = xy[:, 0] - half - 9.0 * times - EGO_FRONT_M
            aside = np.abs(xy[:, 1] + 1.75) - (np.abs(np.sin(yaw)) * agent.size_m[0] + np.abs(np.cos(yaw)) * agent.size_m[1]) / 2 - 0.95
            ttc = gap[1:] / np.maximum(-np.diff(gap) * 12, 1e-6)
            got = ttc[np.argmax(aside[1:] < 0)] if name == "cut_in" else ttc.min()
            assert got == pytest.approx(variant.parameters["ttc_s"], abs=0.16)
            if name == "hard_brake":
                assert time_to_collision_s(variant.document, agent).min() == pytest.approx(got, abs=0.02)


def test_wrong_way_comes_against_the_ego() -> None:
    document = SCENES["crossing"]
    for variant in some(document, "wrong_way", 4):
        (agent,) = added(document, variant.document)
        assert all(np.cos(k.pose.yaw_rad) < -0.99 and abs(k.pose.y_m + 1.75) < 1e-6 for k in agent.keyframes)
        last = agent.keyframes[-1]
        gap = last.pose.x_m - agent.size_m[0] / 2 - EGO_FRONT_M - 9.0 * last.time_s
        assert gap / (9.0 + variant.parameters["speed_m_s"]) == pytest.approx(variant.parameters["ttc_s"], abs=0.05)


def test_what_is_asked_for_is_what_is_drawn() -> None:
    document = SCENES["crossing"]
    for variant in islice(vary(document, "cut_in", 1, ttc_s=[1.5, 1.6], vehicle="truck"), 3):
        assert 1.5 <= variant.parameters["ttc_s"] <= 1.6 and variant.parameters["vehicle"] == "truck"
    assert next(vary(document, "crowd_at_crossing", 1, people=9)).parameters["people"] == 9
    words = {next(vary(document, "light_and_weather", seed, weather=["fog", "snow"])).parameters["weather"] for seed in range(12)}
    assert words == {"fog", "snow"}


@pytest.mark.parametrize(
    ("name", "asked", "says"),
    [
        ("cut_out", {}, "did you mean cut_in"),
        ("cut_in", {"ttc": 1}, "no parameter 'ttc'"),
        ("cut_in", {"ttc_s": [3, 1]}, "between 0.5 and 8"),
        ("cut_in", {"ttc_s": float("nan")}, "must be a number"),
        ("cut_in", {"ttc_s": True}, "must be a number"),
        ("crowd_at_crossing", {"people": 2.5}, "a whole number"),
        ("jaywalker", {"occluder": "tram"}, "one or more of car, truck, bus"),
    ],
)
def test_a_mistake_is_one_sentence(name: str, asked: dict[str, object], says: str) -> None:
    with pytest.raises(EditError, match=says) as told:
        next(stream(SCENES["crossing"], variation(name), 0, asked))
    assert "\n" not in str(told.value) and str(told.value).endswith((".", "?"))


def test_it_happens_in_the_window_where_it_can() -> None:
    document = SCENES["crossing"]
    for seed in range(3):
        early = next(stream(document, VARIATIONS["hard_brake"], seed, {}, (0.0, 1.5)))
        (agent,) = added(document, early.document)
        assert int(np.argmin(time_to_collision_s(early.document, agent))) / 12 < 2.2


def test_left_hand_traffic_of_left_hand_traffic_has_no_place() -> None:
    mirrored = next(vary(SCENES["crossing"], "left_hand_traffic")).document
    with pytest.raises(NoPlace, match="keeps to the left already"):
        next(vary(mirrored, "left_hand_traffic"))
    street = street_of(mirrored)
    section = street.section(1.0)
    assert section is not None and not street.right_hand(section)


def test_variations_work_on_the_left_as_on_the_right() -> None:
    mirrored = next(vary(straight(), "left_hand_traffic")).document
    for name in ("jaywalker", "lane_closure", "cyclist_queue", "cut_in"):
        assert some(mirrored, name), name
    (first, *_) = some(mirrored, "cyclist_queue")
    assert all(k.pose.y_m > 1.75 for agent in added(mirrored, first.document) for k in agent.keyframes), (
        "they ride at the kerb, now on the left"
    )


def test_lanes_of_a_junction_are_those_of_the_road_before_it() -> None:
    """Nothing marks the middle of the crossing; nobody may cut in from the oncoming side there, nor park."""
    document = SCENES["crossing"]
    street = street_of(document)
    middle = street.section(24.0)
    assert middle is not None and not middle.dividers_m and not middle.lines_m
    lanes = street.lanes_at(24.0)
    assert lanes is not None and lanes.dividers_m == (1.75,) and lanes.lanes_beside(True) == [] and len(lanes.lanes_beside(False)) == 1
    assert not street.kerb_is_steady(8.0, 24.0, False) and street.kerb_is_steady(-10.0, 5.0, False)
    for variant in some(document, "cut_in", 6):
        (agent,) = added(document, variant.document)
        assert all(keyframe.pose.y_m < -1.7 for keyframe in agent.keyframes), "it comes from the lane on the ego's right"


def test_a_painted_road_is_a_road() -> None:
    crossing = SCENES["crossing"]
    roads = [e.id for e in crossing.entities.values() if getattr(e, "channel", "") == "drivable_area"]
    painted = edits.paint_polygon("drivable_area", [(-40.0, -7.0), (90.0, -7.0), (90.0, 7.0), (-40.0, 7.0)])(edits.delete(roads)(crossing))
    assert abs(street_of(painted).section(1.0).left_edge_m - 8.75) < 0.25  # type: ignore[union-attr]
    assert some(painted, "lane_closure") and some(painted, "wrong_way")


LOGS = (
    ("av2", "av2/3b3570b4_MIA"),
    ("av2", "av2/sensor_val_adcf7d18_PIT"),
    ("scenarionet", "scenarionet_nuscenes"),
    ("scenarionet", "scenarionet_waymo"),
)


@pytest.mark.parametrize(("kind", "where"), LOGS)
def test_guarantees_hold_on_real_logs(kind: str, where: str, shared_data: Path) -> None:
    source = shared_data / where
    source = source if kind == "av2" else next(iter(sorted(source.rglob("sd_*.pkl"))), source)
    document, _ = import_scene(kind, source, duration_s=6.0)
    yielded = [
        name
        for name in VARIATIONS
        for variant in some(document, name, 1)
        if VARIATIONS[name].check(document, variant.document, variant.parameters) is None
    ]
    cameras = any(isinstance(e, CameraEntity) for e in document.entities.values())
    assert len(yielded) >= (8 if cameras else 6), yielded
