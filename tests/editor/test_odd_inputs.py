"""Sources that are odd and yet can be read, and refusals that have to say which source they are about."""

from __future__ import annotations

import json
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from editor.entities import Agent, Area
from editor.files.document_hash import document_hash
from editor.formats import FormatError, SeveralScenes, import_scene
from engine.spec import large_tables
from tests.editor.made_nuscenes import expansion, infos, lanelet2, lyft, tables, write_lyft, write_t4, write_tables

LANE = '<{0}><lane id="{1}" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></{0}>'
LANES = f'<lanes><laneSection s="0">{LANE.format("right", -1)}</laneSection></lanes>'


def road(number: int, x_m: float = 0.0, length_m: float = 60.0, link: str = "") -> str:
    plan = f'<planView><geometry s="0" x="{x_m}" y="0" hdg="0" length="{length_m}"><line/></geometry></planView>'
    return f'<road id="{number}" junction="-1" length="{length_m}">{link}{plan}{LANES}</road>'


def network(folder: Path, *parts: str, name: str = "map.xodr") -> Path:
    (folder / name).write_text(f"<OpenDRIVE>{''.join(parts)}</OpenDRIVE>")
    return folder / name


def test_a_road_of_length_zero_is_dropped(tmp_path: Path) -> None:
    document, report = import_scene("opendrive", network(tmp_path, road(1), road(2, 60.0, 0.0)))
    assert len([area for area in document.of(Area) if area.channel == "drivable_area"]) == 1
    assert "1 x road without a geometry" in report.text()


def test_the_drive_goes_through_a_direct_junction(tmp_path: Path) -> None:
    """OpenDRIVE 1.7's direct junctions name the road that follows itself."""
    link = '<link><successor elementType="junction" elementId="9"/></link>'
    connection = '<connection id="0" incomingRoad="1" linkedRoad="2" contactPoint="start"><laneLink from="-1" to="-1"/></connection>'
    path = network(tmp_path, road(1, 0.0, 60.0, link), road(2, 60.0, 59.0), f'<junction id="9" type="direct">{connection}</junction>')
    document, _ = import_scene("opendrive", path, duration_s=14.0)
    last = document.ego.keyframes[-1].pose
    first = document.ego.keyframes[0].pose
    assert last.x_m - first.x_m > 100


def test_a_folder_with_one_map_in_capitals(tmp_path: Path) -> None:
    network(tmp_path, road(1), name="MAP.XODR")
    assert import_scene("opendrive", tmp_path)[0].name == "MAP"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_tables(tmp_path / "v1.0-mini", tables(5))
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "boston-seaport.json").write_text(json.dumps(expansion()))
    return tmp_path


def change(root: Path, table: str, alter: Callable[[dict[str, Any]], object]) -> None:
    path = root / "v1.0-mini" / f"{table}.json"
    rows = json.loads(path.read_text())
    for row in rows:
        alter(row)
    path.write_text(json.dumps(rows))


@pytest.mark.parametrize(("told", "name"), [("a\n\x00 b" + "ü" * 900, "a b" + "ü" * 197), (None, "scene-0001-token"), ("", "scene-0001-token"), (7, "7")])
def test_a_scene_has_a_name_that_can_be_shown(told: object, name: str, root: Path) -> None:
    change(root, "scene", lambda row: row.update(name=told))
    assert import_scene("nuscenes", root)[0].name == name


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3])
def test_time_stamps_of_another_unit_are_refused(scale: float, root: Path) -> None:
    change(root, "sample", lambda row: row.update(timestamp=row["timestamp"] * scale))
    with pytest.raises(FormatError, match=r"sample.json has key frames .* s apart"):
        import_scene("nuscenes", root)


def test_a_scene_that_is_there_twice_is_one(root: Path) -> None:
    write_tables(root / "v1.0-trainval", tables(5))
    (root / "v1.0-mini" / "itself").symlink_to(root / "v1.0-mini")
    assert import_scene("nuscenes", root)[0].name == "scene-0001"
    assert import_scene("nuscenes", root / "v1.0-mini")[0].name == "scene-0001"
    assert import_scene("nuscenes", root / "v1.0-mini" / "scene.json")[0].name == "scene-0001", "the file is as good as its folder"


def test_several_scenes_tell_their_descriptions(root: Path) -> None:
    second = tables(5, "scene-0002")
    second["scene"][0]["description"] = "Rain"
    write_tables(root / "v1.0-mini", tables(5), second)
    with pytest.raises(SeveralScenes) as several:
        import_scene("nuscenes", root)
    assert several.value.scenes == {"scene-0001": "", "scene-0002": "Rain"}


