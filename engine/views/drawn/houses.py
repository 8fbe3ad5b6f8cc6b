"""What stands behind a wall: rectangles that reach into the void behind straight runs of it, and never over ground that was seen."""

from __future__ import annotations

import numpy as np

from engine.lattice import hash01
from engine.views.drawn.footprints import Columns, Segment
from engine.views.drawn.rects import THINNEST_M, Rect, march, swell, trim, widen

DEEPEST_M = 13.0
RIM_M = 5.0
"""How far a house may reach into columns that no frame has decided."""


def world_seed(point_m: np.ndarray, seed: int, salt: int, cell_m: float = 0.8) -> int:
    """Dice of a place in the world."""
    return int(hash01(int(np.floor(point_m[0] / cell_m)), int(np.floor(point_m[1] / cell_m)), seed * 31 + salt) * 8000000)


def _deep(depth: np.ndarray) -> float:
    """The depth that makes the largest rectangle of what may be built on behind a wall, of the depths along it (N,)."""
    deepest = np.sort(depth)
    share = 1.0 - np.arange(len(depth)) / len(depth)
    return float(deepest[int((deepest * (share - 0.15)).argmax())])


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
            depth, near = march(cols.kind, cols.low_m, cols.voxel_m, start, seg.along, n, seg.length_m, RIM_M, DEEPEST_M + 1.0)
            middle = seg.start_m + seg.along * seg.length_m / 2
            i, j = cols.at((middle + n * 4.0)[None])
            sides.append((_deep(depth), near, float(cols.paved[i[0], j[0]])))
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
    backs = [back for back in backs if back <= 17.0]
    # Side walls are seen as far as the eye reaches between two houses: a house may be deeper than they.
    goal = max(*backs, 0.75 * wanted if max(backs) < 5.0 else 0.0) if backs else wanted
    depth = min(goal, max(depth, THINNEST_M) + 0.6)
    corner, width, depth = trim(cols, others, corner, e, n, float(width), depth)
    if width < THINNEST_M - 0.6 or depth < THINNEST_M:
        return None
    corner, width, depth = widen(cols, others, corner, e, n, width, depth)
    if same is None:
        corner, width, depth = swell(cols, corner, e, n, width, depth)
    if width < THINNEST_M:
        return None
    if width < 6.0 and not backs:
        depth = min(depth, 1.5 * width)
    top = seg.top_m
    i, j = cols.at(corner + e * np.linspace(0, width, 5)[:, None])
    foot = float(np.median(feet_m[i, j]))
    if top - foot < 2.1:
        return None
    reaches = top >= cols.sees_top - 1.0 or top - foot > 4.0
    here = world_seed(corner, seed, 5)
    family = same.family if same is not None else world_seed(corner, seed, 6, 24.0)
    return Rect(corner, e, width, depth, top, reaches, here, family)
