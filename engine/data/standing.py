"""A world raster under construction: ground, walls, crowns and posts are stamped on it, then frozen into a StaticMap."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.data import curves
from engine.data.fields import distance_field
from engine.data.voxelise import StaticMap
from engine.lattice import hash01, value_noise
from engine.spec.classes import CLASS, FREE

CELL_M = 0.4
TERRAIN, FLAT, MANMADE, GREEN, OTHERS = CLASS["terrain"], CLASS["other_flat"], CLASS["manmade"], CLASS["vegetation"], CLASS["others"]


class Standing:
    """Cells [i, j] cover world x in [i0 + i, i0 + i + 1) * 0.4 m, y alike: the lattice is the world's, whatever the window."""

    def __init__(self, i0: int, j0: int, mapped: np.ndarray, road: np.ndarray) -> None:
        """mapped, road: bool (W, H), cells that the layout maps at all, and those where vehicles go."""
        self.i0, self.j0 = i0, j0
        self.shape = mapped.shape
        self.clear_m = distance_field(mapped, CELL_M)
        self.road_m = distance_field(road, CELL_M)
        self.ground = np.full(self.shape, FREE, np.uint8)
        self.volume = np.zeros((*self.shape, 3), np.uint8)
        self.crown = np.zeros((*self.shape, 3), np.uint8)
        self.taken = np.zeros(self.shape, np.bool_)
        self._buildings: list[tuple[float, ...]] = []
        self._posts: list[tuple[float, ...]] = []

    def cell(self, x_m: float, y_m: float) -> tuple[int, int] | None:
        """Cell that holds a world point; None within 3 m of the window's edge or beyond it."""
        i, j = int(np.floor(x_m / CELL_M)) - self.i0, int(np.floor(y_m / CELL_M)) - self.j0
        return (i, j) if 8 <= i < self.shape[0] - 8 and 8 <= j < self.shape[1] - 8 else None

    def frozen(self, seen_m: float) -> StaticMap:
        """What was stamped; of buildings only the walls within `seen_m` of mapped ground."""
        buildings, posts = np.array(self._buildings).reshape(-1, 6), np.array(self._posts, np.float32).reshape(-1, 5)
        origin = self.i0 * CELL_M, self.j0 * CELL_M
        return StaticMap(origin, CELL_M, self.ground, self.volume, self.crown, self.clear_m < seen_m, buildings, posts)

    def lay_ground(self, reach_m: float, paved: float, seed: int) -> None:
        """Known ground reaches a wavering distance beyond what is mapped; past it nothing was ever seen."""
        _lay_ground(self.ground, self.clear_m, self.i0, self.j0, reach_m, paved, seed)

    def thickets(self, share: float, reach_m: float, seed: int) -> None:
        """Bushes and the edges of woods, wherever noise is high and nothing is built."""
        _thickets(self.volume, self.clear_m, self.taken, self.i0, self.j0, share, reach_m, seed)

    def building(
        self, x_m: float, y_m: float, yaw_rad: float, size_m: tuple[float, float, float], clear_m: float = 0.5, joins: bool = False
    ) -> bool:
        """Four walls; False where the ground is not free.

        size_m: along the street, away from it, height. `joins`: may grow into another building.
        """
        if not _claim(self.clear_m, self.taken, self.i0, self.j0, x_m, y_m, yaw_rad, size_m[0], size_m[1], clear_m, joins):
            return False
        self._buildings.append((x_m, y_m, yaw_rad, *size_m))
        return True

    def tree(self, x_m: float, y_m: float, radius_m: float, slender: float, bare: float, seed: int) -> bool:
        """slender: height per radius, 2 to 3; bare: share of the height below the crown."""
        at = self.cell(x_m, y_m)
        if at is None or self.taken[at] or self.road_m[at] < 0.4 or self.volume[at][2] > 0:
            return False
        tall = radius_m * slender + 1.0
        below = bare * tall
        if self.clear_m[at] < 3 + radius_m:  # near people and cars crowns are kept high
            below = max(below, 2.4)
        tall = max(tall, below + radius_m)
        self._posts.append((x_m, y_m, GREEN, 0, (below + tall) * 5))
        if radius_m > 2.4:
            self._posts.append((x_m + 0.4, y_m, GREEN, 0, (below + tall) * 5))
        _stamp_crown(self.crown, self.taken, self.i0, self.j0, x_m, y_m, radius_m, below, tall, seed)
        return True

    def wall(self, line_m: np.ndarray, thick_m: float, label: int, tall_m: float, clear_m: float = 0.3) -> None:
        """A wall, fence or hedge along a line, where the ground is free."""
        if len(line_m) > 1:
            points = curves.resample(line_m, 0.3)
            _draw_wall(self.clear_m, self.taken, self.volume, self.i0, self.j0, points, thick_m / 2, label, tall_m * 10, clear_m)

    def post(self, x_m: float, y_m: float, label: int, tall_m: float) -> None:
        """A pole or sign, thinner than a cell."""
        self._posts.append((x_m, y_m, label, 0, tall_m * 10))

    def block(self, x_m: float, y_m: float, cells: tuple[int, int], label: int, tall_m: float, clear_m: float = 0.0) -> None:
        """A small box of cells: a bin, a cabinet, debris."""
        at = self.cell(x_m, y_m)
        if at is not None and not self.taken[at]:
            window = slice(at[0], at[0] + cells[0]), slice(at[1], at[1] + cells[1])
            self.volume[window][(self.clear_m[window] > clear_m) & ~self.taken[window]] = (label, 0, int(tall_m * 10))

    def island(self, outline_m: np.ndarray, label: int, tall_m: float) -> None:
        """A traffic island: flat or grassy ground, with a hedge or low wall on it where the label is one."""
        low = np.maximum(np.floor(outline_m.min(0) / CELL_M).astype(int) - (self.i0, self.j0), 0)
        high = np.minimum(np.floor(outline_m.max(0) / CELL_M).astype(int) + 1 - (self.i0, self.j0), self.shape)
        _fill_island(self.ground, self.volume, self.clear_m, self.i0, self.j0, outline_m, low, high, label, tall_m * 10)


