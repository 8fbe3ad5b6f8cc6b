"""Sparse sets of 0.2 m paint cells: world tile -> read-only (64, 64) bool. Every function here makes new sets and shares tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import shapely

from editor.document import EditError
from editor.entities import Point
from engine.spec.layout import PAINT_CELL_M, PAINT_TILE

Tiles = Mapping[tuple[int, int], np.ndarray]
WIDEST_TILES = 80
"""One stroke or polygon may span this many tiles (1 km) along x and y; it bounds the memory of one edit."""


EDGE = 1e-9
"""Slack (square metres) of a brush's rim: centres that lie on it are inside, however the sum was rounded."""


def swept_disc(points_m: Sequence[Point], radius_m: float) -> Tiles:
    """Cells whose centre lies within `radius_m` of the polyline; a disc for one point, and never fewer than the cell under it."""
    radius = max(radius_m, PAINT_CELL_M * 0.708)
    points = np.asarray(points_m, np.float64)
    mask, i0, j0 = _canvas(points.min(0) - radius, points.max(0) + radius)
    origin = np.array([i0, j0]) * PAINT_TILE
    for start, end in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        low = np.floor((np.minimum(start, end) - radius) / PAINT_CELL_M).astype(int) - origin
        high = np.floor((np.maximum(start, end) + radius) / PAINT_CELL_M).astype(int) - origin + 1
        x = ((np.arange(low[0], high[0]) + origin[0] + 0.5) * PAINT_CELL_M)[:, None] - start[0]
        y = ((np.arange(low[1], high[1]) + origin[1] + 0.5) * PAINT_CELL_M)[None, :] - start[1]
        dx, dy = end - start
        along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
        mask[low[0] : high[0], low[1] : high[1]] |= (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius + EDGE
    return from_mask(mask, i0, j0)


def polygon(points_m: Sequence[Point]) -> Tiles:
    """Cells whose centre lies in the polygon (even-odd where it crosses itself)."""
    points = np.asarray(points_m, np.float64)
    mask, i0, j0 = _canvas(points.min(0), points.max(0))
    shape = shapely.make_valid(shapely.Polygon(points))
    shapely.prepare(shape)
    x = (np.arange(mask.shape[0]) + i0 * PAINT_TILE + 0.5) * PAINT_CELL_M
    y = (np.arange(mask.shape[1]) + j0 * PAINT_TILE + 0.5) * PAINT_CELL_M
    mask[:] = shapely.contains_xy(shape, *np.meshgrid(x, y, indexing="ij"))
    return from_mask(mask, i0, j0)


def from_mask(mask: np.ndarray, i0: int, j0: int) -> Tiles:
    """Tiles of a dense mask whose cell [0, 0] is the first of tile (i0, j0) and whose sides are whole tiles."""
    tiles = {}
    for i in range(mask.shape[0] // PAINT_TILE):
        for j in range(mask.shape[1] // PAINT_TILE):
            tile = mask[i * PAINT_TILE : (i + 1) * PAINT_TILE, j * PAINT_TILE : (j + 1) * PAINT_TILE]
            if tile.any():
                tiles[i0 + i, j0 + j] = _sealed(tile.copy())
    return tiles


def to_mask(tiles: Tiles) -> tuple[np.ndarray, int, int]:
    """The inverse of `from_mask` over the tiles' bounding rectangle. `tiles` must not be empty."""
    keys = np.array(list(tiles))
    low, high = keys.min(0), keys.max(0)
    if (high - low >= 4 * WIDEST_TILES).any():
        raise EditError(
            f"This paint spans {float((high - low).max()) * PAINT_TILE * PAINT_CELL_M / 1000:.1f} km, too far to turn in one piece: split it."
        )
    mask = np.zeros((high - low + 1) * PAINT_TILE, bool)
    for (i, j), tile in tiles.items():
        x, y = (i - low[0]) * PAINT_TILE, (j - low[1]) * PAINT_TILE
        mask[x : x + PAINT_TILE, y : y + PAINT_TILE] = tile
    return mask, int(low[0]), int(low[1])


def union(tiles: Tiles, more: Tiles) -> Tiles:
    """Cells of either; `tiles` itself where `more` adds nothing."""
    return _merged(tiles, more, lambda tile, other: other if tile is None else tile | other)


def difference(tiles: Tiles, less: Tiles) -> Tiles:
    """Cells of `tiles` that are not in `less`; `tiles` itself where that takes nothing."""
    return _merged(tiles, less, lambda tile, other: None if tile is None else tile & ~other)


def meet(tiles: Tiles, others: Tiles) -> bool:
    """Whether the two share a cell."""
    return any(key in tiles and bool((tiles[key] & other).any()) for key, other in others.items())


def shifted(tiles: Tiles, cells_x: int, cells_y: int) -> Tiles:
    """The same cells moved by whole cells."""
    if not tiles:
        return tiles
    if cells_x % PAINT_TILE == 0 and cells_y % PAINT_TILE == 0:
        return {(i + cells_x // PAINT_TILE, j + cells_y // PAINT_TILE): tile for (i, j), tile in tiles.items()}
    moved: Tiles = {}
    step_i, rest_x = divmod(cells_x, PAINT_TILE)
    step_j, rest_y = divmod(cells_y, PAINT_TILE)
    for (i, j), tile in tiles.items():
        mask = np.zeros((2 * PAINT_TILE, 2 * PAINT_TILE), bool)
        mask[rest_x : rest_x + PAINT_TILE, rest_y : rest_y + PAINT_TILE] = tile
        moved = union(moved, from_mask(mask, i + step_i, j + step_j))
    return moved


def rotated(tiles: Tiles, angle_rad: float, x_m: float, y_m: float) -> Tiles:
    """The same cells turned about a world point, each new cell taking the old cell under its centre."""
    if not tiles:
        return tiles
    mask, i0, j0 = to_mask(tiles)
    low = np.array([i0, j0]) * PAINT_TILE
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    corners = (low + np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * mask.shape) * PAINT_CELL_M - (x_m, y_m)
    turned = corners @ turn.T + (x_m, y_m)
    result, ti, tj = _canvas(turned.min(0), turned.max(0))
    x = (np.arange(result.shape[0]) + ti * PAINT_TILE + 0.5) * PAINT_CELL_M - x_m
    y = (np.arange(result.shape[1]) + tj * PAINT_TILE + 0.5) * PAINT_CELL_M - y_m
    u = np.floor((x[:, None] * cos + y[None, :] * sin + x_m) / PAINT_CELL_M).astype(int) - low[0]
    v = np.floor((-x[:, None] * sin + y[None, :] * cos + y_m) / PAINT_CELL_M).astype(int) - low[1]
    inside = (u >= 0) & (u < mask.shape[0]) & (v >= 0) & (v < mask.shape[1])
    result[inside] = mask[u[inside], v[inside]]
    return from_mask(result, ti, tj)


def mirrored(tiles: Tiles) -> Tiles:
    """The same cells with y turned into -y: cell j becomes -1 - j, exactly."""
    return {(i, -1 - j): _sealed(np.ascontiguousarray(tile[:, ::-1])) for (i, j), tile in tiles.items()}


def unpacked(data: bytes | np.ndarray) -> np.ndarray:
    """One tile from its 512 packed bytes (C order [x, y], big-endian bits)."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data)
    return _sealed(bits.astype(bool).reshape(PAINT_TILE, PAINT_TILE))


def packed(tile: np.ndarray) -> np.ndarray:
    """(512,) uint8."""
    return np.packbits(tile.ravel())


def _canvas(low_m: np.ndarray, high_m: np.ndarray) -> tuple[np.ndarray, int, int]:
    """A dense mask of whole tiles that covers a world rectangle, and the tile it starts at."""
    first = np.floor(low_m / PAINT_CELL_M).astype(int) // PAINT_TILE
    count = np.floor(high_m / PAINT_CELL_M).astype(int) // PAINT_TILE + 1 - first
    if (count > WIDEST_TILES).any():
        widest = WIDEST_TILES * PAINT_TILE * PAINT_CELL_M
        raise EditError(
            f"This paint would span {float((high_m - low_m).max()):.0f} m, and one stroke may span {widest:.0f} m: paint it in parts."
        )
    return np.zeros(count * PAINT_TILE, bool), int(first[0]), int(first[1])


def _merged(tiles: Tiles, others: Tiles, merge: Callable[[np.ndarray | None, np.ndarray], np.ndarray | None]) -> Tiles:
    result = dict(tiles)
    changed = False
    for key, other in others.items():
        tile = tiles.get(key)
        merged = merge(tile, other)
        if merged is tile or (merged is not None and tile is not None and np.array_equal(merged, tile)):
            continue
        changed = True
        if merged is None or not merged.any():
            del result[key]
        else:
            result[key] = _sealed(merged)
    return result if changed else tiles


def _sealed(tile: np.ndarray) -> np.ndarray:
    tile.setflags(write=False)
    return tile
