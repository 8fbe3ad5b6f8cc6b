"""A region drawn anew in a real browser: marked, compared, kept beside the old take; then on from a frame, and a draft at rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from engine.spec.take import Take
from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(300)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "regions_end") as tab:
        yield tab


def test_a_region_is_drawn_anew_compared_and_kept(tab: Tab) -> None:
    tab.pick_file("lane_closure")
    scene = tab.until_document("the template opens", lambda d: "closure" in d["name"])
    _, x, y, *_ = scene["ego"]["keyframes"][0]
    tab.generate(frames=3, until="occupancy", preset="fake")
    first = tab.until_job("a take to draw in", lambda job: job["state"] == "done")["take"]
    expect(tab.at("generate-on")).to_be_disabled()
    tab.seek(1)
    expect(tab.at("generate-on")).to_have_text("From frame 1")

    tab.page.keyboard.press("r")
    px = tab.find_places()
    tab.drag(px((x + 6, y - 6)), px((x + 22, y + 8)))
    expect(tab.at("variants")).to_be_visible()
    tab.at("regenerate").click()
    which, quality = tab.at("variant-which"), tab.at("variant-quality")
    expect(which).to_have_text("1 of 1")
    expect(quality).to_have_text("Full quality")
    expect(tab.at("strip-badge")).to_contain_text("Variant, full quality")
    assert quality.get_attribute("title") == "Seed 1"
    tab.page.locator("canvas.bev").focus()
    tab.page.keyboard.press("Enter")
    expect(which).to_have_text("2 of 2")
    expect(quality).to_have_attribute("title", "Seed 2")
    tab.shot("regions_second")
    tab.page.keyboard.press("[")
    tab.page.keyboard.press("[")
    expect(which).to_have_text("Before · 2")
    expect(tab.at("variant-keep")).to_be_disabled()
    expect(tab.at("strip-badge")).to_contain_text("Take")
    tab.page.keyboard.press("]")
    expect(which).to_have_text("1 of 2")

    tab.page.keyboard.press("ArrowRight")
    expect(tab.at("variant-words")).to_have_text("Variants wait at frame 1")
    tab.at("variant-go").click()
    expect(which).to_have_text("1 of 2")
    tab.jobs.clear()
    tab.at("variant-keep").click()
    kept = tab.until_job("it is kept", lambda job: job["state"] == "done")["take"]
    expect(tab.at("variants")).to_be_hidden()
    old, new = Take.open(first), Take.open(kept)
    assert kept != first and np.array_equal(old.semantics[[0, 2]], new.semantics[[0, 2]])
    (region,) = new.info["recipe"]["redrawn"]
    assert region["frame"] == 1 and region["seed"] == 1 and np.allclose(region["region_m"][0], (x + 6, y - 6), atol=0.3)

    tab.page.keyboard.press("a")
    tab.click(px((x + 10, y + 2)))
    tag = tab.at("strip-badge")
    expect(tag).to_contain_text("Draft")
    expect(tag).to_contain_text("Full quality")
    tab.jobs.clear()
    tab.page.keyboard.press("Control+Shift+Enter")
    onward = tab.until_job("on from frame 1", lambda job: job["state"] == "done")["take"]
    after = Take.open(onward)
    changed = [(new.semantics[k] != after.semantics[k]).any() for k in range(3)]
    assert changed == [False, True, True], "the car stands in the frames from the playhead on"


def test_esc_puts_a_region_away_and_nothing_to_draw_in_is_said(tab: Tab) -> None:
    tab.page.keyboard.press("r")
    tab.at("region-shape-lasso").click()
    box = tab.box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.drag(*((middle[0] + dx, middle[1] + dy) for dx, dy in ((0, 0), (80, 10), (60, 90), (-20, 60))))
    expect(tab.at("variant-words")).to_have_text("Region at frame 0")
    tab.page.keyboard.press("Enter")
    expect(tab.at("notice").filter(has_text="generate it first")).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.at("variants")).to_be_hidden()
