"""Data that are made once, before training: by every core there is, one process each."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

WORTH_A_PROCESS = 4
"""Items from which on a process of its own pays: starting one costs as much as making some worlds."""
AHEAD = 2
"""Results for each core that may wait for whoever takes them: frames are large."""
T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]


def printed(what: str) -> Progress:
    """Says on the terminal how many files of `what` are made."""
    return lambda done, total: print(f"{what}: {done} of {total} files", flush=True)


def calm_worker(_: int = 0) -> None:
    """One core for one process that makes data, and the trainer comes first."""
    os.nice(5)
    torch.set_num_threads(1)
    import numba

    numba.set_num_threads(1)


def on_every_core(work: Callable[[T], None], items: Sequence[T], device: torch.device, progress: Progress) -> None:
    """`work` for each item; `work` can be pickled. In this process on a GPU, which several share badly, and for few items."""
    progress(0, len(items))
    for done, _ in enumerate(made_on_every_core(work, items, (os.cpu_count() or 1) if device.type == "cpu" else 1)):
        progress(done + 1, len(items))


def made_on_every_core(make: Callable[[T], R], items: Sequence[T], most: int | None = None) -> Iterator[tuple[T, R]]:
    """Each item with what `make` makes of it, in order, by one process a core but one, or by `most` at most; for few items in this process.

    For a GPU's data: it is fed by one process, which takes what the others make.
    """
    count = min(most or (os.cpu_count() or 2) - 1, len(items) // WORTH_A_PROCESS)
    if count < 2:
        yield from ((item, make(item)) for item in items)
        return
    with ProcessPoolExecutor(count, get_context("spawn"), initializer=calm_worker) as pool:
        waiting: deque[tuple[T, Future[R]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(make, item)))
            if len(waiting) > AHEAD * count:
                taken, job = waiting.popleft()
                yield taken, job.result()
        while waiting:
            taken, job = waiting.popleft()
            yield taken, job.result()
