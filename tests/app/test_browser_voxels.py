"""Edits of generated voxels: for which frames they hold is seen before they are made, and where they are, afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(300)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "voxels") as tab:
        yield tab


def test_an_edit_of_a_range_says_its_frames_and_is_drawn_while_it_holds(tab: Tab) -> None:
    tab.pick_file("crossing")
    tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    place = tab.find_places()
    tab.page.keyboard.press("o")
    tab.at("voxel-scope-range").click()
    for name, value in (("range-from", 3), ("range-to", 5)):
        tab.at(name).fill(str(value))
        tab.at(name).press("Enter")
    # Where nothing else is drawn.
    tab.drag(place((-36.0, 34.0)), place((-20.0, 24.0)))
    (edit,) = [one for one in tab.until_document("an edit", lambda d: any(one["id"] == "edit-1" for one in d["entities"]))["entities"] if one["id"] == "edit-1"]
    assert edit["span"] == [3, 5]
    expect(tab.at("inspector")).to_contain_text("16.0 × 10.0 m")

    # A corner of it, far from the window of a take, which drives on with the ego.
    (x0, y0), (x1, y1) = place((-26.0, 28.0)), place((-18.0, 22.0))
    clip = (x0, y0, x1 - x0, y1 - y0)

    def drawn(frame: int) -> np.ndarray:
        tab.seek(frame)
        tab.page.mouse.move(*place((10.0, -20.0)))
        tab.settle()
        return tab.pixels(clip=clip)

    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Escape")
    held, over = drawn(4), drawn(6)
    assert np.abs(held.astype(int) - over).max() > 60, "its outline, while voxels are edited"
    tab.page.keyboard.press("v")
    tab.page.keyboard.press("Escape")
    assert np.abs(drawn(4).astype(int) - over).max() < 30, "and not while something else is done"
