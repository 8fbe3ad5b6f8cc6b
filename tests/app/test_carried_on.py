"""A take that was broken off says so, and what is missing is made in a take beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.config import AppConfig
from app.jobs.carried_on import asked_of, carried_on
from app.jobs.take_maker import TakeCancelled, make_take
from app.results import takes
from app.workspace.shown import ShownTake
from editor.document import Document, EditError
from editor.samples import SAMPLES
from engine.spec.take import Take, frames_on_disk
from tests.app.fakes import FakeModels, take

DOCUMENT = SAMPLES["crossing"]()
CAMERAS = ("CAM_FRONT", "CAM_BACK")
FRAMES = 4


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> AppConfig:
    """A whole take, and one that was called off on the way."""
    config = AppConfig(workspace=tmp_path_factory.mktemp("workspace"), preset="fake", warm=False)
    take(DOCUMENT, config.takes / "whole", frames=FRAMES, start_s=0.25, cameras=CAMERAS)
    with pytest.raises(TakeCancelled, match="2 finished frames are kept"):
        pictures: list[object] = []
        out = config.takes / "cut"
        take(DOCUMENT, out, frames=FRAMES, start_s=0.25, cameras=CAMERAS, on_picture=pictures.append, cancelled=lambda: len(pictures) == 3)
    return config


def test_the_shelf_and_the_view_say_what_it_was_to_be(config):
    cards = {one["name"]: one for one in takes.cards(config, Document())}
    assert cards["whole"]["whole"] and not cards["cut"]["whole"]
    assert (cards["cut"]["frames"], cards["cut"]["asked_frames"], cards["cut"]["until"]) == (2, FRAMES, "video")
    assert ShownTake.from_folder(config.takes / "whole").broken_off == 0 and ShownTake.from_folder(config.takes / "cut").broken_off == FRAMES


def test_what_is_carried_on_is_the_take_that_nobody_broke_off(config, tmp_path):
    request = carried_on(config.takes / "cut", tmp_path / "again")
    assert request.basis is not None and request.basis.frames == 2
    make_take(request, FakeModels())
    whole = config.takes / "whole"
    assert asked_of(tmp_path / "again").whole
    for name in ("occupancy.npz", "layouts.npz", "poses.npz", "boxes.json", "cameras.json", *(f"video/{camera}.mp4" for camera in CAMERAS)):
        assert (tmp_path / "again" / name).read_bytes() == (whole / name).read_bytes(), name


def test_pictures_alone_are_made_where_they_alone_are_missing(config, tmp_path):
    folder = tmp_path / "blind"
    take(DOCUMENT, folder, frames=FRAMES, cameras=CAMERAS)
    kept = (folder / "video" / "CAM_FRONT.mp4").read_bytes()
    (folder / "video" / "CAM_BACK.mp4").unlink()
    told = json.loads((folder / "take.json").read_text())
    (folder / "take.json").write_text(json.dumps({**told, "stage": "occupancy"}))
    request = carried_on(folder, tmp_path / "seen")
    assert request.basis is not None and request.basis.seen_anew and request.basis.only_cameras == ("CAM_BACK",)
    make_take(request, FakeModels())
    assert (tmp_path / "seen" / "video" / "CAM_FRONT.mp4").read_bytes() == kept and (tmp_path / "seen" / "video" / "CAM_BACK.mp4").is_file()


def test_of_a_take_that_a_kill_left_without_a_frame_all_is_made(config, tmp_path):
    folder = tmp_path / "empty"
    take(DOCUMENT, folder, frames=1, until="occupancy")
    (folder / "occupancy.npz").unlink()
    told = json.loads((folder / "take.json").read_text())
    told["recipe"]["frames"] = FRAMES
    (folder / "take.json").write_text(json.dumps({**told, "finished": False, "stage": "layout"}))
    assert frames_on_disk(folder) == 0
    request = carried_on(folder, tmp_path / "all")
    assert request.basis is None and (request.frames, request.until) == (FRAMES, "occupancy")
    make_take(request, FakeModels())
    made = Take.open(tmp_path / "all")
    assert made.frame_count == FRAMES and np.any(made.semantics != made.semantics[0, 0, 0, 0])


def test_a_take_in_a_remembered_world_is_made_in_that_world_again(tmp_path: Path):
    world = take(DOCUMENT, tmp_path / "world", frames=FRAMES, until="occupancy")
    asked = {"frames": FRAMES, "until": "occupancy", "world": world}
    whole = take(DOCUMENT, tmp_path / "whole", **asked)
    with pytest.raises(TakeCancelled):
        take(DOCUMENT, tmp_path / "cut", cancelled=iter([False, False, *[True] * 9]).__next__, **asked)
    assert frames_on_disk(tmp_path / "cut") > 0
    request = carried_on(tmp_path / "cut", tmp_path / "again")
    assert request.world == world and request.basis is None
    make_take(request, FakeModels())
    again = Take.open(tmp_path / "again")
    assert again.info["recipe"]["world"] == Take.open(whole).info["recipe"]["world"]
    assert (again.folder / "occupancy.npz").read_bytes() == (whole / "occupancy.npz").read_bytes()
    (world / "occupancy.npz").unlink()
    with pytest.raises(EditError, match="the world of take 'world', which is not here as it was"):
        carried_on(tmp_path / "cut", tmp_path / "never")


def test_a_whole_take_has_nothing_to_continue(config, tmp_path: Path):
    with pytest.raises(EditError, match="is whole: there is nothing to continue"):
        carried_on(config.takes / "whole", tmp_path / "again")


def test_the_page_may_ask_for_it(studio):
    with pytest.raises(TakeCancelled):
        take(DOCUMENT, studio.config.takes / "cut", frames=3, until="occupancy", cancelled=iter([False, True, True, True]).__next__)
    with studio.page("carried") as page:
        page.send("show_take", path=str(studio.config.takes / "cut"))
        assert page.wait_for("take", lambda m: m["id"])["broken_off"] == 3
        page.send("carry_on", path=str(studio.config.takes / "cut"))
        end = page.wait_for("job", lambda m: m["state"] in ("done", "failed"))
        assert end["state"] == "done" and Take.open(end["take"]).frame_count == 3
        page.wait_for("take", lambda m: m["name"] == Path(end["take"]).name and m["broken_off"] == 0 and m["frames"] == 3)
