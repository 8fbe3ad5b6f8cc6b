"""Every workspace of this studio by name, the one queue of jobs they share, and the sweep that lets idle ones rest."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence

from app.config import AppConfig, is_workspace_name
from app.jobs.job import Job
from app.jobs.protocol import Answer
from app.jobs.store import JobStore
from app.workspace import files, unsaved, unused
from app.workspace.workspace import Workspace
from editor.document import Document, EditError
from editor.files import recovery
from editor.files.recovery import Draft

log = logging.getLogger("anyscene.workspaces")

MOST = 32
"""Workspaces at once; each is a document, a thread, and a 3D server while it is looked at."""


class Workspaces:
    """Safe to use from any thread."""

    def __init__(self, config: AppConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._open: dict[str, Workspace] = {}
        for folder in (config.workspace, config.takes, config.drafts):
            folder.mkdir(parents=True, exist_ok=True)
        self.jobs = JobStore(self._on_job, config.preset, config.device, config.queue)
        self.jobs.pace.learn_from(config.takes)
        recovery.tidy(config.drafts)

    def get(self, name: str) -> Workspace:
        """The workspace of that name, made on first use. EditError for a name that cannot be one, or one too many."""
        with self._lock:
            workspace = self._open.get(name)
            if workspace is None:
                if not is_workspace_name(name):
                    raise EditError("A workspace's name has letters, digits, '-' and '_' only, at most 64 of them.")
                if len(self._open) >= MOST:
                    raise EditError(f"{MOST} workspaces are open already: use one of them.")
                workspace = self._open[name] = self._begun(name)
            return workspace

    def find(self, name: str) -> Workspace | None:
        """The workspace of that name, if somebody opened it."""
        return self._open.get(name)

    def poll(self) -> None:
        """Write the drafts that are due."""
        for workspace in list(self._open.values()):
            workspace.poll()

    def sweep(self) -> None:
        """Let every workspace rest that nobody has looked at for a while. Its session, jobs and take stay."""
        for workspace in list(self._open.values()):
            if not workspace.watched and time.monotonic() - workspace.last_used > self.config.idle_s:
                workspace.screen.rest()

    def tidy(self) -> None:
        """Delete dropped files that no scene needs."""
        unused.tidy(self.config.workspace, self._open_documents)

    def _open_documents(self) -> Iterator[Document]:
        for workspace in list(self._open.values()):
            with workspace.lock:
                tape = workspace.session.tape()
            yield from tape.documents

    def close(self) -> None:
        """Keep every draft, call off every job, end the worker."""
        with self._lock:
            workspaces = list(self._open.values())
        for workspace in workspaces:
            workspace.close()
        self.jobs.close()

    def _begun(self, name: str) -> Workspace:
        """With the scene that was open in it when an earlier run ended, where nothing of it was unsaved: what was is offered first."""
        left = recovery.left_behind(self.config.drafts)
        last = recovery.last_open(left, name)
        workspace = self._found_again(name, last)
        # What is open again is no longer left behind.
        recovery.clear([draft for draft in left if workspace is None or draft is not last], name)
        return workspace or Workspace(name, self._first_document(left), self.config, self.jobs)

    def _found_again(self, name: str, last: Draft | None) -> Workspace | None:
        if last is None or last.unsaved:
            return None
        try:
            found = recovery.restore(last)
        except ValueError as damage:
            log.warning("what was open in '%s' is not opened again: %s", name, damage)
            return None
        workspace = Workspace(name, Document(), self.config, self.jobs)
        workspace.resume(last, found)
        workspace.found_again = True
        return workspace

    def _first_document(self, left: Sequence[Draft]) -> Document:
        # What may be restored is offered before any example is shown.
        return Document() if unsaved.of_earlier_runs(left) else files.first_document(self.config)

    def _on_job(self, job: Job, message: dict[str, object], answer: Answer | None) -> None:
        workspace = self.find(job.workspace)
        if workspace is not None:
            workspace.on_job(job, message, answer)
