"""What hangs under the floor of a lorry or a trailer: guards along its sides, flaps behind its wheels, axles. Metres, box frame.

Its voxels are full down to the road, and on real ones little daylight is seen between floor and road either.
"""

from __future__ import annotations

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.shapes import Soup, both, box

CLEAR_M = 0.26
"""What hangs lowest ends so far above the road."""
_PANEL = pal.plain((0.075, 0.077, 0.08), 0.6)
_RAIL = pal.metal((0.3, 0.3, 0.31), 0.5)


def side_guards(soup: Soup, span: tuple[float, float], half: float, deck: float, coarse: bool) -> None:
    """Panels from span[0] to span[1] along x that close the sides below the floor at `deck`, and a rail along each edge."""
    low, high = CLEAR_M, 0.84 * deck
    if coarse:
        soup.add(box((span[0], 0.08 - half, low), (span[1], half - 0.08, high)), _PANEL)
        return
    soup.add(both(box((span[0], half - 0.1, low), (span[1], half - 0.07, high))), _PANEL)
    for z in (low, high - 0.09):
        soup.add(both(box((span[0] - 0.02, half - 0.08, z), (span[1] + 0.02, half - 0.03, z + 0.09))), _RAIL)


def lockers(soup: Soup, span: tuple[float, float], half: float, deck: float) -> None:
    """Lockers for tools and straps to either side, from span[0] to span[1] along x: behind the last wheels, where else the road is seen through."""
    low, high = CLEAR_M + 0.06, deck - 0.14
    if span[1] < span[0] + 0.3 or high < low + 0.2:
        return
    outer = half - 0.1
    soup.add(both(box((span[0], 0.4 * half, low), (span[1], outer, high))), _PANEL)
    soup.add(both(box((span[0] + 0.04, outer, low + 0.05), (span[1] - 0.04, outer + 0.015, high - 0.05))), pal.TRIM)
    middle = (span[0] + span[1]) / 2
    soup.add(both(box((middle - 0.07, outer + 0.015, high - 0.13), (middle + 0.07, outer + 0.04, high - 0.1))), _RAIL)


def mud_flaps(soup: Soup, x: float, across: tuple[float, float], high: float) -> None:
    """Behind the last wheels, from across[0] to across[1] to either side."""
    soup.add(both(box((x - 0.02, across[0], 0.5 * CLEAR_M), (x, across[1], high))), pal.TRIM)


def axle(soup: Soup, x: float, half: float, radius: float, driven: bool) -> None:
    """A beam between two wheels of this radius, the housing of its gears in the middle where it is driven."""
    soup.add(box((x - 0.22 * radius, -half, 0.66 * radius), (x + 0.22 * radius, half, 1.3 * radius)), pal.CHASSIS)
    if driven:
        soup.add(box((x - 0.5 * radius, -0.28 * half, 0.52 * radius), (x + 0.5 * radius, 0.28 * half, 1.45 * radius), 0.8), pal.CHASSIS)
