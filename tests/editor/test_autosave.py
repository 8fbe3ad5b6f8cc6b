"""Drafts: what is written when, what can be found again, and how much of the history. No real clock and no thread takes part."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from editor import edits
from editor.commands import COMMANDS, run
from editor.document import Document, EditError
from editor.files import autosave, project, recovery
from editor.files.autosave import LOCK, STEPS, Autosave
from editor.files.recovery import Draft, Recovered
from editor.samples import crossing
from editor.session import Session
from tests.editor.command_examples import arguments


def restored(folder: Path) -> Recovered:
    """What the newest draft of a folder gives back, whoever owns it."""
    return recovery.restore(Draft(str(max(folder.glob("draft-*.anyscene"))), "", 0.0, None, True))


class Desk:
    """A session, its autosave, a clock that stands still, and what was said."""

    def __init__(self, folder: Path, **more) -> None:
        self.time_s, self.said, self.count = 100.0, [], 0
        self.folder = folder
        self.session = Session(Document(), now=self.now)
        more.setdefault("submit", lambda work: work())
        self.autosave = Autosave(
            self.session, folder, owner="tab 1", now=self.now, on_status=lambda level, text: self.said.append((level, text)), **more
        )

    def now(self) -> float:
        return self.time_s

    def edit(self) -> None:
        self.count += 1
        self.session.apply(f"Name {self.count}", edits.set_scene(name=f"take {self.count}"))
        self.autosave.poll()

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 2)):
            self.time_s += 0.5
            self.autosave.poll()

    def drafts(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("draft-*")) if self.folder.is_dir() else []

    def newest(self) -> str:
        return restored(self.folder).session.document.name


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "drafts")


def test_a_change_is_on_disk_as_soon_as_it_is_polled(desk: Desk) -> None:
    desk.wait(30)
    assert desk.drafts() == [], "nothing done, nothing written"
    for number in range(1, 4):
        desk.edit()
        assert desk.newest() == f"take {number}"
    assert desk.drafts() == ["draft-000001.anyscene", "draft-000001.steps"]
    size = (desk.folder / "draft-000001.steps").stat().st_size
    desk.wait(60)
    assert (desk.folder / "draft-000001.steps").stat().st_size == size, "nothing new, nothing written"


@pytest.mark.parametrize("seed", range(3))
def test_any_history_comes_back_as_it_was(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents, undone steps, selection, what is saved and how deep undo reaches, whenever the writer is cut off, rewrites included."""
    monkeypatch.setattr("editor.files.autosave.MOST_RECORDS", 15)
    rng = random.Random(seed)
    session = Session(rng.choice([Document, crossing])())
    session._history.limit = 8
    keeper = Autosave(session, tmp_path, owner="tab", submit=lambda work: work())
    names = [name for name in COMMANDS if name not in ("undo", "redo")]
    for step in range(45):
        name = rng.choice([*names, *["undo"] * 8, *["redo"] * 5])
        args = {} if name in ("undo", "redo") else arguments(rng, name, session.document)
        if args is None:
            continue
        try:
            run(session, name, args)
        except EditError:
            continue
        if rng.random() < 0.05:
            session.mark_saved()
        keeper.poll()
        if step % 15 == 14 and list(tmp_path.glob("*.anyscene")):
            found = restored(tmp_path).session
            before, after = session.tape(), found.tape()
            assert after.documents == before.documents and [s.label for s in after.steps] == [s.label for s in before.steps]
            assert (after.at, after.dropped, after.saved_at) == (before.at, before.dropped, before.saved_at)
            assert (found.selection, found.dirty, found.undo_at_depth) == (session.selection, session.dirty, session.undo_at_depth)
            assert [list(one.entities) for one in after.documents] == [list(one.entities) for one in before.documents], "in drawing order"


def test_a_line_that_was_cut_off_costs_its_own_step_alone(desk: Desk) -> None:
    for _ in range(3):
        desk.edit()
    steps = desk.folder / f"draft-000001{STEPS}"
    whole = steps.read_bytes()
    for cut in (1, 30):
        steps.write_bytes(whole[:-cut])
        assert desk.newest() == "take 2"
    for damage in (b"[]\n", b'{"keep": 9, "steps": []}\n', b'{"keep": 0, "steps": [{"label": 3}]}\n', b"\xff\xfe\n"):
        steps.write_bytes(whole + damage)
        assert desk.newest() == "take 3"


def test_a_rewrite_that_was_cut_off_leaves_the_draft_before_it(desk: Desk) -> None:
    desk.edit()
    # The steps of the next number are written before their base, which is what makes them count.
    (desk.folder / f"draft-000002{STEPS}").write_bytes(b"half")
    assert desk.newest() == "take 1"


