"""People on foot: who they are and what they wear."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.figure import BONES, Clothes, Figure, add_figure
from engine.views.drawn.agents.gait import walk
from engine.views.drawn.agents.rig import Model
from engine.views.drawn.agents.shapes import Soup

KINDS = ("man", "woman", "child")
CREASE_DEG = 66.0


def choose(size_m: tuple[float, float, float], dice: np.random.Generator) -> str:
    if size_m[2] < 1.38:
        return "child"
    return "woman" if dice.random() < 0.5 else "man"


def dress(kind: str, dice: np.random.Generator) -> Clothes:
    """Clothes drawn from a seed."""
    coat = kind != "child" and dice.random() < 0.3
    skirt = (
        float(dice.uniform(0.8, 1.15))
        if kind == "woman" and not coat and dice.random() < 0.3
        else (float(dice.uniform(0.45, 0.95)) if coat else 0.0)
    )
    skin = pal.pick(dice, pal.SKINS)
    return Clothes(
        top=pal.pick(dice, pal.COATS),
        legs=pal.pick(dice, pal.TROUSERS),
        shoes=pal.pick(dice, pal.SHOES),
        skin=skin,
        hair=pal.pick(dice, pal.DARK_HAIR if skin[0] < 0.4 else pal.HAIR),
        sleeves=coat or dice.random() < 0.65,
        shorts=skirt == 0.0 and dice.random() < (0.45 if kind == "child" else 0.12),
        skirt=skirt,
        coat=coat,
        long_hair=kind == "woman" and dice.random() < 0.7,
        hat=pal.pick(dice, pal.COATS) if dice.random() < 0.15 else None,
        backpack=pal.pick(dice, pal.BAGS) if dice.random() < (0.5 if kind == "child" else 0.25) else None,
        bag=pal.pick(dice, pal.BAGS) if kind != "child" and dice.random() < 0.3 else None,
    )


def build(kind: str, size_m: tuple[float, float, float], clothes: Clothes, variant: int, coarse: bool) -> Model:
    """A person on foot whose height is the box's; `variant` seeds girth and stance."""
    dice = np.random.default_rng(variant)
    figure = Figure(size_m[2] * 0.985, kind == "child", kind == "woman", float(dice.uniform(0.95, 1.2)))
    soup = Soup()
    add_figure(soup, figure, clothes, coarse)
    reach = size_m[0] / 2 - 0.1 * figure.height
    swing = float(np.clip(np.arcsin(np.clip(reach / figure.hip, 0, 1)), 0.3, 0.46))
    stance = float(dice.uniform(-0.06, 0.06))
    return Model(soup.rigged(1 + BONES, CREASE_DEG), lambda motion: walk(figure, motion, swing, stance))
