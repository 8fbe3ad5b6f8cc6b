"""T4's map, Lanelet2 in OSM's XML with Autoware's local_x and local_y -> areas and lines around the ego's path."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import shapely

from editor.formats.nuscenes.map import FARTHEST_M, NO_CHANNEL, REACH_M, SceneMap
from editor.formats.opendrive.xml import read_xml
from editor.formats.report import MALFORMED, Dropped, FormatError, what_is_wrong
from editor.formats.shapes import areas, lines, polygon, polygonal, walkways, without_doubles

DRIVABLE = ("road", "highway", "road_shoulder", "bus_lane", "bicycle_lane", "play_street", "emergency_lane", "exit")
WALKABLE = ("walkway", "shared_walkway", "pedestrian_lane")
CHANNEL_OF = {"crosswalk": "ped_crossing"} | dict.fromkeys(DRIVABLE, "drivable_area") | dict.fromkeys(WALKABLE, "walkway")
"""Subtype of a lanelet -> channel; others are dropped and counted."""
INCOMPLETE = "lanelet whose borders are not whole"


def read_lanelet2(path: Path, ego_path_m: np.ndarray, origin_m: np.ndarray) -> SceneMap:
    """Areas and lines in the world frame, within REACH_M of the ego's path (N, 2). Raises FormatError where there is no road."""
    root = read_xml(path, "a Lanelet2 .osm file")
    if root.tag != "osm" or next(root.iter("relation"), None) is None:
        raise FormatError(f"{path} is <{root.tag}> without lanelets, not a Lanelet2 map: give a Lanelet2 .osm file.")
    try:
        ways = _ways(root, origin_m)
        if not ways:
            raise ValueError("no border in it has them")
        around = shapely.MultiPoint(ego_path_m).convex_hull.buffer(REACH_M)
        surfaces: dict[str, list[shapely.Geometry]] = {"drivable_area": [], "ped_crossing": [], "walkway": []}
        borders: dict[str, list[str]] = {}
        dropped: dict[str, int] = {}
        for relation in root.iter("relation"):
            tags = _tags(relation)
            if tags.get("type") != "lanelet":
                continue
            sides = {member.get("role"): member.get("ref", "") for member in relation.iter("member") if member.get("type") == "way"}
            channel = CHANNEL_OF.get(tags.get("subtype", ""))
            if channel is None:
                kind = f"lanelet '{tags.get('subtype', '')[:40]}'"
                dropped[kind] = dropped.get(kind, 0) + 1
                continue
            left, right = (ways.get(sides.get(side, "")) for side in ("left", "right"))
            if left is None or right is None:
                dropped[INCOMPLETE] = dropped.get(INCOMPLETE, 0) + 1
                continue
            surfaces[channel].append(_between(left, right))
            if channel == "drivable_area":
                for side in ("left", "right"):
                    borders.setdefault(sides[side], []).append(side)
    except MALFORMED as error:
        raise FormatError(f"{path} is not a Lanelet2 map with local_x and local_y ({what_is_wrong(error)}): export it again.") from error
    found = {channel: polygonal(shapely.intersection(shapely.union_all(parts), around)) for channel, parts in surfaces.items()}
    if found["drivable_area"].is_empty:
        raise FormatError(f"{path} has no road within {REACH_M:g} m of the ego's path: give the map of this scene with --map.")
    # A line between two lanelets lies on one's left and on the other's right where they go the same way.
    divide: dict[str, list[np.ndarray]] = {"road_divider": [], "lane_divider": []}
    for way, sides_of in borders.items():
        if len(sides_of) > 1:
            divide["road_divider" if len(set(sides_of)) == 1 else "lane_divider"] += _cut(ways[way], around)
    road = without_doubles(divide["road_divider"])
    lane = without_doubles(divide["lane_divider"], road)
    shapes = [
        *areas(found["drivable_area"], "drivable_area", "drivable", "imported"),
        *areas(found["ped_crossing"], "ped_crossing", "crossing", "imported"),
        *areas(found["walkway"], "walkway", "walkway", "imported"),
    ]
    notes = [f"The map is {path.name} (Lanelet2), cut {REACH_M:g} m around the ego's path; its heights are left out."]
    if found["walkway"].is_empty:
        shapes += walkways(found["drivable_area"])
        notes.append("The map has no walkways here: derived as 2.5 m strips along the outside of the drivable area.")
    missing = tuple(Dropped(kind, count, "the map was cut out of a larger one" if kind == INCOMPLETE else NO_CHANNEL) for kind, count in dropped.items())
    return SceneMap(tuple(shapes), (*lines("road_divider", "road-divider", road), *lines("lane_divider", "lane-divider", lane)), tuple(notes), missing)


def _tags(element: Element) -> dict[str, str]:
    return {tag.get("k", ""): tag.get("v", "") for tag in element.findall("tag")}


def _ways(root: Element, origin_m: np.ndarray) -> dict[str, np.ndarray]:
    """Points (N, 2) of every way whose nodes are all there, in the world frame."""
    nodes = {}
    for node in root.iter("node"):
        tags = _tags(node)
        if "local_x" in tags and "local_y" in tags:
            nodes[node.get("id", "")] = (float(tags["local_x"]) - origin_m[0], float(tags["local_y"]) - origin_m[1])
    found = {}
    for way in root.iter("way"):
        refs = [nd.get("ref", "") for nd in way.findall("nd")]
        if not refs or any(ref not in nodes for ref in refs):
            continue
        points = np.array([nodes[ref] for ref in refs], np.float64)
        if not (np.abs(points) < FARTHEST_M).all():
            raise ValueError("a node is not a number within 10,000 km")
        found[way.get("id", "")] = points
    return found


def _between(left_m: np.ndarray, right_m: np.ndarray) -> shapely.Geometry:
    """What lies between two borders; maps draw either of them in either direction."""
    straight = np.linalg.norm(left_m[0] - right_m[0]) + np.linalg.norm(left_m[-1] - right_m[-1])
    crossed = np.linalg.norm(left_m[0] - right_m[-1]) + np.linalg.norm(left_m[-1] - right_m[0])
    return polygon(np.concatenate([left_m, right_m[::-1] if straight <= crossed else right_m]))


def _cut(points_m: np.ndarray, around: shapely.Geometry) -> list[np.ndarray]:
    if len(points_m) < 2:
        return []
    parts = shapely.get_parts(shapely.intersection(shapely.LineString(points_m), around))
    return [shapely.get_coordinates(part) for part in parts if part.geom_type == "LineString" and part.length > 0]
