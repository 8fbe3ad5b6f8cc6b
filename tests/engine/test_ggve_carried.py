"""Latents carried by the geometry, against points worked out one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.spec.camera import Camera
from engine.spec.geometry import Pose, invert, transform
from engine.views.ggve.carried import FEATHER_CELLS, Cells, agreed, carried

SIZE, CELLS = (160, 288), (10, 18)
MOUNT = np.array([[0, 0, 1.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""Camera frame of one that looks along x."""


def camera(name: str = "one") -> Camera:
    return Camera(name, SIZE[1], SIZE[0], 200.0, 200.0, SIZE[1] / 2, SIZE[0] / 2)


def plain(pose: Pose, labels: int = 11) -> Cells:
    """What a camera at a pose 1.5 m above an endless plain sees; above the horizon is sky."""
    world_SE3_camera = pose.matrix() @ MOUNT
    lens = camera()
    rays = lens.rays().astype(np.float64)
    down = -(rays @ world_SE3_camera[:3, :3].T)[..., 2]
    with np.errstate(divide="ignore"):
        distance = np.where(down > 0.02, world_SE3_camera[2, 3] / down, 0.0)
    guide = {
        "distance": torch.from_numpy(distance.astype(np.float16))[None],
        "label": torch.full((1, *SIZE), labels, dtype=torch.uint8),
        "rays": torch.from_numpy(rays.transpose(2, 0, 1))[None],
    }
    return Cells.of(guide, lens, world_SE3_camera, CELLS)


def painted(cells: Cells) -> torch.Tensor:
    """(2, h, w) of a smooth pattern on the plain; the sky by direction."""
    away = cells.middles_m - cells.world_SE3_camera[:3, 3]
    sky = far_m(cells) == 0
    u = np.where(sky, np.arctan2(away[..., 1], away[..., 0]), cells.middles_m[..., 0] / 10)
    v = np.where(sky, 1.0, cells.middles_m[..., 1] / 10)
    return torch.from_numpy(np.stack([np.sin(u), v])).float()


def far_m(cells: Cells) -> np.ndarray:
    """(h, w), 0 in the sky."""
    return cells.distance_m[cells.at].astype(np.float64)


@pytest.mark.parametrize("moved", [Pose(1.5, 0.0, 1.5, 0.0), Pose(0.0, 0.6, 1.5, 0.0), Pose(0.0, 0.0, 1.5, 0.5)])
def test_a_pattern_on_the_world_is_where_it_was(moved: Pose) -> None:
    source, target = plain(Pose(0.0, 0.0, 1.5)), plain(moved)
    read, trust = carried(painted(source), source, target, same_moment=False)
    sure = trust[0] > 0.3
    assert sure.float().mean() > 0.2
    near = torch.from_numpy((far_m(target) > 0) & (far_m(target) < 10)) & sure
    assert near.any() and (read - painted(target)).abs()[:, near].max() < 0.12, "less than a cell, in a pattern of 10 m"
    assert (read - painted(target)).abs()[:, near].mean() < 0.25 * (painted(source) - painted(target)).abs()[:, near].mean()


def test_places_and_trust_are_those_of_each_point_by_itself() -> None:
    source, target = plain(Pose(0.0, 0.0, 1.5)), plain(Pose(1.0, 0.3, 1.5, 0.3))
    columns = torch.arange(CELLS[1], dtype=torch.float32).expand(1, *CELLS)
    rows = torch.arange(CELLS[0], dtype=torch.float32)[:, None].expand(1, *CELLS)
    read, trust = carried(torch.cat([columns, rows]), source, target, same_moment=True)
    seen = 0
    for i in range(CELLS[0]):
        for j in range(CELLS[1]):
            point = transform(invert(source.world_SE3_camera), target.middles_m[i, j][None])
            pixel = source.camera.project(point)[0]
            u, v = pixel / 16 - 0.5
            inside = min(u, CELLS[1] - 1 - u, v, CELLS[0] - 1 - v)
            if not inside >= 0:  # NaN is behind the camera
                assert trust[0, i, j] == 0
                continue
            there, expected = float(source.distance_m[int(pixel[1]), int(pixel[0])]), float(np.linalg.norm(point))
            same = there == 0 if far_m(target)[i, j] == 0 else there > 0 and abs(there - expected) < 0.1 * expected + 0.3
            assert trust[0, i, j] == pytest.approx(min(1.0, inside / FEATHER_CELLS) if same else 0.0, abs=1e-5)
            if same:
                assert read[:, i, j].tolist() == pytest.approx([u, v], abs=1e-3)
                seen += 1
    assert seen > 60


def test_what_hides_the_place_and_what_moves_is_not_asked() -> None:
    source, target = plain(Pose(0.0, 0.0, 1.5)), plain(Pose(1.0, 0.0, 1.5))
    _, free = carried(painted(source), source, target, same_moment=False)
    wall = replace(source, distance_m=np.full(SIZE, 2.0, np.float16))
    _, hidden = carried(painted(source), wall, target, same_moment=False)
    assert free[0, :7].max() == 1 and hidden[0, :7].max() == 0
    cars = plain(Pose(1.0, 0.0, 1.5), labels=4)
    assert carried(painted(source), source, cars, same_moment=False)[1].max() == 0, "a car drives on"
    assert torch.equal(carried(painted(source), source, cars, same_moment=True)[1], free)


def test_views_agree_by_their_trust_and_their_share() -> None:
    source, target = plain(Pose(0.0, 0.0, 1.5)), plain(Pose(0.0, 0.0, 1.5, 0.5))
    own, known = torch.zeros(2, *CELLS), torch.ones(2, *CELLS)
    _, trust = carried(known, source, target, same_moment=True)
    assert torch.allclose(agreed(own, target, [(known, source)], same_moment=True), trust.expand_as(own))
    assert torch.allclose(agreed(own, target, [(known, source)], same_moment=True, share=0.5), 0.5 * trust.expand_as(own))
    assert torch.equal(agreed(own, target, [], same_moment=True), own)
    steps = trust[0, 5].diff().abs()
    assert 0 < trust[0, 5].max() == 1 and steps.max() < 0.75, "no seam"
