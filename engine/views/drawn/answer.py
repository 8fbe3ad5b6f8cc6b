"""Which material answers for a part (numba)."""

from __future__ import annotations

from numba import njit

from engine.views.drawn.surface import clear, plain_surface


@njit(cache=True)
def answer(row, maps, x, y, z, u, v, nx, ny, nz, footprint_m, out):
    """Fills `out` (surface.ANSWER,) for a point of the world (metres), surface coordinates u, v and normal n."""
    clear(row, nx, ny, nz, out)
    plain_surface(row, x, y, z, footprint_m, out)
