"""Where one surface ends and the next begins: signed distances to smoothed outlines, in metres, one number a column.

Three questions are asked one after the other: road or not; of the rest, flat or not; of the rest, walk or soil. Each has its own field,
and goes on beneath the surfaces that were told apart before it, so that a narrow walk between road and soil loses neither of its edges.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.views.drawn.curves import softened, trace_outlines, write_distance
from engine.views.drawn.ground_cells import FLAT, ROAD, WALK
from engine.views.drawn.ground_masks import nearest

REACH = 6.0
"""Distances are told up to so many cells."""
FAR_REACH = 20.0
"""Columns up to so many cells from the road's edge take its direction."""
RING = 3
"""Undecided columns up to so many cells from decided ones are settled with them: a field is read over four by four columns."""
_SPACING = 1.0
_LIMIT = 0.6
"""How far (cells) a node of an outline may move: as far as a true edge lies from the stairs that it left in the columns."""
_CUTOFF = (28.0, 20.0, 20.0)
"""Shortest waves (cells) that stay in the outlines of road, flat and walk."""


class Fields(NamedTuple):
    """Of one crop, (X, Y) each."""

    distance: np.ndarray
    """float32 (3, X, Y) metres: inside road, flat and walk positive."""
    heading: np.ndarray
    """float32, radians: direction of the nearest road edge; NaN where there is none near."""
    ends: np.ndarray
    """float64 (N, 4): where road edges leave the decided columns, in cells of the crop, and their unit direction outwards."""


def fields(kind: np.ndarray, decided: np.ndarray, voxel_m: float) -> Fields:
    """Of a crop (X, Y) whose undecided columns bear the nearest decided one's kind."""
    distance = np.empty((3, *kind.shape), np.float32)
    heading = np.full(kind.shape, np.nan, np.float32)
    ends: list[np.ndarray] = []
    for number, (inside, asked) in enumerate(
        (
            (kind == ROAD, np.ones(kind.shape, bool)),
            (kind == FLAT, kind != ROAD),
            (kind == WALK, (kind != ROAD) & (kind != FLAT)),
        )
    ):
        if asked.any() and not asked.all():
            rows, columns = nearest(asked)
            inside = inside[rows, columns]
        elif not asked.any():
            inside = np.zeros_like(inside)
        along = heading if number == 0 else np.empty_like(heading)
        distance[number] = _signed(inside, decided, number, along, ends) * voxel_m
    return Fields(distance, heading, np.array(ends).reshape(-1, 4))


def _signed(inside: np.ndarray, decided: np.ndarray, number: int, heading: np.ndarray, ends: list[np.ndarray]) -> np.ndarray:
    """Signed distance in cells (X, Y) to the smoothed outline of a mask."""
    reach = FAR_REACH if number == 0 else REACH
    result = np.full(inside.shape, np.inf, np.float64)
    points, starts, closed = trace_outlines(inside.astype(np.uint8))
    for begin, end, is_closed in zip(starts[:-1], starts[1:], closed, strict=True):
        for piece, whole, open_ends in _decided_runs(points[begin:end], bool(is_closed), decided):
            line, pad = softened(piece, whole, _CUTOFF[number], _LIMIT, _SPACING)
            if number == 0 and pad:
                ends.extend(_ends(line[pad : len(line) - pad], open_ends))
            write_distance(line, reach, result, heading)
    far = ~np.isfinite(result)
    result[far] = np.where(inside[far], REACH, -REACH)
    return np.clip(result, -REACH, REACH)


def _decided_runs(points: np.ndarray, closed: bool, decided: np.ndarray) -> list[tuple[np.ndarray, bool, tuple[bool, bool]]]:
    """Pieces of an outline between decided columns: nodes, whether it is a whole ring, and which of its ends lie at undecided ones."""
    low, high = np.floor(points).astype(int), np.ceil(points).astype(int)
    known = decided[low[:, 0], low[:, 1]] & decided[high[:, 0], high[:, 1]]
    if known.all():
        return [(np.concatenate([points, points[:1]]) if closed else points, closed, (False, False))]
    if closed:
        turn = int(np.flatnonzero(~known)[0])
        points, known = np.roll(points, -turn, axis=0), np.roll(known, -turn)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    runs = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin >= 3:
            runs.append((points[begin:end], False, (begin > 0 or closed, end < len(points) or closed)))
    return runs


def _ends(line: np.ndarray, open_ends: tuple[bool, bool]) -> list[np.ndarray]:
    """Where a line (N, 2) leaves the decided columns: place and unit direction outwards."""
    found = []
    for side in (0, 1):
        if open_ends[side]:
            order = line if side else line[::-1]
            outwards = order[-1] - order[max(len(order) - 16, 0)]
            found.append(np.concatenate([order[-1], outwards / max(float(np.hypot(*outwards)), 1e-9)]))
    return found
