"""What real logs taught: slow clocks, jitter, logs of one moment, pickles of the field's own converter."""

from __future__ import annotations

import collections
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.feather as feather
import pytest

from editor.clip import boxes_at
from editor.document import Document
from editor.entities import Agent
from editor.formats import FormatError, import_scene
from editor.formats.unpickle import ALLOWED
from editor.track import exists_at, pose_at
from engine.spec.grid import RATE_HZ
from tests.editor.made_logs import ANNOTATIONS, POSES, argoverse_log, rows, scenario, write

FAULTS = Path(__file__).parent / "faults"


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "sd_made.pkl"
    path.write_bytes(pickle.dumps(content))
    return path


def sampled(times: np.ndarray, seen: np.ndarray) -> dict[str, Any]:
    """The scenario of the other tests on another clock: everything moves at 5 m/s along x, 'other' is there where it is `seen`."""
    content = scenario()
    content["metadata"]["ts"] = times
    for name, track in content["tracks"].items():
        count = len(times)
        position = np.stack([5 * times, np.full(count, 0.0 if name == "ego" else 4.0), np.ones(count)], -1)
        track["state"] = {"position": position, "heading": np.zeros(count), "valid": seen if name == "other" else np.ones(count, bool)}
        track["state"] |= {"length": np.full(count, 4.0), "width": np.full(count, 2.0), "height": np.full(count, 1.5)}
    return content


def boxes_per_frame(document: Document) -> list[int]:
    counts = []
    for frame in range(int(document.duration_s * RATE_HZ) + 1):
        ids = [box.instance_id for box in boxes_at(document, frame / RATE_HZ)]
        assert len(ids) == len(set(ids)), "an agent has two boxes in one frame"
        counts.append(len(ids))
    return counts


def test_hz1_has_one_box_per_agent_and_frame() -> None:
    path = FAULTS / "hz1.pkl"
    document, report = import_scene("scenarionet", path)
    source = pickle.loads(path.read_bytes())
    times = source["metadata"]["ts"]
    boxes_per_frame(document)
    agents = {agent.name.split(" ")[1]: agent for agent in document.of(Agent)}
    assert sum(1 for _ in document.of(Agent)) == len(agents) == 3
    for name, agent in agents.items():
        state = source["tracks"][name]["state"]
        rows_seen = np.flatnonzero(state["valid"])
        for moment in np.arange(times[rows_seen[0]], times[rows_seen[-1]] + 1e-9, 1 / 12):
            assert exists_at(agent, float(moment))
            # Interpolated by hand: this far from the sample before, in the direction of the one after.
            before = int(np.searchsorted(times, moment + 1e-9, side="right") - 1)
            after = min(before + 1, len(times) - 1)
            part = 0.0 if before == after else (moment - times[before]) / (times[after] - times[before])
            expected = state["position"][before] + part * (state["position"][after] - state["position"][before])
            pose = pose_at(agent.keyframes, float(moment))
            np.testing.assert_allclose([pose.x_m, pose.y_m], expected[:2] - report.origin_m[:2], atol=1e-6)


