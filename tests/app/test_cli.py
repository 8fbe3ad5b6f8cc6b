"""The command line with the fake engine: what it makes, and how it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from app.commands.parser import STAGES, build_parser, main
from app.commands.progress import ProgressBar
from app.jobs.request import STAGES as MADE_STAGES
from editor import edits
from editor.document import Document
from editor.files import project
from engine.spec.take import Take

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a straight road, one car, two small cameras."""
    pose = (1.5, 0.0, 1.5, -1.5708, 0.0, -1.5708)
    build = edits.compose(
        edits.set_scene(name="road", duration_s=0.5),
        edits.add_area("drivable_area", [(-60, -6), (60, -6), (60, 6), (-60, 6)]),
        edits.add_agent("car", 12.0, 2.0),
        edits.add_camera(pose, 64, 32, name="front"),
        edits.add_camera(pose, 64, 32, name="spare"),
    )
    path = tmp_path_factory.mktemp("cli") / "road.anyscene"
    project.save(build(Document()), path)
    return path


@pytest.fixture(scope="module")
def take(scene: Path) -> Path:
    out = scene.parent / "take"
    assert main(["generate", str(scene), "-o", str(out), "--preset", "fake", "--frames", "2", "--cameras", "front"]) == 0
    return out


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    """The one sentence on stderr of a command that must end with code 2."""
    try:
        code = main([str(word) for word in argv])
    except SystemExit as leaving:
        code = leaving.code
    said = capsys.readouterr()
    assert code == 2, said.err
    assert said.err.count("\n") == 1 and said.err.startswith("launch.py") and "Traceback" not in said.err
    return said.err


def test_a_take_has_what_was_asked_for(take: Path) -> None:
    made = Take.open(take)
    assert made.frame_count == 2 and made.info["recipe"]["occupancy"] == made.info["recipe"]["views"] == "fake"
    assert [camera.name for camera in made.cameras] == ["front"]
    assert made.layouts[:, 10].any() and made.semantics.shape == (2, 200, 200, 16) and made.instances.max() > 0
    assert (take / "video/front.mp4").stat().st_size > 0 and (take / "buffers/front/semantic/00001.png").is_file()


