"""Jobs: what was asked of the engine, in which order it runs, how far it is. They outlive browser tabs and workers.

Events come from three sides (submit and cancel, the worker's answers, the worker's death) and each moves the state under
one lock; a listener hears of it on a thread of its own, so that it may take locks of its own. A job's finished frames
stay on disk whatever its state.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from app.worker import Answer, Ended, FrameMade, Load, Loaded, Loading, Make, Progressed, WorkerProcess
from editor.document import Document
from engine.api import Recipe

log = logging.getLogger("anyscene.jobs")

CANCEL_GRACE_S = 8.0
"""A worker that has not reached the end of its step by then is killed; the next job gets a new one."""
REMEMBERED = 100
"""Ended jobs that stay in the list."""
LIVE = ("queued", "loading", "running")


@dataclass(frozen=True)
class JobRequest:
    document: Document
    recipe: Recipe
    until: str
    start_frame: int
    frames: int
    cameras: tuple[str, ...] | None
    device: str
    out: Path
    draft: bool = False
    """A preview of the frame being edited: the newest one of a workspace replaces those before it."""


@dataclass
class Job:
    """One request and how far it is. Only JobStore changes it."""

    id: str
    serial: int
    workspace: str
    request: JobRequest
    state: str = "queued"
    stage: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    frames_kept: int = 0
    """Occupancy frames on disk."""
    created: float = field(default_factory=time.monotonic)
    started: float | None = None
    ended: float | None = None
    stage_started: float = 0.0
    cancelling: bool = False

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def seconds(self) -> float:
        """Spent on it so far, without the wait in the queue."""
        if self.started is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.started

    @property
    def eta_s(self) -> float | None:
        """Seconds left of the current stage at its pace so far; None where there is no pace yet."""
        if self.state != "running" or not self.done or self.done >= self.total:
            return None
        return (time.monotonic() - self.stage_started) / self.done * (self.total - self.done)

    def to_json(self, position: int = 0) -> dict[str, object]:
        """The `job` message. `position` is its place in the queue, 0 once it has left it."""
        request = self.request
        return {
            "type": "job", "id": self.id, "state": self.state, "stage": self.stage,
            "frames_done": self.done, "frames_total": self.total, "frames_kept": self.frames_kept,
            "seconds": round(self.seconds, 2), "eta_s": None if self.eta_s is None else round(self.eta_s, 1), "position": position,
            "message": self.message, "take": str(request.out) if self.frames_kept or self.state == "done" else None, "draft": request.draft,
            "recipe": {
                "preset": request.recipe.preset, "seed": request.recipe.seed, "steps": request.recipe.steps, "until": request.until,
                "start_frame": request.start_frame, "frames": request.frames, "cameras": request.cameras,
            },
        }  # fmt: skip


Listener = Callable[[Job, dict[str, object], Answer | None], None]
"""Told of every change of a job in order: the job, its `job` message as of then, and the worker's answer where that was the
cause. Called on the store's own thread."""


