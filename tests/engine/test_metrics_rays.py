"""RayIoU and the top-down and horizon scores, on volumes whose scores are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.metrics.horizon import ByHorizon
from engine.metrics.occupancy import Confusion
from engine.metrics.rayiou import LIDAR_M, RayIou, lidar_origins, lidar_rays
from engine.spec.classes import CLASS, FREE
from engine.spec.columns import classes_in_columns, holds, lowest_class, top_class
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D

GRID = OCC3D.crop(40)
ORIGIN = np.array([[0.2, 0.2, 1.84]])


def empty() -> np.ndarray:
    return np.full(GRID.shape, FREE, np.uint8)


def wall(at: int, label: str = "manmade") -> np.ndarray:
    """All heights of row x = `at`: a wall across the road ahead."""
    volume = empty()
    volume[at] = CLASS[label]
    return volume


def test_the_rays_are_the_published_ones() -> None:
    rays = lidar_rays()
    assert rays.shape[1:] == (360, 3) and np.allclose(np.linalg.norm(rays, axis=-1), 1)
    pitch = np.arcsin(rays[:, 0, 2])
    assert pitch[0] == pytest.approx(-np.pi / 4) and pitch[9] == pytest.approx(-(np.pi / 2 - np.arctan(10)))
    assert np.allclose(np.diff(pitch)[9:], pitch[9] - pitch[8])
    assert pitch[-2] < 0.21 <= pitch[-1]
    assert rays.shape[0] * rays.shape[1] == 14040
    assert np.allclose(rays[0, 90, :2], [0, np.cos(pitch[0])])


@pytest.mark.parametrize(
    ("shift", "right"), [(0, (100, 100, 100)), (2, (100, 100, 100)), (4, (0, 100, 100)), (8, (0, 0, 100)), (11, (0, 0, 0))]
)
def test_a_wall_moved_back_fails_the_thresholds_it_should(shift: int, right: tuple[float, ...]) -> None:
    # Straight ahead alone, so that every distance differs by exactly the shift of 0.4 m voxels.
    score = RayIou(GRID, rays=np.array([[1.0, 0, 0]]))
    score.add(wall(25 + shift), wall(25), ORIGIN)
    assert score.scores()["rays"] == 1 and tuple(score.scores()["at_m"].values()) == right
    assert score.scores()["rayiou"] == round(sum(right) / 3, 2)


def test_a_ray_that_meets_another_class_counts_against_both() -> None:
    truth, made = wall(25), wall(25, "vegetation")
    truth[5], made[5] = CLASS["manmade"], CLASS["manmade"]
    score = RayIou(GRID)
    score.add(made, truth, ORIGIN)
    behind = int(score.predicted[CLASS["manmade"]])
    both = int(score.truth[CLASS["manmade"]])
    assert 0 < behind < both
    assert score.scores()["per_class"] == {"manmade": round(100 * behind / both, 2)}
    assert int(score.predicted[CLASS["vegetation"]]) == both - behind


def test_rays_that_hit_nothing_in_the_truth_are_left_out() -> None:
    score = RayIou(GRID)
    score.add(wall(25), empty(), ORIGIN)
    assert score.scores()["rayiou"] is None and score.scores()["rays"] == 0
    nothing = RayIou(GRID)
    nothing.add(empty(), wall(25), ORIGIN)
    assert nothing.scores()["rayiou"] == 0 and nothing.scores()["rays"] > 1000


def test_rays_start_from_the_roof_here_and_along_the_drive() -> None:
    poses = np.stack([Pose(x_m=1.0 * k).matrix() for k in range(50)])
    origins = lidar_origins(OCC3D, poses, 10)
    assert len(origins) == 8
    assert (origins[:, 0] >= -10 + LIDAR_M[0] - 1e-9).all() and (origins[:, 0] < 39).all()
    assert np.allclose(origins[:, 1:], LIDAR_M[1:])
    assert np.allclose(lidar_origins(OCC3D, poses[:1], 0), [LIDAR_M])


def test_columns_from_above_and_below() -> None:
    semantics = empty()
    semantics[3, 4, 2], semantics[3, 4, 9] = CLASS["driveable_surface"], CLASS["vegetation"]
    assert lowest_class(semantics)[3, 4] == CLASS["driveable_surface"]
    assert top_class(semantics)[3, 4] == CLASS["vegetation"]
    assert (lowest_class(semantics) != FREE).sum() == 1 == (top_class(semantics) != FREE).sum()
    columns = classes_in_columns(semantics)
    assert columns[3, 4] == (1 << CLASS["driveable_surface"]) | (1 << CLASS["vegetation"]) | (1 << FREE)
    assert holds(columns, (CLASS["vegetation"],)).sum() == 1 and not holds(columns, (CLASS["car"],)).any()


def test_top_down_score_sees_only_the_lowest_class() -> None:
    truth, made = empty(), empty()
    truth[:4, 0, 2], made[:2, 0, 2] = CLASS["terrain"], CLASS["terrain"]
    made[:2, 0, 5] = CLASS["vegetation"]
    score = Confusion()
    score.add(lowest_class(made), lowest_class(truth))
    assert score.scores()["per_class"] == {"terrain": 50.0} and score.scores()["iou"] == 50.0


def test_frames_fall_into_their_buckets() -> None:
    score = ByHorizon(Confusion, starts=(0, 2, 4))
    good, bad = wall(25), wall(25, "vegetation")
    for frame, made in enumerate((good, good, bad, good, bad, bad, bad)):
        score.at(frame).add(made, good)
    assert [(row["frames"], row["miou"], row["iou"]) for row in score.scores()] == [("0-1", 100, 100), ("2-3", 50, 100), ("4-", 0, 100)]
    assert [row["from_s"] for row in score.scores()] == [0, round(2 / 12, 2), round(4 / 12, 2)]
