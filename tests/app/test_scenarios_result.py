"""Stories of notes/authoring.md about logs, results mended by hand, handing over, and the keyboard alone; within their number of actions."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from editor.clip import boxes_at, ego_pose_at
from editor.document import Document
from editor.entities import Agent
from editor.track import pose_at
from engine.render.edits import voxels_in_box
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.geometry import Pose, invert
from engine.spec.take import Take
from tests.app.actions import Actions, scene_of, settings, undone
from tests.app.browser_driver import StudioProcess, Tab, in_a_browser, until
from tests.app.measures import unlike_drawn

pytestmark = in_a_browser(900)
LOG = Path(__file__).resolve().parents[3] / "shared" / "data" / "av2" / "sensor_val_adcf7d18_PIT"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    studio = StudioProcess(tmp_path_factory.mktemp("results") / "workspace", preset="fake").start()
    yield studio
    studio.stop()


def only_shifted(before: Document, after: Document, shifts: dict[str, tuple[float, float]]) -> None:
    """Only those tracks differ, by exactly so much ahead and to the left in their own frames."""
    for id in ("ego", *(a.id for a in before.of(Agent))):
        old, new = (d.ego.keyframes if id == "ego" else d.get(id, Agent).keyframes for d in (before, after))
        ahead, left = shifts.get(id, (0.0, 0.0))
        assert len(old) == len(new)
        for a, b in zip(old, new, strict=True):
            c, s = math.cos(a.pose.yaw_rad), math.sin(a.pose.yaw_rad)
            dx, dy = b.pose.x_m - a.pose.x_m, b.pose.y_m - a.pose.y_m
            assert (c * dx + s * dy, c * dy - s * dx) == pytest.approx((ahead, left), abs=1e-6) and a.time_s == b.time_s


@pytest.mark.skipif(not LOG.is_dir(), reason=f"{LOG} is not here")
def test_scenario_s7_a_car_of_a_log_is_ahead_and_the_ego_to_the_left(act: Actions) -> None:
    tab = act.tab
    act.click("import")
    act.type("import-source", str(LOG))
    before = scene_of(tab.until_document("the log opens", lambda d: d["name"] == LOG.name))
    tab.until("the playhead stands at the start", lambda: tab.at("frame-label").inner_text().startswith("frame 0 "))
    px, ego = tab.find_places(), ego_pose_at(before, 0.0)
    lead, place = lead_of(before)
    act.point(px(place))
    tab.until_document("the car is selected", lambda d: d["selection"] == [lead.id])
    act.type("shift-forward", "2")
    undone(tab, f"Shift {lead.id}")
    act.point(px((ego.x_m, ego.y_m)))
    tab.until_document("a click on the ego selects the ego", lambda d: d["selection"] == ["ego"])
    act.type("shift-left", "1")
    after = scene_of(undone(tab, "Shift ego"))
    take = Take.open(act.generate()["take"])
    assert act.count <= 9
    only_shifted(before, after, {lead.id: (2.0, 0.0), "ego": (0.0, 1.0)})
    follows(take, before, lead)


def lead_of(scene: Document) -> tuple[Agent, tuple[float, float]]:
    """The car that stands most straight ahead of the ego at the first frame, and where it is in the world."""
    ego, places = ego_pose_at(scene, 0.0), {b.instance_id: b.center_m[:2] for b in boxes_at(scene, 0.0)}
    near = [a for a in scene.of(Agent) if a.instance_id in places and a.class_name == "car"]
    ahead = [a for a in near if 6 < math.dist(places[a.instance_id], (ego.x_m, ego.y_m)) < 40]
    lead = min(ahead, key=lambda a: abs(math.atan2(*(np.subtract(places[a.instance_id], (ego.x_m, ego.y_m)) @ _turn(ego.yaw_rad))[::-1])))
    return lead, places[lead.instance_id]


def follows(take: Take, before: Document, lead: Agent) -> None:
    """Whatever a take holds in the ego's frame is as seen by an ego 1 m to the left, with the lead car 2 m ahead, and the street where it was."""
    for k in range(take.frame_count):
        time_s = float(take.timestamps_s[k])
        ego = ego_pose_at(before, time_s)
        world_SE3_ego = ego.matrix()
        world_SE3_ego[:2, 3] += (-math.sin(ego.yaw_rad), math.cos(ego.yaw_rad))  # level, whatever the street's camber
        np.testing.assert_allclose(take.world_SE3_ego[k], world_SE3_ego, atol=1e-6)
        wrong, cells = unlike_drawn(take, k, before, "drivable_area")
        assert wrong == 0 and cells > 1000, "the street stays where it is in the world"
        here = {box.instance_id: box for box in take.boxes[k]}
        for box in boxes_at(before, time_s):
            if box.instance_id in here:
                x, y, z = box.center_m
                ahead = 2.0 if box.instance_id == lead.instance_id else 0.0
                expected = invert(world_SE3_ego) @ [x + ahead * math.cos(box.yaw_rad), y + ahead * math.sin(box.yaw_rad), z, 1.0]
                np.testing.assert_allclose(here[box.instance_id].center_m[:2], expected[:2], atol=0.01)
        assert lead.instance_id in here
        i, j = np.floor((np.array(here[lead.instance_id].center_m[:2]) - take.grid.origin_m[:2]) / take.grid.voxel_m).astype(int)
        assert take.layouts[k][CHANNEL["car"], i, j] and (take.instances[k][i, j] == lead.instance_id).any(), "so do layout and voxels"


