"""News of jobs and drafts, told in order on a thread of its own, so that whoever listens may take locks of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

log = logging.getLogger("anyscene.jobs")


class News:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._tell, name="anyscene-job-news", daemon=True).start()

    def put(self, tell: Callable[[], None]) -> None:
        """Have `tell` called after all that was put before."""
        self._waiting.put(tell)

    def close(self) -> None:
        """End after what was put."""
        self._waiting.put(None)

    def _tell(self) -> None:
        while (tell := self._waiting.get()) is not None:
            try:
                tell()
            except Exception:
                log.exception("a listener failed")
