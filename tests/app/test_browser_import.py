"""What comes in through the page: a file dropped on it, with progress; and a log's own pictures under the geometry in the camera strip."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")

from PIL import Image
from playwright.sync_api import expect

from tests.app.browser_driver import CHROMIUM, Tab, studio_tab
from tests.editor.made_nuscenes import expansion, tables, write_tables

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
    pytest.mark.timeout(600),
]
FAULTS = Path(__file__).resolve().parents[1] / "editor" / "faults"
DROP = """([data, name]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    const stage = document.querySelector('.studio .stage');
    for (const kind of ['dragover', 'drop']) stage.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with studio_tab(tmp_path / "workspace", "import") as tab:
        yield tab


def drop(tab: Tab, name: str, data: bytes) -> None:
    """As a file manager does it; a browser takes real files from a person's hand only."""
    tab.page.evaluate(DROP, [base64.b64encode(data).decode(), name])


def test_a_dropped_map_comes_in_with_progress(tab: Tab) -> None:
    tab.page.evaluate("""() => {
        window.told = [];
        const box = document.querySelector('[data-testid=importing]');
        new MutationObserver(() => box.hidden || window.told.push(box.textContent)).observe(box, { attributes: true, childList: true, subtree: true });
    }""")
    drop(tab, "V_self_crossing.xodr", (FAULTS / "V_self_crossing.xodr").read_bytes())
    expect(tab.page.locator(".toast").filter(has_text="Imported")).to_be_visible()
    expect(tab.at("importing")).to_be_hidden()
    told = tab.page.evaluate("window.told")
    assert any(words.startswith("Sending V_self") for words in told) and any(words.startswith("Reading V_self") for words in told)
    assert (tab.studio.workspace / "dropped" / "V_self_crossing.xodr").is_file()


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
        under = tab.at(f"strip-{camera}").locator("img").first
        expect(under).to_be_visible()
        assert under.evaluate("(one) => one.decode().then(() => one.naturalWidth)") == 160
        expect(tab.at(f"over-{camera}")).to_be_visible()
