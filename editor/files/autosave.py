"""Drafts, written beside the user's own file and never over it. Policy and writing; the app calls `poll` about twice a second."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from editor.document import Document
from editor.files import project
from editor.session import Session

DEBOUNCE_S = 2.0
AT_MOST_EVERY_S = 15.0
"""While changes keep coming, a draft is written this often."""
RETRY_S = 10.0
KEEP = 5
LOCK = "owner.json"
PATTERN = "draft-*.anyscene"

Status = Callable[[str, str], None]
"""Called with a level (info, warn) and one sentence."""


class Autosave:
    """Writes drafts of one session into one folder that it owns through a lock file.

    `now` is a monotonic clock in seconds, `submit` runs the writing (default: a thread each; the document is immutable, so the
    thread just holds it), `on_status` hears 'saved' and failures.
    """

    def __init__(
        self,
        session: Session,
        folder: str | os.PathLike[str],
        *,
        owner: str,
        project_path: str | None = None,
        now: Callable[[], float] = time.monotonic,
        submit: Callable[[Callable[[], None]], None] | None = None,
        on_status: Status = lambda level, text: None,
    ) -> None:
        self.session, self.folder, self.owner = session, Path(folder), owner
        self._project_path = project_path
        self._now, self._submit, self._on_status = now, submit or _in_thread, on_status
        # A session that begins with what no file holds (an import, a restored draft) has something to lose already.
        self._written: Document | None = None if session.dirty else session.document
        self._changed_at: float | None = self._now() if session.dirty else None
        self._waiting_since = self._changed_at
        self._retry_at: float | None = None
        self._failing = False
        self._writing = threading.Lock()
        self._closed = False
        self._stop_listening = session.listen(self._on_change)
        self.blocked = self._take_lock()
        """Why nothing is written: a sentence naming who else owns the folder, or None."""

    def _on_change(self, before: Document, after: Document) -> None:
        self._changed_at = self._now()
        if self._waiting_since is None:
            self._waiting_since = self._changed_at

    def due(self) -> bool:
        """Whether a draft should be written now."""
        if self._closed or self.blocked or self.session.in_gesture or self._changed_at is None or self._waiting_since is None:
            return False
        if self.session.document is self._written or not self.session.dirty:
            return False
        now = self._now()
        if self._retry_at is not None:
            return now >= self._retry_at
        return now - self._changed_at >= DEBOUNCE_S or now - self._waiting_since >= AT_MOST_EVERY_S

    def poll(self) -> None:
        """Starts writing a draft if one is due. Call it under the workspace's lock."""
        if self.due() and not self._writing.locked():
            document = self.session.document
            self._waiting_since = self._changed_at = None
            self._submit(lambda: self._write(document))

    def flush(self) -> None:
        """Writes what is not yet written, now and here."""
        document = self.session.document
        if not self._closed and not self.blocked and not self.session.in_gesture and self.session.dirty and document is not self._written:
            self._write(document)

    def saved_as(self, path: str | None) -> None:
        """Notes the project file that the drafts belong to."""
        self._project_path = path
        if not self.blocked:
            self._write_lock()

    def close(self) -> None:
        """Flushes, stops listening and gives the folder back. The drafts stay."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        self._stop_listening()
        if not self.blocked:
            self._write_lock(released=True)

    def _write(self, document: Document) -> None:
        with self._writing:
            if document is self._written:
                return
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                drafts = sorted(self.folder.glob(PATTERN))
                number = 1 + max((_number(path) for path in drafts), default=0)
                project.save(document, self.folder / f"draft-{number:06d}.anyscene")
                for old in drafts[: max(0, len(drafts) + 1 - KEEP)]:
                    old.unlink(missing_ok=True)
            except (project.ProjectError, OSError) as error:
                self._failed(error)
                return
            self._written = document
            self._retry_at = None
            self._on_status("info", "Autosave works again." if self._failing else "Draft saved.")
            self._failing = False

    def _failed(self, error: Exception) -> None:
        self._failing = True
        self._retry_at = self._now() + RETRY_S
        self._changed_at = self._changed_at or self._now()
        self._waiting_since = self._waiting_since or self._changed_at
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

    def _write_lock(self, released: bool = False) -> None:
        facts = {
            "owner": self.owner,
            "pid": os.getpid(),
            "started": process_start(os.getpid()),
            "host": socket.gethostname(),
            "project": self._project_path,
            "released": released,
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
    # A process id comes round again after a reboot or a restarted container; the start time tells the two apart.
    return facts.get("started") == process_start(pid)


def process_start(pid: int) -> str:
    """When a process started, in the kernel's own ticks; empty where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="autosave", daemon=True).start()
