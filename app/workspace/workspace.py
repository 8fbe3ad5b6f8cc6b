"""One workspace: a session on a document, the playhead, the takes that are shown, and everybody who watches.

Commands come from sockets, camera drags from viser's threads, frames from the worker's thread: one lock orders them all.
Messages are handed to the watchers while it is held, so that every browser sees revisions in order.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from app.config import AppConfig
from app.jobs.carried_on import carried_on
from app.jobs.job import Job
from app.jobs.protocol import Answer, FrameMade, PictureMade
from app.jobs.request import TakeRequest
from app.jobs.store import JobStore
from app.workspace import along, anchors, facts, messages, text
from app.workspace.bridge import free_folder, take_request
from app.workspace.drafts import Drafter
from app.workspace.heard import OTHER_SCENE, Asked, Heard, Known
from app.workspace.images import ImageCache
from app.workspace.screen import Screen
from app.workspace.shown import Shelf, ShownTake
from app.workspace.variants import Variants
from editor.clip import frame_count
from editor.commands import COMMANDS, run
from editor.document import Document, EditError
from editor.files import autosave
from editor.files.autosave import Autosave
from editor.files.recovery import Draft, Recovered
from editor.session import Session
from engine.presets import check
from engine.spec.words import plural

Send = Callable[[Mapping[str, object]], None]
"""Hands one message to one browser; returns at once and never raises."""


class Workspace:
    """Safe to use from any thread."""

    def __init__(self, name: str, document: Document, config: AppConfig, jobs: JobStore) -> None:
        self.name = name
        self.config = config
        self.jobs = jobs
        self.images = ImageCache()
        self.lock = threading.RLock()
        self.rev = 0
        self.edits = 0
        """Counts the documents there were: what a picture shows is told by it."""
        self.frame = 0
        self.saved_path: Path | None = None
        self.shelf = Shelf()
        self._jobs_here: set[str] = set()
        """Jobs of the document that is open; those of one before it are not shown over this one."""
        self.log = logging.getLogger(f"anyscene.workspace.{name}")
        self.last_used = time.monotonic()
        self._watchers: frozenset[Send] = frozenset()
        self._last_notice = ("", 0.0)
        self._take_told: dict[str, object] | None = None
        self.found_again = False
        """Whether the scene is the one that was open when an earlier run ended, and no page has come since."""
        self._asked = Heard()
        """What was asked of the workspace, whichever scene is open in it."""
        self._begin(Session(document))
        self.screen = Screen(self)
        self.drafter = Drafter(name, jobs, config.device, changed=self.screen.ask, failed=self._drafts_failed)
        self.variants = Variants(name, jobs, config.device, changed=self._tell_variants, failed=partial(self.notice, "warn"))
        self.screen.start()

    # Watchers.

    def join(self, send: Send) -> None:
        """A browser arrives: it gets the whole document, the jobs under way, the take and the strip."""
        with self.lock:
            self._watchers |= {send}
            self.last_used = time.monotonic()
            send(messages.document(self))
            for job in self.jobs.of(self.name):
                if job.live:
                    send(self.jobs.told(job))
            send(self.jobs.pace.message())
            if self.shown is not None:
                send(messages.take(self))
            self._tell_tabs()
            send({"type": "live", "on": self.drafter.on})
            send(self.variants.message())
        self.screen.seen_by(send)

    def leave(self, send: Send) -> None:
        with self.lock:
            self._watchers -= {send}
            self.screen.left_by(send)
            self.last_used = time.monotonic()
            self._tell_tabs()

    def _tell_tabs(self) -> None:
        """Every browser hears how many of them show this scene."""
        self.broadcast({"type": "tabs", "count": len(self._watchers)})

    @property
    def watched(self) -> bool:
        return bool(self._watchers)

    def broadcast(self, message: Mapping[str, object]) -> None:
        """To every browser. Takes no lock: the writer of drafts calls it, and whoever holds the lock may wait for that one."""
        for send in self._watchers:
            send(message)

    def tell_others(self, me: Send, sentence: str) -> None:
        """One sentence to every browser but one."""
        for send in self._watchers - {me}:
            send({"type": "notice", "level": "warn", "text": sentence})

    def notice(self, level: str, sentence: str) -> None:
        """One sentence to everybody; the same one not twice in five seconds."""
        now = time.monotonic()
        if self._last_notice[0] == sentence and now - self._last_notice[1] < 5:
            return
        self._last_notice = (sentence, now)
        self.broadcast({"type": "notice", "level": level, "text": sentence})

    # Editing.

    @property
    def document(self) -> Document:
        return self.session.document

    def begin(self, asked: Asked) -> Known | None:
        """None where it was not asked before: then it is to be done, and `ended` told. Known, too, where it was meant for another scene."""
        with self.lock:
            if asked.session is None:
                return self._asked.take(asked)
            return Known(OTHER_SCENE) if asked.session != self.session_name else self.heard.take(asked)

    def ended(self, asked: Asked, error: str | None = None) -> None:
        """What `begin` let begin is done, or was refused."""
        with self.lock:
            (self._asked if asked.session is None else self.heard).answer(asked, error)

    def command(
        self, name: str, args: Mapping[str, object], reply: Callable[[str | None], None] = lambda error: None, asked: Asked | None = None
    ) -> str | None:
        """Run one command of editor.commands. `reply` gets None or the sentence of a refusal before anybody gets the patch."""
        with self.lock:
            known = None if asked is None else self.begin(asked)
            if known is not None:
                reply(known.error)
                return known.error
            before, selection = self.session.document, self.session.selection
            error, seen = None, None
            try:
                seen = along.world_of(self) if name in COMMANDS and COMMANDS[name].of_take else None
                run(self.session, name, dict(args))
                if seen is not None and self.session.document is before:
                    raise EditError("That is the path that the take has: give metres to the left or ahead.")
            except EditError as refusal:
                error = str(refusal)
            except Exception as fault:
                self.log.exception("command '%s' failed", name)
                error = text.our_fault(fault)
            changed = self.session.document is not before or self.session.selection != selection
            if changed:
                self.rev += 1
                self.edits += self.session.document is not before
            if asked is not None:
                # Before the draft is written, so that step and number get there together.
                self.ended(asked, error)
            reply(error)
            if changed:
                self.broadcast(messages.patch(self, before))
                self._after_edit(before)
        if seen is not None and error is None and changed:
            self.submit(along.request(self, seen))
        return error

    @property
    def session_name(self) -> str:
        """Of the document that is open, with its history; the same when a later run restores it."""
        return self._draft_folder.name

    def select(self, ids: list[str]) -> None:
        self.command("select", {"ids": ids})

    def move_playhead(self, frame: int) -> None:
        with self.lock:
            self.frame = min(max(int(frame), 0), frame_count(self.document) - 1)
        self.screen.ask()

    def replace(self, document: Document, *, path: Path | None, saved: bool, chosen: bool = True) -> None:
        """Go on with another document; the one before stays in the drafts where it was not saved. One that somebody has `chosen` is opened
        again by a later run."""
        session = Session(document)
        if not saved:
            session.mark_unsaved()
        self._go_on(session, path)
        if chosen:
            with self.lock:
                # Not at once: the page comes first.
                self._autosave.keep(now=False)

    def resume(self, draft: Draft, recovered: Recovered) -> None:
        """Go on where an earlier session was when it ended: its history, its playhead, and the takes it showed."""
        path = Path(draft.project_path) if draft.project_path else None
        self._go_on(recovered.session, path, Path(draft.path).parent, facts.read(recovered.facts, self.config.takes))

    def _go_on(self, session: Session, path: Path | None, folder: Path | None = None, found: facts.Facts | None = None) -> None:
        takes = () if found is None else found.takes
        with self.lock:
            self._end_drafts()
            self.drafter.forget()
            self.saved_path = path
            self.shelf.show(*takes)
            if session.undo_steps:
                self.drafter.edited_under(take.id for take in takes)
            self._jobs_here.clear()
            self._take_told = None
            self.screen.clear()
            self.frame = min(max(0 if found is None else found.frame, 0), frame_count(session.document) - 1)
            self.rev += 1
            self.edits += 1
            self._begin(session, folder, None if found is None else found.heard)
            if folder is not None:
                self._autosave.keep()
            self.broadcast(messages.document(self))
            self.broadcast(messages.take(self))
        self.variants.discard_all()

    def saved_to(self, path: Path, document: Document) -> None:
        with self.lock:
            self.saved_path = path
            self.session.mark_saved(document)
            self._autosave.saved_as(str(path))
            self.rev += 1
            self.broadcast(messages.patch(self, self.document))
            self.broadcast({"type": "saved", "path": str(path), "at": time.time()})

    def _after_edit(self, before: Document) -> None:
        if self.session.document is not before:
            self.frame = min(self.frame, frame_count(self.document) - 1)
            self._tell_take()
            self.variants.make_room()
        self._autosave.poll()
        self.screen.ask()

    def _begin(self, session: Session, folder: Path | None = None, heard: Heard | None = None) -> None:
        self.session, self.heard = session, heard or Heard()
        # A folder for each run and each document: what an earlier run left stays on offer until somebody restores or discards it.
        self._draft_folder = folder or self.config.drafts / f"{self.name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        path = str(self.saved_path) if self.saved_path is not None else None
        self._autosave = Autosave(
            session, self._draft_folder, owner=self.name, project_path=path, facts=lambda: facts.told(self, self._jobs_here), on_status=self._draft_status
        )
        self._autosave.poll()

    def poll(self) -> None:
        """Write what the draft lacks; called about twice a second, beside after every edit."""
        with self.lock:
            self._autosave.poll()

    def _draft_status(self, level: str, sentence: str) -> None:
        """Called by the thread that writes drafts."""
        if level == "info":
            self.broadcast({"type": "autosaved", "at": time.time()})
        else:
            self.log.warning("%s", sentence)
            self.notice(level, sentence)

    def _end_drafts(self, *, still_open: bool = False) -> None:
        self._autosave.close(still_open=still_open)
        if not any(self._draft_folder.glob(autosave.PATTERN)):
            shutil.rmtree(self._draft_folder, ignore_errors=True)

    # Generation.

    def generate(self, message: Mapping[str, object]) -> Job:
        """Put a job in line. Raises ValueError (one sentence) for a request that makes no sense."""
        with self.lock:
            document, shelf, at = self.document, self.shelf, message.get("from_frame")
            shown = shelf.at(int(at) - 1 if isinstance(at, int | float) else self.frame)
        return self.submit(take_request(document, message, self.config, shown), asked=Asked.of(message))

    def carry_on(self, folder: Path) -> Job:
        """Put in line what makes a take whole that was broken off, as a take beside it. Raises ValueError (one sentence) where nothing is missing."""
        asked = json.loads((folder / "take.json").read_text()).get("recipe", {}).get("anchors", {})
        request = carried_on(folder, free_folder(self.config.takes, folder.name), anchors.by_digest(asked, self.config))
        return self.submit(request, shown=self.shelf.front is not None and self.shelf.front.path == folder)

    def submit(self, request: TakeRequest, item: str = "", *, shown: bool = True, asked: Asked | None = None) -> Job:
        """Put a job of the document that is open in line; one that is not to be `shown` stays out of the view when it comes. One that was
        `asked` for before, also in an earlier run, is not put in line twice."""
        self.drafter.call_off()
        self.jobs.keep(request)
        with self.lock:
            job = self.jobs.submit(self.name, request, item, "" if asked is None else f"{asked.page}/{asked.number}")
            if shown:
                self._jobs_here.add(job.id)
            self._autosave.keep()
        return job

    @property
    def shown(self) -> ShownTake | None:
        """The newest take."""
        return self.shelf.front

    def _tell_variants(self) -> None:
        self.broadcast(self.variants.message())
        self.screen.ask()

    def set_live(self, on: bool, preset: str, seed: int) -> None:
        """Whether edits are answered with drafts, and what draws them. Raises PresetError where there is no such preset."""
        check(preset)
        self.drafter.switch(on, preset, seed)
        self.broadcast({"type": "live", "on": on})

    def _drafts_failed(self, sentence: str) -> None:
        """Called by the drafter, which has switched itself off."""
        self.broadcast({"type": "live", "on": False})
        self.notice("warn", f"Live drafts are switched off. {sentence}")

    def on_job(self, job: Job, message: Mapping[str, object], answer: Answer | None) -> None:
        """News of a job of ours, in order, from the store's thread."""
        with self.lock:
            self.last_used = time.monotonic()
            self.broadcast(message)
            if not job.live:
                self.broadcast(self.jobs.pace.message())
            request = job.request
            if not isinstance(request, TakeRequest):
                return
            if job.id not in self._jobs_here:
                if message["state"] == "done" and not job.item:
                    self.notice("info", f"Take '{request.out.name}' of '{request.document.name}' is ready: it is among the Results.")
                return
            shown = self.shelf.of(job.id)
            if isinstance(answer, FrameMade):
                if shown is None:
                    shown = ShownTake.of_job(job)
                    self.shelf.arrive(shown)
                shown.made[answer.index] = answer
            if shown is None:
                return
            if isinstance(answer, PictureMade):
                shown.pictures[answer.camera, answer.index] = answer.jpeg
            shown.stage = str(message["stage"]) or shown.stage
            if not job.live:
                shown.frames = job.frames_kept or shown.frames
                shown.broken_off = 0 if job.state == "done" else request.frames
                self._settle(job, shown)
                self._put_away(job, shown)
                self._autosave.poll()
            self._tell_take()
            here = self.frame - shown.start_frame
        if isinstance(answer, FrameMade | PictureMade) and answer.index == here or not job.live:
            self.screen.ask()

    def _put_away(self, job: Job, shown: ShownTake) -> None:
        """A take that is finished covers shorter ones; one that was broken off never takes the place of a longer one."""
        if job.state == "done":
            self.shelf.finish(shown)
        elif self.shelf.break_off(shown):
            kept = plural(shown.frames, "finished frame")
            self.notice("info", f"The longer take stays in view; the {kept} of '{shown.path.name}' can be shown from the Results.")

    def _settle(self, job: Job, shown: ShownTake) -> None:
        """Where its folder knows more than we do, the folder is shown: what each frame was made from, a frame that nobody told of."""
        if shown.made and shown.request is not None and (shown.request.basis is not None or len(shown.made) < shown.frames):
            try:
                shown.settle()
            except ValueError as damage:
                self.notice("warn", str(damage))

    def show_take(self, path: Path) -> None:
        """Show a take of the folder of takes."""
        taken = ShownTake.from_folder(path)
        with self.lock:
            self.shelf.show(taken)
            self._tell_take()
            self._autosave.poll()
        self.screen.ask()

    def _tell_take(self) -> None:
        message = messages.take(self)
        if self.shown is not None and message != self._take_told:
            self._take_told = message
            self.broadcast(message)

    def close(self) -> None:
        with self.lock:
            self._end_drafts(still_open=True)
        self.drafter.forget()
        self.screen.close()