@pytest.mark.parametrize("hz", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("jitter", [0.0, 0.2])
def test_slow_clocks_split_no_track(hz: float, jitter: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    times = (np.arange(12) + rng.uniform(-jitter, jitter, 12)) / hz
    times -= times[0]
    document, _ = import_scene("scenarionet", written(tmp_path, sampled(times, np.ones(12, bool))))
    assert sum(1 for _ in document.of(Agent)) == 1
    assert set(boxes_per_frame(document)) == {1}


@pytest.mark.parametrize("hz", [1.0, 2.0])
def test_a_missing_sample_of_a_slow_clock_is_a_gap(hz: float, tmp_path: Path) -> None:
    times, seen = np.arange(12) / hz, np.ones(12, bool)
    seen[[3, 6, 8]] = False  # the sample at 7 stands alone
    document, report = import_scene("scenarionet", written(tmp_path, sampled(times, seen)))
    spans = [(agent.appears_s, agent.disappears_s) for agent in document.of(Agent)]
    assert spans == [(None, 2 / hz), (4 / hz, 5 / hz), (6.5 / hz, 7.5 / hz), (9 / hz, None)]
    assert max(boxes_per_frame(document)) == 1
    assert f"{1.75 / hz:.2g} s" in report.text()


def test_agents_slower_than_the_clock(tmp_path: Path) -> None:
    """A 10 Hz log whose agents are labelled once a second."""
    seen = np.zeros(60, bool)
    seen[::10] = True
    document, _ = import_scene("scenarionet", written(tmp_path, sampled(np.arange(60) / 10, seen)))
    (agent,) = document.of(Agent)
    assert agent.disappears_s == pytest.approx(5.0)
    assert pose_at(agent.keyframes, 2.5).x_m == pytest.approx(12.5)


@pytest.mark.parametrize("every", [5, 10])
def test_argoverse_at_2_and_1_hz(every: int, tmp_path: Path) -> None:
    source = argoverse_log(tmp_path / "log")
    count = 6
    table = rows(
        count,
        track_uuid=["a"] * count,
        category=["REGULAR_VEHICLE"] * count,
        length_m=[4.0] * count,
        width_m=[2.0] * count,
        height_m=[1.5] * count,
    )
    table["timestamp_ns"] = [100_000_000 * every * k for k in range(count)]
    write(source / ANNOTATIONS, table)
    poses = rows(every * count)
    poses["ty_m"] = [0.001 * k * k for k in range(every * count)]
    write(source / POSES, poses)
    document, report = import_scene("av2", source)
    # The ego's poses are known ten times a second, however rarely boxes are.
    for k in range(every * (count - 1)):
        pose = pose_at(document.ego.keyframes, k / 10)
        assert (pose.x_m + report.origin_m[0], pose.y_m + report.origin_m[1]) == pytest.approx((k, 0.001 * k * k), abs=1e-6)
    assert sum(1 for _ in document.of(Agent)) == 1
    assert set(boxes_per_frame(document)) == {1}


def test_a_log_of_one_moment_stands_still(tmp_path: Path) -> None:
    document, report = import_scene("scenarionet", written(tmp_path, sampled(np.array([3.0]), np.ones(1, bool))))
    assert document.duration_s == 4.0 and "stands still" in report.text()
    (agent,) = document.of(Agent)
    assert agent.appears_s is None and agent.disappears_s is None
    assert set(boxes_per_frame(document)) == {1}
    source = argoverse_log(tmp_path / "log")
    columns = feather.read_table(source / ANNOTATIONS).to_pydict()
    write(source / ANNOTATIONS, {name: values[:1] for name, values in columns.items()})
    document, report = import_scene("av2", source)
    assert document.duration_s == 4.0 and "stands still" in report.text() and set(boxes_per_frame(document)) == {1}


def test_counters_of_the_converter_come_in_as_plain_dicts(tmp_path: Path) -> None:
    document, _ = import_scene("scenarionet", FAULTS / "dd.pkl")
    assert list(document.of(Agent))
    counts = collections.defaultdict(int, {"VEHICLE": 3})
    document, _ = import_scene("scenarionet", written(tmp_path, {**scenario(), "counts": counts}))
    assert list(document.of(Agent))
    assert {name for module, name in ALLOWED if not module.startswith("numpy")} == {"set", "frozenset", "defaultdict", "int"}


@pytest.mark.parametrize("asked", [collections.OrderedDict(), collections.Counter(), collections.defaultdict(print), Path(), Exception()])
def test_nothing_else_may_be_asked_for(asked: Any, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="asks for"):
        import_scene("scenarionet", written(tmp_path, {**scenario(), "extra": asked}))


def test_a_memo_number_sets_no_memory_aside(tmp_path: Path) -> None:
    path = tmp_path / "sd_memo.pkl"
    path.write_bytes(b"\x80\x04}r\xff\xff\xff\xef.")  # LONG_BINPUT of 4 billion: 32 GB of table in the C unpickler
    with pytest.raises(FormatError, match="no ScenarioNet scenario"):
        import_scene("scenarionet", path)


def test_a_map_without_lanes_is_refused() -> None:
    with pytest.raises(FormatError, match="no road in it"):
        import_scene("scenarionet", FAULTS / "no_lanes.pkl")