class JobStore:
    """The queue, the running job, and the worker that runs it. Safe to use from any thread."""

    def __init__(self, listener: Listener, preset: str, device: str) -> None:
        self._listener = listener
        self._preset, self._device = preset, device
        self._lock = threading.RLock()
        self._serials = itertools.count(1)
        self._jobs: dict[str, Job] = {}
        self._queue: list[Job] = []
        self._running: Job | None = None
        self._worker: WorkerProcess | None = None
        self._news: SimpleQueue[tuple[Job, dict[str, object], Answer | None] | None] = SimpleQueue()
        self._closed = False
        threading.Thread(target=self._tell, name="anyscene-job-news", daemon=True).start()
        self.engine_state = "off"
        """off | loading | ready | busy, for the status line."""

    def warm(self) -> None:
        """Start the worker and have the default preset ready before anybody asks."""
        with self._lock:
            if self._worker is None and not self._closed:
                self._start_worker().send(Load(self._preset, self._device))

    def submit(self, workspace: str, request: JobRequest) -> Job:
        """Put a job in line. A draft calls off earlier drafts of its workspace and waits behind full takes."""
        with self._lock:
            serial = next(self._serials)
            job = Job(f"job-{serial}", serial, workspace, request, total=request.frames)
            if request.draft:
                for other in [*self._queue, *([self._running] if self._running else [])]:
                    if other.request.draft and other.workspace == workspace:
                        self._cancel(other, "A newer draft took its place.")
            self._jobs[job.id] = job
            full = [other for other in self._queue if not other.request.draft]
            at = len(self._queue) if request.draft else len(full)
            self._queue.insert(at, job)
            self._announce(job)
            self._forget_old()
            self._pump()
        return job

    def cancel(self, job_id: str, workspace: str | None = None) -> bool:
        """Call a job off; False where there is no such live job (of that workspace)."""
        with self._lock:
            job = self._jobs.get(job_id)
            found = job is not None and job.live and workspace in (None, job.workspace)
            if job is not None and found:
                self._cancel(job, "Cancelled.")
        return found

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def of(self, workspace: str) -> list[Job]:
        """Jobs of a workspace, oldest first."""
        with self._lock:
            return [job for job in self._jobs.values() if job.workspace == workspace]

    def position(self, job: Job) -> int:
        """1 for the next in line, 0 for a job that is not waiting."""
        with self._lock:
            return self._queue.index(job) + 1 if job in self._queue else 0

    @property
    def worker_pid(self) -> int | None:
        worker = self._worker
        return worker.process.pid if worker is not None else None

    def close(self) -> None:
        """Call everything off and end the worker."""
        with self._lock:
            self._closed = True
            for job in [*self._queue, *([self._running] if self._running else [])]:
                self._cancel(job, "The studio was closed.")
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
        self._news.put(None)

    # Below: with the lock held, except where said.

    def _start_worker(self) -> WorkerProcess:
        worker = self._worker = WorkerProcess()
        self.engine_state = "off"
        threading.Thread(target=self._listen, args=(worker,), name="anyscene-engine-answers", daemon=True).start()
        return worker

    def _pump(self) -> None:
        if self._running is not None or not self._queue or self._closed:
            return
        job = self._running = self._queue.pop(0)
        worker = self._worker
        if worker is None or not worker.process.is_alive():
            worker = self._start_worker()
        job.state, job.started, job.stage_started = "running", time.monotonic(), time.monotonic()
        self.engine_state = "busy"
        request = job.request
        worker.send(
            Make(
                job.serial,
                request.document,
                request.out,
                request.device,
                request.recipe,
                request.until,
                request.start_frame / 12,
                request.frames,
                request.cameras,
            )
        )
        self._announce(job)

    def _cancel(self, job: Job, why: str) -> None:
        if job in self._queue:
            self._queue.remove(job)
            self._end(job, "cancelled", why)
        elif job is self._running and self._worker is not None:
            job.cancelling, job.message = True, why
            worker, serial = self._worker, job.serial
            worker.cancel(serial)
            timer = threading.Timer(CANCEL_GRACE_S, self._kill_if_stuck, args=(worker, serial))
            timer.daemon = True
            timer.start()
            self._announce(job)

    def _kill_if_stuck(self, worker: WorkerProcess, serial: int) -> None:
        """Called without the lock, by the timer."""
        with self._lock:
            stuck = worker is self._worker and self._running is not None and self._running.serial == serial
        if stuck:
            log.warning("job %d did not stop within %.0f s of its cancel: the engine's process is killed", serial, CANCEL_GRACE_S)
            worker.kill()

    def _end(self, job: Job, state: str, message: str, answer: Answer | None = None) -> None:
        job.state, job.message, job.ended = state, message, time.monotonic()
        if job is self._running:
            self._running = None
        self._announce(job, answer)

    def _forget_old(self) -> None:
        ended = [job.id for job in self._jobs.values() if not job.live]
        for job_id in ended[: max(0, len(ended) - REMEMBERED)]:
            del self._jobs[job_id]

    def _listen(self, worker: WorkerProcess) -> None:
        """Called without the lock, on the worker's own thread: every answer, then its death."""
        for answer in worker.answers():
            with self._lock:
                if worker is self._worker:
                    self._take_in(answer)
        with self._lock:
            if worker is self._worker and not self._closed:
                self._worker = None
                self._bury(worker)

    def _take_in(self, answer: Answer) -> None:
        if isinstance(answer, Loading | Loaded):
            self.engine_state = "loading" if isinstance(answer, Loading) else "ready"
            log.info("preset '%s' %s", answer.preset, "loads" if isinstance(answer, Loading) else f"was ready after {answer.seconds:.1f} s")
        job = self._running
        if job is None or answer.serial != job.serial:
            return
        if isinstance(answer, Loading):
            job.state, job.message = "loading", f"Loading preset '{answer.preset}'."
        elif isinstance(answer, Loaded):
            job.state, job.message = "running", job.message if job.cancelling else ""
            self.engine_state = "busy"
        elif isinstance(answer, Progressed):
            if answer.stage != job.stage:
                job.stage, job.stage_started = answer.stage, time.monotonic()
            job.done, job.total = answer.done, answer.total
        elif isinstance(answer, FrameMade):
            job.frames_kept = answer.index + 1
        elif isinstance(answer, Ended):
            self.engine_state = "ready"
            message = answer.sentence or (job.message if job.cancelling else "")
            if answer.state == "cancelled" and job.frames_kept:
                message += f" {job.frames_kept} finished frames are kept."
            self._end(job, answer.state, message.strip(), answer)
            self._pump()
            return
        self._announce(job, answer)

    def _bury(self, worker: WorkerProcess) -> None:
        job = self._running
        self.engine_state = "off"
        if job is None:
            log.warning("%s while it was idle.", worker.obituary())
            return
        kept = f" {job.frames_kept} finished frames are kept." if job.frames_kept else ""
        if job.cancelling:
            self._end(job, "cancelled", job.message + kept)
        else:
            self._end(
                job,
                "failed",
                f"{worker.obituary()} during '{job.stage or 'loading'}': run it again, with fewer frames or a smaller preset if it stops again.{kept}",
            )
        log.warning("%s: %s", job.id, job.message)
        self._start_worker().send(Load(job.request.recipe.preset, job.request.device))
        self._pump()

    def _announce(self, job: Job, answer: Answer | None = None) -> None:
        self._news.put((job, job.to_json(self.position(job)), answer))

    def _tell(self) -> None:
        """Called without the lock, on its own thread, until the store is closed."""
        while (news := self._news.get()) is not None:
            try:
                self._listener(*news)
            except Exception:
                log.exception("the listener failed on %s", news[0].id)
