"""Training batches from procedural worlds: the batch of step n is a function of (seed, n)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.data.worlds import sample_clip
from engine.occupancy.warp import warp_static
from engine.spec.geometry import invert
from engine.spec.grid import OCC3D, GridSpec

HELD_OUT_SEED = 1_000_000_000
"""World seeds from here on are never trained on."""


@dataclass(frozen=True, slots=True)
class OccupancyBatches:
    """Square crops of procedural frames, picklable for data workers."""

    seed: int
    batch: int
    crop: int
    """Cells along a crop's edge: a multiple of 8, so that it holds whole tokens. 200 takes whole frames."""
    crops_per_world: int = 2
    history: bool = False
    """Also give the frame before, warped into the crop's own frame (phase 2)."""
    grid: GridSpec = OCC3D

    def __call__(self, step: int) -> dict[str, Tensor]:
        """semantics uint8 (B, X, Y, Z), layouts uint8 (B, 15, X, Y), and with history: past uint8 (B, X, Y, Z)."""
        rows: list[tuple[np.ndarray, ...]] = []
        world = 0
        while len(rows) < self.batch:
            # Seeds of training worlds: distinct per (seed, step, world), all below the held-out ones.
            number = ((self.seed * 7919 + step) * 64 + world) % HELD_OUT_SEED
            rows += self._crops(number)
            world += 1
        columns = zip(*rows[: self.batch], strict=True)
        names = ("semantics", "layouts", "past")
        return {name: torch.from_numpy(np.stack(column)) for name, column in zip(names, columns, strict=False)}

    def _crops(self, number: int) -> list[tuple[np.ndarray, ...]]:
        random = np.random.default_rng(number)
        layouts, semantics, _, poses = sample_clip(number, 2 if self.history else 1, self.grid)
        whole = [semantics[-1], layouts[-1]]
        if self.history:
            whole.append(warp_static(semantics[0], self.grid, invert(poses[0]) @ poses[1]))
        crops = []
        for _ in range(self.crops_per_world if self.crop < self.grid.shape[0] else 1):
            x, y = (int(random.integers(0, n - self.crop + 1)) for n in self.grid.bev_shape)
            window = (slice(x, x + self.crop), slice(y, y + self.crop))
            cut = [whole[0][window], whole[1][:, *window]]
            if self.history:
                cut.append(whole[2][window])
            crops.append(tuple(np.ascontiguousarray(part) for part in cut))
        return crops
