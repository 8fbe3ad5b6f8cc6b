"""nuScenes' tables and infos against their own rows, read here without our reader."""

from __future__ import annotations

import json
import math
import pickle
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely

from editor import check
from editor.document import Document, EditError
from editor.entities import Agent, Area, CameraEntity, Line, SourcePictures
from editor.files import project
from editor.formats import FormatError, ImportReport, import_scene
from editor.formats.nuscenes.lanelet2 import read_lanelet2
from editor.ground import height_at
from editor.source_pictures import source_picture
from editor.track import exists_at, pose_at
from engine.spec.geometry import transform, wrap_angle
from tests.editor.made_nuscenes import (
    CATEGORIES,
    LYFT_ALTITUDE_M,
    LYFT_CATEGORIES,
    expansion,
    infos,
    lanelet2,
    lyft,
    rotated,
    tables,
    write_lyft,
    write_t4,
    write_tables,
)

UNIT_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
REAL_TABLES = {
    "derived_nuscenes_tables/scene-0103_tables_only": 2035,
    "derived_nuscenes_tables/scene-0061_keyframe0_with_sensors": 68,
    "nuscenes_tables_1frame_perception_eval": 1,
    "t4dataset_tiny": 4,
}
"""Table sets, and how many of their boxes are of an agent's category."""
NOT_AGENTS = {name for name, class_name in CATEGORIES.items() if class_name is None}


def corners(row: dict[str, Any]) -> np.ndarray:
    """(8, 3) global, through quaternions."""
    width, length, height = row["size"]
    return rotated(row["rotation"], UNIT_CORNERS * (length, width, height)) + row["translation"]


def heading(row: dict[str, Any]) -> float:
    x, y, _ = rotated(row["rotation"], np.array([[1.0, 0, 0]]))[0]
    return math.atan2(y, x)


def our_boxes(document: Document, report: ImportReport, time_s: float) -> list[tuple[np.ndarray, float, Agent]]:
    """Corners (8, 3) in the source's frame and heading of every agent at a time."""
    found = []
    for agent in document.of(Agent):
        if exists_at(agent, time_s):
            pose = pose_at(agent.keyframes, time_s).matrix()
            box = transform(pose, UNIT_CORNERS * agent.size_m + (0, 0, agent.size_m[2] / 2)) + report.origin_m
            found.append((box, math.atan2(pose[1, 0], pose[0, 0]), agent))
    return found


def compare(document: Document, report: ImportReport, source: dict[str, list[dict[str, Any]]]) -> int:
    """Every annotation has its box at its sample's time and no other one is there; the number of those compared."""
    samples = sorted(source["sample"], key=lambda row: row["timestamp"])
    category_of = {row["token"]: row["name"] for row in source["category"]}
    instance = {row["token"]: category_of[row["category_token"]] for row in source["instance"]}
    compared = 0
    for sample in samples:
        time_s = (sample["timestamp"] - samples[0]["timestamp"]) / 1e6
        rows = [
            row
            for row in source["sample_annotation"]
            if row["sample_token"] == sample["token"] and instance[row["instance_token"]] not in NOT_AGENTS
        ]
        ours = our_boxes(document, report, time_s)
        assert len(ours) == len(rows)
        for row in rows:
            known = [box for box in ours if row["instance_token"] in box[2].name]
            box, yaw, agent = min(known, key=lambda box: float(np.abs(box[0] - corners(row)).max()))
            assert np.linalg.norm(box - corners(row), axis=1).max() < 0.001
            assert abs(math.degrees(wrap_angle(yaw - heading(row)))) < 0.1
            assert agent.class_name == CATEGORIES.get(instance[row["instance_token"]], instance[row["instance_token"]])
            compared += 1
    return compared


def read_rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


@pytest.mark.parametrize("name", REAL_TABLES)
def test_real_tables(name: str, shared_data: Path) -> None:
    source = shared_data / name
    if not source.is_dir():
        pytest.skip(f"{source} is not there")
    document, report = import_scene("nuscenes", source)
    folder = next(path.parent for path in source.rglob("sample.json"))
    rows = read_rows(folder)
    assert compare(document, report, rows) == REAL_TABLES[name]
    cameras = {row["channel"] for row in rows["sensor"] if row["modality"] == "camera"}
    assert {entity.camera.name for entity in document.of(CameraEntity)} <= cameras and list(document.of(CameraEntity))
    assert ("(Lanelet2)" if name == "t4dataset_tiny" else "no map expansion") in report.text()


