"""The scores on volumes whose scores are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.metrics.instances import InstanceScores
from engine.metrics.invention import Invention, jensen_shannon
from engine.metrics.layout import Obedience
from engine.metrics.occupancy import Confusion
from engine.metrics.temporal import TemporalAgreement
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.columns import shown_channels
from engine.spec.geometry import Box, Pose
from engine.spec.grid import OCC3D

GRID = OCC3D.crop(40)


def empty() -> np.ndarray:
    return np.full(GRID.shape, FREE, np.uint8)


def test_3d_scores_by_hand_and_the_legacy_variant() -> None:
    truth, made = empty(), empty()
    truth[:10, 0, 0] = CLASS["car"]
    made[5:15, 0, 0] = CLASS["car"]
    truth[0, 5, :8] = CLASS["manmade"]
    made[0, 5, :8] = CLASS["vegetation"]
    confusion = Confusion()
    confusion.add(made, truth)
    scores = confusion.scores()
    assert scores["per_class"] == {"car": 33.33, "manmade": 0.0}
    assert scores["miou"] == 16.67
    assert scores["iou"] == round(100 * 13 / 23, 2)
    assert scores["legacy_miou"] == round(100 * (1 / 3 + 18) / 20, 2)


def test_columns_show_their_channels() -> None:
    semantics = empty()
    semantics[3, 4, 2] = CLASS["lane_divider"]
    semantics[3, 4, 5] = CLASS["bus"]
    shown = shown_channels(semantics)
    assert set(np.nonzero(shown[:, 3, 4])[0]) == {CHANNEL["drivable_area"], CHANNEL["lane_divider"], CHANNEL["bus"]}
    assert shown.sum() == 3


def test_obedience_counts_missing_and_extra_columns() -> None:
    layout = np.zeros((15, *GRID.bev_shape), np.uint8)
    layout[CHANNEL["drivable_area"], :10] = 1
    layout[CHANNEL["walkway"], 10:12] = 1
    semantics = empty()
    semantics[:10, :, 2] = CLASS["driveable_surface"]
    semantics[11:13, :, 2] = CLASS["sidewalk"]
    obedience = Obedience()
    obedience.add(semantics, layout)
    scores = obedience.scores()
    assert scores["per_channel"] == {"drivable_area": 100.0, "walkway": 33.33}
    assert scores["miou"] == 66.67 and scores["iou"] == round(100 * 11 / 13, 2)
    assert scores["recall"]["walkway"] == 50.0


def test_instances_found_missed_and_phantom() -> None:
    car = Box(3, "car", (0.0, 0.0, 1.0), (4.8, 2.0, 1.6), 0.0)
    cone = Box(4, "traffic_cone", (6.0, 6.0, 0.5), (0.4, 0.4, 0.8), 0.0)
    layout = np.zeros((15, *GRID.bev_shape), np.uint8)
    layout[CHANNEL["car"], 14:26, 17:23] = 1
    layout[CHANNEL["traffic_cone"], 35, 35] = 1
    semantics, instances = empty(), np.zeros(GRID.shape, np.uint16)
    semantics[14:26, 17:23, 3:6], instances[14:26, 17:23, 3:6] = CLASS["car"], 3
    semantics[2:4, 2:4, 3:5] = CLASS["pedestrian"]
    scores = InstanceScores(GRID)
    scores.add(semantics, instances, layout, [car, cone])
    result = scores.scores()
    assert result["recall"]["vehicles"] == {"asked": 1, "recall": 100.0}
    assert result["recall"]["small_static"] == {"asked": 1, "recall": 0.0}
    assert result["phantoms"] == {"pedestrian": 1} and result["phantoms_per_frame"] == 1
    errors = result["median_error"]["car"]
    assert errors["center_m"] < 0.05 and errors["length_m"] < 0.41 and errors["yaw_deg"] < 1


def test_a_barrier_is_measured_along_its_longer_side_and_two_cells_aside_is_no_phantom() -> None:
    barrier = Box(5, "barrier", (0.0, 0.0, 0.5), (0.6, 4.0, 1.0), 0.0)
    layout = np.zeros((15, *GRID.bev_shape), np.uint8)
    layout[CHANNEL["barrier"], 19:21, 15:25] = 1
    semantics, instances = empty(), np.zeros(GRID.shape, np.uint16)
    semantics[19:21, 15:25, 3:5], instances[19:21, 15:25, 3:5] = CLASS["barrier"], 5
    semantics[23, 15, 3] = CLASS["barrier"]  # 3 cells off: one empty cell more than a badly drawn barrier has
    semantics[17, 15, 3] = CLASS["barrier"]  # 2 cells off
    scores = InstanceScores(GRID)
    scores.add(semantics, instances, layout, [barrier])
    result = scores.scores()
    errors = result["median_error"]["barrier"]
    assert errors["center_m"] < 0.01 and errors["length_m"] < 0.01 and errors["yaw_deg"] < 1
    assert result["phantoms"] == {"barrier": 1}


def test_invention_shares_specks_and_holes() -> None:
    layout = np.zeros((15, *GRID.bev_shape), np.uint8)
    layout[CHANNEL["drivable_area"], :10] = 1
    semantics = empty()
    semantics[:9, :, 2] = CLASS["driveable_surface"]
    semantics[20:22, 0:5, 2:12] = CLASS["manmade"]
    semantics[30, 30, 9] = CLASS["vegetation"]
    invention = Invention()
    invention.add(semantics, layout)
    scores = invention.scores()
    assert scores["class_share"] == {"manmade": round(100 * 100 / 101, 3), "vegetation": round(100 / 101, 3)}
    assert scores["holes_in_painted_ground"] == 10.0
    assert scores["specks_under_4_voxels"] == round(100 / (360 + 101), 3)
    assert jensen_shannon(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(1)
    assert jensen_shannon(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    assert jensen_shannon(np.zeros(2), np.array([0.5, 0.5])) == 1 and jensen_shannon(np.zeros(2), np.zeros(2)) == 0


def test_a_world_that_stands_still_agrees_and_one_that_swims_does_not() -> None:
    semantics = empty()
    semantics[10:30, 10:30, 2] = CLASS["terrain"]
    semantics[12:14, 12:14, 3:9] = CLASS["manmade"]
    still, moving, swims = TemporalAgreement(GRID), TemporalAgreement(GRID), TemporalAgreement(GRID)
    for k in range(3):
        still.add(semantics, np.eye(4))
        moving.add(np.roll(semantics, -k, 0), Pose(x_m=0.4 * k).matrix())
        swims.add(np.roll(semantics, k, 0), np.eye(4))
    assert still.scores()["agree_of_either"] == 100
    assert moving.scores()["agree_of_either"] == 100
    assert swims.scores()["agree_of_either"] < 95  # type: ignore[operator]
    assert still.scores()["growth_per_frame"] == 0 == moving.scores()["growth_per_frame"]

    grows = TemporalAgreement(GRID)
    grows.add(semantics.copy(), np.eye(4))
    semantics[12:14, 14, 3:5] = CLASS["manmade"]
    grows.add(semantics, np.eye(4))
    assert grows.scores()["agree_of_both"] == 100 and grows.scores()["growth_per_frame"] == round(100 * 4 / (400 + 24), 3)
