"""Procedural surfaces as pictures that any viewer shows: the ground from above, walls, roofs and posters in an atlas, leaves by their vertices (numba)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

import engine.spec  # noqa: F401  (sets numba's threading layer before numba compiles anything)
from engine.colour import srgb
from engine.views.drawn.facades import facade_surface
from engine.views.drawn.ground_lookup import GroundMaps
from engine.views.drawn.ground_surface import ground_surface
from engine.views.drawn.mesh import MATERIAL, Material, Mesh
from engine.views.drawn.posters import poster_surface
from engine.views.drawn.roofs import roof_surface
from engine.views.drawn.surface import ALBEDO, ANSWER, METALLIC, ROUGHNESS
from engine.views.drawn.vegetation_surface import foliage_surface

MOST_PX = 4096
"""Side of the largest picture."""
GROUND_TEXEL_M = 0.04
BUILT_TEXEL_M = 0.03
"""Width of a texel where the picture has room for it; where it has not, texels are as wide as they must be."""
GUTTER = 4
"""Texels around a chart that go on with what lies at its rim, so that no neighbour shines in from afar."""
LEAF_PIXEL_M = 0.1
"""Leaves are coloured as a pixel of this width sees them."""
_FACADE, _POSTER = int(Material.FACADE), int(Material.POSTER)

Area = tuple[float, float, float, float]
"""World x and y of a rectangle's lowest corner, then of its highest, metres."""


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Charts of facades, roofs and posters, one a part."""

    colour: np.ndarray
    """uint8 (H, W, 3), sRGB."""
    shine: np.ndarray
    """uint8 (H, W, 3) as glTF wants it: nothing, roughness, metallic."""
    texel_m: float
    charts: np.ndarray
    """float64 (N, 6), a row a part of the mesh: column and row of its first texel, then u and v, metres, of its lowest and highest corner."""

    def uv(self, parts: np.ndarray, uv_m: np.ndarray) -> np.ndarray:
        """Places (V, 2) in the picture, from its lower left corner, of places `uv_m` (V, 2) on the charts of `parts` (V,)."""
        x, y, low_u, _, _, high_v = self.charts[parts].T
        height, width = self.colour.shape[:2]
        return np.stack([(x + (uv_m[:, 0] - low_u) / self.texel_m) / width, 1 - (y + (high_v - uv_m[:, 1]) / self.texel_m) / height], 1)


def ground_picture(maps: GroundMaps, area: Area, texel_m: float = GROUND_TEXEL_M, most_px: int = MOST_PX) -> np.ndarray:
    """uint8 (H, W, 3), sRGB: the ground's albedo from above, x to the right and y up; wider texels where `most_px` asks for them."""
    wide, high = area[2] - area[0], area[3] - area[1]
    texel_m = max(texel_m, wide / most_px, high / most_px)
    picture = np.zeros((max(1, round(high / texel_m)), max(1, round(wide / texel_m)), 3), np.uint8)
    _ground(maps, area[0], area[3], wide / picture.shape[1], high / picture.shape[0], picture)
    return picture


def atlas_of(mesh: Mesh, faces: np.ndarray, texel_m: float = BUILT_TEXEL_M, most_px: int = MOST_PX) -> Atlas:
    """Facades, roofs and posters of a mesh: `faces` bool (F,) says which triangles they are. Every part gets the rectangle that its triangles span."""
    count = len(mesh.parts)
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    owner = np.repeat(mesh.face_part[faces], 3)
    uv = mesh.uv[mesh.faces[faces].reshape(-1)].astype(np.float64)
    np.minimum.at(low, owner, uv)
    np.maximum.at(high, owner, uv)
    used = np.unique(owner)
    sizes_m = high[used] - low[used]
    while (packed := _shelves(np.ceil(sizes_m / texel_m).astype(int) + 1 + 2 * GUTTER, most_px)) is None:
        texel_m *= 1.15
    corner, shape = packed
    charts = np.zeros((count, 6))
    charts[used] = np.concatenate([corner + GUTTER, low[used], high[used]], 1)
    colour, shine = np.full((*shape, 3), 96, np.uint8), np.full((*shape, 3), (255, 220, 0), np.uint8)
    spans = np.ceil(sizes_m / texel_m).astype(np.int64) + 1
    _charts(mesh.parts[used], charts[used], spans, texel_m, colour, shine)
    return Atlas(colour, shine, texel_m, charts)


