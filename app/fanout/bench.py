"""What a fan-out costs beside plain takes, and what a second worker brings: processor seconds, and seconds where the machine is quiet."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.fanout.items import Expansion, Item, expand
from app.fanout.make import Maker
from app.fanout.plan import Plan, Source, Wanted
from app.fanout.pool import LocalPool
from app.fanout.run import run
from app.fanout.store import Store
from app.jobs.held_models import HeldModels
from app.jobs.take_maker import make_take
from editor.samples import SAMPLES

TAKES = 4
"""Of each run; runs of twice as many tell what a take costs without the start of processes."""
ITEMS = 10_000

Row = dict[str, float | int | str]
Cost = tuple[float, float]
"""Seconds, and processor seconds."""


def bench() -> Row:
    """Takes of 4 frames, two cameras, drawn pictures; occupancy by the fake model, which costs nothing, so the overhead is that of cheap takes."""
    plan = Plan(
        (Source("crossing", document=SAMPLES["crossing"]()),),
        (Wanted("original"),),
        tuple(range(2 * TAKES)),
        presets=("fake",),
        views=("drawn",),
        frames=4,
        cameras=("CAM_FRONT", "CAM_BACK"),
    )
    many = expand(plan)
    few = replace(many, items=many.items[:TAKES])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        row = _around(many.items, root / "around")

        def a_take(name: str, workers: int) -> Cost:
            """Without the start of processes."""
            shorter, longer = (_measured(lambda part=part: _run(part, root / f"{name}-{len(part.items)}", workers)) for part in (few, many))
            return (longer[0] - shorter[0]) / TAKES, (longer[1] - shorter[1]) / TAKES

        one_s, one_cpu_s = a_take("one", 1)
        two_s, two_cpu_s = a_take("two", 2)
        row |= {
            "one_worker_s": one_s,
            "one_worker_cores": one_cpu_s / one_s,
            "two_workers_s": two_s,
            "two_workers_cores": two_cpu_s / two_s,
            "two_workers_speedup": one_s / two_s,
            "two_workers_cpu_ratio": two_cpu_s / one_cpu_s,
        }
        if hasattr(os, "sched_setaffinity"):
            cores = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {min(cores)})
            try:
                row["one_core_s"], _ = a_take("core", 1)
            finally:
                os.sched_setaffinity(0, cores)
            row["two_cores_speedup"] = row["one_core_s"] / two_s
    return row | {"load_average": os.getloadavg()[0], **_large_plan()}


def _around(items: Sequence[Item], root: Path) -> Row:
    """A plain take and a take of a fan-out in turns, in this process, with the same models held: what is around a take."""
    store, held = Store(root / "out"), HeldModels()
    store.prepare()
    maker = Maker(store, Plan(()).gate, "cpu")
    costs: list[tuple[Cost, Cost]] = []
    for number, item in enumerate(items):
        works = [lambda item=item: make_take(item.request(root / item.key), held.of(item.recipe, "cpu")), lambda item=item: maker.make(item)]
        order = (0, 1) if number % 2 else (1, 0)
        cost = {which: _measured(works[which]) for which in order}
        if number:  # the first compiles what is compiled, and loads the judge
            costs.append((cost[0], cost[1]))
    (plain_s, plain_cpu_s), (within_s, within_cpu_s) = np.mean(costs, 0)
    return {
        "plain_s": float(plain_s),
        "plain_cpu_s": float(plain_cpu_s),
        "overhead_percent": float(100 * (within_s / plain_s - 1)),
        "overhead_cpu_percent": float(100 * (within_cpu_s / plain_cpu_s - 1)),
    }


def _measured(work: Callable[[], object]) -> Cost:
    """Processor seconds are those of this process, and of the processes that it started and that ended."""

    def spent() -> float:
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    start, before = time.perf_counter(), spent()
    work()
    return time.perf_counter() - start, spent() - before


def _run(expansion: Expansion, root: Path, workers: int) -> None:
    run(expansion, root, LocalPool(workers, "cpu"), Plan(()).gate)


def _large_plan() -> Row:
    """Seconds to expand 10,000 items, and to find out what of them has landed and write manifest and page of it."""
    variations = tuple(Wanted(name) for name in ("original", "hard_brake", "agents_thinned", "rig_move", "cut_in"))
    sources = tuple(Source(name, document=SAMPLES[name]()) for name in ("crossing", "lane_closure"))
    plan = Plan(sources, variations, tuple(range(10)), tuple(f"day {k}" for k in range(100)), presets=("fake",), until="layout", frames=1)
    found: list[Expansion] = []
    _, expanding = _measured(lambda: found.append(expand(plan)))
    (expansion,) = found
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.prepare()
        item = expansion.items[0]
        Maker(store, plan.gate, "cpu").make(item)
        row, files = store.row(item.key), store.files(item.key)
        for other in expansion.items:  # takes that have landed, without their files: nothing of a resumed run looks into one
            if other is not item:
                store.land(other.key, _empty(store.begin(other.key)), {**row, "key": other.key, "files": files}, b"")
        run(expansion, store, _Nobody(), plan.gate)
        _, resuming = _measured(lambda: run(expansion, store, _Nobody(), plan.gate))
    return {"items": len(expansion.items), "expand_cpu_s": expanding, "resume_cpu_s": resuming}


def _empty(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


class _Nobody:
    """The executor of a plan that is done."""

    def run(self, items: object, store: Store, gate: object):  # noqa: ANN201
        assert not items
        return iter(())
