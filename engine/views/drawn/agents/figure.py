"""A human figure of cloth and skin in eleven pieces, each about its own joint. x forward, y left, z up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.shapes import Soup, both, box, ellipsoid, grid, hub, loft, mirrored, superellipse, tube

BONES = 11
TORSO, ARM, FOREARM, THIGH, SHIN, FOOT = 0, 1, 3, 5, 7, 9
"""Torso with head, then left and right of each: the bone less the figure's first; the right limb's is one more."""
GRIP = 1.2
"""Where a fist holds, in lengths of the forearm."""


@dataclass(frozen=True)
class Figure:
    """Sizes in metres, from the height; joints in the rest pose (standing, arms down)."""

    height: float
    child: bool = False
    woman: bool = False
    girth: float = 1.0
    """Of the torso and limbs, 1 is slim."""

    @property
    def head(self) -> float:
        """Height of the head."""
        return self.height * (0.178 if self.child else 0.137)

    @property
    def hip(self) -> float:
        return self.height * (0.47 if self.child else 0.515)

    @property
    def shoulder(self) -> float:
        return self.height - self.head * 1.0 - self.height * 0.045

    @property
    def knee(self) -> float:
        return self.hip * 0.54

    @property
    def ankle(self) -> float:
        return self.height * 0.043

    @property
    def arm(self) -> float:
        return self.height * 0.172

    @property
    def forearm(self) -> float:
        return self.height * 0.15

    @property
    def shoulder_y(self) -> float:
        return self.height * (0.108 if self.woman or self.child else 0.118) * (0.5 + 0.5 * self.girth)

    @property
    def shoulder_joint(self) -> tuple[float, float, float]:
        """Where the left arm begins, from the middle of the hips."""
        return -0.002 * self.height, 0.98 * self.shoulder_y, self.shoulder - self.hip - 0.043 * self.height

    @property
    def hip_y(self) -> float:
        return self.height * 0.046


@dataclass(frozen=True)
class Clothes:
    """Colours are linear albedo; what is None is not worn."""

    top: pal.Colour
    legs: pal.Colour
    shoes: pal.Colour
    skin: pal.Colour
    hair: pal.Colour
    sleeves: bool = True
    shorts: bool = False
    skirt: float = 0.0
    """How far a skirt or coat reaches down the leg, share of hip to knee; 0 is none."""
    coat: bool = False
    long_hair: bool = False
    hat: pal.Colour | None = None
    helmet: pal.Colour | None = None
    full_face: bool = False
    """The helmet covers the face, with a visor."""
    backpack: pal.Colour | None = None
    bag: pal.Colour | None = None


def _sections(stations: list[tuple[float, float, float, float]], count: int, power: float = 2.4) -> np.ndarray:
    """Rings (n, count, 3) from (z, x middle, half depth, half width)."""
    return np.stack([np.insert(superellipse(depth, width, power, count) + (x, 0.0), 2, z, axis=1) for z, x, depth, width in stations])


def _limb(stations: Sequence[tuple[float, float, float]], count: int) -> np.ndarray:
    """A limb that hangs from the origin: (how far down, x middle, radius) from top to bottom. With few sides it is straight. Its ends are open."""
    stations = stations if count > 4 else [stations[0], stations[-1]]
    return loft(_sections([(-down, x, r, r * 0.92) for down, x, r in stations][::-1], count, 2.0), False)


def add_figure(soup: Soup, figure: Figure, clothes: Clothes, coarse: bool, first_bone: int = 1, fist: bool = False) -> None:
    """Eleven bones; each part's origin is its joint."""
    h, g = figure.height, figure.girth
    skin, top, legs, shoes = pal.cloth(clothes.skin), pal.cloth(clothes.top), pal.cloth(clothes.legs), pal.plain(clothes.shoes, 0.6)
    soup.bone = first_bone + TORSO
    _torso(soup, figure, clothes, coarse)
    _head(soup, figure, clothes, coarse)
    count = 4 if coarse else 8
    r = 0.028 * h * g * (0.88 if figure.woman else 1.0)
    sleeve = top if clothes.sleeves else skin
    loose = 1.25 if clothes.coat else 1.05
    arm, fore = figure.arm, figure.forearm
    upper = _limb(
        [
            (-1.02 * r, 0, 0.06 * r),
            (-0.72 * r, 0, 0.86 * r),
            (-0.1 * r, 0, 1.16 * r * loose),
            (0.35 * arm, 0, 1.08 * r * loose),
            (arm + 0.3 * r, 0, 0.86 * r * loose),
        ],
        count,
    )
    lower = [(-0.4 * r, 0, 0.84 * r * loose), (0.3 * fore, 0, 0.86 * r * loose), (0.93 * fore, 0.01 * h, 0.66 * r * loose)]
    hand = [
        (0.9 * fore, 0.01 * h, 0.5 * r),
        (1.1 * fore, 0.014 * h, 0.68 * r),
        (1.32 * fore, 0.02 * h, 0.5 * r),
        (1.5 * fore, 0.03 * h, 0.04 * r),
    ]
    if fist:
        hand = [
            (0.92 * fore, 0.01 * h, 0.5 * r),
            (1.08 * fore, 0.012 * h, 0.8 * r),
            (1.24 * fore, 0.012 * h, 0.78 * r),
            (1.36 * fore, 0.012 * h, 0.04 * r),
        ]
    t = 0.045 * h * g
    thigh, shin = figure.hip - figure.knee, figure.knee - figure.ankle
    trouser = skin if clothes.skirt and not clothes.coat else legs
    wide = 1.0 if trouser is skin else 1.1
    upper_leg = [
        (-0.012 * h, 0, 0.6 * t),
        (0.02 * h, 0, 0.98 * t * wide),
        (0.22 * thigh, 0, 1.04 * t * wide),
        (0.55 * thigh, 0, 0.88 * t * wide),
        (thigh + 0.2 * t, 0, 0.72 * t * wide),
    ]
    calf = skin if clothes.shorts else trouser
    wide = 1.0 if calf is skin else 1.12
    lower_leg = [
        (-0.2 * t, 0, 0.71 * t * wide),
        (0.28 * shin, -0.006 * h, 0.74 * t * wide),
        (0.7 * shin, -0.002 * h, 0.55 * t * wide),
        (shin + 0.012 * h, 0, 0.46 * t * (1.3 if calf is not skin else 1.0)),
    ]
    foot = box((-0.03 * h, -0.025 * h, -0.043 * h), (0.1 * h, 0.025 * h, 0.0), 0.7) if coarse else _foot(h, 7)
    for side in (0, 1):
        for bone, triangles, row in (
            (ARM, upper, top),
            (FOREARM, _limb(lower, count), sleeve),
            (FOREARM, _limb(hand, 4) if coarse else _limb(hand, 6), skin),
            (THIGH, _limb(upper_leg, count), trouser),
            (SHIN, _limb(lower_leg, count), calf),
            (FOOT, foot, shoes),
        ):
            soup.bone = first_bone + bone + side
            soup.add(mirrored(triangles) if side else triangles, row)
        if clothes.bag is not None and side and not coarse:
            soup.bone = first_bone + FOREARM + side
            soup.add(box((-0.085 * h, -0.02 * h, -2.55 * fore), (0.085 * h, 0.02 * h, -1.62 * fore), 0.86), pal.cloth(clothes.bag))
    soup.bone = 0


