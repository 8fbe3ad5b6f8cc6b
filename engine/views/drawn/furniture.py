"""What is left of manmade things when houses are taken away: poles, signs, walls and fences, boxes, told apart by their shape."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from engine.lattice import hash01
from engine.views.drawn import cabins, fences, poles
from engine.views.drawn import furniture_mesh as draw
from engine.views.drawn.footprints import Columns
from engine.views.drawn.houses import world_seed
from engine.views.drawn.solids import Solids

AT_WALK_M = 2.5
"""Small buildings no farther than this from paving belong to the street, others to a garden."""
_ALL = np.ones((3, 3), bool)


Angles = list[tuple[float, float, float]]
"""World x, y and direction (radians) of neighbourhoods."""


@dataclass(slots=True)
class Site:
    """Where furniture is put, and what it finds there."""

    solids: Solids
    cols: Columns
    road_m: np.ndarray
    """float (X, Y, 3): metres to the nearest roadway and the unit vector towards it."""
    ground_m: np.ndarray
    """float (X, Y): world z of the ground."""
    angles: Angles
    leaves: np.ndarray
    """bool (X, Y): columns with vegetation."""
    shrubs: np.ndarray
    """bool (X, Y): columns with vegetation near the ground."""
    seed: int
    lamps: list[np.ndarray] = field(default_factory=list)
    """Heads of street lamps, world (3,)."""

    def furnish(self, cells: np.ndarray, others: np.ndarray) -> None:
        """Build what columns `cells` (X, Y) of manmade and `others` (X, Y) of class 0 show."""
        for columns, make in ((cells, self._component), (others, self._small)):
            labels, _ = ndimage.label(columns, _ALL)  # type: ignore[misc]
            for index, box in enumerate(ndimage.find_objects(labels)):
                make(np.argwhere(labels[box] == index + 1) + [box[0].start, box[1].start])

    def _points(self, where: np.ndarray) -> np.ndarray:
        return self.cols.low_m + (where + 0.5) * self.cols.voxel_m

    def _road(self, where: np.ndarray) -> tuple[float, np.ndarray]:
        here = self.road_m[tuple(where[len(where) // 2])]
        return float(here[0]), here[1:] if np.hypot(*here[1:]) > 0.5 else np.array([1.0, 0.0])

    def _straight(self, points: np.ndarray, angle: float) -> float:
        """The direction of the neighbourhood where a thing stands nearly along or across it."""
        x, y = points.mean(axis=0)
        nearest = min(self.angles, key=lambda at: np.hypot(at[0] - x, at[1] - y), default=None)
        if nearest is None or np.hypot(nearest[0] - x, nearest[1] - y) > 60.0:
            return angle
        turn = (nearest[2] - angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
        return angle + turn if abs(turn) < np.radians(14.0) else angle

    def _component(self, where: np.ndarray) -> None:
        i, j = where.T
        top = self.cols.top_m[i, j]
        foot = float(np.median(self.ground_m[i, j]))
        points = self._points(where)
        high = float(np.quantile(top, 0.8)) - foot
        tall = int((top - foot > 2.6).sum())
        if float(np.median(self.cols.base_m[i, j])) - foot > 1.9 and len(where) > 3:
            return  # A shred that floats: of a roof, a crown or a wire.
        long, wide, angle = _shape(points)
        if long <= 1.7 or len(where) <= 3:
            around = self.leaves[max(0, i.min() - 1) : i.max() + 2, max(0, j.min() - 1) : j.max() + 2]
            if high < 2.0 and around.mean() > 0.35:
                return  # A few voxels of a hedge that were taken for something made by hands.
            self._upright(where, points, high if tall == 0 else float(top.max()) - foot, wide, foot)
            return
        # The tallest column of a low run may be a pole that stands in it.
        peak = int(top.argmax())
        if top[peak] - foot > 3.0 and tall <= 4 and tall < 0.3 * len(where):
            self._upright(where[peak : peak + 1], points[peak : peak + 1], float(top[peak]) - foot, 0.4, foot)
            keep = np.hypot(*(points - points[peak]).T) > 0.7
            if keep.sum() >= 2 and (top[keep] - foot).max() > 0.5:
                self._component(where[keep])
            return
        if (wide <= 1.3 and (high <= 2.6 or long > 4.6)) or (wide <= 2.1 and long > 4.0 * wide):
            self._run(points, top, self._straight(points, angle))
        elif long > 4.6:
            half = _split(points, angle)
            for part in (half, ~half):
                if part.any():
                    self._component(where[part])
        else:
            self._blob(where, points, high, foot)

    def _beset(self, i: np.ndarray, j: np.ndarray) -> bool:
        """Whether low plants or something tall made by hands stand at or beside columns (N,)."""
        around = slice(max(0, i.min() - 1), i.max() + 2), slice(max(0, j.min() - 1), j.max() + 2)
        return bool(self.shrubs[around].mean() > 0.2 or (self.cols.top_m[around] - self.ground_m[around] > 1.5).any())

    def _upright(self, where: np.ndarray, points: np.ndarray, high: float, wide: float, foot: float) -> None:
        at = np.array([*points.mean(axis=0), foot])
        here = world_seed(points[0], self.seed, 21, 0.4)
        dice = hash01(here, 1, self.seed)
        distance, towards = self._road(where)
        if high >= 3.0:
            if distance < 7.0 and dice < 0.62:
                self.lamps.append(poles.street_lamp(self.solids, at, towards, here))
            elif distance < 9.0 and dice < 0.8:
                poles.traffic_light(self.solids, at, towards, here)
            elif dice < 0.9:
                poles.sign(self.solids, at, towards, here, max(2.4, min(high, 3.4)))
            else:
                poles.pole(self.solids, at, max(high, 6.5), here)
        elif high >= 1.7:
            if (distance < 9.0 and dice < 0.7) or wide <= 0.5:
                poles.sign(self.solids, at, towards, here, max(2.2, high))
            else:
                draw.cabinet(self.solids, at, towards, (0.8, 0.5, min(high, 1.9)), here)
        elif high >= 0.9:
            if len(points) >= 2 or dice < 0.5:
                draw.cabinet(self.solids, at, towards, (0.9 if len(points) > 1 else 0.55, 0.42, high), here)
            else:
                draw.bin_(self.solids, at, here)
        elif high >= 0.3:
            poles.bollard(self.solids, at, high)

    def _run(self, points: np.ndarray, top: np.ndarray, angle: float) -> None:
        e = np.array([np.cos(angle), np.sin(angle)])
        n = np.array([-e[1], e[0]])
        middle = np.median(points, axis=0)
        t = (points - middle) @ e
        line = middle + n * float(np.median((points - middle) @ n))
        ends = np.stack([line + e * (t.min() - 0.2), line + e * (t.max() + 0.2)])
        feet = self.ground_m[self.cols.at(ends)]
        high = float(np.quantile(top - self.ground_m[self.cols.at(points)], 0.6))
        # Walls of one garden look alike though they are found in pieces.
        here = world_seed(line, self.seed, 22, 16.0)
        dice = hash01(here, 2, self.seed)
        if high < 0.3:
            return
        if high > 1.3:
            (fences.wall if dice < 0.6 else fences.board_fence)(self.solids, ends, feet, min(high, 2.3), here)
        else:
            (fences.wall if dice < 0.4 else fences.railing)(self.solids, ends, feet, max(0.6, high), here)

    def _blob(self, where: np.ndarray, points: np.ndarray, high: float, foot: float) -> None:
        distance, towards = self._road(where)
        along, across, angle = _shape(points)
        if across > 0.6 * along and distance < 25.0:
            angle = float(np.arctan2(towards[0], -towards[1]))  # what is about square stands as the road does
        angle = self._straight(points, angle)
        e = np.array([np.cos(angle), np.sin(angle)])
        n = np.array([-e[1], e[0]])
        t, d = points @ e, points @ n
        # The middle of what it covers, not of its columns: one of its walls may be missing.
        long, wide = float(np.ptp(t)) + 0.4, float(np.quantile(d, 0.95) - np.quantile(d, 0.05)) + 0.4
        at = np.array([*(e * (t.max() + t.min()) / 2 + n * float(np.quantile(d, 0.95) + np.quantile(d, 0.05)) / 2), foot])
        here = world_seed(points[0], self.seed, 23)
        dice = hash01(here, 4, self.seed)
        if high >= 1.9:
            if wide <= 1.9 and long >= 2.0 and (distance >= 8.0 or dice > 0.55):
                self._run(points, self.cols.top_m[tuple(where.T)], angle)
            elif distance < 8.0 and wide <= 1.9 and long >= 2.0:
                (draw.shelter if dice < 0.36 else draw.billboard)(self.solids, at, n if n @ towards > 0 else -n, long, here)
            elif distance < 8.0 and float(self.cols.paved[tuple(where[len(where) // 2])]) < AT_WALK_M:
                # What stands at a walk sells something or feeds the street with current, and looks at the road.
                ahead = abs(float(n @ towards)) >= abs(float(e @ towards))
                out, size = (n, (long, wide)) if ahead else (e, (wide, long))
                make = cabins.kiosk if dice < 0.5 else cabins.substation
                make(
                    self.solids,
                    at,
                    out if out @ towards > 0 else -out,
                    (max(size[0], 2.0), max(size[1], 1.6), min(max(high, 2.5), 2.9)),
                    here,
                )
            else:
                cabins.shed(self.solids, at, e, (max(long, 2.2), max(wide, 1.8), min(max(high, 2.1), 2.5)), here)
        elif high >= 0.35:
            draw.planter(self.solids, at, e, (long, wide, min(high, 1.0)), here)

    def _small(self, where: np.ndarray) -> None:
        points = self._points(where)
        i, j = where.T
        at = np.array([*points.mean(axis=0), float(np.median(self.ground_m[i, j]))])
        here = world_seed(points[0], self.seed, 24)
        distance, towards = self._road(where)
        dice = hash01(here, 3, self.seed)
        long, _, angle = _shape(points)
        if distance < 0.3:
            return  # Nothing small is left to lie on a road.
        if self._beset(i, j):
            return  # Nobody sits in a shrub or with a mast between the knees.
        if long >= 1.2:
            draw.bench(self.solids, at, np.array([np.cos(angle), np.sin(angle)]))
        elif dice < 0.5:
            draw.bin_(self.solids, at, here)
        else:
            draw.cabinet(self.solids, at, towards, (0.6, 0.45, 1.1), here)


def _shape(points: np.ndarray) -> tuple[float, float, float]:
    """Length, width and direction of a few columns (N, 2), by their principal axis; width holds 90 % of them."""
    away = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(away.T @ away + 1e-6 * np.eye(2))
    e = vectors[:, 1]
    t, d = away @ e, away @ np.array([-e[1], e[0]])
    return float(np.ptp(t) + 0.4), float(np.quantile(d, 0.95) - np.quantile(d, 0.05) + 0.4), float(np.arctan2(e[1], e[0]))


def _split(points: np.ndarray, angle: float) -> np.ndarray:
    """bool (N,): the half of a bent run that lies before the place where it is furthest from its chord."""
    e = np.array([np.cos(angle), np.sin(angle)])
    away = points - points.mean(axis=0)
    t, d = away @ e, np.abs(away @ np.array([-e[1], e[0]]))
    cut = float(np.median(t))
    inner = np.abs(t - cut) < 0.35 * np.ptp(t)
    if inner.any():
        cut = float(t[inner][int(d[inner].argmax())])
    return t <= cut if (t > cut).any() else t < np.median(t)