def _turn(yaw: float) -> np.ndarray:
    return np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])


@pytest.mark.parametrize("preset", ["fake", "compact"])
def test_scenario_s11_a_result_is_mended_by_hand_and_stays_mended(act: Actions, preset: str) -> None:
    tab = act.tab
    # A model takes its time, so that it makes the first frame alone.
    frame = 20 if preset == "fake" else 0
    settings(tab, frame + 1, preset=preset)
    first = Take.open(act.make("generate")["take"])
    act.count = 0
    scene = scene_of(tab.document())
    scrub(act, frame)
    ghost = next(a for a in scene.of(Agent) if a.class_name == "construction_vehicle")
    car = next(a for a in scene.of(Agent) if a.name == "overtakes on the right")
    place = ghost.keyframes[0].pose
    px = tab.find_places()

    act.press("o")
    act.drag(px((place.x_m - 5, place.y_m - 1.5)), px((place.x_m + 5, place.y_m + 3)))
    undone(tab, "Edit occupancy")
    act.press("v")
    there = pose_at(car.keyframes, frame / 12)
    act.point(px((there.x_m, there.y_m)))
    tab.until_document("the car is selected", lambda d: d["selection"] == [car.id])
    act.click("fill-agent")
    mended = scene_of(tab.until_document("its box is filled", lambda d: d["can_undo"].startswith("Fill")))
    stays_mended(Take.open(act.make("generate")["take"]), first, mended, car)
    assert act.count <= 8
    tab.shot(f"mended_{preset}")
    if preset == "fake":
        # Another seed is another world, and what was mended by hand is mended in that one too.
        tab.at("seed").fill("7")
        tab.at("seed").press("Enter")
        again = Take.open(act.make("generate")["take"])
        assert again.info["recipe"]["seed"] == 7
        stays_mended(again, first, mended, car)
    tab.at("bev-canvas").focus()
    tab.page.keyboard.press("Control+z")
    tab.page.keyboard.press("Control+z")
    tab.until_document("both are undone", lambda d: not any(e["kind"] == "occupancy_edit" for e in d["entities"]))


def stays_mended(take: Take, first: Take, mended: Document, car: Agent) -> None:
    """Without the vehicle that was erased, and with the car's box filled wherever it goes."""
    assert (first.semantics == CLASS["construction_vehicle"]).any() and not (take.semantics == CLASS["construction_vehicle"]).any()
    assert take.frame_count == first.frame_count
    for k in range(take.frame_count):
        world_SE3_ego = ego_pose_at(mended, k / 12).matrix()
        box = next(b for b in boxes_at(mended, k / 12) if b.instance_id == car.instance_id)
        block, inside = voxels_in_box(take.grid, invert(world_SE3_ego) @ Pose(*box.center_m, box.yaw_rad).matrix(), box.size_m)
        assert inside.sum() > 50 and (take.semantics[k][block][inside] == CLASS["car"]).all() and (take.instances[k][block][inside] == car.instance_id).all()
    assert (take.semantics[0] != FREE).any()


def scrub(act: Actions, frame: int) -> None:
    """A press on the timeline."""
    tab = act.tab
    act.count += 1
    box = tab.at("scrubber").bounding_box()
    assert box is not None
    low, high = 0.0, 1.0
    # Where the frame lies is found as a hand finds it: further to the left or right, the button held down.
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 8)
    tab.page.mouse.down()
    # Before the press is drawn the label still names the frame of before, which may be the one that is looked for.
    tab.settle()
    while (now := int(tab.at("frame-label").inner_text().split()[1])) != frame:
        assert high - low > 1e-4, f"frame {frame} is not found on the timeline"
        middle = (low + high) / 2
        tab.page.mouse.move(box["x"] + middle * box["width"], box["y"] + 8)
        tab.settle()
        now = int(tab.at("frame-label").inner_text().split()[1])
        low, high = (middle, high) if now < frame else (low, middle)
    tab.page.mouse.up()
    expect(tab.at("frame-label")).to_have_text(re.compile(rf"frame {frame} /"))


