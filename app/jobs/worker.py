"""The engine's process. It holds the models, makes takes, and may die without taking anything else with it.

The studio talks to it through a pipe, in the messages of app/jobs/protocol.py; one raw integer in shared memory says which job or draft
is called off. No lock is shared: a process killed while it holds one would hang the studio.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from ctypes import c_int64
from dataclasses import replace
from multiprocessing.connection import Connection
from queue import SimpleQueue

from app.jobs.doing import hear_compiling
from app.jobs.held_models import HeldModels, Told
from app.jobs.protocol import (
    Answer,
    Compiling,
    Do,
    Draw,
    Ended,
    Load,
    Loaded,
    Loading,
    Make,
    Noted,
    Progressed,
    Request,
    Stop,
    pack,
    shown,
    unpack,
)
from engine.api import Cancelled, OccupancyFrame

log = logging.getLogger("anyscene.worker")


def main(pipe: Connection, cancelled_serial: c_int64) -> None:
    """Body of the process: answer requests until the pipe closes."""
    # Ctrl-C in the terminal goes to the whole group; the studio decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(levelname)s %(message)s", stream=sys.stderr)
    # The page shares the machine's few cores: it stays responsive when the engine yields to it.
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)
    _Worker(pipe, cancelled_serial).run()


class _Worker:
    def __init__(self, pipe: Connection, cancelled_serial: c_int64) -> None:
        self.pipe = pipe
        self.cancelled_serial = cancelled_serial
        self.models = HeldModels()
        self.compiling_told = False
        self._one_at_a_time = threading.Lock()

    def run(self) -> None:
        hear_compiling(self.tell_of_compiling)
        with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
            while True:
                request = self.pipe.recv()
                if isinstance(request, Stop):
                    return
                if isinstance(request, Load):
                    self.warm(request)
                elif isinstance(request, Draw):
                    self.draw(request)
                elif isinstance(request, Do):
                    self.do(request)
                else:
                    self.make(request)

    def send(self, answer: Answer) -> None:
        """From any thread: what compiles may be one of the engine's own."""
        with self._one_at_a_time:
            self.compiling_told = isinstance(answer, Compiling)
            self.pipe.send(answer)

    def tell_of_compiling(self) -> None:
        if not self.compiling_told:
            with contextlib.suppress(OSError):  # the studio is gone: what is made goes on without it
                self.send(Compiling())

    def warm(self, request: Load) -> None:
        try:
            models = self.models.of(request.recipe, request.device, self.told(0))
            _ = models.occupancy, models.views
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            # Nobody asked for it yet: the job that needs it will say what is wrong.
            log.info("could not warm the models of %s: %s", request.recipe, error)

    def told(self, serial: int) -> Told:
        """Tells the studio of models that are loaded for a request."""
        return lambda words, seconds: self.send(Loading(serial, words) if seconds is None else Loaded(serial, words, seconds))

    def draw(self, draft: Draw) -> None:
        def cancelled() -> bool:
            return self.cancelled_serial.value == draft.serial

        with self.telling_how_it_fails(draft.serial):
            # It may have been replaced before its turn came: then nothing is loaded for it.
            drawn = None if cancelled() else self.drawn(draft, cancelled)
            if drawn is not None:
                self.send(pack(draft.serial, drawn))
            self.send(Ended(draft.serial, "cancelled" if drawn is None else "done"))

    def drawn(self, draft: Draw, cancelled: Cancelled) -> OccupancyFrame | None:
        model = self.models.of(draft.recipe, draft.device, self.told(draft.serial)).occupancy
        if draft.before is None or draft.region is None:
            past = None if draft.past is None else replace(unpack(draft.past), index=0)
            return next(iter(model.occupancy(draft.clip, draft.recipe, cancelled, past)), None)
        recipe = replace(draft.recipe, steps=draft.recipe.steps or model.frame_steps) if draft.whole_steps else draft.recipe
        return model.redraw(draft.clip, unpack(draft.before), draft.region, recipe, cancelled)

    def make(self, job: Make) -> None:
        from app.jobs.take_maker import TakeCancelled, Watch, make_take

        alone = False

        def send(kind: Callable[..., Answer]) -> Callable[..., None]:
            def tell(*told: object) -> None:
                nonlocal alone
                try:
                    self.send(kind(job.serial, *told))
                except (BrokenPipeError, ConnectionResetError):
                    # The studio was killed: what is finished is put in order, pictures too, as after a cancel.
                    alone = True

            return tell

        watch = Watch(
            progress=send(Progressed),
            cancelled=lambda: alone or self.cancelled_serial.value == job.serial,
            on_frame=send(pack),
            on_picture=send(shown),
            note=send(Noted),
        )
        with self.telling_how_it_fails(job.serial):
            try:
                make_take(job.request, self.models.of(job.request.recipe, job.device, self.told(job.serial)), watch)
                self.send(Ended(job.serial, "done"))
            except TakeCancelled:
                self.send(Ended(job.serial, "cancelled"))

    def do(self, job: Do) -> None:
        from app.jobs.errand import ErrandCancelled, run

        with self.telling_how_it_fails(job.serial):
            try:
                notes = run(
                    job.errand,
                    lambda stage, done, total: self.send(Progressed(job.serial, stage, done, total)),
                    lambda: self.cancelled_serial.value == job.serial,
                )
                for note in notes:
                    self.send(Noted(job.serial, note))
                self.send(Ended(job.serial, "done"))
            except ErrandCancelled:
                self.send(Ended(job.serial, "cancelled"))

    @contextlib.contextmanager
    def telling_how_it_fails(self, serial: int) -> Iterator[None]:
        try:
            yield
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            log.exception("%d failed", serial)
            self.send(Ended(serial, "failed", sentence(error), repr(error)))


