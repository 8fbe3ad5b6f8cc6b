"""What stands behind a wall: rectangles that reach into the void behind straight runs of it, and never over ground that was seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.lattice import hash01
from engine.views.drawn.footprints import HARD, ROOF, SOFT, UNKNOWN, WALL, Columns, Segment

DEEPEST_M = 13.0
THINNEST_M = 2.8
"""Shallower or narrower than this is no house."""
RIM_M = 5.0
"""How far a house may reach into columns that no frame has decided."""


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
        return ((p > -margin_m) & (p < size + margin_m)).all(axis=1)

    def corners(self) -> np.ndarray:
        """(4, 2) counter-clockwise, beginning at the left end of the front as seen from outside."""
        w, d = self.along * self.width_m, self.inward * self.depth_m
        return np.array([self.corner_m, self.corner_m + w, self.corner_m + w + d, self.corner_m + d])


def world_seed(point_m: np.ndarray, seed: int, salt: int, cell_m: float = 0.8) -> int:
    """Dice of a place in the world."""
    return int(hash01(int(np.floor(point_m[0] / cell_m)), int(np.floor(point_m[1] / cell_m)), seed * 31 + salt) * 8000000)


@njit(cache=True)
def _march(kind, low, voxel, x, y, ax, ay, nx, ny, length, rim, deepest):
    """Per 0.4 m of a line, how deep one may go along (nx, ny) before ground shows: (N,), and the share of near ground."""
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


def _uncovered(seg: Segment, rects: list[Rect], margin_m: float) -> tuple[float, float] | None:
    """The longest part of a segment that no rectangle holds: from, to; None where all of it is held."""
    t = np.arange(0.2, seg.length_m, 0.4)
    if not len(t):
        return None
    points = seg.start_m + t[:, None] * seg.along
    held = np.zeros(len(t), bool)
    for rect in rects:
        held |= rect.holds(points, margin_m)
    if not held.any():
        return 0.0, seg.length_m
    best, start = (0, 0), 0
    for n in range(len(t) + 1):
        if n == len(t) or held[n]:
            if n - start > best[1] - best[0]:
                best = (start, n)
            start = n + 1
    return (best[0] * 0.4, best[1] * 0.4) if best[1] > best[0] else None


def rectangles(cols: Columns, found: list[Segment], earlier: list[Rect], feet_m: np.ndarray, seed: int) -> list[Rect]:
    """Houses behind segments of wall; `earlier` are those that stand already, `feet_m` (X, Y) is the world z of the ground."""
    views = []
    for seg in found:
        left = np.array([-seg.along[1], seg.along[0]])
        sides = []
        for sign in (1.0, -1.0):
            n = left * sign
            start = seg.start_m + n * max(0.0, seg.spread[1] if sign > 0 else -seg.spread[0])
            depth, near = _march(cols.kind, cols.low_m, cols.voxel_m, *start, *seg.along, *n, seg.length_m, RIM_M, DEEPEST_M + 1.0)
            middle = seg.start_m + seg.along * seg.length_m / 2
            i, j = cols.at((middle + n * 4.0)[None])
            sides.append((float(np.quantile(depth, 0.25)), near, float(cols.paved[i[0], j[0]])))
        value = [
            min(sides[k][0], 8.0) / 8.0 + 0.7 * sides[1 - k][1] + 0.12 * np.clip(sides[k][2] - sides[1 - k][2], -4.0, 4.0) / 4.0
            for k in (0, 1)
        ]
        inside = 0 if value[0] >= value[1] else 1
        score = seg.support_m * (0.3 + sides[1 - inside][1]) * min(1.0, sides[inside][0] / 4.0)
        views.append((score, inside, sides[inside][0], seg))
    rects: list[Rect] = []
    for score, inside, depth, seg in sorted(views, key=lambda view: -view[0]):
        if score <= 0.0 or depth < THINNEST_M:
            continue
        span = _uncovered(seg, [*earlier, *rects], 0.9)
        if span is None or span[1] - span[0] < 2.0:
            continue
        rect = _rect(cols, seg, span, inside == 0, depth, found, [*earlier, *rects], feet_m, seed)
        if rect is not None:
            rects.append(rect)
    return rects


def _rect(
    cols: Columns,
    seg: Segment,
    span: tuple[float, float],
    to_left: bool,
    depth: float,
    found: list[Segment],
    others: list[Rect],
    feet_m: np.ndarray,
    seed: int,
) -> Rect | None:
    if to_left:
        e, start, off = seg.along, seg.start_m + seg.along * span[0], seg.spread[0] - 0.2
    else:
        e, start, off = -seg.along, seg.start_m + seg.along * span[1], -seg.spread[1] - 0.2
    n = np.array([-e[1], e[0]])
    corner, width = start + n * off, span[1] - span[0]
    near_m = np.hypot(*(corner + e * width / 2 - seg.start_m)) + 30.0
    wanted = 8.0 + 4.0 * hash01(int(corner[0] // 4), int(corner[1] // 4), seed + 3)
    left, right, backs = 0.0, width, []
    for other in found:
        if other is seg or np.abs(other.start_m - corner).max() > near_m:
            continue
        a, b = other.start_m - corner, other.start_m + other.along * other.length_m - corner
        (ta, da), (tb, db) = (a @ e, a @ n), (b @ e, b @ n)
        if abs(other.along @ e) < 0.3:
            t, lo, hi = (ta + tb) / 2, min(da, db), max(da, db)
            if hi > 2.0 and lo < 3.5:
                if abs(t) < 2.0:
                    left = t - 0.3
                    backs.append(hi + 0.2)
                elif abs(t - width) < 2.0:
                    right = t + 0.3
                    backs.append(hi + 0.2)
        elif abs(other.along @ e) > 0.95:
            d, lo, hi = (da + db) / 2, max(0.0, min(ta, tb)), min(width, max(ta, tb))
            if 3.0 < d < 16.0 and hi - lo > 0.5 * min(width, other.length_m):
                backs.append(d + 0.3)
    same = None
    for other in others:
        turn = other.along @ e
        p = other.local(np.array([corner, corner + e * width]))
        if turn > 0.98 and abs(p[:, 1].mean()) < 1.0:
            gap_left, gap_right = p[0, 0] - other.width_m, -p[1, 0]
            if -1.0 < gap_left < 4.0 or -1.0 < gap_right < 4.0:
                # A wall that goes on where an earlier one ended: the same line, from its very end.
                same = other
                e, n = other.along, other.inward
                far = p[1, 0] if gap_left > -1.0 and gap_left < 4.0 else p[0, 0]
                if gap_left > -1.0 and gap_left < 4.0:
                    corner, left, right = other.corner_m + e * other.width_m, 0.0, far - other.width_m
                else:
                    corner, left, right = other.corner_m + e * far, 0.0, -far
                backs = [other.depth_m]
                break
    corner, width = corner + e * left, right - left
    far_back = [b for b in backs if b <= 17.0]
    goal = max(far_back) if far_back else wanted
    depth = min(goal, max(depth, THINNEST_M)) if not far_back else min(goal, max(depth, 4.0) + 0.6)
    corner, width, depth = _trim(cols, others, corner, e, n, width, depth)
    if width < THINNEST_M or depth < THINNEST_M:
        return None
    top = seg.top_m
    i, j = cols.at(corner + e * np.linspace(0, width, 5)[:, None])
    foot = float(np.median(feet_m[i, j]))
    if top - foot < 2.1:
        return None
    reaches = top >= cols.sees_top - 1.0 or top - foot > 4.0
    here = world_seed(corner, seed, 5)
    family = same.family if same is not None else world_seed(corner, seed, 6, 24.0)
    return Rect(corner, e, width, depth, top, reaches, here, family)


def _trim(cols: Columns, others: list[Rect], corner: np.ndarray, e: np.ndarray, n: np.ndarray, width: float, depth: float):
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


def roof_seen(cols: Columns, rect: Rect) -> float | None:
    """World z of a roof that columns within a rectangle show, or None."""
    points = rect.corner_m + np.stack(np.meshgrid(np.arange(0.4, rect.width_m, 0.4), np.arange(0.4, rect.depth_m, 0.4)), -1).reshape(
        -1, 2
    ) @ np.array([rect.along, rect.inward])
    i, j = cols.at(points)
    roof = cols.kind[i, j] == ROOF
    if roof.mean() < 0.12:
        return None
    return float(np.median(cols.top_m[i, j][roof]))


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


def is_wall(cols: Columns) -> np.ndarray:
    """bool (X, Y): columns that are a piece of wall."""
    return cols.kind == WALL
