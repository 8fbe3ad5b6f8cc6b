"""The region that an edit touches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.occupancy.region import SPREAD_CELLS, changed_cells, changed_region, with_rim
from engine.spec.classes import CHANNEL
from engine.spec.geometry import Box
from engine.spec.grid import OCC3D

CAR = Box(7, "car", (10.0, 2.0, 0.8), (4.0, 2.0, 1.6), 0.3)


def blank() -> np.ndarray:
    return np.zeros((15, *OCC3D.bev_shape), np.uint8)


def test_a_changed_cell_and_a_rim_around_it() -> None:
    after = blank()
    after[CHANNEL["walkway"], 50, 60] = 1
    region = changed_region(blank(), after)
    side = 2 * SPREAD_CELLS + 1
    assert region.sum() == side**2 and region[50 - SPREAD_CELLS : 51 + SPREAD_CELLS, 60 - SPREAD_CELLS : 61 + SPREAD_CELLS].all()
    assert not changed_region(after, after).any() and not with_rim(np.zeros((4, 4), bool)).any()


def test_boxes_count_where_they_differ_under_one_layout() -> None:
    layout = blank()

    def cells(before: list[Box], after: list[Box]) -> np.ndarray:
        return changed_cells(layout, layout, before, after, OCC3D)

    assert not cells([CAR], [CAR]).any() and not cells([CAR], [replace(CAR, yaw_rad=CAR.yaw_rad + 1e-9)]).any()
    taller = cells([CAR], [replace(CAR, size_m=(4.0, 2.0, 3.0))])
    assert 40 <= taller.sum() <= 60, "its footprint, 4 x 2 m of 0.4 m cells"
    assert np.array_equal(cells([CAR], []), taller) and np.array_equal(cells([], [CAR]), taller)
    moved = replace(CAR, center_m=(-10.0, 2.0, 0.8))
    assert np.array_equal(cells([CAR], [moved]), taller | cells([], [moved]))
    assert np.array_equal(cells([CAR], [replace(CAR, instance_id=8)]), taller)
