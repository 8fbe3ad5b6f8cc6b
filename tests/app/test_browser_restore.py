"""Nothing lost, as a person sees it: the studio is killed under an open page, started again, and the page finds everything by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from engine.spec.take import Take, frames_on_disk
from tests.app.browser_driver import Tab, in_a_browser, is_picture, same_scene, studio_tab

pytestmark = in_a_browser(400)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "restore") as tab:
        yield tab


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Tab]:
    """A studio whose engine takes its time, so that it can be met in the middle of a job."""
    with studio_tab(tmp_path / "workspace", preset="fake:0.6") as tab:
        yield tab


def stroke(tab: Tab, dy: float) -> None:
    box = tab.box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + dy
    edits = tab.edits
    tab.drag((x - 90, y), (x + 90, y + 10))
    tab.until("the stroke is done", lambda: tab.edits > edits)


def first_stroke(tab: Tab) -> None:
    """With the walkway's brush, which stays in the hand."""
    tab.at("channel-walkway").click()
    tab.page.keyboard.press("b")
    stroke(tab, 60)


def make_take(tab: Tab) -> None:
    tab.generate(frames=2, until="video", preset="fake", views="fake")
    tab.until_job("a take", lambda job: job["state"] == "done")


def back(tab: Tab) -> None:
    """Pictures and 3D, by themselves."""
    tab.until("the pictures are back", lambda: pictures(tab))
    tab.until("the 3D view is back", lambda: is_picture(tab.pixels(tab.at("viewer-3d"))))


def pictures(tab: Tab) -> bool:
    return tab.at("strip").locator("img").evaluate_all("(all) => all.length > 0 && all.every((i) => !i.hidden && i.complete && i.naturalWidth > 0)")


def test_scenario_s13_a_killed_studio_is_found_again_by_the_page_that_was_open(tab: Tab) -> None:
    first_stroke(tab)
    make_take(tab)
    expect(tab.at("strip-badge")).to_have_text(re.compile(r"^Take, fake\s*frame 0$"))
    stroke(tab, -60)
    work = tab.document()
    expect(tab.at("strip-badge")).to_contain_text("Before edit")
    expect(tab.at("before").first).to_have_text("Before edit")  # as the badge says it
    expect(tab.at("viewer-badge")).to_contain_text(re.compile("Draft|full quality"))
    tab.shot("1_drawn")

    faults = list(tab.faults)
    tab.studio.kill()
    expect(tab.at("connection")).not_to_have_text("Connected")
    expect(tab.at("strip-badge")).to_contain_text("Not connected")
    tab.studio.start()
    expect(tab.at("restore-card")).to_be_visible()
    tab.faults = list(faults)  # the browser's own words about a port that nobody answered
    expect(tab.at("restore-name")).to_have_text("crossing")
    expect(tab.at("restore-lost")).to_have_text("2 unsaved steps: Brush walkway (2).")
    tab.until("what it was is seen", lambda: is_picture(tab.pixels(tab.at("restore-card").locator("img").first)))
    tab.shot("2_card")
    tab.page.keyboard.press("Enter")
    expect(tab.at("restore-card")).to_be_hidden()
    assert same_scene(tab.document(), work)
    expect(tab.at("undo-label")).to_have_text("Brush walkway")
    expect(tab.at("take-label")).to_contain_text("Take: frames 0–1, video; the scene changed since")
    back(tab)
    expect(tab.at("before").first).to_be_visible()
    tab.shot("3_restored")
    tab.page.keyboard.press("Control+z")
    tab.page.keyboard.press("Control+z")
    tab.until_document("undo goes on to the beginning", lambda d: d["can_undo"] is None and d["can_redo"] == "Brush walkway")


def test_scenario_s13_a_tab_is_closed_in_the_middle_of_a_job_and_opened_again(slow: Tab) -> None:
    tab = slow
    before = tab.document()
    tab.generate(frames=24, until="occupancy")
    tab.until_job("it is under way", lambda job: job["state"] == "running" and job["frames_kept"] >= 1)
    first_stroke(tab)
    work = tab.document()
    tab.page.close()
    again = Tab(tab.context.browser, tab.studio).open()  # type: ignore[arg-type]
    # The studio went on, so that nothing has to be restored: what is left to do is to look at the jobs.
    expect(again.at("restore-card")).to_be_hidden()
    assert same_scene(again.document(), work) and not same_scene(work, before)
    again.page.keyboard.press("F2")
    row = again.at("job").first
    expect(row).to_contain_text(re.compile("runs|done"))
    expect(row).to_contain_text(re.compile("done"))
    again.page.keyboard.press("F2")
    (take,) = (tab.studio.workspace / "takes").iterdir()
    assert Take.open(take).frame_count == 24, "it ran to its end without anybody looking"
    again.page.keyboard.press("Control+z")
    again.until_document("undo goes on", lambda d: same_scene(d, before))
    assert again.faults == []
    again.close()