def leaf_colours(parts: np.ndarray, part_of: np.ndarray, world_m: np.ndarray) -> np.ndarray:
    """Linear albedo (V, 3) of foliage at world points (V, 3) of parts `part_of` (V,)."""
    colours = np.zeros((len(world_m), 3))
    _leaves(parts, part_of, np.ascontiguousarray(world_m, np.float64), colours)
    return colours


def srgb8(linear: np.ndarray) -> np.ndarray:
    """uint8 of linear light in [0, 1]."""
    return np.round(255 * srgb(np.asarray(linear, np.float64))).astype(np.uint8)


def _shelves(sizes: np.ndarray, most: int) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Corners (N, 2) [column, row] of rectangles (N, 2) [width, height] set side by side on shelves, and the picture's shape; None: too many."""
    if not len(sizes):
        return np.zeros((0, 2)), (1, 1)
    width = int(min(most, max(sizes[:, 0].max(), math.ceil(math.sqrt(1.05 * sizes.prod(1).sum())))))
    corner = np.zeros((len(sizes), 2))
    x = y = shelf = 0
    for n in np.lexsort([np.arange(len(sizes)), -sizes[:, 1]]):
        if x + sizes[n, 0] > width:
            x, y, shelf = 0, y + shelf, 0
        corner[n] = x, y
        x, shelf = x + int(sizes[n, 0]), max(shelf, int(sizes[n, 1]))
    height = y + shelf
    return None if height > most or sizes[:, 0].max() > most else (corner, (height, width))


@njit(cache=True, inline="always")
def _encoded(light):
    """A byte of sRGB."""
    light = min(1.0, max(0.0, light))
    return np.uint8(255.0 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1.0 / 2.4) - 0.055) + 0.5)


@njit(cache=True, parallel=True, nogil=True)
def _ground(maps, left, top, wide, high, picture):
    footprint = math.sqrt(wide * high)
    for row in prange(picture.shape[0]):
        out = np.zeros(ANSWER)
        for column in range(picture.shape[1]):
            ground_surface(maps, left + (column + 0.5) * wide, top - (row + 0.5) * high, footprint, out)
            for c in range(3):
                picture[row, column, c] = _encoded(out[ALBEDO + c])


@njit(cache=True, parallel=True, nogil=True)
def _charts(parts, charts, spans, texel, colour, shine):
    for n in prange(len(parts)):
        out = np.zeros(ANSWER)
        row = parts[n]
        x, y, low_u, low_v, high_u, high_v = charts[n, 0], charts[n, 1], charts[n, 2], charts[n, 3], charts[n, 4], charts[n, 5]
        for j in range(-GUTTER, spans[n, 1] + GUTTER):
            v = min(max(high_v - (j + 0.5) * texel, low_v), high_v)
            for i in range(-GUTTER, spans[n, 0] + GUTTER):
                u = min(max(low_u + (i + 0.5) * texel, low_u), high_u)
                if int(row[MATERIAL]) == _FACADE:
                    facade_surface(row, u, v, texel, texel, out)
                elif int(row[MATERIAL]) == _POSTER:
                    poster_surface(row, u, v, texel, texel, out)
                else:
                    roof_surface(row, u, v, texel, texel, out)
                a, b = int(y) + j, int(x) + i
                for c in range(3):
                    colour[a, b, c] = _encoded(out[ALBEDO + c])
                shine[a, b, 1] = np.uint8(255.0 * min(1.0, max(0.0, out[ROUGHNESS])) + 0.5)
                shine[a, b, 2] = np.uint8(255.0 * min(1.0, max(0.0, out[METALLIC])) + 0.5)


@njit(cache=True, parallel=True, nogil=True)
def _leaves(parts, part_of, world_m, colours):
    for n in prange(len(part_of)):
        out = np.zeros(ANSWER)
        foliage_surface(parts[part_of[n]], world_m[n, 0], world_m[n, 1], world_m[n, 2], LEAF_PIXEL_M, out)
        for c in range(3):
            colours[n, c] = out[ALBEDO + c]
