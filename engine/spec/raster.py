"""Layout -> 15 multi-hot channels in the ego frame, at most a few milliseconds a frame.

The rules, in the order in which they are applied:

* **Areas**: a cell is set when its centre lies inside, even-odd over exterior and holes.
* **Lines**: a cell is set when its centre lies within half the width of the chain (round joins). The width counts as one
  voxel at least, which makes every line an 8-connected chain; a line too short to reach a centre sets the cell of its start.
* **Agents**: cell centres for the wide ones, coverage >= 1/4 (exact area) for `SMALL_AGENTS`; a footprint that overlaps the
  grid always sets at least the cell that it covers most.
* **Paint**, layer by layer: a cell takes part when 2 of its 4 quarter points fall on painted cells. Painted cells that no
  such cell comes near (itself and 8 neighbours) take their own cell with them, so that the smallest dab does not vanish.

Shapes without a height lie in the ego's ground plane (ego z = 0): the map between world xy and ego xy is the affine one of
that plane, so widths are measured on the road also where the road is steep. Boxes are moved by the full pose, as
`Box.moved` does. Nothing depends on the order of shapes, only paint keeps its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import shapely

from engine.spec import raster_kernels as kernels
from engine.spec.classes import AGENTS, CHANNEL, CHANNELS, SMALL_AGENTS
from engine.spec.geometry import Box, invert
from engine.spec.grid import GridSpec
from engine.spec.layout import PAINT_CELL_M, PAINT_TILE, Layout, Paint, Polygon, Polyline

_LEAST_COS_TILT = 0.5


def rasterise(layout: Layout, grid: GridSpec, world_SE3_ego: np.ndarray) -> np.ndarray:
    """uint8 (15, X, Y) of 0 and 1: what `layout` (world frame) is around the ego, in the ego frame.

    Packed shapes are cached by identity: frames that share their `polygons`, `polylines` and `Paint` objects share the work.
    Raises ValueError where a pose or a shape cannot be drawn (not finite, wrong shape, unknown class or channel).
    """
    plane = _ground_plane(grid, world_SE3_ego)
    out = np.zeros((len(CHANNELS), *grid.bev_shape), np.uint8)
    areas, lines = _pack_polygons(layout.polygons), _pack_polylines(layout.polylines)
    kernels.fill_areas(out, plane.world_to_cell, areas.points, areas.ring_starts, areas.area_starts, areas.channels, areas.bounds)
    radii = np.maximum(lines.widths_m / grid.voxel_m, 1.0) / 2
    kernels.draw_lines(out, plane.world_to_cell, lines.points, lines.starts, lines.channels, radii, lines.bounds)
    if layout.boxes:
        kernels.fill_boxes(out, *_pack_boxes(layout.boxes, grid, invert(world_SE3_ego)))
    for paint in layout.paint:
        tile_ij, tiles = _pack_paint(paint)
        if len(tiles):
            value = np.uint8(not paint.erases)
            kernels.paint(out[paint.channel], value, plane.world_to_cell, plane.cell_to_world, PAINT_CELL_M, tile_ij, tiles)
    return out


def box_footprint(box: Box, grid: GridSpec) -> np.ndarray:
    """bool (X, Y): the cells that `rasterise` gives a box of the ego frame."""
    out = np.zeros((1, *grid.bev_shape), np.uint8)
    boxes, channels, small = _pack_boxes((box,), grid, np.eye(4))
    kernels.fill_boxes(out, boxes, np.zeros_like(channels), small)
    return out[0].view(bool)


class _GroundPlane(NamedTuple):
    """Affine maps between world xy and cells (u, v) of the ego's ground plane."""

    world_to_cell: np.ndarray
    """float64 (8,): 2 x 2 matrix by rows, world xy of the ego's origin, cell of the ego's origin."""
    cell_to_world: np.ndarray
    """float64 (4,): the inverse of the 2 x 2 matrix, by rows."""


def _ground_plane(grid: GridSpec, world_SE3_ego: np.ndarray) -> _GroundPlane:
    pose = np.asarray(world_SE3_ego, np.float64)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise ValueError(f"The ego pose must be a finite 4 x 4 matrix, this one has shape {pose.shape}: mend the ego path.")
    if pose[2, 2] < _LEAST_COS_TILT:
        tilt = np.degrees(np.arccos(max(pose[2, 2], -1.0)))
        raise ValueError(f"The ego is tilted by {tilt:.0f} degrees, a layout is drawn up to 60: mend the ego path.")
    cell_to_world = pose[:2, :2] * grid.voxel_m
    ego_cell = -np.array(grid.origin_m[:2]) / grid.voxel_m - 0.5
    return _GroundPlane(np.concatenate([np.linalg.inv(cell_to_world).ravel(), pose[:2, 3], ego_cell]), cell_to_world.ravel())


