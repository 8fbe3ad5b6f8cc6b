"""The same takes from a Ray cluster of two nodes, started here; skips where the extra `scale` is not installed.

One random moment of each kill here; ANYSCENE_KILL_MOMENTS=5 tries so many.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.fanout import Plan, Source, Wanted, expand, read_plan
from app.fanout.ray_actors import RayActors, ScaleError
from app.fanout.run import run
from app.fanout.store import Store
from editor.files import project
from tests.app.test_fan_out_exact import check_manifest, one_by_one, write_plan
from tests.app.test_fan_out_kill import MOMENTS, check_rerun, stamps_of_whole_takes
from tests.app.test_fan_out_run import CROSSING, ROOT, InProcess, contents

PLAN = Plan(
    (Source("crossing", document=CROSSING),),
    (Wanted("original"), Wanted("hard_brake")),
    seeds=(0, 1),
    presets=("fake:0.2",),
    until="occupancy",
    frames=2,
)
pytestmark = pytest.mark.timeout(900 + 240 * MOMENTS)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes; the second can be lost."""
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # a busy machine starts nodes slowly
    os.environ.setdefault("RAY_worker_niceness", "0")  # at Ray's own 15 it hardly lets them work
    pytest.importorskip("ray")
    import ray
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    started.second = started.add_node(num_cpus=1)
    yield started
    ray.shutdown()
    started.shutdown()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(expand(PLAN), folder, InProcess(), PLAN.gate)
    return {item.key: contents(folder / item.key) for item in expand(PLAN).items}


def test_two_nodes_make_what_generate_makes(cluster: Any, tmp_path: Path) -> None:
    """3 scenes x 4 variations x 2 seeds, 8 frames to buffers."""
    plan = read_plan(write_plan(tmp_path))
    expansion = expand(plan)
    report = run(expansion, tmp_path / "out", RayActors(cluster.address, None, "cpu"), plan.gate)
    assert report.whole and report.made == len(expansion.items) == 24
    check_manifest(tmp_path / "out", expansion)
    alone = one_by_one(expansion, tmp_path)
    assert {key: contents(tmp_path / "out" / key) for key in alone} == alone


def test_occupancy_is_made_where_the_gpu_is_and_the_rest_elsewhere(cluster: Any, tmp_path: Path, undisturbed: dict[str, dict[str, str]]) -> None:
    """A node that says it has a GPU gets one actor, the others get the rest of the work."""
    from ray._private.state import actors

    with_gpu = cluster.add_node(num_cpus=1, num_gpus=1).node_id
    seen: set[tuple[str, bool]] = set()

    def look(stage: str, done: int, total: int) -> None:
        seen.update((id, actor["Address"]["NodeID"] == with_gpu) for id, actor in actors().items() if actor["ActorClassName"] == "Actor")

    report = run(expand(PLAN), tmp_path, RayActors(cluster.address, None, "auto"), PLAN.gate, progress=look)
    assert report.whole and {key: contents(tmp_path / key) for key in undisturbed} == undisturbed
    assert len(seen) == 3 and sum(there for _, there in seen) == 1


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_node_that_dies_costs_the_takes_in_hand(moment: int, cluster: Any, tmp_path: Path, undisturbed: dict[str, dict[str, str]]) -> None:
    store, before = Store(tmp_path), dict[str, int]()
    store.prepare()
    dice = random.Random(moment)

    def lose_a_node() -> None:
        while len(store.begun()) + len(store.landed()) < 2:
            time.sleep(0.02)
        time.sleep(dice.uniform(0.0, 1.0))
        cluster.remove_node(cluster.second, allow_graceful=False)
        before.update({key: (store.take(key) / "take.json").stat().st_mtime_ns for key in store.landed()})

    killer = threading.Thread(target=lose_a_node)
    killer.start()
    report = run(expand(PLAN), tmp_path, RayActors(cluster.address, None, "cpu"), PLAN.gate)
    killer.join()
    assert report.whole
    store.sweep()  # what the dead node had in hand lies there until the next run
    check_rerun(tmp_path, before, undisturbed)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_driver_that_dies_leaves_whole_takes_only(moment: int, cluster: Any, tmp_path: Path, undisturbed: dict[str, dict[str, str]]) -> None:
    project.save(CROSSING, tmp_path / "crossing.anyscene")
    out = tmp_path / "out"
    argv = [sys.executable, "-m", "app.commands.parser", "fan-out", str(tmp_path / "crossing.anyscene"), "-o", str(out), "--device", "cpu"]
    argv += ["--variations", "original,hard_brake", "--seeds", "0,1", "--preset", "fake:0.2", "--frames", "2", "--until", "occupancy"]
    argv += ["--ray", cluster.address]
    driver = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL)
    store, dice = Store(out), random.Random(200 + moment)
    while not (out / ".fanout" / "making").is_dir() or not store.begun() | store.landed():
        assert driver.poll() is None
        time.sleep(0.02)
    time.sleep(dice.uniform(0.0, 1.5))
    driver.kill()
    driver.wait()
    before = stamps_of_whole_takes(store)
    again = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    check_rerun(out, before, undisturbed)


def test_without_a_cluster_there_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    store = Store(tmp_path)
    store.prepare()
    with pytest.raises(ScaleError, match="cannot be joined"):
        list(RayActors("127.0.0.1:1", None, "cpu").run(expand(replace(PLAN, until="layout")).items, store, PLAN.gate))