def test_lyft_level_5(tmp_path: Path) -> None:
    """Made by its public schema: no log of it is at hand."""
    source = lyft()
    document, report = import_scene("nuscenes", write_lyft(tmp_path / "v1.01"))
    samples = sorted(source["sample"], key=lambda row: row["timestamp"])
    category_of = {row["token"]: row["category_token"].removeprefix("cat-") for row in source["instance"]}
    compared = 0
    for sample in samples:
        time_s = (int(sample["timestamp"]) - int(samples[0]["timestamp"])) / 1e6
        rows = [row for row in source["sample_annotation"] if row["sample_token"] == sample["token"] and category_of[row["instance_token"]] != "animal"]
        ours = our_boxes(document, report, time_s)
        assert len(ours) == len(rows)
        for row in rows:
            known = [box for box in ours if row["instance_token"] in box[2].name]
            box, yaw, agent = min(known, key=lambda box: float(np.abs(box[0] - corners(row)).max()))
            assert np.linalg.norm(box - corners(row), axis=1).max() < 0.001 and abs(math.degrees(wrap_angle(yaw - heading(row)))) < 0.1
            assert agent.class_name == LYFT_CATEGORIES[category_of[row["instance_token"]]]
            compared += 1
    assert compared > 60 and {row.category: row.count for row in report.dropped}["animal"] > 0
    assert "object_action_parked" in next(document.of(Agent)).name
    assert len(document.ego.keyframes) == len(samples)
    for keyframe in document.ego.keyframes:
        assert keyframe.pose.z_m + report.origin_m[2] == pytest.approx(LYFT_ALTITUDE_M, abs=1e-6), "its heights are real ones"
    assert {c.camera.name for c in document.of(CameraEntity) if c.pictures is not None} == {"CAM_FRONT", "CAM_BACK"}
    assert "no map expansion" in report.text()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two scenes with their map expansion."""
    write_tables(tmp_path / "set" / "v1.0-mini", tables(), tables(3, "scene-0002"))
    (tmp_path / "set" / "maps" / "expansion").mkdir(parents=True)
    (tmp_path / "set" / "maps" / "expansion" / "boston-seaport.json").write_text(json.dumps(expansion()))
    return tmp_path / "set"


def test_a_made_scene_with_every_category(root: Path) -> None:
    source = tables()
    document, report = import_scene("nuscenes", root, scene_name="scene-0001")
    assert document.name == "scene-0001" and document.duration_s == pytest.approx(
        (source["sample"][-1]["timestamp"] - source["sample"][0]["timestamp"]) / 1e6
    )
    assert compare(document, report, source) > 100
    dropped = {row.category: row.count for row in report.dropped}
    assert dropped.keys() >= NOT_AGENTS
    assert Counter(agent.class_name for agent in document.of(Agent)) == Counter(name for name in CATEGORIES.values() if name)
    car = next(agent for agent in document.of(Agent) if agent.name.startswith("vehicle.car "))
    assert "vehicle.parked; vehicle.moving" in car.name and "m/s" in car.name
    for keyframe in document.ego.keyframes:
        t = keyframe.time_s
        assert keyframe.pose.x_m + report.origin_m[0] == pytest.approx(1000 + 6 * t, abs=1e-4)
        assert keyframe.pose.y_m + report.origin_m[1] == pytest.approx(500 + t * t, abs=1e-4)
        assert keyframe.pose.yaw_rad == pytest.approx(0.1 * t, abs=1e-6) and keyframe.pose.pitch_rad == pytest.approx(0.01, abs=1e-6)
    assert len(document.ego.keyframes) == 5 * 8 + 1, "the ego's poses are those of every sweep"
    lens = {entity.camera.name: entity.camera for entity in document.of(CameraEntity)}
    assert set(lens) == {"CAM_FRONT", "CAM_BACK"} and (lens["CAM_FRONT"].width, lens["CAM_FRONT"].fx) == (1600, 1266.4)
    forward = lens["CAM_FRONT"].ego_SE3_camera.matrix()[:3, 2]
    np.testing.assert_allclose(forward, (1, 0, 0), atol=1e-9)


def test_boxes_between_key_frames_turn_the_short_way(root: Path) -> None:
    source = tables()
    document, _ = import_scene("nuscenes", root, scene_name="scene-0001")
    samples = {row["token"]: (row["timestamp"] - source["sample"][0]["timestamp"]) / 1e6 for row in source["sample"]}
    for agent in document.of(Agent):
        rows = [row for row in source["sample_annotation"] if row["instance_token"] in agent.name.split(";")[0].split(" ")]
        for a, b in zip(rows, rows[1:], strict=False):
            t0, t1 = samples[a["sample_token"]], samples[b["sample_token"]]
            for part in (0.25, 0.5, 0.9):
                turned = wrap_angle(pose_at(agent.keyframes, t0 + part * (t1 - t0)).yaw_rad - heading(a))
                assert turned == pytest.approx(part * 0.1, abs=1e-6)
        seen = [samples[row["sample_token"]] for row in rows]
        assert (agent.appears_s or 0.0, agent.disappears_s or document.duration_s) == pytest.approx((seen[0], seen[-1]))


def test_the_map_expansion(root: Path) -> None:
    document, report = import_scene("nuscenes", root, scene_name="scene-0001")
    ox, oy, _ = report.origin_m

    def surface(channel: str) -> shapely.Geometry:
        rings = [area for area in document.of(Area) if area.channel == channel]
        moved = [[[(x + ox, y + oy) for x, y in ring] for ring in (area.exterior_m, *area.holes_m)] for area in rings]
        return shapely.union_all([shapely.Polygon(ring, holes) for ring, *holes in moved])

    road = shapely.box(980, 480, 1060, 520).difference(shapely.box(1000, 505, 1010, 510))
    assert surface("drivable_area").symmetric_difference(road).area < 1e-6
    assert surface("ped_crossing").symmetric_difference(shapely.box(1020, 480, 1024, 520)).area < 1e-6
    assert surface("walkway").symmetric_difference(shapely.box(980, 520, 1060, 523)).area < 1e-6
    lines = {line.channel: [(x + ox, y + oy) for x, y in line.points_m] for line in document.of(Line)}
    assert sorted(lines["road_divider"]) == [(980, 500), (1060, 500)] and sorted(lines["lane_divider"]) == [(980, 490), (1060, 490)]
    assert all(area.source == "imported" for area in document.of(Area))
    assert "1 x stop line" in report.text()


def test_the_map_may_lie_elsewhere_or_have_gaps(root: Path, tmp_path: Path) -> None:
    here = root / "maps" / "expansion" / "boston-seaport.json"
    there = tmp_path / "elsewhere.json"
    content = expansion()
    content["drivable_area"], content["walkway"] = [], []
    there.write_text(json.dumps(content))
    here.unlink()
    document, report = import_scene("nuscenes", root, scene_name="scene-0001", map_path=there)
    assert "put together from its road segments" in report.text() and "no walkways here" in report.text()
    assert {area.source for area in document.of(Area) if area.channel == "walkway"} == {"derived"}
    document, report = import_scene("nuscenes", root, scene_name="scene-0001")
    assert "no map expansion of 'boston-seaport'" in report.text()
    assert {area.source for area in document.of(Area)} == {"derived"}


def test_a_real_map_in_the_schema(shared_data: Path) -> None:
    """DriveArena's map of another part of Boston, with an ego that drives there."""
    path = shared_data / "drivearena_nuscmap" / "boston-thomaspark.json"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    from editor.formats.nuscenes.map import read_map

    source = json.loads(path.read_text())
    nodes = {row["token"]: (row["x"], row["y"]) for row in source["node"]}
    lines = {row["token"]: row["node_tokens"] for row in source["line"]}
    middle = np.mean([nodes[token] for token in lines[source["road_divider"][0]["line_token"]]], axis=0)
    found = read_map(path, middle[None], np.zeros(3))
    drivable = shapely.union_all([shapely.Polygon(a.exterior_m, a.holes_m) for a in found.areas if a.channel == "drivable_area"])
    polygons = {row["token"]: row for row in source["polygon"]}
    circle = shapely.Point(middle).buffer(100)
    slow = [
        shapely.make_valid(shapely.Polygon([nodes[t] for t in polygons[row["polygon_token"]]["exterior_node_tokens"]]))
        for layer in ("road_segment", "lane")
        for row in source[layer]
    ]
    slow = shapely.union_all([part.intersection(circle) for part in slow])
    assert drivable.area > 1000 and drivable.symmetric_difference(slow).area < 0.01 * slow.area
    assert found.lines


