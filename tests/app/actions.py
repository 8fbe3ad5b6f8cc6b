"""A user's actions, counted as the stories count them: a click, a drag, a key chord or one typed field is one; waiting is none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from playwright.sync_api import Browser, expect

from editor.document import Document
from editor.files.jsonform import entity_from_json
from tests.app.browser_driver import Point, StudioProcess, Tab, until

MADE_S = 600.0
"""Reached only where something hangs: a model's first frame compiles its kernels."""


@dataclass
class Actions:
    """What somebody does in a tab, and how many actions it was."""

    tab: Tab
    count: int = 0

    def press(self, key: str) -> None:
        self.count += 1
        self.tab.page.keyboard.press(key)

    def click(self, testid: str) -> None:
        self.count += 1
        self.tab.at(testid).click()

    def point(self, px: Point, *, ctrl: bool = False) -> None:
        """A click on the canvas."""
        self.count += 1
        if ctrl:
            self.tab.page.keyboard.down("Control")
        self.tab.click(px)
        if ctrl:
            self.tab.page.keyboard.up("Control")

    def drag(self, *path: Point) -> None:
        self.count += 1
        self.tab.drag(*path)

    def type(self, testid: str, text: str) -> None:
        """A field: what was there is written over, Enter ends it."""
        self.count += 1
        field = self.tab.at(testid)
        field.fill(text)
        field.press("Enter")

    def choose(self, testid: str, value: str) -> None:
        self.count += 1
        self.tab.at(testid).select_option(value)

    def template(self, name: str, called: str) -> dict[str, Any]:
        """Open, and the row in the list."""
        self.count += 2
        self.tab.pick_file(name)
        return self.tab.until_document(f"the template {name} opens", lambda d: d["name"] == called)

    def generate(self, preset: str = "fake") -> dict[str, Any]:
        """The button, and the take that comes of it; one frame of it where a model takes its time."""
        if preset != "fake":
            settings(self.tab, 1, preset=preset)
        return self.make("generate")

    def make(self, testid: str) -> dict[str, Any]:
        """A button that makes a take, and the end of that."""
        self.tab.jobs.clear()
        self.click(testid)
        over = ("done", "failed", "cancelled")
        until("the take is made", lambda: self.tab.jobs and self.tab.jobs[-1]["state"] in over, self.tab.page, MADE_S)
        end = self.tab.jobs[-1]
        assert end["state"] == "done", end["message"]
        return end

    def palette(self, words: str) -> None:
        """Ctrl+K and what is typed there."""
        self.count += 2
        self.tab.page.keyboard.press("Control+k")
        self.tab.at("palette-input").fill(words)
        self.tab.page.keyboard.press("Enter")


def settings(tab: Tab, frames: int, until: str = "occupancy", preset: str = "fake") -> None:
    """How much a take makes, and with what; set once, as somebody's settings are, and no part of a story."""
    for name, value in (("preset", preset), ("until", until)):
        tab.at(name).select_option(value)
    if until == "video":
        tab.at("views").select_option("fake" if preset == "fake" else "drawn")
    tab.at("frames").fill(str(frames))
    tab.at("frames").press("Enter")


def undone(tab: Tab, label: str) -> dict[str, Any]:
    """The document once its last step is called that."""
    return tab.until_document(f"the step '{label}'", lambda d: d["can_undo"] == label)


def scene_of(message: dict[str, Any]) -> Document:
    """The scene that a `document` message tells of."""
    entities = [entity_from_json(one) for one in message["entities"]]
    ego: Any = entity_from_json(message["ego"])
    return replace(Document(), name=message["name"], duration_s=message["duration_s"], entities={one.id: one for one in entities}, ego=ego)


def nothing_wrong(tab: Tab) -> None:
    expect(tab.at("checks")).to_have_text("Nothing looks wrong")


@contextlib.contextmanager
def acting(browser: Browser, studio: StudioProcess, shot: str) -> Iterator[Actions]:
    """Somebody in a fresh tab, which must not complain, with the crossing in it as on a first start."""
    tab = Tab(browser, studio)
    # No story looks at the 3D view, and drawing it without a GPU would take most of the machine.
    tab.context.route("**/viser/**", lambda route: route.fulfill(body="<!doctype html><title>3D</title>", content_type="text/html"))
    tab.open()
    try:
        tab.pick_file("crossing")
        dialog = tab.at("dont-save")
        tab.until("the crossing, or a question first", lambda: dialog.is_visible() or tab.document()["name"] == "crossing")
        if dialog.is_visible():
            dialog.click()
        tab.until_document("the crossing", lambda d: d["name"] == "crossing" and not d["dirty"])
        settings(tab, 2)
        yield Actions(tab)
        tab.shot(shot)
        assert tab.faults == []
    finally:
        tab.close()
