"""Straight lines of wall in broken voxels: what columns are, which way a neighbourhood stands, and where its walls run.

Occupancy shows of a house the skin that a sensor saw: shreds of wall one or two voxels thick, with nothing behind them. So walls are
found first, as straight segments along two perpendicular directions, and `houses.py` decides what stands behind them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import ndimage

from engine.spec.classes import AGENTS, CLASS, FREE
from engine.views.drawn.static_world import HIDDEN, UNSEEN

UNKNOWN, VOID, HARD, SOFT, WALL, ROOF, LOW = range(7)
"""Kinds of columns: undecided; nothing in it; paved; soil, plants or agents; a wall of >= WALL_M; manmade high up; lower manmade."""
WALL_M = 1.9
"""A column with this much manmade in it is a piece of wall."""
REACH_M = 1.4
"""Shreds nearer to one another than twice this belong to one neighbourhood."""
_HARD = tuple(CLASS[name] for name in ("driveable_surface", "other_flat", "sidewalk", "ped_crossing", "road_divider", "lane_divider"))
_SOFT = (CLASS["terrain"], CLASS["vegetation"], CLASS["others"], HIDDEN, *(CLASS[name] for name in AGENTS))


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands in each column of a window of the static world."""

    kind: np.ndarray
    """uint8 (X, Y), one of the kinds above."""
    top_m: np.ndarray
    """float32 (X, Y): world z of the upper end of what is manmade; -inf where nothing is."""
    base_m: np.ndarray
    """float32 (X, Y): world z of its lower end."""
    low_m: np.ndarray
    """float64 (2,): world coordinates of the window's lowest corner."""
    voxel_m: float
    paved: np.ndarray
    """float32 (X, Y): metres to the nearest paved column."""
    sees_top: float
    """World z that the highest manmade voxel reaches: the grid ends there."""

    def at(self, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cells (i, j) of world points (N, 2)."""
        cells = np.floor((points_m - self.low_m) / self.voxel_m).astype(np.int64)
        return np.clip(cells[:, 0], 0, self.kind.shape[0] - 1), np.clip(cells[:, 1], 0, self.kind.shape[1] - 1)


def columns(labels: np.ndarray, decided: np.ndarray, origin_m: np.ndarray, voxel_m: float, height_m: np.ndarray) -> Columns:
    """Read a window of labels (X, Y, Z), its decided columns (X, Y), ground height (X, Y) world z."""
    hard, soft, count, first, last = _read(labels, _lut(_HARD), _lut(_SOFT))
    top = np.where(count > 0, origin_m[2] + (last + 1) * voxel_m, -np.inf).astype(np.float32)
    base = np.where(count > 0, origin_m[2] + first * voxel_m, np.inf).astype(np.float32)
    kind = np.full(decided.shape, VOID, np.uint8)
    kind[soft] = SOFT
    kind[hard] = HARD
    lifted = (count > 0) & (base - height_m > 1.7)
    kind[lifted & ~hard & ~soft] = ROOF
    kind[(count > 0) & ~lifted] = LOW
    kind[(count > 0) & (count * voxel_m >= WALL_M)] = WALL
    kind[~decided] = UNKNOWN
    paved = np.asarray(ndimage.distance_transform_edt(kind != HARD)) * voxel_m if hard.any() else np.full(kind.shape, 99.0)
    return Columns(kind, top, base, origin_m[:2].copy(), voxel_m, paved.astype(np.float32), float(top.max()) if (count > 0).any() else 0.0)


def _lut(ids: tuple[int, ...]) -> np.ndarray:
    table = np.zeros(256, bool)
    table[list(ids)] = True
    return table


_MANMADE = CLASS["manmade"]


@njit(cache=True, error_model="numpy")
def _read(labels, hard_ids, soft_ids):
    nx, ny, nz = labels.shape
    count = np.zeros((nx, ny), np.int32)
    first = np.zeros((nx, ny), np.int32)
    last = np.zeros((nx, ny), np.int32)
    hard = np.zeros((nx, ny), np.bool_)
    soft = np.zeros((nx, ny), np.bool_)
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                label = labels[i, j, k]
                if label == FREE or label == UNSEEN:
                    continue
                if label == _MANMADE:
                    if count[i, j] == 0:
                        first[i, j] = k
                    count[i, j] += 1
                    last[i, j] = k
                elif hard_ids[label]:
                    hard[i, j] = True
                elif soft_ids[label]:
                    soft[i, j] = True
    return hard, soft, count, first, last


@dataclass(slots=True)
class Segment:
    """A straight run of wall: from `start_m` along `along` (unit) for `length_m`."""

    start_m: np.ndarray
    along: np.ndarray
    length_m: float
    support_m: float
    """Metres of it that voxels show."""
    top_m: float
    """World z where it ends: 75 % of its columns reach it."""
    cluster: int
    spread: tuple[float, float]
    """Offsets of its columns from the line to the left: lower and upper."""


@njit(cache=True, error_model="numpy")
def _sharpness(x, y, weight, angles, bins):
    """How well points lie in few lines of each direction: (A,)."""
    result = np.zeros(len(angles))
    table = np.zeros(bins)
    for a in range(len(angles)):
        c, s = np.cos(angles[a]), np.sin(angles[a])
        for axis in range(2):
            table[:] = 0.0
            for n in range(len(x)):
                p = (c * x[n] + s * y[n]) if axis == 0 else (c * y[n] - s * x[n])
                q = p / 0.4 + bins / 2
                i = int(np.floor(q))
                if 0 <= i < bins - 1:
                    table[i] += weight[n] * (1 - (q - i))
                    table[i + 1] += weight[n] * (q - i)
            for i in range(bins):
                result[a] += table[i] * table[i]
    return result


def direction_of(points_m: np.ndarray, prior: float | None, strength: float = 0.25) -> float:
    """The angle in [0, pi/2) along which, and across which, points (N, 2) line up best; near a prior angle it is preferred."""
    middle = points_m.mean(axis=0)
    local = points_m - middle
    bins = 2 * int(np.abs(local).max() * 1.5 / 0.4) + 8
    weight = np.ones(len(local))
    coarse = np.radians(np.arange(0.0, 90.0, 1.5))
    score = _sharpness(local[:, 0], local[:, 1], weight, coarse, bins)
    score *= _preference(coarse, prior, strength)
    best = coarse[int(score.argmax())]
    fine = best + np.radians(np.arange(-1.5, 1.51, 0.25))
    score = _sharpness(local[:, 0], local[:, 1], weight, fine, bins) * _preference(fine, prior, strength)
    return float(fine[int(score.argmax())] % (np.pi / 2))


def _preference(angles: np.ndarray, prior: float | None, strength: float) -> np.ndarray:
    if prior is None:
        return np.ones(len(angles))
    away = (angles - prior + np.pi / 4) % (np.pi / 2) - np.pi / 4
    return 1.0 + strength * np.exp(-((np.degrees(away) / 5.0) ** 2)) + 1.0 * strength * np.exp(-((np.degrees(away) / 0.8) ** 2))


@njit(cache=True, error_model="numpy")
def _best_run(along, across, alive, lowest, highest, half, gap):
    """The longest run of points near one line: (score, line, from, to), over lines every 0.2 m."""
    best = (0.0, 0.0, 0.0, 0.0)
    count = int((highest - lowest) / 0.2) + 1
    order = np.argsort(along)
    for i in range(count):
        line = lowest + 0.2 * i
        start = last = 0.0
        support = closeness = 0.0
        began = False
        for n in order:
            if not alive[n] or abs(across[n] - line) > half:
                continue
            t = along[n]
            if began and t - last > gap:
                score = support - 0.3 * (last - start - support) + 0.05 * closeness
                if score > best[0]:
                    best = (score, line, start, last)
                began = False
            if not began:
                start, support, closeness, began = t - 0.2, 0.4, 0.0, True
                last = t + 0.2
            else:
                support += min(0.4, max(0.0, t + 0.2 - last))
                last = max(last, t + 0.2)
            closeness += 1.0 - abs(across[n] - line) / half
        if began:
            score = support - 0.3 * (last - start - support) + 0.05 * closeness
            if score > best[0]:
                best = (score, line, start, last)
    return best


def segments(points_m: np.ndarray, tops_m: np.ndarray, angle: float, cluster: int, shortest_m: float = 1.5) -> list[Segment]:
    """Straight runs of wall among columns (N, 2) of one cluster, along `angle` and across it, the best first."""
    c, s = np.cos(angle), np.sin(angle)
    axes = (np.array([c, s]), np.array([-s, c]))
    u, v = points_m @ axes[0], points_m @ axes[1]
    alive = np.ones(len(points_m), bool)
    found: list[Segment] = []
    while alive.sum() >= 3:
        runs = []
        for axis, (along, across) in enumerate(((u, v), (v, -u))):
            best = _best_run(along, across, alive, across[alive].min() - 0.2, across[alive].max() + 0.2, 0.55, 3.2)
            runs.append((best[0], axis, best, along, across))
        score, axis, best, along, across = max(runs, key=lambda run: (run[0], -run[1]))
        if score < shortest_m:
            break
        _, line, start, end = best
        near = alive & (np.abs(across - line) <= 0.75) & (along >= start - 0.1) & (along <= end + 0.1)
        core = across[near]
        direction = axes[0] if axis == 0 else axes[1]
        left = np.array([-direction[1], direction[0]])
        middle = float(np.median(core))
        support = len(np.unique(np.round(along[near] / 0.4))) * 0.4
        lo, hi = (float(q) for q in np.quantile(core, (0.15, 0.85)))
        found.append(
            Segment(
                direction * start + left * middle,
                direction,
                end - start,
                min(support, end - start),
                float(np.quantile(tops_m[near], 0.6)),
                cluster,
                (lo - middle, hi - middle),
            )
        )
        alive &= ~near
    return found
