"""Edits of painted cells. What is painted last wins, in every frame of its span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from editor import check, tiles
from editor.clip import ego_pose_at, layout_at
from editor.document import Document, Edit, EditError
from editor.entities import PaintLayer, Point
from editor.ids import new_id
from editor.tiles import Tiles
from engine.spec.classes import CHANNEL
from engine.spec.grid import GRIDS, RATE_HZ, GridSpec
from engine.spec.layout import PAINT_CELL_M, PAINT_TILE
from engine.spec.raster import rasterise

Span = tuple[int, int] | None


def paint_stroke(channel: str, points: Sequence[Point], radius_m: float, *, erases: bool = False, span: Span = None) -> Edit:
    """Paints (or erases) a disc of `radius_m` swept along `points` (world metres)."""
    check.channel(channel)
    way = check.points(points, "A stroke", 1)
    radius = check.number(radius_m, "The brush radius", 0.01, 50.0)
    frames = check.span(span)
    return lambda document: mark(document, channel, erases, frames, tiles.swept_disc(way, radius))


def paint_polygon(channel: str, points: Sequence[Point], *, erases: bool = False, span: Span = None) -> Edit:
    """Paints (or erases) the inside of a polygon."""
    check.channel(channel)
    outline = check.points(points, "A polygon", 3)
    frames = check.span(span)
    return lambda document: mark(document, channel, erases, frames, tiles.polygon(outline))


def fill(channel: str, x: float, y: float, *, erases: bool = False, span: Span = None, frame: int = 0) -> Edit:
    """Paints (or erases) the 4-connected cells, around the ego at `frame`, in the same state of the channel as the cell at (x, y)."""
    check.channel(channel)
    x, y = check.coordinate(x, "x"), check.coordinate(y, "y")
    frames = check.span(span)
    frame = check.whole(frame, "The frame", 0, 10**6)

    def edit(document: Document) -> Document:
        # One state per paint cell: the layout is drawn once more, on a world-aligned grid of paint cells.
        state, reach, i0, j0 = _channel_state(document, channel, frame)
        start = int(np.floor(x / PAINT_CELL_M)) - i0 * PAINT_TILE, int(np.floor(y / PAINT_CELL_M)) - j0 * PAINT_TILE
        if not (0 <= start[0] < state.shape[0] and 0 <= start[1] < state.shape[1] and reach[start]):
            raise EditError(f"Fill at ({x:.1f}, {y:.1f}) m starts outside the grid around the ego: click inside it.")
        return mark(document, channel, erases, frames, tiles.from_mask(connected((state == state[start]) & reach, start), i0, j0))

    return edit


def mark(document: Document, channel: str, erases: bool, span: Span, marked: Tiles) -> Document:
    """`marked` cells become painted (or erased) in the frames of `span`, whatever was painted there before.

    Opposite layers whose span lies inside ours lose the cells. One whose span only overlaps ours has to keep them for its
    other frames, so our layer must come after it; where it does not, a new layer on top takes the cells.
    """
    removed, changed = [], []
    target: PaintLayer | None = None
    for layer in document.of(PaintLayer):
        if layer.channel != channel:
            continue
        if layer.erases == erases:
            target = layer if layer.span == span else target
        elif _inside(layer.span, span):
            left = tiles.difference(layer.tiles, marked)
            if not left:
                removed.append(layer.id)
            elif left is not layer.tiles:
                changed.append(replace(layer, tiles=left))
        elif target is not None and _overlap(layer.span, span) and tiles.meet(layer.tiles, marked):
            target = None
    if target is None:
        if marked:
            changed.append(PaintLayer(new_id(document, "paint"), channel, erases, span, dict(marked)))
    else:
        cells = tiles.union(target.tiles, marked)
        if cells is not target.tiles:
            changed.append(replace(target, tiles=cells))
    if not removed and not changed:
        return document
    return check.put(document, *changed, removed=tuple(removed))


def connected(alike: np.ndarray, start: tuple[int, int]) -> np.ndarray:
    """bool mask of the cells of `alike` that 4-connect to `start`, found run by run along the rows."""
    padded = np.zeros((alike.shape[0], alike.shape[1] + 2), np.int8)
    padded[:, 1:-1] = alike
    steps = np.diff(padded, axis=1)
    rows = [(np.flatnonzero(row == 1), np.flatnonzero(row == -1)) for row in steps]
    result = np.zeros(alike.shape, bool)
    if not alike[start]:
        return result
    seen = [np.zeros(len(begins), bool) for begins, _ in rows]
    first = int(np.searchsorted(rows[start[0]][0], start[1], side="right")) - 1
    seen[start[0]][first] = True
    waiting = [(start[0], first)]
    while waiting:
        i, run = waiting.pop()
        begin, end = rows[i][0][run], rows[i][1][run]
        result[i, begin:end] = True
        for neighbour in (i - 1, i + 1):
            if 0 <= neighbour < len(rows):
                begins, ends = rows[neighbour]
                for other in range(int(np.searchsorted(ends, begin, side="right")), int(np.searchsorted(begins, end, side="left"))):
                    if not seen[neighbour][other]:
                        seen[neighbour][other] = True
                        waiting.append((neighbour, other))
    return result


def _channel_state(document: Document, channel: str, frame: int) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Channel state and reach of the ego's grid, bool (X, Y) in paint cells, with the tile at which both start."""
    grid = GRIDS[document.grid]
    ego = ego_pose_at(document, frame / RATE_HZ).matrix()
    low, high = np.array(grid.origin_m[:2]), np.array(grid.upper_m[:2])
    corners = np.array([low, (low[0], high[1]), high, (high[0], low[1])]) @ ego[:2, :2].T + ego[:2, 3]
    first = np.floor(corners.min(0) / PAINT_CELL_M).astype(int) // PAINT_TILE
    count = (np.floor(corners.max(0) / PAINT_CELL_M).astype(int) // PAINT_TILE + 1 - first) * PAINT_TILE
    origin = first * PAINT_TILE * PAINT_CELL_M
    cells = GridSpec("fill", (int(count[0]), int(count[1]), 1), PAINT_CELL_M, (float(origin[0]), float(origin[1]), 0.0))
    state = rasterise(layout_at(document, frame), cells, np.eye(4))[CHANNEL[channel]].view(bool)
    x, y = cells.cell_centers_m()
    offset = np.stack(np.meshgrid(x, y, indexing="ij"), -1) - ego[:2, 3]
    local = offset @ np.linalg.inv(ego[:2, :2]).T
    return state, np.all((local >= low) & (local < high), axis=-1), int(first[0]), int(first[1])


def _inside(inner: Span, outer: Span) -> bool:
    return outer is None or (inner is not None and outer[0] <= inner[0] and inner[1] <= outer[1])


def _overlap(a: Span, b: Span) -> bool:
    return a is None or b is None or (a[0] <= b[1] and b[0] <= a[1])