def test_the_ground_lies_under_the_boxes(shared_data: Path) -> None:
    source = shared_data / "derived_nuscenes_tables" / "scene-0103_tables_only"
    if not source.is_dir():
        pytest.skip(f"{source} is not there")
    document, report = import_scene("nuscenes", source)
    poses = [keyframe.pose for agent in document.of(Agent) for keyframe in agent.keyframes]
    off = np.array([height_at(document, pose.x_m, pose.y_m) - pose.z_m for pose in poses])
    flat = np.array([pose.z_m for pose in poses])
    assert np.median(np.abs(off)) < 0.15 < np.median(np.abs(flat)), "the ground is no better than a flat one"
    assert "computed from the bottoms" in report.text()


def with_pictures(root: Path) -> dict[str, list[tuple[float, str]]]:
    """A file for every picture that the tables name but the last of CAM_BACK; by channel what is there, in order, read without our reader."""
    source, found = tables(), {}
    for row in source["sample_data"]:
        _, channel, name = row["filename"].split("/")
        if channel.startswith("CAM"):
            found.setdefault(channel, []).append(((row["timestamp"] - source["sample"][0]["timestamp"]) / 1e6, row["filename"]))
            (root / row["filename"]).parent.mkdir(parents=True, exist_ok=True)
            (root / row["filename"]).write_bytes(b"not looked into")
    (root / found["CAM_BACK"].pop()[1]).unlink()
    return found


