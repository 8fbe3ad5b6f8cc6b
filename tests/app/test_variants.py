"""Variants of a marked region: what is held, which seeds draw, what can be gone back to, and what a kept one leaves on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.jobs.job import LIVE, Drawn
from app.jobs.protocol import Draw, pack, unpack
from app.workspace.shown import ShownTake
from app.workspace.variants import Variants
from editor import commands
from editor.document import Document, EditError
from editor.session import Session
from engine.api import OccupancyFrame, Recipe
from engine.occupancy.region import cells_inside
from engine.spec.classes import CLASS, FREE
from engine.spec.grid import OCC3D
from engine.spec.take import Take
from tests.app.fakes import take as take_of
from tests.app.test_draft import FRONT, Desk, wait_until

BOX = [(4.0, -3.0), (12.0, -3.0), (12.0, 5.0), (4.0, 5.0)]
OTHER = [(-12.0, -3.0), (-4.0, -3.0), (-4.0, 5.0), (-12.0, 5.0)]


class Painter:
    """Stands where the store of jobs stands: fills the region with the seed's class, and one id."""

    def __init__(self) -> None:
        self.asked: list[tuple[Draw, Drawn]] = []

    def draw(self, slot: str, request: Draw, drawn: Drawn) -> None:
        self.asked.append((request, drawn))

    def call_off_draft(self, slot: str) -> None:
        self.asked.append(("called off", slot))

    def answer(self) -> Draw:
        request, drawn = self.asked[-1]
        before = unpack(request.before)
        semantics, instances = before.semantics.copy(), before.instances.copy()
        semantics[request.region] = request.recipe.seed % 10 + (5 if request.whole_steps else 0)
        drawn(pack(1, OccupancyFrame(before.index, semantics, instances)), "")
        return request


class Easel(Desk):
    """The desk of the drafts, with variants on top."""

    def __init__(self) -> None:
        super().__init__()
        self.generate()
        self.painter, self.news = Painter(), []
        self.variants = Variants("desk", self.painter, "cpu", changed=lambda: self.news.append(1), failed=self.faults.append)

    def show(self) -> np.ndarray:
        return self.variants.follow(self.look()).occupancy.semantics

    def press(self, ring=BOX) -> None:
        self.variants.regenerate(self.look(), ring)


@pytest.fixture
def easel() -> Easel:
    return Easel()


def test_each_press_is_another_seed_and_outside_not_one_voxel_differs(easel: Easel) -> None:
    before = easel.show().copy()
    easel.press()
    assert easel.variants.message()["drawing"]
    draft = easel.painter.answer()
    assert not draft.whole_steps and draft.recipe == Recipe("fake", seed=10), "the take's seed is 9"
    region = cells_inside(np.array(BOX), OCC3D, np.eye(4))
    assert np.array_equal(draft.region, region) and region.sum() == 400
    shown = easel.show()
    assert (shown[region] == 0).all() and np.array_equal(shown[~region], before[~region])
    told = easel.variants.message()
    assert (told["count"], told["index"], told["seed"], told["whole"], told["drawing"], told["shown"]) == (1, 1, 10, False, False, True)

    better = easel.painter.answer()
    assert better.whole_steps and better.recipe.seed == 10
    assert (easel.show()[region] == 5).all() and easel.variants.message()["whole"]
    shot = easel.variants.follow(easel.look())
    assert shot.source == "draft" and shot.whole and shot.picture("front") is None

    easel.press(), easel.painter.answer()
    assert (easel.show()[region] == 1).all() and easel.variants.message()["count"] == 2
    easel.variants.choose(1)
    assert (easel.show()[region] == 5).all()
    easel.variants.choose(0)
    assert np.array_equal(easel.show(), before) and easel.variants.follow(easel.look()).source == "take"
    easel.variants.discard()
    assert np.array_equal(easel.show(), before) and easel.variants.message()["frame"] is None


def test_a_second_region_is_drawn_on_the_variant_that_was_chosen(easel: Easel) -> None:
    first, second = (cells_inside(np.array(ring), OCC3D, np.eye(4)) for ring in (BOX, OTHER))
    easel.press(), easel.painter.answer()
    easel.press(OTHER), easel.painter.answer()
    shown = easel.show()
    assert (shown[first] == 0).all() and (shown[second] == 1).all()
    _, basis = easel.variants.basis(easel.session.document, carry_on=False)
    assert [(one["region_m"][0], one["seed"], one["quality"]) for one in basis.redrawn.regions] == [([4.0, -3.0], 10, "draft"), ([-12.0, -3.0], 11, "draft")]
    easel.variants.discard()
    shown = easel.show()
    assert (shown[first] == 0).all() and not (shown[second] == 1).all(), "the first one is in hand again"


def test_variants_wait_while_the_playhead_or_the_scene_is_elsewhere(easel: Easel) -> None:
    easel.press(), easel.painter.answer()
    with_variant = easel.show()
    easel.frame = 1
    assert not np.array_equal(easel.show(), with_variant) and not easel.variants.message()["shown"]
    easel.frame = 0
    easel.run("add_agent", class_name="car", x=-15.0, y=0.0)
    easel.look(), easel.engine.answer()
    assert not np.array_equal(easel.show(), with_variant), "the draft of the edit is shown"
    easel.session.undo()
    assert np.array_equal(easel.show(), with_variant) and easel.variants.message()["shown"]
    easel.generate()
    easel.show()
    assert easel.variants.message()["frame"] is None, "another take is shown"


