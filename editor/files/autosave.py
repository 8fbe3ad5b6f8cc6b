"""Autosave: what a session has done is on disk within a moment, beside the user's own file and never over it.

A draft is a base (`draft-N.anyscene`, the document before the first step that undo still reaches) and beside it the steps since, one JSON
record per line, appended as they are made (`draft-N.steps`). So a stroke costs what it changed, and undo goes on after a crash. Once
the steps outgrow the history, base and steps are written anew under the next number and the older pair goes.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from editor.document import Document
from editor.files import project
from editor.files.steps import step_to_json
from editor.history import Tape
from editor.session import Session

RETRY_S = 10.0
MOST_RECORDS = 1000
MOST_BYTES = 16 * 2**20
"""Steps beyond either are written anew, those alone that undo still reaches."""
LOCK = "owner.json"
PATTERN = "draft-*.anyscene"
STEPS = ".steps"
FORMAT = "anyscene-steps"
VERSION = 2
"""1: the numbers of closed lanes were in the names of their cones."""

Status = Callable[[str, str], None]
"""Called with a level (info, warn) and one sentence."""
Facts = Mapping[str, object]
"""What the app wants to find again beside the document (the take that was shown, the playhead), as JSON."""


@dataclass(frozen=True, slots=True)
class _State:
    """All that is to be written, at one moment. Immutable, so that a thread may hold it."""

    tape: Tape
    facts: Facts

    def same_work(self, other: _State | None) -> bool:
        """Whether nothing was done between the two; by identity, as documents share what did not change."""
        if other is None:
            return False
        a, b = self.tape, other.tape
        return (
            (a.at, a.dropped, len(a.steps)) == (b.at, b.dropped, len(b.steps))
            and a.first is b.first
            and a.saved is b.saved
            and all(one is two for one, two in zip(a.steps, b.steps, strict=True))
        )

    def same(self, other: _State | None) -> bool:
        return other is not None and self.same_work(other) and (self.tape.selection, self.facts) == (other.tape.selection, other.facts)


@dataclass(slots=True)
class _Written:
    """What is on disk: the documents that the steps lead to, from the one with absolute number `first` on."""

    path: Path
    base: int
    """Absolute number of the base: how many steps came before it."""
    first: int
    documents: list[Document]
    records: int
    bytes: int
    state: _State


class Autosave:
    """Writes the draft of one session into one folder that it owns through a lock file.

    `now` is a monotonic clock in seconds, `submit` runs the writing (default: a thread each; what it writes is immutable, so the
    thread just holds it), `facts` is asked under the session's lock, `on_status` hears 'saved' and failures.
    """

    def __init__(
        self,
        session: Session,
        folder: str | os.PathLike[str],
        *,
        owner: str,
        project_path: str | None = None,
        facts: Callable[[], Facts] = dict,
        now: Callable[[], float] = time.monotonic,
        submit: Callable[[Callable[[], None]], None] | None = None,
        on_status: Status = lambda level, text: None,
    ) -> None:
        self.session, self.folder, self.owner = session, Path(folder), owner
        self._project_path = project_path
        self._facts, self._now, self._submit, self._on_status = facts, now, submit or _in_thread, on_status
        self._seen: _State | None = None
        """Of the last poll."""
        self._wanted: _State | None = None
        self._written: _Written | None = None
        self._retry_at: float | None = None
        self._failing = False
        self._busy = False
        self._handover = threading.Lock()
        self._writing = threading.Lock()
        self._closed = False
        self._keep = False
        self.blocked = self._take_lock()
        """Why nothing is written: a sentence naming who else owns the folder, or None."""

    def poll(self) -> None:
        """Starts writing what is new, if anything is. Call it under the workspace's lock: after every change, and now and then for retries."""
        if self._closed or self.blocked or self.session.in_gesture or (self._retry_at is not None and self._now() < self._retry_at):
            return
        state = _State(self.session.tape(), dict(self._facts()))
        if (state.same(self._seen) and self._retry_at is None) or not self._worth_keeping():
            return
        self._seen = state
        with self._handover:
            self._wanted = state
            if self._busy:
                return
            self._busy = True
        self._submit(self._drain)

    def keep(self, *, now: bool = True) -> None:
        """From now on this session is kept even where its document is as it was: a take of it is being made, or a later run is to open it.
        Not `now`: by the next poll."""
        self._keep = True
        if now:
            self.poll()

    def flush(self) -> None:
        """Writes what is not yet written, now and here."""
        if not self._closed and not self.blocked and not self.session.in_gesture and self._worth_keeping():
            state = _State(self.session.tape(), dict(self._facts()))
            if not state.same(self._seen) or self._failing:
                self._seen = state
                self._write(state)

    def saved_as(self, path: str | None) -> None:
        """Notes the project file that the draft belongs to."""
        self._project_path = path
        if not self.blocked:
            self._write_lock()
        self.poll()

    def close(self, *, still_open: bool = False) -> None:
        """Flushes and gives the folder back. The draft stays where it holds what no file holds, and goes where there is nothing to lose; one that
        is `still_open` stays for the next run."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        if self.blocked:
            return
        with self._writing:
            if not (self.session.dirty or still_open):
                _remove(self.folder, keep=None)
        self._write_lock(released=True, still_open=still_open)

    # Below: by the writing thread.

    def _worth_keeping(self) -> bool:
        # What was begun is carried on, also back to where nothing is unsaved.
        return self.session.dirty or self._keep or self._written is not None

    def _drain(self) -> None:
        while True:
            with self._handover:
                state, self._wanted = self._wanted, None
                if state is None:
                    self._busy = False
                    return
            self._write(state)

    def _write(self, state: _State) -> None:
        with self._writing:
            if self._closed:
                return
            news = self._written is None or not state.same_work(self._written.state)
            try:
                record = None if self._written is None else self._record(self._written, state)
                if record is None or self._written is None:
                    self._written = self._written_anew(state)
                else:
                    self._append(self._written, record, state, durable=news)
            except (project.ProjectError, OSError, ValueError) as error:
                # Half a line may stand at the end of the steps: nothing more is put behind it.
                self._written = None
                self._failed(error)
                return
            self._retry_at = None
            if not news and not self._failing:
                return
            self._on_status("info", "Autosave works again." if self._failing else "Draft saved.")
            self._failing = False

    def _written_anew(self, state: _State) -> _Written:
        """A base and its steps under the next number. The base is renamed into its place last: with it the pair counts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = 1 + max((_number(path) for path in self.folder.glob(PATTERN)), default=0)
        path = self.folder / f"draft-{number:06d}.anyscene"
        tape = state.tape
        head = {"format": FORMAT, "version": VERSION, "dropped": tape.dropped}
        body = _line(head) + _line(_facts_of(state, tape.dropped) | {"keep": 0, "steps": [step_to_json(step) for step in tape.steps]})
        _replace(path.with_suffix(STEPS), body)
        project.save(tape.first, path)
        _remove(self.folder, keep=number)
        return _Written(path, tape.dropped, tape.dropped, list(tape.documents), 1, len(body), state)

    def _record(self, written: _Written, state: _State) -> dict[str, object] | None:
        """What is new since then, as a record; None where base and steps are to be written anew."""
        tape = state.tape
        # Both rows number their documents from the session's start; the newer one may have lost some at its front.
        offset = tape.dropped - written.first
        known, documents = written.documents[max(0, offset) :], tape.documents
        same = next((n for n, (a, b) in enumerate(zip(known, documents, strict=False)) if a is not b), min(len(known), len(documents)))
        if offset < 0 or not same or written.records >= MOST_RECORDS or written.bytes >= MOST_BYTES:
            return None
        new = tape.steps[same - 1 :]
        keep = tape.dropped + same - 1 - written.base
        return _facts_of(state, written.base) | {"keep": keep, "steps": [step_to_json(step) for step in new]}

    def _append(self, written: _Written, record: dict[str, object], state: _State, durable: bool) -> None:
        data = _line(record)
        with open(written.path.with_suffix(STEPS), "ab") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        written.first, written.documents, written.state = state.tape.dropped, list(state.tape.documents), state
        written.records, written.bytes = written.records + 1, written.bytes + len(data)

    def _failed(self, error: Exception) -> None:
        self._failing = True
        self._retry_at = self._now() + RETRY_S
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = getattr(cause, "strerror", None) or str(cause)
        self._on_status(
            "warn",
            f"The draft could not be saved in {self.folder} ({reason}): the next try is in {RETRY_S:.0f} s, save to another place meanwhile.",
        )

    def _take_lock(self) -> str | None:
        """Owns the folder, or says who does. A lock whose process is gone is taken over."""
        holder = read_lock(self.folder)
        if holder is not None and holder.get("owner") != self.owner and is_held(holder):
            return f"Drafts of this folder are kept by {holder.get('owner')}: this window does not autosave, close the other one first."
        self._write_lock()
        return None

    def _write_lock(self, released: bool = False, still_open: bool = True) -> None:
        facts = {
            "owner": self.owner,
            "pid": os.getpid(),
            "started": process_start(os.getpid()),
            "host": socket.gethostname(),
            "project": self._project_path,
            "released": released,
            "open": still_open,
        }
        temporary = self.folder / f".{LOCK}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(facts, indent=1, sort_keys=True))
            os.replace(temporary, self.folder / LOCK)
        except OSError as error:
            self._failed(error)