@njit(cache=True)
def _lay_ground(ground, clear_m, i0, j0, reach_m, paved, seed):
    for i in range(ground.shape[0]):
        for j in range(ground.shape[1]):
            if clear_m[i, j] < reach_m * 2:  # mapped cells too: a column may be unmapped where the nearest cell of the raster is not
                x, y = (i0 + i) * CELL_M, (j0 + j) * CELL_M
                edge = reach_m * (0.35 + 1.2 * value_noise(x, y, 9.0, seed)) + 1.6 * (hash01((i0 + i) // 2, (j0 + j) // 2, seed) - 0.5)
                if clear_m[i, j] < edge:
                    ground[i, j] = FLAT if value_noise(x, y, 26.0, seed + 1) < paved else TERRAIN


@njit(cache=True)
def _thickets(volume, clear_m, taken, i0, j0, share, reach_m, seed):
    for i in range(taken.shape[0]):
        for j in range(taken.shape[1]):
            if 1.0 < clear_m[i, j] < reach_m * 1.6 and not taken[i, j]:
                x, y = (i0 + i) * CELL_M, (j0 + j) * CELL_M
                n = 0.7 * value_noise(x, y, 14.0, seed) + 0.3 * value_noise(x, y, 3.0, seed + 1)
                if n < share and clear_m[i, j] < reach_m * (0.8 + 0.8 * value_noise(x, y, 6.0, seed + 2)):
                    tall = 6 + 80 * (share - n) + 18 * value_noise(x, y, 2.0, seed + 3)
                    volume[i, j, 0], volume[i, j, 1], volume[i, j, 2] = GREEN, 0, min(tall, 80.0)


@njit(cache=True)
def _claim(clear, taken, i0, j0, x, y, yaw, length, width, clear_min, joins):
    """Takes the cells of a rectangle; False, and none taken, where one of them is not free."""
    nx, ny = taken.shape
    c, s = np.cos(yaw), np.sin(yaw)
    reach_x, reach_y = (abs(c) * length + abs(s) * width) / 2, (abs(s) * length + abs(c) * width) / 2
    low_i, high_i = int(np.floor((x - reach_x) / CELL_M)) - i0, int(np.floor((x + reach_x) / CELL_M)) - i0 + 1
    low_j, high_j = int(np.floor((y - reach_y) / CELL_M)) - j0, int(np.floor((y + reach_y) / CELL_M)) - j0 + 1
    if low_i < 0 or low_j < 0 or high_i >= nx or high_j >= ny:
        return False
    for takes in range(2):
        for i in range(low_i, high_i):
            for j in range(low_j, high_j):
                dx, dy = (i0 + i + 0.5) * CELL_M - x, (j0 + j + 0.5) * CELL_M - y
                if abs(c * dx + s * dy) <= length / 2 and abs(c * dy - s * dx) <= width / 2:
                    if takes:
                        taken[i, j] = True
                    elif clear[i, j] < clear_min or (taken[i, j] and not joins):
                        return False
    return True


@njit(cache=True)
def _stamp_crown(crown, taken, i0, j0, x, y, radius, below, tall, seed):
    nx, ny = taken.shape
    low_i, low_j = int(np.floor((x - radius) / CELL_M)) - i0, int(np.floor((y - radius) / CELL_M)) - j0
    n = int(2 * radius / CELL_M) + 2
    middle, half = (below + tall) / 2, (tall - below) / 2
    for i in range(max(low_i, 0), min(low_i + n, nx)):
        for j in range(max(low_j, 0), min(low_j + n, ny)):
            dx, dy = (i0 + i + 0.5) * CELL_M - x, (j0 + j + 0.5) * CELL_M - y
            r = np.sqrt(dx * dx + dy * dy) / (radius * (0.8 + 0.4 * hash01(i0 + i, j0 + j, seed)))
            if r < 1 and not taken[i, j]:
                z = half * np.sqrt(1 - r * r)
                low, high = (middle - z) * 10, min((middle + z) * 10, 250.0)
                if crown[i, j, 2] == 0:
                    crown[i, j, 0], crown[i, j, 1], crown[i, j, 2] = GREEN, low, high
                else:
                    crown[i, j, 1], crown[i, j, 2] = min(low, crown[i, j, 1]), max(high, crown[i, j, 2])


@njit(cache=True)
def _draw_wall(clear, taken, volume, i0, j0, points, half_m, label, top_dm, clear_min):
    nx, ny = taken.shape
    half_m = max(half_m, 0.31)  # two cells, so that no view of the lattice shows holes
    r = int(half_m / CELL_M) + 1
    for k in range(len(points)):
        x, y = points[k, 0], points[k, 1]
        ci, cj = int(np.floor(x / CELL_M)) - i0, int(np.floor(y / CELL_M)) - j0
        for i in range(max(ci - r, 0), min(ci + r + 1, nx)):
            for j in range(max(cj - r, 0), min(cj + r + 1, ny)):
                near = abs((i0 + i + 0.5) * CELL_M - x) <= half_m and abs((j0 + j + 0.5) * CELL_M - y) <= half_m
                if near and clear[i, j] > clear_min and not taken[i, j]:
                    volume[i, j, 0], volume[i, j, 1], volume[i, j, 2] = label, 0, top_dm


@njit(cache=True)
def _inside(outline, x, y):
    odd = False
    k = len(outline) - 1
    for m in range(len(outline)):
        if (outline[m, 1] > y) != (outline[k, 1] > y):
            if x < (outline[k, 0] - outline[m, 0]) * (y - outline[m, 1]) / (outline[k, 1] - outline[m, 1]) + outline[m, 0]:
                odd = not odd
        k = m
    return odd


@njit(cache=True)
def _fill_island(ground, volume, clear, i0, j0, outline, low, high, label, top_dm):
    for i in range(low[0], high[0]):
        for j in range(low[1], high[1]):
            if clear[i, j] > 0 and _inside(outline, (i0 + i + 0.5) * CELL_M, (j0 + j + 0.5) * CELL_M):
                ground[i, j] = label if label == TERRAIN or label == FLAT else FLAT
                volume[i, j, 2] = 0
                if (label == GREEN or label == MANMADE) and clear[i, j] > 0.5:
                    volume[i, j, 0], volume[i, j, 1], volume[i, j, 2] = label, 0, top_dm
