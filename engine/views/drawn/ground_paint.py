"""Paint on the road at a point (numba)."""

from __future__ import annotations

from numba import njit

PAINTED = 0


@njit(cache=True)
def paint(maps, x, y, view_x, view_y, long_m, wide_m, outside, out):
    """Paints over the asphalt in `out`; answers the painted class, or -1."""
    return -1
