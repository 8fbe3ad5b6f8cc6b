"""The loops of the voxeliser. `engine.data.voxelise` is the only caller and says what the arrays are.

`x0, y0, z0, v, pose` are the grid's origin, its voxel and world_SE3_ego; `sx0, sy0, cell` place the static raster.
"""

from __future__ import annotations

import numpy as np
from numba import njit

import engine.spec  # noqa: F401  (sets numba's threading layer)
from engine.data.shapes import agent_span
from engine.spec.classes import CHANNEL, CLASS, FREE

_DRIVABLE, _CROSSING, _WALKWAY = CHANNEL["drivable_area"], CHANNEL["ped_crossing"], CHANNEL["walkway"]
_ROAD_DIVIDER, _LANE_DIVIDER = CHANNEL["road_divider"], CHANNEL["lane_divider"]
_C_DRIVABLE, _C_CROSSING, _C_SIDEWALK = CLASS["driveable_surface"], CLASS["ped_crossing"], CLASS["sidewalk"]
_C_ROAD_DIVIDER, _C_LANE_DIVIDER = CLASS["road_divider"], CLASS["lane_divider"]
_C_FLAT, _C_MANMADE = CLASS["other_flat"], CLASS["manmade"]

_LARGE_FIRST = "bus", "trailer", "truck", "construction_vehicle", "car", "barrier", "motorcycle", "bicycle", "traffic_cone", "pedestrian"
_DRAW_ORDER = np.array([CHANNEL[name] for name in _LARGE_FIRST])
"""Where painted agents share a column, each later one starts a voxel higher, so that all of them can be seen."""
_HEADROOM_DM = 24
"""Over roads and agents only what hangs at least this high is kept, in decimetres."""
_FACADE_M = 0.8
_ROOFED_M = 5.0
"""Buildings lower than this get a roof; those above it end beyond the usual grid."""


@njit(cache=True)
def _outside(boxes, row, x, y):
    """Metres by which a point lies outside a box (negative inside), as the larger of its two axes' overshoots."""
    dx, dy = x - boxes[row, 2], y - boxes[row, 3]
    c, s = np.cos(boxes[row, 4]), np.sin(boxes[row, 4])
    return max(abs(c * dx + s * dy) - boxes[row, 5] / 2, abs(c * dy - s * dx) - boxes[row, 6] / 2)


@njit(cache=True, nogil=True)
def own(layout, boxes, owner, margin, x0, y0, v):
    """Gives every marked agent cell to the box of its class that it lies deepest in, or nearest to within the margin."""
    nx, ny = layout.shape[1:]
    for row in range(len(boxes)):
        channel = int(boxes[row, 1])
        x, y = boxes[row, 2], boxes[row, 3]
        c, s = abs(np.cos(boxes[row, 4])), abs(np.sin(boxes[row, 4]))
        reach_x = (c * boxes[row, 5] + s * boxes[row, 6]) / 2 + margin * 1.5
        reach_y = (s * boxes[row, 5] + c * boxes[row, 6]) / 2 + margin * 1.5
        for i in range(max(0, int(np.floor((x - reach_x - x0) / v))), min(nx, int(np.floor((x + reach_x - x0) / v)) + 1)):
            for j in range(max(0, int(np.floor((y - reach_y - y0) / v))), min(ny, int(np.floor((y + reach_y - y0) / v)) + 1)):
                if layout[channel, i, j]:
                    px, py = x0 + (i + 0.5) * v, y0 + (j + 0.5) * v
                    d = _outside(boxes, row, px, py)
                    if d <= margin:
                        other = owner[channel, i, j]
                        if other < 0 or d < _outside(boxes, other, px, py):
                            owner[channel, i, j] = row


@njit(cache=True, nogil=True)
def building_parts(nx, ny, x0, y0, z0, v, pose, buildings):
    """int16 (X, Y): k + 1 in the walls of building k, -(k + 1) inside it, 0 elsewhere. Inside of one wins over another's wall."""
    parts = np.zeros((nx, ny), np.int16)
    det = pose[0, 0] * pose[1, 1] - pose[0, 1] * pose[1, 0]
    turn = np.arctan2(pose[1, 0], pose[0, 0])
    for k in range(len(buildings)):
        dx, dy = buildings[k, 0] - pose[0, 3], buildings[k, 1] - pose[1, 3]
        x, y = (pose[1, 1] * dx - pose[0, 1] * dy) / det, (pose[0, 0] * dy - pose[1, 0] * dx) / det
        c, s = np.cos(buildings[k, 2] - turn), np.sin(buildings[k, 2] - turn)
        length, width = buildings[k, 3], buildings[k, 4]
        reach_x, reach_y = (abs(c) * length + abs(s) * width) / 2, (abs(s) * length + abs(c) * width) / 2
        for i in range(max(0, int(np.floor((x - reach_x - x0) / v))), min(nx, int(np.floor((x + reach_x - x0) / v)) + 1)):
            for j in range(max(0, int(np.floor((y - reach_y - y0) / v))), min(ny, int(np.floor((y + reach_y - y0) / v)) + 1)):
                dx, dy = x0 + (i + 0.5) * v - x, y0 + (j + 0.5) * v - y
                depth = min(length / 2 - abs(c * dx + s * dy), width / 2 - abs(c * dy - s * dx))
                if depth >= _FACADE_M:
                    parts[i, j] = -(k + 1)
                elif depth >= 0 and parts[i, j] == 0:
                    parts[i, j] = k + 1
    return parts


