"""Which material answers for a part (numba)."""

from __future__ import annotations

import math

from numba import njit

from engine.views.drawn.facades import facade_surface
from engine.views.drawn.ground_surface import ground_seen
from engine.views.drawn.mesh import MATERIAL, Material
from engine.views.drawn.roofs import concrete_surface, roof_surface
from engine.views.drawn.surface import clear, plain_surface
from engine.views.drawn.vegetation_surface import bark_surface, foliage_surface

_GROUND, _FACADE, _ROOF = int(Material.GROUND), int(Material.FACADE), int(Material.ROOF)
_FOLIAGE, _BARK, _CONCRETE = int(Material.FOLIAGE), int(Material.BARK), int(Material.CONCRETE)


@njit(cache=True, error_model="numpy")
def answer(row, maps, x, y, z, u, v, nx, ny, nz, dx, dy, wide_m, long_m, out):
    """Fills `out` (surface.ANSWER,) for a point of the world (metres), surface coordinates u, v and normal n.

    A pixel is `wide_m` across the line of sight (dx, dy) and `long_m` along it on the surface.
    """
    footprint_m = math.sqrt(wide_m * long_m)
    clear(row, nx, ny, nz, out)
    material = int(row[MATERIAL])
    if material == _GROUND:
        level = max(1e-6, math.sqrt(dx * dx + dy * dy))
        ground_seen(maps, x, y, dx / level, dy / level, long_m, wide_m, out)
    elif material == _FACADE:
        facade_surface(row, u, v, footprint_m, out)
    elif material == _FOLIAGE:
        foliage_surface(row, x, y, z, footprint_m, out)
    elif material == _ROOF:
        roof_surface(row, u, v, footprint_m, out)
    elif material == _CONCRETE:
        concrete_surface(row, x, y, z, footprint_m, out)
    elif material == _BARK:
        bark_surface(row, x, y, z, footprint_m, out)
    else:
        plain_surface(row, x, y, z, footprint_m, out)
