"""What the agents of a clip do in every frame, from their boxes: distance travelled, speed, braking, steering."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.spec.geometry import Box
from engine.views.drawn.agents.rig import Motion

RATE_HZ = 12.0
JITTER_M = 0.03
"""A box that moves less than this in a frame and comes back stands still."""
SMOOTH_FRAMES = 2
BRAKING_M_S2 = 0.8
STANDING_M_S = 0.3
STOPPED_S = 4.0
"""How long after it last moved a standing vehicle keeps its foot on the brake."""
WHEELBASE_OF_LENGTH = 0.6
STEER_LIMIT_RAD = 0.6


def motions(clip_boxes: Sequence[Sequence[Box]], world_SE3_ego: np.ndarray) -> list[dict[int, Motion]]:
    """Per frame, per instance id. Boxes are in each frame's ego frame; `world_SE3_ego` (T, 4, 4)."""
    tracks: dict[int, list[tuple[int, Box]]] = {}
    for frame, boxes in enumerate(clip_boxes):
        for box in boxes:
            tracks.setdefault(box.instance_id, []).append((frame, box.moved(world_SE3_ego[frame])))
    found: list[dict[int, Motion]] = [{} for _ in clip_boxes]
    for instance_id, track in tracks.items():
        frames = np.array([frame for frame, _ in track])
        for frame, motion in zip(frames, _track_motions(frames, [box for _, box in track]), strict=True):
            found[frame][instance_id] = motion
    return found


def _track_motions(frames: np.ndarray, boxes: Sequence[Box]) -> list[Motion]:
    """The motions of one agent; `frames` (N,) may have gaps."""
    count = len(frames)
    if count == 1:
        return [Motion(parked=True)]
    center = np.array([box.center_m[:2] for box in boxes])
    yaw = np.unwrap([box.yaw_rad for box in boxes])
    times = frames / RATE_HZ
    steps = _steps(center, yaw, np.diff(frames))
    distance = np.concatenate([[0.0], np.cumsum(steps)])
    velocity = _slope(times, distance)
    acceleration = _slope(times, velocity)
    speed = np.abs(velocity)
    slowing = -acceleration * np.sign(velocity) > BRAKING_M_S2
    moving = speed >= STANDING_M_S
    last_moved = np.maximum.accumulate(np.where(moving, times, -np.inf))
    braking = (slowing & moving) | (~moving & (times - last_moved <= STOPPED_S))
    yaw_rate = _slope(times, yaw)
    wheelbase = WHEELBASE_OF_LENGTH * boxes[0].size_m[0]
    steer = np.where(speed > 0.5, np.arctan2(wheelbase * yaw_rate * np.sign(velocity), np.maximum(speed, 0.5)), 0.0)
    steer = np.clip(steer, -STEER_LIMIT_RAD, STEER_LIMIT_RAD)
    parked = not bool(np.any(steps))
    return [Motion(float(d), float(s), bool(b), float(a), parked) for d, s, b, a in zip(distance, speed, braking, steer, strict=True)]


def _steps(center: np.ndarray, yaw: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """(N-1,): signed metres along the heading from frame to frame; jitter is none.

    A step counts when it is long itself, or when the frames around it went somewhere: a slow roll is not jitter.
    """
    moved = np.diff(center, axis=0)
    heading = (yaw[:-1] + yaw[1:]) / 2
    along = moved[:, 0] * np.cos(heading) + moved[:, 1] * np.sin(heading)
    reach = 6
    count = len(along)
    still = np.empty(count, bool)
    for k in range(count):
        low, high = max(0, k - reach), min(count, k + reach + 1)
        net = np.linalg.norm(center[high] - center[low])
        still[k] = abs(along[k]) < JITTER_M * gaps[k] and net < 2.5 * JITTER_M
    return np.where(still, 0.0, along)


def _slope(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(N,): the slope over +-SMOOTH_FRAMES samples, one-sided at the ends."""
    count = len(times)
    index = np.arange(count)
    low, high = np.maximum(index - SMOOTH_FRAMES, 0), np.minimum(index + SMOOTH_FRAMES, count - 1)
    return (values[high] - values[low]) / np.maximum(times[high] - times[low], 1e-6)