def test_cameras_refer_to_their_pictures(root: Path, tmp_path: Path) -> None:
    named = with_pictures(root)
    document, report = import_scene("nuscenes", root, scene_name="scene-0001")
    assert "refers to 17 pictures" in report.text() and "1 of the 18 pictures" in report.text()
    for entity in document.of(CameraEntity):
        pictures = entity.pictures
        assert pictures is not None and Path(pictures.folder) == root.resolve() and list(pictures.rows) == named[entity.camera.name]
    for time_s, name in named["CAM_FRONT"]:
        for moment in (time_s - 0.1, time_s, time_s + 0.2):
            found = source_picture(document, "CAM_FRONT", moment)
            assert found is not None and found.path == root.resolve() / name and found.time_s == pytest.approx(time_s)
    assert source_picture(document, "CAM_BACK", document.duration_s + 0.3) is None, "its last picture is not there"
    with pytest.raises(EditError, match="no camera 'rear'"):
        source_picture(document, "rear", 0.0)
    later, _ = import_scene("nuscenes", root, scene_name="scene-0001", start_s=1.0, duration_s=1.0)
    seen = source_picture(later, "CAM_FRONT", 0.5)
    assert seen is not None and seen.path.name == source_picture(document, "CAM_FRONT", 1.5).path.name  # type: ignore[union-attr]
    project.save(document, tmp_path / "scene.anyscene")
    assert project.load(tmp_path / "scene.anyscene") == document, "the references are kept in the project file"
    (root / named["CAM_FRONT"][0][1]).unlink()
    with pytest.raises(EditError, match="not there: put the data set back"):
        source_picture(document, "CAM_FRONT", 0.0)