class _Areas(NamedTuple):
    points: np.ndarray
    ring_starts: np.ndarray
    area_starts: np.ndarray
    channels: np.ndarray
    bounds: np.ndarray


class _Lines(NamedTuple):
    points: np.ndarray
    starts: np.ndarray
    channels: np.ndarray
    widths_m: np.ndarray
    bounds: np.ndarray


def _starts(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def _checked_points(points: np.ndarray, what: str) -> np.ndarray:
    points = np.ascontiguousarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"{what} has points of shape {points.shape}: they must be finite (N, 2) world metres.")
    return points


def _checked_channel(channel: int, what: str) -> int:
    if not 0 <= channel < len(CHANNELS):
        raise ValueError(f"{what} is of channel {channel}, channels go from 0 to {len(CHANNELS) - 1}: give it one of them.")
    return channel


# Shapes are frozen and compare by identity, so these caches are keyed by identity and hold what they know alive.
@lru_cache(maxsize=32)
def _pack_polygons(polygons: tuple[Polygon, ...]) -> _Areas:
    rings, rings_per_area, channels, bounds = [], [], [], []
    for polygon in polygons:
        area = [_checked_points(ring, "A polygon") for ring in (polygon.exterior_m, *polygon.holes_m)]
        area = [ring for ring in area if len(ring) > 2]
        if not area:
            continue
        rings += area
        rings_per_area.append(len(area))
        channels.append(_checked_channel(polygon.channel, "A polygon"))
        every = np.concatenate(area)
        bounds.append((*every.min(0), *every.max(0)))
    points = np.concatenate(rings) if rings else np.zeros((0, 2))
    ring_starts, area_starts = _starts([len(ring) for ring in rings]), _starts(rings_per_area)
    return _Areas(points, ring_starts, area_starts, np.array(channels, np.int64), np.array(bounds, np.float64).reshape(-1, 4))


@lru_cache(maxsize=32)
def _pack_polylines(polylines: tuple[Polyline, ...]) -> _Lines:
    chains, channels, widths = [], [], []
    for line in polylines:
        points = _checked_points(line.points_m, "A line")
        if not 0 <= line.width_m < np.inf:
            raise ValueError(f"A line is {line.width_m} m wide: give it a width of 0 m or more.")
        if len(points):
            chains.append(points)
            channels.append(_checked_channel(line.channel, "A line"))
            widths.append(line.width_m)
    bounds = np.array([(*chain.min(0), *chain.max(0)) for chain in chains], np.float64).reshape(-1, 4)
    points = np.concatenate(chains) if chains else np.zeros((0, 2))
    return _Lines(points, _starts([len(c) for c in chains]), np.array(channels, np.int64), np.array(widths, np.float64), bounds)


@lru_cache(maxsize=64)
def _pack_paint(paint: Paint) -> tuple[np.ndarray, np.ndarray]:
    """Indices int64 (K, 2) and cells bool (K, 64, 64) of the tiles that hold any paint."""
    _checked_channel(paint.channel, "A paint layer")
    painted = {index: tile for index, tile in paint.tiles.items() if np.any(tile)}
    if any(np.shape(tile) != (PAINT_TILE, PAINT_TILE) for tile in painted.values()):
        raise ValueError(f"A paint tile has another shape than ({PAINT_TILE}, {PAINT_TILE}): paint again.")
    tile_ij = np.array(list(painted), np.int64).reshape(-1, 2)
    return tile_ij, np.array(list(painted.values()), bool).reshape(-1, PAINT_TILE, PAINT_TILE)


