"""One take from a document, in process: streaming, stages, cancel, and honest times."""

from __future__ import annotations

import weakref
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from app.jobs.take_maker import TakeCancelled
from editor import commands
from editor.document import Document
from editor.session import Session
from engine.api import GBuffers
from engine.gbuffers import KINDS, read_gbuffers
from engine.occupancy.fake import FakeOccupancy
from engine.render.buffers import render_buffers
from engine.spec.classes import CLASS
from engine.spec.take import Take, TakeError
from engine.views.fake import FakeViews
from tests.app.fakes import FakeModels, take


@pytest.fixture
def document() -> Document:
    session = Session(Document("street"))
    for name, args in (
        ("paint_stroke", {"channel": "drivable_area", "radius_m": 5.0, "points": [[-20, 0], [40, 0]]}),
        ("add_agent", {"class_name": "car", "x": 8.0, "y": 0.0}),
        (
            "add_camera",
            {"name": "front", "mount": "ego", "pose": [1.5, 0, 1.6, -np.pi / 2, 0, -np.pi / 2], "width": 64, "height": 36, "fov_deg": 90},
        ),
        ("add_waypoint", {"id": "ego", "time_s": 2.0, "x": 10.0, "y": 0.0}),
    ):
        commands.run(session, name, args)
    return session.document


def test_every_frame_is_on_disk_before_the_next_is_computed(document, tmp_path):
    seen: list[int] = []

    class Watching(FakeOccupancy):
        def occupancy(self, clip, recipe, cancelled, continue_from=None, world=None, earlier=()):
            for frame in super().occupancy(clip, recipe, cancelled, continue_from):
                if frame.index:
                    seen.append(Take.open(tmp_path / "take").frame_count)
                yield frame

    take(document, tmp_path / "take", models=FakeModels(Watching()), until="occupancy", frames=4)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    ("until", "there"),
    [("layout", []), ("occupancy", ["occupancy.npz"]), ("buffers", ["buffers/front/depth/00002.npy"]), ("video", ["video/front.mp4"])],
)
def test_a_take_ends_at_the_stage_asked_for_and_says_what_each_cost(document, tmp_path, until, there):
    told = []
    out = take(document, tmp_path / "take", until=until, frames=3, progress=lambda *step: told.append(step))
    made = Take.open(out)
    stages = ["layout", "occupancy", "buffers", "video"][: ["layout", "occupancy", "buffers", "video"].index(until) + 1]
    assert made.info["stage"] == until and list(made.info["seconds"]) == stages and made.info["finished"]
    recipe = made.info["recipe"]
    assert recipe["seed"] == 3 and recipe["scene"] == "street" and recipe["document_hash"]
    assert recipe["occupancy"] == recipe["views"] == "fake"
    assert list(recipe["models"]) == {"layout": [], "occupancy": ["occupancy"]}.get(until, ["occupancy", "views"])
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == list(dict.fromkeys([*stages[:2], until])) and told[-1] == (until, 3, 3)
    for name in there:
        assert (out / name).is_file()
    if until == "layout":
        assert not (out / "occupancy.npz").exists()


def test_occupancy_edits_are_replayed_on_the_frames_of_their_span(document, tmp_path):
    session = Session(document)
    commands.run(session, "add_occupancy_edit", {"kind": "remove_class", "class_name": "car", "span": [4, 5]})
    made = Take.open(take(session.document, tmp_path / "take", until="occupancy", start_s=3 / 12, frames=4))
    assert [bool((frame == CLASS["car"]).any()) for frame in made.semantics] == [True, False, False, True]


def test_a_cancelled_take_keeps_its_frames_and_opens(document, tmp_path):
    made = []
    with pytest.raises(TakeCancelled, match="2 finished frames") as cancelled:
        take(document, tmp_path / "take", frames=9, on_frame=made.append, cancelled=lambda: len(made) >= 2)
    kept = Take.open(cancelled.value.folder)
    assert kept.frame_count == 2 and kept.info["stage"] != "video" and np.array_equal(kept.semantics[1], made[1].semantics)


