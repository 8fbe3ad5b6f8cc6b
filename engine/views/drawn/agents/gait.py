"""Poses of a figure: joints from angles, walking and standing."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.agents.figure import Figure
from engine.views.drawn.agents.rig import Motion, Pose
from engine.views.drawn.agents.shapes import turned


def limbs(
    figure: Figure,
    hip: np.ndarray,
    lean: float,
    arms: list[tuple[float, float, float]],
    legs: list[tuple[float, float, float, float]],
    twist: float = 0.0,
) -> list[Pose]:
    """Poses from angles in radians, forward positive. Arms: (swing, spread, elbow). Legs: (swing, spread, knee, foot's pitch, up positive)."""
    body = turned("z", twist) @ turned("y", lean)
    poses: list[Pose] = [(body, hip)]
    upper_arms: list[Pose] = []
    forearms: list[Pose] = []
    for side, (swing, spread, elbow) in zip((1, -1), arms, strict=True):
        joint = hip + body @ (np.array(figure.shoulder_joint) * (1.0, side, 1.0))
        turn = body @ turned("x", side * spread) @ turned("y", -swing)
        upper_arms.append((turn, joint))
        forearms.append((turn @ turned("y", -elbow), joint + turn @ (0.0, 0.0, -figure.arm)))
    thighs: list[Pose] = []
    shins: list[Pose] = []
    feet: list[Pose] = []
    for side, (swing, spread, knee, pitch) in zip((1, -1), legs, strict=True):
        joint = hip + (0.0, side * figure.hip_y, 0.0)
        turn = turned("x", side * spread) @ turned("y", -swing)
        middle = joint + turn @ (0.0, 0.0, -(figure.hip - figure.knee))
        below = turn @ turned("y", knee)
        thighs.append((turn, joint))
        shins.append((below, middle))
        feet.append((turned("y", -pitch), middle + below @ (0.0, 0.0, -(figure.knee - figure.ankle))))
    return [*poses, *upper_arms, *forearms, *thighs, *shins, *feet]


def walk(figure: Figure, motion: Motion, swing: float, stance: float) -> list[Pose]:
    """The pose after walking `motion.distance_m`; a person who stands stands at ease."""
    pace = float(np.clip(abs(motion.speed_m_s) / 1.0, 0.0, 1.5))
    if pace < 0.15:
        hip = np.array([0.0, 0.0, figure.hip])
        return limbs(
            figure,
            hip,
            0.0,
            [(0.05, 0.09, 0.16), (-0.02, 0.09, 0.2)],
            [(0.03 + stance, 0.03, 0.03, 0.0), (-stance, 0.04, 0.02, 0.0)],
            2 * stance,
        )
    reach = swing * min(1.15, 0.6 + 0.4 * pace)
    phase = 2 * np.pi * motion.distance_m / (4 * figure.hip * np.sin(reach))
    legs, low = [], []
    for side in (0.0, np.pi):
        angle = phase + side
        forward = reach * np.sin(angle)
        lifting = max(0.0, float(np.cos(angle)))
        knee = 0.12 + 0.95 * lifting * min(1.0, pace)
        pitch = 0.35 * max(0.0, float(np.sin(angle))) * (1 - lifting) - 0.6 * max(0.0, float(-np.sin(angle))) * (0.4 + 0.6 * lifting)
        legs.append((forward + 0.35 * knee * lifting, 0.0, knee, pitch))
        thigh, shin = figure.hip - figure.knee, figure.knee - figure.ankle
        heel = max(0.0, float(np.sin(-pitch))) * 0.1 * figure.height + max(0.0, float(np.sin(pitch))) * 0.034 * figure.height
        low.append(thigh * np.cos(legs[-1][0]) + shin * np.cos(legs[-1][0] - knee) + figure.ankle * np.cos(pitch) + heel)
    hip = np.array([0.0, 0.0, max(low)])
    arms = [(-0.8 * reach * np.sin(phase), 0.07, 0.3), (0.8 * reach * np.sin(phase), 0.07, 0.3)]
    return limbs(figure, hip, 0.04, arms, legs, -0.12 * float(np.sin(phase)))
