"""More cameras between those of a rig, in a real browser: story S6, four actions, and the pictures of the six of the rig stay as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from engine.spec.take import Take
from tests.app.actions import Actions, settings
from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(300)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "cameras_end") as tab:
        yield tab


def cameras(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entity["id"]: entity for entity in document["entities"] if entity["kind"] == "camera"}


def between_their_neighbours(take: Take, old: set[str]) -> None:
    """Each camera that is not of the old ones stands and looks half-way between the old ones to its right and its left."""
    names = [camera.name for camera in take.cameras]
    poses = take.ego_SE3_cameras[0]
    looks = np.arctan2(poses[:, 1, 2], poses[:, 0, 2])
    olds = sorted((index for index, name in enumerate(names) if name in old), key=lambda index: looks[index])
    taken = []
    for index in (index for index, name in enumerate(names) if name not in old):
        turns = {other: (looks[other] - looks[index]) % (2 * np.pi) for other in olds}
        left, right = min(turns, key=turns.__getitem__), max(turns, key=turns.__getitem__)
        taken.append((right, left))
        np.testing.assert_allclose(poses[index, :3, 3], (poses[left, :3, 3] + poses[right, :3, 3]) / 2, atol=1e-6)
        assert turns[left] == pytest.approx(2 * np.pi - turns[right], abs=np.radians(1.0)), f"{names[index]} looks half-way between the two"
        level = [float(poses[k, 2, 2]) for k in (left, index, right)]
        assert min(level[0], level[2]) - 0.02 <= level[1] <= max(level[0], level[2]) + 0.02, "and is tilted as they are"
    assert sorted(taken) == sorted(zip(olds, [*olds[1:], olds[0]], strict=True)), "one in each gap"


def test_scenario_s6_six_cameras_between_six(tab: Tab) -> None:
    act = Actions(tab)
    tab.page.keyboard.press("c")
    act.choose("rig", "nuscenes6")
    six = cameras(tab.until_document("the rig is there", lambda d: len(cameras(d)) == 6))
    settings(tab, 2, "video")
    before = Path(act.make("generate")["take"])
    expect(tab.at("missing-views")).to_be_hidden()
    act.count = 0

    act.press("c")
    act.click("insert-cameras")
    twelve = cameras(tab.until_document("six are inserted", lambda d: len(cameras(d)) == 12))
    assert all(twelve[id] == entity for id, entity in six.items())
    expect(tab.at("strip-VIEW_028")).to_be_visible()
    expect(tab.at("missing-views")).to_have_text("6 new views")
    job = act.make("missing-views")
    assert act.count <= 4
    expect(tab.at("missing-views")).to_be_hidden()
    after = Path(job["take"])
    take = Take.open(after)
    assert len(take.cameras) == 12 and job["frames_total"] == 6 * 2, "no picture of the six is made again"
    for entity in six.values():
        video = f"video/{entity['camera']['name']}.mp4"
        assert (after / video).read_bytes() == (before / video).read_bytes()
    assert np.array_equal(take.semantics, Take.open(before).semantics)
    between_their_neighbours(take, {entity["camera"]["name"] for entity in six.values()})
    insert = tab.at("insert-cameras")

    tab.page.keyboard.press("Control+e")
    tab.at("export-transforms").check()
    tab.at("export-go").click()
    expect(tab.at("exported-transforms")).to_contain_text("25 files")
    folder = Path(tab.at("export-result").locator(".path").inner_text()) / "transforms"
    tab.page.keyboard.press("Escape")
    expect(tab.at("export-dialog")).to_be_hidden()
    rows = json.loads((folder / "transforms.json").read_text())["frames"]
    lenses = {Path(row["file_path"]).parent.name: [row[key] for key in ("fl_x", "fl_y", "cx", "cy", "w", "h")] for row in rows}
    assert lenses == {one.name: [one.fx, one.fy, one.cx, one.cy, one.width, one.height] for one in take.cameras}, "twelve lenses, each its camera's own"
    assert len(rows) == 12 * 2 and all((folder / row["file_path"]).is_file() for row in rows)

    tab.page.keyboard.press("Control+z")
    assert cameras(tab.until_document("one step back", lambda d: len(cameras(d)) == 6)) == six
    front, left = (next(id for id, e in six.items() if e["camera"]["name"] == name) for name in ("CAM_FRONT", "CAM_FRONT_LEFT"))
    tab.at("object-filter").fill("CAM_FRONT")
    tab.at(f"object-{front}").click()
    tab.at(f"object-{left}").click(modifiers=["Control"])
    insert.click()
    seven = cameras(tab.until_document("one between the two that are selected", lambda d: len(cameras(d)) == 7))
    assert [e["camera"]["name"] for id, e in seven.items() if id not in six] == ["VIEW_028"]
