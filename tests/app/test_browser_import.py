"""What comes in through the page: files and folders dropped on it or chosen, with progress; and a log's own pictures under the geometry in the camera strip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")

from PIL import Image
from playwright.sync_api import expect

from tests.app.browser_driver import Tab, in_a_browser, studio_tab
from tests.app.test_dropped import nuscenes_set
from tests.editor.made_logs import argoverse_log
from tests.editor.made_nuscenes import expansion, tables, write_tables

pytestmark = in_a_browser(600)
FAULTS = Path(__file__).resolve().parents[1] / "editor" / "faults"
@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "import") as tab:
        yield tab


def drop(tab: Tab, *paths: Path) -> None:
    """Files or folders let go over the canvas, as a file manager does it: by the browser's own drag, with real paths."""
    session, box = tab.context.new_cdp_session(tab.page), tab.page.locator(".stage").bounding_box()
    assert box is not None
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}})


def listen(tab: Tab) -> None:
    """What the box of an import says is kept from now on."""
    tab.page.evaluate("""() => {
        window.told = [];
        const box = document.querySelector('[data-testid=importing]');
        new MutationObserver(() => box.hidden || window.told.push(box.textContent)).observe(box, { attributes: true, childList: true, subtree: true });
    }""")


def heard(tab: Tab, *words: str) -> bool:
    return all(any(word in told for told in tab.page.evaluate("window.told")) for word in words)


def test_a_dropped_map_comes_in_with_progress(tab: Tab) -> None:
    listen(tab)
    drop(tab, FAULTS / "V_self_crossing.xodr")
    expect(tab.page.locator(".toast").filter(has_text="Imported")).to_be_visible()
    expect(tab.at("importing")).to_be_hidden()
    assert heard(tab, "Sending V_self", "Reading V_self", "1 of 1")
    assert len(list((tab.studio.workspace / "dropped").rglob("V_self_crossing.xodr"))) == 2, "a folder, and the file in it"


def test_a_dropped_data_set_asks_for_the_scene_and_brings_its_pictures(tab: Tab, tmp_path: Path) -> None:
    folder = nuscenes_set(tmp_path / "my nuScenes")
    listen(tab)
    drop(tab, folder)
    expect(tab.at("choose-option")).to_have_text(["scene-0001", "scene-0002Rain, a parked truck"])
    tab.shot("choose")
    tab.at("choose-option").last.click()
    expect(tab.page.locator(".toast").filter(has_text="Imported 'scene-0002'")).to_be_visible()
    expect(tab.at("importing")).to_be_hidden()
    assert heard(tab, "Looking into my nuScenes", "Sending my nuScenes", "pictures: 10 of 10", "Reading my nuScenes")
    tab.at("strip-kind").get_by_text("Recorded").click()
    shows_what_was_recorded(tab, "CAM_FRONT")
    kept = [path for path in (tab.studio.workspace / "dropped").rglob("*.jpg")]
    assert len(kept) == 10 and all("scene-0002" in path.name for path in kept), "of one scene, and of key frames alone"
    # The same again sends nothing of it; closed, nothing is imported.
    tab.page.evaluate("window.told = []")
    drop(tab, folder)
    dont_save(tab)
    expect(tab.at("choose-option")).to_have_count(2)
    tab.page.keyboard.press("Escape")
    expect(tab.at("importing")).to_be_hidden()
    assert not heard(tab, "Sending")


def shows_what_was_recorded(tab: Tab, camera: str) -> None:
    """The log's pictures are 160 pixels wide, the strip's own are not: the same element shows one after the other."""
    under = tab.at(f"strip-{camera}").locator("img").first
    tab.until(f"the log's picture of {camera}", lambda: under.evaluate("(one) => !one.hidden && one.complete && one.naturalWidth") == 160)


def dont_save(tab: Tab) -> None:
    tab.at("dont-save").click()


def test_a_chosen_folder_of_logs_and_dropped_rubbish(tab: Tab, tmp_path: Path) -> None:
    for name in ("one", "two"):
        argoverse_log(tmp_path / "logs" / name)
    tab.page.keyboard.press("Control+i")
    tab.shot("dialog")
    with tab.page.expect_file_chooser() as chooser:
        tab.at("import-folder").click()
    chooser.value.set_files(tmp_path / "logs")
    tab.at("choose-option").filter(has_text="two").click()
    expect(tab.page.locator(".toast").filter(has_text="Imported 'two'")).to_be_visible()
    (tmp_path / "rubbish").mkdir()
    (tmp_path / "rubbish" / "readme.txt").write_text("nothing")
    for number in range(21_000):
        (tmp_path / "rubbish" / f"{number}.png").touch()
    drop(tab, tmp_path / "rubbish")
    dont_save(tab)
    expect(tab.page.locator(".toast").filter(has_text="'rubbish' holds nothing that can be imported")).to_be_visible()
    expect(tab.at("importing")).to_be_hidden()
    # Several things at once lie beside each other: a log without its folder.
    drop(tab, *sorted((tmp_path / "logs" / "one").iterdir()))
    dont_save(tab)
    expect(tab.page.locator(".toast").filter(has_text="Imported 'Dropped-files'")).to_be_visible()


def test_an_import_by_path_asks_for_the_scene(tab: Tab, tmp_path: Path) -> None:
    folder = nuscenes_set(tmp_path / "set")
    tab.page.keyboard.press("Control+i")
    tab.at("import-format").select_option("nuscenes")
    tab.at("import-source").fill(str(folder))
    tab.at("import-go").click()
    tab.at("choose-option").first.click()
    expect(tab.page.locator(".toast").filter(has_text="Imported 'scene-0001'")).to_be_visible()


def test_a_logs_pictures_lie_under_the_geometry(tab: Tab, tmp_path: Path) -> None:
    found = tables(5)
    write_tables(tmp_path / "set" / "v1.0-mini", found)
    (tmp_path / "set" / "maps").mkdir()
    (tmp_path / "set" / "maps" / "boston-seaport.json").write_text(json.dumps(expansion()))
    for n, row in enumerate(row for row in found["sample_data"] if "CAM_" in row["token"]):
        path = tmp_path / "set" / row["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((90, 160, 3), (40 + 10 * n, 90, 160), np.uint8)).save(path, "JPEG")
    tab.page.keyboard.press("Control+i")
    tab.at("import-format").select_option("nuscenes")
    tab.at("import-source").fill(str(tmp_path / "set"))
    tab.at("import-go").click()
    expect(tab.page.locator(".toast").filter(has_text="Imported 'scene-0001'")).to_be_visible()
    tab.at("strip-kind").get_by_text("Recorded").click()
    for camera in ("CAM_FRONT", "CAM_BACK"):
        shows_what_was_recorded(tab, camera)
        expect(tab.at(f"over-{camera}")).to_be_visible()
    # In a camera's large view its video can begin from what the log's camera took.
    tab.at("strip-CAM_BACK").dblclick()
    tab.at("begin-recorded").click()
    expect(tab.page.locator(".toast").filter(has_text="begins from")).to_be_visible()
    expect(tab.at("anchor-set")).to_be_visible()
    expect(tab.at("begin-recorded")).to_have_count(0)
    tab.shot("recorded-anchor")
    (kept,) = (tab.studio.workspace / "anchors").iterdir()
    taken = min((row for row in found["sample_data"] if "CAM_BACK" in row["token"]), key=lambda row: row["timestamp"])
    assert kept.read_bytes() == (tmp_path / "set" / taken["filename"]).read_bytes()
