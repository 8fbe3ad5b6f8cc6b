"""A click in the 3D view, with a real mouse on what viser draws: agents, ground and cameras are chosen where they are seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from app.view3d.eye import FOV_RAD, HOME_LOOKS_AT_M, HOME_M
from tests.app.browser_driver import CHROMIUM, Point, Tab, is_picture, studio_tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
    pytest.mark.timeout(400),
]


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "clicks_3d") as tab:
        yield tab


def seen_at(tab: Tab) -> Callable[[float, float, float], Point]:
    """From metres in the ego's frame to pixels of the page, for an eye at home."""
    box = tab.at("viewer-3d").bounding_box()
    assert box is not None
    ahead = np.subtract(HOME_LOOKS_AT_M, HOME_M)
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, (0, 0, 1))
    right /= np.linalg.norm(right)
    up, focal_px = np.cross(right, ahead), box["height"] / 2 / np.tan(FOV_RAD / 2)

    def place(x: float, y: float, z: float) -> Point:
        point = np.subtract((x, y, z), HOME_M)
        far = point @ ahead
        px = box["x"] + box["width"] / 2 + focal_px * (point @ right) / far, box["y"] + box["height"] / 2 - focal_px * (point @ up) / far
        assert 0 < px[0] - box["x"] < box["width"] and 0 < px[1] - box["y"] < box["height"], f"{(x, y, z)} is not in view"
        return px

    return place


def test_what_is_clicked_in_3d_is_selected(tab: Tab) -> None:
    tab.pick_file("crossing")
    scene = tab.until_document("the crossing", lambda d: d["name"] == "crossing")
    expect(tab.at("viewer-empty")).to_be_hidden()
    tab.until("the 3D view", lambda: is_picture(tab.pixels(tab.at("viewer-3d"))))
    at, ego = seen_at(tab), scene["ego"]["keyframes"][0]
    assert abs(ego[4]) < 1e-6, "the ego looks along x"
    chosen = tab.page.locator(".objects .row.on")

    def click(x: float, y: float, z: float, expected: str) -> None:
        # viser is drawn in software here: a click that came before the scene is made again.
        for _ in range(20):
            tab.click(at(x - ego[1], y - ego[2], z))
            tab.page.wait_for_timeout(700)
            if chosen.count() == 1 and (chosen.get_attribute("data-testid") or "").startswith(f"object-{expected}"):
                return
        raise AssertionError(f"a click on {expected} selects {[one.get_attribute('data-testid') for one in chosen.all()]}")

    car = next(one for one in scene["entities"] if one["id"] == "car-1")
    _, x, y, z, *_ = car["keyframes"][0]
    click(x, y, z, "car-1")
    click(ego[1] + 6.0, ego[2], 0.0, "area")
    tab.page.keyboard.press("Shift+K")
    camera = next(one for one in scene["entities"] if one["kind"] == "camera" and one["camera"]["name"] == "CAM_FRONT")
    cx, cy, cz = camera["camera"]["ego_SE3_camera"][:3]
    click(ego[1] + cx + 0.8, ego[2] + cy, cz, camera["id"])
    click(ego[1] + 1.0, ego[2], 1.0, "ego")
