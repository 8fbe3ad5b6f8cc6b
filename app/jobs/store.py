"""Jobs: what was asked of the engine, in which order it runs, how far it is. They outlive browser tabs and workers.

Beside them, drafts: one frame for the eyes of a workspace. A job goes before every draft, also before the one being drawn.

Events come from three sides (submit and cancel, the worker's answers, the worker's death) and each moves the state under
one lock; a listener hears of it on a thread of its own, so that it may take locks of its own. A job's finished frames
stay on disk whatever its state. What waits and what runs is on disk too (app/jobs/queue_file.py): a studio that was killed, or
closed, goes on with what waited, and what ran is in the list to be run again.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.jobs import line
from app.jobs.doing import Doing
from app.jobs.errand import Errand
from app.jobs.job import Draft, Drawn, Job, Listener, kept_frames
from app.jobs.news import News
from app.jobs.pace import Pace
from app.jobs.protocol import Answer, Do, Draw, Ended, FrameMade, Load, Loaded, Loading, Make, Noted, PictureMade, Progressed
from app.jobs.queue_file import QueueFile
from app.jobs.request import TakeRequest
from app.jobs.worker import WorkerProcess
from engine.presets import recipe
from engine.spec.take import frames_on_disk

log = logging.getLogger("anyscene.jobs")

CANCEL_GRACE_S = 8.0
"""A worker that has not reached the end of its step by then is killed; the next job gets a new one."""
REMEMBERED = 100
"""Ended jobs that stay in the list."""

class JobStore:
    """The queue, the running job or draft, and the worker that runs it. Safe to use from any thread."""

    def __init__(self, listener: Listener, preset: str, device: str, queue_folder: Path | None = None) -> None:
        """With a `queue_folder` the queue is kept there, and `resume` goes on with what an earlier studio left."""
        self._listener = listener
        self._preset, self._device = preset, device
        self._file = None if queue_folder is None else QueueFile(queue_folder)
        self.pace = Pace()
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._queue: list[Job] = []
        self._running: Job | None = None
        self._waiting: dict[str, Draft] = {}
        """The newest draft of each workspace, while others are before it."""
        self._drawing: Draft | None = None
        self._worker: WorkerProcess | None = None
        self._doing = Doing()
        self._news = News()
        self._closed = False
        self.engine_state = "off"
        """off | loading | ready | busy, for the status line."""
        self._held = True
        """Nothing begins by itself before `resume`, so that a page comes up first; whatever is asked for ends that."""
        self._take_up()

    def warm(self) -> None:
        """Start the worker and have the default preset ready before anybody asks."""
        with self._lock:
            if self._worker is None and not self._closed:
                self._start_worker().send(Load(recipe(self._preset), self._device))

    def keep(self, request: TakeRequest | Errand) -> None:
        """Have what it needs on disk before it is submitted, where whoever submits it holds a lock."""
        if self._file is not None:
            self._file.keep(request)

    def resume(self) -> None:
        """Go on with what an earlier studio left in the queue."""
        with self._lock:
            self._held = False
            self._pump()

    def submit(self, workspace: str, request: TakeRequest | Errand, item: str = "", asked: str = "") -> Job:
        """Put a job in line, before every draft: one that is being drawn makes room within a step and is drawn later. `asked` names the
        asking: a second one of that name, in an earlier run too, is the first one's job."""
        with self._lock:
            if asked and (known := next((job for job in self._jobs.values() if job.asked == asked), None)) is not None:
                return known
            self._held = False
            serial, total = next(self._serials), request.frames if isinstance(request, TakeRequest) else 1
            job = self._jobs[f"job-{serial}"] = Job(f"job-{serial}", serial, workspace, request, total=total, item=item, asked=asked)
            self._queue.append(job)
            self._persist()
            self._announce(job)
            self._forget_old()
            if self._drawing is not None and self._worker is not None:
                self._worker.cancel(self._drawing.request.serial)
                self._kill_later(self._worker, self._drawing.request.serial)
            self._pump()
        return job

    def move(self, job_id: str, place: int) -> bool:
        """Put a waiting job at `place` in the queue, from 1; False where it does not wait (any more)."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job not in self._queue:
                return False
            line.moved(self._queue, job, place)
            self._persist()
            self._announce_waiting()
        return True

    def retry(self, job_id: str, out: Path) -> Job | None:
        """Run a job that ended once more, a take's into the folder `out`; None where there is no such job, or it is still under way."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.live:
                return None
            del self._jobs[job_id]  # it stands in the queue again under its new name
        request = replace(job.request, out=out) if isinstance(job.request, TakeRequest) else job.request
        return self.submit(job.workspace, request, job.item)

    def draw(self, workspace: str, request: Draw, drawn: Drawn) -> None:
        """Draw a draft when no job is in line. It replaces the workspace's earlier one, wherever that is. `request.serial` is set here."""
        with self._lock:
            self._call_off(workspace)
            self._held = False
            if not self._closed:
                self._waiting[workspace] = Draft(workspace, replace(request, serial=next(self._serials)), drawn)
                self._pump()

    def call_off_draft(self, workspace: str) -> None:
        """Nobody waits for this workspace's draft any more."""
        with self._lock:
            self._call_off(workspace)

    def cancel(self, job_id: str, workspace: str | None = None) -> bool:
        """Call a job off; False where there is no such live job (of that workspace)."""
        with self._lock:
            job = self._jobs.get(job_id)
            found = job is not None and job.live and workspace in (None, job.workspace)
            if job is not None and found:
                self._cancel(job, "Cancelled.")
        return found

    def cancel_all(self, workspace: str) -> int:
        """Call off every job of a workspace; returns how many those were."""
        with self._lock:
            mine = [job for job in self._jobs.values() if job.live and not job.cancelling and job.workspace == workspace]
            for job in sorted(mine, key=lambda job: job.state != "queued"):  # what waits first, so that none begins only to be called off
                self._cancel(job, "Cancelled.")
        return len(mine)

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def told(self, job: Job) -> dict[str, object]:
        """Its `job` message."""
        with self._lock:
            return self._message(job)

    def all(self) -> list[dict[str, object]]:
        """The `job` messages of what runs, what waits in order, and what ended, newest first."""
        with self._lock:
            ended = [job for job in reversed(self._jobs.values()) if not job.live]
            return [self._message(job) for job in (*self._under_way(), *ended)]

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
        return None if self._worker is None else self._worker.process.pid

    def close(self) -> None:
        """Call everything off and end the worker."""
        with self._lock:
            self._closed = True
            for workspace in [*self._waiting, *([self._drawing.workspace] if self._drawing else [])]:
                self._call_off(workspace)
            for job in reversed(self._under_way()):
                self._cancel(job, "The studio was closed.")
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
        self._news.close()

    # Below: with the lock held, except where said.

    def _take_up(self) -> None:
        """What an earlier studio left: what waited waits again, what ran is told of and can be run again."""
        for job in [] if self._file is None else self._file.read():
            self._jobs[job.id] = job
            if job.live:
                self._queue.append(job)
        self._serials = itertools.count(1 + max((job.serial for job in self._jobs.values()), default=0))

    def _under_way(self) -> list[Job]:
        return [*([self._running] if self._running else []), *self._queue]

    def _persist(self) -> None:
        """The queue as it is now, and what failed, on disk. A disk that is full costs the queue's safety and not the job."""
        if self._file is None or self._closed:
            return
        try:
            # What is done is on the shelf, and what was cancelled nobody wants; what failed can be run again.
            self._file.write([*self._under_way(), *(job for job in self._jobs.values() if job.state == "failed")])
        except OSError as fault:
            log.warning("the queue could not be kept on disk (%s): a studio that is killed now forgets it", fault)

    def _start_worker(self) -> WorkerProcess:
        worker = self._worker = WorkerProcess()
        self.engine_state, self._doing = "off", Doing()
        threading.Thread(target=self._listen, args=(worker,), name="anyscene-engine-answers", daemon=True).start()
        return worker

    def _pump(self) -> None:
        if self._running is not None or self._drawing is not None or self._closed or self._held or not (self._queue or self._waiting):
            return
        worker = self._worker
        if worker is None or not worker.process.is_alive():
            worker = self._start_worker()
        if not self._queue:
            draft = self._drawing = self._waiting.pop(next(iter(self._waiting)))
            self.engine_state = "busy"
            worker.send(draft.request)
            return
        job = self._running = self._queue.pop(0)
        job.state, job.started, job.stage_started = "running", time.monotonic(), time.monotonic()
        job.work_started = job.started
        self.engine_state = "busy"
        request = job.request
        worker.send(Make(job.serial, request, self._device) if isinstance(request, TakeRequest) else Do(job.serial, request))
        self._persist()
        self._announce(job)
        self._announce_waiting()

    def _cancel(self, job: Job, why: str) -> None:
        if job in self._queue:
            self._queue.remove(job)
            self._end(job, "cancelled", why)
        elif job is self._running and self._worker is not None:
            job.cancelling, job.message = True, why
            self._worker.cancel(job.serial)
            self._kill_later(self._worker, job.serial)
            self._announce(job)

    def _call_off(self, workspace: str) -> None:
        self._waiting.pop(workspace, None)
        draft = self._drawing
        if draft is not None and draft.workspace == workspace and self._worker is not None:
            draft.called_off = True
            self._worker.cancel(draft.request.serial)

    def _kill_later(self, worker: WorkerProcess, serial: int) -> None:
        timer = threading.Timer(CANCEL_GRACE_S, self._kill_if_stuck, args=(worker, serial))
        timer.daemon = True
        timer.start()

    def _kill_if_stuck(self, worker: WorkerProcess, serial: int) -> None:
        """Called without the lock, by the timer."""
        with self._lock:
            drafted = self._drawing is not None and self._drawing.request.serial == serial
            stuck = worker is self._worker and (drafted or (self._running is not None and self._running.serial == serial))
            if stuck and drafted and self._doing.sentence:
                # Whoever comes next needs what is being loaded or compiled.
                self._kill_later(worker, serial)
                return
        if stuck:
            log.warning("%d did not stop within %.0f s of its cancel: the engine's process is killed", serial, CANCEL_GRACE_S)
            worker.kill()

    def _end(self, job: Job, state: str, message: str, answer: Answer | None = None) -> None:
        job.state, job.message, job.ended = state, message, time.monotonic()
        if job is self._running:
            self._running = None
        if isinstance(job.request, TakeRequest) and (state == "done" or job.frames_kept):
            self.pace.learn(job.request.out)
        self._persist()
        self._announce(job, answer)
        self._announce_waiting()

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
        if self._doing.hear(answer):
            for job in self._under_way():
                self._announce(job)
        if isinstance(answer, Loading | Loaded):
            self.engine_state = "loading" if isinstance(answer, Loading) else "ready"
            log.info("%s %s", answer.model, "loads" if isinstance(answer, Loading) else f"was ready after {answer.seconds:.1f} s")
        if self._drawing is not None and answer.serial == self._drawing.request.serial:
            self._take_in_draft(self._drawing, answer)
            return
        job = self._running
        if job is None or answer.serial != job.serial:
            return
        if isinstance(answer, Loading):
            job.state = "loading"
        elif isinstance(answer, Loaded):
            job.state = "running"
            # Loading is no part of the pace.
            job.work_started = job.stage_started = time.monotonic()
            self.engine_state = "busy"
        elif isinstance(answer, Progressed):
            if answer.stage != job.stage:
                # A stage that is told of with its first piece went on beside the one before, since that one began.
                job.stage, job.stage_started = answer.stage, job.stage_started if answer.done and job.stage else time.monotonic()
            job.done, job.total = answer.done, answer.total
        elif isinstance(answer, Noted):
            job.notes = (*job.notes, answer.sentence)
        elif isinstance(answer, FrameMade):
            job.frames_kept = answer.index + 1
        elif isinstance(answer, PictureMade):
            job.pictures_made += 1
        elif isinstance(answer, Ended):
            self.engine_state = "ready"
            message = answer.sentence or (job.message if job.cancelling else "")
            if answer.state == "cancelled" and job.frames_kept:
                message += f" {kept_frames(job.frames_kept)}."
            self._end(job, answer.state, message.strip(), answer)
            self._pump()
            return
        self._announce(job, answer)

    def _take_in_draft(self, draft: Draft, answer: Answer) -> None:
        if isinstance(answer, Loaded):
            self.engine_state = "busy"
        elif isinstance(answer, FrameMade):
            draft.made = answer
        elif isinstance(answer, Ended):
            self.engine_state, self._drawing = "ready", None
            if draft.called_off:
                pass
            elif answer.state == "cancelled":
                # A job came in between. Under a new serial, because the old one is still marked as called off.
                again = Draft(draft.workspace, replace(draft.request, serial=next(self._serials)), draft.drawn)
                self._waiting.setdefault(draft.workspace, again)
            else:
                self._news.put(partial(draft.drawn, draft.made, answer.sentence))
            self._pump()

    def _bury(self, worker: WorkerProcess) -> None:
        job, draft = self._running, self._drawing
        self.engine_state, self._drawing = "off", None
        if draft is not None and not draft.called_off:
            self._news.put(partial(draft.drawn, None, f"{worker.obituary()} while it drew a draft."))
        if job is None:
            log.warning("%s while it was idle or drew a draft.", worker.obituary())
            self._pump()
            return
        if isinstance(job.request, TakeRequest):
            # Its last frame may have reached the disk without a word of it.
            job.frames_kept = max(job.frames_kept, frames_on_disk(job.request.out))
        kept = f" {kept_frames(job.frames_kept)}" if job.frames_kept else ""
        if job.cancelling:
            self._end(job, "cancelled", f"{job.message}{kept and kept + '.'}")
        else:
            advice = "run it again, with fewer frames or a smaller preset if it stops again."
            self._end(job, "failed", f"{worker.obituary()} during '{job.stage or 'loading'}':{kept and kept + ';'} {advice}")
        log.warning("%s: %s", job.id, job.message)
        self._start_worker().send(Load(job.request.recipe if isinstance(job.request, TakeRequest) else recipe(self._preset), self._device))
        self._pump()

    def _announce(self, job: Job, answer: Answer | None = None) -> None:
        self._news.put(partial(self._listener, job, self._message(job), answer))

    def _announce_waiting(self) -> None:
        """Everybody in the queue stands elsewhere."""
        for job in self._queue:
            self._announce(job)

    def _message(self, job: Job) -> dict[str, object]:
        return line.message(job, self._under_way(), self._queue, self.pace, self._doing.sentence)
