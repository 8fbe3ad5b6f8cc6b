"""Stories of notes/authoring.md about streets and who moves on them, with real mouse and keys, within their number of actions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely

pytest.importorskip("playwright")

from playwright.sync_api import expect

from editor.clip import boxes_at, ego_pose_at, frame_count
from editor.closeness import crossing_of, time_to_collision_s
from editor.edits.roads import drivable
from editor.entities import Agent, Area, Line
from editor.track import pose_at, speed_between
from editor.validate import EGO_CENTER_AHEAD_M, EGO_SIZE_M
from editor.variations.guarantees import hidden_from_ego
from engine.spec.classes import CHANNEL, CLASS
from engine.spec.geometry import Box
from engine.spec.take import Take
from tests.app.actions import Actions, nothing_wrong, scene_of, settings, undone
from tests.app.browser_driver import PRESET, StudioProcess, in_a_browser
from tests.app.measures import as_a_deuteranope, told_apart, unlike_drawn
from tests.engine.test_palette import lab, linear

pytestmark = in_a_browser(900)


DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
"""Streets need no data set: this one is not there for their studio."""
PRESETS = pytest.mark.parametrize("preset", sorted({"fake", PRESET}, reverse=True))
"""Without a model, and with the shipped one where ANYSCENE_BROWSER_PRESET=compact asks for it."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    studio = StudioProcess(tmp_path_factory.mktemp("streets") / "workspace", preset="fake", hidden=DATA).start()
    yield studio
    studio.stop()


def test_scenario_s16_red_and_green_fall_together_where_a_deuteranope_looks(act: Actions) -> None:
    """The measure of S1 to S5 works: two colours that anybody tells apart are near each other in those eyes."""
    page = act.tab.context.new_page()
    page.set_content("<body style='margin:0;background:linear-gradient(90deg, rgb(200,80,60) 50%, rgb(110,120,50) 50%)'>")

    def difference() -> float:
        shot = act.tab.pixels(page)
        return float(np.linalg.norm(lab(linear(shot[200, 100])) - lab(linear(shot[200, shot.shape[1] - 100]))))

    before = difference()
    as_a_deuteranope(page)
    assert before > 40 and difference() < 0.5 * before
    page.close()


def test_scenario_s1_a_jaywalker_behind_a_parked_bus_meets_the_ego(act: Actions) -> None:
    tab = act.tab
    as_a_deuteranope(act.tab.page)
    act.template("two_way", "two-way street")
    px = tab.find_places()
    act.press("a")
    act.choose("agent-class", "bus")
    act.point(px((22, 2.5)), ctrl=True)
    bus = undone(tab, "Add bus")["selection"][0]
    act.choose("agent-class", "pedestrian")
    act.point(px((29, 4.6)), ctrl=True)
    undone(tab, "Add pedestrian")
    act.press("w")
    act.point(px((29, -5)))
    tab.until_document("it walks", lambda d: d["can_undo"].startswith("Add waypoint"))
    act.press("Enter")
    act.type("track-speed", "1.8")
    tab.until_document("at its pace", lambda d: d["can_undo"].startswith("Speed of"))
    act.type("meet-gap", "1.0")
    scene = scene_of(tab.until_document("they meet", lambda d: d["can_undo"].endswith("meets the ego")))
    act.generate()
    assert act.count <= 14

    walker, parked = next(a for a in scene.of(Agent) if a.class_name == "pedestrian"), scene.get(bus, Agent)
    crossing = crossing_of(scene, walker)
    assert crossing is not None and abs(crossing.gap_s - 1.0) < 0.1
    a, b = walker.keyframes
    assert speed_between(a, b) == pytest.approx(1.8, abs=0.01)
    kerb, half = 3.5, parked.size_m[1] / 2
    assert parked.keyframes[0].pose.y_m == pytest.approx(kerb - half - 0.3, abs=0.05) and a.pose.y_m == pytest.approx(kerb + 0.6, abs=0.05)
    assert abs(math.cos(parked.keyframes[0].pose.yaw_rad) + 1) < 1e-3, "parked the way its lane is driven"
    hidden = hidden_from_ego(scene, walker, parked)
    first_seen = int(np.argmin(hidden))
    assert first_seen / 12 >= 0.5 and not hidden[first_seen:][: int(crossing.ego_s * 12) - first_seen].any(), "hidden first, then seen until they meet"
    told_apart(act, scene)


