"""What lorries and trailers carry their loads in: boxes, curtains, flat beds with drop sides, tippers, containers, tanks."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.shapes import Soup, both, box, fan, grid, loft, prism, superellipse


def body(soup: Soup, kind: str, span: tuple[float, float], size: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> None:
    """A body of `kind` from span[0] to span[1] along x; `size` is half its width, its floor's z and its roof's z."""
    {"box": _box, "curtain": _curtain, "container": _container, "flatbed": _flatbed, "tipper": _tipper, "tank": _tank}[kind](
        soup, span, size, rgb, coarse
    )


def _rounded(span: tuple[float, float], half: float, low: float, high: float, coarse: bool) -> np.ndarray:
    """A long box with softly rounded long edges."""
    corner = 0.05
    if coarse:
        return box((span[0], -half, low), (span[1], half, high))
    section = [(half, low), (half, high - corner), (half - 0.3 * corner, high - 0.3 * corner), (half - corner, high)]
    ring = np.array(section + [(-y, z) for y, z in section[::-1]])
    rings = np.stack([np.insert(ring, 0, x, axis=1) for x in span])
    return loft(rings)


def _box(soup: Soup, span: tuple[float, float], size: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> None:
    half, low, high = size
    soup.add(_rounded(span, half, low, high, coarse), pal.paint(rgb))
    frame = pal.metal((0.5, 0.5, 0.52), 0.45)
    x0, x1 = span
    if coarse:
        return
    soup.add(both(box((x0 - 0.014, half - 0.02, low - 0.02), (x1 + 0.005, half + 0.008, low + 0.1))), frame)
    soup.add(both(box((x0 - 0.01, half - 0.06, low), (x0 + 0.05, half + 0.006, high - 0.04))), frame)
    soup.add(both(box((x1 - 0.05, half - 0.06, low), (x1 + 0.01, half + 0.006, high - 0.04))), frame)
    _rear_doors(soup, x0, half, low, high, pal.TRIM)
    wide = 0.3 * (high - low)
    for side in (1, -1):
        y = side * (half + 0.006)
        stripe = np.array(
            [
                [x0 + 0.1, y, low + 0.16],
                [x1 - 0.1, y, low + 0.16],
                [x1 - 0.1, y, low + 0.16 + wide * 0.25],
                [x0 + 0.1, y, low + 0.16 + wide * 0.25],
            ]
        )
        ring = stripe if side < 0 else stripe[::-1]
        soup.add(np.stack([ring[[0, 1, 2]], ring[[0, 2, 3]]]), pal.paint(pal.shade(rgb, 0.3)))


def _rear_doors(soup: Soup, x: float, half: float, low: float, high: float, row: np.ndarray) -> None:
    """A seam between two doors, locking bars and hinges."""
    soup.add(box((x - 0.008, -0.008, low + 0.08), (x, 0.008, high - 0.06)), pal.DARK)
    soup.add(box((x - 0.006, -half + 0.05, high - 0.08), (x, half - 0.05, high - 0.05)), row)
    bar = pal.metal((0.4, 0.4, 0.42), 0.4)
    for y in (0.22, 0.62):
        soup.add(both(box((x - 0.035, y * half - 0.012, low + 0.04), (x - 0.008, y * half + 0.012, high - 0.05))), bar)
        soup.add(
            both(
                box((x - 0.045, y * half - 0.1, low + 0.32 * (high - low)), (x - 0.02, y * half + 0.02, low + 0.32 * (high - low) + 0.04))
            ),
            bar,
        )


def _curtain(soup: Soup, span: tuple[float, float], size: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> None:
    """A curtain-sider: sides of cloth that wave a little, straps and a frame."""
    half, low, high = size
    x0, x1 = span
    frame = pal.metal((0.5, 0.5, 0.52), 0.45)
    soup.add(box((x0, -half, high - 0.12), (x1, half, high)), frame)
    soup.add(box((x0, -half, low - 0.02), (x1, half, low + 0.08)), frame)
    soup.add(box((x1 - 0.08, -half + 0.012, low), (x1 - 0.012, half - 0.012, high - 0.05)), pal.paint(rgb))
    soup.add(box((x0 + 0.006, -half + 0.012, low), (x0 + 0.08, half - 0.012, high - 0.05)), frame)
    count = 1 if coarse else max(6, round((x1 - x0) / 0.5))
    x = np.linspace(x1 - 0.06, x0 + 0.06, count + 1)
    wave = 0.0 if coarse else 0.018 * (np.arange(count + 1) % 2)
    z = np.array([low + 0.02, high - 0.06])
    sheet = np.stack(np.broadcast_arrays(x[:, None], (half - 0.022 + wave * np.ones(count + 1))[:, None], z[None]), axis=-1)
    soup.add(both(grid(sheet)), pal.cloth(rgb))
    if coarse:
        return
    for at in np.arange(x0 + 0.5, x1 - 0.3, 1.1):
        strap = np.array(
            [
                (at + 0.02, half + 0.004, low - 0.02),
                (at - 0.02, half + 0.004, low - 0.02),
                (at - 0.02, half + 0.004, low + 0.3),
                (at + 0.02, half + 0.004, low + 0.3),
            ]
        )
        soup.add(both(fan(strap)), pal.TRIM)
    _rear_doors(soup, x0, half, low, high, pal.TRIM)


def _container(soup: Soup, span: tuple[float, float], size: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> None:
    """A shipping container with corrugated sides on a bare chassis."""
    half, low, high = size
    x0, x1 = span
    row = pal.plain(rgb, 0.6)
    if coarse:
        soup.add(box((x0, -half, low), (x1, half, high)), row)
        return
    soup.add(box((x0, -half, high - 0.12), (x1, half, high)), row)
    soup.add(box((x0, -half, low), (x1, half, low + 0.14)), row)
    for x in (x0, x1 - 0.14):
        soup.add(both(box((x, half - 0.16, low), (x + 0.14, half, high))), row)
    soup.add(box((x1 - 0.06, -half + 0.05, low), (x1 - 0.03, half - 0.05, high)), row)
    soup.add(box((x0 + 0.03, -half + 0.05, low), (x0 + 0.06, half - 0.05, high)), row)
    waves = max(4, round((x1 - x0) / 0.28))
    x = np.linspace(x1 - 0.1, x0 + 0.1, 4 * waves + 1)
    depth = np.tile([0.0, 0.0, 1.0, 1.0], waves + 1)[: 4 * waves + 1]
    z = np.array([low + 0.1, high - 0.1])
    soup.add(both(grid(np.stack(np.broadcast_arrays(x[:, None], (half - 0.01 - 0.04 * depth)[:, None], z[None]), axis=-1))), row)
    _rear_doors(soup, x0 + 0.02, half, low, high, pal.TRIM)


def _flatbed(soup: Soup, span: tuple[float, float], size: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> None:
    """A floor with drop sides and a bulkhead, and something on it."""
    half, low, high = size
    x0, x1 = span
    board = 0.32 * min(1.0, (high - low) / 1.2)
    soup.add(box((x0 + 0.01, -half + 0.012, low - 0.06), (x1 - 0.01, half - 0.012, low + 0.03)), pal.plain((0.16, 0.1, 0.055)))
    side = pal.metal((0.45, 0.46, 0.47), 0.5)
    soup.add(both(box((x0 + 0.045, half - 0.04, low), (x1 - 0.065, half, low + board))), side)
    soup.add(box((x0, -half, low), (x0 + 0.04, half, low + board)), side)
    soup.add(box((x1 - 0.06, -half, low), (x1, half, low + min(1.0, 0.6 * (high - low)))), pal.paint(rgb))
    if not coarse:
        for at in np.arange(x0 + 0.1, x1 - 0.1, 1.6):
            soup.add(both(box((at, half - 0.05, low - 0.05), (at + 0.06, half + 0.012, low + board))), pal.CHASSIS)
    crates = np.random.default_rng(round((x1 - x0) * 100))
    at, wood = x1 - 0.25, pal.plain((0.33, 0.21, 0.1))
    # Far away the load is one heap.
    if coarse:
        soup.add(box((x0 + 0.4, -half * 0.8, low + 0.03), (at, half * 0.8, low + 0.03 + 0.6 * min(1.1, high - low - 0.1))), wood)
    while not coarse and at - 1.2 > x0 + 0.2:
        long, tall = float(crates.uniform(0.9, 1.2)), float(crates.uniform(0.45, 0.95)) * min(1.1, high - low - 0.1)
        if crates.random() < 0.7:
            soup.add(
                box((at - long, -half * 0.8, low + 0.03), (at, half * 0.8, low + 0.03 + tall)),
                wood if crates.random() < 0.6 else pal.cloth((0.2, 0.3, 0.36)),
            )
        at -= long + 0.15


def _tipper(soup: Soup, span: tuple[float, float], size: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> None:
    """An open body of upright sides with a rail along their top, ribs, a tailgate hung from it, and a heap of earth in it."""
    half, low, high = size
    x0, x1 = span
    top = low + min(0.75 * (high - low), 2.1)
    row, dark = pal.plain(rgb, 0.5), pal.plain(pal.shade(rgb, 0.8), 0.5)
    wall, rail = half - 0.07, 0.14
    # Upright sides between floor and rail, with a bevel where they meet the floor.
    foot = low + min(0.16, 0.2 * (top - low))
    outline = [(wall, foot), (wall, top - 0.02), (-wall, top - 0.02), (-wall, foot), (-wall + 0.14, low), (wall - 0.14, low)]
    rings = np.stack([np.insert(np.array(outline), 0, x, axis=1) for x in (x0 + 0.09, x1 - 0.05)])
    soup.add(loft(rings), row)
    soup.add(box((x0 + 0.3, -half * 0.8, low - 0.1), (x1 - 0.1, half * 0.8, low + 0.01)), pal.CHASSIS)
    soup.add(both(box((x0 + 0.02, wall - 0.07, top - rail), (x1, half, top))), row)
    soup.add(box((x1 - 0.12, -half, top - rail), (x1, half, top)), row)
    # The tailgate: a frame around a panel that is set back.
    soup.add(box((x0, -half, top - 1.2 * rail), (x0 + 0.12, half, top + 0.03)), row)
    soup.add(both(box((x0 + 0.015, half - 0.14, low + 0.02), (x0 + 0.12, half - 0.01, top - rail))), row)
    # A shield that stands at the front and reaches over the cab.
    roofline = top + 0.6 * (high - top)
    soup.add(
        prism(
            [(x1 - 0.05, top - 0.1), (x1 - 0.05, roofline), (x1 + 0.5, roofline), (x1 + 0.5, roofline - 0.06), (x1 + 0.02, top - 0.1)],
            -half * 0.92,
            half * 0.92,
        ),
        row,
    )
    n, m = (3, 3) if coarse else (8, 6)
    x, y = np.linspace(x1 - 0.12, x0 + 0.1, n), np.linspace(wall - 0.06, 0.06 - wall, m)
    heap = (1 - np.linspace(-1, 1, n)[:, None] ** 2) * (1 - np.linspace(-1, 1, m)[None] ** 2)
    rough = 1 + 0.15 * np.sin(7 * x[:, None] + 5 * y[None])
    soup.add(
        grid(np.stack(np.broadcast_arrays(x[:, None], y[None], top - 0.01 + min(0.36, 0.85 * (high - top)) * heap * rough), axis=-1)),
        pal.plain((0.13, 0.085, 0.05), 0.95),
    )
    if coarse:
        return
    for at in np.linspace(x0 + 0.16, x1 - 0.16, max(4, round((x1 - x0) / 1.1))):
        soup.add(both(box((at - 0.045, wall - 0.01, foot - 0.06), (at + 0.045, half - 0.008, top - rail))), dark)
    soup.add(box((x0 + 0.015, -half + 0.13, low + 0.02), (x0 + 0.12, half - 0.13, low + 0.15)), row)
    for y0 in (0.0, 0.45):
        post = box((x0 + 0.02, y0 * half - 0.04, low + 0.15), (x0 + 0.1, y0 * half + 0.04, top - 1.2 * rail))
        soup.add(both(post) if y0 else post, dark)
    soup.add(both(box((x0 - 0.015, half - 0.24, top - 0.06), (x0 + 0.06, half - 0.16, top + 0.07))), pal.CHASSIS)


def _tank(soup: Soup, span: tuple[float, float], size: tuple[float, float, float], rgb: pal.Colour, coarse: bool) -> None:
    """An elliptic tank with domed ends and a walkway."""
    half, low, high = size
    x0, x1 = span
    middle, tall = (low + high) / 2, (high - low) / 2
    outline = superellipse(half, tall, 2.6, 8 if coarse else 24)
    stations = [
        (x0, 0.0),
        (x0 + 0.06, 0.6),
        (x0 + 0.22, 0.92),
        (x0 + 0.4, 1.0),
        (x1 - 0.4, 1.0),
        (x1 - 0.22, 0.92),
        (x1 - 0.06, 0.6),
        (x1, 0.0),
    ]
    rings = np.stack([np.stack([np.full(len(outline), x), outline[:, 0] * s, middle + outline[:, 1] * s], axis=1) for x, s in stations])
    soup.add(loft(rings, closed_ends=False), pal.metal((0.6, 0.61, 0.62), 0.25))
    soup.add(box((x0 + 0.5, -0.3, high - 0.06), (x1 - 0.5, 0.3, high)), pal.CHASSIS)
    soup.add(both(box((x0 + 0.4, half - 0.02, middle - 0.15), (x1 - 0.4, half + 0.006, middle + 0.1))), pal.paint(rgb))
