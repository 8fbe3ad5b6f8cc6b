"""The page can be read: no text under 11 px and none that stands out by less than 4.5 to 1, measured in the live page in each of its states.

Words that the canvas and the timeline draw are measured for their size, where they are drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(400)

SMALLEST_PX = 11
LEAST_CONTRAST = 4.5
MEASURE = (Path(__file__).parent / "legible.js").read_text()
LISTEN = """() => {
    window.drawn = {};
    for (const verb of ["fillText", "strokeText"]) {
        const draw = CanvasRenderingContext2D.prototype[verb];
        CanvasRenderingContext2D.prototype[verb] = function (text, ...rest) {
            window.drawn[this.font] = text;
            return draw.call(this, text, ...rest);
        };
    }
}"""


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "legible") as tab:
        yield tab


def check(tab: Tab, state: str) -> list[dict[str, Any]]:
    tab.settle()
    rows = tab.page.evaluate(MEASURE)
    bad = {
        f"'{row['text']}' ({row['where']}): {row['px']:g} px, {row['contrast']:.1f} to 1"
        for row in rows
        if row["px"] < SMALLEST_PX or row["contrast"] < LEAST_CONTRAST
    }
    assert not bad, f"{state}:\n" + "\n".join(sorted(bad))
    return rows


def test_everything_on_the_page_can_be_read(tab: Tab) -> None:
    tab.page.evaluate(LISTEN)
    assert len(check(tab, "at first")) > 80, "the script reads the page"
    tab.generate(frames=1, until="video", preset="fake", views="fake")
    tab.until_job("a take", lambda job: job["state"] == "done")
    check(tab, "with a take")
    cars = tab.page.locator("[data-testid^=object-car]")
    cars.first.click()
    check(tab, "with an agent in the inspector")
    tab.page.keyboard.press("Escape")
    for key in "beaplwcr":
        tab.page.keyboard.press(key)
        check(tab, f"with the tool of key {key}")
    tab.page.keyboard.press("v")
    tab.at("channel-walkway").click()
    tab.page.keyboard.press("p")
    box = tab.box
    for dx, dy in ((0, 0), (60, 0), (60, 60)):
        tab.click((box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy))
    tab.page.keyboard.press("Enter")
    tab.until("the take is stale", lambda: tab.at("stale").is_visible())
    check(tab, "with a take that is stale")
    for name, dialog in (("open", "open-dialog"), ("import", "import-dialog"), ("help", "help-sheet"), ("new", "unsaved")):
        tab.at(name).click()
        tab.at(dialog).wait_for()
        check(tab, f"with the dialog {dialog}")
        tab.page.keyboard.press("Escape")
    sizes = {font: float(re.findall(r"([\d.]+)px", font)[0]) for font in tab.page.evaluate("window.drawn")}
    assert sizes and min(sizes.values()) >= SMALLEST_PX, sizes
