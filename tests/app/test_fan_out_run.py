"""Fan-out as it runs: the same bytes as one by one, nothing made twice, nothing half."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from app.commands import parser
from app.fanout import Item, Plan, Source, Wanted, expand
from app.fanout.charts import charts
from app.fanout.estimate import Estimate, estimate
from app.fanout.export import ShardsError, export
from app.fanout.gate import Gate, Threshold
from app.fanout.histograms import SHOWN, bins
from app.fanout.make import Maker, Outcome
from app.fanout.page import _parameter
from app.fanout.pool import workers_here
from app.fanout.run import run
from app.fanout.store import Store, StoreError
from app.jobs.take_maker import make_take
from editor import edits
from editor.files import project
from editor.samples import SAMPLES
from engine.presets import RecipeModels

ROOT = Path(__file__).resolve().parents[2]
CROSSING = SAMPLES["crossing"]()
PLAN = Plan(
    (Source("crossing", document=CROSSING, licence="Apache-2.0"),),
    (Wanted("original"), Wanted("hard_brake"), Wanted("light_and_weather")),
    presets=("fake",),
    until="occupancy",
    frames=2,
)


class InProcess:
    """The executor of tests that are about something else: one item after the other, here."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def run(self, items: Sequence[Item], store: Store, gate: Gate) -> Iterator[Outcome]:
        maker = Maker(store, gate, "cpu")
        for item in items:
            self.made.append(item.key)
            yield maker.make(item)


