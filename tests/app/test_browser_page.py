"""How the page stands at the sizes that people have, and what its small parts say: nothing sticks out, nothing is white, nothing has two names."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright")

from PIL import Image
from playwright.sync_api import expect

from tests.app.browser_driver import StudioProcess, Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(400)

SIZES = ((1280, 720), (1440, 900), (2560, 1440))
NARROW = ((853, 600), (1024, 700), (1280, 720))
"""A browser's zoom makes a page narrow: the first is 1280 x 900 at 150 %."""
TOOL_KEYS = "VBEFPLSZTAWCRO"
STICKS_OUT = """() => {
    const found = [];
    for (const bar of document.querySelectorAll(".pane-head, .topbar, .options, .timeline-bar, .status, .generate, .dialog")) {
        const box = bar.getBoundingClientRect();
        for (const one of bar.querySelectorAll("*")) {
            const inside = one.getBoundingClientRect();
            if (inside.width && (inside.right > box.right + 1 || inside.left < box.left - 1) && one.checkVisibility()) found.push(`${one.className || one.tagName}: ${one.textContent}`);
        }
    }
    return found;
}"""  # noqa: E501
HIDDEN_OPTIONS = """() => [...document.querySelectorAll(".tool-options input, .tool-options select, .tool-options button")].filter((one) => {
    const box = one.getBoundingClientRect(), there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return one.checkVisibility() && !(there && (one.contains(there) || there.contains(one)));
}).map((one) => one.getAttribute("aria-label") || one.textContent)"""
CUT_NAMES = """() => [...document.querySelectorAll(".shot figcaption > span:first-child")]
    .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""
CUT_BADGES = """() => [...document.querySelectorAll(".badge")].filter((one) => one.checkVisibility()).filter((one) => {
    const word = one.querySelector("b");
    word.textContent = "Before edit";
    return word.scrollWidth > word.clientWidth || word.clientWidth < 40;
}).map((one) => one.dataset.testid)"""
WHITE = 128
"""Mean of a pane's pixels that nobody takes for dark."""


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "page") as tab:
        yield tab


def shows_kinds(tab: Tab, camera: str, shown: bool, why: str) -> None:
    """A browser finds what is under a pointer that rests anew with its next picture: the tile may just have been drawn again."""
    kinds = tab.at(f"strip-{camera}").locator(".kinds")
    tab.until(why, lambda: float(kinds.evaluate("(one) => getComputedStyle(one).opacity")) == shown)


def test_nothing_sticks_out_at_any_size(tab: Tab) -> None:
    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    tab.generate(frames=1, until="video", preset="fake", views="drawn")
    tab.until_job("a take", lambda job: job["state"] == "done")
    expect(tab.at("strip-badge")).to_contain_text("Take, drawn")
    tab.page.locator("[data-testid^=object-car]").first.click()
    for width, height in SIZES:
        tab.page.set_viewport_size({"width": width, "height": height})
        # The longest words that the top bar has for a step, and for what is kept.
        tab.page.evaluate("""() => {
            document.querySelector(".topbar .step").textContent = "overtakes on the right follows the lane";
            document.querySelector(".topbar .saved").textContent = "Autosaved just now";
        }""")
        tab.page.mouse.move(width / 3, height / 2)
        tab.settle()
        assert tab.page.evaluate(STICKS_OUT) == [], f"{width} x {height}"
        assert tab.page.evaluate(CUT_NAMES) == [], f"{width} x {height}"
    shows_kinds(tab, "CAM_FRONT", False, "nothing lies on a picture")
    tab.at("strip-CAM_FRONT").hover()
    shows_kinds(tab, "CAM_FRONT", True, "under the pointer")
    tab.page.mouse.move(5, 5)
    tab.at("strip-CAM_FRONT").get_by_label("CAM_FRONT: Depth").focus()
    shows_kinds(tab, "CAM_FRONT", True, "and with the keyboard")
    tab.page.keyboard.press("Enter")
    tab.page.evaluate("document.activeElement.blur()")
    tab.page.mouse.move(5, 5)
    shows_kinds(tab, "CAM_FRONT", True, "a camera that shows something else than the others says so")
    shows_kinds(tab, "CAM_BACK", False, "and no other")


def test_no_tool_hides_what_it_can_be_told_in_a_narrow_page(tab: Tab) -> None:
    """The camera tool's rig was cut at 1280 px and 'Insert between' not to be seen; at 1024 half of the voxel tool, and the way to the keys."""
    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    for width, height in NARROW:
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.settle()
        before = tab.box
        for key in TOOL_KEYS:
            tab.page.keyboard.press(key)
            tab.settle()
            assert tab.page.evaluate(HIDDEN_OPTIONS) == [], f"{width} x {height}, tool {key}"
            assert tab.box == before, f"the map stays where it is, tool {key}"
        for testid in ("help", "palette-open", "generate"):
            box = tab.at(testid).bounding_box()
            assert box and box["x"] + box["width"] <= width, f"{testid} at {width}"
        cut = tab.page.evaluate(CUT_BADGES)
        assert cut == [], f"what a picture is true of stays in words at {width}"
        tab.at("generate").scroll_into_view_if_needed()
        generate, status = tab.at("generate").bounding_box(), tab.at("checks").bounding_box()
        assert generate and status and generate["y"] + generate["height"] <= status["y"], "what has no room is scrolled to"


