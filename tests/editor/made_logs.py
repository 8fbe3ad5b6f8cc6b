"""Small logs made by the tests themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather

ANNOTATIONS = "annotations.feather"
POSES = "city_SE3_egovehicle.feather"
MAP = "map/log_map_archive_x.json"


def rows(count: int, **columns: list) -> dict[str, list]:
    pose = {"qw": [1.0] * count, "qx": [0.0] * count, "qy": [0.0] * count, "qz": [0.0] * count}
    pose |= {"tx_m": [float(k) for k in range(count)], "ty_m": [0.0] * count, "tz_m": [0.0] * count}
    return {"timestamp_ns": [100_000_000 * k for k in range(count)], **pose, **columns}


def write(path: Path, columns: dict[str, list]) -> None:
    feather.write_feather(pa.table(columns), path)


def argoverse_log(folder: Path) -> Path:
    """A whole Argoverse 2 log of one car on one square road, drawn here."""
    (folder / "map").mkdir(parents=True)
    car = {
        "track_uuid": ["a"] * 20,
        "category": ["REGULAR_VEHICLE"] * 20,
        "length_m": [4.0] * 20,
        "width_m": [2.0] * 20,
        "height_m": [1.5] * 20,
    }
    write(folder / ANNOTATIONS, rows(20, **car))
    write(folder / POSES, rows(20))
    square = [{"x": x, "y": y, "z": 0.0} for x, y in ((-50, -50), (50, -50), (50, 50), (-50, 50))]
    lane = {"left_lane_boundary": square[:2], "right_lane_boundary": square[2:], "left_lane_mark_type": "SOLID_YELLOW"}
    lane |= {"right_lane_mark_type": "NONE", "id": 1}
    vector = {"drivable_areas": {"1": {"area_boundary": square, "id": 1}}, "pedestrian_crossings": {}, "lane_segments": {"1": lane}}
    (folder / MAP).write_text(json.dumps(vector))
    return folder


def scenario() -> dict[str, Any]:
    ones = np.ones(10)
    state = {"position": np.cumsum(np.ones((10, 3)), 0), "heading": ones, "valid": ones.astype(bool)}
    state |= {"length": 4 * ones, "width": 2 * ones, "height": 1.5 * ones}
    features = {"1": {"type": "LANE_SURFACE_STREET", "polyline": np.array([[-20.0, -20.0], [20.0, 20.0]])}}
    tracks = {name: {"type": "VEHICLE", "state": dict(state), "metadata": {}} for name in ("ego", "other")}
    metadata = {"ts": np.arange(10) / 10, "sdc_id": "ego", "dataset": "waymo"}
    return {"id": "drawn", "tracks": tracks, "map_features": features, "metadata": metadata}
