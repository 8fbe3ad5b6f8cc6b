"""The Results tab in a real browser: the shelf, videos, A beside B, scores, the queue, the matrix (S12), and back to the author's view."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from editor.files import project
from tests.app.browser_driver import CHROMIUM, SIZE, Tab, studio_tab
from tests.app.fakes import RECIPE, take
from tests.app.test_browser_legible import check

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
    pytest.mark.timeout(600),
]

TEMPLATE = Path(__file__).resolve().parents[2] / "assets" / "templates" / "crossing.anyscene"
FRAMES = 3
CLIPPED = """() => ['button', '.mark', 'label', 'h2', 'h3', '.mini'].flatMap((one) => [...document.querySelectorAll(`#results ${one}, #matrix-card ${one}`)])
    .filter((one) => one.checkVisibility({ checkVisibilityCSS: true }) && one.getClientRects().length)
    .filter((one) => {
        const box = one.getBoundingClientRect(), cut = one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1;
        return (cut && getComputedStyle(one).textOverflow !== 'ellipsis') || box.right > innerWidth + 1;
    })
    .map((one) => `${one.tagName} '${one.textContent.trim().slice(0, 40)}'`)"""


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
    expect(cards.first).to_contain_text("3 fr · 0.3 s")
    tab.until("thumbnails are there", lambda: tab.page.evaluate("() => [...document.querySelectorAll('.thumb img')].every((one) => one.naturalWidth > 0)"))
    for size in ({"width": 1280, "height": 720}, {"width": 2560, "height": 1440}, SIZE):
        tab.page.set_viewport_size(size)  # type: ignore[arg-type]
        tab.settle()
        assert tab.page.evaluate(CLIPPED) == [], size
        grid, bar = tab.at("video-grid").first.bounding_box(), tab.at("player-play").first.bounding_box()
        assert grid and bar and bar["y"] + bar["height"] <= size["height"] and grid["height"] > 0.5 * size["height"]
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

    tab.page.get_by_role("tab", name="Compare").click()
    tile = tab.page.locator("#versus [data-testid=video-CAM_FRONT]")
    expect(tile.locator("video")).to_have_count(2)
    expect(tile).to_contain_text("A · seed 1")
    expect(tile).to_contain_text("B · seed 0")
    box = tile.bounding_box()
    assert box is not None
    tab.drag((box["x"] + 0.5 * box["width"], box["y"] + 40), (box["x"] + 0.2 * box["width"], box["y"] + 40))
    slide = float(tab.page.evaluate("() => document.querySelector('#versus .video-grid').style.getPropertyValue('--slide')"))
    assert abs(slide - 0.2) < 0.02
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
    tab.until_document("renamed", lambda document: document["name"] == "something else")
    open_results(tab)
    expect(tab.at("shelf-take").first).not_to_contain_text("current")
    tab.page.locator("#take-restore").click()
    expect(tab.at("tab-author")).to_have_attribute("aria-selected", "true")
    expect(name).to_have_value("crossing")
    tab.until("the take is shown", lambda: tab.at("viewer-badge").inner_text().startswith("Take"))


def test_s12_a_matrix_of_weather_light_and_seeds_in_five_actions(tab: Tab) -> None:
    tab.generate(frames=48, preset="fake", until="occupancy")
    tab.until_job("it is under way", lambda job: job["state"] in ("running", "queued"))
    actions = 0
    open_results(tab)
    actions += 1
    tab.page.locator("#matrix-open").click()
    actions += 1
    tab.page.locator("#matrix-cells").get_by_text("Four").click()
    actions += 1
    tab.page.locator("#matrix-seeds input").fill("3")
    actions += 1
    expect(tab.page.locator("#matrix-count")).to_contain_text("12 takes")
    assert tab.page.evaluate(CLIPPED) == []
    check(tab, "the matrix")
    tab.page.locator("#matrix-queue").click()
    actions += 1
    assert actions <= 5
    waits = tab.page.locator("[data-testid=job].queued, [data-testid=job].running").filter(has_text=re.compile(r"(day|night), (clear|rain)"))
    expect(waits).to_have_count(12)
    for words in ("day, clear · seed 0", "night, rain · seed 2"):
        expect(waits.filter(has_text=words)).to_have_count(1)
    last = waits.filter(has_text="night, rain · seed 2")
    last.get_by_test_id("job-earlier").click()
    expect(last).to_contain_text(re.compile(r"\d+\. in line"))
    last.get_by_test_id("job-cancel").click()
    expect(waits).to_have_count(11)
    check(tab, "the queue")
    tab.at("cancel-mine").click()
    tab.until("nothing waits", lambda: waits.count() == 0)
    expect(tab.at("job").filter(has_text="night, rain · seed 2").get_by_test_id("job-retry")).to_be_visible()
