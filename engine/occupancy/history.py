"""What a frame of a rollout sees of the frames before it, where its memory is frames: as they were, in its own coordinates (paper 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.occupancy.static_world import Seen
from engine.occupancy.warp import warp_frame, warp_static
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert


def frames_before(clip: SceneClip, index: int, past: Sequence[np.ndarray], agents: bool, told: Seen | None = None) -> list[np.ndarray]:
    """Semantics (X, Y, Z) of the `past` frames, the last of which is frame `index` - 1, on the grid of frame `index`; oldest first.

    `agents` stay where they were, or are taken out. What is `told` of the world counts more than what the last frame shows.
    """
    pose, warp = clip.world_SE3_ego[index], warp_frame if agents else warp_static
    first = index - len(past)
    seen = [warp(semantics, clip.grid, invert(clip.world_SE3_ego[first + k]) @ pose) for k, semantics in enumerate(past)]
    if told is None:
        return seen
    view = told.from_pose(clip.grid, pose)
    newest = np.where(view.known[..., None], view.semantics, seen[-1]) if seen else view.semantics
    return [*seen[:-1], newest]
