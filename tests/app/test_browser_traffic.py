"""Two stories in the page: left-hand traffic (S3), and all vehicles out of the occupancy with the pictures alone made again (S4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from editor.edits.occupancy import VEHICLES
from engine.spec.classes import CLASS
from engine.spec.take import Take
from tests.app.browser_driver import CHROMIUM, Tab, same_scene, studio_tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
    pytest.mark.timeout(400),
]


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "traffic") as tab:
        yield tab


def vehicles(folder: str) -> int:
    return int(np.isin(Take.open(folder).semantics, [CLASS[name] for name in VEHICLES]).sum())


def test_scenarios_s3_and_s4_traffic_is_mirrored_and_vehicles_leave_the_result(tab: Tab) -> None:
    scene = tab.document()
    tab.at("mirror").click()
    mirrored = tab.until_document("traffic keeps to the other side", lambda d: d["can_undo"] == "Mirror traffic")
    y = [[one["keyframes"][0][2] for one in document["entities"] if one["kind"] == "agent"] for document in (scene, mirrored)]
    assert y[1] == [-value for value in y[0]]
    tab.page.keyboard.press("Control+z")
    tab.until_document("and back", lambda d: same_scene(d, scene))

    tab.generate(frames=1, until="video", preset="fake", views="fake")
    first = tab.until_job("a take", lambda job: job["state"] == "done")["take"]
    assert vehicles(first) > 0
    tab.at("remove-vehicles").click()
    expect(tab.at("before").first).to_be_visible()
    expect(tab.at("strip-badge")).to_contain_text("Before your edit")
    tab.shot("traffic_before")
    tab.jobs.clear()
    tab.at("pictures-again").click()
    again = tab.until_job("the pictures are made again", lambda job: job["state"] == "done")["take"]
    assert vehicles(again) == 0 and vehicles(first) > 0
    expect(tab.at("strip-badge")).to_contain_text("Take, fake")
    expect(tab.at("before").first).to_be_hidden()
    expect(tab.at("stale")).to_be_hidden()
