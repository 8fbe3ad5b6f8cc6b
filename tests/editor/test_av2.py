"""Argoverse 2 logs against their own tables, read here without our reader."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.feather as feather
import pytest
import shapely

from editor.document import Document
from editor.entities import Agent, Area, CameraEntity, Keyframe, Line
from editor.formats import ImportReport, import_scene
from editor.formats.argoverse2 import _cameras, _merge_riders
from editor.formats.argoverse2.classes import APPROXIMATE, CLASS_OF, DROPPED
from editor.formats.tracks import Track
from editor.ground import height_at
from editor.track import exists_at, pose_at
from engine.spec.classes import AGENTS
from engine.spec.geometry import Pose, rotation, transform, wrap_angle

LOGS = {"sensor_val_adcf7d18_PIT": "annotations.feather", "3b3570b4_MIA": "annotations_with_ego.feather"}
CATEGORIES = set(
    """
    ANIMAL ARTICULATED_BUS BICYCLE BICYCLIST BOLLARD BOX_TRUCK BUS CONSTRUCTION_BARREL CONSTRUCTION_CONE DOG LARGE_VEHICLE
    MESSAGE_BOARD_TRAILER MOBILE_PEDESTRIAN_CROSSING_SIGN MOTORCYCLE MOTORCYCLIST OFFICIAL_SIGNALER PEDESTRIAN
    RAILED_VEHICLE REGULAR_VEHICLE SCHOOL_BUS SIGN STOP_SIGN STROLLER TRAFFIC_LIGHT_TRAILER TRUCK TRUCK_CAB
    VEHICULAR_TRAILER WHEELCHAIR WHEELED_DEVICE WHEELED_RIDER
    """.split()  # noqa: SIM905 - a table to read
)
UNIT_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])

_read: dict[str, tuple[Document, ImportReport]] = {}


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest, shared_data: Path) -> tuple[Path, Document, ImportReport]:
    source = shared_data / "av2" / request.param
    if not source.is_dir():
        pytest.skip(f"{source} is not there")
    if request.param not in _read:
        _read[request.param] = import_scene("av2", source)
    return source, *_read[request.param]


def quaternion_matrix(w: float, x: float, y: float, z: float) -> np.ndarray:
    """Rotation as the product of two quaternion multiplications: another way than the reader's."""
    left = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    right = np.array([[w, x, y, z], [-x, w, -z, y], [-y, z, w, -x], [-z, -y, x, w]])
    return (left @ right)[1:, 1:]


def table(path: Path) -> list[dict]:
    return feather.read_table(path).to_pylist()


def matrix(row: dict) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = quaternion_matrix(row["qw"], row["qx"], row["qy"], row["qz"])
    pose[:3, 3] = row["tx_m"], row["ty_m"], row["tz_m"]
    return pose


def test_every_box_is_where_its_log_has_it(log: tuple[Path, Document, ImportReport]) -> None:
    source, document, report = log
    rows = table(source / LOGS[source.name])
    city_SE3_axle = {row["timestamp_ns"]: matrix(row) for row in table(source / "city_SE3_egovehicle.feather")}
    zero = min(row["timestamp_ns"] for row in rows)
    agents = {agent.name: agent for agent in document.of(Agent)}
    worst_m = worst_deg = 0.0
    compared = 0
    for row in rows:
        if row["category"] not in CLASS_OF:
            assert f"{row['category']} {row['track_uuid']}" not in agents
            continue
        agent = agents[f"{row['category']} {row['track_uuid']}"]
        time_s = (row["timestamp_ns"] - zero) / 1e9
        assert exists_at(agent, time_s)
        pose = pose_at(agent.keyframes, time_s).matrix()
        ours = transform(pose, UNIT_CORNERS * agent.size_m + (0, 0, agent.size_m[2] / 2)) + report.origin_m
        city_SE3_box = city_SE3_axle[row["timestamp_ns"]] @ matrix(row)
        theirs = transform(city_SE3_box, UNIT_CORNERS * (row["length_m"], row["width_m"], row["height_m"]))
        worst_m = max(worst_m, float(np.linalg.norm(ours - theirs, axis=1).max()))
        heading = np.arctan2(city_SE3_box[1, 0], city_SE3_box[0, 0])
        worst_deg = max(worst_deg, abs(np.rad2deg(wrap_angle(np.arctan2(pose[1, 0], pose[0, 0]) - heading))))
        compared += 1
    assert compared > 10_000
    assert worst_m < 0.001, f"corners are up to {worst_m:.4f} m off"
    assert worst_deg < 0.01, f"headings are up to {worst_deg:.4f} degrees off"


