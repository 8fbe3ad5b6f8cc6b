"""`resampled`: a take's own occupancy, seen along another path of the ego. Nothing is generated: pictures of a novel trajectory are made on it.

What stands still is read from the take's frame of that moment and, where that one does not reach or an agent hides the ground, from its other
frames; agents are where that moment had them. Nearest voxel, so a turned path roughens edges by half a voxel.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.occupancy.warp import columns_in_view, seen_columns, warp_frame, warp_instances, warp_static
from engine.spec.classes import FREE, IS_AGENT
from engine.spec.clip import SceneClip
from engine.spec.frames import FrameReader
from engine.spec.geometry import invert
from engine.spec.grid import RATE_HZ
from engine.spec.take import Take

EVERY = 6
"""Of the take's other frames each so-maniest is looked at, the nearest in time first."""
MOST = 24
"""Other frames that are looked at for one."""


class Resampled:
    """See engine.api.OccupancyModel. Needs no weights, but a take as its world."""

    frame_steps = 1

    def __init__(self) -> None:
        self.facts: dict[str, object] = {"occupancy": "resampled"}

    def occupancy(
        self,
        clip: SceneClip,
        recipe: Recipe,
        cancelled: Cancelled,
        continue_from: OccupancyFrame | None = None,
        world: Take | None = None,
        earlier: Iterable[OccupancyFrame] = (),
    ) -> Iterator[OccupancyFrame]:
        """Every frame of the clip, from the take `world`. Raises ValueError where there is none."""
        if world is None:
            raise ValueError("Resampled occupancy is that of an earlier take: name it as the world (--world TAKE), or choose another preset.")
        frames = _Frames(world)
        for index in range(0 if continue_from is None else continue_from.index + 1, len(clip)):
            if cancelled():
                return
            yield _frame(clip, index, world, frames)

    def redraw(
        self, clip: SceneClip, before: OccupancyFrame, region: np.ndarray, recipe: Recipe, cancelled: Cancelled
    ) -> OccupancyFrame | None:
        """See engine.api.OccupancyModel. Raises ValueError: there is nothing that draws."""
        raise ValueError("Resampled occupancy draws nothing new: choose the preset 'compact' to draw an edit.")


class _Frames:
    """Frames of a take, those remembered that are looked at again: its files are read in order."""

    def __init__(self, take: Take) -> None:
        self._now, self._others = FrameReader(take.folder), FrameReader(take.folder)
        self._kept: OrderedDict[int, tuple[np.ndarray, np.ndarray]] = OrderedDict()

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Semantics and instances (X, Y, Z)."""
        if index % EVERY:
            return self._now.read(index)
        if index not in self._kept:
            self._kept[index] = self._others.read(index)
            while len(self._kept) > MOST + 2:
                self._kept.popitem(last=False)
        self._kept.move_to_end(index)
        return self._kept[index]


def _frame(clip: SceneClip, index: int, world: Take, frames: _Frames) -> OccupancyFrame:
    pose, time_s = clip.world_SE3_ego[index], float(clip.timestamps_s[index])
    there = round((time_s - float(world.timestamps_s[0])) * RATE_HZ)
    same_time = 0 <= there < world.frame_count
    if not same_time:
        there = int(np.linalg.norm(world.world_SE3_ego[:, :3, 3] - pose[:3, 3], axis=1).argmin())
    here = frames.read(there)
    semantics = np.full(clip.grid.shape, FREE, np.uint8)
    reached, known = (np.zeros(clip.grid.bev_shape, bool) for _ in range(2))         # (X, Y) each
    for number in looked_at(there, world.frame_count):
        past_SE3_now = invert(world.world_SE3_ego[number]) @ pose
        past = here[0] if number == there else frames.read(number)[0]
        seen = seen_columns(past, world.grid, past_SE3_now, clip.grid)               # (X, Y)
        within = columns_in_view(world.grid, past_SE3_now, clip.grid)                # (X, Y)
        fresh = (seen & ~known) | (within & ~reached)  # the ground under an agent, until a frame shows it free
        if fresh.any():
            semantics[fresh] = warp_static(past, world.grid, past_SE3_now, clip.grid)[fresh]
        reached, known = reached | within, known | seen
        if known.all():
            break
    instances = np.zeros(clip.grid.shape, np.uint16)
    if same_time:
        past_SE3_now = invert(world.world_SE3_ego[there]) @ pose
        now, ids = (warp(each, world.grid, past_SE3_now, clip.grid) for warp, each in zip((warp_frame, warp_instances), here, strict=True))
        agents = IS_AGENT[now]
        semantics[agents], instances[agents] = now[agents], ids[agents]
    return OccupancyFrame(index, semantics, instances)


def looked_at(first: int, count: int) -> Sequence[int]:
    """Numbers of a take's frames in the order in which they are looked at: `first`, then others from the nearest on, at most MOST."""
    others = sorted((k for k in range(0, count, EVERY) if k != first), key=lambda k: (abs(k - first), k))
    return [first, *others[:MOST]]