def _foot(h: float, count: int) -> np.ndarray:
    """A shoe below the ankle, heel behind, sole flat on the ground."""
    low = -0.043 * h
    rings = []
    for x, half, up in (
        (-0.034, 0.018, 0.020),
        (-0.028, 0.023, 0.045),
        (0.01, 0.024, 0.043),
        (0.045, 0.027, 0.028),
        (0.085, 0.026, 0.02),
        (0.106, 0.016, 0.014),
    ):
        outline = superellipse(half * h, up * h / 2, 2.8, count)
        rings.append(np.stack([np.full(count, x * h), outline[:, 0], low + up * h / 2 + outline[:, 1]], axis=1))
    return loft(np.stack(rings))


def _torso(soup: Soup, figure: Figure, clothes: Clothes, coarse: bool) -> None:
    """From hip to neck, with a skirt or coat; origin at the middle of the hips."""
    h, g = figure.height, figure.girth
    count = 6 if coarse else 12
    up = figure.shoulder - figure.hip
    wide = figure.shoulder_y
    hips = (0.099 if figure.woman else 0.093) * h * g
    waist = (0.074 if figure.woman else 0.084) * h * g
    chest = 0.062 * h * g
    loose = 1.08 if clothes.coat else 1.0
    top = [
        (-0.045 * h, 0.0, 0.076 * h * g * loose, hips * 1.07 * loose),
        (0.13 * up, 0.0, 0.073 * h * g * loose, hips * 1.05 * loose),
        (0.42 * up, 0.004 * h, 0.057 * h * g * loose, waist * loose),
        (0.74 * up, 0.006 * h, (chest + (0.008 * h if figure.woman else 0.0)) * loose, 0.86 * wide * loose),
        (0.91 * up, 0.0, 0.92 * chest * loose, 0.98 * wide),
        (0.99 * up, -0.004 * h, 0.78 * chest, 0.78 * wide),
        (1.06 * up, -0.006 * h, 0.034 * h, 0.046 * h),
    ]
    trunk = _sections([top[0], top[3], top[4], top[6]] if coarse else top, count)
    soup.add(loft(trunk, False) if coarse else np.concatenate([loft(trunk, False), hub(trunk[-1])]), pal.cloth(clothes.top))
    seat = [
        (-0.075 * h, 0.0, 0.05 * h * g, 0.075 * h * g),
        (-0.045 * h, -0.002 * h, 0.064 * h * g, hips * 0.99),
        (0.04 * up, 0.0, 0.064 * h * g, hips * 0.97),
    ]
    soup.add(loft(_sections(seat[::2] if coarse else seat, count), not coarse), pal.cloth(clothes.legs))
    neck = [(1.04 * up, -0.004 * h, 0.027 * h, 0.029 * h), (1.24 * up, 0.004 * h, 0.026 * h, 0.027 * h)]
    soup.add(loft(_sections(neck, 4 if coarse else 8), False), pal.cloth(clothes.skin))
    if clothes.skirt:
        reach = clothes.skirt * (figure.hip - figure.knee)
        hem = 1.18 if clothes.coat else 1.35
        skirt = [
            (-reach, 0.0, 0.075 * h * g * hem, hips * hem * 0.96),
            (-0.4 * reach, 0.0, 0.075 * h * g * 1.1, hips * 1.12),
            (0.1 * up, 0.0, 0.066 * h * g * loose, hips * loose),
            (0.2 * up, 0.0, 0.05 * h, 0.7 * waist),
        ]
        soup.add(loft(_sections(skirt[::2] if coarse else skirt, count), False), pal.cloth(clothes.top if clothes.coat else clothes.legs))
    if clothes.backpack is not None:
        pack = [
            (0.25 * up, -0.115 * h, 0.04 * h, 0.07 * h),
            (0.35 * up, -0.12 * h, 0.055 * h, 0.085 * h),
            (0.8 * up, -0.115 * h, 0.05 * h, 0.08 * h),
            (0.98 * up, -0.1 * h, 0.03 * h, 0.06 * h),
        ]
        soup.add(loft(_sections(pack[::2] if coarse else pack, 4 if coarse else 10, 3.2)), pal.cloth(clothes.backpack))
        if not coarse:
            y, front = 0.055 * h, (chest + 0.008 * h) * loose
            path = [
                (-0.06 * h, y, 0.98 * up),
                (-0.01 * h, y, 1.035 * up),
                (0.9 * front, y, 0.92 * up),
                (1.04 * front, y, 0.72 * up),
                (0.5 * front, 0.95 * waist, 0.45 * up),
            ]
            soup.add(both(tube(path, 0.013 * h, 4)), pal.cloth(clothes.backpack))


