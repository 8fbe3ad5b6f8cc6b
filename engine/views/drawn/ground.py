"""The ground of the drawn world: a smooth sheet with kerbs, and maps from which its material is read at any point.

Columns are taken in as the static world decides them, and what was derived for them stays bit for bit the same. Beyond them the land
goes on as an apron, which is made anew each time and retreats as the world grows.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import ndimage

from engine.spec.classes import CLASS
from engine.views.drawn.ground_apron import STEP, Apron, apron
from engine.views.drawn.ground_cells import CLASS_OF_KIND, FLAT, ROAD, SOIL, WALK, Columns
from engine.views.drawn.ground_fields import RING, Fields, fields
from engine.views.drawn.ground_height import sheet
from engine.views.drawn.ground_lookup import OUTSIDE, GroundMaps, write_purity
from engine.views.drawn.ground_marks import Marks
from engine.views.drawn.ground_masks import away, grown, nearest
from engine.views.drawn.ground_mesh import ground_mesh
from engine.views.drawn.ground_paint import BIN, listed
from engine.views.drawn.mesh import Mesh
from engine.views.drawn.static_world import StaticWorld

KERB_HEIGHT_M = 0.10
SURFACE_AT = 0.75
"""How high in its voxel the ground lies, as a share of it: between its middle, where agents' boxes stand, and the upper face, which cameras see."""
PAD = 32
"""Columns around fresh ones that are looked at, so that curves join those that stand."""
NEVER = 65535
_MOST_OFF_M, _NEAR_M, _SWING = 0.6, 2.0, 25.0
"""An edge that lies no more off than this is led back to its course within so many columns; it is looked for so near."""


