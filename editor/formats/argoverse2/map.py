"""The map folder of an Argoverse 2 log: vector map -> areas and lines, ground raster -> Ground."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from editor.document import Ground
from editor.entities import Area, Line
from editor.formats.report import MALFORMED, Dropped, FormatError, what_is_wrong
from editor.formats.shapes import areas, lines, polygon, walkways, without_doubles

UNPAINTED = ("NONE", "UNKNOWN")
FARTHEST_M = 1e7
FARTHEST_MAP_M = 100.0
"""A log starts on its map, or on a car park beside it."""
GROUND_REACH_M = 75.0
"""Ground kept around the ego path: the farthest corner of grid 'nucraft' is 72.4 m from the ego."""
GROUND_CELL_M = 0.6
LONGEST_DRIVE_M = 3000.0
"""A log is less than a minute long."""


@dataclass(frozen=True, slots=True)
class VectorMap:
    areas: tuple[Area, ...]
    lines: tuple[Line, ...]
    dropped: tuple[Dropped, ...]


def find_map(log: Path, map_path: Path | None) -> Path:
    """The vector map of a log, or the one that `map_path` (a file or a folder) names."""
    place = map_path or log / "map"
    if place.is_file():
        return place
    found = sorted(place.glob("log_map_archive_*.json"))
    if not found:
        raise FormatError(f"{place} holds no log_map_archive_*.json, so {log.name} has no map: give the log's map folder with --map.")
    return found[0]


def read_vector_map(path: Path, origin_m: np.ndarray) -> VectorMap:
    """Areas and lines in the world frame (city frame minus `origin_m`, where the ego starts)."""
    source = _read_json(path)
    try:
        drivable = [polygon(_points(row["area_boundary"], origin_m)) for row in source["drivable_areas"].values()]
        crossings = [_crossing(row, origin_m) for row in source["pedestrian_crossings"].values()]
        road, lane, unpainted = _dividers(source["lane_segments"], origin_m)
    except MALFORMED as error:
        raise FormatError(f"{path} is not an Argoverse 2 vector map ({what_is_wrong(error)}): give a log_map_archive_*.json.") from error
    whole = shapely.union_all(drivable)
    if whole.is_empty:
        raise FormatError(f"{path} has no drivable area, so there is no road in it: give the map of this log with --map.")
    if (away_m := whole.distance(shapely.Point(0.0, 0.0))) > FARTHEST_MAP_M:
        raise FormatError(
            f"{path} is the map of another place, {away_m:.0f} m from where the ego starts: give the map of this log with --map."
        )
    kept = [
        *(area for number, part in enumerate(drivable, 1) for area in areas(part, "drivable_area", f"drivable-{number}", "imported")),
        *(area for number, part in enumerate(crossings, 1) for area in areas(part, "ped_crossing", f"crossing-{number}", "imported")),
        *walkways(whole),
    ]
    dividers = (*lines("road_divider", "road-divider", road), *lines("lane_divider", "lane-divider", lane))
    dropped = (
        Dropped("lane segment", len(source["lane_segments"]), "a layout has no lane graph; their painted boundaries became lines"),
        Dropped("unpainted lane boundary", unpainted, "marked NONE or UNKNOWN, so there is no line to see"),
    )
    return VectorMap(tuple(kept), dividers, tuple(row for row in dropped if row.count))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        source = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not a whole JSON file ({error}): copy it again from the data set.") from error
    if not isinstance(source, dict):
        raise FormatError(f"{path} holds a {type(source).__name__} where Argoverse 2 writes an object: copy it again from the data set.")
    return source


def _points(rows: list[dict[str, float]], origin_m: np.ndarray) -> np.ndarray:
    points = np.array([[row["x"], row["y"]] for row in rows], np.float64) - origin_m[:2]
    if not (np.abs(points) < FARTHEST_M).all():
        raise ValueError("a map point is not a number within 10,000 km")
    return points


def _crossing(row: dict[str, Any], origin_m: np.ndarray) -> shapely.Geometry:
    """The area between a crossing's two edges. They run the same way as a rule: of both readings, the one that does not cross itself."""
    first, second = _points(row["edge1"], origin_m), _points(row["edge2"], origin_m)
    rings = [np.concatenate([first, second[::-1]]), np.concatenate([first, second])]
    return polygon(max(rings, key=lambda ring: shapely.Polygon(ring).is_valid))


