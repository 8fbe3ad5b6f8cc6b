"""What stands beside the roads of a procedural world: ground, buildings, greenery, walls and street furniture."""

from __future__ import annotations

import numpy as np

from engine.data import curves
from engine.data.network import WORLD_HALF_M, Network, Road
from engine.data.standing import CELL_M, FLAT, GREEN, MANMADE, OTHERS, TERRAIN, Standing
from engine.data.style import WorldStyle
from engine.data.voxelise import StaticMap
from engine.spec.classes import CHANNEL
from engine.spec.grid import GridSpec
from engine.spec.layout import Layout
from engine.spec.raster import rasterise

_CELLS = int(2 * WORLD_HALF_M / CELL_M)
_WORLD_GRID = GridSpec("world", (_CELLS, _CELLS, 1), CELL_M, (-WORLD_HALF_M, -WORLD_HALF_M, 0.0))
_AREAS = [CHANNEL["drivable_area"], CHANNEL["ped_crossing"], CHANNEL["walkway"]]


def build_statics(rng: np.random.Generator, style: WorldStyle, network: Network) -> StaticMap:
    """The standing world around a network."""
    areas = rasterise(Layout(tuple(p for p in network.polygons if p.channel in _AREAS)), _WORLD_GRID, np.eye(4))[_AREAS]
    standing = Standing(-_CELLS // 2, -_CELLS // 2, areas.any(0), areas[:2].any(0))
    seed = int(rng.integers(1 << 30))
    reach = float(rng.uniform(3, 9))
    paved = float(rng.choice([0.1, rng.uniform(0.1, 0.55)], p=[0.8, 0.2]))
    standing.lay_ground(reach, paved, seed)
    for outline in network.islands:
        label = int(rng.choice([FLAT, TERRAIN, GREEN, MANMADE], p=[0.45, 0.2, 0.2, 0.15]))
        standing.island(outline, label, float(rng.uniform(0.6, 1.5)))
    if style.buildings > 0:
        for road in network.roads:
            for side in (0, 1):
                _row_of_buildings(rng, style, road, side, standing)
    if style.greenery > 0:
        standing.thickets(float(rng.uniform(0.0, 0.42)) * min(style.greenery, 1.3), reach, seed + 2)
        _greenery(rng, style, network, standing, reach)
    _furniture(rng, network, standing)
    return standing.frozen(reach + 6)


def _kerb_side(road: Road, side: int) -> tuple[int, float, float, float]:
    """Sign of 'outwards', offset of the kerb, width of the verge and of the walkway on a side (0 right, 1 left)."""
    verge, walk = road.walk[side]
    return (-1, road.right, verge, walk) if side == 0 else (1, road.left, verge, walk)


def _row_of_buildings(rng: np.random.Generator, style: WorldStyle, road: Road, side: int, standing: Standing) -> None:
    """Lot by lot along one side of a road, where the ground is free."""
    lengths = curves.arc_lengths(road.center)
    sign, kerb, verge, walk = _kerb_side(road, side)
    setback = float(rng.choice([0.5, rng.uniform(1, 4), rng.uniform(4, 9)], p=[0.35, 0.45, 0.2]))
    dense = float(rng.uniform(0.45, 1.0)) * min(style.buildings, 1.2)
    s = float(rng.uniform(0, 12))
    while s < lengths[-1]:
        front, depth = float(rng.uniform(7, 30)), float(rng.uniform(7, 18))
        if rng.random() < dense:
            back = setback + (rng.uniform(0, 2.5) if rng.random() < 0.4 else 0.0)
            yaw = float(curves.heading_at(road.center, lengths, s + front / 2, front / 2)[0])
            n = np.array([-np.sin(yaw), np.cos(yaw)]) * sign
            x, y = curves.at_length(road.center, lengths, s + front / 2)[0] + n * (abs(kerb) + verge + walk + back + depth / 2 + 0.3)
            tall = float(rng.choice([rng.uniform(2.6, 4.6), rng.uniform(6, 25)], p=[0.25, 0.75]))
            if standing.building(x, y, yaw, (front, depth, tall)) and rng.random() < 0.3:  # an annexe makes an L
                shift = np.array([np.cos(yaw), np.sin(yaw)]) * front * rng.choice([-0.4, 0.4]) - n * depth * 0.4
                size = front * 0.4, depth * 0.7, tall * float(rng.uniform(0.5, 1))
                standing.building(x + shift[0], y + shift[1], yaw, size, joins=True)
        s += front + float(rng.choice([0.0, rng.uniform(1, 4), rng.uniform(6, 25)], p=[0.35, 0.4, 0.25]))


def _greenery(rng: np.random.Generator, style: WorldStyle, network: Network, standing: Standing, reach: float) -> None:
    """Street trees in rows, trees on open ground, hedges."""

    def tree(x: float, y: float, radius: float) -> None:
        standing.tree(x, y, radius, float(rng.uniform(2.0, 3.0)), float(rng.uniform(0.25, 0.5)), int(rng.integers(1 << 30)))

    for road in network.roads:
        lengths = curves.arc_lengths(road.center)
        for side in (0, 1):
            sign, kerb, verge, walk = _kerb_side(road, side)
            if rng.random() < 0.5 * style.greenery:
                gap, size = float(rng.uniform(6, 16)), float(rng.uniform(1.3, 2.8))
                out = float(rng.uniform(0.6, max(0.8, verge + walk + 1.5)))
                for s in np.arange(rng.uniform(0, gap), lengths[-1], gap):
                    if rng.random() < 0.85:
                        s_j = s + rng.normal(0, 0.6)
                        left = kerb + sign * (out + rng.normal(0, 0.2))
                        tree(*_beside(road.center, lengths, s_j, left), size * rng.uniform(0.8, 1.25))
            if rng.random() < 0.3 * style.greenery:
                line = _stretch(rng, road.center, lengths, kerb + sign * (verge + walk + rng.uniform(0.4, 1.5)), 90)
                standing.wall(line, float(rng.uniform(0.5, 1.2)), GREEN, float(rng.uniform(0.8, 2.2)))
    for _ in range(int(rng.poisson(70 * style.greenery))):
        x, y = rng.uniform(-100, 100, 2)
        at = standing.cell(x, y)
        if at is not None and 0.6 < standing.clear_m[at] < reach * 1.3:
            tree(x, y, float(rng.uniform(0.9, 3.2)))


def _furniture(rng: np.random.Generator, network: Network, standing: Standing) -> None:
    """Lamp posts, signs, traffic lights, fences, walls, cabinets and debris."""
    for road in network.roads:
        lengths = curves.arc_lengths(road.center)
        for side in (0, 1):
            sign, kerb, verge, walk = _kerb_side(road, side)
            if rng.random() < 0.7:
                for s in np.arange(rng.uniform(0, 30), lengths[-1], rng.uniform(18, 40)):
                    standing.post(*_beside(road.center, lengths, s, kerb + sign * 0.7), MANMADE, float(rng.uniform(5.5, 9)))
            for s in rng.uniform(0, lengths[-1], rng.poisson(5)):
                standing.post(*_beside(road.center, lengths, s, kerb + sign * rng.uniform(0.5, 1.2)), MANMADE, float(rng.uniform(1, 3)))
            if rng.random() < 0.4:
                line = _stretch(rng, road.center, lengths, kerb + sign * (verge + walk + rng.uniform(0.3, 3.0)), 80)
                standing.wall(line, 0.4, MANMADE, float(rng.uniform(0.9, 2.8)))
            for s in rng.uniform(0, lengths[-1], rng.poisson(3)):
                x, y = _beside(road.center, lengths, s, kerb + sign * (verge + rng.uniform(0.5, walk + 1.5)))
                label = OTHERS if rng.random() < 0.65 else MANMADE
                standing.block(x, y, (int(rng.integers(1, 5)), int(rng.integers(1, 5))), label, float(rng.uniform(0.4, 1.8)))
    for x, y, radius in network.junctions:
        for a in rng.uniform(0, 2 * np.pi, int(rng.integers(0, 5))):
            standing.post(x + (radius + 2) * np.cos(a), y + (radius + 2) * np.sin(a), MANMADE, 4.5)
    for _ in range(int(rng.poisson(6))):
        x, y = rng.uniform(-60, 60, 2)
        at = standing.cell(x, y)
        if at is not None and standing.ground[at] in (TERRAIN, FLAT):
            standing.block(x, y, (int(rng.integers(2, 7)), int(rng.integers(2, 7))), OTHERS, float(rng.uniform(0.4, 2.2)))


def _beside(center: np.ndarray, lengths: np.ndarray, s: float, left_m: float) -> tuple[float, float]:
    x, y = curves.at_length(center, lengths, s)[0]
    yaw = curves.heading_at(center, lengths, s)[0]
    return float(x - np.sin(yaw) * left_m), float(y + np.cos(yaw) * left_m)


def _stretch(rng: np.random.Generator, center: np.ndarray, lengths: np.ndarray, left_m: float, longest_m: float) -> np.ndarray:
    start = rng.uniform(0, lengths[-1] * 0.7)
    return curves.offset(center, left_m)[(lengths > start) & (lengths < start + rng.uniform(15, longest_m))]
