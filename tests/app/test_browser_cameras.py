"""More cameras between those of a rig, in a real browser: story S6, four actions, and the six of the rig stay as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from engine.spec.take import Take
from tests.app.browser_driver import CHROMIUM, Tab, studio_tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
    pytest.mark.timeout(300),
]


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "cameras_end") as tab:
        yield tab


def cameras(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entity["id"]: entity for entity in document["entities"] if entity["kind"] == "camera"}


def test_scenario_s6_six_cameras_between_six(tab: Tab) -> None:
    tab.page.keyboard.press("c")
    tab.at("rig").select_option("nuscenes6")
    six = cameras(tab.until_document("the rig is there", lambda d: len(cameras(d)) == 6))
    tab.generate(frames=1, until="video")
    before = tab.until_job("a take of six", lambda job: job["state"] in ("done", "failed"))

    insert = tab.at("insert-cameras")
    insert.click()
    twelve = cameras(tab.until_document("six are inserted", lambda d: len(cameras(d)) == 12))
    assert all(twelve[id] == entity for id, entity in six.items())
    expect(tab.at("strip-VIEW_028")).to_be_visible()
    tab.at("generate").click()
    after = tab.until_job("a take of twelve", lambda job: job["id"] != before["id"] and job["state"] in ("done", "failed"))
    assert before["state"] == after["state"] == "done", (before["message"], after["message"])
    assert len(Take.open(after["take"]).cameras) == 12
    for entity in six.values():
        video = f"video/{entity['camera']['name']}.mp4"
        assert (Path(after["take"]) / video).read_bytes() == (Path(before["take"]) / video).read_bytes()

    tab.page.keyboard.press("Control+z")
    assert cameras(tab.until_document("one step back", lambda d: len(cameras(d)) == 6)) == six
    front, left = (next(id for id, e in six.items() if e["camera"]["name"] == name) for name in ("CAM_FRONT", "CAM_FRONT_LEFT"))
    tab.at("object-filter").fill("CAM_FRONT")
    tab.at(f"object-{front}").click()
    tab.at(f"object-{left}").click(modifiers=["Control"])
    insert.click()
    seven = cameras(tab.until_document("one between the two that are selected", lambda d: len(cameras(d)) == 7))
    assert [e["camera"]["name"] for id, e in seven.items() if id not in six] == ["VIEW_028"]
