"""The link to the studio breaks in the middle of an edit, in a real browser: nothing that a user did is lost, and nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import WebSocketRoute, expect

from tests.app.actions import settings
from tests.app.browser_driver import LOOK, Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(300)


class Link:
    """Between the page and the studio; it can break at a message."""

    def __init__(self, tab: Tab) -> None:
        self.asked: list[dict[str, Any]] = []
        self.breaks = ""
        """'before' the studio gets what is asked next, or 'behind': it gets it, and its answer is lost."""
        tab.page.route_web_socket(lambda url: "/ws/" in url and not url.endswith(LOOK), self._join)

    def _join(self, page: WebSocketRoute) -> None:
        studio = page.connect_to_server()
        broken = False

        def to_studio(text: str | bytes) -> None:
            nonlocal broken
            message = json.loads(text)
            if broken:
                return
            if "seq" in message:
                self.asked.append(message)
                if self.breaks:
                    broken = True
                    if self.breaks == "behind":
                        studio.send(text)
                    self.breaks = ""
                    page.close(code=1001)
                    return
            studio.send(text)

        def to_page(text: str | bytes) -> None:
            if not broken:
                page.send(text)

        page.on_message(to_studio)
        studio.on_message(to_page)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "link_end") as tab:
        tab.context.route("**/viser/**", lambda route: route.fulfill(body="<!doctype html><title>3D</title>", content_type="text/html"))
        yield tab


def cars(document: dict[str, Any]) -> list[str]:
    return [entity["id"] for entity in document["entities"] if entity["kind"] == "agent" and entity["class_name"] == "car"]


def place(tab: Tab, dx: float) -> None:
    """A car, with a click on the canvas."""
    box = tab.box
    tab.click((box["x"] + box["width"] / 2 + dx, box["y"] + 0.85 * box["height"]))


def test_an_edit_at_whose_moment_the_link_breaks_is_done_once(tab: Tab) -> None:
    link = Link(tab)
    tab.page.reload()
    tab.connected()
    before = len(cars(tab.document()))
    tab.page.keyboard.press("a")
    for number, breaks in enumerate(("before", "behind"), 1):
        link.asked.clear()
        link.breaks = breaks
        place(tab, 40.0 * number)
        tab.until("it is sent again", lambda: len([one for one in link.asked if one["type"] == "command"]) >= 2)
        assert len({one["seq"] for one in link.asked}) == 1, "under the same number"
        expect(tab.at("connection")).to_have_text("Connected")
        tab.until_document("one more car", lambda d, number=number: len(cars(d)) == before + number)
    settings(tab, 1)
    link.breaks = "behind"
    tab.at("generate").click()
    tab.until("a take", lambda: tab.jobs and tab.jobs[-1]["state"] == "done")
    assert len({job["id"] for job in tab.jobs}) == 1
    place(tab, 120.0)
    tab.until_document("and the page goes on", lambda d: len(cars(d)) == before + 3)
    expect(tab.at("notice").filter(has_text="refused")).to_be_hidden()


def test_what_is_done_while_the_studio_is_dead_is_done_once_it_is_restored(tab: Tab) -> None:
    tab.page.reload()
    tab.connected()
    before = len(cars(tab.document()))
    tab.page.keyboard.press("a")
    place(tab, 40.0)
    tab.until_document("one car", lambda d: len(cars(d)) == before + 1)
    place(tab, 80.0)
    tab.studio.kill()  # with the last click perhaps in the draft, perhaps not
    faults = list(tab.faults)
    expect(tab.at("connection")).not_to_have_text("Connected")
    place(tab, 120.0)
    expect(tab.at("notice").filter(has_text="kept here")).to_be_visible()
    tab.shot("link_away")
    tab.studio.start()
    expect(tab.at("restore-card")).to_be_visible()
    tab.faults = faults  # the browser's own words about a port that nobody answered
    tab.page.keyboard.press("Enter")
    document = tab.until_document("all three are there", lambda d: len(cars(d)) >= before + 3)
    tab.page.wait_for_timeout(1000)
    assert len(cars(tab.document())) == before + 3 and document["undo_steps"] == 3


def test_a_first_edit_while_the_studio_is_dead_is_done_in_the_same_scene(tab: Tab) -> None:
    tab.page.reload()
    tab.connected()
    before = len(cars(tab.document()))
    faults = list(tab.faults)
    tab.studio.kill()
    expect(tab.at("connection")).not_to_have_text("Connected")
    tab.page.keyboard.press("a")
    place(tab, 40.0)
    tab.studio.start()
    expect(tab.at("connection")).to_have_text("Connected")
    tab.faults = faults
    tab.until_document("it is there", lambda d: len(cars(d)) == before + 1)


def test_a_studio_that_was_started_again_is_asked_for_its_cookie_before_a_socket_is_opened(tab: Tab) -> None:
    opened: list[str] = []
    tab.page.on("websocket", lambda socket: opened.append(socket.url) if "/ws/" in socket.url else None)
    tab.studio.kill()
    expect(tab.at("connection")).to_have_text("Reconnecting…")
    tab.page.wait_for_timeout(1500)
    assert not opened, "nobody is there to be asked"
    tab.studio.start()
    tab.connected()
    assert len(opened) == 1
    refused = [fault for fault in tab.faults if "403" in fault and "/ws/" in fault]
    tab.faults.clear()  # what came while nobody was there
    assert refused == []
