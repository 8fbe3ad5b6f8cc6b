"""The engine's process as the studio sees it."""

from __future__ import annotations

import os
import signal
import threading

from app.jobs.worker import WorkerProcess


def test_a_process_that_reads_nothing_keeps_nobody_waiting():
    worker = WorkerProcess()
    os.kill(worker.process.pid, signal.SIGSTOP)
    try:
        asking = threading.Thread(target=worker.send, args=(b"a frame" * 2**20,), daemon=True)
        asking.start()
        asking.join(20)
        assert not asking.is_alive()
    finally:
        worker.process.kill()
    assert list(worker.answers()) == []


def test_a_process_that_was_stopped_in_vain_is_killed():
    worker = WorkerProcess()
    os.kill(worker.process.pid, signal.SIGSTOP)
    worker.send(b"a frame" * 2**20)
    worker.close(patience_s=0.1)
    assert not worker.process.is_alive()
