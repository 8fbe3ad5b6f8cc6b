"""Layouts seen from above: what lies over what, and which way is up."""

from __future__ import annotations

import numpy as np

from engine.render.above import layout_cells, turned_up
from engine.spec.classes import CHANNEL, CHANNEL_RGB, FREE
from engine.spec.columns import top_class


def test_agents_lie_over_lines_and_lines_over_areas() -> None:
    layout = np.zeros((15, 4, 3), np.uint8)
    layout[CHANNEL["drivable_area"], :3] = 1
    layout[CHANNEL["ped_crossing"], 1:3] = 1
    layout[CHANNEL["road_divider"], 2] = 1
    layout[CHANNEL["car"], 2, 0] = 1
    cells = layout_cells(layout, (1, 2, 3))
    expected = {(0, 0): "drivable_area", (1, 2): "ped_crossing", (2, 1): "road_divider", (2, 0): "car"}
    for (x, y), name in expected.items():
        assert cells[x, y].tolist() == CHANNEL_RGB[CHANNEL[name]].tolist(), name
    assert cells[3, 0].tolist() == [1, 2, 3]
    picture = turned_up(cells)
    assert picture[1, 2].tolist() == CHANNEL_RGB[CHANNEL["car"]].tolist(), "x = 2 of 4 is the second row, y = 0 of 3 is the last column"


def test_the_topmost_voxel_of_every_column():
    semantics = np.random.default_rng(3).choice([0, 4, 11, FREE], size=(9, 7, 5), p=[0.1, 0.1, 0.2, 0.6]).astype(np.uint8)
    semantics[2] = FREE
    found = top_class(semantics)
    for x, y in np.ndindex(9, 7):
        filled = [class_id for class_id in semantics[x, y] if class_id != FREE]
        assert found[x, y] == (filled[-1] if filled else FREE)