class Ground:
    """Height, surface and material of the ground; `update` takes in what the world decided last."""

    def __init__(self, world: StaticWorld, seed: int) -> None:
        """The world must have decided its first columns. `seed` is that of textures."""
        shape = world.decided.shape
        self.world, self.seed = world, seed
        self.surface = np.full(shape, CLASS["terrain"], np.uint8)
        """uint8 (X, Y): class ids, holes filled."""
        self.height_m = np.zeros(shape, np.float32)
        """float32 (X, Y): world z at column centres, kerbs included, extrapolated beyond decided columns."""
        self._taken = np.zeros(shape, bool)
        self._settled = np.zeros(shape, bool)
        self._distance = np.full((*shape, 3), -9.0, np.float32)
        self._base = np.zeros(shape, np.float32)
        self._raise = np.zeros(shape, np.float32)
        self._heading = np.zeros(shape, np.uint8)
        self._pure = np.full(shape, OUTSIDE, np.uint8)
        self._epoch = np.full(shape, NEVER, np.uint16)
        self._ends = np.zeros((0, 4))
        self._marks = Marks(world.voxel_m)
        self._updates = 0
        self._apron: Apron
        self.maps: GroundMaps
        self.update()

    def update(self) -> None:
        """Take in the columns that the world has decided since the last time."""
        fresh = self.world.decided & ~self._taken
        if not fresh.any():
            return
        rows, columns = np.flatnonzero(fresh.any(axis=1)), np.flatnonzero(fresh.any(axis=0))
        crop = tuple(
            slice(max(int(found[0]) - PAD, 0), min(int(found[-1]) + 1 + PAD, size))
            for found, size in ((rows, fresh.shape[0]), (columns, fresh.shape[1]))
        )
        new, taken = fresh[crop], self._taken[crop]
        decided = new | taken
        cells = Columns(self.world.labels[crop], decided, new, self.surface[crop])
        self.surface[crop][new] = cells.label[new]
        self._settle_heights(crop, cells, decided, taken, new)
        found = fields(cells.kind, decided, self.world.voxel_m)
        self._settle_fields(crop, found, decided, new)
        offset = np.array([crop[0].start, crop[1].start])
        self._marks.take_in(offset, cells.label, new, decided, cells.hidden, found.distance[0], self._heading[crop], self._updates)
        self._epoch[crop][new] = self._updates
        self._taken |= fresh
        self._updates += 1
        self._go_on_beyond(crop, found.ends)

    def mesh(self, scene_origin_m: np.ndarray) -> Mesh:
        """Sheet, kerbs and apron, in the scene frame whose origin lies at `scene_origin_m` (3,) of the world."""
        return ground_mesh(self.maps, self._taken, self._settled, self._apron.first, np.asarray(scene_origin_m, np.float64))

    def _settle_heights(self, crop, cells: Columns, decided: np.ndarray, taken: np.ndarray, new: np.ndarray) -> None:
        world = self.world
        seen = world.origin_m[2] + (cells.layer + SURFACE_AT) * world.voxel_m
        base = sheet(np.where(cells.layer >= 0, seen, np.nan), decided, taken, self._base[crop].astype(np.float64), world.voxel_m)
        self._base[crop][new] = base[new]
        # Walks stand above the road; what lies behind them comes down to it slowly, and at crossings they are dropped.
        apart = ((cells.kind != ROAD) & decided).astype(np.float64)
        share = ndimage.gaussian_filter(apart * (cells.kind == WALK), 2.5) / np.maximum(ndimage.gaussian_filter(apart, 2.5), 1e-4)
        share = np.clip((share - 0.08) / 0.45, 0.0, 1.0)
        rising = KERB_HEIGHT_M * share * share * (3 - 2 * share)
        crossing = (cells.label == CLASS["ped_crossing"]) & decided
        if crossing.any():
            away_m = away(crossing) * world.voxel_m
            rising *= np.clip((away_m - 0.6) / 1.2, 0.12, 1.0)
        self._raise[crop][new] = rising[new]

    def _settle_fields(self, crop, found: Fields, decided: np.ndarray, new: np.ndarray) -> None:
        settled = self._settled[crop]
        ring = grown(decided, RING) & ~settled
        rows, columns = nearest(settled) if settled.any() else (None, None)
        for number in range(3):
            distance = found.distance[number]
            if rows is not None and columns is not None:
                # An edge that stands may lie a little off where it turned out to run: it swings over, it does not jump.
                off = np.where(settled, self._distance[crop][..., number] - distance, 0.0)
                off[(np.abs(off) > _MOST_OFF_M) | (np.abs(distance) > _NEAR_M)] = 0.0
                away_from = np.hypot(rows - np.arange(len(rows))[:, None], columns - np.arange(rows.shape[1]))
                fade = np.clip(1.0 - away_from / _SWING, 0.0, 1.0)
                distance = distance + off[rows, columns] * fade * fade * (3 - 2 * fade)
            self._distance[crop][..., number][ring] = distance[ring]
        self._heading[crop][new] = _street_degrees(found.heading, new)[new]
        settled |= ring
        write_purity(
            self._distance, self._settled, crop[0].start - 2, crop[1].start - 2, crop[0].stop + 2, crop[1].stop + 2, self._pure
        )  # fmt: skip

    def _go_on_beyond(self, crop, ends: np.ndarray) -> None:
        """Make the apron, and the maps of everything, anew."""
        world = self.world
        ends = ends.copy()
        ends[:, :2] += (crop[0].start, crop[1].start)
        every = np.concatenate([self._ends, ends])
        ahead = np.round(every[:, :2] + 4.0 * every[:, 2:]).astype(int)
        inside = ((ahead >= 0) & (ahead < self._taken.shape)).all(axis=1)
        open_still = ~inside
        open_still[inside] = ~self._taken[ahead[inside, 0], ahead[inside, 1]]
        self._ends = every[open_still]
        self._apron = beyond = apron(
            self._taken, self._settled, self._distance, self._base, self._raise, self._heading, self._ends, world.voxel_m
        )
        cell = world.voxel_m
        origin = world.origin_m[:2] + 0.5 * cell
        first = origin + beyond.first * cell
        frame = np.array([*origin, cell, *first, cell * STEP, float(self.seed & 0xFFFF)])
        _fill_beyond(
            self._taken, self._settled, beyond.first, beyond.distance, beyond.base_m, beyond.raise_m, CLASS_OF_KIND,
            self._distance, self._base, self._raise, self.surface,
        )  # fmt: skip
        self.height_m = self._base + np.where(self._distance[..., 0] >= 0, np.float32(0), self._raise)
        lines, strips = self._marks.lines(self._taken, self._ends), self._marks.strips
        nodes = beyond.base_m.shape
        bins, items = listed(lines, strips, frame, ((nodes[0] - 1) * STEP // BIN + 1, (nodes[1] - 1) * STEP // BIN + 1))
        self.maps = GroundMaps(
            frame, self._pure, self._distance, self._base, self._raise, self._heading, self._epoch,
            beyond.distance, beyond.base_m, beyond.raise_m, beyond.heading,
            bins, items, lines, strips,
        )  # fmt: skip


def _street_degrees(heading: np.ndarray, new: np.ndarray) -> np.ndarray:
    """uint8 (X, Y): the street's direction at every column, one of the few that the crop's road edges mostly run in."""
    known = np.isfinite(heading)
    if not known.any():
        return np.zeros(heading.shape, np.uint8)
    degrees = np.degrees(heading) % 180.0
    counts = np.bincount(np.round(degrees[known]).astype(int) % 180, minlength=180).astype(np.float64)
    smooth = ndimage.gaussian_filter1d(counts, 2.0, mode="wrap")
    peaks: list[int] = []
    for candidate in np.argsort(-smooth, kind="stable"):
        if smooth[candidate] < 0.1 * smooth.max():
            break
        if all(abs((candidate - peak + 90) % 180 - 90) > 12 for peak in peaks):
            peaks.append(int(candidate))
    apart = np.abs((degrees[..., None] - np.array(peaks) + 90) % 180 - 90)
    chosen = np.array(peaks, np.uint8)[np.argmin(np.where(np.isfinite(apart), apart, 999.0), axis=-1)]
    rows, columns = nearest(known)
    return chosen[rows, columns]


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_beyond(taken, settled, first, far_distance, far_base, far_raise, label, distance, base, rising, surface):
    """Give columns that are not decided the apron's heights, edges and classes."""
    for i in range(taken.shape[0]):
        for j in range(taken.shape[1]):
            if taken[i, j]:
                continue
            a, b = (i - first[0]) // STEP, (j - first[1]) // STEP
            if a < 0 or b < 0 or a + 1 >= far_base.shape[0] or b + 1 >= far_base.shape[1]:
                continue
            u, v = (i - first[0]) / STEP - a, (j - first[1]) / STEP - b
            p, q, r, s = (1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v
            base[i, j] = p * far_base[a, b] + q * far_base[a + 1, b] + r * far_base[a, b + 1] + s * far_base[a + 1, b + 1]
            rising[i, j] = p * far_raise[a, b] + q * far_raise[a + 1, b] + r * far_raise[a, b + 1] + s * far_raise[a + 1, b + 1]
            if not settled[i, j]:
                for n in range(3):
                    low = p * far_distance[a, b, n] + q * far_distance[a + 1, b, n]
                    distance[i, j, n] = low + r * far_distance[a, b + 1, n] + s * far_distance[a + 1, b + 1, n]
            kind = SOIL
            if distance[i, j, 0] >= 0:
                kind = ROAD
            elif distance[i, j, 1] >= 0:
                kind = FLAT
            elif distance[i, j, 2] >= 0:
                kind = WALK
            surface[i, j] = label[kind]
