"""The layouts of all frames put together in the world -> nuScenes' map mask and map expansion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from engine.export.nuscenes.words import token
from engine.spec.classes import CHANNEL, MAP_CHANNELS
from engine.spec.grid import GridSpec
from engine.views.drawn.curves import resampled, smoothed
from engine.views.drawn.traces import chains

FRAME_STEP = 3
"""Every third frame votes: 4 Hz."""
MARGIN_M = 10.0
MASK_M = 0.1
"""A pixel of nuScenes' map masks."""
AREAS = ("drivable_area", "ped_crossing", "walkway")
LINES = ("road_divider", "lane_divider")
EMPTY_LAYERS = ("road_segment", "road_block", "lane", "lane_connector", "stop_line", "carpark_area", "traffic_light")
SMALLEST_M2 = 0.5
WAVES_M = 6.0
"""Shorter waves of a traced line are those of its cells."""


@dataclass(frozen=True, slots=True, eq=False)
class WorldMap:
    """Map channels on a raster in the world frame."""

    low_m: np.ndarray
    """(2,) corner of cell [0, 0] with the smallest coordinates, whole metres."""
    cell_m: float
    cells: dict[str, np.ndarray]
    """Channel -> bool (X, Y)."""

    @property
    def size_m(self) -> tuple[float, float]:
        count = next(iter(self.cells.values())).shape
        return count[0] * self.cell_m, count[1] * self.cell_m


def fuse(layouts: np.ndarray, world_SE3_ego: np.ndarray, grid: GridSpec) -> WorldMap:
    """What at least half of the frames that show a place have there; layouts (T, 15, X, Y), poses (T, 4, 4)."""
    cell = grid.voxel_m / 2
    corners = np.array([(x, y, 0.0) for x in (grid.origin_m[0], grid.upper_m[0]) for y in (grid.origin_m[1], grid.upper_m[1])])
    around = np.einsum("tij,nj->tni", world_SE3_ego[:, :2, :3], corners) + world_SE3_ego[:, None, :2, 3]
    low = np.floor(around.reshape(-1, 2).min(0) - MARGIN_M)
    count = np.ceil((around.reshape(-1, 2).max(0) + MARGIN_M - low) / cell).astype(int)
    shown = np.zeros(count, np.uint16)
    on = {name: np.zeros(count, np.uint16) for name in MAP_CHANNELS}
    for k in range(0, len(layouts), FRAME_STEP):
        first = np.maximum(((around[k].min(0) - low) / cell).astype(int), 0)
        last = np.minimum(((around[k].max(0) - low) / cell).astype(int) + 1, count)
        window = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        x, y = (low[a] + (np.arange(first[a], last[a]) + 0.5) * cell - world_SE3_ego[k, a, 3] for a in (0, 1))
        yaw = np.arctan2(world_SE3_ego[k, 1, 0], world_SE3_ego[k, 0, 0])
        c, s = np.cos(yaw), np.sin(yaw)
        i = np.floor((c * x[:, None] + s * y[None] - grid.origin_m[0]) / grid.voxel_m).astype(int)
        j = np.floor((-s * x[:, None] + c * y[None] - grid.origin_m[1]) / grid.voxel_m).astype(int)
        inside = (i >= 0) & (j >= 0) & (i < grid.shape[0]) & (j < grid.shape[1])
        shown[window] += inside
        i, j = np.where(inside, i, 0), np.where(inside, j, 0)
        for name, votes in on.items():
            votes[window] += inside & (layouts[k, CHANNEL[name]][i, j] > 0)
    return WorldMap(low, cell, {name: (votes > 0) & (2 * votes >= shown) for name, votes in on.items()})


def mask(world: WorldMap) -> np.ndarray:
    """nuScenes' semantic prior, uint8 (rows, columns) of MASK_M, 255 on roads and walkways; its first row is the northern edge."""
    on = world.cells["drivable_area"] | world.cells["walkway"]
    times = round(world.cell_m / MASK_M)
    return np.repeat(np.repeat(on.T[::-1].astype(np.uint8) * 255, times, 0), times, 1)


def expansion(world: WorldMap, seed: str) -> dict[str, Any]:
    """The map expansion, version 1.3, with coordinates from the mask's south-western corner on."""
    content: dict[str, Any] = {"version": "1.3", "canvas_edge": list(world.size_m), "polygon": [], "line": [], "node": []}
    content |= {name: [] for name in (*AREAS, *LINES, *EMPTY_LAYERS)} | {"arcline_path_3": {}, "connectivity": {}}

    def nodes(points: np.ndarray) -> list[str]:
        first = len(content["node"])
        rows = [{"token": token(seed, "node", first + k), "x": float(x), "y": float(y)} for k, (x, y) in enumerate(points)]
        content["node"] += rows
        return [row["token"] for row in rows]

    for name in AREAS:
        for polygon in polygons(world.cells[name], world.cell_m):
            row = {
                "token": token(seed, "polygon", len(content["polygon"])),
                "exterior_node_tokens": nodes(shapely.get_coordinates(polygon.exterior)[:-1]),
                "holes": [{"node_tokens": nodes(shapely.get_coordinates(hole)[:-1])} for hole in polygon.interiors],
            }
            content["polygon"].append(row)
            where: dict[str, Any] = {"polygon_tokens": [row["token"]]} if name == "drivable_area" else {"polygon_token": row["token"]}
            content[name].append({"token": token(seed, name, len(content[name])), **where})
    for name in LINES:
        for points in polylines(world.cells[name], world.cell_m):
            line = {"token": token(seed, "line", len(content["line"])), "node_tokens": nodes(points)}
            content["line"].append(line)
            more: dict[str, Any] = {"road_segment_token": ""} if name == "road_divider" else {"lane_divider_segments": []}
            content[name].append({"token": token(seed, name, len(content[name])), "line_token": line["token"], **more})
    return content


def polygons(cells: np.ndarray, cell_m: float) -> Iterable[shapely.Polygon]:
    """What a raster (X, Y) covers, in metres from its corner, stairs of its cells drawn out straight."""
    edges = np.diff(np.pad(cells, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    x, first = np.nonzero(edges > 0)
    _, last = np.nonzero(edges < 0)
    stairs = shapely.union_all(shapely.box(x * cell_m, first * cell_m, (x + 1) * cell_m, last * cell_m))
    # Cells that touch at a corner only belong together, as they do to a hand that paints.
    joined = stairs.buffer(cell_m / 20, join_style="mitre").buffer(-cell_m / 20, join_style="mitre")
    for part in shapely.get_parts(shapely.simplify(joined, 2 * cell_m)):
        if part.geom_type == "Polygon" and part.area >= SMALLEST_M2:
            yield part


def polylines(cells: np.ndarray, cell_m: float) -> Iterable[np.ndarray]:
    """The middles (N, 2) of the thin things of a raster (X, Y), in metres from its corner."""
    for chain in chains(cells):
        points = (chain + 0.5) * cell_m
        if np.hypot(*np.diff(points, axis=0).T).sum() < 1.0:
            continue
        even = resampled(points, 0.5)
        line = shapely.simplify(shapely.LineString(smoothed(even, np.ones(len(even)), WAVES_M, 0.5)), 0.05)
        yield shapely.get_coordinates(line)
