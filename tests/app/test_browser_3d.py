"""Clicks in the 3D view: a real mouse on the real viser page, at places that are worked out from where its eye begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from app.view3d.eye import FOV_RAD, HOME_LOOKS_AT_M, HOME_M
from editor.clip import ego_pose_at
from editor.entities import Agent, CameraEntity
from engine.spec.geometry import invert
from tests.app.actions import scene_of
from tests.app.browser_driver import Point, Tab, in_a_browser, studio_tab, until

pytestmark = in_a_browser(400)

SETTLES_MS = 800
"""A picture drawn without a GPU comes late; a click before it would meet what was there."""


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "view3d_end") as tab:
        yield tab


def seen_at(tab: Tab, ego_m: tuple[float, float, float]) -> Point:
    """The pixel of the page where the eye at home sees a point of the ego frame."""
    forward = np.array(HOME_LOOKS_AT_M) - HOME_M
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    way = np.array(ego_m) - HOME_M
    box = tab.at("viewer-3d").bounding_box()
    assert box is not None
    focal = box["height"] / 2 / np.tan(FOV_RAD / 2) / (way @ forward)
    return box["x"] + box["width"] / 2 + focal * (way @ right), box["y"] + box["height"] / 2 - focal * (way @ np.cross(right, forward))


def click(tab: Tab, ego_m: tuple[float, float, float], selected: list[str], *, shift: bool = False) -> None:
    """A click there, after which that is selected."""
    tab.page.wait_for_timeout(SETTLES_MS)
    if shift:
        tab.page.keyboard.down("Shift")
    tab.click(seen_at(tab, ego_m))
    if shift:
        tab.page.keyboard.up("Shift")
    found: list[Any] = []

    def looked() -> bool:
        found[:] = tab.document()["selection"]
        return found == selected

    try:
        until("the click selects", looked, tab.page, patience_s=20)
    except AssertionError:
        raise AssertionError(f"a click on {ego_m} selects {found}, not {selected}") from None


def test_a_click_in_3d_selects_what_is_seen_there(tab: Tab) -> None:
    scene = scene_of(tab.document())
    ego_SE3_world = invert(ego_pose_at(scene, 0.0).matrix())

    def ego(x: float, y: float, z: float) -> tuple[float, float, float]:
        point = (ego_SE3_world @ [x, y, z, 1.0])[:3]
        return float(point[0]), float(point[1]), float(point[2])

    tab.at("live").uncheck()
    expect(tab.at("viewer-empty")).to_be_hidden()
    expect(tab.at("viewer-badge")).to_contain_text("Layout")
    (walker,) = (agent for agent in scene.of(Agent) if agent.name == "walks on the pavement")
    stands, front = (scene.entities[name].keyframes[0].pose for name in (walker.id, "car-1"))
    crosswalk, roads = "area-8", "area-1"
    click(tab, ego(front.x_m, front.y_m, 0.9), ["car-1"])
    click(tab, ego(stands.x_m, stands.y_m, 1.0), ["car-1", walker.id], shift=True)
    click(tab, ego(10.5, 4.0, 0.2), [crosswalk])
    click(tab, (6.0, 0.0, 0.2), [roads])
    click(tab, (3.6, 0.0, 1.6), [roads])  # within the ego's box, above its bonnet
    click(tab, (2.0, 0.0, 1.0), ["ego"])
    tab.at("frusta-3d").click()
    rig = {camera.camera.name: camera for camera in scene.of(CameraEntity)}
    left = rig["CAM_FRONT_LEFT"]
    pose = left.camera.ego_SE3_camera.matrix()
    within = pose[:3, 3] + 0.7 * pose[:3, 2]
    click(tab, (within[0], within[1], within[2]), [left.id])

    # Voxels that were generated mean the agent that they were made of, also when it stands elsewhere by now.
    tab.at("frusta-3d").click()
    tab.generate(frames=1, until="occupancy")
    tab.until_job("one frame is there", lambda job: job["state"] == "done")
    click(tab, ego(front.x_m, front.y_m, 0.9), ["car-1"])
    tab.at("bev-canvas").focus()
    for _ in range(6):
        tab.page.keyboard.press("Shift+ArrowUp")
    tab.until_document("it went to the left", lambda d: scene_of(d).entities["car-1"].keyframes[0].pose.y_m == front.y_m + 6)
    expect(tab.at("viewer-badge")).to_contain_text("Before edit")
    click(tab, ego(8.0, 13.0, 0.2), [])
    click(tab, ego(front.x_m, front.y_m, 0.9), ["car-1"])
    click(tab, ego(front.x_m, front.y_m + 6, 0.9), ["car-1"])