@njit(cache=True, nogil=True)
def lay_ground_and_statics(
    semantics, layout, taken, walls, ground_z, x0, y0, z0, v, pose, sx0, sy0, cell, s_ground, s_volume, s_crown, seen, buildings
):
    """Ground of every column (the map's, else the world's), then what stands on it and hangs above it."""
    nx, ny, nz = semantics.shape
    width, height = s_ground.shape
    for i in range(nx):
        for j in range(ny):
            g = _ground_voxel(ground_z[i, j], z0, v, nz)
            ground = _map_class(layout, i, j)
            road = ground == _C_DRIVABLE or _C_CROSSING <= ground < FREE
            x, y = x0 + (i + 0.5) * v, y0 + (j + 0.5) * v
            # tilt of a few degrees moves a ground point by centimetres: the column is looked up where it meets z = 0
            wi = int(np.floor((pose[0, 0] * x + pose[0, 1] * y + pose[0, 3] - sx0) / cell))
            wj = int(np.floor((pose[1, 0] * x + pose[1, 1] * y + pose[1, 3] - sy0) / cell))
            if 0 <= wi < width and 0 <= wj < height:
                part = walls[i, j]
                if part != 0 and not taken[i, j] and ground == FREE and seen[wi, wj]:
                    tall = buildings[abs(part) - 1, 5]
                    if part > 0:
                        ground = _C_FLAT
                        _stack(semantics, i, j, g, v, _C_MANMADE, 0.0, tall, nz)
                    elif tall < _ROOFED_M:
                        _stack(semantics, i, j, g, v, _C_MANMADE, tall - v, tall, nz)
                elif ground == FREE and part == 0:
                    ground = s_ground[wi, wj]
                if part == 0:
                    for layer in range(2):
                        body = s_volume[wi, wj] if layer == 0 else s_crown[wi, wj]
                        if body[2] > 0 and (body[1] >= _HEADROOM_DM or not (taken[i, j] or road)):
                            _stack(semantics, i, j, g, v, body[0], body[1] * 0.1, body[2] * 0.1, nz)
            if ground != FREE:
                semantics[i, j, g] = ground


@njit(cache=True, nogil=True)
def raise_posts(semantics, layout, taken, ground_z, x0, y0, z0, v, pose, posts):
    nx, ny, nz = semantics.shape
    det = pose[0, 0] * pose[1, 1] - pose[0, 1] * pose[1, 0]
    for k in range(len(posts)):
        dx, dy = posts[k, 0] - pose[0, 3], posts[k, 1] - pose[1, 3]
        i = int(np.floor(((pose[1, 1] * dx - pose[0, 1] * dy) / det - x0) / v))
        j = int(np.floor(((pose[0, 0] * dy - pose[1, 0] * dx) / det - y0) / v))
        if 0 <= i < nx and 0 <= j < ny:
            ground = _map_class(layout, i, j)
            road = ground == _C_DRIVABLE or _C_CROSSING <= ground < FREE
            if posts[k, 3] >= _HEADROOM_DM or not (road or taken[i, j]):
                g = _ground_voxel(ground_z[i, j], z0, v, nz)
                _stack(semantics, i, j, g, v, int(posts[k, 2]), posts[k, 3] * 0.1, posts[k, 4] * 0.1, nz)


@njit(cache=True, nogil=True)
def place_agents(semantics, instances, owner, boxes, ground_z, x0, y0, z0, v):
    """Every owned cell gets its agent from the voxel above the ground up to the agent's height there."""
    nx, ny, nz = semantics.shape
    for i in range(nx):
        for j in range(ny):
            rank = 0
            for channel in _DRAW_ORDER:
                row = owner[channel, i, j]
                if row < 0:
                    continue
                base = _ground_voxel(ground_z[i, j], z0, v, nz) + 1
                dx, dy = x0 + (i + 0.5) * v - boxes[row, 2], y0 + (j + 0.5) * v - boxes[row, 3]
                c, s = np.cos(boxes[row, 4]), np.sin(boxes[row, 4])
                instance = int(boxes[row, 0])
                bottom, top = agent_span(channel, c * dx + s * dy, c * dy - s * dx, boxes[row, 5], boxes[row, 6], boxes[row, 7], instance)
                low = base + rank + int(np.floor(bottom / v + 0.5))
                high = max(low, base - 1 + int(np.floor(top / v + 0.25)))
                for k in range(min(low, nz - 1), min(high + 1, nz)):
                    semantics[i, j, k] = channel + 1
                    instances[i, j, k] = instance
                rank += 1


@njit(cache=True)
def _ground_voxel(z, z0, v, nz):
    """Index of the voxel that holds the ground; a hill that leaves the grid is cut at its floor, or below its ceiling."""
    return min(max(int(np.floor((z - z0) / v + 1e-6)), 0), nz - 4)


@njit(cache=True)
def _map_class(layout, i, j):
    """A cell of several map channels shows its thinnest: lines, then crossing, then areas.

    Lines over crossings agree better with the layout than crossings over lines (99.6 against 99.3 mIoU on 60 worlds).
    """
    if layout[_ROAD_DIVIDER, i, j]:
        return _C_ROAD_DIVIDER
    if layout[_LANE_DIVIDER, i, j]:
        return _C_LANE_DIVIDER
    if layout[_CROSSING, i, j]:
        return _C_CROSSING
    if layout[_DRIVABLE, i, j]:
        return _C_DRIVABLE
    if layout[_WALKWAY, i, j]:
        return _C_SIDEWALK
    return FREE


@njit(cache=True)
def _stack(semantics, i, j, g, v, label, bottom_m, top_m, nz):
    """Voxels above the ground voxel whose centres lie between bottom and top; at least one."""
    low = g + 1 + int(np.floor(bottom_m / v + 0.5))
    high = max(low, g + int(np.floor(top_m / v + 0.25)))
    for k in range(max(low, 0), min(high + 1, nz)):
        semantics[i, j, k] = label
