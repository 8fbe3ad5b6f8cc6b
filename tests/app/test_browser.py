"""The main job in a real browser: from a recorded log to a take, and everything found again.

ANYSCENE_BROWSER_PRESET=compact runs it with the real engine, ANYSCENE_BROWSER_SHOTS=FOLDER keeps a picture of every step.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, expect

from editor.files import project
from editor.files.jsonform import entity_to_json
from engine.spec.take import Take
from tests.app.browser_driver import PRESET, StudioProcess, Tab, in_a_browser, is_picture, same_scene

pytestmark = in_a_browser(300 if PRESET == "fake" else 3600)

LOG = Path(__file__).resolve().parents[3] / "shared" / "data" / "av2" / "sensor_val_adcf7d18_PIT"
FRAMES = 16
MANY = 3 * FRAMES
"""More than a studio that takes 0.3 s a frame makes while a busy machine looks elsewhere."""
SLOW = "fake:0.3"
STARTS_WITHIN = 2.0
"""Times the processor time of the imports alone: 1.0 to 1.4 were measured, the last beside other work on the same cores."""
ONE_SENTENCE = re.compile(r"[^.\n]+(\.(?=\S)[^.\n]+)*\.")
"""Points inside words (a file's suffix) do not end it."""


@pytest.fixture(scope="module")
def slow_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """A studio whose engine takes its time, so that it can be met in the middle of a job."""
    studio = StudioProcess(tmp_path_factory.mktemp("slow"), preset=SLOW).start()
    yield studio
    studio.stop()


@pytest.fixture
def tab(browser: Browser, slow_studio: StudioProcess, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """A fresh tab of the slow studio; whatever the test does, the page must not complain."""
    tab = Tab(browser, slow_studio).open()
    try:
        yield tab
        tab.shot(request.node.name.removeprefix("test_"))
        assert tab.faults == []
    finally:
        tab.close()


def place_from_ego(document: dict[str, Any]) -> Callable[[float, float], tuple[float, float]]:
    """Metres forward and left of the ego's first pose, to the world."""
    _, x, y, _, yaw, *_ = document["ego"]["keyframes"][0]
    return lambda forward, left: (x + forward * math.cos(yaw) - left * math.sin(yaw), y + forward * math.sin(yaw) + left * math.cos(yaw))


def agents(document: dict[str, Any], class_name: str) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in document["entities"] if one["kind"] == "agent" and one["class_name"] == class_name}


def added(before: dict[str, Any], after: dict[str, Any], class_name: str) -> list[dict[str, Any]]:
    return [one for name, one in agents(after, class_name).items() if name not in agents(before, class_name)]


def open_the_log(tab: Tab) -> dict[str, Any]:
    """The Argoverse 2 log through the import dialog, or the crossing where there is no log."""
    if not LOG.is_dir():
        tab.pick_file("lane_closure")
        return tab.until_document("the template opens", lambda d: "closure" in d["name"])
    tab.at("import").click()
    tab.at("import-source").fill(str(LOG))
    tab.at("import-source").press("Enter")
    return tab.until_document("the log opens", lambda d: d["name"] == LOG.name)


def close_a_lane(tab: Tab, scene: dict[str, Any]) -> dict[str, Any]:
    """Cones placed one by one, then a stroke of barrier behind them."""
    at, px = place_from_ego(scene), tab.find_places()
    row = [at(2.0 + 2.4 * i, 8.8 - 0.6 * i) for i in range(6)]
    tab.page.keyboard.press("a")
    tab.at("agent-class").select_option("traffic_cone")
    for cone in row:
        tab.click(px(cone))
    closed = tab.until_document("six cones stand", lambda d: len(added(scene, d, "traffic_cone")) == 6)
    placed = [one["keyframes"][0][1:3] for one in added(scene, closed, "traffic_cone")]
    assert np.allclose(sorted(placed), sorted(row), atol=0.25), "cones stand where the pointer was"

    tab.at("channel-barrier").click()
    tab.page.keyboard.press("b")
    start, end = px(at(15.5, 8.6)), px(at(15.5, 6))
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    barrier = next(channel["rgb"] for channel in scene["channels"] if channel["name"] == "barrier")

    def is_drawn_already() -> None:
        tab.settle()
        stroke = tab.pixels(clip=(middle[0] - 3, middle[1] - 3, 6, 6)).reshape(-1, 3).mean(0)
        assert np.abs(stroke - barrier).max() < 90, f"the stroke shows {stroke} before the button is released, not the barrier's {barrier}"

    tab.drag(start, end, before_release=is_drawn_already)
    painted = tab.until_document(
        "the barrier is painted", lambda d: any(one["kind"] == "paint" and one["channel"] == "barrier" for one in d["entities"])
    )
    tab.page.keyboard.press("v")
    tab.page.keyboard.press("Escape")
    return painted


def park_a_truck(tab: Tab, scene: dict[str, Any]) -> dict[str, Any]:
    at, px = place_from_ego(scene), tab.find_places()
    tab.page.keyboard.press("a")
    tab.at("agent-class").select_option("truck")
    tab.drag(px(at(-9, -3.8)), px(at(-3, -3.8)))
    parked = tab.until_document("the truck is there", lambda d: added(scene, d, "truck"))
    (truck,) = added(scene, parked, "truck")
    assert len(truck["keyframes"]) == 1, "a parked truck stays"
    assert math.cos(truck["keyframes"][0][4] - scene["ego"]["keyframes"][0][4]) > 0.98, "the drag aims it along the street"
    assert truck["id"] in parked["selection"], "what was placed is selected"
    return parked


def let_somebody_cross(tab: Tab, scene: dict[str, Any]) -> dict[str, Any]:
    at, px = place_from_ego(scene), tab.find_places()
    tab.at("agent-class").select_option("pedestrian")
    tab.click(px(at(4.8, -6.5)))
    standing = tab.until_document("the pedestrian is there", lambda d: added(scene, d, "pedestrian"))
    (walker,) = added(scene, standing, "pedestrian")
    expect(tab.at("inspector")).to_contain_text("pedestrian")
    tab.page.keyboard.press("w")
    tab.click(px(at(5.2, 5)))
    crossing = tab.until_document("the pedestrian walks", lambda d: len(agents(d, "pedestrian")[walker["id"]]["keyframes"]) == 2)
    start, end = agents(crossing, "pedestrian")[walker["id"]]["keyframes"]
    assert end[0] > start[0] and math.dist(start[1:3], end[1:3]) == pytest.approx(math.hypot(0.4, 11.5), abs=0.5)
    assert 0.5 < math.dist(start[1:3], end[1:3]) / (end[0] - start[0]) < 3, "at the pace of somebody who walks"
    tab.page.keyboard.press("v")
    tab.page.keyboard.press("Escape")
    return crossing


def drag_a_camera(tab: Tab, scene: dict[str, Any]) -> dict[str, Any]:
    """The first camera on the ego, half a metre to its left."""
    camera = next(one for one in scene["entities"] if one["kind"] == "camera")
    at, (x, y, *_) = place_from_ego(scene), camera["camera"]["ego_SE3_camera"]
    tab.zoom_in(tab.find_places()(at(x, y)), 5)
    px = tab.find_places()
    tab.at("object-filter").fill(camera["camera"]["name"])
    tab.at(f"object-{camera['id']}").click()
    tab.at("object-filter").fill("")
    tab.drag(px(at(x, y)), px(at(x, y + 0.5)))

    def pose(document: dict[str, Any]) -> list[float]:
        return next(one for one in document["entities"] if one["id"] == camera["id"])["camera"]["ego_SE3_camera"]

    moved = tab.until_document("the camera moved", lambda d: pose(d) != pose(scene))
    assert pose(moved)[:2] == pytest.approx([x, y + 0.5], abs=0.08) and pose(moved)[2:] == pytest.approx(pose(scene)[2:])
    assert [one for one in moved["entities"] if one["id"] != camera["id"]] == [
        one for one in scene["entities"] if one["id"] != camera["id"]
    ]
    return moved


def make_a_take(tab: Tab) -> None:
    """Sixteen frames to video, seen arriving."""
    bar = tab.at("progress")
    bar.evaluate(
        """(bar) => {
            window.seen = [];
            new MutationObserver(() => window.seen.push(Number(bar.getAttribute("aria-valuenow")))).observe(bar, { attributes: true });
        }"""
    )
    tab.generate(frames=FRAMES, until="video", preset=PRESET)
    expect(tab.at("cancel")).to_be_visible()
    tab.until_job("frames arrive", lambda job: job["frames_kept"] >= 1)
    tab.until_job("the take is ready", lambda job: job["state"] not in ("queued", "loading", "running"))
    assert tab.jobs[-1]["state"] == "done", tab.jobs[-1]["message"]
    expect(tab.at("job-line")).to_contain_text("Done")
    expect(tab.at("take-label")).to_have_text(f"Take: frames 0–{FRAMES - 1}, video")
    kept = [job["frames_kept"] for job in tab.jobs]
    assert kept == sorted(kept) and set(range(1, FRAMES + 1)) <= set(kept), "every frame was told of as it was made"
    assert [stage for stage in dict.fromkeys(job["stage"] for job in tab.jobs) if stage] == ["layout", "occupancy", "video"]
    assert len(set(tab.page.evaluate("window.seen"))) > 4, "the bar went through values in between"


def see_every_camera(tab: Tab, kind: str, count: int) -> list[str]:
    """Addresses of the strip's pictures, once all of them show something."""
    tab.at(f"strip-kind-{kind}").click()
    images = tab.at("strip").locator("img")
    tab.until(
        f"{count} {kind} pictures",
        lambda: images.count() == count and images.evaluate_all("(all) => all.every((i) => !i.hidden && i.complete && i.naturalWidth > 0)"),
    )
    tab.settle()
    whole = tab.pixels(tab.page)
    boxes = images.evaluate_all(
        "(all) => all.map((i) => { const b = i.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom].map(Math.round); })"
    )
    assert all(is_picture(whole[top:bottom, left:right]) for left, top, right, bottom in boxes), f"a {kind} picture is one colour"
    return images.evaluate_all("(all) => all.map((i) => i.src)")


def seconds_of_imports() -> float:
    """Processor time of importing what the page stands on, in a process of its own."""
    words = "import time, gradio, viser, uvicorn, numba, scipy.ndimage; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", words], check=True, capture_output=True, text=True).stdout.split()[-1])