def test_an_edit_takes_the_engine_from_what_nobody_waits_for(easel: Easel) -> None:
    easel.press()
    easel.variants.make_room()
    assert len(easel.painter.asked) == 1, "somebody waits for it"
    easel.painter.answer()
    easel.variants.make_room()
    assert easel.painter.asked[-1][0] == "called off"


def test_what_makes_no_sense_is_refused_in_a_sentence(easel: Easel) -> None:
    with pytest.raises(EditError, match="2 points"):
        easel.press(BOX[:2])
    with pytest.raises(EditError, match="outside the window"):
        easel.press([(x + 500, y) for x, y in BOX])
    with pytest.raises(EditError, match="No region"):
        easel.variants.choose(1)
    easel.press()
    with pytest.raises(EditError, match="choose a variant"):
        easel.variants.basis(easel.session.document, carry_on=False)
    easel.painter.asked[-1][1](None, "The weights are gone.")
    assert easel.faults == ["The weights are gone."] and not easel.variants.message()["drawing"]
    easel.frame = 5
    with pytest.raises(EditError, match="in no take"):
        easel.press()


def test_a_kept_variant_is_a_take_beside_the_old_one_that_tells_how_it_was_drawn(tmp_path: Path) -> None:
    session = Session(Document(duration_s=1.0))
    commands.run(session, "paint_stroke", {"channel": "drivable_area", "radius_m": 4.0, "points": [[-20, 0], [20, 0]]})
    commands.run(session, "add_camera", FRONT)
    made = take_of(session.document, tmp_path / "old", Recipe("fake", "fake", seed=4), frames=3)
    easel = Easel()
    easel.session, easel.take, easel.frame = session, ShownTake.from_folder(made), 1
    easel.press(), easel.painter.answer(), easel.painter.answer()
    for drawn_in_the_region_or_held_outside in ("truck", "driveable_surface"):
        commands.run(session, "add_occupancy_edit", {"kind": "remove_class", "class_name": drawn_in_the_region_or_held_outside})
    for carry_on in (False, True):
        take, basis = easel.variants.basis(session.document, carry_on)
        out = tmp_path / f"new-{carry_on}"
        take_of(session.document, out, take.recipe, frames=take.frames, basis=basis)
        old, new = Take.open(made), Take.open(out)
        region = cells_inside(np.array(BOX), OCC3D, np.eye(4))
        assert new.frame_count == 3 and (new.semantics[1][region] == FREE).all(), "occupancy edits survive"
        assert (old.semantics[1][~region] == CLASS["driveable_surface"]).any()
        assert np.array_equal(new.semantics[1][~region], old.semantics[1][~region])
        assert np.array_equal(new.semantics[0], old.semantics[0]) and np.array_equal(new.instances[0], old.instances[0])
        assert len(list((out / "video").glob("*.mp4"))) == 1
        recipe = json.loads((out / "take.json").read_text())["recipe"]
        (drawn,) = recipe["redrawn"]
        assert drawn["frame"] == 1 and drawn["seed"] == 5 and drawn["quality"] == "frame" and drawn["region_m"] == [list(p) for p in BOX]
        assert recipe["kept"]["take"] == "old" and recipe["kept"]["frames"] == (2 if carry_on else 3) and recipe["kept"]["recipe"]["seed"] == 4
        assert recipe["kept"]["sha256"] == basis.facts()["kept"]["sha256"]
        assert (CLASS["driveable_surface"] in new.semantics[2]) is not carry_on, "what comes behind is generated from the scene as it is"


def test_from_the_page_to_the_kept_take(studio):
    with studio.page("variants") as page:
        page.command("paint_stroke", channel="drivable_area", radius_m=5, points=[[-10, 0], [30, 0]])
        page.command("add_camera", **FRONT)
        page.wait_for("strip")  # what is drawn anew is what is on the screen, so something must be
        page.send("regenerate", region=[list(p) for p in BOX])
        assert "no take" in page.wait_for("notice")["text"]
        page.send("generate", frames=2, preset="fake", until="occupancy", seed=7)
        first = page.wait_for("job", lambda m: m["state"] == "done")
        page.wait_for("strip", lambda m: m["source"] == "take")
        page.send("regenerate", region=[list(p) for p in BOX])
        told = page.wait_for("variant", lambda m: m["frame"] == 0 and m["whole"])
        assert (told["count"], told["seed"], told["can_keep"]) == (1, 8, True)
        strip = page.wait_for("strip", lambda m: m["source"] == "draft" and m["whole"])
        assert strip["recipe"]["seed"] == 8
        page.send("variant", index=0)
        page.wait_for("variant", lambda m: m["frame"] == 0 and (m["index"], m["count"]) == (0, 1))
        page.unread.clear()  # strips of the take from before the variant say nothing
        page.wait_for("strip", lambda m: m["source"] == "take")
        page.send("keep")
        assert "choose a variant" in page.wait_for("notice")["text"]
        page.send("variant", index=1)
        page.send("keep")
        kept = page.wait_for("job", lambda m: m["state"] not in LIVE and m["id"] != first["id"])
        assert kept["state"] == "done" and kept["take"] != first["take"] and Path(first["take"]).is_dir()
        assert Take.open(kept["take"]).info["recipe"]["redrawn"][0]["seed"] == 8
        workspace = studio.workspaces.get("variants")
        wait_until(lambda: workspace.shown.disk is not None)
        assert not workspace.shown.is_stale(workspace.document) and workspace.variants.message()["frame"] is None
        page.send("regenerate", region="everything")
        assert "list of at most" in page.wait_for("notice")["text"]
