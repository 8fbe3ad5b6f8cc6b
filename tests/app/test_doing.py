"""Why the engine lets somebody wait: who is told, and that it is not killed for it."""

from __future__ import annotations

import time
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace

import numba
import pytest

from app.jobs import store as store_module
from app.jobs.doing import COMPILES, hear_compiling
from app.jobs.protocol import Compiling, Draw, Ended, FrameMade, Loaded, Loading, Progressed
from app.jobs.request import TakeRequest
from app.jobs.store import JobStore
from editor.clip import scene_clip
from editor.document import Document
from engine.presets import recipe
from tests.app.test_draft import wait_until

RECIPE = recipe("fake")


class SlowWorker:
    """Stands where the engine's process stands; says what the test lets it say."""

    def __init__(self) -> None:
        self.process = SimpleNamespace(is_alive=lambda: not self.killed, pid=1)
        self.killed, self.said = False, SimpleQueue()
        self.cancelled: list[int] = []

    def send(self, request: object) -> None:
        pass

    def cancel(self, serial: int) -> None:
        self.cancelled.append(serial)

    def answers(self):
        while (answer := self.said.get()) is not None:
            yield answer

    def obituary(self) -> str:
        return "It was killed"

    def kill(self) -> None:
        self.killed = True

    def close(self) -> None:
        self.said.put(None)


@pytest.fixture
def slow(monkeypatch):
    """A store with such a worker that is being made warm, and every `job` message."""
    workers: list[SlowWorker] = []

    def worker() -> SlowWorker:
        workers.append(SlowWorker())
        return workers[-1]

    monkeypatch.setattr(store_module, "WorkerProcess", worker)
    monkeypatch.setattr(store_module, "CANCEL_GRACE_S", 0.05)
    told: list[dict[str, object]] = []
    store = JobStore(lambda job, message, answer: told.append(message), "fake", "cpu")
    store.warm()
    yield SimpleNamespace(store=store, worker=workers[0], told=told)
    store.close()


def request(folder: Path) -> TakeRequest:
    return TakeRequest(Document(duration_s=1.0), folder / "take", RECIPE, frames=2)


def test_who_waits_is_told_that_the_engine_loads_or_compiles(slow, tmp_path):
    slow.worker.said.put(Loading(0, "views 'drawn'"))
    wait_until(lambda: slow.store.engine_state == "loading")
    first, second = slow.store.submit("one", request(tmp_path)), slow.store.submit("two", request(tmp_path))
    assert slow.store.told(first)["engine"] == slow.store.told(second)["engine"] == "The engine loads views 'drawn'."
    slow.worker.said.put(Compiling())
    wait_until(lambda: {m["id"] for m in slow.told if m["engine"] == COMPILES} == {first.id, second.id})
    slow.worker.said.put(Loaded(0, "views 'drawn'", 60.0))
    slow.worker.said.put(Progressed(first.serial, "occupancy", 0, 2))
    wait_until(lambda: slow.store.told(first)["stage"] == "occupancy")
    assert slow.store.told(first)["engine"] == slow.store.told(second)["engine"] == ""
    slow.worker.said.put(Compiling())
    wait_until(lambda: slow.store.told(first)["engine"] == COMPILES)
    slow.worker.said.put(Ended(first.serial, "done"))
    wait_until(lambda: not first.live)
    assert slow.store.told(first)["engine"] == ""


def test_what_is_loaded_for_all_is_not_lost_to_a_draft_that_waits_for_it(slow, tmp_path):
    slow.worker.said.put(Loading(0, "views 'drawn'"))
    wait_until(lambda: slow.store.engine_state == "loading")
    drawn: list[FrameMade | None] = []
    clip = scene_clip(Document(duration_s=1.0), 0.0, 1, ())
    slow.store.draw("one", Draw(0, "cpu", RECIPE, clip), lambda frame, why: drawn.append(frame))
    job = slow.store.submit("one", request(tmp_path))
    wait_until(lambda: slow.worker.cancelled)
    time.sleep(0.5)  # many times the grace
    assert not slow.worker.killed
    slow.worker.said.put(Loaded(0, "views 'drawn'", 60.0))
    slow.worker.said.put(Ended(slow.worker.cancelled[0], "cancelled"))
    wait_until(lambda: job.state == "running")


def test_numba_says_when_it_compiles_and_not_when_it_is_asked_again():
    told: list[int] = []
    hear_compiling(lambda: told.append(1))

    @numba.njit
    def one_more(x):
        return x + 1

    assert one_more(1) == 2 and len(told) == 1
    assert one_more(2) == 3 and len(told) == 1