def test_from_a_log_to_a_take_and_everything_is_found_again(browser: Browser, tmp_path: Path) -> None:
    studio = StudioProcess(tmp_path / "workspace").start()
    tab = Tab(browser, studio)
    try:
        assert "libtorch" not in Path(f"/proc/{studio.process.pid}/maps").read_text(), "models are the engine's, and the page waits for none"
        imports_s = seconds_of_imports()
        assert studio.cpu_s < STARTS_WITHIN * imports_s, f"the page answers after {studio.cpu_s:.1f} s of work, {imports_s:.1f} s of it imports"
        tab.open()
        example = tab.document()
        assert example["entities"] and example["dirty"] is False, "the first start shows an example"
        expect(tab.at("blank")).to_be_hidden()
        tab.until("the canvas shows the example", lambda: is_picture(tab.pixels(tab.at("bev-canvas"))))
        see_every_camera(tab, "semantic", sum(one["kind"] == "camera" for one in example["entities"]))
        tab.shot("1_cold")

        scene = open_the_log(tab)
        cameras = sum(one["kind"] == "camera" for one in scene["entities"])
        assert cameras >= 6 and agents(scene, "car")
        expect(tab.at("scene-name")).to_have_value(scene["name"])
        tab.shot("2_imported")

        tab.zoom_in(tab.find_places()(place_from_ego(scene)(4, 2)), 1.8)
        closed = close_a_lane(tab, scene)
        tab.shot("3_lane_closed")
        crossing = let_somebody_cross(tab, park_a_truck(tab, closed))
        tab.shot("4_truck_and_pedestrian")
        whole = drag_a_camera(tab, crossing)
        tab.shot("5_camera_dragged")
        tab.page.keyboard.press("Escape")
        tab.at("fit").click()

        make_a_take(tab)
        tab.shot("6_generated")
        first = see_every_camera(tab, "picture", cameras)
        tab.until("something in the 3D view", lambda: is_picture(tab.pixels(tab.at("viewer-3d"))))
        solid = tab.pixels(tab.at("viewer-3d"))
        tab.seek(FRAMES - 1)
        last = tab.until("other pictures at the last frame", lambda: (now := see_every_camera(tab, "picture", cameras)) != first and now)
        assert len(set(last)) == cameras
        tab.until("the 3D view follows", lambda: np.abs(tab.pixels(tab.at("viewer-3d")).astype(int) - solid).mean() > 0.5)
        see_every_camera(tab, "depth", cameras)
        tab.shot("7_scrubbed")

        tab.page.keyboard.press("Control+z")
        tab.until_document("the camera is back", lambda d: same_scene(d, crossing))
        expect(tab.at("stale")).to_be_visible()
        for _ in range(3):
            tab.page.keyboard.press("Control+z")
        tab.until_document("truck and pedestrian are gone", lambda d: same_scene(d, closed))
        tab.shot("8_undone")
        for _ in range(2):
            tab.page.keyboard.press("Control+Shift+z")
        for _ in range(2):
            tab.page.keyboard.press("Control+y")
        tab.until_document("all is done again", lambda d: same_scene(d, whole))
        expect(tab.at("stale")).to_be_hidden()

        tab.page.keyboard.press("Control+s")
        saved = Path(tab.until_document("it is saved", lambda d: d["saved_path"] and not d["dirty"])["saved_path"])
        assert [entity_to_json(one) for one in project.load(saved).entities.values()] == whole["entities"]
        tab.page.reload()
        tab.connected()
        tab.at("new").click()
        tab.until_document("a blank scene", lambda d: not d["entities"])
        expect(tab.at("blank")).to_be_visible()
        tab.pick_file(saved.stem)
        found = tab.until_document("the saved scene", lambda d: d["saved_path"] == str(saved))
        assert same_scene(found, whole) and found["dirty"] is False
        expect(tab.at("scene-name")).to_have_value(scene["name"])
        tab.shot("9_found_again")

        take = Take.open(next((studio.workspace / "takes").iterdir()))
        assert take.frame_count == FRAMES and take.info["stage"] == "video"
        assert len(list((take.folder / "video").glob("*.mp4"))) == cameras
        assert tab.faults == []
    finally:
        tab.shot("end")
        tab.close()
        studio.stop()