def test_the_log_is_cut_to_what_undo_reaches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autosave, "MOST_RECORDS", 5)
    desk.session._history.limit = 4
    for _ in range(12):
        desk.edit()
    found = restored(desk.folder)
    assert found.session.document.name == "take 12" and len(desk.drafts()) == 2 and desk.drafts()[0] != "draft-000001.anyscene"
    assert found.unsaved_count == 12 and found.unsaved[-4:] == tuple(f"Name {n}" for n in range(9, 13))
    undone = 0
    while found.session.undo():
        undone += 1
    assert undone == 4 and found.session.undo_at_depth


def test_nothing_is_written_during_a_gesture(desk: Desk) -> None:
    with desk.session.gesture("Drag") as gesture:
        gesture.preview(edits.set_scene(name="half"))
        desk.wait(40)
        desk.autosave.flush()
        assert desk.drafts() == []
    desk.autosave.poll()
    assert desk.newest() == "half"


def test_a_saved_document_needs_no_draft_and_undo_makes_one(desk: Desk) -> None:
    desk.session.apply("Name", edits.set_scene(name="a"))
    desk.session.mark_saved()
    desk.wait(30)
    assert desk.drafts() == []
    desk.session.undo()
    desk.autosave.poll()
    assert restored(desk.folder).unsaved_count == -1


def test_what_was_imported_is_drafted_before_the_first_edit(tmp_path: Path) -> None:
    session = Session(edits.set_scene(name="from a log")(Document()))
    session.mark_unsaved()
    Autosave(session, tmp_path, owner="tab 1", submit=lambda work: work()).poll()
    found = restored(tmp_path)
    assert found.session.document.name == "from a log" and found.session.dirty and found.unsaved == ()


def test_what_the_app_notes_comes_back_with_the_scene(tmp_path: Path) -> None:
    facts: dict[str, object] = {"frame": 3}
    desk = Desk(tmp_path / "drafts", facts=lambda: facts)
    desk.edit()
    facts["frame"] = 7
    desk.autosave.poll()
    assert restored(desk.folder).facts == {"frame": 7} and [text for _, text in desk.said] == ["Draft saved."], "said of work alone"


def test_a_full_disk_is_said_and_tried_again_after_ten_seconds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(document: Document, path: Path) -> None:
        raise project.ProjectError("full") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(project, "save", full)
        desk.edit()
        desk.wait(8)
        assert [level for level, _ in desk.said] == ["warn"] and "No space left" in desk.said[0][1]
        assert desk.session.document.name == "take 1"
    desk.wait(1.5)
    assert not list(desk.folder.glob("*.anyscene"))
    desk.wait(1)
    assert desk.newest() == "take 1" and desk.said[-1] == ("info", "Autosave works again.")


def test_nothing_is_put_behind_half_a_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.edit()
    with monkeypatch.context() as patch:

        def half(self, written, record, state, durable) -> None:
            with open(written.path.with_suffix(STEPS), "ab") as file:
                file.write(b'{"keep": 1, "st')
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr(Autosave, "_append", half)
        desk.edit()
    assert desk.said[-1][0] == "warn" and desk.newest() == "take 1"
    desk.wait(11)
    desk.edit()
    assert desk.newest() == "take 3" and restored(desk.folder).session.undo_steps == 3


