"""The view model is chosen beside the preset in a real browser, and what it does not understand of the prompt is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from engine.spec.take import Take
from engine.views import registry
from tests.app.browser_driver import Tab, in_a_browser, studio_tab

pytestmark = in_a_browser(300)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "views_end") as tab:
        yield tab


def test_views_are_chosen_beside_the_preset_and_say_what_they_do_not_understand(tab: Tab) -> None:
    tab.pick_file("lane_closure")
    tab.until_document("the template opens", lambda d: "closure" in d["name"])
    views = tab.at("views")
    expect(views).to_have_value("fake")
    assert views.locator("option").all_inner_texts() == list(registry.runnable())
    prompt = tab.at("prompt")
    prompt.fill("a frumious rainy night")
    prompt.blur()
    tab.generate(frames=1, until="video", views="drawn")
    job = tab.until_job("the take is made", lambda job: job["state"] in ("done", "failed"))
    assert job["state"] == "done" and job["recipe"]["occupancy"] == "fake" and job["recipe"]["views"] == "drawn", job["message"]
    expect(tab.at("job-note")).to_contain_text("'drawn' does not understand 'frumious'")
    assert Take.open(job["take"]).info["recipe"]["models"]["views"]["words_not_understood"] == ["frumious"]
    tab.at("preset").select_option("compact")
    tab.at("preset").select_option("fake")
    expect(views).to_have_value("fake")