def test_a_killed_engine_is_said_in_a_sentence_and_costs_nothing_finished(tab: Tab, slow_studio: StudioProcess) -> None:
    before = tab.document()
    tab.generate(frames=MANY, until="occupancy")
    tab.until_job("three frames are made", lambda job: job["frames_kept"] >= 3)
    slow_studio.kill_engine()
    end = tab.until_job("the page hears of it", lambda job: job["state"] == "failed")
    kept = end["frames_kept"]
    assert 3 <= kept < MANY

    expect(tab.at("job-line")).to_contain_text("Failed")
    expect(tab.at("job-line")).to_contain_text("was killed")
    said = tab.at("notice").filter(has_text="killed")
    expect(said).to_be_visible()
    assert ONE_SENTENCE.fullmatch(said.inner_text().strip()) and f"{kept} finished frames are kept" in said.inner_text()
    expect(tab.at("take-label")).to_have_text(f"Take: frames 0–{kept - 1}, occupancy")
    assert Take.open(end["take"]).frame_count == kept
    assert same_scene(tab.document(), before)
    tab.shot("killed")

    tab.generate(frames=2, until="video")
    tab.until_job("the next job runs", lambda job: job["state"] == "done")
    expect(tab.at("take-label")).to_have_text(f"Take: frames 0–1, video; behind it 0–{kept - 1}")
    see_every_camera(tab, "picture", sum(one["kind"] == "camera" for one in before["entities"]))


