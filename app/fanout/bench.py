"""What a fan-out costs beside plain takes, and what a second worker brings: processor seconds, and seconds where the machine is quiet."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.fanout.items import Expansion, expand
from app.fanout.make import Maker
from app.fanout.plan import Plan, Source, Wanted
from app.fanout.pool import LocalPool
from app.fanout.run import run
from app.fanout.store import Store
from editor.samples import SAMPLES

TAKES = 4
"""Of each run; runs of twice as many tell what a take costs without the start of processes."""
ITEMS = 10_000

Row = dict[str, float | int | str]


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
        _run(few, root / "warm", 1)  # compiles what is compiled
        one = _run(few, root / "one-few", 1), _run(many, root / "one-many", 1)
        two = _run(few, root / "two-few", 2), _run(many, root / "two-many", 2)
        rows = [Store(root / "one-many").row(item.key) for item in many.items[1:]]
    making = sum(sum(row["seconds"].values()) for row in rows) / len(rows)
    around = sum(row["around_s"] for row in rows) / len(rows)
    (one_s, one_cpu_s), (two_s, two_cpu_s) = ((longer[0] - shorter[0], longer[1] - shorter[1]) for shorter, longer in (one, two))
    return {
        "making_s_a_take": making,
        "around_s_a_take": around,
        "overhead_percent": 100 * around / making,
        "two_workers_speedup": one_s / two_s,
        "two_workers_cpu_ratio": two_cpu_s / one_cpu_s,
        "load_average": os.getloadavg()[0],
        **_large_plan(),
    }


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and processor seconds of this process and of the processes that it started and that ended."""

    def spent() -> float:
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    start, before = time.perf_counter(), spent()
    work()
    return time.perf_counter() - start, spent() - before


def _run(expansion: Expansion, root: Path, workers: int) -> tuple[float, float]:
    return _measured(lambda: run(expansion, root, LocalPool(workers, "cpu"), Plan(()).gate))


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
