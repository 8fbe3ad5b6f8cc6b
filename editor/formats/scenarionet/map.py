"""The map features of a ScenarioNet scenario -> areas and lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import shapely

from editor.entities import Area, Line
from editor.formats.report import Dropped
from editor.formats.shapes import areas, lines, polygon, polygonal, walkways, without_doubles

LANE_HALF_M = 1.75
"""Half width of a lane that says none: half of a 3.5 m urban lane."""
LANE_HALF_RANGE_M = (1.0, 3.0)
"""Widths outside of this are distances to some other thing (Waymo has up to 90 m)."""
FARTHEST_M = 1e7
SLIT_M = 1.0
"""Gaps between lane strips up to twice this wide are road too."""

NO_CHANNEL = "a layout has no channel for it"


@dataclass(frozen=True, slots=True)
class FeatureMap:
    areas: tuple[Area, ...]
    lines: tuple[Line, ...]
    dropped: tuple[Dropped, ...]
    notes: tuple[str, ...]


def read_features(features: Mapping[Any, Mapping[str, Any]], origin_m: np.ndarray, is_nuscenes: bool) -> FeatureMap:
    """Areas and lines in the world frame. Raises ValueError or KeyError where a feature is malformed."""
    lane_polygons, lane_strips, edges, driveways, crossings, sidewalks = [], [], [], [], [], []
    road, lane = [], []
    dropped: Counter[tuple[str, str]] = Counter()
    for key, feature in features.items():
        kind = str(feature["type"])
        if kind.startswith("LANE_") and "polygon" in feature:
            lane_polygons.append(polygon(_points(feature["polygon"], origin_m)))
        elif kind.startswith("LANE_"):
            lane_strips.append(_strip(feature, origin_m))
        elif kind == "DRIVEWAY":
            driveways.append(polygon(_points(feature["polygon"], origin_m)))
        elif kind == "CROSSWALK":
            crossings.append(polygon(_points(feature["polygon"], origin_m)))
        elif kind == "SIDEWALK":
            sidewalks.append(polygon(_points(feature["polygon"], origin_m)))
        elif is_nuscenes and str(key).startswith("boundary"):
            # ScenarioNet writes the outline of nuScenes' road surface as white lines; nobody painted those.
            edges.append(polygon(_points(feature["polyline"], origin_m)))
        elif kind.startswith("ROAD_LINE_") and kind.split("_")[-1] in ("WHITE", "YELLOW"):
            (road if kind.endswith("YELLOW") else lane).append(_points(feature["polyline"], origin_m))
        elif kind.startswith("ROAD_EDGE"):
            dropped[kind, "the edge of the road; a layout has its surface instead"] += 1
        else:
            dropped[kind, NO_CHANNEL] += 1
    # The outline's rings never cross, so ring inside ring is a hole: even-odd, whatever their order.
    outline = reduce(shapely.symmetric_difference, edges, shapely.Polygon())
    if edges:
        # Lanes without a surface of their own are connectors inside the outline.
        lane_strips = []
    strips = shapely.union_all(lane_strips).buffer(SLIT_M).buffer(-SLIT_M)
    street = polygonal(shapely.simplify(shapely.union_all([outline, *lane_polygons, strips]), 0.02))
    driveway = shapely.union_all(driveways)
    source = "derived" if lane_strips else "imported"
    sidewalk = shapely.union_all(sidewalks)
    road = without_doubles(road)
    found = (
        *areas(shapely.union(street, driveway), "drivable_area", "drivable", source),
        *(area for number, part in enumerate(crossings, 1) for area in areas(part, "ped_crossing", f"crossing-{number}", "imported")),
        *areas(sidewalk, "walkway", "sidewalk", "imported"),
        *walkways(street, shapely.union(sidewalk, driveway)),
    )
    notes = ["The source has no walkways: derived as 2.5 m strips along the outside of the drivable area."] if not sidewalks else []
    if lane_strips:
        notes.append(
            f"Drivable area was derived: {len(lane_strips)} lane centre lines widened by their own width, or by {LANE_HALF_M} m to each side."
        )
    if edges:
        notes.append(f"{len(edges)} road outlines that the source writes as white lines became drivable area, not lines.")
    if not crossings:
        notes.append("The source has no pedestrian crossings: there are none in the scene.")
    dividers = (*lines("road_divider", "road-divider", road), *lines("lane_divider", "lane-divider", without_doubles(lane, road)))
    return FeatureMap(found, dividers, tuple(Dropped(kind, count, reason) for (kind, reason), count in dropped.items()), tuple(notes))


def _points(values: Any, origin_m: np.ndarray) -> np.ndarray:
    points = np.asarray(values, np.float64)
    if points.ndim != 2 or points.shape[1] < 2 or not (np.abs(points[:, :2]) < FARTHEST_M).all():
        raise ValueError("a map feature has a point that is not a number")
    return points[:, :2] - origin_m[:2]


def _strip(feature: Mapping[str, Any], origin_m: np.ndarray) -> shapely.Geometry:
    """The surface of a lane that is only a centre line: as wide as it says, where it says something believable."""
    points = _points(feature["polyline"], origin_m)
    if len(points) < 2:
        return shapely.Polygon()
    widths = np.asarray(feature.get("width", ()), np.float64).ravel()
    believable = widths[(widths >= LANE_HALF_RANGE_M[0]) & (widths <= LANE_HALF_RANGE_M[1])]
    half = float(np.median(believable)) if len(believable) else LANE_HALF_M
    return shapely.LineString(points).buffer(half, cap_style="flat")
