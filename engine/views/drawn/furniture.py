"""What is left of manmade things when houses are taken away: poles, signs, walls and fences, boxes, told apart by their shape."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from engine.lattice import hash01
from engine.spec.classes import CLASS
from engine.views.drawn import furniture_mesh as draw
from engine.views.drawn.footprints import HARD, Columns
from engine.views.drawn.houses import world_seed
from engine.views.drawn.solids import Solids

_ALL = np.ones((3, 3), bool)
_CROSSING = CLASS["ped_crossing"]


def furnish(
    solids: Solids, cols: Columns, cells: np.ndarray, others: np.ndarray, road_m: np.ndarray, ground_m: np.ndarray, seed: int
) -> list[np.ndarray]:
    """Build what columns `cells` (X, Y) of manmade and `others` (X, Y) of class 0 show; answers with the heads of street lamps (3,).

    `road_m` (X, Y, 3): distance to the nearest roadway and the unit vector towards it; `ground_m` (X, Y): world z of the ground.
    """
    lamps: list[np.ndarray] = []
    labels, count = ndimage.label(cells, _ALL)  # type: ignore[misc]
    for index, box in enumerate(ndimage.find_objects(labels)):
        where = np.argwhere(labels[box] == index + 1) + [box[0].start, box[1].start]
        _component(solids, cols, where, road_m, ground_m, seed, lamps)
    del count
    labels, _ = ndimage.label(others, _ALL)  # type: ignore[misc]
    for index, box in enumerate(ndimage.find_objects(labels)):
        where = np.argwhere(labels[box] == index + 1) + [box[0].start, box[1].start]
        _small(solids, cols, where, road_m, ground_m, seed)
    return lamps


def _points(cols: Columns, where: np.ndarray) -> np.ndarray:
    return cols.low_m + (where + 0.5) * cols.voxel_m


def _road(road_m: np.ndarray, where: np.ndarray) -> tuple[float, np.ndarray]:
    here = road_m[where[len(where) // 2][0], where[len(where) // 2][1]]
    return float(here[0]), here[1:] if np.hypot(*here[1:]) > 0.5 else np.array([1.0, 0.0])


def _component(
    solids: Solids, cols: Columns, where: np.ndarray, road_m: np.ndarray, ground_m: np.ndarray, seed: int, lamps: list[np.ndarray]
) -> None:
    i, j = where.T
    top = cols.top_m[i, j]
    foot = float(np.median(ground_m[i, j]))
    points = _points(cols, where)
    high = float(np.quantile(top, 0.8)) - foot
    tall = int((top - foot > 2.6).sum())
    if float(np.median(cols.base_m[i, j])) - foot > 1.9 and len(where) > 3:
        return  # A shred that floats: of a roof, a crown or a wire.
    long, wide, angle = _shape(points)
    if long <= 1.7 or len(where) <= 3:
        _upright(solids, points, high if tall == 0 else float(top.max()) - foot, wide, foot, _road(road_m, where), seed, lamps)
        return
    # The tallest column of a low run may be a pole that stands in it.
    peak = int(top.argmax())
    if top[peak] - foot > 3.0 and tall <= 4 and tall < 0.3 * len(where):
        _upright(solids, points[peak : peak + 1], float(top[peak]) - foot, 0.4, foot, _road(road_m, where[peak : peak + 1]), seed, lamps)
        keep = np.hypot(*(points - points[peak]).T) > 0.7
        if keep.sum() >= 2 and (top[keep] - foot).max() > 0.5:
            _component(solids, cols, where[keep], road_m, ground_m, seed, lamps)
        return
    if wide <= 1.3:
        _run(solids, cols, points, top, angle, ground_m, seed)
    elif long > 3.0 and len(where) >= 6:
        half = _split(points, angle)
        for part in (half, ~half):
            if part.any():
                _component(solids, cols, where[part], road_m, ground_m, seed, lamps)
    else:
        _blob(solids, points, high, long, wide, angle, foot, seed)


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


def _upright(
    solids: Solids,
    points: np.ndarray,
    high: float,
    wide: float,
    foot: float,
    road: tuple[float, np.ndarray],
    seed: int,
    lamps: list[np.ndarray],
) -> None:
    at = np.array([*points.mean(axis=0), foot])
    here = world_seed(points[0], seed, 21, 0.4)
    dice = hash01(here, 1, seed)
    distance, towards = road
    if high >= 3.0:
        if distance < 7.0 and dice < 0.62:
            lamps.append(draw.street_lamp(solids, at, towards, here))
        elif distance < 9.0 and dice < 0.8:
            draw.traffic_light(solids, at, towards, here)
        elif dice < 0.9:
            draw.sign(solids, at, towards, here, max(2.4, min(high, 3.4)))
        else:
            draw.pole(solids, at, max(high, 6.5), here)
    elif high >= 1.7:
        if distance < 9.0 and dice < 0.7 or wide <= 0.5:
            draw.sign(solids, at, towards, here, max(2.2, high))
        else:
            draw.cabinet(solids, at, towards, (0.8, 0.5, high), here)
    elif high >= 0.9:
        if len(points) >= 2 or dice < 0.5:
            draw.cabinet(solids, at, towards, (0.9 if len(points) > 1 else 0.55, 0.42, high), here)
        else:
            draw.bin_(solids, at, here)
    elif high >= 0.3:
        draw.bollard(solids, at, high, here)


def _run(solids: Solids, cols: Columns, points: np.ndarray, top: np.ndarray, angle: float, ground_m: np.ndarray, seed: int) -> None:
    e = np.array([np.cos(angle), np.sin(angle)])
    middle = np.median(points, axis=0)
    n = np.array([-e[1], e[0]])
    t = (points - middle) @ e
    line = middle + n * float(np.median((points - middle) @ n))
    ends = np.stack([line + e * (t.min() - 0.2), line + e * (t.max() + 0.2)])
    i, j = cols.at(ends)
    feet = ground_m[i, j]
    i, j = cols.at(points)
    high = float(np.quantile(top - ground_m[i, j], 0.6))
    here = world_seed(np.floor(line / 12.0) * 12.0, seed, 22, 12.0)
    dice = hash01(here, 2, seed)
    if high < 0.3:
        return
    if high > 3.4:
        draw.hoarding(solids, ends, feet, 3.2, here)
    elif high > 1.3:
        (draw.wall if dice < 0.6 else draw.board_fence)(solids, ends, feet, min(high, 2.4), here)
    else:
        (draw.wall if dice < 0.4 else draw.railing)(solids, ends, feet, max(0.6, high), here)


def _blob(solids: Solids, points: np.ndarray, high: float, long: float, wide: float, angle: float, foot: float, seed: int) -> None:
    at = np.array([*points.mean(axis=0), foot])
    e = np.array([np.cos(angle), np.sin(angle)])
    here = world_seed(points[0], seed, 23)
    if high >= 1.9:
        draw.kiosk(solids, at, e, (max(long, 1.6), max(wide, 1.4), min(max(high, 2.3), 3.0)), here)
    elif high >= 0.35:
        draw.planter(solids, at, e, (long, wide, min(high, 1.0)), here)


def _small(solids: Solids, cols: Columns, where: np.ndarray, road_m: np.ndarray, ground_m: np.ndarray, seed: int) -> None:
    points = _points(cols, where)
    i, j = where.T
    at = np.array([*points.mean(axis=0), float(np.median(ground_m[i, j]))])
    here = world_seed(points[0], seed, 24)
    distance, towards = _road(road_m, where)
    dice = hash01(here, 3, seed)
    long, _, angle = _shape(points)
    if cols.kind[i, j].max() == HARD and distance < 0.3:
        return
    if long >= 1.2:
        draw.bench(solids, at, np.array([np.cos(angle), np.sin(angle)]), here)
    elif dice < 0.5:
        draw.bin_(solids, at, here)
    else:
        draw.cabinet(solids, at, towards, (0.6, 0.45, 1.1), here)