def test_pictures_whose_names_lead_elsewhere_are_left(root: Path) -> None:
    with_pictures(root)
    (root.parent / "secret.jpg").write_bytes(b"x")
    folder = root / "v1.0-mini"
    rows = json.loads((folder / "sample_data.json").read_text())
    elsewhere = ("../secret.jpg", str(root.parent / "secret.jpg"), "scene.json")
    for row, name in zip((row for row in rows if "CAM_FRONT" in row["filename"]), elsewhere, strict=False):
        row["filename"] = name
    (folder / "sample_data.json").write_text(json.dumps(rows))
    document, _ = import_scene("nuscenes", root, scene_name="scene-0001")
    names = [name for entity in document.of(CameraEntity) if entity.pictures for _, name in entity.pictures.rows]
    assert len(names) == 14 and all(name.startswith("samples/") for name in names)
    entity = next(document.of(CameraEntity))
    for name in ("../secret.jpg", "/etc/x.jpg", "a/../../b.png", "c:x.png", "passwd"):
        with pytest.raises(EditError, match="no .jpg or .png inside"):
            check.entity(replace(entity, pictures=SourcePictures(str(root), ((0.0, name),))))


def test_t4_with_its_lanelet2_map(tmp_path: Path) -> None:
    root = write_t4(tmp_path / "t4")
    document, report = import_scene("nuscenes", root)
    ox, oy, _ = report.origin_m

    def surface(channel: str) -> shapely.Geometry:
        rings = [area for area in document.of(Area) if area.channel == channel]
        return shapely.union_all([shapely.Polygon([(x + ox, y + oy) for x, y in area.exterior_m]) for area in rings])

    assert surface("drivable_area").symmetric_difference(shapely.box(980, 492, 1060, 504)).area < 1e-6
    assert surface("ped_crossing").symmetric_difference(shapely.box(1020, 492, 1024, 504)).area < 1e-6
    assert surface("walkway").symmetric_difference(shapely.box(980, 504, 1060, 507)).area < 1e-6
    drawn = {line.channel: sorted((x + ox, y + oy) for x, y in line.points_m) for line in document.of(Line)}
    assert drawn == {"road_divider": [(980, 500), (1060, 500)], "lane_divider": [(980, 496), (1060, 496)]}
    assert "1 x lanelet 'bus_stop'" in report.text() and "(Lanelet2)" in report.text()
    path = root / "map/lanelet2_map.osm"
    for damaged, says in (
        (lanelet2().replace("local_x", "x"), "not a Lanelet2 map with local_x"),
        (lanelet2()[:900], "a Lanelet2 .osm file"),
        (lanelet2().replace('subtype" v="road"', 'subtype" v="rail"'), "no road within"),
        ("<!DOCTYPE x>" + lanelet2()[21:], "XML bomb"),
    ):
        path.write_text(damaged)
        assert says in refused("nuscenes", root)
    (root / "annotation/map.json").write_text(json.dumps([{"token": "m", "log_tokens": ["log"], "filename": "../t4/map/lanelet2_map.osm"}]))
    assert "no map expansion" in import_scene("nuscenes", root)[1].text(), "a name that leads out of the data set is not followed"


def test_real_lanelet2_maps(shared_data: Path) -> None:
    """T4's tiny one by hand, and a highway of TIER IV's against its lanelets' own quads."""
    source, highway = shared_data / "t4dataset_tiny", shared_data / "lanelet2_tier4/four_track_highway_lanelet2_map.osm"
    if not (source.is_dir() and highway.is_file()):
        pytest.skip(f"{source} or {highway} is not there")
    document, _ = import_scene("nuscenes", source)
    road = shapely.union_all([shapely.Polygon(a.exterior_m, a.holes_m) for a in document.of(Area) if a.channel == "drivable_area"])
    drive = shapely.MultiPoint([(k.pose.x_m, k.pose.y_m) for k in document.ego.keyframes]).convex_hull.buffer(100)
    expected = shapely.union_all([shapely.box(0, -10, 200, 10), shapely.box(90, -100, 110, 100)]).intersection(drive)
    assert road.symmetric_difference(expected).area < 1e-6
    root = ElementTree.parse(highway).getroot()
    nodes = {node.get("id"): [float(tag.get("v", "")) for key in ("local_x", "local_y") for tag in node if tag.get("k") == key] for node in root.iter("node")}
    ways = {way.get("id"): np.array([nodes[nd.get("ref")] for nd in way.iter("nd")]) for way in root.iter("way")}
    quads = []
    for relation in root.iter("relation"):
        tags = {tag.get("k"): tag.get("v") for tag in relation.iter("tag")}
        if tags.get("type") == "lanelet" and tags.get("subtype") in ("road", "highway", "road_shoulder"):
            sides = {member.get("role"): ways[member.get("ref")] for member in relation.iter("member") if member.get("role") in ("left", "right")}
            quads.append(shapely.make_valid(shapely.Polygon(np.concatenate([sides["left"], sides["right"][::-1]]))))
    middle = np.mean(list(nodes.values()), axis=0)
    found = read_lanelet2(highway, middle[None], np.zeros(3))
    ours = shapely.union_all([shapely.Polygon(a.exterior_m, a.holes_m) for a in found.areas if a.channel == "drivable_area"])
    theirs = shapely.union_all(quads).intersection(shapely.Point(middle).buffer(100))
    assert ours.area > 500 and ours.symmetric_difference(theirs).area < 0.01 * theirs.area and found.lines


