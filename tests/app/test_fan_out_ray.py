"""The same takes from a Ray cluster of two nodes, started here; skips where the extra `scale` is not installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.fanout import Plan, Source, Wanted, expand
from app.fanout.ray_actors import RayActors, ScaleError
from app.fanout.run import run
from app.fanout.store import Store
from editor.samples import SAMPLES
from tests.app.test_fan_out_run import InProcess, contents

PLAN = Plan(
    (Source("crossing", document=SAMPLES["crossing"]()),),
    (Wanted("original"), Wanted("hard_brake")),
    seeds=(0, 1),
    presets=("fake:0.2",),
    until="occupancy",
    frames=2,
)


@pytest.fixture
def cluster() -> Iterator[Any]:
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "180")  # a busy machine starts nodes slowly
    pytest.importorskip("ray")
    import ray
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    started.second = started.add_node(num_cpus=1)
    yield started
    ray.shutdown()
    started.shutdown()


@pytest.mark.timeout(600)
def test_two_nodes_make_what_one_process_makes(cluster: Any, tmp_path: Path) -> None:
    expansion = expand(PLAN)
    report = run(expansion, tmp_path / "ray", RayActors(cluster.address, None, "cpu"), PLAN.gate)
    assert report.whole and report.made == len(expansion.items)
    run(expansion, tmp_path / "here", InProcess(), PLAN.gate)
    for item in expansion.items:
        assert contents(tmp_path / "ray" / item.key) == contents(tmp_path / "here" / item.key)


@pytest.mark.timeout(600)
def test_a_node_that_dies_costs_the_takes_in_hand(cluster: Any, tmp_path: Path) -> None:
    plan = replace(PLAN, variations=(Wanted("original"),), seeds=(0, 1, 2, 3))
    expansion = expand(plan)
    gone = []

    def lose_a_node(stage: str, done: int, total: int) -> None:
        if done == 1 and not gone:
            cluster.remove_node(cluster.second, allow_graceful=False)
            gone.append(done)

    report = run(expansion, tmp_path, RayActors(cluster.address, None, "cpu"), plan.gate, progress=lose_a_node)
    assert gone and report.whole and Store(tmp_path).landed() == {item.key for item in expansion.items}


def test_without_a_cluster_there_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    store = Store(tmp_path)
    store.prepare()
    with pytest.raises(ScaleError, match="cannot be joined"):
        list(RayActors("127.0.0.1:1", None, "cpu").run(expand(PLAN).items, store, PLAN.gate))
