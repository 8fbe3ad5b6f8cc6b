"""Traffic cones and barriers. A barrier is short along x and wide along y."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.rig import Model, still
from engine.views.drawn.agents.shapes import Soup, box, lathe, loft
from engine.views.drawn.mesh import Glow, Material, part

CONES = ("cone", "drum", "bollard")
BARRIERS = ("water_filled", "concrete", "board")
ORANGE, WHITE, RED = (0.85, 0.13, 0.015), (0.8, 0.8, 0.79), (0.55, 0.02, 0.02)


def choose_cone(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    length, width, height = size_m
    if max(length, width) > 0.62 * height and height > 0.8:
        return "drum"
    return "bollard" if height > 3.2 * max(length, width) and dice.random() < 0.6 else "cone"


def choose_barrier(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    return str(dice.choice(BARRIERS, p=[0.4, 0.3, 0.3]))


def cone(kind: str, size_m: tuple[float, float, float], coarse: bool) -> Model:
    length, width, height = size_m
    soup = Soup()
    orange, white, rubber = pal.plain(ORANGE, 0.5), pal.plain(WHITE, 0.4), pal.RUBBER
    side = min(length, width) / 2
    count = 7 if coarse else 13 if kind == "cone" else 11
    if kind == "cone":
        foot = 0.045 * height
        side = min(side, 0.3 * height)
        soup.add(box((-side, -side, 0), (side, side, foot), 0.92), rubber)
        base, tip = 0.74 * side, 0.16 * side
        bands = [(0.0, 0.3, orange), (0.3, 0.5, white), (0.5, 0.66, orange), (0.66, 0.82, white), (0.82, 1.0, orange)]
        radius = lambda t: base + (tip - base) * t  # noqa: E731
    elif kind == "drum":
        bands = [
            (0.0, 0.12, pal.RUBBER),
            (0.12, 0.34, orange),
            (0.34, 0.5, white),
            (0.5, 0.66, orange),
            (0.66, 0.82, white),
            (0.82, 1.0, orange),
        ]
        radius = lambda t: side * (1.0 if t <= 0.12 else 0.92 - 0.2 * t)  # noqa: E731
        foot = 0.0
    else:
        bands = [
            (0.0, 0.05, pal.RUBBER),
            (0.05, 0.6, orange),
            (0.6, 0.7, white),
            (0.7, 0.78, orange),
            (0.78, 0.88, white),
            (0.88, 1.0, orange),
        ]
        radius = lambda t: side if t <= 0.05 else 0.42 * side  # noqa: E731
        foot = 0.0
    for low_t, high_t, row in bands:
        z0, z1 = foot + (height - foot) * low_t, foot + (height - foot) * high_t
        outer = radius(low_t + 1e-6) + (0.004 if row is white else 0.0)
        soup.add(lathe([(outer, z0), (radius(high_t) + (0.004 if row is white else 0.0), z1)], count), row)
        if low_t == 0.0 and kind != "cone":
            soup.add(lathe([(outer, z1), (0.3 * outer, z1)], count), row)
    soup.add(lathe([(radius(1.0), height), (radius(1.0) * 0.55, height - 0.012), (0.0, height - 0.05)], count), orange)
    return Model(soup.rigged(), still)


def barrier(kind: str, size_m: tuple[float, float, float], variant: int, coarse: bool) -> Model:
    soup, dice = Soup(), np.random.default_rng(variant)
    {"water_filled": _water_filled, "concrete": _concrete, "board": _board}[kind](soup, size_m, dice, coarse)
    return Model(soup.rigged(), still)


def _along(section: np.ndarray, y0: float, y1: float, inset: float = 0.0) -> np.ndarray:
    """A section (n, 2) of (x, z), counter-clockwise from +y, swept along y; ends a little smaller by `inset` shares."""
    middle = section.mean(axis=0)
    small = middle + (section - middle) * (1 - inset)
    steps = [(y0, small), (y0 + 0.04, section), (y1 - 0.04, section), (y1, small)] if inset else [(y0, section), (y1, section)]
    return loft(np.stack([np.stack([s[::-1, 0], np.full(len(s), y), s[::-1, 1]], axis=1) for y, s in steps]))


def _water_filled(soup: Soup, size_m: tuple[float, float, float], dice: np.random.Generator, coarse: bool) -> None:
    """Plastic segments, red and white by turns, with forklift slots and hollows."""
    length, width, h = size_m
    a = length / 2
    section = np.array([(a, 0.0), (a, 0.22 * h), (0.55 * a, 0.42 * h), (0.36 * a, 0.94 * h), (0.3 * a, h)])
    section = np.concatenate([section, section[::-1] * (-1, 1)])
    count = max(1, round(width / 1.1))
    edges = np.linspace(-width / 2, width / 2, count + 1)
    first = int(dice.integers(2))
    for k in range(count):
        y0, y1 = edges[k] + 0.01, edges[k + 1] - 0.01
        row = pal.plain(RED if (k + first) % 2 else WHITE, 0.4)
        soup.add(_along(section, y0, y1, 0.0 if coarse else 0.05), row)
        if coarse:
            continue
        middle, wide = (y0 + y1) / 2, (y1 - y0) * 0.3
        for side in (1, -1):
            for z0, z1, x0, x1 in ((0.5 * h, 0.62 * h, 0.53 * a, 0.48 * a), (0.72 * h, 0.84 * h, 0.46 * a, 0.41 * a)):
                x0, x1 = side * (x0 + 0.012), side * (x1 + 0.012)
                quad = np.array([(x0, middle - wide, z0), (x0, middle + wide, z0), (x1, middle + wide, z1), (x1, middle - wide, z1)])
                quad = quad if side > 0 else quad[::-1]
                soup.add(np.stack([quad[[0, 1, 2]], quad[[0, 2, 3]]]), pal.plain(pal.shade(RED if (k + first) % 2 else WHITE, 0.62), 0.5))
            for y in (middle - wide * 0.9, middle + wide * 0.9):
                x0, x1 = sorted((side * a * 0.98, side * (a + 0.006)))
                soup.add(box((x0, y - 0.1, 0.03), (x1, y + 0.1, 0.12)), pal.DARK)


def _concrete(soup: Soup, size_m: tuple[float, float, float], dice: np.random.Generator, coarse: bool) -> None:
    """A Jersey barrier with lifting slots at its foot and reflectors."""
    length, width, h = size_m
    a = length / 2
    grey = float(dice.uniform(0.3, 0.42))
    concrete = part(Material.CONCRETE, (grey, grey * 0.98, grey * 0.94), roughness=0.9)
    section = np.array([(a, 0.0), (a, 0.1 * h), (0.55 * a, 0.38 * h), (0.32 * a, 0.95 * h), (0.26 * a, h)])
    section = np.concatenate([section, section[::-1] * (-1, 1)])
    soup.add(_along(section, -width / 2, width / 2, 0.0 if coarse else 0.03), concrete)
    if coarse:
        return
    for y in (-0.25 * width, 0.25 * width):
        for side in (1, -1):
            x0, x1 = sorted((side * a * 0.9, side * (a + 0.006)))
            soup.add(box((x0, y - 0.14, 0.0), (x1, y + 0.14, 0.08 * h)), pal.DARK)
            x0, x1 = sorted((side * 0.4 * a, side * 0.46 * a))
            soup.add(box((x0, y - 0.05, 0.72 * h), (x1, y + 0.05, 0.8 * h)), pal.plain((0.8, 0.4, 0.03), 0.2))


def _board(soup: Soup, size_m: tuple[float, float, float], dice: np.random.Generator, coarse: bool) -> None:
    """Two boards with slanted red and white stripes on posts and rubber feet, a lamp on top."""
    length, width, h = size_m
    half = width / 2
    post = min(0.03, 0.1 * length)
    for y in (-0.8 * half, 0.8 * half):
        soup.add(box((-length / 2, y - 0.13, 0.0), (length / 2, y + 0.13, 0.08), 0.9), pal.RUBBER)
        soup.add(box((-post, y - 0.025, 0.05), (post, y + 0.025, 0.88 * h)), pal.metal((0.6, 0.6, 0.6), 0.5))
        if not coarse:
            lamp = part(Material.PLAIN, (0.8, 0.35, 0.03), roughness=0.3, glow=Glow.SIGNAL)
            soup.add(box((-post - 0.006, y - 0.05, 0.86 * h), (post + 0.006, y + 0.05, 0.9 * h)), pal.TRIM)
            soup.add(lathe([(0.0, -0.035), (0.07, -0.03), (0.07, 0.03), (0.0, 0.035)], 10, (1, 0, 0), (0, y, h - 0.07)), lamp)
    for z0, z1 in ((0.6 * h, 0.84 * h), (0.28 * h, 0.46 * h)):
        thick = post + 0.015
        soup.add(box((-thick, -half, z0), (thick, half, z1)), pal.plain(WHITE, 0.4))
        stripe = 0.2 if not coarse else 0.4
        slant = (z1 - z0) * 0.8
        for y in np.arange(-half, half - slant - stripe * 0.4, 2 * stripe):
            y1 = min(y + stripe, half - slant)
            quad = np.array(
                [
                    (thick + 0.006, y, z0 + 0.01),
                    (thick + 0.006, y1, z0 + 0.01),
                    (thick + 0.006, y1 + slant, z1 - 0.01),
                    (thick + 0.006, y + slant, z1 - 0.01),
                ]
            )
            near = np.stack([quad[[0, 1, 2]], quad[[0, 2, 3]]])
            soup.add(np.concatenate([near, near[:, ::-1] * (-1, 1, 1)]), pal.plain(RED, 0.4))