@pytest.mark.parametrize(("layout", "step_us"), [("old", 500_000), ("v1", 500_000), ("v2", 500_000), ("old", 83_333)])
def test_infos_of_three_layouts(layout: str, step_us: int, tmp_path: Path) -> None:
    """The last of them is MagicDrive's: interpolated to 12 Hz beforehand."""
    source = tables(step_us=step_us)
    path = tmp_path / "nuscenes_infos.pkl"
    path.write_bytes(pickle.dumps(infos(source, layout), protocol=2 if layout == "v2" else 4))
    document, report = import_scene("nuscenes-infos", path)
    category = {row["token"]: row["category_token"][4:] for row in source["instance"]}
    agents: dict[str, set[str]] = {}
    for sample in source["sample"]:
        time_s = (sample["timestamp"] - source["sample"][0]["timestamp"]) / 1e6
        rows = [
            row
            for row in source["sample_annotation"]
            if row["sample_token"] == sample["token"] and category[row["instance_token"]] not in NOT_AGENTS
        ]
        ours = our_boxes(document, report, time_s)
        assert len(ours) == len(rows)
        for row in rows:
            box, yaw, agent = min(ours, key=lambda box: float(np.abs(box[0] - corners(row)).max()))
            assert np.linalg.norm(box - corners(row), axis=1).max() < 0.01
            assert abs(math.degrees(wrap_angle(yaw - heading(row)))) < 0.1
            agents.setdefault(row["instance_token"], set()).add(agent.id)
    assert all(len(ids) == 1 for ids in agents.values()), "an object changed its id on the way"
    assert len({id for ids in agents.values() for id in ids}) == len(agents)
    camera = next(document.of(CameraEntity)).camera
    np.testing.assert_allclose(camera.ego_SE3_camera.matrix()[:3, 2], (1, 0, 0), atol=1e-6)


def test_scene_0103_agrees_with_its_scenario(shared_data: Path) -> None:
    """ScenarioNet takes key frames to be 0.5 s apart and goes on straight between them: so its frame 5 k is key frame k."""
    path = shared_data / "nuscenes_infos_0103_0916" / "infos_scene-0103.pkl"
    other = shared_data / "scenarionet_nuscenes" / "nuscenes_0" / "sd_nuscenes_v1.0-mini_scene-0103.pkl"
    if not (path.is_file() and other.is_file()):
        pytest.skip(f"{path} is not there")
    document, report = import_scene("nuscenes-infos", path)
    scenario = pickle.loads(other.read_bytes())  # a file of the test set, known to hold arrays only
    keys = [keyframe.time_s for keyframe in document.ego.keyframes]
    compared = 0
    for frame in range(0, 196):
        time_s = float(np.interp(frame / 5, np.arange(40), keys))
        ours = our_boxes(document, report, time_s)
        centres = np.array([box.mean(0) for box, _, _ in ours])
        for key, track in scenario["tracks"].items():
            state = track["state"]
            if key == scenario["metadata"]["sdc_id"] or not state["valid"][frame]:
                continue
            apart = np.linalg.norm(centres - state["position"][frame], axis=1)
            nearest = int(apart.argmin())
            assert apart[nearest] < 0.1
            assert abs(math.degrees(wrap_angle(ours[nearest][1] - float(np.ravel(state["heading"])[frame])))) < 0.1
            compared += 1
    assert compared > 9000
    # Its ego drifts away from the key frames' own poses later on: it counts sweeps, and some are missing.
    ego = scenario["tracks"][scenario["metadata"]["sdc_id"]]["state"]["position"]
    for index, keyframe in enumerate(document.ego.keyframes[:13]):
        assert np.hypot(*(np.array([keyframe.pose.x_m, keyframe.pose.y_m]) + report.origin_m[:2] - ego[5 * index][:2])) < 0.1


