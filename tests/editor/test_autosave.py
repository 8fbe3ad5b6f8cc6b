"""Drafts: when they are written, when not, and what can be found again. No real clock and no thread takes part."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from editor import edits
from editor.document import Document
from editor.files import project, recovery
from editor.files.autosave import KEEP, LOCK, Autosave
from editor.session import Session


class Desk:
    """A session, its autosave, a clock that stands still, and what was said."""

    def __init__(self, folder: Path, **more) -> None:
        self.time_s, self.said, self.count = 100.0, [], 0
        self.folder = folder
        self.session = Session(Document(), now=self.now)
        self.work: list = []
        more.setdefault("submit", lambda work: work())
        self.autosave = Autosave(
            self.session, folder, owner="tab 1", now=self.now, on_status=lambda level, text: self.said.append((level, text)), **more
        )

    def now(self) -> float:
        return self.time_s

    def edit(self) -> None:
        self.count += 1
        self.session.apply("Name", edits.set_scene(name=f"take {self.count}"))

    def wait(self, seconds: float) -> list[str]:
        """Names of the drafts after polling twice a second for so long."""
        for _ in range(round(seconds * 2)):
            self.time_s += 0.5
            self.autosave.poll()
        return self.drafts()

    def drafts(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("draft-*.anyscene")) if self.folder.is_dir() else []

    def newest(self) -> str:
        return project.load(self.folder / self.drafts()[-1]).name


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "drafts")


def test_a_draft_comes_two_seconds_after_the_last_change(desk: Desk) -> None:
    assert desk.wait(30) == []
    desk.edit()
    assert desk.wait(1.5) == []
    desk.edit()
    assert desk.wait(1.5) == [] and len(desk.wait(0.5)) == 1 and desk.newest() == "take 2"
    assert len(desk.wait(60)) == 1, "nothing new, nothing written"


def test_ongoing_changes_are_written_every_fifteen_seconds(desk: Desk) -> None:
    seen = []
    for _ in range(62):
        desk.edit()
        seen.append(len(desk.wait(0.5)))
    assert seen.index(1) in (29, 30) and seen[-1] == 2


def test_nothing_is_written_during_a_gesture(desk: Desk) -> None:
    with desk.session.gesture("Drag") as gesture:
        gesture.preview(edits.set_scene(name="half"))
        assert desk.wait(40) == []
        desk.autosave.flush()
        assert desk.drafts() == []
    assert len(desk.wait(2)) == 1


def test_a_saved_document_needs_no_draft(desk: Desk) -> None:
    desk.edit()
    desk.session.mark_saved()
    assert desk.wait(30) == []


def test_what_was_imported_is_drafted_before_the_first_edit(tmp_path: Path) -> None:
    session = Session(edits.set_scene(name="from a log")(Document()))
    session.mark_unsaved()
    clock = [0.0]
    autosave = Autosave(session, tmp_path, owner="tab 1", now=lambda: clock[0], submit=lambda work: work())
    autosave.poll()
    assert not list(tmp_path.glob("*.anyscene"))
    clock[0] = 2.0
    autosave.poll()
    (draft,) = tmp_path.glob("*.anyscene")
    assert project.load(draft).name == "from a log"


def test_five_are_kept_and_numbers_go_on(desk: Desk) -> None:
    for _ in range(8):
        desk.edit()
        desk.wait(2)
    assert desk.drafts() == [f"draft-{n:06d}.anyscene" for n in range(4, 9)] and KEEP == 5


def test_a_full_disk_is_said_and_tried_again_after_ten_seconds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(document: Document, path: Path) -> None:
        raise project.ProjectError("full") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    desk.edit()
    with monkeypatch.context() as patch:
        patch.setattr(project, "save", full)
        desk.wait(8)
        assert [level for level, _ in desk.said] == ["warn"] and "No space left" in desk.said[0][1]
        assert desk.session.document.name == "take 1"
    assert len(desk.wait(3.5)) == 0 and len(desk.wait(1)) == 1
    assert desk.said[-1] == ("info", "Autosave works again.")


def test_an_unwritable_folder_is_said_and_harms_nothing(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    desk = Desk(blocker / "drafts")
    desk.edit()
    desk.wait(3)
    assert desk.said and all(level == "warn" for level, _ in desk.said) and desk.session.document.name == "take 1"
    desk.autosave.close()


def test_closing_flushes_and_gives_the_folder_back(desk: Desk) -> None:
    desk.edit()
    desk.autosave.close()
    desk.autosave.close()
    assert desk.newest() == "take 1"
    desk.edit()
    desk.wait(30)
    assert len(desk.drafts()) == 1, "closed is closed"
    assert Desk(desk.folder).autosave.blocked is None


def test_two_windows_do_not_fight_over_a_folder(desk: Desk) -> None:
    other = Autosave(desk.session, desk.folder, owner="tab 2", now=desk.now, submit=lambda work: work())
    assert other.blocked is not None and "tab 1" in other.blocked
    desk.edit()
    desk.time_s += 5
    other.poll()
    other.flush()
    other.close()
    assert desk.drafts() == [] and json.loads((desk.folder / LOCK).read_text())["owner"] == "tab 1"


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "drafts"
    script = (
        "import sys; from editor.files.autosave import Autosave; from editor.session import Session; from editor.document import Document;"
        "Autosave(Session(Document()), sys.argv[1], owner='gone')"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, cwd=Path(__file__).resolve().parents[2])
    assert json.loads((folder / LOCK).read_text())["owner"] == "gone"
    assert Desk(folder).autosave.blocked is None and json.loads((folder / LOCK).read_text())["owner"] == "tab 1"


def test_a_process_number_that_came_round_again_is_not_the_owner(desk: Desk) -> None:
    facts = json.loads((desk.folder / LOCK).read_text())
    (desk.folder / LOCK).write_text(json.dumps({**facts, "owner": "before the reboot", "started": "1"}))
    assert Desk(desk.folder).autosave.blocked is None


def test_the_writer_holds_the_document_it_was_given(tmp_path: Path) -> None:
    waiting: list = []
    desk = Desk(tmp_path / "drafts", submit=waiting.append)
    desk.edit()
    desk.wait(2)
    desk.edit()
    waiting.pop()()
    assert desk.newest() == "take 1"
    desk.wait(2)
    waiting.pop()()
    assert desk.newest() == "take 2"


def test_the_default_writes_in_a_thread(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "drafts", submit=None)
    desk.edit()
    desk.wait(2)
    for thread in threading.enumerate():
        if thread.name == "autosave":
            thread.join(10)
    assert desk.newest() == "take 1"


def test_recovery_offers_what_is_newer_than_its_project(tmp_path: Path) -> None:
    root, target = tmp_path / "recovery", tmp_path / "mine.anyscene"
    desk = Desk(root / "one", project_path=str(target))
    desk.edit()
    desk.wait(2)
    assert recovery.drafts(root) == [], "its owner is still there"
    desk.edit()
    desk.autosave.close()
    found = recovery.drafts(root)
    assert [recovery.restore(draft).name for draft in found] == ["take 2", "take 1"] or {recovery.restore(d).name for d in found} == {
        "take 1",
        "take 2",
    }
    assert {draft.project_path for draft in found} == {str(target)}
    project.save(Document(), target)
    os.utime(target, (max(d.saved_at for d in found) + 5,) * 2)
    assert recovery.drafts(root) == []
    os.utime(target, (1.0, 1.0))
    assert len(recovery.drafts(root)) == 2
    recovery.discard(found[0])
    recovery.discard(found[0])
    assert len(recovery.drafts(root)) == 1


def test_recovery_of_a_scene_that_was_never_saved_and_of_no_folder(tmp_path: Path) -> None:
    assert recovery.drafts(tmp_path / "nowhere") == []
    desk = Desk(tmp_path / "drafts")
    desk.edit()
    desk.autosave.close()
    (draft,) = recovery.drafts(desk.folder)
    assert draft.project_path is None and recovery.restore(draft).name == "take 1"
