"""One take from a document, in process: streaming, stages, cancel, and honest times."""

from __future__ import annotations

import numpy as np
import pytest

from app.take_maker import TakeCancelled, make_take
from editor import commands
from editor.document import Document
from editor.session import Session
from engine.api import Recipe
from engine.fake import FakeEngine
from engine.spec.classes import CLASS
from engine.spec.take import Take

RECIPE = Recipe("fake", seed=3)


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

    class Watching(FakeEngine):
        def occupancy(self, clip, recipe, cancelled, continue_from=None):
            for frame in super().occupancy(clip, recipe, cancelled, continue_from):
                if frame.index:
                    seen.append(Take.open(tmp_path / "take").frame_count)
                yield frame

    make_take(document, tmp_path / "take", engine=Watching(), recipe=RECIPE, until="occupancy", frames=4)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    ("until", "there"),
    [("layout", []), ("occupancy", ["occupancy.npz"]), ("buffers", ["buffers/front/depth/00002.npy"]), ("video", ["video/front.mp4"])],
)
def test_a_take_ends_at_the_stage_asked_for_and_says_what_each_cost(document, tmp_path, until, there):
    told = []
    out = make_take(
        document, tmp_path / "take", engine=FakeEngine(), recipe=RECIPE, until=until, frames=3, progress=lambda *step: told.append(step)
    )
    take = Take.open(out)
    stages = ["layout", "occupancy", "buffers", "video"][: ["layout", "occupancy", "buffers", "video"].index(until) + 1]
    assert take.info["stage"] == until and list(take.info["seconds"]) == stages and take.info["finished"]
    assert take.info["recipe"]["seed"] == 3 and take.info["recipe"]["scene"] == "street" and take.info["recipe"]["document_hash"]
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == stages and told[-1] == (until, 3, 3)
    for name in there:
        assert (out / name).is_file()
    if until == "layout":
        assert not (out / "occupancy.npz").exists()


def test_occupancy_edits_are_replayed_on_the_frames_of_their_span(document, tmp_path):
    session = Session(document)
    commands.run(session, "add_occupancy_edit", {"kind": "remove_class", "class_name": "car", "span": [4, 5]})
    take = Take.open(
        make_take(session.document, tmp_path / "take", engine=FakeEngine(), recipe=RECIPE, until="occupancy", start_s=3 / 12, frames=4)
    )
    assert [bool((frame == CLASS["car"]).any()) for frame in take.semantics] == [True, False, False, True]


def test_a_cancelled_take_keeps_its_frames_and_opens(document, tmp_path):
    made = []
    with pytest.raises(TakeCancelled, match="2 finished frames") as cancelled:
        make_take(
            document,
            tmp_path / "take",
            engine=FakeEngine(),
            recipe=RECIPE,
            frames=9,
            on_frame=made.append,
            cancelled=lambda: len(made) >= 2,
        )
    take = Take.open(cancelled.value.folder)
    assert take.frame_count == 2 and take.info["stage"] != "video" and np.array_equal(take.semantics[1], made[1].semantics)


def test_pictures_are_handed_on_as_they_come(document, tmp_path):
    pictures = []
    make_take(document, tmp_path / "take", engine=FakeEngine(), recipe=RECIPE, frames=2, on_picture=pictures.append)
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
        make_take(document, tmp_path / "take", engine=FakeEngine(), recipe=RECIPE, **asked)
    assert not (tmp_path / "take").exists()


def test_the_first_frame_is_drawn_before_the_second_is_generated(document, tmp_path):
    order = []
    make_take(
        document, tmp_path / "take", engine=FakeEngine(), recipe=Recipe(), frames=3,
        on_frame=lambda frame: order.append(("frame", frame.index)), on_picture=lambda picture: order.append(("picture", picture.index)),
    )  # fmt: skip
    kinds = [kind for kind, _ in order]
    assert order[0] == ("frame", 0) and order[1] == ("picture", 0)
    assert kinds.index("picture") < order.index(("frame", 1))
    pictures = [index for kind, index in order if kind == "picture"]
    assert pictures == sorted(pictures) and set(pictures) == {0, 1, 2}