def test_pictures_are_handed_on_as_they_come(document, tmp_path):
    pictures = []
    take(document, tmp_path / "take", frames=2, on_picture=pictures.append)
    assert [(picture.camera, picture.index) for picture in pictures] == [("front", 0), ("front", 1)]
    assert all(picture.rgb.dtype == np.uint8 and picture.rgb.std() > 5 for picture in pictures)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"until": "dawn"}, "layout, occupancy"),
        ({"frames": 0}, "at least 1"),
        ({"start_s": -1.0}, "0 s"),
        ({"start_s": float("nan")}, "0 s"),
        ({"cameras": ["rear"]}, "rear"),
        ({"cameras": []}, "no enabled camera"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_before_anything_is_written(document, tmp_path, asked, word):
    with pytest.raises(ValueError, match=word):
        take(document, tmp_path / "take", **asked)
    assert not (tmp_path / "take").exists()


@pytest.mark.parametrize("order", ["frame", "camera"])
def test_pictures_come_beside_the_occupancy_or_after_it(document, tmp_path, order):
    told = []
    take(
        two_cameras(document), tmp_path / "take", models=FakeModels(views=FakeViews(order=order)), frames=3,
        on_frame=lambda frame: told.append(frame.index), on_picture=lambda picture: told.append((picture.camera, picture.index)),
        progress=lambda *step: told.append(step),
    )  # fmt: skip
    made = [event for event in told if not (isinstance(event, tuple) and len(event) == 3)]
    progress = [event for event in told if event not in made]
    seen = [(camera, index) for camera in ("front", "rear") for index in range(3)]
    if order == "frame":
        assert made == [0, ("front", 0), ("rear", 0), 1, ("front", 1), ("rear", 1), 2, ("front", 2), ("rear", 2)]
        assert progress == [("layout", 3, 3), ("occupancy", 0, 3), ("occupancy", 1, 3), *(("video", done, 6) for done in range(1, 7))]
    else:
        assert made == [0, 1, 2, *seen]
        assert progress[-8:] == [("occupancy", 3, 3), *(("video", done, 6) for done in range(7))]


def test_every_camera_is_cast_once_for_buffers_and_pictures(document, tmp_path, monkeypatch):
    cast = []
    from engine.views import scene

    def counting(*args):
        cast.append(args)
        return render_buffers(*args)

    monkeypatch.setattr(scene, "render_buffers", counting)
    out = take(two_cameras(document), tmp_path / "take", frames=3)
    assert len(cast) == 6 == len(list((out / "buffers").glob("*/semantic/*.png")))


def test_no_more_than_a_frame_in_hand_is_held(document, tmp_path):
    """However long the take: frames that were handed on are forgotten."""
    alive: list[weakref.ref] = []
    most = 0

    def count(frame):
        nonlocal most
        alive.append(weakref.ref(frame.semantics))
        most = max(most, sum(ref() is not None for ref in alive))

    take(document, tmp_path / "take", frames=24, on_frame=count)
    assert len(alive) == 24 and most <= 4


def test_a_view_model_of_another_size_gives_the_take_that_size(document, tmp_path):
    class Small(FakeViews):
        def size(self, camera):
            return camera.resized(32, 18)

    made = Take.open(take(document, tmp_path / "take", models=FakeModels(views=Small()), frames=1))
    assert (made.cameras[0].width, made.cameras[0].height) == (32, 18)
    assert np.load(made.folder / "buffers/front/depth/00000.npy").shape == (18, 32)


def test_words_that_are_not_understood_are_told_and_written_down(document, tmp_path):
    class Deaf(FakeViews):
        def unknown_words(self, prompt):
            return ("dreamy",)

    notes = []
    made = Take.open(take(document, tmp_path / "take", models=FakeModels(views=Deaf()), frames=1, note=notes.append))
    assert len(notes) == 1 and "'fake'" in notes[0] and "'dreamy'" in notes[0]
    assert made.info["recipe"]["models"]["views"]["words_not_understood"] == ["dreamy"]
    notes.clear()
    take(document, tmp_path / "other", models=FakeModels(views=Deaf()), frames=1, until="buffers", note=notes.append)
    assert not notes, "nobody listens to the prompt until 'buffers'"
    take(replace(document, prompt="noon | front: rain | nobody: fog"), tmp_path / "third", models=FakeModels(views=FakeViews()), frames=1, note=notes.append)
    assert len(notes) == 1 and "'nobody'" in notes[0] and "'front'" not in notes[0] and "(front" in notes[0]


def test_a_view_model_that_stops_early_is_found_out(document, tmp_path):
    class Lazy(FakeViews):
        def pictures(self, scene, arrived, cancelled):
            yield next(super().pictures(scene, arrived, cancelled))

    with pytest.raises(TakeError, match="1 of 2 pictures"):
        take(document, tmp_path / "take", models=FakeModels(views=Lazy()), frames=2)


class Layered(FakeViews):
    """Draws G-buffers of its own: the frame's number everywhere."""

    def gbuffers(self, scene, index):
        for camera in scene.cameras:
            size = (camera.height, camera.width)
            yield camera.name, GBuffers(**{name: np.full((*size, *more), index + 1, dtype) for name, (dtype, more) in KINDS.items()})


@pytest.mark.parametrize("until", ["buffers", "video"])
def test_gbuffers_are_files_of_the_take(document, tmp_path, until):
    out = take(two_cameras(document), tmp_path / "take", models=FakeModels(views=Layered()), frames=2, until=until, gbuffers=True)
    assert len(list((out / "gbuffers").rglob("*.*"))) == 2 * 2 * len(KINDS)
    read = read_gbuffers(out, "rear", 1)
    for name, (dtype, more) in KINDS.items():
        pixels = getattr(read, name)
        assert pixels.dtype == dtype and pixels.shape == (32, 64, *more) and (pixels == 2).all(), name
    assert Take.open(out).frame_count == 2
    with pytest.raises(TakeError, match="--gbuffers"):
        read_gbuffers(out, "rear", 7)
    take(document, out, frames=1)
    assert not (out / "gbuffers").exists(), "a take may be written over one with G-buffers"


def test_gbuffers_that_nobody_draws_or_that_are_not_what_they_should_be_are_refused(document, tmp_path):
    with pytest.raises(ValueError, match="'fake' draws no G-buffers"):
        take(document, tmp_path / "take", frames=1, gbuffers=True)
    with pytest.raises(ValueError, match="until 'occupancy' has no G-buffers"):
        take(document, tmp_path / "take", frames=1, until="occupancy", gbuffers=True)
    assert not (tmp_path / "take").exists()

    class Wrong(Layered):
        def gbuffers(self, scene, index):
            for name, drawn in super().gbuffers(scene, index):
                yield name, replace(drawn, depth=drawn.depth[1:])

    with pytest.raises(TakeError, match="'depth' as float32 \\(31, 64\\)"):
        take(document, tmp_path / "take", models=FakeModels(views=Wrong()), frames=1, gbuffers=True)


def two_cameras(document):
    session = Session(document)
    rear = {"name": "rear", "mount": "ego", "pose": [-1.5, 0, 1.6, np.pi / 2, 0, -np.pi / 2], "width": 64, "height": 36, "fov_deg": 90}
    commands.run(session, "add_camera", rear)
    return session.document


def test_an_anchor_picture_reaches_the_view_model_and_stands_in_the_recipe(document, tmp_path):
    class Anchored(FakeViews):
        takes_anchors = True

        def pictures(self, scene, arrived, cancelled):
            seen.update(scene.reference)
            yield from super().pictures(scene, arrived, cancelled)

    seen: dict[str, np.ndarray] = {}
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((18, 32, 3), 77, np.uint8)).save(photo)
    take(document, tmp_path / "take", models=FakeModels(views=Anchored()), frames=1, anchors={"front": photo})
    assert seen["front"].shape == (18, 32, 3) and (seen["front"] == 77).all()
    assert Take.open(tmp_path / "take").info["recipe"]["anchors"] == {"front": sha256(photo.read_bytes()).hexdigest()}
    (tmp_path / "words.png").write_text("no picture")
    for anchors, views, word in (
        ({"front": photo}, FakeViews(), "'fake' begins from no picture"),
        ({"rear": photo}, Anchored(), "no camera 'rear'"),
        ({"front": tmp_path / "words.png"}, Anchored(), "words.png cannot be read"),
        ({"front": tmp_path / "none.png"}, Anchored(), "none.png cannot be read"),
    ):
        with pytest.raises(ValueError, match=word):
            take(document, tmp_path / "other", models=FakeModels(views=views), frames=1, anchors=anchors)
    assert not (tmp_path / "other").exists()
