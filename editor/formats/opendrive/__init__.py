"""An OpenDRIVE road network -> a Document with its map and an ego that drives along one of its lanes.

World frame: the file's inertial frame moved by whole metres. The scene is flat: elevation and superelevation are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.ops import substring

from editor.document import Document
from editor.entities import EgoPath, Keyframe
from editor.formats.opendrive.geometry import has_geometry
from editor.formats.opendrive.network import Network, extend, read_network
from editor.formats.opendrive.roads import RoadShapes, read_road
from editor.formats.opendrive.route import Route, find_route
from editor.formats.opendrive.xml import number, read_xml
from editor.formats.report import Dropped, FormatError, ImportReport, count_entities
from editor.formats.rigs import preset_cameras
from editor.formats.shapes import areas, lines, walkways, without_doubles
from editor.formats.tracks import choose_window, keyframes_in
from engine.spec.geometry import Pose

DURATION_S = 8.0
SPEED_M_S = 8.0
KEYFRAME_S = 0.25
LEAD_M = 40.0
"""Road left behind the ego at the start, where there is enough of it: half of grid 'occ3d'."""
SLIT_M = 0.02
"""Lanes that share an edge are drawn from the same stations; rounding leaves no gap wider than this."""


def read(source: Path, *, start_s: float, duration_s: float | None, map_path: Path | None) -> tuple[Document, ImportReport]:
    """Reads one .xodr. `start_s` and `duration_s` (default 8 s) are on the clock of the ego's drive along the longest road.

    Raises FormatError with a sentence where it cannot.
    """
    if map_path is not None:
        raise FormatError(f"An OpenDRIVE file is itself the map and cannot take {map_path}: leave --map out.")
    path = _file(source)
    root = read_xml(path)
    if root.tag != "OpenDRIVE":
        raise FormatError(f"{path} is <{root.tag}>, not <OpenDRIVE>: give an OpenDRIVE .xodr file.")
    try:
        elements = root.findall("road")
        drawn = [element for element in elements if has_geometry(element)] or elements
        roads = [read_road(element) for element in drawn]
        network = read_network(root, roads)
        heights = _has_heights(root)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    if not any(road.drivable for road in roads):
        raise FormatError(f"{path} has {len(roads)} roads and no lane to drive on: give a file with driving lanes.")

    needed_s = start_s + (DURATION_S if duration_s is None else duration_s)
    road, route, goes_on = _route(path, roads, network, SPEED_M_S * needed_s if np.isfinite(needed_s) else 0.0)
    where = "along the longest road" + (" and those that follow on it" if goes_on else "")
    origin = np.floor(route[0])
    drive = _drive(route - origin)
    duration_s = DURATION_S if duration_s is None else duration_s
    window = choose_window(f"The drive along the longest road of {path.name}", drive[-1].time_s, start_s, duration_s)
    ego = EgoPath(keyframes=keyframes_in(window, drive), source="derived")

    found, notes = _map(roads, origin)
    dropped = sum((road.dropped for road in roads), Counter())
    dropped += Counter({"road without a geometry": len(elements) - len(drawn)})
    cameras = preset_cameras("nuscenes6")
    entities = {entity.id: entity for entity in (*found, *cameras)}
    report = ImportReport(
        format="OpenDRIVE",
        source=path.name,
        duration_s=window.duration_s,
        origin_m=(float(origin[0]), float(origin[1]), 0.0),
        read={"road": len(roads)} | count_entities(entities.values()),
        dropped=tuple(Dropped(kind, count, "a layout has no channel for it") for kind, count in sorted(dropped.items())),
        notes=(
            f"World origin is at ({origin[0]:.0f}, {origin[1]:.0f}, 0) m of the map's frame.",
            f"The ego path was made up: {where} at {SPEED_M_S:g} m/s{', on the left' if road.left_hand else ''}. The map brings no agents.",
            *notes,
            *(("Elevation, superelevation and lane heights are left out: the scene is flat.",) if heights else ()),
            "The source has no cameras: they are the preset rig 'nuscenes6'.",
        ),
    )
    document = Document(path.stem, window.duration_s, ego=ego, entities=entities, notes=(*report.notes, *report.dropped_sentences()))
    return document, report


def _file(source: Path) -> Path:
    if source.is_file():
        return source
    found = sorted(path for path in source.iterdir() if path.suffix.lower() == ".xodr" and path.is_file())
    if len(found) != 1:
        raise FormatError(f"{source} holds {len(found)} .xodr files: point at one of them.")
    return found[0]


def _has_heights(root: Element) -> bool:
    tags = ("elevation", "superelevation", "shape")
    cubics = (number(element, name, 0.0) for tag in tags for element in root.iter(tag) for name in "abcd")
    return any(cubics) or root.find(".//height") is not None


def _map(roads: list[RoadShapes], origin: np.ndarray) -> tuple[list, list[str]]:
    """Areas per road and per junction, lines per road, in the world frame, and what was derived."""
    groups: dict[tuple[str, str], list[RoadShapes]] = defaultdict(list)
    for road in roads:
        groups[("junction", road.junction) if road.junction != "-1" else ("road", road.id)].append(road)
    everything = _joined([surface for road in roads for surface in road.drivable], origin)
    found = []
    for (kind, number_), members in groups.items():
        prefix = f"{kind}-{number_}"
        drivable = _joined([surface for road in members for surface in road.drivable], origin)
        found += areas(drivable, "drivable_area", f"{prefix}-drivable", "imported")
        # Connecting roads lay their pavements across each other's lanes; where one can drive is no walkway.
        pavement = _joined([surface for road in members for surface in road.walkable], origin).difference(everything)
        found += areas(pavement, "walkway", f"{prefix}-walkway", "imported")
    notes = []
    if not any(road.walkable for road in roads):
        found += walkways(everything)
        notes.append("The map has no sidewalks: derived as 2.5 m strips along the outside of the drivable area.")
    crosswalks = [surface for road in roads for surface in road.crosswalks]
    for index, surface in enumerate(crosswalks, 1):
        found += areas(translate(surface, -origin[0], -origin[1]), "ped_crossing", f"crossing-{index}", "imported")
    if not crosswalks:
        notes.append("The map has no crosswalk objects: there are no pedestrian crossings in the scene.")
    road_dividers = without_doubles([piece for road in roads for piece in _merged(road.road_dividers, origin)])
    lane_dividers = without_doubles([piece for road in roads for piece in _merged(road.lane_dividers, origin)], road_dividers)
    found += lines("road_divider", "road-divider", road_dividers)
    found += lines("lane_divider", "lane-divider", lane_dividers)
    return found, notes


def _joined(surfaces: list[shapely.Geometry], origin: np.ndarray) -> shapely.Geometry:
    """One geometry of surfaces that share edges, without the slits between them."""
    grown = shapely.union_all([surface.buffer(SLIT_M, join_style="mitre") for surface in surfaces])
    return translate(shapely.simplify(grown.buffer(-SLIT_M, join_style="mitre"), 0.01), -origin[0], -origin[1])


def _merged(pieces: list[np.ndarray], origin: np.ndarray) -> list[np.ndarray]:
    """The lines of one road, joined from lane section to lane section."""
    strings = [shapely.LineString(np.round(piece - origin, 3)) for piece in pieces]
    if not strings:
        return []
    merged = shapely.line_merge(shapely.MultiLineString(strings))
    return [shapely.get_coordinates(shapely.simplify(part, 0.01)) for part in shapely.get_parts(merged)]


def _route(path: Path, roads: list[RoadShapes], network: Network, needed_m: float) -> tuple[RoadShapes, np.ndarray, bool]:
    """The road with the longest drive, outside junctions where there is one, and points (N, 2) along it in the direction of travel.

    Where it is shorter than `needed_m`, the drive goes on along the roads that follow, and the last of the three is True.
    """
    best: tuple[RoadShapes, Route] | None = None
    for road in sorted(roads, key=lambda road: (road.junction != "-1", -road.length_m)):
        if best and best[0].junction == "-1" != road.junction:
            break
        if best and 1.5 * road.length_m < best[1].length_m:
            continue
        route = find_route(road.lanes, road.left_hand)
        if route and (best is None or route.length_m > best[1].length_m):
            best = road, route
    if best is None:
        raise FormatError(f"{path} has no lane that is wide enough to drive on: give a file with driving lanes.")
    lead = min(LEAD_M, max(0.0, (best[1].length_m - SPEED_M_S * DURATION_S) / 2))
    points = extend(network, *best, lead + needed_m)
    line = shapely.LineString(points)
    return best[0], shapely.get_coordinates(substring(line, lead, line.length)), len(points) > len(best[1].points_m)


def _drive(route: np.ndarray) -> list[Keyframe]:
    """Keyframes along a route (N, 2) at SPEED_M_S, facing along it, from its start to its end."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(route, axis=0).T))])

    def at(distance: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(distance, along, route[:, axis]) for axis in (0, 1)], -1)

    distances = np.linspace(0.0, along[-1], max(int(np.ceil(along[-1] / (SPEED_M_S * KEYFRAME_S))), 1) + 1)
    behind, here, ahead = (at(np.clip(distances + step, 0, along[-1])) for step in (-0.5, 0.0, 0.5))
    yaw = np.arctan2(*(ahead - behind).T[::-1])
    rows = np.column_stack([distances / SPEED_M_S, here, yaw]).tolist()
    return [Keyframe(time_s, Pose(x, y, 0.0, heading)) for time_s, x, y, heading in rows]
