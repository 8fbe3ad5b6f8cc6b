"""Training batches from procedural worlds: the batch of step n is a function of (seed, n)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.data.worlds import sample_clip, sample_snapshots
from engine.occupancy.warp import warp_static
from engine.spec.geometry import invert
from engine.spec.grid import OCC3D, GridSpec
from engine.spec.worlds import HELD_OUT_SEED

FRAMES_PER_WORLD = CROPS_PER_FRAME = 2
"""Making a world costs as much as twenty frames of it; more than this, and a batch would show too little variety."""


@dataclass(frozen=True, slots=True)
class OccupancyBatches:
    """Square crops of procedural frames, picklable for data workers."""

    seed: int
    batch: int
    crop: int
    """Cells along a crop's edge: a multiple of 8, so that it holds whole tokens. 200 takes whole frames."""
    history: bool = False
    """Also give the frame before, warped into the crop's own frame (phase 2)."""
    history_every: int = 1
    """Only every so many steps; the others give frames without a past, which are cheaper and differ more."""
    mix: str = "usual"
    """Which worlds: one of engine.data.style.MIXES."""
    grid: GridSpec = OCC3D

    def __call__(self, step: int) -> dict[str, Tensor]:
        """semantics uint8 (B, X, Y, Z), layouts uint8 (B, 15, X, Y), and with history: past uint8 (B, X, Y, Z)."""
        rows: list[tuple[np.ndarray, ...]] = []
        world = 0
        while len(rows) < self.batch:
            # Seeds of training worlds: distinct per (seed, step, world), all below the held-out ones.
            number = ((self.seed * 7919 + step) * 64 + world) % HELD_OUT_SEED
            rows += self._crops(number, self.history and step % self.history_every == 0)
            world += 1
        columns = zip(*rows[: self.batch], strict=True)
        names = ("semantics", "layouts", "past")
        return {name: torch.from_numpy(np.stack(column)) for name, column in zip(names, columns, strict=False)}

    def _crops(self, number: int, history: bool) -> list[tuple[np.ndarray, ...]]:
        random = np.random.default_rng(number)
        crops = []
        for whole in self._frames(number, history):
            for _ in range(CROPS_PER_FRAME if self.crop < self.grid.shape[0] else 1):
                x, y = (int(random.integers(0, n - self.crop + 1)) for n in self.grid.bev_shape)
                window = (slice(x, x + self.crop), slice(y, y + self.crop))
                crops.append(tuple(np.ascontiguousarray(part[:, *window] if part is whole[1] else part[window]) for part in whole))
        return crops

    def _frames(self, number: int, history: bool) -> list[tuple[np.ndarray, ...]]:
        """Whole frames of one world: (semantics, layout), and with history the frame before, warped."""
        if not history:
            layouts, semantics, _, _ = sample_snapshots(number, FRAMES_PER_WORLD, self.grid, mix=self.mix)
            return list(zip(semantics, layouts, strict=True))
        layouts, semantics, _, poses = sample_clip(number, FRAMES_PER_WORLD + 1, self.grid, mix=self.mix)
        warped = [warp_static(semantics[k], self.grid, invert(poses[k]) @ poses[k + 1]) for k in range(FRAMES_PER_WORLD)]
        return list(zip(semantics[1:], layouts[1:], warped, strict=True))
