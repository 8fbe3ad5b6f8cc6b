"""The keyboard alone: chords are heard in every field, nothing holds the focus or loses it under a veil, and it is seen where it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from engine.spec.take import Take
from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(400)

FOCUSED = "document.activeElement?.dataset.testid ?? ''"
INSIDE = "Boolean(document.activeElement?.closest('.dialog'))"
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "keys") as tab:
        yield tab


def test_a_take_is_made_and_looked_at_without_a_mouse(tab: Tab) -> None:
    page, press = tab.page, tab.page.keyboard.press
    # From a field of numbers into the dialog of files, without leaving the field first.
    tab.at("seed").focus()
    press("Control+o")
    expect(tab.at("open-dialog")).to_be_visible()
    for key in ("Tab", "Shift+Tab"):
        for _ in range(tab.at("open-dialog").locator("button:visible").count() + 2):
            press(key)
            assert page.evaluate(INSIDE), f"{key} left the dialog for what lies under its veil"
    press("Escape")
    expect(tab.at("open-dialog")).to_have_count(0)
    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")

    for name, value in (("preset", "fake"), ("until", "occupancy")):
        tab.at(name).select_option(value)
    tab.at("frames").focus()
    page.keyboard.type("2")
    press("Control+Enter")
    job = tab.until_job("a take, by Ctrl+Enter in a field", lambda job: job["state"] == "done")
    assert job["recipe"]["frames"] == 2, "what was typed counts"

    tab.at("strip-CAM_FRONT").focus()
    press("Enter")
    expect(tab.at("lightbox")).to_be_visible()
    press("ArrowRight")
    expect(tab.at("lightbox-frame")).to_have_text("frame 1")
    press("Escape")
    expect(tab.at("lightbox")).to_be_hidden()
    assert page.evaluate(FOCUSED) == "strip-CAM_FRONT", "Esc gives the focus back"
    # With the mouse too, whose second press meets another tile than the first one: it was drawn anew in between.
    box = tab.until("the tile has a place", lambda: tab.at("strip-CAM_BACK").bounding_box())  # none while it is replaced
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.up()
    expect(tab.at("strip-CAM_BACK")).to_have_class("shot on")
    page.mouse.down(click_count=2)
    expect(tab.at("lightbox")).to_be_visible()
    page.mouse.up(click_count=2)
    press("Escape")
    expect(tab.at("lightbox")).to_be_hidden()


def test_ctrl_enter_in_the_prompt_makes_one_take_of_what_was_typed(tab: Tab) -> None:
    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    for name, value in (("preset", "fake"), ("until", "occupancy")):
        tab.at(name).select_option(value)
    tab.at("frames").fill("2")
    tab.at("prompt").fill("heavy rain")
    tab.page.keyboard.press("Control+Enter")
    job = tab.until_job("a take", lambda job: job["state"] == "done")
    assert Take.open(job["take"]).info["prompt"] == "heavy rain"
    assert len({one["id"] for one in tab.jobs}) == 1


def test_a_menu_that_is_left_by_tab_is_closed(tab: Tab) -> None:
    tab.at("menu-Agents").focus()
    tab.page.keyboard.press("ArrowDown")
    expect(tab.at("item-add_agent")).to_be_visible()
    tab.page.keyboard.press("Tab")
    expect(tab.at("item-add_agent")).to_be_hidden()
    tab.at("tab-author").focus()
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate(FOCUSED) == "menu-Scene", "in the order that is seen"


def test_the_focus_is_seen_on_the_canvas_and_in_3d_and_one_hit_is_no_miss(tab: Tab) -> None:
    ring = "getComputedStyle(document.querySelector('.viewer-box'), '::after').borderTopStyle"
    tab.at("view-menu").focus()
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate(FOCUSED) == "bev-canvas" and tab.page.evaluate(OUTLINE) == "solid"
    expect(tab.at("viewer-empty")).to_be_hidden()
    tab.at("enlarge-3d").focus()
    tab.page.keyboard.press("Tab")
    tab.until("a ring around the 3D view", lambda: tab.page.evaluate(FOCUSED) == "viewer-3d" and tab.page.evaluate(ring) == "solid")
    tab.page.keyboard.press("Tab")
    tab.until("and none once it is left", lambda: tab.page.evaluate(ring) != "solid")
    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    tab.at("object-filter").fill("waits in the south")
    expect(tab.at("objects").locator("[role=option]")).to_have_count(1)
    expect(tab.at("objects")).not_to_contain_text("Nothing matches")
    tab.page.keyboard.press("Control+f")
    tab.page.keyboard.type("no such thing")  # in place of what stood there
    expect(tab.at("object-filter")).to_have_value("no such thing")
    expect(tab.at("objects")).to_contain_text("Nothing matches")
