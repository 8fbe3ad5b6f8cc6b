"""The default executor: worker processes on this machine, each with its models loaded once."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from app.fanout.gate import Gate
from app.fanout.items import Item
from app.fanout.make import Maker, Outcome
from app.fanout.store import Store

DEATHS = 3
"""An item during which the worker's process died so often is given up."""
BARREN = 8
"""After so many deaths in a row with nothing made in between, nothing more is tried."""
_AHEAD = 2
"""Items handed out ahead, for each worker: a worker never waits, and a document is in few places at once."""
WORKER_BYTES = {"fake": 0.6e9, "tiny": 1.5e9, "compact": 2.5e9, "paper": 12e9}
"""Memory that a worker is given by its preset: resident size while making takes, rounded up."""


def workers_here(presets: Sequence[str], device: str = "auto") -> int:
    """As many workers as this machine's cores and free memory bear; one where the models run on a GPU."""
    if device == "auto" and any(not preset.startswith("fake") for preset in presets):
        from engine.devices import pick_device  # torch, which takes its time

        device = pick_device(device).type
    if device == "cuda":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    need = max(WORKER_BYTES.get(preset.partition(":")[0], 4e9) for preset in presets)
    return max(1, min(cores, int(_free_bytes() * 0.8 // need)))


def _free_bytes() -> float:
    try:
        with open("/proc/meminfo") as file:
            return next(float(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return 8e9


class LocalPool:
    """Runs items in worker processes. A worker that dies costs the items in hand, which are made again."""

    def __init__(self, workers: int, device: str = "auto") -> None:
        self.workers, self.device = workers, device

    def run(self, items: Sequence[Item], store: Store, gate: Gate) -> Iterator[Outcome]:
        """An outcome for each item, in the order in which they end."""
        todo, deaths = list(items), Counter[str]()
        barren = 0
        while todo:
            left = {item.key: item for item in todo}
            try:
                for outcome in self._until_it_breaks(todo, store, gate):
                    del left[outcome.key]
                    barren = 0
                    yield outcome
            except BrokenProcessPool:
                barren += 1
            landed = store.landed() if left else set()
            in_hand = store.begun()
            store.sweep()
            for key in [key for key in left if key in landed]:  # it landed, and its worker died before it could say so
                row = store.row(key)
                del left[key]
                yield Outcome(key, "", row["verdict"], tuple(row["reasons"]))
            for key in sorted(in_hand & left.keys()):
                deaths[key] += 1
                if deaths[key] >= DEATHS:
                    del left[key]
                    why = "most often for lack of memory: ask for fewer workers"
                    yield Outcome(key, f"The worker's process died {DEATHS} times while it made this take, {why}.")
            if barren >= BARREN:
                for key in left:
                    yield Outcome(
                        key,
                        f"Worker processes died {BARREN} times with nothing made in between: start one take with `launch.py generate` to see why.",
                    )
                return
            # What was in hand goes to the end: one item that kills its worker does not hold the others up.
            todo = sorted(left.values(), key=lambda item: item.key in in_hand)

    def _until_it_breaks(self, items: Sequence[Item], store: Store, gate: Gate) -> Iterator[Outcome]:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        threads = max(1, cores // self.workers)
        pool = ProcessPoolExecutor(self.workers, get_context("spawn"), initializer=_begin, initargs=(store, gate, self.device))
        queue = iter(items)
        pending: set[Future[Outcome]] = set()
        with _threads(threads), pool:
            try:
                while True:
                    for item in itertools.islice(queue, self.workers * _AHEAD - len(pending)):
                        pending.add(pool.submit(_make, item))
                    if not pending:
                        return
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


class _threads:
    """Environment of the workers that are started inside: so many threads each, so that together they are as many as the cores."""

    _NAMES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._NAMES}
        os.environ.update(dict.fromkeys(self._NAMES, str(self._count)))

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_worker: Maker | None = None


def _begin(store: Store, gate: Gate, device: str) -> None:
    """Body of a worker's start. Ctrl-C is the driver's to answer; a worker without its driver ends at once."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    _worker = Maker(store, gate, device)


def _end_with_driver() -> None:
    driver = parent_process()
    if driver is not None:
        connection.wait([driver.sentinel])
        os._exit(1)


def _make(item: Item) -> Outcome:
    assert _worker is not None
    return _worker.make(item)
