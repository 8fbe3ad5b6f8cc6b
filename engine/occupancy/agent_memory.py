"""What agents of a rollout look like: as in the frame that first saw most of them, carried in the frame of their own box.

What stands still is drawn once and held on key grids; an agent is drawn once too and driven through the frames that follow. The layout
decides which columns are its, the decoder how high it stands, the frame that first saw it what fills it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from engine.occupancy.static_world import Seen
from engine.spec.classes import AGENTS, CLASS, FREE, GROUND, IS_AGENT
from engine.spec.geometry import Box
from engine.spec.grid import GridSpec
from engine.spec.raster import box_footprint

MARGIN_CELLS = 1
"""Around its columns a shape answers with the nearest of them."""
MORE = 0.01
"""An agent is looked at anew where so much more of its footprint lies in the grid than in the frame it is known from."""


Own = tuple[Box, np.ndarray]
"""A box, and the columns (N, 2) that are painted for it and for no other; N > 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One agent as a frame showed it."""

    box: Box
    """In the ego frame of that moment."""
    voxels: np.ndarray
    """bool (x, y, Z) of a window of that frame's grid; a column without the agent has those of the nearest with it."""
    corner: np.ndarray
    """int (2,): the window's first column in the grid."""
    bottom: int
    """Layer on which most of its columns begin."""
    share: float
    """Of its footprint, how much lay in the grid."""

    def at(self, columns: np.ndarray, box: Box, bottom: int, grid: GridSpec) -> np.ndarray:
        """bool (N, Z): what stands in the columns (N, 2) of a frame in which the agent has this box and begins on this layer."""
        turn = self.box.yaw_rad - box.yaw_rad
        apart = (columns + 0.5) * grid.voxel_m + grid.origin_m[:2] - box.center_m[:2]                    # (N, 2)
        c, s = np.cos(turn), np.sin(turn)
        there = apart @ np.array([[c, s], [-s, c]]) + self.box.center_m[:2]                               # (N, 2)
        cell = np.floor((there - grid.origin_m[:2]) / grid.voxel_m + 1e-6).astype(int) - self.corner      # (N, 2)
        cell = np.clip(cell, 0, np.array(self.voxels.shape[:2]) - 1)
        raised = bottom - self.bottom
        found, heights = self.voxels[cell[:, 0], cell[:, 1]], self.voxels.shape[2]                        # (N, Z)
        out = np.zeros_like(found)
        out[:, max(raised, 0) : heights + min(raised, 0)] = found[:, max(-raised, 0) : heights - max(raised, 0)]
        return out


class AgentMemory:
    """The shapes of one rollout's agents, by instance id. A few kilobytes an agent."""

    def __init__(self, grid: GridSpec) -> None:
        self.grid = grid
        self._shapes: dict[int, Shape] = {}

    def onto(self, semantics: np.ndarray, own: Sequence[Own], around: Seen | None, world_SE3_ego: np.ndarray) -> np.ndarray:
        """A drawn frame (X, Y, Z), in which every agent that is known fills its own columns as it did before.

        What stood in them otherwise is the static world `around`, or free where that is None. The ground stays as it was drawn.
        """
        out = semantics.copy()
        own = [(box, columns) for box, columns in own if box.instance_id in self._shapes]
        still = around.from_pose(self.grid, world_SE3_ego).semantics if own and around is not None else np.full_like(semantics, FREE)
        for box, columns in own:
            shape, label = self._shapes[box.instance_id], CLASS[box.class_name]
            if not _alike(shape.box, box):
                continue
            drawn = semantics[columns[:, 0], columns[:, 1]]                                               # (N, Z)
            bottom = _bottom(drawn == label)
            if bottom is None:
                continue
            filled = shape.at(columns, box, bottom, self.grid) & ~np.isin(drawn, GROUND)                  # (N, Z)
            told = filled.any(1)
            behind = still[columns[:, 0], columns[:, 1]]                                                  # (N, Z)
            new = np.where(filled, np.uint8(label), np.where(IS_AGENT[drawn], behind, drawn))             # (N, Z)
            out[columns[told, 0], columns[told, 1]] = new[told]
        return out

    def learn(self, semantics: np.ndarray, own: Sequence[Own]) -> None:
        """Remember the agents that this frame (X, Y, Z) shows more of than any before it."""
        for box, columns in own:
            known, share = self._shapes.get(box.instance_id), _share_inside(box, self.grid)
            if known is not None and _alike(known.box, box) and share <= known.share + MORE:
                continue
            mask = semantics[columns[:, 0], columns[:, 1]] == CLASS[box.class_name]                       # (N, Z)
            bottom = _bottom(mask)
            if bottom is not None:
                corner = columns.min(0) - MARGIN_CELLS
                self._shapes[box.instance_id] = Shape(box, _filled(mask, columns - corner), corner, bottom, share)


def own_columns(layout: np.ndarray, boxes: Sequence[Box], grid: GridSpec) -> list[Own]:
    """The boxes of a frame with their own columns under its layout (15, X, Y), those that have any."""
    owners, prints = np.zeros(grid.bev_shape, np.uint8), []
    for box in boxes:
        corners = box.corners_bev_m()
        if (corners.max(0) > grid.origin_m[:2]).all() and (corners.min(0) < grid.upper_m[:2]).all():
            own = box_footprint(box, grid)
            owners += own
            prints.append((box, own & (layout[AGENTS.index(box.class_name)] > 0)))
    found = [(box, np.argwhere(own & (owners == 1))) for box, own in prints]
    return [(box, columns) for box, columns in found if len(columns)]


def _alike(one: Box, other: Box) -> bool:
    return one.class_name == other.class_name and np.allclose(one.size_m, other.size_m, atol=0.05)


def _bottom(mask: np.ndarray) -> int | None:
    """The layer on which most columns (N, Z) begin; None where none has anything."""
    some = mask[mask.any(1)]
    return int(np.bincount(some.argmax(1)).argmax()) if len(some) else None


def _filled(mask: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """bool (x, y, Z): a window with these columns (N, 2), and in all others those of the nearest that has anything."""
    size = columns.max(0) + 1 + MARGIN_CELLS
    window = np.zeros((*size, mask.shape[1]), bool)
    window[columns[:, 0], columns[:, 1]] = mask
    nearest = distance_transform_edt(~window.any(2), return_distances=False, return_indices=True)
    return window[tuple(nearest)]


def _share_inside(box: Box, grid: GridSpec) -> float:
    """Of a box's footprint, how much lies in the grid: 64 points of it are asked."""
    front_left, _, rear_right, rear_left = box.corners_bev_m()
    at = (np.arange(8) + 0.5) / 8
    points = rear_left + at[:, None, None] * (front_left - rear_left) + at[:, None] * (rear_right - rear_left)   # (8, 8, 2)
    return float(((points >= grid.origin_m[:2]) & (points < grid.upper_m[:2])).all(2).mean())