def read_lock(folder: Path) -> dict[str, object] | None:
    """What the lock file of a draft folder says; None where there is none that can be read."""
    try:
        facts = json.loads((folder / LOCK).read_text())
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def is_held(facts: dict[str, object]) -> bool:
    """Whether the process that wrote a lock still runs and has not given it back. Locks of other hosts count as held."""
    if facts.get("released"):
        return False
    if facts.get("host") != socket.gethostname():
        return True
    pid = facts.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if _is_zombie(pid):
        return False
    # A process id comes round again after a reboot or a restarted container; the start time tells the two apart.
    return facts.get("started") == process_start(pid)


def is_ours(facts: Mapping[str, object]) -> bool:
    """Whether this process wrote a lock."""
    return facts.get("host") == socket.gethostname() and facts.get("pid") == os.getpid() and facts.get("started") == process_start(os.getpid())


def process_start(pid: int) -> str:
    """When a process started, in the kernel's own ticks; empty where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_zombie(pid: int) -> bool:
    """Whether a process is dead and only waits for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (OSError, IndexError):
        return False


def _facts_of(state: _State, base: int) -> dict[str, object]:
    """Where the session stands, its documents numbered from the base."""
    tape = state.tape
    saved = tape.saved_at
    return {
        "first": tape.dropped - base,
        "at": tape.dropped + tape.at - base,
        "saved": None if saved is None else tape.dropped + saved - base,
        "selection": list(tape.selection),
        "facts": dict(state.facts),
        "time": time.time(),
    }


def _line(record: Mapping[str, object]) -> bytes:
    return json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _replace(path: Path, data: bytes) -> None:
    """Writes a file whole, under another name first."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _remove(folder: Path, keep: int | None) -> None:
    """Deletes the drafts of a folder, all but number `keep`; a base goes before its steps."""
    for pattern in (PATTERN, f"draft-*{STEPS}"):
        for path in folder.glob(pattern):
            if _number(path) != keep:
                path.unlink(missing_ok=True)


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="autosave", daemon=True).start()
