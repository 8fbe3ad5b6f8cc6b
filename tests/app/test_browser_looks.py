"""An agent's look in the inspector: set by hand, reached by keyboard, said where it cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(300)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace") as tab:
        yield tab


def test_a_car_gets_a_colour_and_a_model_and_goes_back_to_the_seed(tab: Tab) -> None:
    scene = tab.document()
    car, walker = (next(e for e in scene["entities"] if e.get("class_name") == name) for name in ("car", "pedestrian"))

    def look(document: dict[str, Any]) -> tuple[str | None, str | None]:
        found = next(e for e in document["entities"] if e["id"] == car["id"])
        return found.get("colour"), found.get("model")

    tab.at(f"object-{car['id']}").click()
    colour, swatch, model, reset = (tab.at(f"agent-{name}") for name in ("colour", "colour-swatch", "model", "colour-reset"))
    expect(colour).to_have_value("")
    expect(reset).to_be_hidden()
    assert model.locator("option").all_inner_texts() == ["from seed", *(name.replace("_", " ") for name in scene["models"]["car"])]
    tab.shot("look_seed")
    swatch.fill("#c0392b")
    tab.until_document("the swatch was picked", lambda d: look(d) == ("#c0392b", None))
    expect(colour).to_have_value("#c0392b")
    colour.fill("2a5FA8")
    colour.press("Enter")
    tab.until_document("a colour was typed", lambda d: look(d) == ("#2a5fa8", None))
    model.focus()
    model.select_option("pickup")
    tab.until_document("a model was chosen", lambda d: look(d) == ("#2a5fa8", "pickup"))
    expect(model).to_have_value("pickup")
    expect(model).to_be_focused()
    tab.shot("look_chosen")
    colour.fill("crimson")
    colour.press("Enter")
    expect(tab.at("notice").filter(has_text="#rrggbb")).to_be_visible()
    expect(colour).to_have_value("#2a5fa8")

    swatch.focus()
    for there in (colour, reset):
        tab.page.keyboard.press("Tab")
        expect(there).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.until_document("the colour is the seed's", lambda d: look(d) == (None, "pickup"))
    expect(reset).to_be_hidden()
    model.select_option("")
    tab.until_document("the model is the seed's", lambda d: look(d) == (None, None))

    tab.at(f"object-{walker['id']}").click()
    expect(tab.at("agent-class-of")).to_have_value("pedestrian")  # else the car, still shown, becomes a cone
    tab.at("agent-class-of").select_option("traffic_cone")
    expect(colour).to_be_disabled()
    expect(colour).to_have_attribute("placeholder", "as its model")
    expect(colour).to_have_attribute("title", re.compile("belong to its model"))
    assert model.locator("option").all_inner_texts()[1:] == scene["models"]["traffic_cone"]
    tab.shot("look_cone")
