"""Colours and materials of agents: what is bought in what colour, and the rows of the table of parts. Colours are linear albedo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.views.drawn.mesh import Glow, Material, part

Colour = tuple[float, float, float]


def srgb(code: str) -> Colour:
    """Linear albedo of a colour written as six hexadecimal digits."""
    values = np.array([int(code[k : k + 2], 16) for k in (0, 2, 4)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear[0]), float(linear[1]), float(linear[2])


CAR_PAINTS: tuple[tuple[float, str], ...] = (
    (0.22, "e6e7e6"),
    (0.13, "17181a"),
    (0.09, "4b4f54"),
    (0.07, "777c81"),
    (0.12, "b4b8bb"),
    (0.07, "2a3f62"),
    (0.05, "54799f"),
    (0.04, "16263f"),
    (0.07, "8c2327"),
    (0.03, "5f1820"),
    (0.03, "294537"),
    (0.02, "778a7a"),
    (0.02, "ae9a5e"),
    (0.02, "a4633a"),
    (0.03, "b9a888"),
    (0.02, "5b3f2e"),
)
TAXI = "dca82a"
LIVERIES: tuple[tuple[str, str], ...] = (
    ("e8e6df", "b3202a"),
    ("b23a3c", "ece6d6"),
    ("2a5fa8", "dfe6ee"),
    ("f0efe9", "3f7857"),
    ("cfa440", "35393f"),
    ("3c8f97", "eef0ee"),
    ("dfe2e4", "2a4f8f"),
)
"""A bus's main and second colour."""
CABS: tuple[tuple[float, str], ...] = (
    (0.42, "e6e7e4"), (0.12, "b9bdc0"), (0.09, "4b5157"), (0.09, "2f4d73"), (0.06, "6d8aa6"), (0.10, "8f2f2c"), (0.05, "ae9a5e"), (0.03, "98623f"),
    (0.04, "47604f"),
)  # fmt: skip
CARGO: tuple[tuple[float, str], ...] = (
    (0.34, "ecebe6"), (0.16, "dcdcd8"), (0.14, "c9ced2"), (0.08, "e4dfcf"), (0.06, "9aa1a6"), (0.08, "3d5a80"), (0.05, "7f97ab"), (0.06, "8e3b36"),
    (0.03, "5b6f60"),
)  # fmt: skip
SKIPS: tuple[tuple[float, str], ...] = (
    (0.22, "8f959a"), (0.18, "b9bdbf"), (0.16, "6f7478"), (0.12, "dcdcd8"), (0.10, "3f5873"), (0.08, "8a3d35"), (0.07, "a8854f"), (0.07, "55655a"),
)  # fmt: skip
"""Shares of colours of cabs, of what they carry, and of tippers' bodies, bare or in a contractor's colour: mostly white and grey, green least."""
MACHINES = ("f0b018", "eda51c", "f2c12e", "e77a1e")
BIKES = ("b8252b", "2366ad", "1d1f22", "2f8f6c", "e7e4dc", "e3a01f", "6a4c93")
COATS = (
    "22262c",
    "1d1e22",
    "2e3238",
    "3f444a",
    "5c6064",
    "26324a",
    "34425a",
    "3b5778",
    "7d95ab",
    "8a8880",
    "b9b2a4",
    "e0d9cb",
    "ededea",
    "5b4a3a",
    "8a7256",
    "4f5a3a",
    "8c2f39",
    "a8523a",
    "b8879a",
)
"""As a street is dressed: mostly dark, grey and blue, a strong colour now and then."""
TROUSERS = ("26324a", "2f2f33", "4a5870", "6b5a45", "8a8072", "1d1e22", "3a4c66", "a79a85", "4d4a3d")
SHOES = ("1b1b1d", "e8e6e2", "5a3a26", "35415a", "a33b2f")
BAGS = ("23262b", "7a4a2b", "b3392f", "2f5b7c", "3f5a3c", "c9a25c")
SKINS = ("f0c9a8", "e3b08a", "c98e64", "9c6440", "6d432b", "4b2e20", "f3d3b8")
DARK_HAIR = ("17130f", "14100e", "2b1d14", "6f6c6a")
"""Of people with dark skin."""
HAIR = ("17130f", "2b1d14", "4a2f1c", "7a5230", "b98f55", "8c8a88", "8a3f1f")
HELMETS = ("e9e9e6", "1d1f22", "c22b2b", "2b66b0", "e3b52a", "3f9a6c")