def handed_over(act: Actions) -> tuple[Take, Path]:
    """A take, and the folder that its training pack was written to."""
    tab = act.tab
    settings(tab, 7, "video")
    tab.at("views").select_option("fake")
    tab.at("generate").click()
    made = until("a take", lambda: tab.jobs and tab.jobs[-1]["state"] == "done" and tab.jobs[-1], tab.page, 300.0)
    source = Take.open(made["take"])
    expect(tab.at("take-label")).to_contain_text("video")
    act.press("Control+e")
    act.click("export-pack")
    act.click("export-go")
    assert act.count <= 4
    # nuScenes' sweeps are cast ray by ray.
    expect(tab.at("export-verified")).to_contain_text("Read again and equal to the take", timeout=300_000)
    for name in ("nuscenes", "occ3d", "mp4"):
        expect(tab.at(f"exported-{name}")).to_contain_text("file")
        expect(tab.at(f"exported-{name}").locator("li").first).to_be_visible()
    folder = Path(tab.at("export-result").locator(".path").inner_text())
    assert len(list((folder / "occ3d").rglob("labels.npz"))) == source.frame_count and len(list((folder / "mp4").glob("*.mp4"))) == len(source.cameras)
    tab.page.keyboard.press("Escape")
    expect(tab.at("export-dialog")).to_be_hidden()
    return source, folder


def test_scenario_s15_a_take_is_handed_over_and_comes_in_again(act: Actions) -> None:
    source, folder = handed_over(act)
    tab = act.tab
    tab.at("import").click()
    tab.at("import-format").select_option("nuscenes")
    tab.at("import-source").fill(str(folder / "nuscenes"))
    tab.at("import-source").press("Enter")
    back = scene_of(tab.until_document("the export comes in", lambda d: any(e["kind"] == "agent" and e["source"] == "imported" for e in d["entities"])))
    assert {camera["camera"]["name"] for camera in tab.document()["entities"] if camera["kind"] == "camera"} == {one.name for one in source.cameras}
    for k in range(0, source.frame_count, 6):
        ego_SE3_world = invert(ego_pose_at(back, k / 12).matrix())
        found, made = (
            sorted((box.class_name, *np.round(box.center_m, 2), *np.round(box.size_m, 2)) for box in boxes)
            for boxes in ([one.moved(ego_SE3_world) for one in boxes_at(back, k / 12)], source.boxes[k])
        )
        assert [one[0] for one in found] == [one[0] for one in made]
        np.testing.assert_allclose([one[1:] for one in found], [one[1:] for one in made], atol=0.03)


