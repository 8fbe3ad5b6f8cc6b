"""The Results tab in a real browser: the shelf, videos, A beside B, scores, the queue, the matrix (S12), and back to the author's view."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from PIL import Image
from playwright.sync_api import expect

from editor.files import project
from tests.app.browser_driver import SIZE, Tab, in_a_browser, studio_tab
from tests.app.fakes import RECIPE, take
from tests.app.test_browser_legible import check

pytestmark = in_a_browser(600)

TEMPLATE = Path(__file__).resolve().parents[2] / "assets" / "templates" / "crossing.anyscene"
FRAMES = 3
CLIPPED = """() => ['button', '.mark', 'label', 'h2', 'h3', '.mini'].flatMap((one) => [...document.querySelectorAll(`#results ${one}, #matrix-card ${one}`)])
    .filter((one) => one.checkVisibility({ checkVisibilityCSS: true }) && one.getClientRects().length)
    .filter((one) => {
        const box = one.getBoundingClientRect(), cut = one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1;
        return (cut && getComputedStyle(one).textOverflow !== 'ellipsis') || box.right > innerWidth + 1;
    })
    .map((one) => `${one.tagName} '${one.textContent.trim().slice(0, 40)}'`)"""


LONG_FACTS = """() => [...document.querySelectorAll('.shelf .facts:last-child')].flatMap((row) => {
    const [frames, age] = row.children, before = [frames.textContent, age.textContent];
    [frames.textContent, age.textContent] = ['48 frames · occupancy', '12 min ago'];
    const cut = frames.scrollWidth > frames.clientWidth;
    [frames.textContent, age.textContent] = before;
    return cut ? [`${row.clientWidth} px`] : [];
})"""
"""Cards that would cut how much a take holds, were it the longest that there is."""


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    """A studio with two takes of its scene that differ in their seed, both with scores."""
    from engine.metrics.report import evaluate

    workspace = tmp_path / "workspace"
    document = project.load(TEMPLATE)
    for number, name in enumerate(("crossing-20260101-120000", "crossing-20260101-130000")):
        folder = take(document, workspace / "takes" / name, replace(RECIPE, seed=number), frames=FRAMES, cameras=("CAM_FRONT", "CAM_BACK"))
        (workspace / "scores").mkdir(exist_ok=True)
        (workspace / "scores" / f"{name}.json").write_text(json.dumps(evaluate([folder]), default=float))
    with studio_tab(workspace, "results") as tab:
        yield tab


def open_results(tab: Tab) -> None:
    tab.page.keyboard.press("F2")
    expect(tab.at("shelf-take")).to_have_count(2)
    expect(tab.page.locator("#results-title")).to_contain_text("3 frames")
    expect(tab.page.locator("#take-restore")).to_be_enabled()


def seen_frame(tab: Tab, frame: int) -> None:
    """Every video that is shown stands within that frame."""
    script = """(frame) => [...document.querySelectorAll('#player video, #versus video')].filter((one) => one.checkVisibility())
        .every((one) => one.readyState >= 2 && !one.seeking && Math.floor(one.currentTime * 12) === frame)"""
    tab.until(f"every video shows frame {frame}", lambda: tab.page.evaluate(script, frame))


def test_takes_are_looked_at_compared_and_measured(tab: Tab) -> None:
    open_results(tab)
    cards = tab.at("shelf-take")
    expect(cards.first).to_contain_text("current")
    expect(cards.first).to_contain_text("seed 1")
    expect(cards.first).to_contain_text("3 frames · 0.3 s")
    tab.until("thumbnails are there", lambda: tab.page.evaluate("() => [...document.querySelectorAll('.thumb img')].every((one) => one.naturalWidth > 0)"))
    for size in ({"width": 1280, "height": 720}, {"width": 2560, "height": 1440}, SIZE):
        tab.page.set_viewport_size(size)  # type: ignore[arg-type]
        tab.settle()
        assert tab.page.evaluate(CLIPPED) == [], size
        grid, bar = tab.at("video-grid").first.bounding_box(), tab.at("player-play").first.bounding_box()
        assert grid and bar and bar["y"] + bar["height"] <= size["height"] and grid["height"] > 0.5 * size["height"]
    tab.page.set_viewport_size({"width": 1280, "height": 720})
    assert tab.page.evaluate(LONG_FACTS) == [], "on a narrow shelf too"
    tab.page.set_viewport_size(SIZE)  # type: ignore[arg-type]
    check(tab, "the results, videos")
    # All cameras stand at one frame; the arrows step them.
    seen_frame(tab, 0)
    tab.at("video-CAM_FRONT").first.focus()
    tab.page.keyboard.press("ArrowRight")
    seen_frame(tab, 1)
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("#player [data-testid=video-CAM_BACK]")).to_be_hidden()
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("#player [data-testid=video-CAM_BACK]")).to_be_visible()

    # B is chosen already, as the partner of what is selected: to ask for it turns to the comparison all the same.
    expect(cards.nth(1)).to_have_class(re.compile("other"))
    cards.nth(1).hover()
    cards.nth(1).get_by_role("button", name="Compare with").click()
    tile = tab.page.locator("#versus [data-testid=video-CAM_FRONT]")
    expect(tile.locator("video")).to_have_count(2)
    expect(tile).to_contain_text("A · seed 1")
    expect(tile).to_contain_text("B · seed 0")
    box = tile.bounding_box()
    assert box is not None
    tab.drag((box["x"] + 0.5 * box["width"], box["y"] + 40), (box["x"] + 0.2 * box["width"], box["y"] + 40))
    slide = "() => Number(document.querySelector('#versus .video-grid').style.getPropertyValue('--slide'))"
    tab.until("the slider is where it was let go", lambda: abs(tab.page.evaluate(slide) - 0.2) < 0.02)
    check(tab, "the results, A beside B")

    tab.page.get_by_role("tab", name="Scores").click()
    expect(tab.page.locator("#scores-channels")).to_contain_text("drivable area")
    expect(tab.page.locator("#scores-main")).to_contain_text("mIoU of the painted channels")
    check(tab, "the results, scores")

    # Measured by the engine's process, as a job.
    tab.page.locator("#take-evaluate").click()
    expect(tab.at("job").first).to_contain_text("Scores")
    expect(tab.at("job").first).to_contain_text("done")


def test_the_scene_of_a_take_is_restored(tab: Tab) -> None:
    name = tab.at("scene-name")
    name.fill("something else")
    name.press("Enter")
    length = tab.at("duration").input_value()
    tab.at("duration").fill("2")
    tab.at("duration").press("Enter")
    tab.until_document("renamed and cut", lambda document: (document["name"], document["duration_s"]) == ("something else", 2))
    open_results(tab)
    expect(tab.at("shelf-take").first).not_to_contain_text("current")
    tab.page.locator("#take-restore").click()
    tab.until_document("the scene is back", lambda document: document["name"] == "crossing")
    expect(tab.at("tab-author")).to_have_attribute("aria-selected", "true")
    expect(name).to_have_value("crossing")
    expect(tab.at("duration")).to_have_value(length)
    tab.until("the take is shown", lambda: tab.at("viewer-badge").inner_text().startswith("Take"))


def queued(tab: Tab) -> set[tuple[str, int]]:
    """(light and weather, seed) of every job that is kept on disk; the scene that is kept with it says so in its prompt."""
    found = set()
    (path,) = tab.studio.workspace.rglob("queue.json")
    for row in json.loads(path.read_text())["jobs"]:
        if row["item"]:
            prompt = project.load(path.parent / row["scene"]).prompt
            assert all(word in prompt for word in row["item"].split(", ")), (row["item"], prompt)
            found.add((row["item"], row["recipe"]["seed"]))
    return found


def test_scenario_s12_a_matrix_of_weather_light_and_seeds_in_five_actions(tab: Tab) -> None:
    tab.generate(frames=48, preset="fake", until="occupancy")
    tab.until_job("it is under way", lambda job: job["state"] in ("running", "queued"))
    actions = 0
    open_results(tab)
    actions += 1
    tab.page.locator("#matrix-open").click()
    actions += 1
    tab.until("the dialog has the focus", lambda: tab.page.evaluate("Boolean(document.activeElement.closest('#matrix-cells'))"))
    tab.page.locator("#matrix-cells").get_by_text("Four").click()
    actions += 1
    tab.page.locator("#matrix-seeds input").fill("3")
    actions += 1
    expect(tab.page.locator("#matrix-count")).to_contain_text("12 takes")
    assert tab.page.evaluate(CLIPPED) == []
    check(tab, "the matrix")
    tab.page.locator("#matrix-queue").focus()
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("Boolean(document.activeElement.closest('#matrix-card'))"), "Tab goes round in it"
    tab.page.keyboard.press("Escape")
    tab.until("who opened it has the focus again", lambda: tab.page.evaluate("document.activeElement.id") == "matrix-open")
    tab.page.locator("#matrix-open").click()
    tab.page.locator("#matrix-queue").click()
    actions += 1
    assert actions <= 5
    waits = tab.page.locator("[data-testid=job].queued, [data-testid=job].running").filter(has_text=re.compile(r"(day|night), (clear|rain)"))
    expect(waits).to_have_count(12)
    everything = {(f"{light}, {weather}", seed) for light in ("day", "night") for weather in ("clear", "rain") for seed in range(3)}
    for item, seed in everything:
        expect(waits.filter(has_text=f"{item} · seed {seed}")).to_have_count(1)
    assert queued(tab) == everything, "each with its recipe, kept on disk"
    last = waits.filter(has_text="night, rain · seed 2")
    last.get_by_test_id("job-earlier").click()
    expect(last).to_contain_text(re.compile(r"\d+\. in line"))
    last.get_by_test_id("job-cancel").click()
    expect(waits).to_have_count(11)
    tab.until("the queue on disk is without it", lambda: queued(tab) == everything - {("night, rain", 2)})
    check(tab, "the queue")
    tab.at("cancel-mine").click()
    tab.until("nothing waits", lambda: waits.count() == 0)
    expect(tab.at("job").filter(has_text="night, rain · seed 2").get_by_test_id("job-retry")).to_be_visible()


def test_a_camera_opened_large_steps_zooms_shows_outlines_and_is_made_anew_alone(tab: Tab) -> None:
    tab.generate(frames=2, preset="fake", views="fake", until="video")
    first = tab.until_job("a take", lambda job: job["state"] == "done")
    tab.page.keyboard.press("Escape")
    tab.at("strip-CAM_FRONT").dblclick()
    expect(tab.at("lightbox")).to_be_visible()
    expect(tab.at("lightbox-frame")).to_have_text("frame 0")
    tab.page.keyboard.press("ArrowRight")
    expect(tab.at("lightbox-frame")).to_have_text("frame 1")
    tab.page.keyboard.press("o")
    tab.until("outlines are there", lambda: tab.page.evaluate("() => (document.querySelector('[data-testid=outlines]')?.naturalWidth ?? 0) > 0"))
    box = tab.at("lightbox").locator(".shot").bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.wheel(0, -500)
    tab.until("it is zoomed", lambda: float(tab.page.evaluate("() => document.querySelector('.lightbox .shot').style.getPropertyValue('--scale')")) > 1.5)
    check(tab, "a camera, large")
    tab.jobs.clear()
    tab.at("camera-anew").click()
    again = tab.until_job("the camera is made anew", lambda job: job["state"] == "done")
    assert again["id"] != first["id"] and again["frames_total"] == 2, "the pictures of one camera"
    for video in (Path(first["take"]) / "video").glob("*.mp4"):
        same = video.read_bytes() == (Path(again["take"]) / "video" / video.name).read_bytes()
        assert same or video.name == "CAM_FRONT.mp4", video.name
    tab.page.keyboard.press("Escape")
    expect(tab.at("lightbox")).to_be_hidden()


def test_a_picture_dropped_on_a_camera_is_what_its_video_begins_from(tab: Tab) -> None:
    drop = """([tile, bytes, name]) => {
        const held = new DataTransfer();
        held.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
        for (const kind of ["dragover", "drop"]) tile.dispatchEvent(new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true }));
    }"""
    tile = tab.at("strip-CAM_FRONT").element_handle()
    tab.page.evaluate(drop, [tile, list(b"no picture at all"), "notes.txt"])
    expect(tab.page.get_by_text("no PNG or JPEG picture")).to_be_visible()
    tab.faults.clear()  # the refusal's status stands on the console
    data = io.BytesIO()
    Image.new("RGB", (64, 36), (90, 120, 200)).save(data, "PNG")
    tab.page.evaluate(drop, [tab.at("strip-CAM_FRONT").element_handle(), list(data.getvalue()), "dusk.png"])
    expect(tab.at("anchor-CAM_FRONT")).to_be_visible()
    # 'fake' begins from no picture, and the page says so.
    expect(tab.page.get_by_text("begins from no picture")).to_be_visible()
    kept = list((tab.studio.workspace / "anchors").iterdir())
    assert [one.read_bytes() for one in kept] == [data.getvalue()]