def pick(dice: np.random.Generator, choices: Sequence[str]) -> Colour:
    """One of them, evenly, a little lighter or darker."""
    return shade(srgb(choices[int(dice.integers(len(choices)))]), float(dice.uniform(0.85, 1.15)))


def weighed(dice: np.random.Generator, choices: Sequence[tuple[float, str]]) -> Colour:
    """One of them by its share."""
    shares = np.array([share for share, _ in choices])
    return srgb(choices[int(dice.choice(len(choices), p=shares / shares.sum()))][1])


def car_paint(dice: np.random.Generator) -> Colour:
    """As cars on the road are painted: mostly white, black, grey and silver."""
    return weighed(dice, CAR_PAINTS)


def shade(rgb: Colour, factor: float) -> Colour:
    """Lighter (over 1) or darker, kept within [0, 0.95]."""
    return min(0.95, rgb[0] * factor), min(0.95, rgb[1] * factor), min(0.95, rgb[2] * factor)


def paint(rgb: Colour) -> np.ndarray:
    return part(Material.PAINT, rgb, roughness=0.35)


def plain(rgb: Colour, roughness: float = 0.7) -> np.ndarray:
    return part(Material.PLAIN, rgb, roughness=roughness)


def cloth(rgb: Colour) -> np.ndarray:
    return part(Material.CLOTH, rgb, roughness=0.9)


def metal(rgb: Colour = (0.55, 0.56, 0.58), roughness: float = 0.35) -> np.ndarray:
    return part(Material.METAL, rgb, roughness=roughness, metallic=1.0)


GLASS = part(Material.GLASS, (0.025, 0.032, 0.036), roughness=0.05)
RUBBER = part(Material.RUBBER, (0.018, 0.018, 0.019), roughness=0.9)
DARK = part(Material.PLAIN, (0.008, 0.008, 0.009), roughness=0.95)
"""Wheel houses, undersides, gaps between panels."""
TRIM = part(Material.PLAIN, (0.02, 0.021, 0.022), roughness=0.6)
"""Black plastic and rubber seals."""
CHASSIS = part(Material.METAL, (0.03, 0.031, 0.033), roughness=0.7)
RIM = part(Material.METAL, (0.5, 0.51, 0.53), roughness=0.35, metallic=0.8)
CHROME = part(Material.METAL, (0.62, 0.63, 0.64), roughness=0.15, metallic=1.0)
HEADLIGHT = part(Material.PLAIN, (0.8, 0.83, 0.85), roughness=0.1, glow=Glow.HEADLIGHT)
TAIL_LEVEL, BRAKE_LEVEL = 0.6, 2.5
TAIL = part(Material.PLAIN, (0.5, 0.012, 0.012), roughness=0.15, glow=Glow.TAIL, glow_level=TAIL_LEVEL)
SIGNAL = part(Material.PLAIN, (0.8, 0.28, 0.02), roughness=0.2, glow=Glow.SIGNAL)
LAMP_BOWL = part(Material.METAL, (0.3, 0.31, 0.33), roughness=0.2, metallic=0.6)
"""What is around the lamps behind a headlamp's glass."""
LENS = part(Material.PLAIN, (0.75, 0.76, 0.78), roughness=0.2)
"""Reversing lamps and reflectors that never burn."""
PLATE = part(Material.PLAIN, (0.75, 0.75, 0.7), roughness=0.5)
