"""Sources that cannot be read: each gives one sentence that says what is wrong and what to do, never a traceback."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.feather as feather
import pytest

from editor.entities import Agent
from editor.formats import FORMATS, FormatError, import_scene
from tests.editor.made_logs import ANNOTATIONS, MAP, POSES, argoverse_log, rows, scenario, write


def refused(format: str, source: Path, **arguments: Any) -> str:
    """The sentence with which a source is refused."""
    with pytest.raises(FormatError) as caught:
        import_scene(format, source, **arguments)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 500, sentence
    return sentence


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return argoverse_log(tmp_path / "log")


def change(path: Path, name: str, row: int, value: Any) -> None:
    columns = feather.read_table(path).to_pydict()
    columns[name][row] = value
    write(path, columns)


def test_the_log_drawn_here_is_read(log: Path) -> None:
    """Without this, every refusal below could be for another reason."""
    document, _ = import_scene("av2", log)
    assert sum(1 for _ in document.of(Agent)) == 1 and document.duration_s == pytest.approx(1.9)
    assert "0.33 m above ground" in " ".join(document.notes)


def test_an_argoverse_log_without_a_part(log: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no Argoverse 2 log" in refused("av2", tmp_path / "empty")
    (log / MAP).rename(log / "gone.json")
    assert "has no map" in refused("av2", log) and "--map" in refused("av2", log)
    document, _ = import_scene("av2", log, map_path=log / "gone.json")
    assert document.entities
    (log / POSES).rename(log / "poses")
    assert POSES in refused("av2", log)
    (log / "poses").rename(log / POSES)
    (log / ANNOTATIONS).unlink()
    assert ANNOTATIONS in refused("av2", log)


@pytest.mark.parametrize("name", [ANNOTATIONS, POSES])
@pytest.mark.parametrize("length", [0, 9, 700])
def test_truncated_feather(log: Path, name: str, length: int) -> None:
    path = log / name
    path.write_bytes(path.read_bytes()[:length])
    assert name in refused("av2", log) and "whole feather file" in refused("av2", log)


@pytest.mark.parametrize("name", [ANNOTATIONS, POSES])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_poses_that_are_no_numbers(log: Path, name: str, value: float) -> None:
    change(log / name, "ty_m", 3, value)
    sentence = refused("av2", log)
    assert name in sentence and "row 3" in sentence and "ty_m" in sentence


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda log: change(log / POSES, "qw", 2, 0.0), "quaternion of length zero"),
        (lambda log: change(log / ANNOTATIONS, "width_m", 4, -1.0), "without a size"),
        (lambda log: change(log / ANNOTATIONS, "timestamp_ns", 5, 10**15), "does not cover"),
        (lambda log: change(log / ANNOTATIONS, "timestamp_ns", 5, 400_000_000), "two boxes"),
        (lambda log: change(log / ANNOTATIONS, "category", 5, None), "empty entries"),
        (lambda log: write(log / ANNOTATIONS, {"timestamp_ns": [1]}), "has no column"),
        (lambda log: write(log / POSES, rows(20, tx_m=["x"] * 20)), "not numbers"),
        (lambda log: write(log / POSES, rows(1)), "no drive"),
        (lambda log: feather.write_feather(feather.read_table(log / ANNOTATIONS).slice(0, 0), log / ANNOTATIONS), "no rows"),
        (lambda log: (log / MAP).write_text("{"), "whole JSON"),
        (lambda log: (log / MAP).write_text("[" * 100_000), "whole JSON"),
        (lambda log: (log / MAP).write_text("[]"), "holds a list"),
        (lambda log: (log / MAP).write_text('{"drivable_areas": {}}'), "vector map"),
        (lambda log: (log / MAP).write_text((log / MAP).read_text().replace("-50", "NaN")), "not a number"),
        (lambda log: (log / MAP).write_text('{"drivable_areas": {}, "pedestrian_crossings": {}, "lane_segments": {}}'), "no drivable area"),
        (lambda log: (log / MAP).write_text((log / MAP).read_text().replace("50", "5000").replace("-5000", "4000")), "another place"),
        (
            lambda log: (
                (log / "map/a_ground_height_surface_b.npy").write_bytes(b"x"),
                (log / "map/a_img_Sim2_city.json").write_text("{}"),
            ),
            "ground",
        ),
    ],
)
def test_broken_argoverse_logs(log: Path, break_it: Callable[[Path], object], says: str) -> None:
    break_it(log)
    assert says in refused("av2", log)


def test_times_outside_of_a_log(log: Path) -> None:
    assert "1.90 s long" in refused("av2", log, start_s=1.9)
    assert "cannot start" in refused("av2", log, start_s=-1.0)
    assert "cannot start" in refused("av2", log, start_s=float("nan"))
    assert "holds no scene" in refused("av2", log, duration_s=0.0)
    assert import_scene("av2", log, start_s=1.0, duration_s=100.0)[0].duration_s == pytest.approx(0.9)


def test_a_calibration_of_another_log(log: Path) -> None:
    folder = log / "calibration"
    folder.mkdir()
    pose = {name: [value] for name, value in zip(("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m"), (1.0, 0, 0, 0, 0, 0, 0), strict=True)}
    write(folder / "egovehicle_SE3_sensor.feather", {"sensor_name": ["ring_rear"], **pose})
    lens = {name: [500.0] for name in ("fx_px", "fy_px", "cx_px", "cy_px")} | {"width_px": [1000], "height_px": [1000]}
    write(folder / "intrinsics.feather", {"sensor_name": ["ring_front"], **lens})
    assert "ring_front" in refused("av2", log)
    write(folder / "intrinsics.feather", {"sensor_name": ["ring_rear"], **lens, "width_px": [0]})
    assert "width" in refused("av2", log)


def test_unknown_formats_and_places(tmp_path: Path) -> None:
    assert "av2" in refused("rosbag", tmp_path)
    for format in FORMATS:
        assert "does not exist" in refused(format, tmp_path / "nothing")
        assert refused(format, tmp_path)
        other = tmp_path / "file.bin"
        other.write_bytes(bytes(range(256)))
        assert "file.bin" in refused(format, other)
        other.write_bytes(b"")
        assert "file.bin" in refused(format, other)
        other.unlink()


def test_a_map_where_the_source_is_the_map(log: Path, tmp_path: Path) -> None:
    assert "does not exist" in refused("av2", log, map_path=tmp_path / "nothing")
    for format in ("scenarionet", "opendrive"):
        assert "--map" in refused(format, log / MAP, map_path=log / MAP)


def pickled(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "sd_drawn.pkl"
    path.write_bytes(pickle.dumps(content))
    return path


def test_the_scenario_drawn_here_is_read(tmp_path: Path) -> None:
    document, _ = import_scene("scenarionet", pickled(tmp_path, scenario()))
    assert sum(1 for _ in document.of(Agent)) == 1


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "made"
    assert "mkdir" in refused("scenarionet", pickled(tmp_path, {**scenario(), "extra": Bomb(target)}))
    assert not target.exists()
    for name in ("eval", "exec", "getattr", "__import__"):
        path = tmp_path / f"{name}.pkl"
        path.write_bytes(b"cbuiltins\n" + name.encode() + b"\n(S'1'\ntR.")
        assert name in refused("scenarionet", path)


def broken(change_it: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    content = scenario()
    change_it(content)
    return content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([1, 2], "no ScenarioNet scenario"),
        ({"tracks": {}}, "no ScenarioNet scenario"),
        (broken(lambda s: s["map_features"].clear()), "no road"),
        (broken(lambda s: s["tracks"].pop("ego")), "no poses for its ego"),
        (broken(lambda s: s["metadata"].pop("ts")), "not laid out"),
        (broken(lambda s: s["metadata"].update(ts=np.zeros(10))), "do not rise"),
        (broken(lambda s: s["metadata"].update(ts=np.arange(9) / 10)), "one state for each"),
        (broken(lambda s: s["tracks"]["other"]["state"].update(heading=np.full(10, np.nan))), "not a number"),
        (broken(lambda s: s["tracks"]["ego"]["state"].update(valid=np.zeros(10))), "no poses for its ego"),
        (broken(lambda s: s["tracks"]["ego"]["state"].update(position=np.zeros((4, 2)))), "not laid out"),
        (broken(lambda s: s["tracks"]["other"].pop("state")), "not laid out"),
        (broken(lambda s: s["map_features"]["1"].update(polyline=np.full((3, 2), np.inf))), "not laid out"),
    ],
)
def test_broken_scenarios(tmp_path: Path, content: Any, says: str) -> None:
    assert says in refused("scenarionet", pickled(tmp_path, content))


def test_truncated_pickle(tmp_path: Path) -> None:
    path = pickled(tmp_path, scenario())
    for length in (1, 50, path.stat().st_size - 5):
        path.write_bytes(path.read_bytes()[:length])
        assert "whole pickle" in refused("scenarionet", path)
        path = pickled(tmp_path, scenario())


BILLION_LAUGHS = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">{}]><OpenDRIVE>&j;</OpenDRIVE>'.format(
    "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True))
)
FETCHES = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><OpenDRIVE>&a;</OpenDRIVE>'
GEOMETRY = '<planView><geometry s="0" x="0" y="0" hdg="0" length="50">{}</geometry></planView>'
LANES = '<lanes><laneSection s="0"><right><lane id="-1" type="driving"><width sOffset="0" a="{}" b="0" c="0" d="0"/></lane></right></laneSection></lanes>'


def road(shape: str = "<line/>", width: str = "3") -> str:
    return f'<OpenDRIVE><road id="7" length="50">{GEOMETRY.format(shape)}{LANES.format(width)}</road></OpenDRIVE>'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BILLION_LAUGHS, "document type"),
        (FETCHES, "document type"),
        ("<OpenDRIVE><road>", "whole XML"),
        ("<net/>", "<net>"),
        ("<OpenDRIVE/>", "no lane to drive on"),
        (f'<OpenDRIVE><road id="7">{LANES.format(3)}</road></OpenDRIVE>', "Road '7' has no geometry"),
        (road(shape=""), "has no shape"),
        (road(shape="<wiggle/>"), "wiggle"),
        (road(shape='<arc curvature="nan"/>'), "curvature='nan'"),
        (road(shape="<arc/>"), "finite number"),
        (road(width="wide"), "a='wide'"),
        (road(width="0"), "no lane to drive on"),
    ],
)
def test_broken_road_networks(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "road.xodr"
    path.write_text(road())
    assert import_scene("opendrive", path)[0].entities
    path.write_text(text)
    assert says in refused("opendrive", path)
    assert not re.search("root:", refused("opendrive", path))


def test_a_drive_that_starts_after_the_road(tmp_path: Path) -> None:
    path = tmp_path / "road.xodr"
    path.write_text(road())
    assert "cannot start" in refused("opendrive", path, start_s=60.0)
    assert "holds no scene" in refused("opendrive", path, duration_s=0.0)