def test_an_unwritable_folder_is_said_and_harms_nothing(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    desk = Desk(blocker / "drafts")
    desk.edit()
    desk.wait(3)
    assert desk.said and all(level == "warn" for level, _ in desk.said) and desk.session.document.name == "take 1"
    desk.autosave.close()


def test_closing_flushes_and_gives_the_folder_back(desk: Desk) -> None:
    desk.session.apply("Name", edits.set_scene(name="never polled"))
    desk.autosave.close()
    desk.autosave.close()
    assert desk.newest() == "never polled"
    desk.edit()
    desk.wait(30)
    assert desk.newest() == "never polled", "closed is closed"
    assert Desk(desk.folder).autosave.blocked is None


def test_two_windows_do_not_fight_over_a_folder(desk: Desk) -> None:
    other = Autosave(desk.session, desk.folder, owner="tab 2", now=desk.now, submit=lambda work: work())
    assert other.blocked is not None and "tab 1" in other.blocked
    desk.session.apply("Name", edits.set_scene(name="mine"))
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


def test_the_writer_holds_what_it_was_given_and_goes_on_with_what_came_since(tmp_path: Path) -> None:
    waiting: list = []
    desk = Desk(tmp_path / "drafts", submit=waiting.append)
    desk.edit()
    desk.edit()
    assert len(waiting) == 1, "one writer at a time"
    waiting.pop()()
    assert desk.newest() == "take 2"
    desk.edit()
    waiting.pop()()
    assert desk.newest() == "take 3"


def test_the_default_writes_in_a_thread(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "drafts", submit=None)
    desk.edit()
    for thread in threading.enumerate():
        if thread.name == "autosave":
            thread.join(10)
    assert desk.newest() == "take 1"


def test_a_draft_goes_with_the_last_unsaved_change(desk: Desk) -> None:
    desk.edit()
    desk.session.mark_saved()
    desk.autosave.saved_as("mine.anyscene")
    desk.autosave.close()
    assert desk.drafts() == [] and recovery.drafts(desk.folder) == []
    recovery.tidy(desk.folder.parent)
    assert not desk.folder.exists()


def test_recovery_offers_what_its_project_does_not_hold(tmp_path: Path) -> None:
    root, target = tmp_path / "recovery", tmp_path / "mine.anyscene"
    desk = Desk(root / "one", project_path=str(target))
    desk.edit()
    assert recovery.drafts(root) == [], "its owner is still there"
    project.save(desk.session.document, target)
    desk.session.mark_saved()
    desk.autosave.saved_as(str(target))
    desk.edit()
    desk.edit()
    desk.autosave.close()
    (draft,) = recovery.drafts(root)
    assert (draft.project_path, draft.owner, draft.crashed) == (str(target), "tab 1", False)
    found = recovery.restore(draft)
    assert found.unsaved == ("Name 2", "Name 3") and found.unsaved_count == 2 and found.session.dirty
    found.session.undo(), found.session.undo()
    assert not found.session.dirty, "undone to what the file holds, it is clean"
    recovery.discard(draft)
    recovery.discard(draft)
    assert recovery.drafts(root) == [] and not (root / "one").exists()


def test_a_session_that_was_saved_is_offered_where_its_file_is_gone(tmp_path: Path) -> None:
    target = tmp_path / "mine.anyscene"
    desk = Desk(tmp_path / "root" / "one")
    desk.edit()
    project.save(desk.session.document, target)
    desk.session.mark_saved()
    desk.autosave.saved_as(str(target))
    (desk.folder / LOCK).write_text(json.dumps({**json.loads((desk.folder / LOCK).read_text()), "started": "1"}))
    assert recovery.drafts(tmp_path / "root") == []
    target.unlink()
    (draft,) = recovery.drafts(tmp_path / "root")
    assert draft.crashed


def test_a_restored_session_goes_on_in_the_same_folder(desk: Desk) -> None:
    desk.edit()
    desk.autosave.close()
    (draft,) = recovery.drafts(desk.folder)
    session = recovery.restore(draft).session
    again = Autosave(session, desk.folder, owner="tab 2", submit=lambda work: work())
    assert again.blocked is None
    again.keep()
    session.apply("More", edits.set_scene(name="more"))
    again.poll()
    assert desk.drafts() == ["draft-000002.anyscene", "draft-000002.steps"] and desk.newest() == "more"
    assert restored(desk.folder).unsaved == ("Name 1", "More")


def test_a_draft_from_before_there_were_steps_is_still_offered(tmp_path: Path) -> None:
    root, target = tmp_path / "drafts", tmp_path / "mine.anyscene"
    (root / "old").mkdir(parents=True)
    for number in (1, 2):
        project.save(Document(name=f"take {number}"), root / "old" / f"draft-{number:06d}.anyscene")
    (root / "old" / LOCK).write_text(json.dumps({"owner": "tab", "pid": 1, "released": True, "project": str(target)}))
    (draft,) = recovery.drafts(root)
    found = recovery.restore(draft)
    assert found.session.document.name == "take 2" and found.session.dirty and found.session.can_undo is None
    project.save(Document(), target)
    os.utime(target, (draft.saved_at + 5,) * 2)
    assert recovery.drafts(root) == [], "its project is newer"


def test_a_draft_of_before_cones_had_numbers_is_read(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "d")
    desk.session.apply("Close a lane", edits.close_lane([(0, 0), (20, 0)], taper_m=8.0))
    desk.autosave.poll()
    steps = max((tmp_path / "d").glob(f"*{STEPS}"))
    head, *records = map(json.loads, steps.read_text().splitlines())
    for row in (row for record in records for step in record["steps"] for row in step["set"]):
        lane = row.pop("closure")
        row["name"] = f"closed lane {lane['number']}: {lane['side']}, {lane['length_m']:g} m, lane 3.5 m, every 3 m, taper 8 m"
    steps.write_text("".join(json.dumps(one) + "\n" for one in (head | {"version": 1}, *records)))
    assert restored(tmp_path / "d").session.document == desk.session.document
