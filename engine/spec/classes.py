"""The class table: 15 layout channels, 21 occupancy classes, and how they belong together. Never renumber."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

ASSETS = Path(__file__).resolve().parents[2] / "assets"

_table = json.loads((ASSETS / "classes.json").read_text())

CHANNELS: tuple[str, ...] = tuple(row["name"] for row in _table["layout_channels"])
CLASSES: tuple[str, ...] = tuple(row["name"] for row in _table["occupancy_classes"])
CHANNEL_RGB = np.array([row["rgb"] for row in _table["layout_channels"]], np.uint8)
CLASS_RGB = np.array([row["rgb"] for row in _table["occupancy_classes"]], np.uint8)

AGENTS: tuple[str, ...] = CHANNELS[:10]
"""The ten agent classes. Channel c of an agent is occupancy class c + 1."""
SMALL_AGENTS: tuple[str, ...] = ("pedestrian", "bicycle", "motorcycle", "traffic_cone", "barrier")
MAP_CHANNELS: tuple[str, ...] = CHANNELS[10:]

CHANNEL = {name: index for index, name in enumerate(CHANNELS)}
CLASS = {name: index for index, name in enumerate(CLASSES)}
FREE = CLASS["free"]
NOTHING_HIT = 255
"""Class id of a pixel whose ray left the grid without hitting a voxel."""
IS_AGENT = np.array([name in AGENTS for name in CLASSES] + [False] * (256 - len(CLASSES)))
"""bool (256,): by a label, class id or NOTHING_HIT."""

GROUND: tuple[int, ...] = tuple(
    CLASS[name] for name in ("driveable_surface", "other_flat", "sidewalk", "terrain", "ped_crossing", "road_divider", "lane_divider")
)
"""What agents stand on."""

CHANNEL_TO_CLASSES: tuple[frozenset[int], ...] = tuple(
    frozenset({index + 1})
    if index < 10
    else frozenset(
        CLASS[name]
        for name in {
            "drivable_area": ("driveable_surface", "ped_crossing", "road_divider", "lane_divider"),
            "ped_crossing": ("ped_crossing",),
            "walkway": ("sidewalk",),
            "road_divider": ("road_divider",),
            "lane_divider": ("lane_divider",),
        }[CHANNELS[index]]
    )
    for index in range(15)
)
"""Occupancy classes that count as channel c being present in a column (paper B.4, BEV versus layout)."""

DEFAULT_SIZE_M: dict[str, tuple[float, float, float]] = {
    "barrier": (0.6, 2.4, 1.0),
    "bicycle": (1.8, 0.6, 1.4),
    "bus": (11.5, 2.9, 3.4),
    "car": (4.6, 1.9, 1.7),
    "construction_vehicle": (6.4, 2.8, 3.2),
    "motorcycle": (2.1, 0.8, 1.5),
    "pedestrian": (0.7, 0.7, 1.75),
    "traffic_cone": (0.4, 0.4, 1.0),
    "trailer": (12.2, 2.9, 3.9),
    "truck": (7.0, 2.5, 2.9),
}
"""Length, width, height of an agent placed without a size: nuScenes means, rounded."""
