"""Which material answers for a part (numba)."""

from __future__ import annotations

import math

from numba import njit

from engine.views.drawn.facades import facade_surface
from engine.views.drawn.ground_surface import ground_seen
from engine.views.drawn.mesh import MATERIAL, Material
from engine.views.drawn.posters import poster_surface
from engine.views.drawn.roofs import concrete_surface, roof_surface
from engine.views.drawn.surface import clear, plain_surface
from engine.views.drawn.vegetation_surface import bark_surface, foliage_surface

_GROUND, _FACADE, _ROOF = int(Material.GROUND), int(Material.FACADE), int(Material.ROOF)
_FOLIAGE, _BARK, _CONCRETE = int(Material.FOLIAGE), int(Material.BARK), int(Material.CONCRETE)
_POSTER = int(Material.POSTER)


@njit(cache=True, error_model="numpy", inline="always")
def _along_surface(nx, ny, nz, dx, dy, dz, wide_m, long_m):
    """Width of a pixel's footprint level along a wall or roof of normal n, and up it."""
    level = math.sqrt(nx * nx + ny * ny)
    if level < 1e-6:
        both = math.sqrt(wide_m * long_m)
        return both, both
    # Level along it is t = (-ny, nx, 0) / level, up it is n x t.
    a = (nx * dy - ny * dx) / level
    b = dz * level - nz * (nx * dx + ny * dy) / level
    square = max(a * a + b * b, 1e-9)
    a, b = a * a / square, b * b / square
    return math.sqrt(a * long_m * long_m + b * wide_m * wide_m), math.sqrt(b * long_m * long_m + a * wide_m * wide_m)


@njit(cache=True, error_model="numpy")
def answer(row, maps, x, y, z, u, v, nx, ny, nz, dx, dy, dz, wide_m, long_m, out):
    """Fills `out` (surface.ANSWER,) for a point of the world (metres), surface coordinates u, v and normal n.

    A pixel is `wide_m` across the line of sight d and `long_m` along it on the surface.
    """
    footprint_m = math.sqrt(wide_m * long_m)
    clear(row, nx, ny, nz, out)
    material = int(row[MATERIAL])
    if material == _GROUND:
        level = max(1e-6, math.sqrt(dx * dx + dy * dy))
        ground_seen(maps, x, y, dx / level, dy / level, long_m, wide_m, out)
    elif material == _FACADE:
        wide_u, wide_v = _along_surface(nx, ny, nz, dx, dy, dz, wide_m, long_m)
        facade_surface(row, u, v, wide_u, wide_v, out)
    elif material == _FOLIAGE:
        foliage_surface(row, x, y, z, footprint_m, out)
    elif material == _ROOF:
        wide_u, wide_v = _along_surface(nx, ny, nz, dx, dy, dz, wide_m, long_m)
        roof_surface(row, u, v, wide_u, wide_v, out)
    elif material == _CONCRETE:
        concrete_surface(row, x, y, z, footprint_m, out)
    elif material == _POSTER:
        wide_u, wide_v = _along_surface(nx, ny, nz, dx, dy, dz, wide_m, long_m)
        poster_surface(row, u, v, wide_u, wide_v, out)
    elif material == _BARK:
        bark_surface(row, x, y, z, footprint_m, out)
    else:
        plain_surface(row, x, y, z, footprint_m, out)