def nested(root: Path) -> Path:
    """Rows that hold objects before the key that is looked for, as some T4 sets have them."""
    for path in root.rglob("*.json"):
        rows = json.loads(path.read_text())
        if isinstance(rows, list):
            path.write_text(json.dumps([{"more": {"token": "x", "sample_token": "y"}, **row} for row in rows], indent=1))
    return root


@pytest.mark.parametrize("kind", ["nuscenes", "t4", "lyft", "nested"])
def test_rows_of_large_tables_are_found_one_by_one(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scene as from tables that are parsed whole, however rows are written."""
    if kind in ("nuscenes", "nested"):
        write_tables(tmp_path / "v1.0-mini", tables(5), tables(5, "scene-0002"))
    root = {"t4": lambda: write_t4(tmp_path), "lyft": lambda: write_lyft(tmp_path), "nested": lambda: nested(tmp_path)}.get(kind, lambda: tmp_path)()
    name = lyft()["scene"][0]["name"] if kind == "lyft" else "scene-0002" if kind != "t4" else None
    whole = document_hash(import_scene("nuscenes", root, scene_name=name)[0])
    read = []
    monkeypatch.setattr(large_tables, "LARGE_BYTES", 0)
    monkeypatch.setattr("engine.spec.tables.rows_with", lambda *asked: read.append(found := large_tables.rows_with(*asked)) or found)
    assert document_hash(import_scene("nuscenes", root, scene_name=name)[0]) == whole
    assert len(read) == 3 and all((rows is None) == (kind == "nested") for rows in read), "nested rows are left to the parser"


@pytest.mark.parametrize("subtype", ["bus_lane", "bicycle_lane", "play_street", "emergency_lane", "exit"])
def test_lanelets_that_one_can_drive_on(subtype: str, tmp_path: Path) -> None:
    root = write_t4(tmp_path)
    (root / "map/lanelet2_map.osm").write_text(lanelet2().replace('v="road"', f'v="{subtype}"'))
    drivable = [area for area in import_scene("nuscenes", root)[0].of(Area) if area.channel == "drivable_area"]
    assert len(drivable) == 1 and np.ptp(np.array(drivable[0].exterior_m), axis=0) == pytest.approx([80, 12])


@pytest.mark.parametrize("lost", ['<node id="1"', '<way id="500"', '<member type="way" role="left" ref="500"'])
def test_a_map_that_was_cut_out_of_a_larger_one(lost: str, tmp_path: Path) -> None:
    """Lanelets without both of their borders are left out and counted: of the three lanes, those beside the first line."""
    root = write_t4(tmp_path)
    text = lanelet2()
    assert lost in text
    (root / "map/lanelet2_map.osm").write_text(text.replace(lost, lost.replace("id=", "was=").replace("ref=", "was=")))
    document, report = import_scene("nuscenes", root)
    assert "2 x lanelet whose borders are not whole" in report.text()
    (left,) = (area for area in document.of(Area) if area.channel == "drivable_area")
    assert np.ptp(np.array(left.exterior_m), axis=0) == pytest.approx([80, 4])


def written(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("layout", ["old", "v1", "v2"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_infos_of_every_protocol_and_in_ordered_dicts(layout: str, protocol: int, tmp_path: Path) -> None:
    content = infos(tables(5), layout)
    plain = document_hash(import_scene("nuscenes-infos", written(tmp_path / "infos.pkl", content))[0])
    key = "infos" if "infos" in content else "data_list"
    content[key] = [OrderedDict(row, somewhere=PurePosixPath("/data") / "x.bin") for row in content[key]]
    assert document_hash(import_scene("nuscenes-infos", written(tmp_path / "infos.pkl", OrderedDict(content), protocol))[0]) == plain


@pytest.mark.parametrize("empty", [np.array([]), [], np.zeros((0, 9)), ()])
def test_a_frame_without_boxes_in_any_shape(empty: Any, tmp_path: Path) -> None:
    content = infos(tables(5), "old")
    for row in content["infos"][:2]:
        row.update(gt_boxes=empty, gt_names=np.array([]), gt_velocity=np.array([]))
    document, _ = import_scene("nuscenes-infos", written(tmp_path / "infos.pkl", content))
    assert all(agent.appears_s is not None and agent.appears_s > 0.7 for agent in document.of(Agent))


def test_every_refusal_names_its_source(root: Path) -> None:
    for arguments in ({"start_s": 99.0}, {"duration_s": 1e-9}, {"map_path": root / "v1.0-mini" / "log.json"}):
        with pytest.raises(FormatError, match=str(root)):
            import_scene("nuscenes", root, **arguments)
    change(root, "sample_annotation", lambda row: row.update(size=None))
    with pytest.raises(FormatError, match=rf"{root}: sample_annotation .* has no size"):
        import_scene("nuscenes", root)
