"""Seconds per stage, also of stages that go on inside one another: each second counts for the innermost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Piece = TypeVar("Piece")


class Stopwatch:
    """Wall-clock seconds."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._first: dict[str, float] = {}
        self._stages: list[str] = []
        self._since = 0.0

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """What is done inside counts for `stage`, also where it is cut short."""
        self._turn()
        self._stages.append(stage)
        self._seconds.setdefault(stage, 0.0)
        try:
            yield
        finally:
            self._turn()
            self._stages.pop()

    def each(self, stage: str, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The same pieces; what it takes to make them counts for `stage`, what is done with them does not."""
        iterator = iter(pieces)
        while True:
            with self.of(stage):
                try:
                    piece = next(iterator)
                except StopIteration:
                    return
            self._first.setdefault(stage, self._seconds[stage])
            yield piece

    def seconds(self, stages: Iterable[str]) -> dict[str, float]:
        """Those of `stages` that there were, in that order."""
        return {stage: round(self._seconds[stage], 3) for stage in stages if stage in self._seconds}

    def first_pieces(self, stages: Iterable[str]) -> dict[str, float]:
        """Seconds that the first piece of each of `stages` took: on a new machine that is when kernels are compiled."""
        return {stage: round(self._first[stage], 3) for stage in stages if stage in self._first}

    def _turn(self) -> None:
        """Count what passed for the stage that was under way."""
        now = time.perf_counter()
        if self._stages:
            self._seconds[self._stages[-1]] += now - self._since
        self._since = now
