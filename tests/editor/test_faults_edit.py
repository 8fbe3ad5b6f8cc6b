"""What `edit` returns passes for all that an opened file is checked for, before anything is written; a fisheye ends at its fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.commands.parser import main
from editor import check, edits
from editor.document import Document, EditError
from editor.files import project
from engine.spec.camera import Camera

SCRIPT = """
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from editor.document import Document, Ground
from editor.entities import Agent, CameraEntity, Keyframe
from engine.spec.geometry import Pose


def edit(document):
    camera = next(document.of(CameraEntity))
    agent = next(document.of(Agent))

    def with_camera(**changes):
        return document.with_entities(replace(camera, camera=replace(camera.camera, **changes)))

    return {}
"""

UNFIT = {
    "with_camera(width=0)": "width",
    "with_camera(height=2.5)": "height",
    "with_camera(fx=-500.0)": "fx",
    "with_camera(fy=float('nan'))": "fy",
    "with_camera(name='a/b')": "another name",
    "with_camera(name='..')": "another name",
    "with_camera(fisheye=(0.1, 0.0, 0.0, 0.0, 0.0))": "fisheye coefficients must hold 4",
    "with_camera(fisheye=0.1)": "fisheye coefficients",
    "with_camera(ego_SE3_camera=np.eye(4))": "Pose",
    "document.with_entities(replace(camera, camera=None))": "Camera",
    "document.with_entities(replace(camera, mount='path', keyframes=()))": "keyframes",
    "document.with_entities(replace(agent, size_m=(4.0, -2.0, 1.5)))": "size",
    "document.with_entities(replace(agent, keyframes=((0.0, 1.0),)))": "Keyframe",
    "document.with_entities(replace(agent, keyframes=(Keyframe('now', Pose()),)))": "keyframe time",
    "replace(document, entities={'elsewhere': agent})": "another id",
    "replace(document, entities={'x': 'car'})": "must be a shape",
    "replace(document, entities=[agent])": "dict",
    "replace(document, ego=agent)": "EgoPath",
    "replace(document, duration_s=0.0)": "duration",
    "replace(document, grid='mine')": "grid",
    "replace(document, notes=(1,))": "note",
    "replace(document, notes=None)": "notes",
    "replace(document, ground=Ground((0.0, 0.0), 0.0, np.zeros((2, 2), np.float32)))": "cell",
    "replace(document, ground=Ground((0.0, 0.0), 1.0, np.zeros(2, np.float32)))": "heights",
    "document.with_entities(replace(agent, id='ego'))": "ego",
}


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    build = edits.compose(edits.add_agent("car", 12.0, 2.0), edits.add_camera((1.5, 0.0, 1.5, -1.5708, 0.0, -1.5708), 64, 32, name="front"))
    path = tmp_path / "road.anyscene"
    project.save(build(Document()), path)
    return path


@pytest.mark.parametrize("returned", UNFIT)
def test_what_cannot_be_opened_again_is_not_written(returned: str, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, out = tmp_path / "script.py", tmp_path / "out.anyscene"
    script.write_text(SCRIPT.format(returned))
    out.write_bytes(b"an older scene")
    assert main(["edit", str(scene), "--script", str(script), "-o", str(out)]) == 2
    said = capsys.readouterr().err
    assert UNFIT[returned] in said and str(script) in said and said.count("\n") == 1 and "Traceback" not in said
    assert "Error:" not in said, "an internal error serves as the reason"
    assert out.read_bytes() == b"an older scene"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.anyscene", "road.anyscene", "script.py"]


def test_what_can_be_opened_again_is_written(scene: Path, tmp_path: Path) -> None:
    script, out = tmp_path / "script.py", tmp_path / "out.anyscene"
    script.write_text(SCRIPT.format("with_camera(fisheye=(0.1, 0.0, 0.0, 0.0), width=80)"))
    assert main(["edit", str(scene), "--script", str(script), "-o", str(out)]) == 0
    check.whole_document(project.load(out))


def test_five_fisheye_terms_are_no_camera() -> None:
    with pytest.raises(EditError, match="must hold 4"):
        check.camera(Camera("c", 8, 8, 4.0, 4.0, 4.0, 4.0, fisheye=(0.0,) * 5))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "k", [(-0.1, 0.0, 0.0, 0.0), (0.05, -0.08, 0.0, 0.0), (-0.02, 0.001, 0.0, 0.0), (0.1, 0.02, 0.0, 0.0), (0.0, 0.0, 0.0, -0.001)]
)
def test_a_fisheye_shows_nothing_past_its_fold(k: tuple[float, float, float, float]) -> None:
    """The fold by walking outwards in small steps until the radius shrinks."""
    camera = Camera("wide", 400, 400, 100.0, 100.0, 200.0, 200.0, fisheye=k)
    theta = np.linspace(1e-4, np.pi - 1e-4, 20_000)
    radius = theta * (1 + k[0] * theta**2 + k[1] * theta**4 + k[2] * theta**6 + k[3] * theta**8)
    shrinking = np.diff(radius) < 0
    fold = theta[int(np.argmax(shrinking))] if shrinking.any() else np.pi
    pixels = camera.project(np.stack([np.sin(theta), np.zeros_like(theta), np.cos(theta)], -1))
    seen = np.isfinite(pixels).all(1)
    assert seen[theta < fold - 1e-3].all() and not seen[theta > fold + 1e-3].any()
    np.testing.assert_allclose(pixels[seen, 0], 200 + 100 * radius[seen], atol=1e-9)
    assert (np.diff(pixels[seen, 0]) > 0).all(), "two directions share a pixel"
    rays = camera.rays()
    angles = np.arctan2(np.hypot(rays[..., 0], rays[..., 1]), rays[..., 2])
    assert np.nanmax(angles) <= fold + 1e-3
