"""What is shown is what is true: which take is in front, what stays behind it, and what a picture is said to lack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.jobs.protocol import pack
from app.workspace.images import CameraImages, ImageCache, render_strip
from app.workspace.screen import BROWSER_DRAWS_S
from app.workspace.shot import Shot, ShotMaker
from app.workspace.shown import Shelf, ShownTake
from app.workspace.strip import Strip, voxel_key
from editor import commands
from editor.clip import scene_clip
from editor.document import Document
from editor.session import Session
from engine.api import OccupancyFrame, Recipe
from engine.occupancy.fake import FakeOccupancy
from tests.app.fakes import take as make_take
from tests.app.test_draft import FRONT, Desk, wait_until
from tests.app.test_jobs import LONG, SLOW, after_frames, ended, generate


def shown(name: str, start: int, frames: int, stage: str = "video") -> ShownTake:
    take = ShownTake(name, Path(name), start, frames, Document(), Recipe("fake"), stage)
    blank = pack(1, OccupancyFrame(0, np.zeros((1, 1, 1), np.uint8), np.zeros((1, 1, 1), np.uint16)))
    take.made.update(dict.fromkeys(range(frames), blank))
    return take


def test_a_longer_take_stays_behind_a_shorter_one_and_goes_behind_one_that_covers_it() -> None:
    shelf, long, short, other = Shelf(), shown("long", 0, 10), shown("short", 2, 3), shown("other", 0, 12)
    assert shelf.front is None and shelf.at(0) is None
    for take in (long, short):
        shelf.arrive(take)
        shelf.finish(take)
    assert [shelf.at(frame).id for frame in (0, 2, 4, 5, 11)] == ["long", "short", "short", "long", "short"]
    shelf.arrive(other)
    assert shelf.at(3) is other, "frame by frame, as it arrives"
    shelf.finish(other)
    assert shelf.takes == (other,)


def test_a_take_without_pictures_leaves_those_that_have_them_behind_it() -> None:
    shelf, seen, bare = Shelf(), shown("seen", 0, 5), shown("bare", 0, 5, stage="occupancy")
    for take in (seen, bare):
        shelf.arrive(take)
        shelf.finish(take)
    assert shelf.takes == (bare, seen)


@pytest.mark.parametrize(("frames", "goes"), [(3, True), (10, True), (11, False)])
def test_one_that_was_broken_off_never_takes_the_place_of_a_longer_one(frames: int, goes: bool) -> None:
    shelf, before, broken = Shelf(), shown("before", 0, 10), shown("broken", 0, frames)
    shelf.arrive(before)
    shelf.arrive(broken)
    assert shelf.break_off(broken) is goes
    assert shelf.front is (before if goes else broken)


class Look:
    """A scene with a camera, a take of two frames of it on disk or in the making, and shots of the scene as it becomes."""

    def __init__(self, folder: Path, from_disk: bool) -> None:
        self.session = Session(Document(duration_s=1.0, prompt="rain"))
        commands.run(self.session, "paint_stroke", {"channel": "drivable_area", "radius_m": 4.0, "points": [[-20, 0], [20, 0]]})
        commands.run(self.session, "add_agent", {"class_name": "car", "x": 10.0, "y": 0.0})
        commands.run(self.session, "add_camera", FRONT)
        path = make_take(self.session.document, folder / "take", frames=2)
        self.take = ShownTake.from_folder(path)
        if not from_disk:
            disk = self.take
            self.take = ShownTake("job", path, 0, 2, self.session.document, disk.recipe, "video")
            for frame in range(2):
                self.take.made[frame] = disk.packed(frame)
                self.take.pictures["front", frame] = disk.picture("front", frame)

    def shot(self, frame: int = 0) -> Shot:
        shot = ShotMaker().shoot(self.session.document, frame, self.take, behind=(self.take,))
        assert shot is not None
        return shot

    def lacks(self, frame: int = 0) -> tuple[bool, bool]:
        """Of voxels and of the picture."""
        shot = self.shot(frame)
        return shot.stale, shot.picture("front").stale


@pytest.mark.parametrize("from_disk", [False, True])
@pytest.mark.parametrize(
    ("verb", "args", "lacks"),
    [
        ("set_scene", {"name": "another name"}, (False, False)),
        ("set_scene", {"prompt": "snow"}, (False, True)),
        ("set_look", {"id": "car-1", "colour": "#ff0000"}, (False, True)),
        ("set_camera", {"id": "camera-1", "fov_deg": 60}, (False, True)),
        ("add_occupancy_edit", {"kind": "remove_instance", "instance_id": 1}, (False, True)),
        ("add_occupancy_edit", {"kind": "remove_instance", "instance_id": 1, "span": [5, 6]}, (False, False)),
        ("move", {"ids": ["car-1"], "dx": 2.0, "dy": 0.0}, (True, True)),
        ("paint_stroke", {"channel": "walkway", "radius_m": 2.0, "points": [[5, 5]]}, (True, True)),
        ("paint_stroke", {"channel": "walkway", "radius_m": 2.0, "points": [[5, 5]], "span": [8, 9]}, (False, False)),
    ],
)
def test_voxels_and_pictures_say_what_they_lack(tmp_path: Path, from_disk: bool, verb: str, args: dict, lacks: tuple[bool, bool]) -> None:
    look = Look(tmp_path, from_disk)
    assert look.lacks() == (False, False)
    commands.run(look.session, verb, args)
    assert look.lacks() == lacks
    look.session.undo()
    assert look.lacks() == (False, False), "undone, it is true again"


@pytest.mark.parametrize("from_disk", [False, True])
def test_a_new_name_makes_no_take_stale_and_an_edit_does(tmp_path: Path, from_disk: bool) -> None:
    look = Look(tmp_path, from_disk)
    commands.run(look.session, "set_scene", {"name": "Kreuzung 7"})
    assert not look.take.is_stale(look.session.document)
    commands.run(look.session, "move", {"ids": ["car-1"], "dx": 2.0, "dy": 0.0})
    assert look.take.is_stale(look.session.document)


def test_a_picture_stays_while_a_draft_takes_the_place_of_the_voxels(tmp_path: Path) -> None:
    look = Look(tmp_path, from_disk=True)
    before = look.shot().picture("front").jpeg
    commands.run(look.session, "move", {"ids": ["car-1"], "dx": 2.0, "dy": 0.0})
    clip = scene_clip(look.session.document, 0.0, 1, ())
    drawn = pack(1, next(iter(FakeOccupancy().occupancy(clip, Recipe("fake"), lambda: False))))
    draft = look.shot().drawn(drawn, Recipe("fake"), False)
    assert draft.source == "draft" and draft.picture("front").jpeg == before and draft.picture("front").stale


def test_no_draft_of_before_an_edit_is_called_full_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.workspace.drafts.REST_S", 0.02)
    monkeypatch.setattr("app.workspace.drafts.WHOLE_REST_S", 0.02)
    desk = Desk()
    desk.generate()
    desk.look()
    desk.run("add_agent", class_name="car", x=10.0, y=0.0)
    assert desk.look().pending and desk.look().stale
    desk.engine.answer()
    assert not desk.look().pending and not desk.look().stale
    wait_until(lambda: desk.look() and len(desk.engine.asked) == 2)
    desk.engine.answer()
    whole = desk.look()
    assert whole.whole and not whole.stale and not whole.pending
    desk.run("add_agent", class_name="car", x=-10.0, y=0.0)
    after = desk.look()
    assert after.source == "draft" and not after.whole and after.stale and after.pending


def test_the_strip_says_of_which_document_it_is_and_renders_once(tmp_path: Path) -> None:
    look = Look(tmp_path, from_disk=True)
    strip = Strip("desk", ImageCache())
    first, bev = strip.messages(look.shot(), voxel_key(look.shot()), 3)
    assert (first["edits"], first["stale"], first["pending"], bev["edits"]) == (3, False, False, 3)
    assert first["take"] == {"name": "take", "occupancy": "fake", "views": "fake", "seed": 3}
    (camera,) = first["cameras"]
    assert (camera["picture_stale"], camera["views"], camera["take"]) == (False, "fake", "take")
    commands.run(look.session, "set_scene", {"name": "renamed"})
    again, _ = strip.messages(look.shot(), voxel_key(look.shot()), 4)
    assert again["edits"] == 4 and again["cameras"] is first["cameras"]
    commands.run(look.session, "set_scene", {"prompt": "snow"})
    assert strip.messages(look.shot(), voxel_key(look.shot()), 5)[0]["cameras"][0]["picture_stale"]


def test_a_strip_drawn_ahead_is_the_one_that_is_shown_and_one_broken_off_is_not_kept(tmp_path: Path) -> None:
    look = Look(tmp_path, from_disk=True)
    strip, shot = Strip("desk", ImageCache()), look.shot()
    assert strip.pictures(shot, voxel_key(shot), cancelled=lambda: True) is None
    cameras, above = strip.pictures(shot, voxel_key(shot)) or ([], "")
    shown, bev = strip.messages(look.shot(), voxel_key(shot), 3)
    assert shown["cameras"] is cameras and bev["url"] == above
    assert shown["cameras"] == Strip("desk", ImageCache()).messages(shot, voxel_key(shot), 3)[0]["cameras"]


def test_whoever_steps_through_frames_finds_the_next_strip_drawn(studio, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def noted(shot: Shot, width: int) -> Iterator[CameraImages]:
        yield from render_strip(shot, width)
        drawn.append(shot.frame)  # to its end: one that is broken off is drawn again

    monkeypatch.setattr("app.workspace.strip.render_strip", noted)
    with studio.page("ahead") as page:
        page.send("live", on=False)
        page.command("set_scene", duration_s=2.0)
        page.command("add_camera", **FRONT)
        page.command("add_agent", class_name="car", x=12, y=0)
        for frame in (5, 6):
            page.send("frame", frame=frame)
            page.wait_for("strip", lambda m, frame=frame: m["frame"] == frame)
        wait_until(lambda: 7 in drawn)
        page.send("frame", frame=7)
        page.wait_for("strip", lambda m: m["frame"] == 7)
        wait_until(lambda: 8 in drawn)
        page.send("frame", frame=12)
        page.wait_for("strip", lambda m: m["frame"] == 12)
        assert drawn.count(7) == 1, "drawn ahead and not again"
        time.sleep(2 * BROWSER_DRAWS_S)
        assert not {11, 13} & set(drawn), "nobody steps there"


def test_a_finished_take_is_shown_although_the_scene_was_edited_meanwhile(studio) -> None:
    with studio.page("meanwhile") as page:
        page.send("live", on=False)
        page.command("add_camera", **FRONT)
        job = generate(page, preset=SLOW, until="video", frames=6)
        after_frames(page, job, 2)
        page.command("add_agent", class_name="car", x=10, y=0)
        assert ended(page, job)["state"] == "done"
        take = page.wait_for("take", lambda m: m["id"] == job and m["frames"] == 6 and m["stage"] == "video" and m["stale"])
        assert take["views"] == "fake" and take["behind"] == []
        page.send("frame", frame=4)
        strip = page.wait_for("strip", lambda m: m["frame"] == 4 and m["cameras"] and m["cameras"][0]["picture"])
        assert strip["source"] == "take" and strip["stale"] and strip["cameras"][0]["picture_stale"]


def test_a_cancelled_job_leaves_the_longer_take_in_view(studio) -> None:
    with studio.page("longer") as page:
        page.command("add_agent", class_name="car", x=10, y=0)
        first = generate(page, frames=8)
        assert ended(page, first)["state"] == "done"
        second = generate(page, preset=SLOW, frames=LONG)
        after_frames(page, second, 2)
        arriving = page.wait_for("take", lambda m: m["id"] == second)
        assert [take["id"] for take in arriving["behind"]] == [first]
        page.send("cancel", job=second)
        end = ended(page, second)
        assert end["state"] == "cancelled" and 2 <= end["frames_kept"] < 8
        assert page.wait_for("take", lambda m: m["id"] == first)["frames"] == 8
        assert "longer take stays" in page.wait_for("notice", lambda m: "kept" in m["text"] or "longer" in m["text"])["text"]
        short = generate(page, frames=3)
        assert ended(page, short)["state"] == "done"
        assert [take["id"] for take in page.wait_for("take", lambda m: m["id"] == short and m["frames"] == 3)["behind"]] == [first]
        page.send("frame", frame=6)
        assert page.wait_for("strip", lambda m: m["frame"] == 6)["source"] == "take"


def test_a_job_of_the_scene_before_is_not_shown_over_the_next(studio) -> None:
    with studio.page("before") as page:
        page.command("set_scene", name="the first")
        job = generate(page, preset=SLOW, frames=4)
        after_frames(page, job, 1)
        page.send("new")
        end = ended(page, job)
        assert end["state"] == "done"
        assert "'the first' is ready" in page.wait_for("notice", lambda m: "ready" in m["text"])["text"]
        assert studio.workspaces.find("before").shown is None
        page.send("show_take", path=end["take"])
        assert page.wait_for("take", lambda m: m["id"])["frames"] == 4
