"""What a surface is made of at a point: the numbers that every material answers with, and who answers (numba).

A material's function gets the point in world metres (float64), the surface coordinates, the row of parts, and how wide a pixel is
there (`footprint_m`): patterns finer than that are averaged by it, never sampled, so that nothing shimmers.
"""

from __future__ import annotations

# What a material answers, float64 (ANSWER,).
ALBEDO = 0
"""0-2: linear red, green, blue."""
ROUGHNESS, METALLIC = 3, 4
GLOW = 5
"""5-7: linear light that it sends out by itself when its lamps are on at night."""
CLASS = 8
"""Occupancy class id of the point."""
NORMAL = 9
"""9-11: world normal; filled with the interpolated one before the material is asked, which may bend it."""
MIRROR = 12
"""0 to 1: share of a smooth dielectric or metal layer on top (panes, clear coat, water), which mirrors by Fresnel."""
TRANSLUCENCY = 13
"""0 to 1: share of light that comes through from behind (leaves)."""
ANSWER = 16
