"""Every command has its ways in the page: menu and palette, with a reason where it cannot run; keys can be put elsewhere; no hint is cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from editor.commands import COMMANDS
from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(400)
SIZES = [(1280, 720), (1440, 900), (2560, 1440)]


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "commands") as tab:
        yield tab


def command(tab: Tab, words: str) -> None:
    """Through the palette."""
    tab.page.keyboard.press("Control+k")
    tab.at("palette-input").fill(words)
    tab.page.keyboard.press("Enter")


def test_every_command_is_found_runs_and_says_why_it_does_not(tab: Tab) -> None:
    tab.page.keyboard.press("Control+k")
    rows = tab.page.locator("[data-testid^=command-]").evaluate_all(
        "(all) => all.map((row) => [row.dataset.testid.slice(8), row.getAttribute('aria-disabled'), row.querySelector('.why')?.textContent ?? ''])"
    )
    assert set(COMMANDS) <= {name for name, _, _ in rows}
    assert all((off == "true") == bool(why) for _, off, why in rows) and any(why == "There is nothing to undo." for _, _, why in rows)
    tab.page.keyboard.press("Escape")
    in_menus: list[str] = []
    for head in tab.page.locator("[data-testid^=menu-]").all():
        head.click()
        items = tab.page.locator("[data-testid^=item-]")
        expect(items.first).to_be_focused()
        in_menus += items.evaluate_all("(all) => all.map((item) => item.dataset.testid.slice(5))")
        tab.page.keyboard.press("Escape")
    elsewhere = {name for name, _, _ in rows if name.startswith(("tool_", "channel_"))}
    assert sorted(in_menus) == sorted({name for name, _, _ in rows} - elsewhere), "every command stands in one menu, or in the rail or the channel list"
    for name in elsewhere:
        tab.at(name.replace("_", "-", 1)).wait_for()

    command(tab, "shift a track in")
    expect(tab.at("notice").filter(has_text="select an agent or the ego first")).to_be_visible()
    command(tab, "select the ego")
    command(tab, "shift a track left_m=1.5")
    moved = tab.until_document("the ego drives to the left", lambda d: d["can_undo"] == "Shift ego")
    assert moved["ego"]["keyframes"][0][2] == pytest.approx(-1.75 + 1.5)
    command(tab, "shift a track in")
    tab.at("arg-forward_m").fill("two")
    tab.page.keyboard.press("Enter")
    expect(tab.at("form-refusal")).to_contain_text("is a number, not two")
    tab.at("arg-forward_m").fill("2")
    tab.page.keyboard.press("Enter")
    expect(tab.at("command-form")).to_be_hidden()
    tab.until_document("and ahead", lambda d: d["ego"]["keyframes"][0][1] == pytest.approx(2.0))
    tab.shot("commands")


def test_a_key_is_put_elsewhere_and_a_taken_one_refused(tab: Tab) -> None:
    tab.page.keyboard.press("?")
    tab.at("key-play").click()
    tab.page.keyboard.press("Control+o")
    expect(tab.at("key-refusal")).to_contain_text("Ctrl+O is taken: it is 'Open a scene'")
    tab.at("key-play").click()
    tab.page.keyboard.press("Control+Alt+p")
    expect(tab.at("key-refusal")).to_contain_text("Play or pause is on Ctrl+Alt+P now")
    tab.page.keyboard.press("Escape")
    assert json.loads(tab.page.evaluate("localStorage['anyscene.keys']")) == {"play": ["Ctrl+Alt+P"]}
    tab.page.reload()
    tab.connected()
    frame = tab.at("frame-label")
    before = frame.inner_text()
    tab.page.keyboard.press("Control+Alt+p")
    tab.until("it plays", lambda: frame.inner_text() != before)
    tab.page.keyboard.press("Control+Alt+p")
    tab.page.keyboard.press("?")
    tab.at("reset-keys").click()
    assert tab.page.evaluate("localStorage['anyscene.keys']") is None


def test_no_hint_and_no_head_is_cut_at_any_size(tab: Tab) -> None:
    for width, height in SIZES:
        tab.page.set_viewport_size({"width": width, "height": height})
        for tool in tab.page.locator("[data-testid^=tool-]").all():
            tool.click()
            tab.settle()
            cut = tab.page.evaluate(
                """() => [...document.querySelectorAll('.status > *, .topbar > *, .menu-head')]
                    .map((e) => [e, e.getBoundingClientRect()])
                    .filter(([e, box]) => e.scrollWidth > e.clientWidth + 1 || box.right > innerWidth || box.bottom > innerHeight)
                    .map(([e]) => e).map((e) => e.className + ': ' + e.textContent)"""
            )
            assert cut == [], f"{width} x {height}: {cut}"
        tab.shot(f"size_{width}")
