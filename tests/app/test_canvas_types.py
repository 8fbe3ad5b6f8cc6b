"""The page's JavaScript: its types hold, and it interpolates, unpacks paint and turns cameras as the Python side does."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from editor.entities import Keyframe
from editor.track import pose_at
from engine.spec.geometry import Pose

CANVAS = Path(__file__).resolve().parents[2] / "app" / "canvas"
TSC = CANVAS / "node_modules" / ".bin" / "tsc"
NODE = shutil.which("node")

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def run_module(script: str, *, given: object) -> object:
    """The JSON that an ES module script prints; `given` is in its variable of that name."""
    program = f"const given = {json.dumps(given)};\n{script}"
    done = subprocess.run([str(NODE), "--input-type=module", "-"], input=program, cwd=CANVAS, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not TSC.exists(), reason="typescript is not installed: run npm ci in app/canvas")
@needs_node
def test_types() -> None:
    done = subprocess.run([str(NODE), str(TSC), "-p", "jsconfig.json"], cwd=CANVAS, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout


@needs_node
def test_tracks_are_interpolated_as_in_python() -> None:
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.1, 1.0, 9))
    rows = [[float(t), *(float(v) for v in rng.uniform(-3.1, 3.1, 6))] for t in times]
    asked = [0.0, *(k / 12 for k in range(80)), *(row[0] for row in rows), 99.0]
    found = run_module(
        "const { poseAt } = await import('./tracks.js'); console.log(JSON.stringify(given.asked.map((t) => poseAt(given.rows, t))));",
        given={"rows": rows, "asked": asked},
    )
    keyframes = [Keyframe(row[0], Pose(*row[1:])) for row in rows]
    expected = [pose_at(keyframes, t) for t in asked]
    wanted = np.array([[p.x_m, p.y_m, p.z_m, p.yaw_rad, p.pitch_rad, p.roll_rad] for p in expected])
    np.testing.assert_allclose(np.array(found), wanted, atol=1e-9)


@needs_node
def test_paint_tiles_are_unpacked_as_in_python() -> None:
    tile = np.random.default_rng(5).random((64, 64)) < 0.3
    text = base64.b64encode(np.packbits(tile.ravel()).tobytes()).decode()
    script = "const { decodeTile } = await import('./render/paint.js'); console.log(JSON.stringify([...decodeTile(given)]));"
    cells = run_module(script, given=text)
    np.testing.assert_array_equal(np.array(cells, bool).reshape(64, 64), tile)


@needs_node
def test_camera_poses_look_where_they_are_aimed() -> None:
    aims = [(0.3, 0.0), (-2.0, 0.2), (3.0, -0.4)]
    script = "const { cameraPose } = await import('./entity.js');"
    poses = run_module(f"{script} console.log(JSON.stringify(given.map(([h, t]) => cameraPose(1, 2, 3, h, t))));", given=aims)
    for (heading, tilt), pose in zip(aims, poses, strict=True):  # type: ignore[arg-type]
        forward = Pose(*pose).matrix()[:3, 2]
        np.testing.assert_allclose(forward, [np.cos(tilt) * np.cos(heading), np.cos(tilt) * np.sin(heading), -np.sin(tilt)], atol=1e-12)