def test_scenario_s13_a_studio_killed_in_the_middle_of_a_job_is_found_again_in_two_actions(slow: Tab) -> None:
    tab = slow
    tab.generate(frames=48, until="occupancy")
    tab.until_job("it is under way", lambda job: job["state"] == "running" and job["frames_kept"] >= 2)
    first_stroke(tab)
    work = tab.document()
    tab.page.wait_for_timeout(1000)  # what the last second held may be missing
    faults, kept = list(tab.faults), tab.jobs[-1]["frames_kept"]
    tab.studio.kill()
    expect(tab.at("connection")).not_to_have_text("Connected")
    tab.studio.start()
    expect(tab.at("restore-card")).to_be_visible()
    actions = 1
    tab.page.keyboard.press("Enter")
    expect(tab.at("restore-card")).to_be_hidden()
    assert same_scene(tab.document(), work), "with the last stroke"
    actions += 1
    tab.page.keyboard.press("F2")
    assert actions <= 2
    row = tab.at("job").first
    expect(row).to_contain_text("The studio ended while this ran")
    expect(row.get_by_test_id("job-continue")).to_be_visible()
    # And it goes on from the frames that it had.
    row.get_by_test_id("job-continue").click()
    tab.until("the whole take is there", lambda: any(frames_on_disk(one) == 48 for one in (tab.studio.workspace / "takes").iterdir()))
    assert kept >= 2 and sum(frames_on_disk(one) >= kept for one in (tab.studio.workspace / "takes").iterdir()) == 2, "beside the one that was broken off"
    tab.page.keyboard.press("F2")
    tab.faults = list(faults)  # the browser's own words about a port that nobody answered
    tab.page.keyboard.press("Control+z")
    tab.until_document("undo goes on", lambda d: d["can_undo"] is None and d["can_redo"] == "Brush walkway")


def place(tab: Tab, dx: float) -> None:
    """A car, with a click on the canvas."""
    tab.click((tab.box["x"] + tab.box["width"] / 2 + dx, tab.box["y"] + 0.85 * tab.box["height"]))


def cars(document: dict[str, Any]) -> int:
    return len([one for one in document["entities"] if one["kind"] == "agent" and one["class_name"] == "car"])


def test_a_saved_scene_is_open_again_where_it_was(tab: Tab) -> None:
    """The page that was open goes on, with what was done while the studio was dead; a page that comes anew finds the same."""
    first_stroke(tab)
    make_take(tab)
    tab.at("scene-name").fill("mine")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Control+s")
    saved = tab.until_document("it is saved", lambda d: d["name"] == "mine" and not d["dirty"])
    tab.at("bev-canvas").focus()
    tab.page.keyboard.press("Escape")
    tab.seek(1)
    tab.until_document("the studio knows where the playhead is", lambda d: d["frame"] == 1)
    before = cars(saved)
    tab.page.keyboard.press("a")
    faults = list(tab.faults)
    tab.studio.kill()
    expect(tab.at("connection")).not_to_have_text("Connected")
    place(tab, 80.0)
    place(tab, 120.0)
    expect(tab.at("notice").filter(has_text="kept here")).to_be_visible()
    tab.studio.start()
    expect(tab.at("connection")).to_have_text("Connected")
    document = tab.until_document("both cars are there", lambda d: cars(d) >= before + 2)
    tab.faults = list(faults)  # the browser's own words about a port that nobody answered
    expect(tab.at("restore-card")).to_be_hidden()
    tab.page.wait_for_timeout(1000)
    document = tab.document()
    assert cars(document) == before + 2 and document["undo_steps"] == saved["undo_steps"] + 2, "each of them once"
    assert document["saved_path"] == saved["saved_path"] and document["dirty"]
    expect(tab.at("frame-label")).to_have_text(re.compile("frame 1 /"))
    expect(tab.at("take-label")).to_contain_text("Take: frames 0–1, video")
    back(tab)
    tab.shot("saved_1_again")
    for _ in range(2):
        tab.page.keyboard.press("Control+z")
    tab.until_document("as it was saved", lambda d: same_scene(d, saved) and not d["dirty"])

    tab.studio.kill()
    tab.studio.start()
    tab.page.reload()
    tab.connected()
    tab.faults = list(faults)
    expect(tab.at("restore-card")).to_be_hidden()
    expect(tab.at("scene-name")).to_have_value("mine")
    expect(tab.at("frame-label")).to_have_text(re.compile("frame 1 /"))
    assert same_scene(tab.document(), saved)
    back(tab)
    for _ in range(saved["undo_steps"]):
        tab.page.keyboard.press("Control+z")
    tab.until_document("undo goes on to the beginning", lambda d: d["can_undo"] is None)


def test_new_in_one_of_two_tabs_asks(tab: Tab) -> None:
    expect(tab.at("tabs")).to_be_hidden()
    other = Tab(tab.context.browser, tab.studio).open()  # type: ignore[arg-type]
    expect(tab.at("tabs")).to_have_text("2 tabs")
    other.at("new").click()
    expect(other.at("shared")).to_contain_text("open in 2 tabs")
    other.shot("two_tabs")
    other.at("stay").click()
    other.at("new").click()
    other.at("apart").click()
    expect(other.at("scene-name")).to_have_value("untitled")
    expect(tab.at("tabs")).to_be_hidden()
    expect(tab.at("scene-name")).to_have_value("crossing")
    other.page.goto(tab.studio.url)
    other.connected()
    other.at("new").click()
    other.at("replace-all").click()
    expect(tab.at("scene-name")).to_have_value("untitled")
    expect(tab.at("notice").filter(has_text="Another tab")).to_be_visible()
    assert other.faults == []
    other.close()