def test_scenario_s2_a_lane_is_closed_with_cones(act: Actions) -> None:
    tab = act.tab
    as_a_deuteranope(act.tab.page)
    before = scene_of(act.template("highway", "highway"))
    px = tab.find_places()
    act.press("t")
    act.drag(px((8, 0)), px((50, 0)))
    undone(tab, "Close a lane")
    act.press("a")
    act.choose("agent-class", "construction_vehicle")
    act.point(px((42, 0)))
    act.choose("agent-class", "barrier")
    act.point(px((30, 0)))
    act.point(px((34, 0)))
    tab.until_document("two barriers", lambda d: sum(e.get("class_name") == "barrier" for e in d["entities"]) == 2)
    act.press("Shift+V")
    tab.until_document("the ego is selected", lambda d: d["selection"] == ["ego"])
    act.type("shift-left", "3.5")
    scene = scene_of(undone(tab, "Shift ego"))
    act.generate()
    assert act.count <= 13

    cones = [a for a in scene.of(Agent) if a.class_name == "traffic_cone"]
    assert len(cones) >= 12 and list(scene.of(Line)) == list(before.of(Line))
    swept = []
    for frame in range(frame_count(scene)):
        ego = ego_pose_at(scene, frame / 12)
        swept.append(shapely.Polygon(Box(0, "car", (ego.x_m + EGO_CENTER_AHEAD_M, ego.y_m, 0.8), EGO_SIZE_M, ego.yaw_rad).corners_bev_m()))
    way = shapely.union_all(swept)
    standing = [box for box in boxes_at(scene, 0.0) if box.class_name in ("traffic_cone", "barrier", "construction_vehicle")]
    assert len(standing) == len(cones) + 3 and not [box for box in standing if way.intersects(shapely.Polygon(box.corners_bev_m()))]
    told_apart(act, scene)


@PRESETS
def test_scenario_s5_a_crosswalk_is_moved_and_ends_at_the_kerb(act: Actions, preset: str) -> None:
    tab = act.tab
    as_a_deuteranope(act.tab.page)
    if preset == "fake":
        settings(tab, 12)
    scene = scene_of(tab.document())
    old = min((a for a in scene.of(Area) if a.channel == "ped_crossing"), key=lambda a: shapely.Polygon(a.exterior_m).centroid.x)
    middle = shapely.Polygon(old.exterior_m).centroid
    px = tab.find_places()
    # Beside the drive: a path would be picked before the crossing under it.
    act.point(px((middle.x, middle.y + 4)))
    tab.until_document("it is selected", lambda d: d["selection"] == [old.id])
    act.drag(px((middle.x + 0.7, middle.y + 4.5)), px((middle.x - 14.3, middle.y + 7.5)))
    undone(tab, "Move")
    act.click("clip-to-road")
    after = scene_of(undone(tab, "Clip to the road"))
    take = Take.open(act.generate(preset)["take"])
    assert act.count <= 4

    new = shapely.Polygon(after.get(old.id, Area).exterior_m)
    assert new.centroid.x == pytest.approx(middle.x - 15, abs=0.3) and new.difference(drivable(after)).area < 1e-6
    assert new.bounds[3] == pytest.approx(7.0, abs=0.05), "it ends at the kerb"
    for k in range(take.frame_count):
        for place, painted in (((middle.x, middle.y + 4), False), ((new.centroid.x, new.centroid.y), True)):
            ego = np.linalg.inv(take.world_SE3_ego[k]) @ [*place, 0, 1]
            i, j = np.floor((ego[:2] - take.grid.origin_m[:2]) / take.grid.voxel_m).astype(int)
            assert bool(take.layouts[k][CHANNEL["ped_crossing"], i, j]) == painted
            assert bool((take.semantics[k][i, j] == CLASS["ped_crossing"]).any()) == painted, "what fills the voxels is what is drawn"
        wrong, cells = unlike_drawn(take, k, after, "ped_crossing")
        assert wrong == 0 and cells > 50, "the crossings stand in the world, and nothing of the old one is left"
    driven = take.world_SE3_ego[-1, :3, 3] - take.world_SE3_ego[0, :3, 3]
    assert preset != "fake" or np.linalg.norm(driven) > 2, "while the ego drives"
    told_apart(act, after)