def test_ego_drives_where_its_log_has_it_but_on_the_ground(log: tuple[Path, Document, ImportReport]) -> None:
    source, document, report = log
    poses = {row["timestamp_ns"]: matrix(row) for row in table(source / "city_SE3_egovehicle.feather")}
    sweeps = sorted({row["timestamp_ns"] for row in table(source / LOGS[source.name])})
    assert len(document.ego.keyframes) == len(sweeps)
    heights = []
    for keyframe, sweep in zip(document.ego.keyframes, sweeps, strict=True):
        ours = keyframe.pose.matrix()
        assert keyframe.time_s == pytest.approx((sweep - sweeps[0]) / 1e9, abs=1e-9)
        city_SE3_ego = ours
        city_SE3_ego[:3, 3] += report.origin_m
        ego_SE3_axle = np.linalg.inv(city_SE3_ego) @ poses[sweep]
        np.testing.assert_allclose(ego_SE3_axle[:3, :3], np.eye(3), atol=1e-7)
        np.testing.assert_allclose(ego_SE3_axle[:2, 3], 0, atol=1e-6)
        heights.append(ego_SE3_axle[2, 3])
        assert abs(height_at(document, keyframe.pose.x_m, keyframe.pose.y_m) - keyframe.pose.z_m) < 0.1
    assert np.ptp(heights) < 1e-6
    assert 0.25 < heights[0] < 0.4


def test_gaps_between_sweeps_are_read_in_between(log: tuple[Path, Document, ImportReport]) -> None:
    _, document, _ = log
    first, second = document.ego.keyframes[40:42]
    middle = pose_at(document.ego.keyframes, (first.time_s + second.time_s) / 2)
    assert middle.x_m == pytest.approx((first.pose.x_m + second.pose.x_m) / 2)
    assert middle.y_m == pytest.approx((first.pose.y_m + second.pose.y_m) / 2)


def test_map_has_everything_its_log_has(log: tuple[Path, Document, ImportReport]) -> None:
    source, document, report = log
    vector = json.loads(next((source / "map").glob("log_map_archive_*.json")).read_text())
    areas = {
        channel: [area for area in document.of(Area) if area.channel == channel] for channel in ("drivable_area", "ped_crossing", "walkway")
    }
    assert len(areas["drivable_area"]) >= len(vector["drivable_areas"])
    assert len(areas["ped_crossing"]) == len(vector["pedestrian_crossings"])
    assert areas["walkway"] and all(area.source == "derived" for area in areas["walkway"])
    drivable = shapely.union_all([shapely.Polygon(area.exterior_m, area.holes_m) for area in areas["drivable_area"]])
    walkway = shapely.union_all([shapely.Polygon(area.exterior_m, area.holes_m) for area in areas["walkway"]])
    assert drivable.intersection(walkway).area < 1.0
    assert drivable.contains(shapely.LineString([(k.pose.x_m, k.pose.y_m) for k in document.ego.keyframes]))
    inside = 0
    for row in vector["drivable_areas"].values():
        for point in row["area_boundary"]:
            world = shapely.Point(point["x"] - report.origin_m[0], point["y"] - report.origin_m[1])
            inside += world.distance(drivable) < 0.01
    assert inside == sum(len(row["area_boundary"]) for row in vector["drivable_areas"].values())
    assert any("walkways: derived" in note for note in document.notes)


def test_painted_boundaries_become_dividers_once(log: tuple[Path, Document, ImportReport]) -> None:
    source, document, report = log
    vector = json.loads(next((source / "map").glob("log_map_archive_*.json")).read_text())
    strings = {
        channel: [shapely.LineString(line.points_m) for line in document.of(Line) if line.channel == channel]
        for channel in ("road_divider", "lane_divider")
    }
    assert all(len(found) > 10 for found in strings.values())
    road, every = shapely.union_all(strings["road_divider"]), shapely.union_all([*strings["road_divider"], *strings["lane_divider"]])
    painted = 0
    for lane in vector["lane_segments"].values():
        for side in ("left", "right"):
            mark = lane[f"{side}_lane_mark_type"]
            if mark in ("NONE", "UNKNOWN"):
                continue
            boundary = np.array([[p["x"], p["y"]] for p in lane[f"{side}_lane_boundary"]]) - report.origin_m[:2]
            assert every.buffer(0.6).covers(shapely.LineString(boundary)), f"lane {lane['id']} has lost its {side} boundary"
            if "YELLOW" in mark:
                assert road.buffer(0.6).covers(shapely.LineString(boundary)), f"lane {lane['id']} has a yellow line that divides no road"
            painted += 1
    assert painted > len(strings["road_divider"]) + len(strings["lane_divider"]) > 50
    total = sum(string.length for string in (*strings["road_divider"], *strings["lane_divider"]))
    assert every.buffer(0.05).area > 0.9 * 0.1 * total, "lines are drawn twice"


