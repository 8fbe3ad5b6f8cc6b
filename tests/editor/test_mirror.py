"""Left-hand and right-hand traffic on measured ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from editor import edits
from editor.document import Ground
from editor.files.project import to_bytes
from editor.ground import height_at
from editor.samples import crossing


@pytest.mark.parametrize("origin_m", [(0.0, 0.0), (-12.4, 3.7), (412345.678912, 4987654.321)])
def test_a_measured_ground_is_mirrored_with_the_scene_and_twice_is_the_same(origin_m: tuple[float, float]) -> None:
    heights = np.random.default_rng(2).normal(0, 1, (30, 41)).astype(np.float32)
    heights[3, 5] = np.nan
    scene = replace(crossing(), ground=Ground(origin_m, 0.3, heights))
    once = edits.mirror()(scene)
    assert once.ground is not None and not once.ground.height_m.flags.writeable
    for i, j in ((0, 0), (29, 40), (7, 11)):
        x, y = origin_m[0] + 0.3 * i, origin_m[1] + 0.3 * j
        assert height_at(once, x, -y) == height_at(scene, x, y) == heights[i, j]
    assert once.ego.keyframes[0].pose.yaw_rad == -scene.ego.keyframes[0].pose.yaw_rad
    assert to_bytes(edits.mirror()(once)) == to_bytes(scene), "bit-identical"
