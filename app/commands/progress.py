"""Progress on a terminal: one line that rewrites itself. Where there is no terminal, nothing."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

BAR_CELLS = 24


class ProgressBar:
    """Has the signature of make_take's `progress`: called with (stage, done, total)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._stage = ""
        self._started = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self._stream.isatty():
            return
        now = time.monotonic()
        if stage != self._stage:
            # A stage that is told of with its first piece went on beside the one before, since that one began.
            beside = done > 0 and self._stage != ""
            self.close()
            self._stage, self._started = stage, self._started if beside else now
        filled = BAR_CELLS * done // max(total, 1)
        passed = now - self._started
        left = f", {passed / done * (total - done):.0f} s left" if 0 < done < total else ""
        line = f"{stage:<10} [{'#' * filled}{'.' * (BAR_CELLS - filled)}] {done}/{total}, {passed:.1f} s{left}"
        self._stream.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        self._stream.flush()

    def close(self) -> None:
        """Leaves the last line where it is and goes to the next."""
        if self._stage:
            self._stream.write("\n")
            self._stage = ""
