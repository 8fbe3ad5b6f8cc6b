"""`generate --plan`: what it says, and that it makes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands.parser import main
from app.commands.plan import lines
from editor import edits
from editor.document import Document
from editor.files import project
from editor.rigs import load_rig
from engine.views import registry
from engine.views.cost import WAN_14B


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    build = edits.compose(edits.set_scene(name="road", duration_s=2.0), edits.use_rig("nuscenes6"))
    path = tmp_path / "road.anyscene"
    project.save(build(Document()), path)
    return path


def test_drawn_is_frames_times_cameras(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(scene.parent.iterdir())
    assert main(["generate", str(scene), "--plan", "--views", "drawn"]) == 0
    said = capsys.readouterr().out
    assert "6 cameras x 24 frames (2.0 s)" in said and "144 pictures" in said and "25 s, memory up to 0.6 GB: measured on" in said
    assert sorted(scene.parent.iterdir()) == before
    assert main(["generate", str(scene), "--plan", "--frames", "3", "--cameras", "CAM_BACK"]) == 0
    assert "1 camera x 3 frames" in capsys.readouterr().out


def test_calls_are_told_in_order_with_what_they_wait_for(
    scene: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(device: str) -> None:
        pytest.fail("a plan loads nothing")

    monkeypatch.setitem(registry.VIEWS, "wan", registry.Entry("a model", load, lambda: "There is no GPU here: take another.", WAN_14B))
    assert main(["generate", str(scene), "--plan", "--views", "wan", "--frames", "12"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].startswith("1.  CAM_FRONT_LEFT + CAM_FRONT + CAM_FRONT_RIGHT") and "three views" in said[1] and "4 passes of" in said[1]
    assert said[2].endswith("after 1") and said[4].endswith("after 2 and 3") and "from CAM_BACK_RIGHT and CAM_BACK_LEFT" in said[4]
    assert said[5] == "Side by side may run: 2, 3." and "not measured" in said[6]
    assert said[-1] == "There is no GPU here: take another."


def test_the_lines_of_a_long_video_and_of_a_silent_model() -> None:
    cameras = load_rig("nuscenes6").cameras
    assert "8 passes of 60,840 tokens in 2 chunks" in lines(cameras, 93, WAN_14B)[0]
    assert "2.7 minutes one after another, 2.3 minutes side by side, memory up to 49.8 GB a call" in lines(cameras, 49, WAN_14B)[5]
    assert not any("side by side" in line.lower() for line in lines(cameras[:1], 49, WAN_14B))
    assert lines(cameras, 8, None) == ["This view model tells neither minutes nor memory."]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--plan", "--until", "occupancy"], "no pictures to plan"),
        (["--plan", "--continue", "take"], "leave --continue"),
        (["--plan", "--views", "none"], "There is no view model 'none'"),
        (["--plan", "--cameras", "CAM_TOP"], "CAM_TOP"),
        (["--plan", "--start", "9"], "past the end"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(scene: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str) -> None:
    assert main(["generate", str(scene), *more]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_only_a_plan_needs_no_folder(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["generate", str(scene)])
    assert "-o" in capsys.readouterr().err
    assert main(["generate", "--plan", str(scene), "--frames", "1"]) == 0


def test_a_scene_without_cameras_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.save(Document(), tmp_path / "empty.anyscene")
    assert main(["generate", str(tmp_path / "empty.anyscene"), "--plan"]) == 2
    assert "no enabled camera" in capsys.readouterr().err
