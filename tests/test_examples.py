"""Every numbered example runs, in order, each on what the one before it left; with the engine that needs no weights."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.commands.parser import main as command_line
from editor.clip import frame_count, scene_clip
from editor.files import project
from engine.spec.take import Take

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
COVERED = (
    "01_make_a_scene",
    "02_edit_script",
    "03_render_a_camera",
    "04_measure_obedience",
    "05_hand_over",
    "06_compare_layouts",
    "07_slow_motion",
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scene of example 1 and the take of example 4."""
    folder = tmp_path_factory.mktemp("examples")
    importlib.import_module("examples.01_make_a_scene").main(folder / "scene.anyscene")
    importlib.import_module("examples.04_measure_obedience").main(folder / "scene.anyscene", folder / "take", "fake", 2)
    return folder


def test_all_examples_are_tested_and_open_with_a_sentence() -> None:
    files = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    assert files == list(COVERED)
    for path in EXAMPLES.glob("*.py"):
        first = path.read_text().splitlines()[0]
        assert re.match(r'^"""[A-Z].*[.]$', first), f"{path.name} opens with {first!r}"


def test_01_makes_a_scene_that_loads(desk: Path) -> None:
    document = project.load(desk / "scene.anyscene")
    assert document.name == "crossing" and len(document.entities) == 13


def test_02_edits_it_from_the_command_line(desk: Path) -> None:
    out = desk / "closed.anyscene"
    script = str(EXAMPLES / "02_edit_script.py")
    assert command_line(["edit", str(desk / "scene.anyscene"), "--script", script, "-o", str(out)]) == 0
    before, after = project.load(desk / "scene.anyscene"), project.load(out)
    assert len(after.entities) == len(before.entities) + 6 and after.name.endswith("lane closed")


def test_03_renders_the_first_camera(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module("examples.03_render_a_camera").main(desk / "scene.anyscene", desk / "front.png")
    picture = np.asarray(Image.open(desk / "front.png"))
    assert picture.shape == (512, 448, 3) and picture.std() > 10
    assert "driveable_surface" in capsys.readouterr().out


def test_04_measures_a_take(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Take.open(desk / "take").semantics.shape == (2, 200, 200, 16)
    importlib.import_module("examples.04_measure_obedience").main(desk / "scene.anyscene", desk / "again", "fake", 1)
    assert "drivable_area" in capsys.readouterr().out


def test_05_hands_it_over(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module("examples.05_hand_over").main(desk / "take", desk / "exported")
    assert (desk / "exported/occ3d/gts/take/00001/labels.npz").is_file()
    assert (desk / "exported/glb/00001.glb").read_bytes()[:4] == b"glTF"
    assert "Dropped" in capsys.readouterr().out


def test_06_compares_layouts(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = desk / "scene.anyscene"
    importlib.import_module("examples.06_compare_layouts").main([str(scene), f"twice={scene},{scene}"], 1)
    rows = {line.split("|")[1].strip(): line for line in capsys.readouterr().out.splitlines() if line.startswith("|")}
    assert "| scene | twice | usual worlds | real worlds |" in rows[""]
    assert rows["frames"].startswith("| frames | 4 | 8 | 1 | 1 |")
    assert rows["agents a frame car"].startswith("| agents a frame car | 1 | 1 |")


def test_07_slows_it_down(desk: Path) -> None:
    out = desk / "slow.anyscene"
    assert command_line(["edit", str(desk / "scene.anyscene"), "--script", str(EXAMPLES / "07_slow_motion.py"), "-o", str(out)]) == 0
    before, after = project.load(desk / "scene.anyscene"), project.load(out)
    factor = 51.0 / before.duration_s
    assert frame_count(after) > 600 and after.name == "crossing, slow"
    then, now = scene_clip(before, start_s=1.0, frames=1), scene_clip(after, start_s=factor, frames=1)
    assert np.allclose(then.world_SE3_ego, now.world_SE3_ego) and np.array_equal(then.layouts, now.layouts)
