"""Files dropped on the page are kept and told apart by name; a log's own pictures are found for the strip."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.config import AppConfig
from app.workspace.dropped import keep
from app.workspace.images import STRIP_WIDTH
from app.workspace.recorded import recorded_jpeg, recorded_pictures
from app.workspace.shot import ShotMaker
from editor.document import EditError
from editor.formats import import_scene
from tests.editor.made_nuscenes import tables, write_tables


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize(
    ("name", "format", "kept"),
    [
        ("a map.xodr", "opendrive", "a-map.xodr"),
        ("sd_waymo.PKL", "scenarionet", "sd_waymo.pkl"),
        ("infos.pkl", "nuscenes-infos", "infos.pkl"),
        ("../../x.anyscene", "anyscene", "x.anyscene"),
    ],
)
def test_what_is_dropped_is_kept_inside_and_read_by_its_name(name: str, format: str, kept: str, tmp_path: Path) -> None:
    config = AppConfig(workspace=tmp_path)
    assert asyncio.run(keep(name, chunks(b"one ", b"two"), config)) == {"format": format, "source": str(tmp_path / "dropped" / kept)}
    assert [path.read_bytes() for path in (tmp_path / "dropped").iterdir()] == [b"one two"]


def test_what_nobody_reads_or_is_too_large_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = AppConfig(workspace=tmp_path)
    with pytest.raises(EditError, match=r"'log.bag' is no .anyscene, .xodr or .pkl: a log that is a folder"):
        asyncio.run(keep("log.bag", chunks(b"x"), config))
    monkeypatch.setattr("app.workspace.dropped.MOST_BYTES", 3)
    with pytest.raises(EditError, match="is larger than"):
        asyncio.run(keep("x.xodr", chunks(b"12", b"34"), config))
    assert not list((tmp_path / "dropped").iterdir())


def test_pictures_of_the_log_at_the_playhead(tmp_path: Path) -> None:
    found = tables(5)
    write_tables(tmp_path / "v1.0-mini", found)
    rows = [row for row in found["sample_data"] if "CAM_" in row["token"]]
    for n, row in enumerate(rows):
        path = tmp_path / row["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((450, 800, 3), 10 * n, np.uint8)).save(path, "JPEG")
    document, _ = import_scene("nuscenes", tmp_path)
    shot = ShotMaker().shoot(document, 12, None)
    assert shot is not None
    pictures = dict(recorded_pictures(shot))
    assert pictures.keys() == {"CAM_FRONT", "CAM_BACK"}
    nearest = min((row for row in rows if "FRONT" in row["token"]), key=lambda row: abs(row["timestamp"] - found["sample"][0]["timestamp"] - 1e6))
    assert pictures["CAM_FRONT"] == tmp_path / nearest["filename"]
    jpeg = recorded_jpeg(pictures["CAM_FRONT"])
    assert jpeg is not None and Image.open(io.BytesIO(jpeg)).size == (STRIP_WIDTH, STRIP_WIDTH * 9 // 16)
    pictures["CAM_FRONT"].write_bytes(b"no picture")
    assert recorded_jpeg(pictures["CAM_FRONT"]) is None
    pictures["CAM_FRONT"].unlink()
    assert dict(recorded_pictures(shot)).keys() == {"CAM_BACK"}
