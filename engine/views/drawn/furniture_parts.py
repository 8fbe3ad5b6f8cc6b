"""The few words that street furniture is written in: metal, paint, and level vectors."""

from __future__ import annotations

import numpy as np

from engine.spec.classes import CLASS
from engine.views.drawn.mesh import Material, part
from engine.views.drawn.solids import Solids

MANMADE = CLASS["manmade"]
OTHERS = CLASS["others"]
UP = np.array([0.0, 0.0, 1.0])


def metal_part(
    solids: Solids, rgb: tuple[float, float, float] = (0.20, 0.21, 0.21), roughness: float = 0.45, class_id: int = MANMADE
) -> int:
    """Painted or bare metal."""
    return solids.part(part(Material.METAL, rgb, class_id, roughness=roughness, metallic=0.5))


def plain_part(solids: Solids, rgb: tuple[float, float, float], class_id: int = MANMADE) -> int:
    """A plain colour."""
    return solids.part(part(Material.PLAIN, rgb, class_id, roughness=0.6))


def level(v: np.ndarray) -> np.ndarray:
    """A direction (2,) as a level vector (3,)."""
    return np.array([v[0], v[1], 0.0])


def left_of(e: np.ndarray) -> np.ndarray:
    """The level vector to the left of one."""
    return np.array([-e[1], e[0], 0.0])
