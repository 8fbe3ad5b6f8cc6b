"""Rectangles of house, and what columns allow them: they are cut back from ground that was seen, and grow into the void."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.views.drawn.footprints import HARD, SOFT, UNKNOWN, WALL, Columns

THINNEST_M = 2.8
"""Shallower or narrower than this is no house."""


@dataclass(frozen=True, slots=True, eq=False)
class Rect:
    """A rectangle of house: corner, unit vector along its front (the inside is to the left), and sizes in metres."""

    corner_m: np.ndarray
    along: np.ndarray
    width_m: float
    depth_m: float
    wall_top_m: float
    """World z that its walls were seen to reach."""
    reaches_top: bool
    """Whether they go on above what the grid shows."""
    seed: int
    family: int
    """Houses that stand in one row share it, and with it storeys and windows."""

    @property
    def inward(self) -> np.ndarray:
        return np.array([-self.along[1], self.along[0]])

    def local(self, points_m: np.ndarray) -> np.ndarray:
        """Points (N, 2) as metres along the front and behind it."""
        away = points_m - self.corner_m
        return np.stack([away @ self.along, away @ self.inward], axis=1)

    def holds(self, points_m: np.ndarray, margin_m: float) -> np.ndarray:
        """bool (N,): which points lie inside it, grown by a margin."""
        p = self.local(points_m)
        size = np.array([self.width_m, self.depth_m])
        return np.all((p > -margin_m) & (p < size + margin_m), axis=1)

    def corners(self) -> np.ndarray:
        """(4, 2) counter-clockwise, beginning at the left end of the front as seen from outside."""
        w, d = self.along * self.width_m, self.inward * self.depth_m
        return np.array([self.corner_m, self.corner_m + w, self.corner_m + w + d, self.corner_m + d])


@njit(cache=True, error_model="numpy")
def march(kind, low, voxel, start, along, inward, length, rim, deepest):
    """Per 0.4 m of a line, how deep one may go along `inward` (2,) before ground shows: (N,), and the share of near ground."""
    x, y, ax, ay, nx, ny = start[0], start[1], along[0], along[1], inward[0], inward[1]
    count = max(1, int(length / 0.4))
    depth = np.zeros(count)
    near = 0.0
    for n in range(count):
        t = length * (n + 0.5) / count
        soft = unknown = 0.0
        reached = 0.0
        touched = False
        d = 0.3
        while d < deepest:
            i = int(np.floor((x + ax * t + nx * d - low[0]) / voxel))
            j = int(np.floor((y + ay * t + ny * d - low[1]) / voxel))
            what = UNKNOWN if i < 0 or j < 0 or i >= kind.shape[0] or j >= kind.shape[1] else kind[i, j]
            if (what == HARD or what == SOFT) and d < 2.8:
                touched = True
            if what == HARD and d > 0.5:
                break
            if what == SOFT and d > 1.0:
                soft += 0.2
                if soft >= 0.6:
                    break
            elif what == UNKNOWN:
                unknown += 0.2
                if unknown > rim:
                    break
                reached = d
            else:
                soft = 0.0
                reached = d
            d += 0.2
        depth[n] = reached
        near += touched
    return depth, near / count


def trim(cols: Columns, others: list[Rect], corner: np.ndarray, e: np.ndarray, n: np.ndarray, width: float, depth: float):
    """Cut a rectangle back until it covers no paved column, hardly any other ground, and no other house."""
    for _ in range(4):
        if width < THINNEST_M or depth < THINNEST_M:
            break
        nt, nd = max(2, int(width / 0.3)), max(2, int(depth / 0.3))
        t, d = (np.arange(nt) + 0.5) * width / nt, (np.arange(nd) + 0.5) * depth / nd
        points = corner + t[:, None, None] * e + d[None, :, None] * n
        i, j = cols.at(points.reshape(-1, 2))
        kind = cols.kind[i, j].reshape(nt, nd)
        ground = np.where(kind == HARD, 1.0, np.where(kind == SOFT, 0.45, 0.0))
        ground[:, :2] *= 0.4
        taken = np.zeros(nt * nd, bool)
        for other in others:
            taken |= other.holds(points.reshape(-1, 2), -0.05)
        ground = np.maximum(ground, taken.reshape(nt, nd))
        if (ground >= 1.0).sum() == 0 and (ground > 0.0).mean() < 0.06:
            break
        # Of the four sides, cut the one behind which most ground lies for the least house.
        rows, strips = ground.mean(axis=0), ground.mean(axis=1)
        bad_row = np.nonzero((rows > 0.14) | ((ground >= 1.0).sum(axis=0) > 1))[0]
        bad_row = bad_row[bad_row >= 2]
        bad_strip = np.nonzero((strips > 0.14) | ((ground >= 1.0).sum(axis=1) > 1))[0]
        if not len(bad_row) and not len(bad_strip):
            break
        best = None
        if len(bad_row):
            best = (bad_row[0] / nd, "depth", bad_row[0] * depth / nd - 0.05)
        if len(bad_strip):
            # The longest run of good strips.
            good = np.ones(nt, bool)
            good[bad_strip] = False
            edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(np.int8), [0]])))
            if len(edges):
                k = int((edges[1::2] - edges[::2]).argmax())
                a, b = edges[2 * k], edges[2 * k + 1]
                if best is None or (b - a) / nt >= best[0]:
                    best = ((b - a) / nt, "width", (a * width / nt, b * width / nt))
        if best is None:
            return corner, 0.0, 0.0
        if best[1] == "depth":
            depth = float(best[2])
        else:
            a, b = best[2]
            corner, width = corner + e * a, b - a
    return corner, width, depth


def widen(cols: Columns, others: list[Rect], corner: np.ndarray, e: np.ndarray, n: np.ndarray, width: float, depth: float):
    """A shred of wall is seldom all of a house: let a narrow one grow sideways, and a shallow one backwards, into the void."""
    inside = (np.arange(8) + 0.5) / 8
    for way, along in ((1, True), (0, True), (1, False)):
        while (width if along else depth) < (7.2 if along else 5.5):
            if along:
                strip = corner + e * (width + 0.3 if way else -0.3) + n * (inside * depth)[:, None]
            else:
                strip = corner + n * (depth + 0.3) + e * (inside * width)[:, None]
            i, j = cols.at(strip)
            kind = cols.kind[i, j]
            if ((kind == HARD) | (kind == SOFT) | (kind == UNKNOWN)).any() or any(other.holds(strip, 0.3).any() for other in others):
                break
            if along:
                width += 0.4
                corner = corner if way else corner - e * 0.4
            else:
                depth += 0.4
    return corner, width, depth


def swell(cols: Columns, corner: np.ndarray, e: np.ndarray, n: np.ndarray, width: float, depth: float):
    """Walls of several layers: move a side out by up to 1.4 m where a third of it has more wall before it."""
    inside = (np.arange(16) + 0.5) / 16
    for side in range(4):
        reach = 0.0
        for out in (0.2, 0.6, 1.0, 1.4):
            if side % 2 == 0:
                strip = corner + n * (-out if side == 0 else depth + out) + e * (inside * width)[:, None]
            else:
                strip = corner + e * (width + out if side == 1 else -out) + n * (inside * depth)[:, None]
            kind = cols.kind[cols.at(strip)]
            if (kind == HARD).mean() > 0.15:
                break
            if (kind == WALL).mean() > 0.33:
                reach = out + 0.1
        if side == 0:
            corner, depth = corner - n * reach, depth + reach
        elif side == 1:
            width += reach
        elif side == 2:
            depth += reach
        else:
            corner, width = corner - e * reach, width + reach
    return corner, width, depth


def sides_seen(cols: Columns, rect: Rect, others: list[Rect]) -> tuple[bool, bool, bool, bool]:
    """Which sides, beginning with the front, look at a street or at ground that was seen; the others may be blind walls."""
    corners = rect.corners()
    seen = []
    for k in range(4):
        a, b = corners[k], corners[(k + 1) % 4]
        out = np.array([b[1] - a[1], a[0] - b[0]]) / max(1e-6, float(np.hypot(*(b - a))))
        points = (a + (b - a) * np.linspace(0.1, 0.9, 7)[:, None])[:, None] + out * np.arange(0.8, 7.0, 0.8)[:, None]
        flat = points.reshape(-1, 2)
        i, j = cols.at(flat)
        kind = cols.kind[i, j].reshape(7, -1)
        paved = cols.paved[i, j].reshape(7, -1)
        blocked = np.zeros(len(flat), bool)
        for other in others:
            if other is not rect:
                blocked |= other.holds(flat, 0.0)
        close = blocked.reshape(7, -1)[:, :3].any(axis=1).mean() > 0.5
        ground = ((kind == HARD) | (kind == SOFT)).any(axis=1).mean() > 0.25
        seen.append(not close and bool(ground or (paved[:, 0] - paved[:, -1]).mean() > 1.0))
    return seen[0], seen[1], seen[2], seen[3]


def left_over(cols: Columns, cells: np.ndarray, rects: list[Rect], margin_m: float = 0.9) -> np.ndarray:
    """bool (X, Y): those of `cells` (X, Y) that no rectangle holds."""
    where = np.argwhere(cells)
    if not len(where):
        return cells
    points = cols.low_m + (where + 0.5) * cols.voxel_m
    held = np.zeros(len(where), bool)
    for rect in rects:
        held |= rect.holds(points, margin_m)
    result = cells.copy()
    result[tuple(where[held].T)] = False
    return result
