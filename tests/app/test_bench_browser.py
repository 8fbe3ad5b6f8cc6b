"""The browser's share of `launch.py bench studio` measures what it says, and says where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands import bench_browser

pytest.importorskip("playwright")

from tests.app.browser_driver import CHROMIUM, StudioProcess


def test_without_a_browser_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_browser, "CHROMIUM", tmp_path / "chromium")
    assert bench_browser.in_the_page("http://127.0.0.1:1/") == {
        "in the page": f"not measured: there is no {tmp_path}/chromium, install Debian's chromium."
    }


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
@pytest.mark.timeout(400)
def test_an_echo_and_a_scrub_are_seen_in_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_browser, "ROUNDS", 2)
    monkeypatch.setattr(bench_browser, "FRAMES", 10)
    studio = StudioProcess(tmp_path / "workspace", preset="fake").start()
    try:
        row = bench_browser.in_the_page(studio.url)
    finally:
        studio.stop()
    assert len(row) == 10 and all(float(value) > 0 for value in row.values()), row
    # What one step changes is seen in one drawing: new places never stand around old voxels.
    assert [value for name, value in row.items() if "pictures" in name] == [1, 1], row