def _head(soup: Soup, figure: Figure, clothes: Clothes, coarse: bool) -> None:
    """Skull, face, hair, hat or helmet."""
    h, head = figure.height, figure.head
    base = figure.shoulder - figure.hip + 0.045 * h
    deep, wide = 0.4 * head, 0.33 * head
    count = 6 if coarse else 10
    stations = [
        (0.0, 0.12, 0.42, 0.45),
        (0.1, 0.1, 0.72, 0.66),
        (0.25, 0.05, 0.92, 0.86),
        (0.5, 0.0, 1.0, 1.0),
        (0.75, -0.02, 0.98, 0.98),
        (0.92, -0.03, 0.7, 0.72),
        (1.0, -0.03, 0.2, 0.2),
    ]
    stations = stations[1::2] if coarse else stations
    soup.add(
        loft(_sections([(base + t * head, x * head, d * deep, w * wide) for t, x, d, w in stations], count, 2.2), False),
        pal.cloth(clothes.skin),
    )
    hair = pal.cloth(clothes.hair)
    top = clothes.helmet or clothes.hat
    if not coarse:
        nose = np.array(
            [
                [deep * 0.9, 0.0, base + 0.52 * head],
                [deep * 1.2, 0.0, base + 0.36 * head],
                [deep * 0.86, wide * 0.2, base + 0.34 * head],
                [deep * 0.86, -wide * 0.2, base + 0.34 * head],
            ]
        )
        soup.add(np.stack([nose[[0, 1, 2]], nose[[0, 3, 1]], nose[[1, 3, 2]]]), pal.cloth(clothes.skin))
        for side in (1, -1):
            y = side * wide * 0.42
            soup.add(
                box((deep * 0.8, y - 0.045 * head, base + 0.47 * head), (deep * 0.955, y + 0.045 * head, base + 0.515 * head)),
                pal.plain((0.02, 0.015, 0.012)),
            )
            soup.add(
                ellipsoid((-0.02 * head, side * wide * 1.0, base + 0.44 * head), (0.07 * head, 0.05 * head, 0.11 * head), 6, 3),
                pal.cloth(clothes.skin),
            )
    row = pal.plain(clothes.helmet, 0.3) if clothes.helmet else pal.cloth(clothes.hat) if clothes.hat else hair
    grow = 1.2 if clothes.helmet else 1.13 if clothes.hat else 1.09
    rings = [(0.62, -0.015, 1.0), (0.8, -0.035, 1.0), (0.97, -0.05, 0.78), (1.045, -0.05, 0.35)]
    cap = _sections([(base + t * head, x * head, s * grow * deep, s * grow * wide) for t, x, s in (rings[::2] if coarse else rings)], count, 2.1)
    if top is None and not coarse:
        # Hair begins higher over the forehead than at the temples: a level edge is a cap's.
        forward = np.clip(cap[:2, :, 0] / deep, 0.0, 1.0)
        cap[:2, :, 2] += head * np.array([[0.19], [0.08]]) * forward
    soup.add(loft(cap), row)
    low = 0.1 if clothes.long_hair and not figure.child else 0.3
    back = [(low, -0.17, 0.6, 0.92), (0.45, -0.13, 0.75, 1.06), (0.66, -0.1, 0.83, 1.07)]
    if clothes.long_hair:
        back = [(-0.35, -0.26, 0.32, 0.72), (-0.05, -0.22, 0.46, 0.98), *back[1:]]
    if clothes.full_face and not coarse:
        shell = [(-0.02, 0.03, 0.8), (0.12, 0.03, 1.14), (0.4, 0.0, 1.22), (0.63, -0.015, 1.2)]
        soup.add(loft(_sections([(base + t * head, x * head, s * deep, s * wide) for t, x, s in shell], count, 2.1)), row)
        visor = superellipse(deep * 1.25, wide * 1.22, 2.1, 16)[[-3, -2, -1, 0, 1, 2, 3]]
        sheet = np.stack([np.insert(visor, 2, base + t * head, axis=1) for t in (0.38, 0.68)], axis=1)
        soup.add(grid(sheet), pal.GLASS)
    elif not (coarse and top):
        soup.add(
            loft(
                _sections([(base + t * head, x * head, d * deep, w * wide) for t, x, d, w in (back[::2] if coarse else back)], count, 2.2),
                not coarse,
            ),
            hair,
        )
    if clothes.hat is not None and clothes.helmet is None and not coarse:
        soup.add(box((deep * 0.7, -wide * 0.8, base + 0.66 * head), (deep * 1.65, wide * 0.8, base + 0.7 * head)), row)