def test_report_accounts_for_every_track(log: tuple[Path, Document, ImportReport]) -> None:
    source, document, report = log
    tracks = {row["track_uuid"] for row in table(source / LOGS[source.name])}
    categories = {*CLASS_OF, *DROPPED}
    dropped = sum(row.count for row in report.dropped if row.category in categories)
    assert sum(1 for _ in document.of(Agent)) + dropped == len(tracks)
    assert len({agent.instance_id for agent in document.of(Agent)}) == sum(1 for _ in document.of(Agent))
    assert "Dropped" in report.text() and all(sentence in document.notes for sentence in report.dropped_sentences())
    assert sum(1 for _ in document.of(CameraEntity)) >= 6
    if source.name.endswith("MIA"):
        assert "Dropped 1 x EGO_VEHICLE" in report.text()


def test_a_part_of_a_log_is_that_part(shared_data: Path) -> None:
    source = shared_data / "av2" / "3b3570b4_MIA"
    whole, _ = import_scene("av2", source)
    part, report = import_scene("av2", source, start_s=5.03, duration_s=2.0)
    assert part.duration_s == pytest.approx(2.0) and part.ego.keyframes[0].time_s == 0.0
    assert part.ego.keyframes[-1].time_s == pytest.approx(2.0)
    by_name = {agent.name: agent for agent in whole.of(Agent)}
    some = [agent for agent in part.of(Agent) if len(agent.keyframes) > 15]
    assert len(some) > 20
    shift = np.array(import_scene("av2", source)[1].origin_m) - report.origin_m
    assert not shift.any()
    for agent in some:
        for time_s in (0.0, 1.0, 2.0):
            if exists_at(agent, time_s):
                here, there = pose_at(agent.keyframes, time_s), pose_at(by_name[agent.name].keyframes, time_s + 5.03)
                assert np.hypot(here.x_m - there.x_m, here.y_m - there.y_m) < 1e-6
    for moment in np.arange(0, 2, 1 / 12):
        names = {agent.name for agent in part.of(Agent) if exists_at(agent, float(moment))}
        assert names == {agent.name for agent in whole.of(Agent) if exists_at(agent, float(moment) + 5.03)}


def test_reading_twice_gives_the_same_scene(shared_data: Path) -> None:
    source = shared_data / "av2" / "sensor_val_adcf7d18_PIT"
    assert import_scene("av2", source, duration_s=1.0) == import_scene("av2", source, duration_s=1.0)


def test_every_category_goes_somewhere() -> None:
    assert len(CATEGORIES) == 30
    assert set(CATEGORIES) <= {*CLASS_OF, *DROPPED} and not {*CLASS_OF} & {*DROPPED}
    assert set(CLASS_OF.values()) <= set(AGENTS) and set(APPROXIMATE) <= set(CLASS_OF)


def ridden(name: str, class_name: str, height_m: float, bottom_m: float, left_m: float) -> Track:
    keyframes = tuple(Keyframe(k / 10, Pose(k * 0.5, left_m, bottom_m)) for k in range(10))
    return Track(name, class_name, (1.8, 0.6, height_m), keyframes)


def test_a_rider_becomes_part_of_the_cycle_it_rides() -> None:
    tracks = [
        ridden("bike", "bicycle", 1.1, 0.0, 0.0),
        ridden("rider", "bicycle", 1.2, 0.6, 0.1),
        ridden("alone", "bicycle", 1.2, 0.6, 9.0),
    ]
    kept, merged = _merge_riders(tracks, ["BICYCLE", "BICYCLIST", "BICYCLIST"])
    assert merged == 1 and [track.name for track in kept] == ["bike", "alone"]
    assert kept[0].size_m == pytest.approx((1.8, 0.6, 1.8))


def test_calibration_of_a_log_is_kept(shared_data: Path) -> None:
    folder = shared_data / "av2" / "calibration_test_log" / "calibration"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    cameras, note = _cameras(folder, 0.3)
    assert len(cameras) == 9 and sum(camera.enabled for camera in cameras) == 7 and "calibration" in note
    front = next(camera.camera for camera in cameras if camera.camera.name == "ring_front_center")
    assert (front.width, front.height) == (1550, 2048) and front.fx == pytest.approx(1683.462551)
    pose = front.ego_SE3_camera
    assert (pose.x_m, pose.y_m, pose.z_m) == pytest.approx((1.632364, 0.006997, 1.396138 + 0.3), abs=1e-5)
    look = rotation(pose.yaw_rad, pose.pitch_rad, pose.roll_rad) @ (0, 0, 1)
    assert look[0] > 0.99, "the front camera does not look forward"
