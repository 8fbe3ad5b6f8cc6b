"""A thread that does the newest thing asked of it, at most so often: live views of a document that changes faster than they draw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SHORTEST_PAUSE_S = 0.1
"""The 3D view shares the page's main thread in the browser: more than 10 updates a second make the page stutter."""


class Live:
    """Runs `work` once after any number of `ask()` calls that came while it was busy."""

    def __init__(self, work: Callable[[Callable[[], bool]], None], name: str) -> None:
        """`work(superseded)` may look whether it was asked again meanwhile; it must not raise."""
        self._work = work
        self._asked = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ask(self) -> None:
        self._asked.set()

    def rests(self, seconds: float) -> bool:
        """Whether nothing is asked for so long; False as soon as something is. For the work itself."""
        return not self._asked.wait(seconds)

    def close(self) -> None:
        """Ends after the work in hand."""
        self._closed = True
        self._asked.set()

    def _run(self) -> None:
        while self._asked.wait():
            if self._closed:
                return
            self._asked.clear()
            start = time.monotonic()
            self._work(self._asked.is_set)
            time.sleep(max(0.0, SHORTEST_PAUSE_S - (time.monotonic() - start)))