def _pack_boxes(boxes: tuple[Box, ...], grid: GridSpec, ego_SE3_world: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of `kernels.fill_boxes`, channels and smallness; the whole fleet at once, by the rule of `Box.moved`."""
    for box in boxes:
        if box.class_name not in AGENTS:
            agents = ", ".join(AGENTS)
            raise ValueError(f"Box {box.instance_id} is a '{box.class_name}', agents are {agents}: give it one of these classes.")
    values = np.array([(*box.center_m, *box.size_m[:2], box.yaw_rad) for box in boxes], np.float64)
    if not np.isfinite(values).all():
        worst = boxes[int(np.flatnonzero(~np.isfinite(values).all(1))[0])]
        raise ValueError(f"Box {worst.instance_id} ({worst.class_name}) has a pose or size that is not a number: mend its track.")
    rotation = ego_SE3_world[:3, :3]
    centers = values[:, :3] @ rotation.T + ego_SE3_world[:3, 3]
    heading = np.stack([np.cos(values[:, 5]), np.sin(values[:, 5])], -1) @ rotation[:2, :2].T
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    cells = (centers[:, :2] - grid.origin_m[:2]) / grid.voxel_m - 0.5
    packed = np.concatenate([cells, values[:, 3:5] / 2 / grid.voxel_m, heading], 1)
    channels = np.array([CHANNEL[box.class_name] for box in boxes], np.int64)
    return packed, channels, np.array([box.class_name in SMALL_AGENTS for box in boxes])


def rasterise_slow(layout: Layout, grid: GridSpec, world_SE3_ego: np.ndarray) -> np.ndarray:
    """The same channels by the plainest means: what `rasterise` is tested against. Shapes as for `rasterise`."""
    to_cell, to_world = _ground_plane(grid, world_SE3_ego)
    matrix, world_origin, ego_cell = to_cell[:4].reshape(2, 2), to_cell[4:6], to_cell[6:]
    nx, ny = grid.bev_shape
    i, j = np.meshgrid(np.arange(nx), np.arange(ny), indexing="ij")
    out = np.zeros((len(CHANNELS), nx, ny), np.uint8)

    for polygon in layout.polygons:
        inside = np.zeros((nx, ny), bool)
        for ring in (polygon.exterior_m, *polygon.holes_m):
            cells = (ring - world_origin) @ matrix.T + ego_cell
            for (ua, va), (ub, vb) in zip(np.roll(cells, 1, 0), cells, strict=True):
                if ua != ub:
                    inside ^= ((ua >= i) != (ub >= i)) & (j >= va + (i - ua) * (vb - va) / (ub - ua))
        out[polygon.channel] |= inside

    for line in layout.polylines:
        if len(line.points_m) == 0:
            continue
        cells = (line.points_m - world_origin) @ matrix.T + ego_cell
        chain = shapely.LineString(cells if len(cells) > 1 else np.repeat(cells, 2, 0))
        radius = max(line.width_m / grid.voxel_m, 1.0) / 2
        near = shapely.distance(shapely.points(i, j), chain) <= radius + kernels.EDGE
        own = np.floor(cells[0] + 0.5).astype(int)
        if not near.any() and (own >= 0).all() and (own < (nx, ny)).all():
            near[tuple(own)] = True
        out[line.channel] |= near

    for box in layout.boxes:
        box = box.moved(invert(world_SE3_ego))
        corners = (box.corners_bev_m() - grid.origin_m[:2]) / grid.voxel_m - 0.5
        coverage = shapely.area(shapely.intersection(shapely.box(i - 0.5, j - 0.5, i + 0.5, j + 0.5), shapely.Polygon(corners)))
        offset = np.stack([i, j], -1) - corners.mean(0)
        if box.class_name in SMALL_AGENTS:
            inside = coverage >= kernels.SMALL_AGENT_COVERAGE - kernels.EDGE
        else:
            inside = np.ones((nx, ny), bool)
            for side in ((corners[0] - corners[3]) / 2, (corners[0] - corners[1]) / 2):
                inside &= np.abs(offset @ side) <= side @ side + kernels.EDGE * np.linalg.norm(side)
        if not inside.any() and coverage.max() > 0:
            inside[np.unravel_index(np.argmax(coverage > coverage.max() - kernels.EDGE), (nx, ny))] = True
        out[CHANNEL[box.class_name]] |= inside

    for layer in layout.paint:
        out[layer.channel, _covered_by_paint(layer, grid, to_cell, to_world.reshape(2, 2))] = not layer.erases
    return out


def _covered_by_paint(layer: Paint, grid: GridSpec, to_cell: np.ndarray, to_world: np.ndarray) -> np.ndarray:
    matrix, world_origin, ego_cell = to_cell[:4].reshape(2, 2), to_cell[4:6], to_cell[6:]
    painted = {(ti * PAINT_TILE + a, tj * PAINT_TILE + b) for (ti, tj), tile in layer.tiles.items() for a, b in np.argwhere(tile)}
    hits = np.zeros(grid.bev_shape, int)
    for i, j in np.ndindex(*grid.bev_shape):
        for du, dv in ((-0.25, -0.25), (-0.25, 0.25), (0.25, -0.25), (0.25, 0.25)):
            x, y = to_world @ ((i + du, j + dv) - ego_cell) + world_origin
            hits[i, j] += (int(np.floor(x / PAINT_CELL_M)), int(np.floor(y / PAINT_CELL_M))) in painted
    covered = hits >= 2
    rescued = np.zeros_like(covered)
    for a, b in painted:
        i, j = np.floor(matrix @ ((np.array([a, b]) + 0.5) * PAINT_CELL_M - world_origin) + ego_cell + 0.5).astype(int)
        if 0 <= i < grid.shape[0] and 0 <= j < grid.shape[1]:
            rescued[i, j] |= not covered[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].any()
    return covered | rescued
