"""What an earlier take remembers of the world: all that an edit since then does not touch, frame by frame, wherever the ego drives now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation

from engine.occupancy.region import changed_cells
from engine.occupancy.static_world import Seen
from engine.spec.classes import AGENTS
from engine.spec.clip import SceneClip
from engine.spec.frames import FrameReader
from engine.spec.geometry import Box, invert, wrap_angle
from engine.spec.grid import RATE_HZ
from engine.spec.raster import box_footprint, rasterise
from engine.spec.take import Take

SHADOW_CELLS = 5
"""So far around what was edited the world is drawn anew: what stands there was drawn in its sight."""
SAME_M = 0.02
"""Metres and radians."""


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """What the take shows of one frame."""

    seen: Seen
    """Its frame of that moment, or the nearest one, without what the edit touches."""
    in_place: bool
    """Whether it is of that moment and the ego stands where it stood: then agents stay as well."""

    @property
    def whole(self) -> bool:
        """Whether nothing is left to draw."""
        return self.in_place and bool(self.seen.known.all())

    def onto(self, semantics: np.ndarray) -> np.ndarray:
        """A frame (X, Y, Z) with every remembered voxel in its place, where the two are of one pose."""
        return np.where(self.seen.known[..., None], self.seen.semantics, semantics) if self.in_place else semantics


class WorldMemory:
    """An earlier take as the memory of a clip. Reads one frame at a time."""

    def __init__(self, take: Take, clip: SceneClip) -> None:
        """Raises ValueError where the two are of two grids, or the take has no occupancy."""
        if take.grid.shape != clip.grid.shape or take.grid.origin_m != clip.grid.origin_m or take.grid.voxel_m != clip.grid.voxel_m:
            raise ValueError(f"Take '{take.folder.name}' has grid '{take.grid.name}' and the scene has '{clip.grid.name}': remember a take of this grid.")
        self._take, self._clip, self._reader = take, clip, FrameReader(take.folder)
        self._latest: tuple[int, np.ndarray] | None = None

    def of(self, index: int) -> Remembered:
        """What is remembered of the clip's frame `index`."""
        clip, take = self._clip, self._take
        pose = clip.world_SE3_ego[index]
        at = round(float(clip.timestamps_s[index] - take.timestamps_s[0]) * RATE_HZ)
        same_time = 0 <= at < self._take.frame_count
        if not same_time:
            at = int(np.linalg.norm(take.world_SE3_ego[:, :3, 3] - pose[:3, 3], axis=1).argmin())
        in_place = same_time and bool(np.allclose(take.world_SE3_ego[at], pose, atol=1e-6))
        touched = self._touched(index, at, same_time, in_place)
        if touched.any():
            touched = np.asarray(binary_dilation(touched, np.ones((3, 3)), iterations=SHADOW_CELLS), bool)
        if self._latest is None or self._latest[0] != at:
            self._latest = at, self._reader.read(at)[0].copy()  # a reader's frames cannot be written to
        return Remembered(Seen(self._latest[1], ~touched, take.grid, take.world_SE3_ego[at]), in_place)

    def _touched(self, index: int, at: int, same_time: bool, in_place: bool) -> np.ndarray:
        """Bool (X, Y) of the take's frame `at`: cells that the clip's frame paints otherwise, or has other boxes in."""
        clip, take = self._clip, self._take
        if in_place:
            return changed_cells(take.layouts[at], clip.layouts[index], take.boxes[at], clip.boxes[index], take.grid)
        touched, pose = np.zeros(take.grid.bev_shape, bool), take.world_SE3_ego[at]
        if clip.ground is not None:
            now = rasterise(clip.ground[index], take.grid, pose)
            touched |= (now[len(AGENTS) :] != take.layouts[at][len(AGENTS) :]).any(0)
        if same_time:
            there_SE3_here = invert(pose) @ clip.world_SE3_ego[index]
            for box in _differ(take.boxes[at], [box.moved(there_SE3_here) for box in clip.boxes[index]]):
                touched |= box_footprint(box, take.grid)
        return touched


def _differ(boxes: Sequence[Box], others: Sequence[Box]) -> list[Box]:
    """Boxes of either frame that have no equal in the other; poses that were turned and turned back are equal to SAME_M."""
    pairs = [({(box.instance_id, box.class_name): box for box in mine}, theirs) for mine, theirs in ((boxes, others), (others, boxes))]
    return [
        box
        for by_id, looked_at in pairs
        for box in looked_at
        if (twin := by_id.get((box.instance_id, box.class_name))) is None
        or not np.allclose((*box.center_m, *box.size_m), (*twin.center_m, *twin.size_m), atol=SAME_M)
        or abs(wrap_angle(box.yaw_rad - twin.yaw_rad)) > SAME_M
    ]
