"""Draw a region of one frame anew and hold the rest exactly: what answers a stroke while the hand still holds the pen.

Only a window of tokens around the region is generated (flow-matching inpainting on latents), and only the region's own
voxels are taken over: attention in the decoder would otherwise change a few voxels far away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.devices import half_precision
from engine.occupancy.cells import any_cells
from engine.occupancy.dice import world_cells
from engine.occupancy.flow import sample
from engine.occupancy.panoptic import Panoptic
from engine.occupancy.prior import Canvas
from engine.occupancy.prior.sketch import places_in
from engine.occupancy.rollout import OccupancyGenerator
from engine.spec.clip import SceneClip
from engine.spec.grid import LATENT_CELLS, TOKEN_CELLS, GridSpec

CONTEXT_TOKENS = 3
"""Tokens around the region that the model sees and keeps."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of voxel columns made of whole tokens."""

    x: slice
    y: slice

    @staticmethod
    def around(region: np.ndarray) -> Window:
        """The smallest window that holds a bool region (X, Y) and its context, inside the grid."""
        spans = []
        for axis, size in enumerate(region.shape):
            hit = np.flatnonzero(region.any(1 - axis))
            low = max(0, hit[0] // TOKEN_CELLS - CONTEXT_TOKENS)
            high = min(size // TOKEN_CELLS, hit[-1] // TOKEN_CELLS + 1 + CONTEXT_TOKENS)
            spans.append(slice(int(low) * TOKEN_CELLS, int(high) * TOKEN_CELLS))
        return Window(*spans)

    @property
    def cells(self) -> Window:
        """The same in latent cells."""
        return Window(*(slice(span.start // LATENT_CELLS, span.stop // LATENT_CELLS) for span in (self.x, self.y)))

    def grid(self, whole: GridSpec) -> GridSpec:
        """The grid of this window alone."""
        nx, ny = self.x.stop - self.x.start, self.y.stop - self.y.start
        x0, y0, z0 = whole.origin_m
        corner = (x0 + self.x.start * whole.voxel_m, y0 + self.y.start * whole.voxel_m, z0)
        return GridSpec(f"{whole.name}-window", (nx, ny, whole.shape[2]), whole.voxel_m, corner)


@torch.no_grad()
def redraw(
    generator: OccupancyGenerator,
    clip: SceneClip,
    before: OccupancyFrame,
    region: np.ndarray,
    recipe: Recipe,
    cancelled: Cancelled = lambda: False,
) -> OccupancyFrame | None:
    """The frame `before` with the bool `region` (X, Y) drawn anew under the layout of `clip`'s first frame.

    Outside the region not one voxel differs. None where cancelled. An empty region gives `before` itself.
    """
    if not region.any():
        return before
    window = Window.around(region)
    grid = window.grid(clip.grid)
    device, vae = generator.device, generator.vae
    layouts = torch.from_numpy(np.ascontiguousarray(clip.layouts[0][:, window.x, window.y])).to(device)[None, None]
    old = torch.from_numpy(before.semantics[window.x, window.y].copy()).to(device)[None]
    sampler = generator.preset.sampler
    steps, guidance = recipe.steps or sampler.draft_steps, sampler.guidance if recipe.guidance is None else recipe.guidance
    held = ~any_cells(region[window.x, window.y])                                    # (h, w)
    cells = world_cells(clip.world_SE3_ego[0], held.shape, grid.origin_m[:2])
    places = places_in(*(size // LATENT_CELLS for size in region.shape))[:, window.cells.x, window.cells.y]
    with half_precision(device):
        known = vae.latents(old).float()                                             # (1, C, h, w)
        begun = generator.prior.begin(Canvas(layouts, cells, places, known, held), recipe.seed, recipe.seed)
        # The held latents around the region carry what was there; the frame before is not at hand, and the model knows that case.
        velocity = generator.velocity(layouts, known[:, None][:, :0], guidance)
        latents = sample(velocity, begun, steps, cancelled)
    if latents is None:
        return None
    drawn = generator.decode(latents, layouts)                                       # (x, y, Z)
    semantics = before.semantics.copy()
    inside = region[window.x, window.y]
    semantics[window.x, window.y][inside] = drawn[inside]
    instances = before.instances.copy()
    highest = max([int(instances.max()), *(box.instance_id for box in clip.boxes[0])])
    fresh = Panoptic(clip.grid, highest + 1).assign(semantics, clip.boxes[0], clip.world_SE3_ego[0])
    instances[region] = fresh[region]
    return OccupancyFrame(before.index, semantics, instances)