def sentence(error: BaseException) -> str:
    """What the user reads about an error: ours as they are, others wrapped; never a traceback."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "The machine ran out of memory: ask for fewer frames, fewer cameras or a smaller preset."
    if isinstance(error, OSError) and error.strerror:
        return f"The take could not be written: {error.strerror} ({error.filename or 'no file named'}): free some space or choose another workspace."
    text = " ".join(str(error).split())
    if isinstance(error, ValueError) and text:
        return text[:500]
    return f"The engine stopped with {type(error).__name__}{': ' + text[:300] if text else ''}: the terminal has the details."


class WorkerProcess:
    """The studio's end: starts the process, sends requests, and yields its answers until it dies."""

    def __init__(self) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.cancelled_serial = context.RawValue(c_int64, -1)
        self.process = context.Process(target=main, args=(theirs, self.cancelled_serial), name="anyscene-engine", daemon=True)
        self.process.start()
        theirs.close()
        self.killed = False
        """By the studio itself."""
        self._requests: SimpleQueue[Request] = SimpleQueue()
        threading.Thread(target=self._send_all, name="anyscene-engine-requests", daemon=True).start()

    def send(self, request: Request) -> None:
        """Returns at once: a frame is larger than the pipe, which nobody reads while models are loaded, and who sends holds locks. Where the
        process is gone its reader hears of it."""
        self._requests.put(request)

    def _send_all(self) -> None:
        """Body of the thread that writes the pipe."""
        with contextlib.suppress(OSError):
            while not isinstance(request := self._requests.get(), Stop):
                self.pipe.send(request)
            self.pipe.send(request)

    def cancel(self, serial: int) -> None:
        self.cancelled_serial.value = serial

    def answers(self) -> Iterator[Answer]:
        """Every answer in order; ends when the process does."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                yield self.pipe.recv()
        self._requests.put(Stop())  # nobody is left to send to

    def obituary(self) -> str:
        """How the process ended, as the first half of a sentence."""
        self.process.join(5)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            if self.killed:
                return "The engine's process was ended by the studio, because it did not stop in time"
            why = ", most often for lack of memory" if -code == signal.SIGKILL else ""
            return f"The engine's process was killed ({name}{why})"
        return f"The engine's process ended unexpectedly (exit code {code})"

    def kill(self) -> None:
        self.killed = True
        self.process.kill()

    def close(self, patience_s: float = 3.0) -> None:
        """End the process: at once if it is idle, by force if it has not finished its step in time."""
        self.send(Stop())
        self.process.join(patience_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(5)