@pytest.mark.timeout(1200)
def test_scenario_s15_the_devkit_loads_what_the_page_handed_over(devkit: str, act: Actions, tmp_path: Path) -> None:
    _, folder = handed_over(act)
    oracle = Path(__file__).with_name("devkit_oracle.py")
    ran = subprocess.run([devkit, oracle, folder / "nuscenes"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["tokens"] > 100 and said["in_pictures"] > 0 and said["ego_on_road"] and len(said["boxes"]) == 2


def tab_to(tab: Tab, testid: str) -> None:
    """The Tab key, until that has the focus."""
    for _ in range(60):
        if tab.page.evaluate("document.activeElement?.dataset.testid") == testid:
            return
        tab.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not get to {testid}")


def focus_is_seen(tab: Tab) -> None:
    """What has the focus looks different from the same without it."""
    box = tab.page.evaluate("""() => {
        const b = (document.activeElement.closest('.field') ?? document.activeElement).getBoundingClientRect();
        return [b.x - 4, b.y - 4, b.width + 8, b.height + 8];
    }""")
    seen = tab.pixels(clip=tuple(box))
    held = tab.page.evaluate_handle("document.activeElement")
    tab.page.evaluate("(one) => one.blur()", held)
    tab.settle()
    assert np.abs(seen.astype(int) - tab.pixels(clip=tuple(box))).max() > 30, "the focus is not seen"
    tab.page.evaluate("(one) => one.focus()", held)


@pytest.mark.skipif(not LOG.is_dir(), reason=f"{LOG} is not here")
def test_scenario_s16_s7_is_done_by_keyboard_alone(act: Actions) -> None:
    tab = act.tab
    keyboard = tab.page.keyboard
    tab.page.evaluate("""() => { window.pointed = 0; addEventListener('pointerdown', () => { window.pointed += 1; }, true); }""")
    keyboard.press("Control+i")
    expect(tab.at("import-dialog")).to_be_visible()
    tab_to(tab, "import-source")
    focus_is_seen(tab)
    keyboard.type(str(LOG))
    keyboard.press("Enter")
    before = scene_of(tab.until_document("the log opens", lambda d: d["name"] == LOG.name))
    lead, _ = lead_of(before)
    keyboard.press("Control+f")
    expect(tab.at("object-filter")).to_be_focused()
    keyboard.type(f"car {lead.instance_id}")
    tab.settle()
    keyboard.press("ArrowDown")
    # The filter may leave others above it, whose number begins alike.
    for _ in range(12):
        tab.until_document("one is selected", lambda d: len(d["selection"]) == 1)
        if tab.document()["selection"] == [lead.id]:
            break
        rev = tab.document()["selection"]
        keyboard.press("ArrowDown")
        tab.until("the next one is selected", lambda rev=rev: tab.document()["selection"] != rev)
    assert tab.document()["selection"] == [lead.id]
    keyboard.press("Enter")
    expect(tab.page.locator(".inspector input:focus")).to_have_count(1)
    tab_to(tab, "shift-forward")
    focus_is_seen(tab)
    keyboard.type("2")
    keyboard.press("Enter")
    undone(tab, f"Shift {lead.id}")
    keyboard.press("Escape")
    keyboard.press("Shift+V")
    tab.until_document("the ego is selected", lambda d: d["selection"] == ["ego"])
    keyboard.press("i")
    tab_to(tab, "shift-left")
    keyboard.type("1")
    keyboard.press("Enter")
    after = scene_of(undone(tab, "Shift ego"))
    only_shifted(before, after, {lead.id: (2.0, 0.0), "ego": (0.0, 1.0)})
    tab.jobs.clear()
    keyboard.press("Control+Enter")
    end = tab.until_job("the take is made", lambda job: job["state"] in ("done", "failed"))
    assert end["state"] == "done", end["message"]
    follows(Take.open(end["take"]), before, lead)
    assert tab.page.evaluate("window.pointed") == 0


def test_a_field_refuses_what_it_does_not_take_and_a_corner_is_dragged_added_and_removed(act: Actions) -> None:
    tab = act.tab
    tab.at("duration").fill("500")
    tab.at("duration").press("Enter")
    expect(tab.at("notice").filter(has_text="Duration takes 0.1 to 100 s, so 500 was not set")).to_be_visible()
    expect(tab.at("duration")).to_have_value("4")

    tab.page.keyboard.press("s")
    px = tab.find_places()
    tab.drag(px((-30, 25)), px((0, 25)))
    road = undone(tab, "Add road")["selection"][0]
    tab.page.keyboard.press("v")

    def ring() -> list[list[float]]:
        return next(e for e in tab.document()["entities"] if e["id"] == road)["exterior_m"]

    corner = ring()[0]
    tab.drag(px((corner[0], corner[1])), px((corner[0] - 3, corner[1] + 4)))
    tab.until_document("a corner moved", lambda d: d["can_undo"] == "Change area")
    assert ring()[0] == pytest.approx([corner[0] - 3, corner[1] + 4], abs=0.3) and len(ring()) == 4
    a, b = ring()[1], ring()[2]
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    tab.drag(px(middle), px((middle[0] + 4, middle[1])))
    tab.until("a corner more", lambda: len(ring()) == 5)
    tab.page.keyboard.down("Alt")
    tab.click(px((middle[0] + 4, middle[1])))
    tab.page.keyboard.up("Alt")
    tab.until("and one less", lambda: len(ring()) == 4)
    for _ in range(3):
        tab.page.keyboard.press("Control+z")
    tab.until("each was a step of its own", lambda: ring()[0] == corner)


def test_a_project_from_anywhere_is_opened_as_a_copy(act: Actions, tmp_path: Path) -> None:
    from editor.files import project
    from editor.samples import two_way

    tab, path = act.tab, tmp_path / "elsewhere.anyscene"
    project.save(two_way(), path)
    tab.at("import").click()
    tab.at("import-format").select_option("anyscene")
    tab.at("import-source").fill(str(path))
    tab.at("import-source").press("Enter")
    found = tab.until_document("the copy opens", lambda d: d["name"] == "two-way street")
    assert found["saved_path"] is None and found["dirty"]
    expect(tab.at("import-dialog")).to_be_hidden()
