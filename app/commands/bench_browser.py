"""The browser's own share of `launch.py bench studio`: what is to be seen in the page, and when, in headless Chromium."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.spec.grid import RATE_HZ

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
PROBE = Path(__file__).with_name("bench_browser.js")
SIZE = {"width": 1680, "height": 950}
ROUNDS = 50
RIG = "av2_ring"
"""Seven cameras."""
FRAMES = 48
"""For so long everything drives in the crossing: a frame that looks like the one before would be waited for."""
QUIET_MS = 700
"""Without a change for that long, a scrub is taken to be over."""
PATIENCE_MS = 60_000

Row = dict[str, float | int | str]


def in_the_page(url: str) -> Row:
    """Medians of 50 in the page at `url`: the echo of a stroke, and another frame with its seven previews and the 3D view, of a take and of the
    layout alone. One sentence where there is no browser to measure it in."""
    if not CHROMIUM.exists():
        return {"in the page": f"not measured: there is no {CHROMIUM}, install Debian's chromium."}
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {"in the page": "not measured: it takes playwright, which 'python launch.py bench' installs."}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        try:
            page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
            page.set_default_timeout(PATIENCE_MS)
            page.add_init_script(path=PROBE)
            page.goto(url)
            return _measured(page)
        finally:
            browser.close()


def _measured(page: Page) -> Row:
    page.wait_for_function("document.querySelector('[data-testid=scene-name]')?.value")
    _scene(page)
    echoes, own = zip(*_echoes(page), strict=True)
    row: Row = {"stroke echo in the page ms": statistics.median(echoes), "of it after the page has the event ms": statistics.median(own)}
    for name, prepare in (("layout", _without_take), ("take", _with_take)):
        prepare(page)
        total, strip, view3d, pictures = zip(*_scrubs(page), strict=True)
        row[f"scrub in the page, {name}: seven previews and 3D ms"] = statistics.median(total)
        row[f"scrub in the page, {name}: seven previews ms"] = statistics.median(strip)
        row[f"scrub in the page, {name}: 3D ms"] = statistics.median(view3d)
        row[f"scrub in the page, {name}: pictures drawn in 3D"] = statistics.mean(pictures)
    return row


def _scene(page: Page) -> None:
    """The crossing for as long as there are frames to go through, seen by seven cameras, without live drafts."""
    page.get_by_test_id("live").uncheck()
    page.keyboard.press("c")
    page.get_by_test_id("rig").select_option(RIG)
    page.wait_for_function("document.querySelectorAll('[data-testid=strip] figure').length === 7")
    page.get_by_test_id("duration").fill(str(FRAMES / RATE_HZ))
    page.get_by_test_id("duration").press("Enter")
    page.wait_for_function(f"document.querySelector('[data-testid=frame-label]').textContent.includes('/ {FRAMES - 1}')")


def _echoes(page: Page) -> list[list[float]]:
    """One stroke, each move of it measured."""
    box: Any = page.get_by_test_id("bev-canvas").bounding_box()
    x, y = box["x"] + 0.15 * box["width"], box["y"] + 0.2 * box["height"]
    page.get_by_test_id("channel-walkway").click()
    page.keyboard.press("b")
    page.mouse.move(x, y)
    page.mouse.down()
    times = []
    for k in range(ROUNDS + 3):
        page.evaluate(f"void (window.benchDone = window.benchEcho({PATIENCE_MS}))")
        page.mouse.move(x + 12 * (k + 1), y + 3 * (k % 5))
        times.append(page.evaluate("window.benchDone"))
    page.mouse.up()
    page.keyboard.press("v")
    return times[3:]


def _without_take(page: Page) -> None:
    page.get_by_test_id("bev-canvas").focus()
    page.keyboard.press("Home")


def _with_take(page: Page) -> None:
    for name, value in (("preset", "fake"), ("until", "occupancy")):
        page.get_by_test_id(name).select_option(value)
    page.get_by_test_id("frames").fill(str(FRAMES))
    page.get_by_test_id("frames").press("Enter")
    page.get_by_test_id("generate").click()
    page.wait_for_function(f"document.querySelector('[data-testid=take-label]').textContent.includes('0–{FRAMES - 1}, occupancy')")
    page.wait_for_function("document.querySelector('[data-testid=viewer-badge]').textContent.startsWith('Take')")
    _without_take(page)


def _scrubs(page: Page) -> list[list[float]]:
    page.wait_for_function("document.querySelector('[data-testid=viewer-empty]').hidden")
    page.wait_for_timeout(3 * QUIET_MS)
    found = []
    for k in range(ROUNDS + 2):
        page.evaluate(f"void (window.benchDone = window.benchScrub({QUIET_MS}, {PATIENCE_MS}))")
        page.keyboard.press("ArrowRight" if k < FRAMES - 2 else "ArrowLeft")
        found.append(page.evaluate("window.benchDone"))
    return found[2:]