def test_frames_default_to_the_rest_of_the_scene_and_until_stops(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["generate", str(scene), "-o", str(tmp_path / "t"), "--preset", "fake", "--until", "layout", "--start", "0.25"]
    assert main(argv) == 0
    made = Take.open(tmp_path / "t")
    assert made.frame_count == 3 and len(made.semantics) == 0
    assert str(tmp_path / "t") in capsys.readouterr().out


def test_same_recipe_same_bytes(scene: Path, tmp_path: Path) -> None:
    for name in "ab":
        asked = ["--preset", "fake", "--until", "occupancy", "--frames", "2", "--seed", "7"]
        assert main(["generate", str(scene), "-o", str(tmp_path / name), *asked]) == 0
    for name in ("occupancy.npz", "layouts.npz", "poses.npz", "boxes.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_ctrl_c_keeps_the_finished_frames(scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "t"
    asked = ["--preset", "fake:0.5", "--frames", "100", "--until", "occupancy"]
    command = [sys.executable, "-m", "app.commands.parser", "generate", str(scene), "-o", str(out), *asked]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob("partial/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said and "finished frame" in said
    assert 1 <= Take.open(out).frame_count < 100


def test_edit_runs_the_script(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script.py"
    script.write_text("from editor import edits\ndef edit(document):\n    return edits.add_agent('bus', -10, -2)(document)\n")
    assert main(["edit", str(scene), "--script", str(script), "-o", str(tmp_path / "out.anyscene")]) == 0
    assert len(project.load(tmp_path / "out.anyscene").entities) == len(project.load(scene).entities) + 1
    script.write_text("def edit(document):\n    return document\n")
    assert main(["edit", str(scene), "--script", str(script), "-o", str(tmp_path / "same.anyscene")]) == 0
    assert "changed nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("def edit(document):\n    return 1 / 0\n", "line 2: ZeroDivisionError"),
        ("def edit(document)\n", "line 1: SyntaxError"),
        ("x = 1\n", "defines no function edit(document)"),
        ("def edit(document):\n    pass\n", "returned NoneType"),
        ("from editor import edits\ndef edit(d):\n    return edits.delete(['nobody'])(d)\n", "nobody"),
        ("raise SystemExit(4)\n", "exit code 4"),
    ],
)
def test_a_script_that_fails_is_one_sentence(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str, words: str
) -> None:
    path = tmp_path / "script.py"
    path.write_text(script)
    assert words in refused(capsys, "edit", scene, "--script", path, "-o", tmp_path / "out.anyscene")
    assert not (tmp_path / "out.anyscene").exists()


def test_bad_requests_are_one_sentence(scene: Path, take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def generate(*more: str | Path) -> str:
        return refused(capsys, "generate", scene, "-o", tmp_path / "t", "--preset", "fake", *more)

    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/holiday.jpg").write_text("x")
    assert "whole number from 1" in generate("--frames", "0")
    assert "'many' is not" in generate("--frames", "many")
    assert "number from 0" in generate("--start", "nan")
    assert "past the end" in generate("--start", "99")
    assert "no camera 'rear': it has front, spare" in generate("--cameras", "front,rear")
    assert "invalid choice: 'movie'" in generate("--until", "movie")
    assert "no preset 'huge'" in refused(capsys, "generate", scene, "-o", tmp_path / "t", "--preset", "huge")
    assert "is a file" in refused(capsys, "generate", scene, "-o", tmp_path / "file", "--preset", "fake")
    assert "holds other things" in refused(capsys, "generate", scene, "-o", tmp_path / "full", "--preset", "fake")
    assert "cannot be made" in refused(capsys, "generate", scene, "-o", tmp_path / "file/t", "--preset", "fake")
    asked = ["generate", str(scene), "-o", str(tmp_path / "t"), "--preset", "fake", "--until", "layout", "--frames", "1"]
    assert main(asked) == 0
    made = (tmp_path / "t" / "take.json").read_bytes()
    assert "holds a take already" in (said := refused(capsys, *asked)) and "--replace" in said
    assert (tmp_path / "t" / "take.json").read_bytes() == made and main([*asked, "--seed", "5", "--replace"]) == 0
    assert (tmp_path / "t" / "take.json").read_bytes() != made
    assert "no scene file" in refused(capsys, "generate", tmp_path / "none.anyscene", "-o", tmp_path / "t")
    assert "file" in refused(capsys, "generate", tmp_path / "file", "-o", tmp_path / "t", "--preset", "fake")
    assert "no importer 'dvd'" in refused(capsys, "import", "dvd", tmp_path / "file", "-o", tmp_path / "s.anyscene")
    assert "is a folder" in refused(capsys, "import", "av2", tmp_path, "-o", tmp_path)
    assert "no export format 'dvd'" in refused(capsys, "export", take, "dvd", "-o", tmp_path / "x")
    assert "no take at" in refused(capsys, "export", tmp_path / "none", "occ3d", "-o", tmp_path / "x")
    assert "no take at" in refused(capsys, "evaluate", tmp_path / "none")
    assert "no bench 'speed'" in refused(capsys, "bench", "speed")
    assert "invalid choice: 'dit'" in refused(capsys, "train", "dit", "-o", tmp_path / "x")
    assert "for vae, occupancy and wan" in refused(capsys, "train", "views", "-o", tmp_path / "x", "--data", "occ3d:/d")
    assert "view_ablations, judge and wan, not for odds" in refused(capsys, "train", "odds", "-o", tmp_path / "x", "--steps", "2")
    assert "for vae, occupancy and wan" in refused(capsys, "train", "sketch", "-o", tmp_path / "x", "--data", "occ3d:/d")
    known = "occupancy, sketch, odds, ablations, views, view_ablations and judge"
    assert f"--worlds is for {known}, not for vae" in refused(capsys, "train", "vae", "-o", tmp_path / "x", "--worlds", "2")
    assert "--first-world is for sketch, odds and ablations, not for views" in refused(capsys, "train", "views", "-o", tmp_path / "x", "--first-world", "0")
    assert "add --decoder-only" in refused(capsys, "train", "vae", "-o", tmp_path / "x", "--generated", "2")
    for model in ("vae", "occupancy", "sketch", "odds", "judge", "views", "wan"):
        said = refused(capsys, "train", model, "-o", tmp_path / "x", "--preset", "fake", *(("--data", "takes:x") if model == "wan" else ()))
        assert "to train for preset 'fake': choose tiny, compact" in said
    assert "no sketch to train for preset 'noise': choose tiny, compact." in refused(capsys, "train", "sketch", "-o", tmp_path / "x", "--preset", "noise")
    assert "--phase is for occupancy and views, not for vae" in refused(capsys, "train", "vae", "-o", tmp_path / "x", "--phase", "2")
    assert "phase 9 is not one of them" in refused(capsys, "train", "occupancy", "-o", tmp_path / "x", "--phase", "9")
    assert "name the data too" in refused(capsys, "train", "vae", "-o", tmp_path / "x", "--data-share", "0.5")
    assert "share above 0" in refused(capsys, "train", "vae", "-o", tmp_path / "x", "--data-share", "2")
    assert "format of occ3d, nucraft, takes, layouts" in refused(capsys, "train", "vae", "-o", tmp_path / "x", "--data", "kitti:/d")
    assert "USER:PASSWORD" in refused(capsys, "--auth", "nobody")
    assert "port between" in refused(capsys, "--port", "70000")
    assert "invalid choice: 'nonsense'" in refused(capsys, "nonsense")


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no scene file"):
        main(["--debug", "generate", str(tmp_path / "none"), "-o", str(tmp_path / "t")])
    with pytest.raises(ValueError, match="no scene file"):
        main(["generate", "--debug", str(tmp_path / "none"), "-o", str(tmp_path / "t")])


def test_a_mistake_of_ours_says_so(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.commands.scenes.load_scene", lambda path: None + 1)
    assert main(["edit", str(scene), "--script", "x.py", "-o", str(tmp_path / "out")]) == 1
    assert "went wrong inside (TypeError" in capsys.readouterr().err


def test_evaluate_prints_json(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(take), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["takes"][0]["take"] == str(take)
    assert main(["evaluate", str(take)]) == 0
    assert "bev_versus_layout.miou" in capsys.readouterr().out


def test_evaluate_measures_an_engine_on_a_scene(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    asked = ["--preset", "fake", "--frames", "2", "--seeds", "0,3", "--sensitivity", "--page", str(page), "--json"]
    assert main(["evaluate", "--scene", str(scene), *asked]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["scene"]["frames"] == 2 and report["diversity"][0]["takes"] == ["seed 0", "seed 3"]
    assert report["sensitivity"]["per_channel"]["drivable_area"]["changed_inside"] > 90 and page.exists()
    assert "99 were asked for" in refused(capsys, "evaluate", "--scene", scene, "--preset", "fake", "--frames", "99")
    assert "past the end" in refused(capsys, "evaluate", "--scene", scene, "--preset", "fake", "--start", "99")
    assert "--seeds is for --scene" in refused(capsys, "evaluate", "--procedural", "2", "--seeds", "0,1")
    assert "'x' is not a whole number" in refused(capsys, "evaluate", "--scene", scene, "--seeds", "0,x")
    assert "name it with --against" in refused(capsys, "evaluate", tmp_path, "--inception", tmp_path / "none.pt")


def test_export_prints_what_it_dropped(take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(take), "occ3d", "-o", str(tmp_path / "occ3d")]) == 0
    assert "Dropped" in capsys.readouterr().out
    with np.load(tmp_path / "occ3d/gts/take/00000/labels.npz") as labels:
        assert labels["semantics"].max() == 17


def test_options_hold_before_and_after_the_command() -> None:
    parse = build_parser().parse_args
    assert parse(["--preset", "tiny", "generate", "s", "-o", "t"]).preset == "tiny"
    assert parse(["generate", "s", "-o", "t", "--preset", "tiny"]).preset == "tiny"
    assert parse(["generate", "s", "-o", "t"]).preset == "compact"
    assert parse([]).command is None


def test_stages_are_those_of_the_take_maker() -> None:
    assert STAGES == MADE_STAGES


def test_import_and_edit_do_not_wait_for_torch(scene: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("def edit(document):\n    return document\n")
    code = (
        "import sys; from app.commands.parser import main\n"
        f"assert main(['edit', {str(scene)!r}, '--script', {str(script)!r}, '-o', {str(tmp_path / 'o')!r}]) == 0\n"
        "assert main(['import', 'dvd', 'x', '-o', 'y']) == 2\n"
        "slow = {'torch', 'gradio', 'viser', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Terminal:
    def __init__(self) -> None:
        self.said = ""

    def write(self, text: str) -> int:
        self.said += text
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_and_silence_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal)  # type: ignore[arg-type]
    for done in range(3):
        bar("occupancy", done, 2)
    bar("video", 0, 4)
    bar.close()
    assert "2/2" in terminal.said and terminal.said.count("\n") == 2
    quiet = ProgressBar()
    quiet("occupancy", 1, 2)
    quiet.close()
    assert "occupancy" not in capsys.readouterr().err
