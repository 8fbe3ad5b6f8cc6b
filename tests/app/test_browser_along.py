"""A novel trajectory in the page: found in menu and palette, refused with a sentence before there is a take, and made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from engine.spec.take import Take
from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(300)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "along_end") as tab:
        tab.context.route("**/viser/**", lambda route: route.fulfill(body="<!doctype html><title>3D</title>", content_type="text/html"))
        yield tab


def test_a_take_is_made_once_more_along_another_path(tab: Tab) -> None:
    result = tab.page.locator(".topbar").get_by_text("Result", exact=True)
    result.click()
    item = tab.at("item-novel_path")
    expect(item).to_have_attribute("aria-disabled", "true")
    expect(item).to_contain_text("No finished take is shown")
    tab.page.keyboard.press("Escape")
    tab.generate(frames=1, until="occupancy", preset="fake")
    first = tab.until_job("a take", lambda job: job["state"] in ("done", "failed"))
    tab.page.keyboard.press("Control+k")
    tab.at("palette-input").fill("novel")
    tab.page.keyboard.press("Enter")
    tab.at("arg-left_m").fill("1.5")
    tab.jobs.clear()
    tab.page.keyboard.press("Enter")
    second = tab.until_job("it once more", lambda job: job["state"] in ("done", "failed"))
    assert first["state"] == second["state"] == "done", (first["message"], second["message"])
    taken = [Take.open(one["take"]) for one in (first, second)]
    assert (taken[1].world_SE3_ego - taken[0].world_SE3_ego)[0, :2, 3].round(3).tolist() == [0.0, 1.5]
    assert taken[1].info["recipe"]["occupancy"] == "resampled"
    tab.page.keyboard.press("Control+z")
    tab.until_document("the path is where it was", lambda d: d["can_undo"] is None)
