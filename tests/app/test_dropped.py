"""Files dropped on the page are kept and told apart by name; a log's own pictures are found for the strip."""

from __future__ import annotations

import asyncio
import io
import json
import re
from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.commands.parser import main
from app.commands.takes import _anchors
from app.config import AppConfig
from app.errors import CommandError
from app.workspace.dropped import keep, next_step
from app.workspace.images import STRIP_WIDTH
from app.workspace.recorded import recorded_jpeg, recorded_pictures
from app.workspace.shot import ShotMaker
from editor.document import Document, EditError
from editor.files import project
from editor.formats import import_scene
from editor.formats.folders import SKIPPED
from tests.editor.made_logs import argoverse_log
from tests.editor.made_nuscenes import expansion, tables, write_t4, write_tables


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def offer(folder: Path, **chosen: object) -> dict[str, object]:
    """What a page tells of a folder: its files outside of those that it skips."""
    paths = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    kept = [path for path in paths if not any(re.fullmatch(SKIPPED, part, re.IGNORECASE) for part in path.parts[:-1])]
    return {"name": folder.name, "files": [[path.as_posix(), (folder / path).stat().st_size] for path in kept], **chosen}


def send(folder: Path, step: dict[str, Any], config: AppConfig) -> list[str]:
    """As the page does it; the paths that were there to be sent."""
    sent = [path for path in step["send"] if (folder / path).is_file()]
    assert step["optional"] or sent == step["send"]
    for path in sent:
        asyncio.run(keep(f"{step['id']}/{path}", chunks((folder / path).read_bytes()), config))
    return sent