def test_escape_drops_what_is_half_made_and_then_the_selection(tab: Tab) -> None:
    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    tab.page.locator("[data-testid^=object-car]").first.click()
    chosen = tab.page.locator(".objects .row.on")
    expect(chosen).to_have_count(1)
    tab.page.keyboard.press("p")
    box = tab.box
    for dx in (0, 60):
        tab.click((box["x"] + 60 + dx, box["y"] + 60))
    tab.page.keyboard.press("Escape")
    expect(chosen).to_have_count(1)
    tab.page.keyboard.press("Escape")
    expect(chosen).to_have_count(0)
    tab.page.keyboard.press("Enter")
    assert tab.document()["can_undo"] is None, "the points were dropped"


def test_a_stroke_drawn_in_parts_is_the_picture_drawn_whole(tab: Tab) -> None:
    def canvas() -> np.ndarray:
        data = tab.page.evaluate("document.querySelector('[data-testid=bev-canvas]').toDataURL().split(',')[1]")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)

    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    box = tab.box
    for key, channel in (("b", "walkway"), ("e", "drivable_area")):
        tab.at(f"channel-{channel}").click()
        tab.page.keyboard.press(key)
        tab.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
        tab.page.mouse.down()
        tab.settle()
        before = canvas()
        for x, y in ((0.35, 0.45), (0.6, 0.42), (0.5, 0.7), (0.501, 0.7)):
            tab.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
        tab.settle()
        in_parts = canvas()
        tab.page.keyboard.press("Shift+K")  # of the 3D view: on the canvas it draws everything again, and changes nothing
        tab.settle()
        # A slanted edge that is drawn through a clip is rounded otherwise by a few steps of 255.
        assert np.abs(in_parts - canvas()).max() <= 12
        assert not np.array_equal(in_parts, before), "the stroke is seen"
        tab.page.mouse.up()
        tab.until_document("the stroke is done", lambda d, channel=channel: channel.split("_")[0] in (d["can_undo"] or ""))


def test_an_example_is_chosen_by_its_looks(tab: Tab) -> None:
    tab.at("open").click()
    card = tab.at("open-dialog").locator('[title$="/lane_closure.anyscene"]')
    expect(card).to_contain_text("lane closure")
    expect(card).to_contain_text("4 s · ")
    expect(card).to_contain_text("6 cameras")
    tab.until("its picture", lambda: card.locator("img").evaluate("(one) => one.naturalWidth"))


def test_a_new_agent_has_one_number(tab: Tab) -> None:
    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    tab.page.keyboard.press("a")
    tab.click(tab.find_places()((-20.0, -5.0)))
    tab.until_document("a car", lambda d: any(one["id"] == "car-4" for one in d["entities"]))
    expect(tab.at("object-car-4")).to_contain_text("car 4")
    expect(tab.at("inspector").locator(".who b")).to_have_text("car 4")


def test_a_closed_lane_is_edited_by_its_numbers(tab: Tab) -> None:
    tab.pick_file("two_way")
    tab.until_document("the street", lambda d: d["name"] == "two-way street")

    def cones(d: dict[str, Any]) -> int:
        return sum(one.get("class_name") == "traffic_cone" for one in d["entities"])

    px = tab.find_places()
    tab.page.keyboard.press("t")
    tab.drag(px((-30.0, -1.75)), px((0.0, -1.75)))
    made = cones(tab.until_document("cones", cones))
    expect(tab.at("inspector")).to_contain_text("Closed lane 1")
    spacing = tab.at("closed-spacing")
    spacing.fill("6")
    spacing.press("Enter")
    tab.until_document("half of them", lambda d: 0 < cones(d) < made)
    expect(tab.page.locator(".objects .row.on").first).to_contain_text("closed lane 1")
    tab.page.keyboard.press("Control+z")
    tab.until_document("all of them", lambda d: cones(d) == made)


def test_the_3d_view_is_never_white(browser, tmp_path: Path) -> None:
    studio = StudioProcess(tmp_path / "workspace", preset="fake").start()
    tab = Tab(browser, studio)
    try:
        tab.page.goto(studio.url, wait_until="commit")
        pane, means = tab.page.locator(".viewer-box"), []
        pane.wait_for()
        while tab.at("viewer-empty").is_visible() or len(means) < 4:
            means.append(float(tab.pixels(pane).mean()))
        assert max(means) < WHITE, means
    finally:
        tab.close()
        studio.stop()