def _dividers(lane_segments: dict[str, Any], origin_m: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], int]:
    """Painted boundaries as road dividers and lane dividers, each once, and the number of unpainted ones."""
    marks: dict[tuple, list[tuple[bool, str]]] = defaultdict(list)
    for row in lane_segments.values():
        for side in ("left", "right"):
            points = np.round(_points(row[f"{side}_lane_boundary"], origin_m), 2)
            forward, backward = tuple(map(tuple, points)), tuple(map(tuple, points[::-1]))
            marks[min(forward, backward)].append((forward <= backward, row[f"{side}_lane_mark_type"]))
    road, lane, unpainted = [], [], 0
    for points, uses in marks.items():
        painted = [mark for _, mark in uses if mark not in UNPAINTED]
        if not painted:
            unpainted += 1
            continue
        # Boundaries run along their lane: one that lanes use both ways lies between opposite directions, whatever its colour.
        opposite = len({forward for forward, _ in uses}) == 2
        (road if opposite or any("YELLOW" in mark for mark in painted) else lane).append(np.array(points))
    road = without_doubles(road)
    return road, without_doubles(lane, road), unpainted


def read_ground(folder: Path, path_xy_m: np.ndarray, origin_m: np.ndarray) -> Ground | None:
    """Ground height around an ego path (N, 2, city frame), in the world frame; None where the log has no raster."""
    rasters, frames = sorted(folder.glob("*_ground_height_surface_*.npy")), sorted(folder.glob("*img_Sim2_city.json"))
    if not rasters or not frames:
        return None
    try:
        raster = np.load(rasters[0], allow_pickle=False)
        frame = _read_json(frames[0])
        rotation, shift, scale = np.array(frame["R"], np.float64).reshape(2, 2), np.array(frame["t"], np.float64), float(frame["s"])
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{rasters[0]} or its {frames[0].name} cannot be read ({error}): copy both again, or remove both.") from error
    if raster.ndim != 2 or not (np.isfinite(rotation).all() and np.isfinite(shift).all() and np.isfinite(scale) and scale > 0):
        raise FormatError(f"{rasters[0]} of shape {raster.shape} and {frames[0].name} do not make a ground raster: copy both again.")
    if np.ptp(path_xy_m, axis=0).max() > LONGEST_DRIVE_M:
        raise FormatError(f"The ego's path spans {np.ptp(path_xy_m, axis=0).max() / 1000:.0f} km, which no log does: copy its poses again.")
    low = np.floor(path_xy_m.min(0) - GROUND_REACH_M)
    cells = np.ceil((path_xy_m.max(0) + GROUND_REACH_M - low) / GROUND_CELL_M).astype(int)
    # The raster is finer than our cells: each cell is the mean of the 2 x 2 samples in it that are known.
    x, y = (low[axis] + (np.arange(2 * cells[axis]) + 0.5) * GROUND_CELL_M / 2 for axis in (0, 1))
    samples = sample_ground(raster, rotation, shift, scale, np.stack(np.meshgrid(x, y, indexing="ij"), -1).reshape(-1, 2))
    blocks = samples.reshape(cells[0], 2, cells[1], 2).transpose(0, 2, 1, 3).reshape(*cells, 4)
    known = np.isfinite(blocks)
    count = known.sum(-1)
    mean = np.divide(np.where(known, blocks, 0).sum(-1), count, out=np.full(cells, np.nan), where=count > 0)
    height = (mean - origin_m[2]).astype(np.float32)
    height.setflags(write=False)
    corner = low - origin_m[:2] + GROUND_CELL_M / 2
    return Ground((float(corner[0]), float(corner[1])), GROUND_CELL_M, height)


def sample_ground(raster: np.ndarray, rotation: np.ndarray, shift: np.ndarray, scale: float, points_m: np.ndarray) -> np.ndarray:
    """Height (N,) float64 under city points (N, 2); NaN outside. Rows are along the raster frame's y, columns along x."""
    column_row = np.floor((points_m @ rotation.T + shift) * scale).astype(int)
    column, row = column_row.T
    inside = (row >= 0) & (row < raster.shape[0]) & (column >= 0) & (column < raster.shape[1])
    heights = np.full(len(points_m), np.nan)
    heights[inside] = raster[row[inside], column[inside]]
    return heights


def ground_under(ground: Ground, points_m: np.ndarray) -> np.ndarray:
    """World height (N,) float64 of the ground under world points (N, 2); NaN where unknown."""
    return sample_ground(ground.height_m.T, np.eye(2), ground.cell_m / 2 - np.array(ground.origin_m), 1 / ground.cell_m, points_m)