def nuscenes_set(folder: Path, root: str = "") -> Path:
    """A data set of two scenes, with files for all of its pictures and sweeps."""
    scenes = [tables(5), tables(5, "scene-0002")]
    scenes[1]["scene"][0]["description"] = "Rain, a parked truck"
    write_tables(folder / root / "v1.0-mini", *scenes)
    (folder / root / "v1.0-mini" / "lidarseg.json").write_text("[]")
    (folder / root / "maps" / "expansion").mkdir(parents=True)
    (folder / root / "maps" / "expansion" / "boston-seaport.json").write_text(json.dumps(expansion()))
    (folder / root / "maps" / "mask.png").write_bytes(b"png")
    picture = io.BytesIO()
    Image.fromarray(np.full((90, 160, 3), 90, np.uint8)).save(picture, "JPEG")
    for row in (row for scene in scenes for row in scene["sample_data"]):
        path = folder / root / row["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture.getvalue())
    return folder


@pytest.mark.parametrize(
    ("name", "format"), [("a map.xodr", "opendrive"), ("sd_waymo.PKL", "scenarionet"), ("infos.pkl", "nuscenes-infos"), ("x.anyscene", "anyscene")]
)
def test_a_file_is_kept_inside_and_read_by_its_name(name: str, format: str, tmp_path: Path) -> None:
    config, told = AppConfig(workspace=tmp_path / "desk"), {"name": name, "files": [[name, 7]]}
    step = next_step(told, config)
    asyncio.run(keep(f"{step['id']}/{name}", chunks(b"one ", b"two"), config))
    found = next_step(told, config)["import"]
    assert found["format"] == format and Path(found["source"]).read_bytes() == b"one two"
    assert Path(found["source"]).is_relative_to(tmp_path / "desk" / "dropped") and Path(found["source"]).name == name


@pytest.mark.parametrize("root", ["", "data sets/nuScenes"])
def test_a_data_sets_folder_sends_its_tables_and_the_pictures_of_one_scene(root: str, tmp_path: Path) -> None:
    folder, config = nuscenes_set(tmp_path / "set", root), AppConfig(workspace=tmp_path / "desk")
    sent = send(folder, next_step(offer(folder), config), config)
    below = f"{root}/" if root else ""
    assert f"{below}v1.0-mini/scene.json" in sent and f"{below}maps/expansion/boston-seaport.json" in sent
    assert not [path for path in sent if path.endswith((".png", ".jpg", "lidarseg.json"))]
    choice = next_step(offer(folder), config)
    assert choice == {"choose": "scene", "options": [["scene-0001", ""], ["scene-0002", "Rain, a parked truck"]]}
    pictures = send(folder, next_step(offer(folder, scene="scene-0001"), config), config)
    rows = [row for row in tables(5)["sample_data"] if row["is_key_frame"] and row["filename"].endswith(".jpg")]
    assert {f"{below}{row['filename']}" for row in rows} >= set(pictures) and len(pictures) == 10
    found = next_step(offer(folder, scene="scene-0001", has_pictures=True), config)["import"]
    document, report = import_scene(found["format"], Path(found["source"]), scene_name=found["scene"])
    assert document.name == "scene-0001" and "no walkways" not in report.text() and "refers to 10 pictures" in report.text()
    again = next_step(offer(folder, scene="scene-0002", has_pictures=True), config)
    assert "import" in again, "what is there is not sent again"
    (folder / below / "v1.0-mini" / "scene.json").write_text("[ ]")
    assert len(next_step(offer(folder), config)["send"]) == len(sent), "another set of the same name lies elsewhere"


def test_logs_of_several_files(tmp_path: Path) -> None:
    config = AppConfig(workspace=tmp_path / "desk")
    for name in ("one", "two"):
        argoverse_log(tmp_path / "logs" / name)
        (tmp_path / "logs" / name / "sensors" / "cameras").mkdir(parents=True)
        (tmp_path / "logs" / name / "sensors" / "cameras" / "1.jpg").write_bytes(b"x")
    choice = next_step(offer(tmp_path / "logs"), config)
    assert choice == {"choose": "source", "options": [["one", "Argoverse 2 sensor log"], ["two", "Argoverse 2 sensor log"]]}
    step = next_step(offer(tmp_path / "logs", source="two"), config)
    assert all(path.startswith("two/") for path in send(tmp_path / "logs", step, config))
    found = next_step(offer(tmp_path / "logs", source="two"), config)["import"]
    document, _ = import_scene("av2", Path(found["source"]))
    assert document.name == "two"
    t4 = write_t4(tmp_path / "t4")
    send(t4, next_step(offer(t4), config), config)
    found = next_step(offer(t4, has_pictures=True), config)["import"]
    document, report = import_scene("nuscenes", Path(found["source"]))
    assert "Lanelet2" in report.text(), "its map came with it"


def test_what_nobody_reads_or_is_too_large_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = AppConfig(workspace=tmp_path)
    with pytest.raises(EditError, match=r"'log.bag' holds nothing that can be imported: give a nuScenes-like"):
        next_step({"name": "log.bag", "files": [["log.bag", 1]]}, config)
    step = next_step({"name": "x", "files": [["x.xodr", 4]]}, config)
    monkeypatch.setattr("app.workspace.dropped.MOST_BYTES", 3)
    with pytest.raises(EditError, match=r"'y' has more than .* import it by its path"):
        next_step({"name": "y", "files": [["y.xodr", 4]]}, config)
    with pytest.raises(EditError, match="is larger than"):
        asyncio.run(keep(f"{step['id']}/x.xodr", chunks(b"12", b"34"), config))
    assert not [path for path in (tmp_path / "dropped").rglob("*") if path.is_file()]


@pytest.mark.parametrize("told", [None, [], {"name": 3, "files": []}, {"name": "x"}, {"name": "x", "files": [["a.xodr", 1]] * 20_001}])
def test_an_offer_that_is_none_is_one_sentence(told: object, tmp_path: Path) -> None:
    with pytest.raises(EditError, match="A dropped folder has a name"):
        next_step(told, AppConfig(workspace=tmp_path))


@pytest.mark.parametrize("path", ["../x.xodr", "/etc/x.xodr", "a/../../x.xodr", ".ssh/x.xodr", "C:x.xodr", "a\\..\\x.xodr", "a//x.xodr", "\x00.xodr"])
def test_no_path_leads_out_of_the_folder(path: str, tmp_path: Path) -> None:
    config = AppConfig(workspace=tmp_path)
    with pytest.raises(EditError, match="holds nothing"):
        next_step({"name": "x", "files": [[path, 1]]}, config)
    step = next_step({"name": "../..", "files": [["x.xodr", 1]]}, config)
    assert (tmp_path / "dropped" / step["id"]).resolve().is_relative_to(tmp_path / "dropped")
    for name in (f"{step['id']}/{path}", path, f"nobody/asked/{path}", f"{step['id']}"):
        with pytest.raises(EditError, match="did not ask for"):
            asyncio.run(keep(name, chunks(b"x"), config))
    assert not [found for found in tmp_path.rglob("*") if found.is_file()]


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


def test_a_take_begins_from_the_recorded_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`generate --anchor recorded`: of the cameras that are made, at the take's start; a picture that is named goes first."""
    folder = nuscenes_set(tmp_path / "set")
    document, _ = import_scene("nuscenes", folder, scene_name="scene-0001")
    asked = Namespace(anchor=[("recorded", Path("recorded")), ("CAM_BACK", tmp_path / "mine.png")], cameras=None, start=1.0)
    found = _anchors(document, asked)
    assert found["CAM_BACK"] == tmp_path / "mine.png" and "sample-2" in found["CAM_FRONT"].name
    assert _anchors(document, Namespace(anchor=[("recorded", Path())], cameras=("CAM_BACK",), start=0.0)).keys() == {"CAM_BACK"}
    with pytest.raises(CommandError, match="no recorded picture near 1 s"):
        _anchors(Document("made", 4.0), asked)
    project.save(document, tmp_path / "x.anyscene")
    asked_for = [str(tmp_path / "x.anyscene"), "-o", str(tmp_path / "take"), "--preset", "fake", "--anchor", "recorded", "--frames", "1"]
    assert main(["generate", *asked_for]) == 2
    assert "begins from no picture: leave the anchor out" in capsys.readouterr().err