def test_scenario_s8_a_cut_in_brakes_to_a_time_to_collision(act: Actions) -> None:
    tab = act.tab
    act.template("highway", "highway")
    px = tab.find_places()
    act.press("a")
    act.point(px((18, -3.3)), ctrl=True)
    undone(tab, "Add car")
    act.press("w")
    for place in ((46, 0), (58, 0)):
        act.point(px(place))
    car = tab.until_document("two waypoints", lambda d: any(len(e.get("keyframes", ())) == 3 for e in d["entities"]))["selection"][0]
    act.type("speed-0", "20")
    act.type("speed-1", "6")
    tab.until_document("it brakes", lambda d: d["can_undo"].startswith("Speed of"))
    act.type("min-ttc", "1.5")
    scene = scene_of(tab.until_document("solved", lambda d: d["can_undo"].startswith("Time to collision")))
    act.generate()
    assert act.count <= 11

    agent = scene.get(car, Agent)
    assert time_to_collision_s(scene, agent).min() == pytest.approx(1.5, abs=0.1)
    pieces = list(zip(agent.keyframes, agent.keyframes[1:], strict=False))
    speeds = [speed_between(a, b) for a, b in pieces]
    limit = float(tab.at("brake-limit").input_value())
    way = np.cumsum([0.0, *(speed * (b.time_s - a.time_s) for speed, (a, b) in zip(speeds, pieces, strict=True))])
    frames = np.arange(agent.keyframes[0].time_s, agent.keyframes[-1].time_s, 1 / 12)
    braking = -np.diff(np.interp(frames, [k.time_s for k in agent.keyframes], way), 2) * 144
    assert 0.8 * limit < braking.max() <= 1.05 * limit, "it brakes hard, and no harder than the limit that stands beside it"
    assert (speeds[0], speeds[-1]) == pytest.approx((20, 6), abs=0.1) and abs(agent.keyframes[0].pose.y_m + 3.5) < 0.05, "snapped to the middle of its lane"


def test_scenario_s9_cyclists_queue_along_a_way(act: Actions) -> None:
    tab = act.tab
    tab.pick_file("two_way")
    tab.until_document("the street", lambda d: d["name"] == "two-way street")
    px = tab.find_places()
    act.press("a")
    act.choose("agent-class", "bicycle")
    act.point(px((10, 2.2)))
    undone(tab, "Add bicycle")
    act.press("w")
    act.point(px((32, 2.2)))
    tab.until_document("it has a way", lambda d: d["can_undo"].startswith("Add waypoint"))
    act.click("array-along")
    act.type("arg-jitter_s", "0.3")
    scene = scene_of(tab.until_document("six of them", lambda d: d["can_undo"].startswith("Array of")))
    assert act.count <= 7

    queue = list(scene.of(Agent))
    assert len(queue) == 6 and len({a.instance_id for a in queue}) == 6
    for frame in range(frame_count(scene)):
        boxes = [shapely.Polygon(box.corners_bev_m()) for box in boxes_at(scene, frame / 12)]
        assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
    xs = [pose_at(a.keyframes, 3.0).x_m for a in queue]
    assert xs == sorted(xs, reverse=True) and len({round(a - b, 3) for a, b in zip(xs, xs[1:], strict=False)}) > 1, "one after the other, shaken"