def test_scene_0061_agrees_in_all_its_layouts(shared_data: Path) -> None:
    keyframe = shared_data / "nuscenes_scene0061_keyframe0_mmdet3d" / "n015-2018-07-24-11-22-45+0800.pkl"
    other = shared_data / "scenarionet_nuscenes" / "nuscenes_0" / "sd_nuscenes_v1.0-mini_scene-0061.pkl"
    if not (keyframe.is_file() and other.is_file()):
        pytest.skip(f"{keyframe} is not there")
    scenario = pickle.loads(other.read_bytes())
    others = [track["state"] for key, track in scenario["tracks"].items() if key != scenario["metadata"]["sdc_id"]]
    places = [state["position"][0] for state in others if state["valid"][0]]
    for form, source in (
        ("nuscenes-infos", keyframe),
        ("nuscenes", shared_data / "derived_nuscenes_tables" / "scene-0061_keyframe0_with_sensors"),
    ):
        document, report = import_scene(form, source)
        ours = np.array([box.mean(0) for box, _, _ in our_boxes(document, report, 0.0)])
        assert len(ours) == 68
        apart = np.linalg.norm(ours[:, None] - np.array(places)[None], axis=2).min(0)
        # The scenario has a few things that are no agents.
        assert (apart < 0.1).sum() == 68


def test_20_s_come_in_within_2_s(root: Path) -> None:
    """Of processor time, best of three: `python -m tests.editor.bench_import` has the clock's."""
    write_tables(root / "v1.0-mini", tables(41))
    spent = []
    for _ in range(3):
        before = time.process_time()
        document, _ = import_scene("nuscenes", root)
        spent.append(time.process_time() - before)
    assert document.duration_s > 19 and min(spent) < 2.0


def refused(format: str, source: Path, **arguments: Any) -> str:
    with pytest.raises(FormatError) as caught:
        import_scene(format, source, **arguments)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 600, sentence
    return sentence


def test_scenes_are_listed(root: Path, tmp_path: Path) -> None:
    assert "scene-0001, scene-0002" in refused("nuscenes", root)
    assert "no scene 'scene-9'" in refused("nuscenes", root, scene_name="scene-9")
    assert import_scene("nuscenes", root / "v1.0-mini", scene_name="scene-0002")[0].name == "scene-0002"
    both = infos(tables(), "old")
    both["infos"] += infos(tables(3, "scene-0002"), "old")["infos"]
    path = tmp_path / "infos.pkl"
    path.write_bytes(pickle.dumps(both))
    assert "scene-0001-token, scene-0002-token" in refused("nuscenes-infos", path)
    assert import_scene("nuscenes-infos", path, scene_name="scene-0002-token")[0].duration_s < 1.1
    assert "leave --scene out" in refused("scenarionet", path, scene_name="x")


