"""What dice decide of a house: style, storeys, windows, roof and colours. Houses of one row share most of it, and districts their height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.lattice import hash01
from engine.spec.classes import CLASS
from engine.views.drawn import facade_rules as facades
from engine.views.drawn import roofs
from engine.views.drawn.mesh import Material, part
from engine.views.drawn.rects import Rect
from engine.views.drawn.solids import Solids

MANMADE = CLASS["manmade"]

_WALLS = {
    facades.PLASTER: (
        (0.62, 0.57, 0.48),
        (0.66, 0.64, 0.60),
        (0.55, 0.44, 0.31),
        (0.52, 0.50, 0.46),
        (0.58, 0.40, 0.31),
        (0.42, 0.46, 0.46),
        (0.64, 0.55, 0.38),
    ),
    facades.BRICK: (
        (0.27, 0.105, 0.07),
        (0.33, 0.16, 0.10),
        (0.22, 0.10, 0.075),
        (0.38, 0.25, 0.16),
        (0.19, 0.115, 0.09),
        (0.42, 0.33, 0.24),
    ),
    facades.STONE: ((0.50, 0.45, 0.37), (0.43, 0.40, 0.35), (0.38, 0.31, 0.24), (0.56, 0.52, 0.45)),
    facades.BOARDS: (
        (0.62, 0.61, 0.58),
        (0.36, 0.43, 0.45),
        (0.50, 0.45, 0.33),
        (0.30, 0.36, 0.31),
        (0.175, 0.066, 0.052),
        (0.56, 0.52, 0.44),
    ),
    facades.PANEL: ((0.47, 0.46, 0.44), (0.40, 0.38, 0.35), (0.52, 0.49, 0.44)),
    facades.CURTAIN: ((0.20, 0.21, 0.22), (0.10, 0.11, 0.12), (0.34, 0.34, 0.33)),
    facades.METAL_SHEET: ((0.44, 0.46, 0.47), (0.30, 0.34, 0.37), (0.50, 0.48, 0.44)),
}
_TRIMS = ((0.66, 0.64, 0.60), (0.60, 0.55, 0.46), (0.46, 0.42, 0.36), (0.70, 0.69, 0.66))
_TILES = ((0.24, 0.085, 0.05), (0.19, 0.075, 0.05), (0.13, 0.06, 0.045), (0.085, 0.085, 0.09), (0.15, 0.13, 0.12))
FLAT, GABLE, HIP = range(3)


@dataclass(frozen=True, slots=True)
class Look:
    """What dice decided of one house."""

    style: int
    wall: tuple[float, float, float]
    trim: tuple[float, float, float]
    ground_m: float
    storey_m: float
    storeys: int
    """Above the ground floor."""
    pitch_m: float
    open_m: tuple[float, float]
    kind: int
    roof: int
    cover: int
    tiles: tuple[float, float, float]
    steep: float
    """In [0, 1): how steep a pitched roof is."""

    @property
    def height_m(self) -> float:
        return self.ground_m + self.storeys * self.storey_m

    @property
    def wall_m(self) -> float:
        """Height of the wall with its parapet."""
        return self.height_m + (0.55 if self.roof == FLAT else 0.0)


def look_of(rect: Rect, lot: int, foot_m: float, paved_m: float, seed: int, sells: bool = True) -> Look:
    """Dice for one lot of a rectangle: what its row shares by `family`, the rest by its own; `paved_m` is how near the pavement is.

    Where it does not sell (`sells`) there is no shop in it.
    """

    def family(salt: int) -> float:
        return hash01(rect.family, salt, seed)

    def own(salt: int) -> float:
        return hash01(rect.seed, salt + 64 * lot, seed)

    district = hash01(int(np.floor(rect.corner_m[0] / 160.0)), int(np.floor(rect.corner_m[1] / 160.0)), seed + 17)
    seen = rect.wall_top_m - foot_m
    big = rect.width_m * rect.depth_m
    if not rect.reaches_top:
        style = (facades.BRICK, facades.BOARDS, facades.PLASTER, facades.BOARDS)[int(family(1) * 4)]
        storeys = 0
        ground = max(2.5, seen)
    else:
        table = (
            facades.BRICK,
            facades.BRICK,
            facades.PLASTER,
            facades.STONE,
            facades.PLASTER,
            facades.PANEL,
            facades.BOARDS,
            facades.CURTAIN,
        )
        style = table[int((0.7 * family(1) + 0.3 * own(1)) * 7.999)]
        if style == facades.CURTAIN and big < 150.0:
            style = facades.PLASTER
        if style in (facades.BOARDS,) and big > 260.0:
            style = facades.BRICK
        base = 2.0 + 2.6 * district + 1.2 * (family(2) - 0.5)
        storeys = int(np.clip(np.round(base + 0.8 * (own(2) - 0.5)), 1, 5))
        storeys = min(storeys, max(1, int((min(rect.width_m, rect.depth_m) - 2.0) / 2.4)))
        if style == facades.BOARDS:
            storeys = min(storeys, 2)
        if style in (facades.PANEL, facades.CURTAIN):
            storeys += 1
        ground = 3.2 + 0.5 * family(3)
        while ground + storeys * 3.1 < seen:
            storeys += 1
    storey = 3.0 + 0.45 * family(4)
    kind = facades.HOUSE
    if storeys > 0 and paved_m < 6.0 and style != facades.BOARDS:
        kind = facades.SHOP if sells and family(5) < 0.55 else facades.HOUSE
        if style in (facades.PANEL, facades.CURTAIN):
            kind = facades.LOBBY
    if kind == facades.SHOP:
        ground = max(ground, 3.9)
    walls = _WALLS[style]
    wall = walls[int(own(6) * len(walls))]
    shade = 0.88 + 0.24 * own(7)
    pitch = (2.5 + 0.9 * family(8)) if style not in (facades.PANEL, facades.CURTAIN) else 3.0 + 1.0 * family(8)
    sizes = {
        facades.PLASTER: (1.15 + 0.5 * family(9), 1.5),
        facades.BRICK: (1.0 + 0.25 * family(9), 1.65),
        facades.STONE: (1.05 + 0.2 * family(9), 1.95),
        facades.BOARDS: (1.05, 1.4),
        facades.PANEL: (pitch - 0.9, 1.6),
        facades.CURTAIN: (pitch - 0.12, storey - 0.75),
        facades.METAL_SHEET: (pitch - 0.8, 1.3),
    }
    roof = FLAT
    if style not in (facades.PANEL, facades.CURTAIN) and rect.depth_m < 13.5 and rect.width_m >= 4.0 and rect.depth_m >= 3.5:
        roof = GABLE if family(10) < (0.85 if style == facades.BOARDS or storeys <= 1 else 0.4) else FLAT
        if roof == GABLE and family(11) < 0.35:
            roof = HIP
    return Look(
        style,
        (wall[0] * shade, wall[1] * shade, wall[2] * shade),
        _TRIMS[int(family(12) * len(_TRIMS))],
        ground,
        storey,
        storeys,
        pitch,
        sizes[style],
        kind,
        roof,
        roofs.TILES if family(13) < 0.6 else roofs.SLATE,
        _TILES[int(family(14) * 3) if family(13) < 0.6 else 3 + int(family(14) * 2)],
        family(15),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Lot:
    """One house of a row, or a whole one: where it stands and what it looks like."""

    base: np.ndarray
    """(3,) world: the left end of its front as seen from outside, at the foot of its walls."""
    along: np.ndarray
    """(3,) level unit vector along the front; the house is to its left."""
    width_m: float
    depth_m: float
    low_m: float
    """How far its walls go down below the foot, as a height above the foot: negative."""
    look: Look
    own: int
    """Its own seed."""
    seed: int
    before_m: float | None
    """Height of the neighbour's wall at the left, None where there is no neighbour in the row."""
    after_m: float | None

    @property
    def inward(self) -> np.ndarray:
        return np.array([-self.along[1], self.along[0], 0.0])

    def corners(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The feet of its four corners, counter-clockwise from `base`."""
        w, d = self.along * self.width_m, self.inward * self.depth_m
        return self.base, self.base + w, self.base + w + d, self.base + d

    def dice(self, salt: int) -> float:
        """In [0, 1)."""
        return hash01(self.own, salt, self.seed)


def wall_part(solids: Solids, look: Look, width: float, kind: int, bays: int, seed: int, door: int = -1) -> int:
    """The part of one wall; `door` is the bay of its door, -1 where it has none."""
    return solids.part(
        part(
            Material.FACADE, look.wall, MANMADE, roughness=0.85, seed=seed,
            params=(look.style, width, look.height_m, look.ground_m, look.storey_m, bays, kind, *look.open_m, *look.trim, door),
        )
    )  # fmt: skip