@PRESETS
def test_scenario_s10_somebody_drives_the_wrong_way_and_is_told_of_but_not_stopped(act: Actions, preset: str) -> None:
    tab = act.tab
    tab.pick_file("two_way")
    tab.until_document("the street", lambda d: d["name"] == "two-way street")
    px = tab.find_places()
    act.press("a")
    act.point(px((38, -1.7)))
    undone(tab, "Add car")
    act.press("g")
    undone(tab, "Rotate")
    act.click("follow-lane")
    against = tab.until_document("it follows the lane", lambda d: "follows the lane" in d["can_undo"])
    expect(tab.at("checks")).to_contain_text("to look at")
    act.click("checks")
    expect(tab.at("problem").filter(has_text="against the traffic")).to_contain_text("car 1 drives")
    expect(tab.at("undo-label")).to_have_text("car 1 follows the lane")
    tab.at("problem").filter(has_text="against the traffic").click()
    act.count += 1
    assert act.count <= 6
    car = next(e for e in against["entities"] if e["kind"] == "agent")
    assert car["keyframes"][-1][1] < car["keyframes"][0][1]
    tab.until_document("the click selects it", lambda d: d["selection"] == [car["id"]])
    take = Take.open(act.generate(preset)["take"])
    filled = take.semantics[0][take.instances[0] == car["instance_id"]]
    assert len(filled) > 20 and (filled == CLASS["car"]).mean() > 0.9


def test_scenario_s14_from_a_blank_page_to_a_t_junction(act: Actions) -> None:
    tab = act.tab
    act.click("new")
    tab.until_document("a blank page", lambda d: not d["entities"])
    px = tab.find_places()
    act.press("s")
    for start, end in (((-36, 1.75), (12, 1.75)), ((12, 1.75), (36, 1.75)), ((12, -32), (12, 1.75))):
        act.drag(px(start), px(end))
    tab.until_document("three roads", lambda d: len(d["entities"]) == 3)
    act.press("z")
    act.point(px((12, -10)))
    undone(tab, "Add crosswalk")
    # What ties it to its road is in its name; a person reads which road that is.
    expect(tab.at("shape-name")).to_have_value("")
    expect(tab.at("shape-name")).to_have_attribute("placeholder", "crossing of road 3")
    act.press("s")
    act.click("walkways")
    undone(tab, "Walkways")
    act.click("dividers")
    undone(tab, "Dividers")
    act.press("a")
    act.point(px((26, 0)))
    act.point(px((-18, 0)))
    scene = scene_of(tab.until_document("two cars", lambda d: sum(e["kind"] == "agent" for e in d["entities"]) == 2))
    nothing_wrong(tab)
    take = Take.open(act.generate()["take"])
    assert act.count <= 15

    assert {a.channel for a in scene.of(Area)} == {"drivable_area", "ped_crossing", "walkway"} and any(scene.of(Line))
    assert (take.layouts[:, [CHANNEL[name] for name in ("drivable_area", "ped_crossing", "walkway", "road_divider")]].sum((0, 2, 3)) > 0).all()
    joint = shapely.Point(12, 1.75).buffer(1.2)
    assert not any(shapely.LineString(line.points_m).intersects(joint) for line in scene.of(Line)), "no divider across the junction"
    # And all of that without a data set: the studio finds none.
    tab.at("import").click()
    tab.at("import-source").fill(str(DATA / "av2" / "sensor_val_adcf7d18_PIT"))
    tab.at("import-source").press("Enter")
    tab.at("dont-save").click()
    expect(tab.at("notice").filter(has_text="sensor_val_adcf7d18_PIT").first).to_be_visible()
    assert scene_of(tab.document()) == scene
