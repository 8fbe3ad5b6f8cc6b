"""What the page asks of the studio beside editing: checks of the scene, a project from anywhere, and takes handed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.workspace.text import EXPORTS
from editor.files import project
from editor.samples import lane_closure, two_way
from engine.export import FORMATS
from tests.app.conftest import Studio
from tests.app.fakes import take


def test_the_page_offers_every_exporter_that_there_is() -> None:
    assert set(EXPORTS) == set(FORMATS)


def test_what_looks_wrong_is_told_and_no_longer_once_it_is_mended(studio: Studio) -> None:
    with studio.page("checks") as page:
        page.wait_for("document")
        for x in (0, 1):
            assert page.command("add_agent", class_name="car", x=20 + x, y=0)["ok"]
        found = page.wait_for("problems", lambda m: m["problems"])["problems"]
        assert found[0]["ids"] == ["car-1", "car-2"] and "stand in each other" in found[0]["sentence"] and found[0]["time_s"] == 0.0
        page.command("delete", ids=["car-2"])
        page.wait_for("problems", lambda m: not m["problems"])


def test_a_project_from_anywhere_comes_in_as_an_unsaved_copy(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.anyscene"
    project.save(two_way(), path)
    before = path.read_bytes()
    with studio.page("copies") as page:
        page.wait_for("document")
        page.send("import", format="anyscene", source=str(path))
        found = page.wait_for("document")
        assert found["name"] == "two-way street" and found["dirty"] and found["saved_path"] is None
        page.send("import", format="anyscene", source=str(tmp_path / "nothing.anyscene"))
        assert "There is nothing at" in page.wait_for("notice", lambda m: m["level"] == "error")["text"]
    assert path.read_bytes() == before


def test_a_take_is_handed_over_read_again_and_never_written_over(studio: Studio) -> None:
    folder = take(lane_closure(), studio.config.takes / "closure", frames=2, until="occupancy")
    with studio.page("exports") as page:
        page.wait_for("document")
        for name in ("closure", "closure-2"):
            page.send("export", take=str(folder), formats=["occ3d", "mp4"], verify=True)
            done = page.wait_for("exported", lambda m: m["writing"] is None)
            rows = {row["format"]: row for row in done["rows"]}
            assert Path(done["folder"]) == studio.config.exports / name and "Read again and equal to the take: occ3d" in done["verified"]
            assert rows["occ3d"]["error"] is None and rows["occ3d"]["files"] > 1
            assert "has no video" in rows["mp4"]["error"] and not (Path(done["folder"]) / "mp4").exists()
        page.send("export", take=str(folder), formats=["nothing"])
        assert "needs one or more of" in page.wait_for("notice", lambda m: m["level"] == "error")["text"]
        page.send("export", take=str(studio.config.workspace.parent), formats=["occ3d"])
        assert "There is no take" in page.wait_for("notice", lambda m: m["level"] == "error")["text"]


def test_what_does_not_agree_is_said(tmp_path: Path) -> None:
    from app.server.exports import _verified
    from engine.export import export_take
    from engine.spec.take import Take

    made = Take.open(take(lane_closure(), tmp_path / "take", frames=2, until="occupancy"))
    export_take(made, "occ3d", tmp_path / "occ3d")
    path = sorted((tmp_path / "occ3d").rglob("labels.npz"))[1]
    with np.load(path) as held:
        kept = {key: held[key].copy() for key in held.files}
    kept["semantics"][0, 0, 0] ^= 1
    np.savez_compressed(path, **kept)
    assert _verified(made, tmp_path, ["occ3d"]) == "Read again, it does not agree: occ3d differs at frame 1."
