"""Takes in an fsspec store: whole by their row, the same files as in a folder, and handed over from there."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pyarrow.parquet as parquet
import pytest

from app.commands import parser
from app.fanout import Wanted, expand
from app.fanout.export import export
from app.fanout.packing import packed, unpacked
from app.fanout.remote import RemoteStore
from app.fanout.run import run
from app.fanout.store import Store, StoreError
from editor.files import project
from tests.app.test_fan_out_run import CROSSING, PLAN, InProcess, contents

SEEN = replace(PLAN, variations=(Wanted("original"), Wanted("hard_brake")), until="buffers", cameras=("CAM_FRONT",))


@pytest.fixture
def url() -> str:
    files = fsspec.filesystem("memory")
    if files.exists("/takes"):
        files.rm("/takes", recursive=True)
    return "memory://takes"


def test_a_take_in_an_object_store_is_the_take_in_a_folder(url: str, tmp_path: Path) -> None:
    far = RemoteStore(tmp_path / "far", url)
    report = run(expand(SEEN), far, InProcess(), SEEN.gate, {"crossing": CROSSING})
    run(expand(SEEN), tmp_path / "near", InProcess(), SEEN.gate)
    near = Store(tmp_path / "near")
    assert report.whole and far.landed() == near.landed() == {item.key for item in expand(SEEN).items}
    for key in near.landed():
        with far.opened(key) as folder:
            assert contents(folder) == contents(near.take(key))
        assert [file["path"] for file in far.files(key)] == [file["path"] for file in near.files(key)]
    assert not any((tmp_path / "far" / ".fanout/making").iterdir()), "nothing stays where it was made"
    files = fsspec.filesystem("memory")
    for name in ("manifest.parquet", "index.html"):
        assert files.cat_file(f"/takes/{name}") == (tmp_path / "far" / name).read_bytes()
    assert {row["key"] for row in parquet.read_table(tmp_path / "far/manifest.parquet").to_pylist()} == far.landed()
    assert {path.stem for path in (tmp_path / "far/thumbnails").iterdir()} == far.landed(), "the page's pictures"
    again = InProcess()
    assert run(expand(SEEN), far, again, SEEN.gate).kept == 2 and not again.made


def test_a_take_whose_row_is_missing_is_not_there_and_made_again(url: str, tmp_path: Path) -> None:
    far = RemoteStore(tmp_path, url)
    run(expand(SEEN), far, InProcess(), SEEN.gate)
    (key, other) = sorted(far.landed())
    fsspec.filesystem("memory").rm(f"/takes/.fanout/rows/{key}.json")  # as if its maker had died before it came to that
    assert far.landed() == {other} == far.landed_of([key, other])
    again = InProcess()
    assert run(expand(SEEN), far, again, SEEN.gate).whole and again.made == [key]


def test_workers_put_takes_there_and_they_are_handed_over_from_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.save(CROSSING, tmp_path / "crossing.anyscene")
    argv = ["fan-out", str(tmp_path / "crossing.anyscene"), "--seeds", "0,1", "--preset", "fake", "--frames", "1", "--until", "occupancy", "--workers", "1"]
    assert parser.main([*argv, "-o", str(tmp_path / "far"), "--store", f"file://{tmp_path / 'takes'}", "--export", "webdataset"]) == 0
    far = RemoteStore(tmp_path / "far", str(tmp_path / "takes"))
    assert len(far.landed()) == 2 and "Handed over 2 takes in 1 new shards" in capsys.readouterr().out
    assert not list((tmp_path / "takes").rglob("*.part"))
    with tarfile.open(tmp_path / "far/export/webdataset/000000.tar") as archive:
        assert {name.split(".")[0] for name in archive.getnames()} == far.landed()


def test_a_url_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"Takes cannot be put at 'no-such://x' \(Protocol not known: no-such\)"):
        RemoteStore(tmp_path, "no-such://x")


def test_depth_travels_without_loss_and_small() -> None:
    ramp = np.tile(np.linspace(4.0, 60.0, 256, dtype=np.float32)[:, None], (1, 448))
    data = io.BytesIO()
    np.save(data, ramp)
    name, small = packed("buffers/A/depth/00000.npy", data.getvalue())
    assert name.endswith(".npy.gz") and len(small) < len(data.getvalue()) / 10 and packed(name, small)[1] == small
    assert unpacked(name, small) == ("buffers/A/depth/00000.npy", data.getvalue())
    assert packed("take.json", b"{}") == ("take.json", b"{}") == unpacked("take.json", b"{}")


def test_shards_hold_depth_deflated(tmp_path: Path) -> None:
    run(expand(replace(SEEN, variations=(Wanted("original"),))), tmp_path, InProcess(), SEEN.gate)
    store = Store(tmp_path)
    export(store, "webdataset")
    (key,) = store.landed()
    with tarfile.open(tmp_path / "export/webdataset/000000.tar") as archive:
        member = archive.extractfile(f"{key}.buffers.cam_front.depth.00001.npy.gz")
        assert member is not None
        _, depth = unpacked("x.gz", member.read())
        row = archive.extractfile(f"{key}.json")
        assert row is not None and json.loads(row.read())["key"] == key
    assert depth == (store.take(key) / "buffers/CAM_FRONT/depth/00001.npy").read_bytes()