def change(table: str, row: int, **values: Any) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        rows = json.loads((folder / f"{table}.json").read_text())
        rows[row].update(values)
        (folder / f"{table}.json").write_text(json.dumps(rows))

    return apply


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        *(
            (lambda folder, table=table: (folder / f"{table}.json").unlink(), f"{table}.json is missing")
            for table in ("sample_data", "ego_pose", "sensor", "category")
        ),
        (change("sample_data", 0, ego_pose_token="nowhere"), "ego_pose.json has no row 'nowhere'"),
        (change("sample_data", 0, calibrated_sensor_token="nowhere"), "calibrated_sensor.json has no row"),
        (change("instance", 3, category_token="nowhere"), "category.json has no row"),
        (change("sample_annotation", 3, instance_token="nowhere"), "instance.json has no row"),
        (change("sample_annotation", 3, size=[1, 2]), "no size of 3 numbers"),
        (change("sample_annotation", 3, rotation=[0, 0, 0, 0]), "length zero"),
        (change("sample_annotation", 3, translation=[math.nan, 0, 0]), "no translation of 3 numbers"),
        (change("ego_pose", 0, translation=[1e30, 0, 0]), "no translation of 3 numbers"),
        (change("calibrated_sensor", 1, camera_intrinsic=[]), "camera_intrinsic"),
        (change("sample", 0, timestamp="noon"), "not laid out"),
        (change("scene", 0, token=7), "not a list of rows with tokens"),
        (lambda folder: (folder / "sample.json").write_text("[{"), "not a whole JSON table"),
        (lambda folder: (folder / "ego_pose.json").write_text("[" * 100_000), "not a whole JSON table"),
        (lambda folder: (folder / "sample_data.json").write_text('{"a": 1}'), "not a list of rows"),
    ],
)
def test_broken_tables(break_it: Callable[[Path], object], says: str, root: Path) -> None:
    break_it(root / "v1.0-mini")
    assert says in refused("nuscenes", root, scene_name="scene-0001")


def test_pictures_that_are_not_there_are_reported_and_no_path_escapes(root: Path, tmp_path: Path) -> None:
    rows = json.loads((root / "v1.0-mini" / "sample_data.json").read_text())
    pictures = [row for row in rows if row["filename"].startswith("samples/CAM") and row["sample_token"].startswith("scene-0001")]
    for row in pictures:
        path = root / row["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"jpg")
    _, report = import_scene("nuscenes", root, scene_name="scene-0001")
    assert "are not there" not in report.text() and f"refers to {len(pictures)} pictures" in report.text()
    (tmp_path / "secret.jpg").write_bytes(b"jpg")
    pictures[0]["filename"] = "../secret.jpg"
    pictures[1]["filename"] = str(tmp_path / "secret.jpg")
    (root / pictures[2]["filename"]).unlink()
    (root / "v1.0-mini" / "sample_data.json").write_text(json.dumps(rows))
    _, report = import_scene("nuscenes", root, scene_name="scene-0001")
    assert f"3 of the {len(pictures)} pictures that the tables name ({len(pictures)} of key frames) are not there" in report.text()
    # A location is a name, not a way to another file.
    (tmp_path / "secret.json").write_text(json.dumps(expansion()))
    change("log", 0, location="../../secret")(root / "v1.0-mini")
    assert "There is no map expansion:" in import_scene("nuscenes", root, scene_name="scene-0001")[1].text()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"infos": []}, "holds no infos"),
        ([1, 2], "holds no infos"),
        ({"infos": [{"token": "a"}]}, "not laid out"),
        ({"infos": [{"timestamp": "x", "token": "a"}]}, "not laid out"),
        ({"infos": [{"timestamp": float("nan"), "token": "a"}]}, "timestamp"),
        ({"data_list": [{"timestamp": 1.0, "ego2global": np.zeros((4, 4)), "lidar_points": {}}]}, "no rotation"),
    ],
)
def test_broken_infos(content: Any, says: str, tmp_path: Path) -> None:
    path = tmp_path / "infos.pkl"
    path.write_bytes(pickle.dumps(content))
    assert says in refused("nuscenes-infos", path)


def test_infos_run_nothing(tmp_path: Path) -> None:
    path, made = tmp_path / "infos.pkl", tmp_path / "made"
    for text in (f"cos\nmkdir\n(S'{made}'\ntR.", "c_codecs\nencode\n(V\\u4e2d\nS'rot13'\ntR.", "c_codecs\ndecode\n(S'a'\nS'zlib'\ntR."):
        path.write_bytes(text.encode())
        assert "was not opened" in refused("nuscenes-infos", path)
    assert not made.exists()