def contents(folder: Path) -> dict[str, str]:
    """Hash of every file of a take; of take.json without the seconds, which no two runs share."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if path.name == "take.json":
            data = json.dumps(json.loads(data) | {"seconds": None, "first_seconds": None}).encode()
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(data).hexdigest()
    return found


def test_takes_are_those_that_generate_makes_and_the_manifest_says_what_they_are(tmp_path: Path) -> None:
    plan = replace(PLAN, until="buffers", cameras=("CAM_FRONT",), seeds=(0, 1))
    expansion = expand(plan)
    report = run(expansion, tmp_path / "out", InProcess(), plan.gate, {"crossing": CROSSING})
    assert report.whole and report.made == len(expansion.items) == 6 and report.verdicts == {"pass": 6}
    store = Store(tmp_path / "out")
    assert store.landed() == {item.key for item in expansion.items}
    rows = {row["key"]: row for row in parquet.read_table(tmp_path / "out" / "manifest.parquet").to_pylist()}
    for item in expansion.items:
        alone = make_take(item.request(tmp_path / f"alone-{item.key[:8]}"), RecipeModels(item.recipe, "cpu"))
        assert contents(store.take(item.key)) == contents(alone)
        row = rows[item.key]
        assert (row["scene"], row["variation"], row["seed"], row["licence"]) == ("crossing", item.variation, item.recipe.seed, "Apache-2.0")
        assert json.loads(row["parameters"]) == item.parameters and row["obedience_miou"] == 100.0 and row["frames"] == 2
        for file in row["files"]:
            data = (store.take(item.key) / file["path"]).read_bytes()
            assert (hashlib.sha256(data).hexdigest(), len(data)) == (file["sha256"], file["bytes"])
        assert {file["path"] for file in row["files"]} == set(contents(store.take(item.key)))
    page = (tmp_path / "out" / "index.html").read_text()
    assert all(f"thumbnails/{item.key}.jpg" in page and (store.thumbnails / f"{item.key}.jpg").exists() for item in expansion.items)
    assert "the scenes they began with" in page and "<script" not in page


def test_the_page_says_parameters_in_units_and_charts_what_is_held() -> None:
    said = [_parameter(name, value) for name, value in (("gap_s", 0.74731), ("speed_m_s", 2.0), ("turn_deg", 3.14159), ("occluder", "bus"), ("people", 7))]
    assert said == ["gap 0.747 s", "speed 2 m/s", "turn 3.14°", "occluder bus", "people 7"]
    held: dict[str, list[float]] = {"classes": [0, 0, 3, 1, *[0] * 6], **{name: [0.0] * len(bins(name)) for name in SHOWN}}
    drawn = charts(held, {})
    assert drawn.count("<figure>") == 1 and ">bus<" in drawn and ">75%<" in drawn and ">barrier<" not in drawn and "began with" not in drawn
    assert charts({}, {}) == ""


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    first = InProcess()
    small = replace(PLAN, variations=(Wanted("original"),))
    run(expand(small), tmp_path, first, PLAN.gate)
    second = InProcess()
    report = run(expand(PLAN), tmp_path, second, PLAN.gate)
    assert (report.made, report.kept) == (2, 1) and not set(first.made) & set(second.made)
    rows = parquet.read_table(tmp_path / "manifest.parquet").to_pylist()
    assert [row["key"] for row in rows] == sorted(item.key for item in expand(PLAN).items), "rows of both runs, in order"
    assert all(row["files"] for row in rows)
    (tmp_path / "manifest.parquet").unlink()  # as when the driver died before it came to that
    third = InProcess()
    assert run(expand(PLAN), tmp_path, third, PLAN.gate).kept == 3 and third.made == []
    assert parquet.read_table(tmp_path / "manifest.parquet").to_pylist() == rows


def test_a_failure_is_one_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    without = edits.delete([key for key in CROSSING.entities if key.startswith("camera")])(CROSSING)
    plan = replace(
        PLAN,
        sources=(
            Source("no cameras", document=without),
            *PLAN.sources,
            Source("gone", tmp_path / "gone.anyscene"),
            Source("blank", document=SAMPLES["blank"]()),
        ),
        variations=(Wanted("original"), Wanted("hard_brake")),
        until="buffers",
        cameras=None,
        gate=Gate({"obedience_miou": Threshold(101.0, 100.5)}),
    )
    report = run(expand(plan), tmp_path / "out", InProcess(), plan.gate)
    lines = list(report.lines())
    assert not report.whole and len(report.failures) == 2 and len(report.refusals) == 2 and len(report.rejected) == 2
    assert sum("has no enabled camera" in line for line in lines) == 2
    assert any("has no place in 'blank'" in line for line in lines) and any("gone.anyscene" in line for line in lines)
    assert any("rejected" in line and "obedience_miou is 100, below 100.5" in line for line in lines)
    assert lines[-1].startswith("3 takes made, 0 were there, 2 failed")
    assert not list((tmp_path / "out" / ".fanout" / "making").iterdir())


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.write import TakeWriter

    def full(self: TakeWriter, *_: object) -> None:
        raise self._failed(self.folder / "occupancy.npz", OSError(28, "No space left on device"))

    monkeypatch.setattr(TakeWriter, "add_occupancy", full)
    report = run(expand(PLAN), tmp_path, InProcess(), PLAN.gate)
    assert len(report.failures) == 3 and all("No space left on device" in sentence for _, sentence in report.failures)
    assert Store(tmp_path).landed() == set()
    monkeypatch.undo()
    assert run(expand(PLAN), tmp_path, InProcess(), PLAN.gate).whole


def test_two_drivers_do_not_share_a_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    with store.locked(), pytest.raises(StoreError, match="Another fan-out is at work"):
        run(expand(PLAN), tmp_path, InProcess(), PLAN.gate)


def test_who_lands_second_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    (item, *_) = expand(PLAN).items
    maker = Maker(store, PLAN.gate, "cpu")
    maker.make(item)
    before = {path: path.stat().st_mtime_ns for path in store.take(item.key).rglob("*")}
    assert maker.make(item).failure == ""
    assert {path: path.stat().st_mtime_ns for path in store.take(item.key).rglob("*")} == before


def test_exports_are_appended_and_never_rewritten(tmp_path: Path) -> None:
    run(expand(replace(PLAN, variations=(Wanted("original"),))), tmp_path, InProcess(), PLAN.gate)
    store = Store(tmp_path)
    assert "in 1 new shards" in export(store, "webdataset")
    first = (tmp_path / "export" / "webdataset" / "000000.tar").read_bytes()
    run(expand(PLAN), tmp_path, InProcess(), PLAN.gate)
    assert "in 2 new shards" in export(store, "webdataset", shard_bytes=1.0)
    assert "in 0 new shards" in export(store, "webdataset")
    assert (tmp_path / "export" / "webdataset" / "000000.tar").read_bytes() == first
    keys = set()
    for shard in sorted((tmp_path / "export" / "webdataset").glob("*.tar")):
        with tarfile.open(shard) as archive:
            names = archive.getnames()
        (key,) = {name.split(".", 1)[0] for name in names}
        keys.add(key)
        assert {name.split(".", 1)[1] for name in names} >= {"json", "take.json", "occupancy.npz", "layouts.npz", "boxes.json"}
    assert keys == store.landed()
    assert "3 takes as occ3d" in export(store, "occ3d") and "; 3 were there" in export(store, "occ3d")
    with pytest.raises(ShardsError, match="choose webdataset"):
        export(store, "tfrecord")


def test_rejected_and_flagged_takes_are_not_handed_over(tmp_path: Path) -> None:
    gate = Gate({"obedience_miou": Threshold(101.0, 50.0)})
    run(expand(PLAN), tmp_path, InProcess(), gate)
    assert "0 takes" in export(Store(tmp_path), "webdataset")


def test_what_is_guessed_is_of_the_cameras_that_are_asked_for() -> None:
    drawn = replace(PLAN, presets=("fake",), views=("drawn",), until="video", frames=16)
    one, all_six = (estimate(expand(replace(drawn, cameras=cameras)).items, None) for cameras in (("CAM_FRONT",), None))
    assert one.bytes < all_six.bytes / 4 and one.seconds < all_six.seconds / 2 and not one.measured
    assert Estimate(2e6, 29.0, True).words(1, 1) == "1 take to make: 2.0 MB, less than a minute with 1 worker (by the takes that are there)."
    assert "about 2 minutes with 2 workers (a rough" in Estimate(2e6, 240.0, False).words(3, 2)


def test_as_many_workers_as_memory_and_cores_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.fanout.pool._free_bytes", lambda: 10e9)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert workers_here(["compact"], "cpu") == 3 and workers_here(["fake:0.1"]) == 13 and workers_here(["compact"], "cuda") == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert workers_here(["fake"]) == 2


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.save(CROSSING, tmp_path / "crossing.anyscene")
    scene = str(tmp_path / "crossing.anyscene")
    assert parser.main(["fan-out", "--list"]) == 0
    assert "jaywalker" in (said := capsys.readouterr().out) and "Holds:" in said
    assert parser.main(["fan-out", scene, "--variations", "original,rig_drop", "--preset", "fake", "--frames", "2", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("2 takes, of which 0 are there.\n2 takes to make: ") and "MB, less than a minute with " in said
    assert list(tmp_path.iterdir()) == [tmp_path / "crossing.anyscene"]
    for argv, words in (
        (["fan-out", "-o", str(tmp_path / "out")], "needs a plan file, or scenes"),
        (["fan-out", scene, "--variations", "cut_out", "--dry-run"], "did you mean cut_in"),
        (["fan-out", str(tmp_path / "no.toml"), "--dry-run"], "cannot be read"),
        (["fan-out", scene, "--preset", "huge", "--dry-run"], "no preset 'huge'"),
        (["fan-out", scene, "-o", str(tmp_path)], "holds other things already"),
    ):
        assert parser.main(argv) == 2
        assert words in (told := capsys.readouterr().err) and told.count("\n") == 1
