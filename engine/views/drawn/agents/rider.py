"""Riders of bicycles and motorcycles: what they wear, how tall they are, and where their limbs go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents import person
from engine.views.drawn.agents.figure import GRIP, Clothes, Figure
from engine.views.drawn.agents.gait import limbs
from engine.views.drawn.agents.rig import Pose
from engine.views.drawn.agents.shapes import turned

CREASE_DEG = 55.0


def clothes_of(dice: np.random.Generator, motor: bool) -> Clothes:
    """A rider's: no skirt, coat, hat or bag; a helmet always on a motorcycle."""
    clothes = person.dress("man", dice)
    helmet = pal.pick(dice, pal.HELMETS) if motor or dice.random() < 0.7 else None
    return replace(
        clothes,
        skirt=0.0,
        coat=False,
        hat=None,
        bag=None,
        helmet=helmet,
        full_face=motor,
        sleeves=motor or clothes.sleeves,
        shorts=clothes.shorts and not motor,
    )


def fitted(height: float, seat: np.ndarray, thick: float, upright: float, hand: np.ndarray) -> tuple[Figure, float]:
    """A rider whose head is at `height`, and how far he leans (radians) so that his hands reach the bar.

    His hips are `thick` heights of his above the seat; he leans by `upright` or more.
    """
    figure, lean = Figure(1.7), upright
    for lean in np.arange(upright, 1.0, 0.04):
        figure = Figure(float(np.clip((height - seat[2] - 0.03) / (thick + 0.49 * np.cos(lean)), 1.3, 1.9)), girth=1.08)
        hip = seat + (0.0, 0.0, thick * figure.height)
        reach = (figure.arm + GRIP * figure.forearm) * 0.97
        if np.linalg.norm(_shoulder(figure, hip, float(lean), 1) - hand) < reach:
            break
    return figure, float(lean)


def _shoulder(figure: Figure, hip: np.ndarray, lean: float, side: int) -> np.ndarray:
    """Where an arm begins on a body that leans."""
    return hip + turned("y", lean) @ (np.array(figure.shoulder_joint) * (1.0, side, 1.0))


def seated(figure: Figure, hip: np.ndarray, lean: float, hand: np.ndarray, feet: list[np.ndarray]) -> list[Pose]:
    """Hands on the bar and ankles where they belong, by the law of cosines."""
    legs = []
    for side, foot in zip((1, -1), feet, strict=True):
        joint = hip + (0.0, side * figure.hip_y, 0.0)
        swing, bend, spread = _two_bones(foot - joint, figure.hip - figure.knee, figure.knee - figure.ankle, side)
        legs.append((swing, spread, bend, 0.0))
    body = turned("y", lean)
    arms = []
    for side in (1, -1):
        joint = _shoulder(figure, hip, lean, side)
        target = body.T @ (hand * (1.0, side, 1.0) - joint)
        swing, bend, spread = _two_bones(target, figure.arm, figure.forearm * GRIP, side)
        # An elbow bends the other way than a knee.
        arms.append((swing - _bend_share(bend, figure.arm, figure.forearm * GRIP), spread, bend))
    return limbs(figure, hip, lean, arms, legs)


def _bend_share(bend: float, upper: float, lower: float) -> float:
    """Twice the angle at the shoulder between the upper bone and the line to the hand: it mirrors a knee into an elbow."""
    return 2 * float(np.arctan2(lower * np.sin(bend), upper + lower * np.cos(bend)))


def _two_bones(target: np.ndarray, upper: float, lower: float, side: int) -> tuple[float, float, float]:
    """(swing forward of the upper bone, bend backwards of the lower, spread outwards) that reach `target` from the joint."""
    spread = float(np.arctan2(side * target[1], -target[2])) if target[2] < -0.05 else 0.12
    down = float(np.hypot(target[1], target[2])) * (1 if target[2] < 0 else -1)
    away = float(np.clip(np.hypot(target[0], down), abs(upper - lower) * 1.02, (upper + lower) * 0.999))
    bend = float(np.pi - np.arccos(np.clip((upper**2 + lower**2 - away**2) / (2 * upper * lower), -1, 1)))
    aim = float(np.arctan2(target[0], down))
    return aim + _bend_share(bend, upper, lower) / 2, bend, spread
