"""An agent's shape in its own box: what keeps it scores 1 however it moves, and what loses half of it is told so."""

from __future__ import annotations

import numpy as np
import pytest

from engine.metrics.agent_shape import WITHIN_M, AgentShape, in_box, overlap
from engine.spec.classes import CLASS, FREE
from engine.spec.geometry import Box
from engine.spec.grid import OCC3D

SMALL = OCC3D.crop(48)


def shown(box: Box, part: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """Semantics and ids: the voxels whose centres lie in an upright box, or a part of its columns along x."""
    centres = (np.stack(np.meshgrid(*(np.arange(n) for n in SMALL.shape), indexing="ij"), -1) + 0.5) * SMALL.voxel_m + SMALL.origin_m
    inside = (np.abs(centres - box.center_m) <= np.asarray(box.size_m) / 2).all(-1)
    columns = np.flatnonzero(inside.any((1, 2)))[part]
    inside[np.setdiff1d(np.arange(SMALL.shape[0]), columns)] = False
    return np.where(inside, CLASS[box.class_name], FREE).astype(np.uint8), np.where(inside, box.instance_id, 0).astype(np.uint16)


def car(x: float) -> Box:
    return Box(3, "car", (x, 0.2, 0.8), (4.0, 2.0, 1.6), 0.0)


def test_whole_voxels_further_it_is_the_same_and_half_of_it_is_half() -> None:
    shape = AgentShape(SMALL)
    for x in (0.2, 0.6, 1.8):
        shape.add(*shown(car(x)), [car(x)])
    assert shape.scores() == {"median": 1.0, "percentile_5": 1.0, "pairs": 2}
    shape.add(*shown(car(1.8), slice(0, 5)), [car(1.8)])
    whole = int((shown(car(1.8))[1] > 0).sum())
    half = int((shown(car(1.8), slice(0, 5))[1] > 0).sum())
    assert shape.overlaps[-1] == pytest.approx(2 * half / (whole + half))


def test_others_small_ones_and_newcomers_do_not_count() -> None:
    shape = AgentShape(SMALL)
    person = Box(4, "pedestrian", (0.2, 0.2, 0.8), (4.0, 2.0, 1.6), 0.0)
    small = Box(5, "car", (0.2, 0.2, 0.8), (0.8, 0.8, 1.2), 0.0)
    for boxes in ([person], [person], [small], [small], [car(0.2)]):
        shape.add(*shown(boxes[0]), boxes)
    assert shape.scores() == {"median": None, "percentile_5": None, "pairs": 0}


def test_against_every_pair_of_points() -> None:
    random = np.random.default_rng(0)
    a, b = random.uniform(0, 2, (40, 3)), random.uniform(0, 2, (55, 3))
    near = np.linalg.norm(a[:, None] - b[None], axis=-1) <= WITHIN_M
    assert overlap(a, b) == pytest.approx((near.any(1).sum() + near.any(0).sum()) / 95)
    turned = Box(1, "car", (1.0, 2.0, 0.0), (4.0, 2.0, 1.6), np.pi / 2)
    voxel = np.argwhere(np.ones((1, 1, 1)))
    x, y, z = 0.2 + SMALL.origin_m[0] - 1.0, 0.2 + SMALL.origin_m[1] - 2.0, 0.2 + SMALL.origin_m[2]
    np.testing.assert_allclose(in_box(voxel, turned, SMALL), [[y, -x, z]], atol=1e-9)