def test_cancel_keeps_what_is_finished(tab: Tab, slow_studio: StudioProcess) -> None:
    before = max((Take.open(path).frame_count for path in (slow_studio.workspace / "takes").glob("*")), default=4)
    tab.generate(frames=MANY, until="video")
    tab.until_job("more frames are made than any take before has", lambda job: job["frames_kept"] > before)
    tab.at("cancel").click()
    end = tab.until_job("it is called off", lambda job: job["state"] == "cancelled")
    kept = end["frames_kept"]
    take = Take.open(end["take"])
    assert before < kept < MANY and take.frame_count == kept
    expect(tab.at("job-line")).to_contain_text("Cancelled")
    expect(tab.at("job-line")).to_contain_text(f"{kept} finished frames are kept")
    expect(tab.at("take-label")).to_contain_text(f"Take: frames 0–{kept - 1}, video")
    expect(tab.at("generate")).to_be_enabled()
    tab.seek(1)
    tab.until("the finished frame is shown", lambda: is_picture(tab.pixels(tab.at("viewer-3d"))))


def test_a_damaged_file_is_refused_in_a_sentence_and_the_open_scene_stays(tab: Tab, slow_studio: StudioProcess) -> None:
    tab.page.keyboard.press("Control+s")
    saved = Path(tab.until_document("it is saved", lambda d: d["saved_path"] and not d["dirty"])["saved_path"])
    damaged = saved.with_name("damaged.anyscene")
    damaged.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    before = tab.document()
    tab.pick_file("damaged")
    said = tab.at("notice").filter(has_text="damaged")
    expect(said).to_be_visible()
    words = said.inner_text().strip()
    assert ONE_SENTENCE.fullmatch(words) and "Traceback" not in words, words
    assert tab.document() == before, "the open document is untouched"
    assert str(saved) == before["saved_path"] and slow_studio.process.poll() is None
