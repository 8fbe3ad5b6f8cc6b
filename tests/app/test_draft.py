"""Drafts: what is drawn again after an edit, what is held, who goes first, and what is shown meanwhile."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from app.jobs.job import LIVE, Drawn
from app.jobs.protocol import Draw, pack, unpack
from app.workspace import drafts
from app.workspace.drafts import Drafter
from app.workspace.shot import Shot, ShotMaker
from app.workspace.shown import ShownTake
from editor import commands
from editor.document import Document
from editor.session import Session
from engine.api import OccupancyFrame, Recipe
from engine.occupancy.fake import FakeOccupancy
from engine.spec.classes import CLASS, FREE

SLOW = "fake:0.15"
FRONT = {"name": "front", "mount": "ego", "pose": [1.5, 0, 1.6, -1.5708, 0, -1.5708], "width": 64, "height": 36, "fov_deg": 90}


@dataclass
class Engine:
    """Stands where the store of jobs stands; draws when the test says so."""

    asked: list[tuple[Draw, Drawn]] = field(default_factory=list)
    called_off: int = 0

    def draw(self, workspace: str, request: Draw, drawn: Drawn) -> None:
        self.asked.append((request, drawn))

    def call_off_draft(self, workspace: str) -> None:
        self.called_off += 1

    def answer(self, number: int = -1) -> None:
        request, drawn = self.asked[number]
        if request.before is None:
            past = None if request.past is None else replace(unpack(request.past), index=0)
            frame = next(iter(FakeOccupancy().occupancy(request.clip, request.recipe, lambda: False, past)))
        else:
            frame = FakeOccupancy().redraw(request.clip, unpack(request.before), request.region, request.recipe, lambda: False)
        drawn(pack(1, frame), "")


class Desk:
    """A session, a take of noise (so that what is held can be told from what is drawn), and the drafter."""

    def __init__(self) -> None:
        self.session = Session(Document(duration_s=1.0))
        self.run("paint_stroke", channel="drivable_area", radius_m=4.0, points=[[-20, 0], [20, 0]])
        self.engine, self.told, self.faults = Engine(), [], []
        self.drafter = Drafter("desk", self.engine, "cpu", changed=lambda: self.told.append(1), failed=self.faults.append)
        self.drafter.switch(True, "fake", 3)
        self.shots, self.frame = ShotMaker(), 0
        self.take: ShownTake | None = None

    def run(self, verb: str, /, **args) -> None:
        commands.run(self.session, verb, args)

    def generate(self) -> ShownTake:
        """A take of two frames."""
        rng = np.random.default_rng(5)
        self.take = ShownTake("take-1", Path("nowhere"), 0, 2, self.session.document, Recipe("fake", seed=9))
        for index in range(2):
            semantics = rng.integers(0, 21, (200, 200, 16)).astype(np.uint8)
            self.take.made[index] = pack(1, OccupancyFrame(index, semantics, np.where(semantics < 11, 40, 0).astype(np.uint16)))
        return self.take

    def look(self) -> Shot:
        shot = self.shots.shoot(self.session.document, self.frame, self.take)
        assert shot is not None
        return self.drafter.follow(shot)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "REST_S", 0.02)


def wait_until(holds):
    """The first truthy answer."""
    deadline = time.monotonic() + 120
    while not (answer := holds()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)
    return answer


def test_a_draft_changes_nothing_outside_the_region_and_undo_shows_the_take_again(desk: Desk) -> None:
    take = desk.generate()
    untouched = desk.look()
    assert untouched.source == "take" and not desk.engine.asked
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    assert desk.look().source == "take", "until the draft is there"
    desk.look()
    (request, _) = desk.engine.asked[0]
    assert len(desk.engine.asked) == 1 and request.recipe == Recipe("fake", seed=take.recipe.seed)
    desk.engine.answer()
    shot = desk.look()
    assert shot.source == "draft" and shot.recipe == request.recipe and shot.picture("front") is None and desk.told
    region = request.region
    assert region is not None and 0 < region.sum() < 1000
    assert np.array_equal(shot.occupancy.semantics[~region], untouched.occupancy.semantics[~region])
    assert np.array_equal(shot.occupancy.instances[~region], untouched.occupancy.instances[~region])
    assert (shot.occupancy.semantics[region] == CLASS["car"]).any() and (shot.occupancy.semantics[region] == FREE).any()
    desk.session.undo()
    again = desk.look()
    assert again.source == "take" and np.array_equal(again.occupancy.semantics, untouched.occupancy.semantics)
    desk.session.redo()
    assert desk.look().source == "draft" and len(desk.engine.asked) == 1, "it is remembered"


def test_another_look_makes_the_take_stale_and_asks_for_no_draft(desk: Desk, rested: None) -> None:
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    take = desk.generate()
    desk.look()
    car = desk.session.selection[0]
    desk.run("set_look", id=car, colour="#ff0000", model="van")
    for _ in range(3):
        assert desk.look().source == "take"
        time.sleep(0.04)
    assert not desk.engine.asked and take.is_stale(desk.session.document)
    desk.run("set_agent", id=car, size=[4.0, 2.0, 3.0])
    desk.look()
    assert len(desk.engine.asked) == 1, "another size does"


def test_the_next_draft_starts_from_the_one_before_and_draws_only_what_is_new(desk: Desk) -> None:
    desk.generate()
    desk.look()
    desk.run("paint_stroke", channel="walkway", radius_m=6.0, points=[[-20, 20], [20, 20]])
    desk.look(), desk.engine.answer(), desk.look()
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    assert desk.look().source == "draft", "the one before, meanwhile"
    wide, narrow = (np.count_nonzero(request.region) for request, _ in desk.engine.asked)
    assert narrow
    assert narrow < wide / 3
    desk.engine.answer()
    shown = desk.look().occupancy.semantics
    assert (shown == CLASS["sidewalk"]).any(2)[50:150, 140:160].all() and (shown[:, :, 3:6] == CLASS["car"]).any()


def test_an_agent_that_grows_taller_is_drawn_again_under_the_same_layout(desk: Desk) -> None:
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    desk.generate(), desk.look()
    (car,) = desk.session.selection
    desk.run("set_agent", id=car, size=[4.0, 2.0, 3.0])
    desk.look()
    assert len(desk.engine.asked) == 1 and np.any(desk.engine.asked[0][0].region)


def test_edits_that_do_not_reach_the_frame_need_no_draft_and_occupancy_edits_lie_on_top(desk: Desk) -> None:
    desk.generate(), desk.look()
    desk.run("add_agent", class_name="car", x=500.0, y=0.0)
    desk.run("set_scene", prompt="rain")
    desk.run("add_camera", **FRONT)
    assert desk.look().source == "take"
    desk.run("add_occupancy_edit", kind="remove_class", class_name="vegetation")
    assert desk.look().source == "take" and not desk.engine.asked
    desk.run("paint_stroke", channel="walkway", radius_m=2.0, points=[[0, 20]])
    desk.look(), desk.engine.answer()
    shot = desk.look()
    assert shot.source == "draft" and not (shot.occupancy.semantics == CLASS["vegetation"]).any()


def test_without_a_take_the_whole_frame_comes_when_the_hand_rests(desk: Desk, rested: None) -> None:
    before = len(desk.told)  # counted before the look, which starts the rest
    assert desk.look().source == "lift" and not desk.engine.asked
    wait_until(lambda: len(desk.told) > before)
    assert desk.look().source == "lift" and len(desk.engine.asked) == 1, "a scene that was only opened is drawn too"
    assert desk.engine.asked[0][0].before is None and desk.engine.asked[0][0].recipe.seed == 3
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    before = len(desk.told)
    desk.look()
    wait_until(lambda: len(desk.told) > before)
    assert desk.look().source == "lift" and len(desk.engine.asked) == 2, "and again where it was edited before that came"
    desk.engine.answer()
    assert desk.look().source == "draft"
    desk.run("paint_stroke", channel="walkway", radius_m=2.0, points=[[0, 20]])
    desk.look()
    assert desk.engine.asked[2][0].before is not None, "now there is a frame to start from"


def test_an_ego_elsewhere_leaves_nothing_to_start_from(desk: Desk, rested: None) -> None:
    desk.generate(), desk.look()
    desk.run("move", ids=["ego"], dx=3.0, dy=0.0)
    desk.look()
    assert not desk.engine.asked
    wait_until(lambda: bool(desk.told[1:]))
    desk.look()
    assert desk.engine.asked[0][0].before is None


def test_scrubbing_calls_the_draft_off_and_asks_for_the_other_frame_at_rest(desk: Desk, rested: None) -> None:
    desk.generate(), desk.look()
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    desk.look()
    desk.frame = 1
    before = len(desk.told)
    assert desk.look().source == "take" and desk.engine.called_off == 1 and len(desk.engine.asked) == 1
    wait_until(lambda: len(desk.told) > before)
    desk.look()
    assert len(desk.engine.asked) == 2 and desk.engine.asked[1][0].clip.start_s == pytest.approx(1 / 12)


def test_off_is_off_and_a_fault_switches_off_once(desk: Desk) -> None:
    desk.generate(), desk.look()
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    desk.look(), desk.engine.answer()
    desk.drafter.switch(False, "fake", 0)
    assert desk.look().source == "take"
    desk.drafter.switch(True, "fake", 0)
    assert desk.look().source == "draft"
    desk.run("add_agent", class_name="bus", x=-10.0, y=0.0)
    desk.look()
    desk.engine.asked[-1][1](None, "The weights are gone.")
    assert desk.faults == ["The weights are gone."] and not desk.drafter.on
    desk.run("add_agent", class_name="bus", x=-20.0, y=0.0)
    assert desk.look().source == "take" and len(desk.engine.asked) == 2


def test_when_the_hand_rests_the_whole_frame_takes_the_place_of_the_draft(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "WHOLE_REST_S", 0.05)
    take = desk.generate()
    desk.frame = 1
    desk.look()
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    desk.look(), desk.engine.answer()
    before = len(desk.told)
    shot = desk.look()
    assert shot.source == "draft" and not shot.whole and len(desk.engine.asked) == 1
    wait_until(lambda: len(desk.told) > before)
    assert not desk.look().whole, "until it is there"
    desk.look()
    request, _ = desk.engine.asked[1]
    assert len(desk.engine.asked) == 2 and request.before is None and request.recipe == Recipe("fake", seed=9), "the take's seed, no few steps"
    assert len(request.clip) == 2 and request.past is take.made[0], "the take's frame before is its history"
    assert np.array_equal(request.clip.layouts[1], shot.clip.layouts[0])
    desk.engine.answer()
    whole = desk.look()
    assert whole.source == "draft" and whole.whole and not np.array_equal(whole.occupancy.semantics, shot.occupancy.semantics)
    time.sleep(0.15)
    desk.look()
    assert len(desk.engine.asked) == 2, "once"


def test_the_next_edit_calls_the_whole_frame_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "WHOLE_REST_S", 0.05)
    desk.generate(), desk.look()
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    desk.look(), desk.engine.answer()
    before = len(desk.told)
    desk.look()
    wait_until(lambda: len(desk.told) > before)
    desk.look()
    assert desk.engine.asked[-1][0].before is None
    calls = desk.engine.called_off
    desk.run("add_agent", class_name="bus", x=-10.0, y=0.0)
    desk.look()
    assert desk.engine.called_off == calls + 1 and desk.engine.asked[-1][0].before is not None
    desk.engine.answer()
    shot = desk.drafter.follow(desk.shots.shoot(desk.session.document, 0, desk.take), whole=False)
    time.sleep(0.15)
    desk.drafter.follow(desk.shots.shoot(desk.session.document, 0, desk.take), whole=False)
    assert not shot.whole and len(desk.engine.asked) == 3, "variants are in hand: the frame under them stays"


def test_only_so_many_drafts_are_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "REMEMBERED", 2)
    desk.generate(), desk.look()
    for x in (0.0, 8.0, 16.0):
        desk.run("add_agent", class_name="car", x=x, y=0.0)
        desk.look(), desk.engine.answer(), desk.look()
    desk.session.undo()
    assert desk.look().source == "draft" and len(desk.engine.asked) == 3
    desk.session.undo()
    desk.look()
    assert len(desk.engine.asked) == 4, "the oldest was dropped"


# Through the worker.


def generate(page, **fields) -> str:
    page.send("generate", **{"frames": 2, "preset": "fake", "until": "occupancy", "start_frame": 0, "seed": 7, **fields})
    return page.wait_for("job", lambda m: m["state"] in LIVE)["id"]


def ended(page, job: str) -> dict:
    return page.wait_for("job", lambda m: m["id"] == job and m["state"] not in LIVE)


def strip(page, source: str) -> dict:
    return page.wait_for("strip", lambda m: m["source"] == source)


def test_a_stroke_is_answered_with_a_draft_and_undo_with_the_very_take(studio, monkeypatch):
    monkeypatch.setattr(drafts, "WHOLE_REST_S", 60.0)  # no whole frame takes the draft's place while it is compared
    with studio.page("draft") as page:
        page.command("paint_stroke", channel="drivable_area", radius_m=5, points=[[-10, 0], [30, 0]])
        page.command("add_camera", **FRONT)
        page.send("live", on=True, seed=1)
        assert page.wait_for("live", lambda m: m["on"])
        ended(page, generate(page))
        page.unread.clear()
        page.send("frame", frame=1)
        take = page.wait_for("strip", lambda m: m["source"] == "take" and m["frame"] == 1)
        assert take["recipe"] is None
        page.command("add_agent", class_name="car", x=10, y=0)
        draft = strip(page, "draft")
        assert draft["recipe"] == {"occupancy": "fake", "seed": 7, "steps": None} and draft["frame"] == 1
        assert draft["cameras"][0]["semantic"] != take["cameras"][0]["semantic"]
        assert page.wait_for("take", lambda m: m["stale"])
        page.unread.clear()
        page.command("undo")
        again = strip(page, "take")
        assert again["cameras"][0]["semantic"] == take["cameras"][0]["semantic"]
        page.command("redo")
        assert strip(page, "draft")["cameras"][0]["semantic"] == draft["cameras"][0]["semantic"]


def test_a_draft_waits_for_jobs_and_comes_after_them_without_a_word(studio):
    with studio.page("busy") as others, studio.page("waits") as page:
        page.command("paint_stroke", channel="drivable_area", radius_m=5, points=[[-10, 0], [30, 0]])
        page.send("live", on=True, preset="fake")
        ended(page, generate(page))
        job = generate(others, preset=SLOW, frames=8)
        # The job stands still until the draft is in line, however long that takes.
        engine = studio.workspaces.jobs.worker_pid
        os.kill(engine, signal.SIGSTOP)
        page.command("add_agent", class_name="car", x=10, y=0)
        wait_until(lambda: "waits" in studio.workspaces.jobs._waiting)
        os.kill(engine, signal.SIGCONT)
        draft = strip(page, "draft")
        assert studio.workspaces.jobs.get(job).state == "done" and draft["recipe"]["seed"] == 7
        assert ended(others, job)["state"] == "done"
        assert not [m for m in page.unread if m["type"] == "notice"]


def test_a_job_interrupts_a_draft_which_is_drawn_afterwards(studio):
    with studio.page("interrupts") as others, studio.page("interrupted") as page:
        page.command("paint_stroke", channel="drivable_area", radius_m=5, points=[[-10, 0], [30, 0]])
        page.send("live", on=True, preset="fake:2.5")
        ended(page, generate(page))
        page.command("add_agent", class_name="car", x=10, y=0)
        jobs = studio.workspaces.jobs
        first = wait_until(lambda: jobs._drawing)
        assert ended(others, generate(others))["state"] == "done" and first.made is None
        again = wait_until(lambda: jobs._drawing)
        assert again is not first and not first.called_off
        strip(page, "draft")


def test_of_many_strokes_the_newest_is_drawn_and_a_killed_worker_switches_drafts_off(studio):
    with studio.page("strokes") as page:
        page.command("paint_stroke", channel="drivable_area", radius_m=5, points=[[-10, 0], [30, 0]])
        page.command("add_camera", **FRONT)
        page.send("live", on=True, preset=SLOW)
        ended(page, generate(page))
        page.unread.clear()
        for x in range(8):
            page.command("add_agent", class_name="car", x=x * 6.0 - 10, y=0)
        drafter = studio.workspaces.get("strokes").drafter
        # An earlier draft may arrive before the newest stroke has been looked at.
        wait_until(lambda: any(len(draft.conditions.boxes) == 8 for draft in list(drafter._known.values())))
        assert len(drafter._known) < 8, "those in between were called off"
        page.send("live", on=True, preset="fake:5")
        page.command("add_agent", class_name="bus", x=20, y=8)
        wait_until(lambda: studio.workspaces.jobs._drawing is not None)
        os.kill(studio.workspaces.jobs.worker_pid, signal.SIGKILL)
        assert "switched off" in page.wait_for("notice", lambda m: m["level"] == "warn")["text"]
        assert not page.wait_for("live", lambda m: not m["on"])["on"]
        assert ended(page, generate(page))["state"] == "done"


def test_a_live_message_that_makes_no_sense_is_refused(studio):
    with studio.page("nonsense") as page:
        page.send("live", on="yes")
        assert "true or false" in page.wait_for("notice")["text"]
        page.send("live", on=True, preset="dream")
        assert "dream" in page.wait_for("notice", lambda m: "dream" in m["text"])["text"]
