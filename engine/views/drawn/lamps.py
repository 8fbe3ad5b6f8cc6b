"""The lamps of one frame: street lamps, headlights and tail lights of what drives, the ego's own beams."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.spec.geometry import Pose
from engine.views.drawn.light import LAMP
from engine.views.drawn.moving import Placed

STREET_REACH_M = 26.0
SEEN_FROM_M = 75.0
"""Lamps farther from the ego than this are not asked for."""
_BEAMS = ("car", "bus", "truck", "construction_vehicle", "motorcycle")
_OUTER, _INNER = math.cos(math.radians(27)), math.cos(math.radians(4))
_FLAT = 2.6
"""Low beams are so much wider than tall."""


def lamps_of(street_m: np.ndarray, agents: Sequence[Placed], scene_SE3_ego: np.ndarray) -> np.ndarray:
    """float32 (N, light.LAMP). `street_m` (K, 3) are heads of street lamps in the scene frame."""
    rows = [*_beams(scene_SE3_ego, 3.6, 0.65, 0.62, 1.0)]
    here = scene_SE3_ego[:3, 3]
    for head in street_m:
        if math.hypot(head[0] - here[0], head[1] - here[1]) < SEEN_FROM_M:
            rows.append([*head, 0, 0, -1, *(42.0, 31.5, 18.5), 0.12, 0.62, STREET_REACH_M, 0.45, 1.0])
    for agent in agents:
        box = agent.box
        if box.class_name not in _BEAMS or math.hypot(*box.center_m[:2]) > SEEN_FROM_M or not _drives(agent):
            continue
        x_m, y_m, z_m = box.center_m
        scene_SE3_box = scene_SE3_ego @ Pose(x_m, y_m, z_m - box.size_m[2] / 2, box.yaw_rad).matrix()
        rows += _beams(scene_SE3_box, box.size_m[0] / 2 + 0.1, 0.68, 0.35 * box.size_m[1], 0.6)
        tail = (scene_SE3_box @ (-box.size_m[0] / 2 - 0.15, 0.0, 0.8, 1.0))[:3]
        back = -scene_SE3_box[:3, 0]
        level = 1.1 if agent.motion.braking else 0.4
        rows.append([*tail, *back, 1.5 * level, 0.06 * level, 0.04 * level, 0.0, 0.5, 7.0, 0.0, 1.0])
    return np.array(rows, np.float32).reshape(-1, LAMP)


def _drives(agent: Placed) -> bool:
    """Parked vehicles have their lamps off."""
    return abs(agent.motion.speed_m_s) > 0.3 or agent.motion.braking


def _beams(scene_SE3_vehicle: np.ndarray, front_m: float, height_m: float, half_m: float, level: float) -> list[list[float]]:
    """Two low beams: wide and flat, bright on the road, dim above the aim that points a little down."""
    aim = scene_SE3_vehicle[:3, :3] @ np.array([math.cos(0.045), 0.0, -math.sin(0.045)])
    rows = []
    for side in (-1.0, 1.0):
        at = (scene_SE3_vehicle @ (front_m, side * half_m, height_m, 1.0))[:3]
        rows.append([*at, *aim, *(np.array([1.0, 0.93, 0.80]) * 95.0 * level), _OUTER, _INNER, 48.0, 0.0, _FLAT])
    return rows
