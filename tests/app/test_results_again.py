"""Some cameras, or some frames, of a take made anew: the rest stays what it was."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from app.jobs.basis import Basis
from editor.document import EditError
from editor.entities import CameraEntity
from editor.samples import SAMPLES
from engine.api import Picture
from engine.spec.take import Take
from tests.app.fakes import RECIPE, FakeModels, take

DOCUMENT = SAMPLES["crossing"]()
CAMERAS = [one.camera.name for one in DOCUMENT.of(CameraEntity) if one.enabled]
FRONT, OTHER = CAMERAS[0], CAMERAS[1]
FRAMES = 5


@dataclass
class Flat:
    """Pictures of one grey, which says when they were made; takes note of what it was asked for."""

    grey: int
    order: str = "frame"
    asked: list[tuple[str, int]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    def size(self, camera: Any) -> Any:
        return camera.resized(64, 32)

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        return ()

    def pictures(self, scene: Any, arrived: Any, cancelled: Any) -> Any:
        self.given = sorted(scene.given)
        drawn = [(camera, index) for index in arrived for camera in scene.cameras] if self.order == "camera" else None
        for camera, index in drawn if drawn is not None else ((camera, index) for index in arrived for camera in scene.cameras):
            self.asked.append((camera.name, index))
            rgb = scene.given[camera.name](index) if camera.name in scene.given else np.full((camera.height, camera.width, 3), self.grey, np.uint8)
            yield Picture(camera.name, index, rgb)


@dataclass
class Anchored(Flat):
    takes_anchors: bool = True


def greys(folder: Path, camera: str) -> list[int]:
    """The grey of every frame of a video."""
    return [round(float(frame.mean())) for frame in iio.imiter(folder / "video" / f"{camera}.mp4", plugin="FFMPEG")]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("takes") / "older"
    take(DOCUMENT, folder, RECIPE, models=FakeModels(views=Flat(60)), frames=FRAMES)
    return folder


def again(older: Path, out: Path, views: Flat, document: Any = DOCUMENT, **only: Any) -> Path:
    return take(document, out, RECIPE, models=FakeModels(views=views), frames=FRAMES, basis=Basis(older, FRAMES, None, True, **only))


def near(values: list[int], wanted: list[int]) -> bool:
    return len(values) == len(wanted) and all(abs(one - other) <= 2 for one, other in zip(values, wanted, strict=True))


@pytest.mark.parametrize("views", [Flat(200), Flat(200, "camera"), Anchored(200)], ids=["frame", "camera", "anchored"])
def test_one_camera_is_made_anew_and_the_others_keep_their_files(older, tmp_path, views):
    told: list[tuple[str, int, int]] = []
    out = take(
        DOCUMENT, tmp_path / "new", RECIPE, models=FakeModels(views=views), frames=FRAMES, basis=Basis(older, FRAMES, None, True, (FRONT,)),
        progress=lambda *one: told.append(one),
    )  # fmt: skip
    for name in CAMERAS:
        same = (out / "video" / f"{name}.mp4").read_bytes() == (older / "video" / f"{name}.mp4").read_bytes()
        assert same == (name != FRONT), name
    assert near(greys(out, FRONT), [200] * FRAMES)
    assert told[-1] == ("video", FRAMES, FRAMES), "what is kept is no work"
    if type(views) is Flat and views.order == "frame":
        assert views.asked == [(FRONT, index) for index in range(FRAMES)] and views.given == [], "nobody draws what is thrown away"
    else:
        assert views.given == sorted(set(CAMERAS) - {FRONT}), "what is kept is there to agree with"
    new, old = Take.open(out), Take.open(older)
    assert [camera.name for camera in new.cameras] == CAMERAS and (new.semantics == old.semantics).all()
    assert new.info["recipe"]["kept_pictures"]["take"] == "older"
    assert (out / "buffers" / OTHER / "depth" / f"{FRAMES - 1:05d}.npy").is_file()


@pytest.mark.parametrize("order", ["frame", "camera"])
def test_some_frames_of_one_camera_are_made_anew(older, tmp_path, order):
    views = Flat(200, order)
    out = again(older, tmp_path / "new", views, only_cameras=(FRONT,), only_frames=(1, 3))
    assert near(greys(out, FRONT), [60, 200, 200, 60, 60]) and near(greys(out, OTHER), [60] * FRAMES)
    if order == "frame":
        assert max(index for _, index in views.asked) == 2, "frames behind the last new one are not drawn"


def test_some_frames_of_every_camera_are_made_anew(older, tmp_path):
    out = again(older, tmp_path / "new", Flat(200), only_frames=(4, 5))
    assert all(near(greys(out, name), [60, 60, 60, 60, 200]) for name in CAMERAS)


def test_a_kept_camera_stays_where_its_pictures_were_taken(older, tmp_path):
    entity = next(one for one in DOCUMENT.of(CameraEntity) if one.camera.name == OTHER)
    moved = DOCUMENT.with_entities(replace(entity, camera=replace(entity.camera, ego_SE3_camera=replace(entity.camera.ego_SE3_camera, z_m=9.0))))
    new = Take.open(again(older, tmp_path / "new", Flat(200), moved, only_cameras=(FRONT,)))
    at = CAMERAS.index(OTHER)
    assert np.allclose(new.ego_SE3_cameras[:, at], Take.open(older).ego_SE3_cameras[:FRAMES, at])


@pytest.mark.parametrize(
    ("only", "word"),
    [
        ({"only_cameras": ("NONE",)}, "There is no camera 'NONE'"), ({"only_frames": (3, 9)}, "not all in the take"),
        ({"only_frames": (3, 3)}, "not all in the take"),
        ({"only_cameras": ()}, "nothing to make anew"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_anew_is_refused_before_anything_is_written(older, tmp_path, only, word):
    with pytest.raises(EditError, match=word):
        again(older, tmp_path / "new", Flat(200), **only)
    assert not (tmp_path / "new").exists()


def test_a_take_that_was_called_off_keeps_what_is_finished(older, tmp_path):
    from app.jobs.take_maker import TakeCancelled

    views, made = Flat(200), []
    with pytest.raises(TakeCancelled):
        take(
            DOCUMENT, tmp_path / "new", RECIPE, models=FakeModels(views=views), frames=FRAMES, basis=Basis(older, FRAMES, None, True, (FRONT,)),
            on_picture=made.append, cancelled=lambda: len(made) >= 2,
        )  # fmt: skip
    assert Take.open(tmp_path / "new").frame_count >= 2
