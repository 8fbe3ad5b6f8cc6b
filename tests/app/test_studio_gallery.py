"""docs/gallery/studio_*.png: six scenes of the studio at three sizes of the window, to be looked at.

    ANYSCENE_STUDIO_GALLERY=docs/gallery python launch.py test -k studio_gallery

Skipped where no folder is named. What can be measured of the page is in test_browser_legible.py.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

import numpy as np
from PIL import Image

from tests.app.browser_driver import CHROMIUM, ROOT, StudioProcess, Tab, is_picture, until

FOLDER = os.environ.get("ANYSCENE_STUDIO_GALLERY")
SIZES = os.environ.get("ANYSCENE_STUDIO_SIZES", "1280x720,1440x900,2560x1440").split(",")
SETTLES_MS = 2000
PATIENCE_S = 300.0
"""3D is drawn in software here, and the largest window on a busy machine takes its time."""
TEMPLATES = ROOT / "assets" / "templates"
DAY = "City streets in clear daylight."
MOST_BYTES = 400_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not FOLDER, reason="ANYSCENE_STUDIO_GALLERY names no folder"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """With takes of two of our examples, by what the studio does where nobody chooses: one by day, its pictures by night, and one of occupancy alone."""
    workspace = tmp_path_factory.mktemp("gallery") / "workspace"
    takes = workspace / "takes"
    make("crossing", takes / "crossing-day", "--frames", "2", "--seed", "3")
    make("crossing", takes / "crossing-night", "--frames", "2", "--seed", "3", "--continue", str(takes / "crossing-day"), "--prompt", "Clear night.")
    make("lane_closure", takes / "closure", "--frames", "1", "--until", "occupancy")
    studio = StudioProcess(workspace, preset="compact").start()
    yield studio
    studio.stop()


def make(template: str, out: Path, *options: str) -> None:
    scene = TEMPLATES / f"{template}.anyscene"
    subprocess.run([sys.executable, "-m", "app.commands.parser", "generate", str(scene), "-o", str(out), *options], cwd=ROOT, check=True)
    # How long it took on a machine that may do other work too is no part of the pictures.
    info = json.loads((out / "take.json").read_text())
    (out / "take.json").write_text(json.dumps({**info, "seconds": {}}))


def small(picture: Image.Image) -> bytes:
    """PNG in as many colours as the size allows, the same steps everywhere: a palette of 256 would take the colour from lamps, badges and cars."""
    rgb = np.asarray(picture.convert("RGB")).astype(int)
    data = b""
    for step in (4, 8, 12):
        data = png(Image.fromarray(np.minimum((rgb + step // 2) // step * step, 255).astype(np.uint8)))
        if len(data) <= MOST_BYTES:
            break
    return data


def png(picture: Image.Image) -> bytes:
    held = io.BytesIO()
    picture.save(held, "PNG", optimize=True)
    return held.getvalue()


def chosen(tab: Tab, name: str, prompt: str) -> None:
    """The take of that name, and of that prompt, in the Results."""
    tab.page.keyboard.press("F2")
    tab.page.locator(f"[data-take={name}]").click()
    tab.page.locator("#results-title").get_by_text(prompt).wait_for()


def shown(tab: Tab, name: str, prompt: str) -> None:
    """The take of that name over the scene, by way of the Results."""
    chosen(tab, name, prompt)
    tab.page.locator("#take-show").click()
    tab.page.wait_for_timeout(SETTLES_MS)


def drawn(tab: Tab) -> None:
    """Every picture is decoded, and the 3D view, which fades in, is there."""
    decoded = "() => [...document.querySelectorAll('.strip img:not([hidden])')].every((one) => one.complete && one.naturalWidth > 0)"
    tab.until("the cameras' pictures", lambda: tab.page.evaluate(decoded))
    box = tab.at("viewer-3d").bounding_box()
    if tab.at("viewer-3d").is_visible() and box is not None:
        clip = (box["x"], box["y"], box["width"], box["height"])
        until("the 3D view", lambda: is_picture(tab.pixels(clip=clip)), tab.page, PATIENCE_S)


def crossing(tab: Tab) -> None:
    shown(tab, "crossing-day", DAY)


def results(tab: Tab) -> None:
    """The same drive by day and by night, under one slider."""
    chosen(tab, "crossing-day", DAY)
    tab.page.locator("#results-tabs").get_by_role("tab", name="Compare").click()
    tab.page.locator("#versus .video-tile").first.wait_for()


def agent(tab: Tab) -> None:
    tab.page.keyboard.press("F2")
    tab.page.locator(".objects .row").get_by_text("overtakes on the right").click()


def large_3d(tab: Tab) -> None:
    tab.pick_file("lane_closure")
    tab.until_document("the works", lambda d: d["name"] == "lane closure")
    shown(tab, "closure", "City street on an overcast day.")
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Shift+D")


def palette(tab: Tab) -> None:
    tab.page.keyboard.press("Shift+D")
    tab.pick_file("two_way")
    tab.until_document("the street", lambda d: d["name"] == "two-way street")
    tab.page.keyboard.press("Control+k")
    tab.at("palette-input").fill("camera")


def junction(tab: Tab) -> None:
    tab.page.keyboard.press("Escape")
    tab.at("new").click()
    tab.until_document("a blank page", lambda d: not d["entities"])
    tab.page.keyboard.press("s")
    px = tab.find_places()
    for start, end in (((-36, 1.75), (12, 1.75)), ((12, 1.75), (36, 1.75)), ((12, -32), (12, 1.75))):
        tab.drag(px(start), px(end))
    tab.until_document("three roads", lambda d: len(d["entities"]) == 3)
    tab.at("walkways").click()
    tab.at("dividers").click()
    tab.page.keyboard.press("z")
    tab.click(px((12, -12)))
    tab.until_document("a crossing", lambda d: d["can_undo"] == "Add crosswalk")
    tab.page.keyboard.press("v")


SCENES: dict[str, Callable[[Tab], None]] = {
    "crossing": crossing, "results": results, "agent": agent, "3d": large_3d, "palette": palette, "junction": junction,
}  # fmt: skip


def test_studio_gallery(browser, studio: StudioProcess) -> None:
    assert FOLDER is not None
    folder = Path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    tab = Tab(browser, studio).open()
    tab.page.set_default_timeout(PATIENCE_S * 1000)
    try:
        for name, arrange in SCENES.items():
            tab.page.set_viewport_size({"width": 1440, "height": 900})
            tab.settle()
            arrange(tab)
            for width, height in (map(int, size.split("x")) for size in SIZES):
                tab.page.set_viewport_size({"width": width, "height": height})
                tab.page.wait_for_timeout(SETTLES_MS)
                drawn(tab)
                picture = Image.open(io.BytesIO(tab.page.screenshot()))
                (folder / f"studio_{name}_{width}x{height}.png").write_bytes(small(picture))
                sideways = tab.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
                assert sideways <= 0, f"{name} is {sideways} px too wide for {width} x {height}"
        assert tab.faults == []
    finally:
        tab.close()
