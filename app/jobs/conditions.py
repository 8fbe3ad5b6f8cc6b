"""What one frame was, or is to be, generated for, apart from any document: drafts and variants compare by it and draw for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from engine.occupancy.region import changed_cells
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import GridSpec


@dataclass(frozen=True, eq=False)
class Conditions:
    """Of one frame."""

    layout: np.ndarray
    """uint8 (15, X, Y), 0 or 1."""
    boxes: tuple[Box, ...]
    """In the frame's ego frame."""
    world_SE3_ego: np.ndarray
    """float64 (4, 4)."""
    grid: GridSpec

    @staticmethod
    def of(clip: SceneClip, index: int = 0) -> Conditions:
        """Those of one frame of a clip."""
        return Conditions(clip.layouts[index], clip.boxes[index], clip.world_SE3_ego[index], clip.grid)

    def clip(self, *later: Conditions) -> SceneClip:
        """A clip of this frame and those `later`, without cameras."""
        frames = (self, *later)
        layouts, poses = np.stack([one.layout for one in frames]), np.stack([one.world_SE3_ego for one in frames])
        return SceneClip(layouts, tuple(one.boxes for one in frames), poses, grid=self.grid)

    def changed_cells(self, since: Conditions) -> np.ndarray | None:
        """Bool (X, Y): what is not as it was; None where nothing is, because the ego stands elsewhere or the grid is another."""
        if since.grid != self.grid or not np.allclose(since.world_SE3_ego, self.world_SE3_ego, atol=1e-6):
            return None
        return changed_cells(since.layout, self.layout, since.boxes, self.boxes, self.grid)

    def digest(self) -> bytes:
        """Equal for equal conditions."""
        digest = hashlib.blake2b(np.packbits(self.layout).tobytes(), digest_size=16)
        digest.update(repr((self.boxes, self.grid, self.world_SE3_ego.tolist())).encode())
        return digest.digest()
