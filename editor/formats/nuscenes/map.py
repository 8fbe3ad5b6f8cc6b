"""nuScenes' map expansion -> areas and lines around the ego's path; or a road along what drove there, where there is no map."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from editor.entities import Area, Line
from editor.formats.report import MALFORMED, Dropped, FormatError, what_is_wrong
from editor.formats.shapes import areas, lines, polygon, polygonal, walkways, without_doubles
from editor.formats.tracks import Track

REACH_M = 100.0
"""Map kept around the ego's path: the farthest corner of grid 'nucraft' is 72.4 m from the ego."""
FARTHEST_M = 1e7
EGO_HALF_ROAD_M = 3.5
TRACK_HALF_ROAD_M = 1.75
MOVES_M = 5.0
"""A vehicle that went farther than this shows where the road is."""
DRIVES = frozenset(("car", "truck", "bus", "trailer", "construction_vehicle", "motorcycle"))
LOCATION = re.compile(r"[A-Za-z0-9_-]{1,80}")
NO_CHANNEL = "a layout has no channel for it"


@dataclass(frozen=True, slots=True)
class SceneMap:
    areas: tuple[Area, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    dropped: tuple[Dropped, ...] = ()


def find_map(folder: Path | None, location: str, map_path: Path | None) -> Path | None:
    """The map expansion of a location, in the data set or where `map_path` (a file or a folder) points; None where there is none."""
    if map_path is not None and map_path.is_file():
        return map_path
    known = LOCATION.fullmatch(location) is not None
    places = [map_path] if map_path is not None else [folder / "maps", folder / "maps" / "expansion"] if folder is not None else []
    places += [map_path / "expansion", map_path / "maps" / "expansion"] if map_path is not None else []
    for place in places:
        if known and (place / f"{location}.json").is_file():
            return place / f"{location}.json"
    if map_path is not None:
        raise FormatError(
            f"{map_path} holds no {location if known else 'map'}.json, the map expansion of this scene: give the file itself with --map."
        )
    return None


def read_map(path: Path, ego_path_m: np.ndarray, origin_m: np.ndarray) -> SceneMap:
    """Areas and lines in the world frame, within REACH_M of the ego's path (N, 2)."""
    source = _read_json(path)
    around = shapely.MultiPoint(ego_path_m).convex_hull.buffer(REACH_M)
    try:
        expansion = _Expansion(source, origin_m, around)
        drivable, crossing, walkway = (expansion.surface(layer) for layer in ("drivable_area", "ped_crossing", "walkway"))
        notes = []
        if drivable.is_empty:
            drivable = polygonal(shapely.union_all([expansion.surface(layer) for layer in ("road_segment", "lane", "lane_connector")]))
            if not drivable.is_empty:
                notes.append("The map has no drivable areas here: they were put together from its road segments and lanes.")
        road, lane = (expansion.polylines(layer) for layer in ("road_divider", "lane_divider"))
        dropped = [
            Dropped(layer.replace("_", " "), count, NO_CHANNEL)
            for layer in ("stop_line", "carpark_area", "traffic_light")
            if (count := expansion.count(layer))
        ]
    except MALFORMED as error:
        raise FormatError(
            f"{path} is not a nuScenes map expansion ({what_is_wrong(error)}): copy it again from the map expansion pack."
        ) from error
    if drivable.is_empty:
        raise FormatError(
            f"{path} has no road within {REACH_M:g} m of the ego's path: give the map expansion of this scene's location with --map."
        )
    found = [
        *areas(drivable, "drivable_area", "drivable", "imported"),
        *areas(crossing, "ped_crossing", "crossing", "imported"),
        *areas(walkway, "walkway", "walkway", "imported"),
    ]
    if walkway.is_empty:
        found += walkways(drivable)
        notes.append("The map has no walkways here: derived as 2.5 m strips along the outside of the drivable area.")
    if crossing.is_empty:
        notes.append("The map has no pedestrian crossings here: there are none in the scene.")
    road = without_doubles(road)
    dividers = (*lines("road_divider", "road-divider", road), *lines("lane_divider", "lane-divider", without_doubles(lane, road)))
    notes.append(f"The map is {path.name}, cut {REACH_M:g} m around the ego's path.")
    return SceneMap(tuple(found), dividers, tuple(notes), tuple(dropped))


def road_of_tracks(ego_path_m: np.ndarray, tracks: Sequence[Track], location: str) -> SceneMap:
    """A road as wide as two lanes along the ego's path and as one along every vehicle's that moved."""
    strips = [_strip(ego_path_m, EGO_HALF_ROAD_M)]
    for track in tracks:
        points = np.array([(keyframe.pose.x_m, keyframe.pose.y_m) for keyframe in track.keyframes])
        if track.class_name in DRIVES and np.ptp(points, axis=0).max() > MOVES_M:
            strips.append(_strip(points, TRACK_HALF_ROAD_M))
    road = polygonal(shapely.simplify(shapely.union_all(strips), 0.05))
    where = f" of '{location}'" if LOCATION.fullmatch(location) else ""
    note = (
        f"There is no map expansion{where}: the road was derived, {2 * EGO_HALF_ROAD_M:g} m wide along the ego's path and {2 * TRACK_HALF_ROAD_M:g} m "
        "along every vehicle's that moved, with walkways beside it; give one with --map."
    )
    return SceneMap((*areas(road, "drivable_area", "drivable", "derived"), *walkways(road)), (), (note,))


def _strip(points_m: np.ndarray, half_m: float) -> shapely.Geometry:
    line = shapely.LineString(points_m) if len(points_m) > 1 else shapely.Point(points_m[0])
    return line.buffer(half_m if len(points_m) > 1 else 2 * half_m)


class _Expansion:
    """The layers of one map, by tokens."""

    def __init__(self, source: Mapping[str, Any], origin_m: np.ndarray, around: shapely.Geometry) -> None:
        self.source = source
        self.around = around
        shapely.prepare(around)
        self.polygons = {row["token"]: row for row in source.get("polygon", ())}
        self.lines = {row["token"]: row for row in source.get("line", ())}
        self.nodes = {row["token"]: (float(row["x"]) - origin_m[0], float(row["y"]) - origin_m[1]) for row in source["node"]}

    def rows(self, layer: str) -> Iterable[Mapping[str, Any]]:
        return self.source.get(layer) or ()

    def surface(self, layer: str) -> shapely.Geometry:
        """What a layer covers near the ego's path."""
        parts = []
        for row in self.rows(layer):
            for token in row.get("polygon_tokens") or [row["polygon_token"]]:
                parts.append(self.polygon(self.polygons[token]))
        near = [part for part in parts if self.around.intersects(part)]
        return polygonal(shapely.intersection(shapely.union_all(near), self.around))

    def polygon(self, row: Mapping[str, Any]) -> shapely.Geometry:
        outer = polygon(self.points(row["exterior_node_tokens"]))
        holes = [polygon(self.points(hole["node_tokens"])) for hole in row.get("holes") or ()]
        return outer.difference(shapely.union_all(holes)) if holes else outer

    def polylines(self, layer: str) -> list[np.ndarray]:
        """The lines of a layer, cut near the ego's path, longest parts first."""
        found = []
        for row in self.rows(layer):
            points = self.points(self.lines[row["line_token"]]["node_tokens"])
            if len(points) < 2:
                continue
            part = shapely.intersection(shapely.LineString(points), self.around)
            found += [
                shapely.get_coordinates(piece) for piece in shapely.get_parts(part) if piece.geom_type == "LineString" and piece.length > 0
            ]
        return found

    def count(self, layer: str) -> int:
        return sum(1 for _ in self.rows(layer))

    def points(self, tokens: Sequence[str]) -> np.ndarray:
        points = np.array([self.nodes[token] for token in tokens], np.float64).reshape(-1, 2)
        if not (np.abs(points) < FARTHEST_M).all():
            raise ValueError("a node is not a number within 10,000 km")
        return points


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        source = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(
            f"{path} is not a whole JSON file ({what_is_wrong(error)}): copy it again from the map expansion pack."
        ) from error
    if not isinstance(source, dict):
        raise FormatError(
            f"{path} holds a {type(source).__name__} where a map expansion is an object: copy it again from the map expansion pack."
        )
    return source
