"""ScenarioNet scenarios against their own arrays."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from editor.document import Document
from editor.entities import Agent, Area, CameraEntity, Line
from editor.formats import ImportReport, import_scene
from editor.track import exists_at, pose_at
from engine.spec.geometry import wrap_angle

SCENARIOS = {
    "61": "scenarionet_nuscenes/nuscenes_0/sd_nuscenes_v1.0-mini_scene-0061.pkl",
    "103": "scenarionet_nuscenes/nuscenes_0/sd_nuscenes_v1.0-mini_scene-0103.pkl",
    "655": "scenarionet_nuscenes/nuscenes_1/sd_nuscenes_v1.0-mini_scene-0655.pkl",
    "waymo": "scenarionet_waymo/sd_training_2a1e44d405a6833f.pkl",
}

_read: dict[str, tuple[dict[str, Any], Document, ImportReport]] = {}


def scenario_of(shared_data: Path, name: str) -> tuple[dict[str, Any], Document, ImportReport]:
    path = shared_data / SCENARIOS[name]
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    if name not in _read:
        with path.open("rb") as file:
            source = pickle.load(file)  # files of the test set, known to hold arrays only
        _read[name] = (source, *import_scene("scenarionet", path))
    return _read[name]


@pytest.fixture(params=SCENARIOS)
def scenario(request: pytest.FixtureRequest, shared_data: Path) -> tuple[dict[str, Any], Document, ImportReport]:
    return scenario_of(shared_data, request.param)


def test_every_box_is_where_its_scenario_has_it(scenario: tuple[dict[str, Any], Document, ImportReport]) -> None:
    source, document, report = scenario
    times = np.asarray(source["metadata"]["ts"], float) - float(source["metadata"]["ts"][0])
    stretches: dict[str, list[Agent]] = {}
    for agent in document.of(Agent):
        stretches.setdefault(agent.name.split(" ", 1)[1], []).append(agent)
    compared = 0
    for key, track in source["tracks"].items():
        if key == source["metadata"]["sdc_id"]:
            assert str(key) not in stretches
            continue
        state = track["state"]
        for frame in np.flatnonzero(np.asarray(state["valid"]).ravel()):
            here = [agent for agent in stretches[str(key)] if exists_at(agent, float(times[frame]))]
            assert len(here) == 1
            pose = pose_at(here[0].keyframes, float(times[frame]))
            bottom = np.asarray(state["position"][frame], float) - report.origin_m - (0, 0, here[0].size_m[2] / 2)
            np.testing.assert_allclose([pose.x_m, pose.y_m, pose.z_m], bottom, atol=1e-6)
            assert abs(wrap_angle(pose.yaw_rad - float(np.ravel(state["heading"])[frame]))) < 1e-6
            assert here[0].size_m[0] == pytest.approx(float(np.ravel(state["length"])[frame]), abs=0.5)
            compared += 1
    assert compared > 2000


def test_no_agent_where_the_source_has_none(shared_data: Path) -> None:
    source, document, report = scenario_of(shared_data, "waymo")
    times = np.asarray(source["metadata"]["ts"], float)
    assert "gaps of more than 0.5 s" in report.text()
    for agent in document.of(Agent):
        valid = np.asarray(source["tracks"][agent.name.split(" ", 1)[1]]["state"]["valid"]).ravel().astype(bool)
        seen = times[valid]
        for moment in np.arange(0, document.duration_s, 1 / 12):
            if exists_at(agent, float(moment)):
                assert np.abs(seen - moment).min() <= 0.26


def test_ego_is_on_its_road(scenario: tuple[dict[str, Any], Document, ImportReport]) -> None:
    source, document, report = scenario
    state = source["tracks"][source["metadata"]["sdc_id"]]["state"]
    assert len(document.ego.keyframes) == len(source["metadata"]["ts"])
    for keyframe, position, heading in zip(document.ego.keyframes, state["position"], np.ravel(state["heading"]), strict=True):
        offset = np.asarray(position[:2], float) - report.origin_m[:2] - (keyframe.pose.x_m, keyframe.pose.y_m)
        ahead = 0.0 if source["metadata"]["dataset"] == "nuscenes" else 1.5
        np.testing.assert_allclose(offset, (ahead * np.cos(heading), ahead * np.sin(heading)), atol=1e-5)
    drivable = shapely.union_all(
        [shapely.Polygon(area.exterior_m, area.holes_m) for area in document.of(Area) if area.channel == "drivable_area"]
    )
    assert all(drivable.distance(shapely.Point(keyframe.pose.x_m, keyframe.pose.y_m)) < 0.5 for keyframe in document.ego.keyframes)


def test_lanes_are_drivable(scenario: tuple[dict[str, Any], Document, ImportReport]) -> None:
    source, document, report = scenario
    drivable = shapely.union_all(
        [shapely.Polygon(area.exterior_m, area.holes_m) for area in document.of(Area) if area.channel == "drivable_area"]
    )
    lanes = [feature for feature in source["map_features"].values() if feature["type"].startswith("LANE_")]
    on_road = total = 0.0
    for lane in lanes:
        line = shapely.LineString(np.asarray(lane["polyline"], float)[:, :2] - report.origin_m[:2])
        on_road += line.intersection(drivable.buffer(0.1)).length
        total += line.length
    assert len(lanes) > 100 and on_road > 0.97 * total


def test_line_colours_decide_what_they_divide(shared_data: Path) -> None:
    source, document, report = scenario_of(shared_data, "waymo")
    road = shapely.union_all([shapely.LineString(line.points_m) for line in document.of(Line) if line.channel == "road_divider"])
    lane = shapely.union_all([shapely.LineString(line.points_m) for line in document.of(Line) if line.channel == "lane_divider"])
    kinds = {"YELLOW": 0, "WHITE": 0}
    for feature in source["map_features"].values():
        colour = feature["type"].split("_")[-1]
        if not feature["type"].startswith("ROAD_LINE") or colour not in kinds:
            continue
        line = shapely.LineString(np.asarray(feature["polyline"], float)[:, :2] - report.origin_m[:2])
        where = road if colour == "YELLOW" else shapely.union(road, lane)
        assert where.buffer(0.6).covers(line)
        kinds[colour] += 1
    assert min(kinds.values()) > 5
    assert sum(1 for area in document.of(Area) if area.channel == "ped_crossing") == 16


def test_outlines_of_nuscenes_are_surface_and_not_paint(shared_data: Path) -> None:
    source, document, report = scenario_of(shared_data, "61")
    outline = source["map_features"]["boundary_2"]["polyline"] - np.array(report.origin_m[:2])
    lines = shapely.union_all([shapely.LineString(line.points_m) for line in document.of(Line)])
    assert shapely.LineString(outline).intersection(lines.buffer(0.3)).length < 0.2 * shapely.LineString(outline).length
    assert "road outlines" in report.text()


def test_categories_and_the_swapped_ego(shared_data: Path) -> None:
    _, document, report = scenario_of(shared_data, "655")
    by_class: dict[str, int] = {}
    for agent in document.of(Agent):
        by_class[agent.class_name] = by_class.get(agent.class_name, 0) + 1
    assert by_class == {"car": 95, "truck": 10, "bus": 2, "construction_vehicle": 2, "trailer": 1, "traffic_cone": 23, "pedestrian": 7}
    assert "length and width are swapped" in report.text()
    assert sum(1 for _ in document.of(CameraEntity)) == 6


def test_a_part_of_a_scenario(shared_data: Path) -> None:
    _, whole, _ = scenario_of(shared_data, "103")
    part, _ = import_scene("scenarionet", shared_data / SCENARIOS["103"], start_s=4.0, duration_s=3.0)
    assert part.duration_s == pytest.approx(3.0)
    here, there = pose_at(part.ego.keyframes, 1.0), pose_at(whole.ego.keyframes, 5.0)
    assert (here.x_m, here.y_m) == pytest.approx((there.x_m, there.y_m))
