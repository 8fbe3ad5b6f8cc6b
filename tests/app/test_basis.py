"""Takes that go on from an older one: what is kept byte for byte, what the first new frame remembers, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.commands.parser import main
from app.jobs.basis import Basis
from app.jobs.request import TakeRequest
from app.jobs.take_maker import TakeCancelled, Watch, make_take
from editor import commands
from editor.document import Document, EditError
from editor.entities import Agent, CameraEntity
from editor.files import project
from editor.files.document_hash import document_hash
from editor.session import Session
from engine.api import Recipe
from engine.occupancy.fake import FakeOccupancy
from engine.spec.looks import AgentLook
from engine.spec.take import Take
from engine.views.fake import FakeViews
from tests.app.fakes import FakeModels, Refused, take
from tests.app.test_draft import FRONT


@pytest.fixture
def session() -> Session:
    session = Session(Document(duration_s=0.5))
    commands.run(session, "paint_stroke", {"channel": "drivable_area", "radius_m": 4.0, "points": [[-20, 0], [20, 0]]})
    commands.run(session, "paint_stroke", {"channel": "car", "radius_m": 1.0, "points": [[10, 0]]})
    commands.run(session, "add_waypoint", {"id": "ego", "time_s": 0.5, "x": 4.0, "y": 0.0})
    return session


class Remembering(FakeOccupancy):
    """Tells what it was given to go on from."""

    def occupancy(self, clip, recipe, cancelled, continue_from=None, world=None, earlier=()):
        object.__setattr__(self, "given", continue_from)
        object.__setattr__(self, "earlier", [frame.index for frame in earlier])
        yield from super().occupancy(clip, recipe, cancelled, continue_from)


def take_of(session: Session, out: Path, basis: Basis | None = None, frames: int = 5, **options) -> Take:
    asked = {"until": "occupancy", "frames": frames, "basis": basis} | options
    return Take.open(take(session.document, out, Recipe("fake", "fake", seed=2), **asked))


def test_the_frames_before_are_kept_and_the_last_of_them_is_the_history(session, tmp_path):
    old = take_of(session, tmp_path / "old")
    commands.run(session, "move", {"ids": ["ego"], "dx": 0.0, "dy": 2.0})
    commands.run(session, "paint_stroke", {"channel": "walkway", "radius_m": 2.0, "points": [[0, 15]]})
    engine = Remembering()
    new = take_of(session, tmp_path / "new", Basis(tmp_path / "old", 3), models=FakeModels(engine))
    fresh = take_of(session, tmp_path / "fresh")
    for name in ("semantics", "instances", "layouts", "world_SE3_ego"):
        kept, made = getattr(new, name)[:3], getattr(new, name)[3:]
        assert kept.tobytes() == getattr(old, name)[:3].tobytes(), name
        assert np.array_equal(made, getattr(fresh, name)[3:]) and not np.array_equal(made, getattr(old, name)[3:]), name
    assert new.boxes[:3] == old.boxes[:3]
    assert engine.earlier == [0, 1, 2] and engine.given.index == 2 and np.array_equal(engine.given.semantics, old.semantics[2])
    assert new.info["recipe"]["kept"]["frames"] == 3 and new.info["recipe"]["kept"]["take"] == "old"


def test_without_an_edit_it_is_the_take_that_it_goes_on_from(session, tmp_path):
    old = take_of(session, tmp_path / "old")
    assert (old.instances > 0).any(), "a painted car has an id to be held"
    new = take_of(session, tmp_path / "new", Basis(tmp_path / "old", 2))
    assert np.array_equal(new.semantics, old.semantics) and np.array_equal(new.instances, old.instances)


def test_a_camera_in_the_world_stays_where_it_is_for_frames_of_an_older_path(session, tmp_path):
    commands.run(session, "add_camera", FRONT | {"name": "pole", "mount": "world"})
    take_of(session, tmp_path / "old")
    commands.run(session, "move", {"ids": ["ego"], "dx": 0.0, "dy": 2.0})
    new = take_of(session, tmp_path / "new", Basis(tmp_path / "old", 3))
    in_world = new.world_SE3_ego @ new.ego_SE3_cameras[:, 0]
    assert np.allclose(in_world, in_world[0]) and not np.allclose(new.world_SE3_ego[2, 1, 3], new.world_SE3_ego[3, 1, 3], atol=1)


def test_cancelling_while_frames_are_kept_leaves_a_shorter_take(session, tmp_path):
    take_of(session, tmp_path / "old")
    calls = iter(range(100))
    with pytest.raises(TakeCancelled, match="1 finished"):
        take_of(session, tmp_path / "new", Basis(tmp_path / "old", 3), cancelled=lambda: next(calls) >= 1)
    assert Take.open(tmp_path / "new").frame_count == 1


def test_more_than_the_take_has_and_another_grid_are_refused(session, tmp_path):
    take_of(session, tmp_path / "old", frames=2)
    with pytest.raises(EditError, match="has 2 frames"):
        take_of(session, tmp_path / "new", Basis(tmp_path / "old", 3))
    commands.run(session, "set_scene", {"grid": "nucraft"})
    with pytest.raises(EditError, match="grid 'occ3d' and the scene has 'nucraft'"):
        take_of(session, tmp_path / "new", Basis(tmp_path / "old", 1))


def test_the_command_line_goes_on_from_a_frame(session, tmp_path, capsys):
    scene = tmp_path / "scene.anyscene"
    project.save(session.document, scene)
    old, new = tmp_path / "old", tmp_path / "new"
    common = ["generate", str(scene), "--preset", "fake", "--until", "occupancy"]
    assert main([*common, "-o", str(old), "--start", "0.25", "--frames", "2"]) == 0
    assert main([*common, "-o", str(new), "--continue", str(old), "--from-frame", "4"]) == 0
    assert Take.open(new).frame_count == 2 and Take.open(new).timestamps_s[0] == pytest.approx(0.25)
    assert main([*common, "-o", str(new), "--continue", str(old), "--from-frame", "5", "--replace"]) == 0
    longer = Take.open(new)
    assert longer.frame_count == 3, "behind its end, to the end of the scene"
    assert np.array_equal(longer.semantics[:2], Take.open(old).semantics)
    assert json.loads((new / "take.json").read_text())["recipe"]["kept"]["frames"] == 2
    for wrong, words in (
        (["--continue", str(old)], "makes pictures anew"),
        (["--from-frame", "4"], "name it with --continue"),
        (["--continue", str(old), "--from-frame", "3"], "from frame 4 to 5"),
        (["--continue", str(old), "--from-frame", "6"], "from frame 4 to 5"),
        (["--continue", str(old), "--from-frame", "4", "--start", "0.1"], "leave --start out"),
        (["--continue", str(old), "--from-frame", "5", "--frames", "2"], "Nothing is left"),
        (["--continue", str(new), "--from-frame", "4"], "a folder of its own"),
    ):
        capsys.readouterr()
        assert main([*common, "-o", str(new), *wrong]) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1, said


def test_from_the_page_on_from_the_playhead(studio):
    with studio.page("onward") as page:
        page.command("paint_stroke", channel="drivable_area", radius_m=5, points=[[-10, 0], [30, 0]])
        page.send("generate", from_frame=2, preset="fake", until="occupancy")
        assert "generate that one first" in page.wait_for("notice")["text"]
        page.send("generate", frames=4, preset="fake", until="occupancy", seed=7)
        old = page.wait_for("job", lambda m: m["state"] == "done")
        page.command("add_agent", class_name="car", x=10, y=0)
        page.unread.clear()
        page.send("generate", from_frame=2, preset="fake", until="occupancy", seed=8)
        new = page.wait_for("job", lambda m: m["state"] == "done" and m["id"] != old["id"])
        before, after = Take.open(old["take"]), Take.open(new["take"])
        changed = [(before.semantics[k] != after.semantics[k]).any() for k in range(4)]
        assert changed == [False, False, True, True] and after.frame_count == 4 and new["recipe"]["start_frame"] == 0
        assert page.wait_for("take", lambda m: m["id"] == new["id"] and not m["stale"])
        shown = studio.workspaces.get("onward").shown
        assert shown.conditions(0).boxes == () and len(shown.conditions(2).boxes) == 1, "each frame knows what it was made from"


@pytest.fixture
def finished(session, tmp_path) -> Take:
    """A take until 'occupancy', with a camera on the ego and one in the world."""
    commands.run(session, "add_camera", FRONT | {"name": "front"})
    commands.run(session, "add_camera", FRONT | {"name": "pole", "mount": "world"})
    return take_of(session, tmp_path / "old")


class OnlyViews(Refused):
    """Models of which only the views may be asked for."""

    views = FakeViews()


def test_a_finished_take_is_seen_anew_and_its_occupancy_stays_byte_for_byte(session, finished, tmp_path):
    commands.run(session, "set_scene", {"prompt": "a rainy night"})
    commands.run(session, "delete", {"ids": [camera.id for camera in session.document.of(CameraEntity) if camera.camera.name == "front"]})
    commands.run(session, "add_camera", FRONT | {"name": "rear", "pose": [-1.5, 0, 1.6, np.pi / 2, 0, -np.pi / 2]})
    frames, basis = [], Basis(finished.folder, 5, seen_anew=True)
    asked = TakeRequest(session.document, tmp_path / "new", Recipe("compact", "fake", 9, steps=7), frames=5, basis=basis)
    new = Take.open(make_take(asked, OnlyViews(), Watch(on_frame=frames.append)))
    for name in ("semantics", "instances", "layouts", "world_SE3_ego"):
        assert getattr(new, name).tobytes() == getattr(finished, name).tobytes(), name
    assert new.boxes == finished.boxes and [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [camera.name for camera in new.cameras] == ["pole", "rear"] and new.info["prompt"] == "a rainy night"
    assert len(list((new.folder / "video").glob("*.mp4"))) == 2 and len(list((new.folder / "buffers").glob("*/depth/*.npy"))) == 10
    recipe = new.info["recipe"]
    assert (recipe["occupancy"], recipe["steps"], recipe["seed"]) == ("fake", None, 9), "the seed is that of the pictures"
    assert list(recipe["models"]) == ["views"] and recipe["kept"]["take"] == "old" and recipe["kept"]["frames"] == 5
    assert recipe["document_hash"] == document_hash(session.document), "the scene asks for the very occupancy that was kept"


def test_seen_anew_under_another_scene_it_says_what_the_occupancy_was_made_from(session, finished, tmp_path):
    commands.run(session, "move", {"ids": ["ego"], "dx": 0.0, "dy": 2.0})
    basis = Basis(finished.folder, 3, seen_anew=True)
    new = take_of(session, tmp_path / "new", basis, frames=3, until="buffers", models=OnlyViews())
    assert new.frame_count == 3 and np.array_equal(new.world_SE3_ego, finished.world_SE3_ego[:3])
    pole = [camera.name for camera in new.cameras].index("pole")
    in_world = new.world_SE3_ego @ new.ego_SE3_cameras[:, pole]
    assert np.allclose(in_world, in_world[0])
    assert new.info["recipe"]["document_hash"] == finished.info["recipe"]["document_hash"] != document_hash(session.document)


def test_frames_that_are_kept_are_read_one_at_a_time(session, finished, tmp_path):
    basis = Basis(finished.folder, 5, seen_anew=True)
    take_of(session, tmp_path / "new", basis, until="buffers", models=OnlyViews())
    assert not {"semantics", "instances"} & set(vars(basis.take)), "the take's arrays were not loaded whole"


def test_the_command_line_sees_a_take_anew(session, tmp_path, capsys):
    commands.run(session, "add_camera", FRONT | {"name": "front"})
    scene, old, new = tmp_path / "scene.anyscene", tmp_path / "old", tmp_path / "new"
    project.save(session.document, scene)
    common = ["generate", str(scene), "--preset", "fake"]
    assert main([*common, "-o", str(old), "--start", "0.25", "--frames", "2", "--until", "occupancy"]) == 0
    again = [*common, "-o", str(new), "--continue", str(old)]
    capsys.readouterr()
    assert main([*again, "--views", "drawn", "--prompt", "a dreamy night", "--seed", "5"]) == 0
    told = capsys.readouterr()
    assert "Take with 2 frames until 'video'" in told.out and "'dreamy'" in told.err and told.err.count("\n") == 1
    made = Take.open(new)
    assert made.semantics.tobytes() == Take.open(old).semantics.tobytes() and made.timestamps_s[0] == pytest.approx(0.25)
    assert made.info["prompt"] == "a dreamy night" and made.info["recipe"]["views"] == "drawn" and made.info["recipe"]["seed"] == 5
    assert main([*again, "--until", "buffers", "--frames", "1", "--replace"]) == 0 and Take.open(new).frame_count == 1
    for wrong, words in ((["--frames", "3"], "2 frames of occupancy"), (["--views", "dreams"], "choose one of"), (["--gbuffers"], "draws no G-buffers")):
        capsys.readouterr()
        assert main([*again, "--replace", *wrong]) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1, said


def test_a_job_sees_the_take_shown_anew(studio):
    with studio.page("anew") as page:
        page.command("add_agent", class_name="car", x=10, y=0)
        page.send("generate", seen_anew=True, preset="fake", until="video")
        assert "generate one" in page.wait_for("notice")["text"]
        page.send("generate", frames=2, preset="fake", until="occupancy", seed=7)
        old = page.wait_for("job", lambda m: m["state"] == "done")
        page.command("add_camera", **(FRONT | {"name": "front"}))
        page.unread.clear()
        page.send("generate", seen_anew=True, preset="fake", until="video", seed=8)
        new = page.wait_for("job", lambda m: m["state"] == "done" and m["id"] != old["id"])
        before, after = Take.open(old["take"]), Take.open(new["take"])
        assert before.semantics.tobytes() == after.semantics.tobytes() and (after.folder / "video/front.mp4").is_file()
        assert page.wait_for("take", lambda m: m["id"] == new["id"] and m["stage"] == "video" and not m["stale"])


def test_seen_anew_agents_look_as_the_scene_says_now(session, tmp_path):
    commands.run(session, "add_camera", FRONT | {"name": "front"})
    for x in (8.0, 12.0, 16.0):
        commands.run(session, "add_agent", {"class_name": "car", "x": x, "y": 0})
    cars = {agent.id: agent.instance_id for agent in session.document.of(Agent)}
    first, second, third = cars
    for id in cars:
        commands.run(session, "set_look", {"id": id, "colour": "#aa0000", "model": "suv"})
    old = take_of(session, tmp_path / "old", frames=2)
    assert old.looks == {number: AgentLook("suv", "#aa0000") for number in cars.values()}
    commands.run(session, "set_look", {"id": first, "colour": "#00aa00"})
    commands.run(session, "set_look", {"id": second, "colour": None, "model": None})
    seen_anew = Basis(tmp_path / "old", 2, seen_anew=True)
    looks_only = take_of(session, tmp_path / "looks", seen_anew, frames=2, until="video", models=OnlyViews())
    assert looks_only.looks == {cars[first]: AgentLook("suv", "#00aa00"), cars[third]: AgentLook("suv", "#aa0000")}
    assert looks_only.info["recipe"]["document_hash"] == document_hash(session.document), "and that is what it is made from"
    commands.run(session, "delete", {"ids": [third]})
    without = Basis(tmp_path / "old", 2, seen_anew=True)
    assert take_of(session, tmp_path / "new", without, frames=2, until="video", models=OnlyViews()).looks == looks_only.looks
    longer = take_of(session, tmp_path / "longer", Basis(tmp_path / "old", 1), frames=2)
    assert longer.looks == looks_only.looks, "also where frames behind it are generated"
