"""Random actions of somebody at a scene, and crashes of the studio between them: no law of the Document is broken.

ANYSCENE_ACTIONS=10000 does that many; the suite does a few hundred. Beside the session goes a model of it: a list of hashes and a place in it.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from editor import check
from editor.commands import COMMANDS, run
from editor.document import Document, EditError
from editor.entities import Agent
from editor.files import project, recovery
from editor.files.autosave import Autosave
from editor.files.document_hash import document_hash
from editor.files.recovery import Draft
from editor.history import LIMIT
from editor.samples import crossing, two_way
from editor.session import Session
from tests.editor.command_examples import arguments

ACTIONS = int(os.environ.get("ANYSCENE_ACTIONS", "300"))
IN_A_ROW = 50
MOST_ENTITIES = 60
"""From there on things are deleted, so that a long run stays as fast as a short one."""
EDITS = sorted(name for name in COMMANDS if name not in ("undo", "redo", "select"))
SEEDS = st.integers(0, 2**31)
WHAT = ("edit",) * 12 + ("undo", "redo", "select", "drag", "drag", "save", "load", "crash")

pytestmark = pytest.mark.timeout(120 + ACTIONS // 2)


class Desk(RuleBasedStateMachine):
    """A session with its drafts, as a workspace holds them; its clock stands ten seconds later at each action, so that no two steps merge."""

    done: Counter[str] = Counter()

    @initialize(scene=st.sampled_from([Document, crossing, two_way]))
    def begin(self, scene):
        self.folder = Path(tempfile.mkdtemp(prefix="anyscene-stateful-"))
        self.time_s, self.lives, self.step = 0.0, 0, 0
        self.path = self.folder / "scene.anyscene"
        self.sit_down(Session(scene(), now=self.now))
        self.hashes, self.at = [document_hash(self.session.document)], 0

    def sit_down(self, session: Session) -> None:
        self.session, self.lives = session, self.lives + 1
        self.drafts = self.folder / f"life-{self.lives}"
        self.autosave = Autosave(session, self.drafts, owner="somebody", now=self.now, submit=lambda work: work())
        self.autosave.poll()

    def now(self) -> float:
        return self.time_s

    def acted(self, what: str, changed: bool = True) -> None:
        """One action more; the model goes along where it made a step."""
        self.done[what] += 1
        self.time_s += 10.0
        if changed:
            self.hashes = [*self.hashes[: self.at + 1], document_hash(self.session.document)][-LIMIT - 1 :]
            self.at = len(self.hashes) - 1
        self.autosave.poll()

    @rule(what=st.sampled_from(WHAT), seed=SEEDS)
    def act(self, what, seed):
        """One choice for all, because of rules of their own only a few are tried in one run."""
        self.step += 1
        dice = random.Random(f"{self.step} {seed}")  # seeds of 0 and 1 come often, and mean something else each time
        if len(self.session.document.entities) > MOST_ENTITIES:
            self.clear_up(dice)
        (self.edit if what == "edit" else getattr(self, what))(dice)

    def edit(self, dice):
        before, name = self.session.document, dice.choice(EDITS)
        args = arguments(dice, name, before)
        if args is None:
            name, args = "set_scene", {"prompt": f"scene {dice.random()}"}
        try:
            run(self.session, name, args)
        except EditError as refusal:
            assert str(refusal).endswith((".", "?")) and self.session.document is before, name
        self.acted(name, self.session.document is not before)

    def clear_up(self, dice):
        ids = list(self.session.document.entities)
        run(self.session, "delete", {"ids": dice.sample(ids, len(ids) // 2)})
        self.acted("clear up")

    def select(self, dice):
        ids = ["ego", *self.session.document.entities]
        run(self.session, "select", {"ids": dice.sample(ids, min(len(ids), 2))})
        self.acted("select", changed=False)

    def drag(self, dice):
        """A gesture that ends well, or by Escape."""
        before, lets_go = self.session.document, dice.random() < 0.7
        args = arguments(dice, "move", before)
        move = COMMANDS["move"].edit
        assert args is not None and move is not None
        try:
            with self.session.gesture("Drag") as gesture:
                for share in (0.5, 1.0):
                    gesture.preview(move(args["ids"], args["dx"] * share, args["dy"] * share))
                if not lets_go:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert self.session.document is before
        self.acted("drag", self.session.document is not before)

    def undo(self, dice):
        for _ in range(dice.randint(1, 12)):
            if self.session.undo() is not None:
                self.at -= 1
            else:
                assert self.at == 0
        self.acted("undo", changed=False)

    def redo(self, dice):
        for _ in range(dice.randint(1, 12)):
            if self.session.redo() is not None:
                self.at += 1
            else:
                assert self.at == len(self.hashes) - 1
        self.acted("redo", changed=False)

    def save(self, dice):
        project.save(self.session.document, self.path)
        self.session.mark_saved()
        self.autosave.saved_as(str(self.path))
        self.acted("save", changed=False)
        assert not self.session.dirty and document_hash(project.load(self.path)) == self.hashes[self.at]

    def load(self, dice):
        """Another document is opened: what was before is left to the drafts."""
        if not self.path.is_file():
            return self.save(dice)
        self.autosave.close()
        self.sit_down(Session(project.load(self.path), now=self.now))
        self.hashes, self.at = [document_hash(self.session.document)], 0
        self.acted("load", changed=False)

    def crash(self, dice):
        """Nothing is closed; what lies on disk is all that the next life has."""
        found = sorted(self.drafts.glob("draft-*.anyscene"))
        self.done["crash"] += 1
        if not found:
            assert self.session.undo_steps == 0 or not self.session.dirty, "unsaved work was on no disk"
            return
        session = recovery.restore(Draft(str(found[-1]), "", 0.0, None, True)).session
        kept = self.session
        assert (session.can_undo, session.can_redo, session.undo_steps) == (kept.can_undo, kept.can_redo, kept.undo_steps)
        session._now = self.now
        self.sit_down(session)

    @invariant()
    def laws(self):
        if not hasattr(self, "hashes"):
            return
        session, document = self.session, self.session.document
        check.whole_document(document)
        instances = [agent.instance_id for agent in document.of(Agent)]
        assert len(set(instances)) == len(instances) and 0 not in instances
        assert all(name == "ego" or name in document.entities for name in session.selection)
        assert document_hash(document) == self.hashes[self.at]
        assert session.undo_steps == self.at and (session.can_undo is None) == (self.at == 0)
        assert (session.can_redo is None) == (self.at == len(self.hashes) - 1)

    def teardown(self):
        if hasattr(self, "folder"):
            self.autosave.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def test_no_action_breaks_a_law_of_the_document():
    Desk.done.clear()
    often = settings(
        max_examples=-(-ACTIONS // 25), stateful_step_count=IN_A_ROW, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    run_state_machine_as_test(Desk, settings=often)
    assert Desk.done.total() >= ACTIONS and {"undo", "redo", "save", "load", "crash", "drag"} <= set(Desk.done), dict(Desk.done)
    print(f"{Desk.done.total()} actions: {dict(Desk.done)}")
