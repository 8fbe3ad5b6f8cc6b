"""What a decoder is given in life: latents as the generator makes them, beside the occupancy that they stand for (ours).

Encoded latents with noise on them are not what the sketch and the flow bring, and in a rollout what was decoded comes back encoded, frame
after frame. So short rollouts are run in which all that cannot be known is given: what is unpainted and was not seen before comes from
the truth, rounded to codes; only what is painted is sketched, because the layout says what stands there. What comes out still stands for
the true frame, and a decoder that lets things grow from frame to frame sees here what that leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.data.worlds import make_world
from engine.devices import half_precision
from engine.occupancy.cells import painted_cells
from engine.occupancy.dice import world_cells
from engine.occupancy.flow import sample
from engine.occupancy.prior import Canvas, free_cells
from engine.occupancy.prior.sketch import places_in
from engine.occupancy.prior.tokens import TokenPrior, tokens_of
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.static_world import all_of
from engine.spec.clip import SceneClip
from engine.spec.grid import LATENT_CELLS
from engine.spec.worlds import GENERATED_SEED
from engine.train.cores import Progress
from engine.train.encoded import unpack_layout
from engine.train.frame_files import Columns, File, make_files, read_files, write_file
from engine.train.stamps import stamp

ROLLOUT = 12
KEPT = (0, 1, 3, 7, 11)
"""Frames of a rollout that are learned from: so many times have they been decoded and encoded before."""
ROLLOUTS_PER_FILE = 2


def generate_frames(generator: OccupancyGenerator, folder: Path, frames: int, progress: Progress = lambda done, total: None) -> None:
    """Writes what `folder` lacks of `frames` frames (rounded up to whole files); progress counts files.

    Raises ValueError for a generator without a sketch.
    """
    if not isinstance(generator.prior, TokenPrior):
        raise ValueError("Frames are generated for a decoder from a sketch, and this preset begins from noise: leave --generated out.")
    rollouts = -(-frames // len(KEPT))
    make_files(folder, range(0, rollouts, ROLLOUTS_PER_FILE), partial(_generate_file, generator), generator.device, progress)


def _generate_file(generator: OccupancyGenerator, file: File) -> None:
    path, numbers = file
    rows: Columns = {"semantics": [], "layouts": [], "latents": []}
    for number in numbers:
        world = make_world(GENERATED_SEED + number)
        clip = world.clip(ROLLOUT)
        truths = [frame.semantics for frame in world.occupancy(clip)]
        for index, latents in enumerate(relived(generator, clip, truths, number)):
            if index in KEPT:
                rows["semantics"].append(truths[index])
                rows["layouts"].append(np.packbits(clip.layouts[index]))
                rows["latents"].append(latents[0, 0].float().cpu().numpy().astype(np.float16))
    write_file(path, rows, compress=True)


@torch.no_grad()
def relived(generator: OccupancyGenerator, clip: SceneClip, truths: Sequence[np.ndarray], seed: int) -> Iterator[Tensor]:
    """Normalised latents (1, 1, C, X/4, Y/4), frame after frame, of a rollout that is told what it cannot know of the truths (X, Y, Z)."""
    device, sampler, sketch = generator.device, generator.preset.sampler, tokens_of(generator.prior).sketch
    past: np.ndarray | None = None
    for index, truth in enumerate(truths):
        layouts = torch.from_numpy(clip.layouts[index]).to(device)[None, None]       # (1, 1, 15, X, Y)
        with half_precision(device):
            true = generator.vae.latents(torch.from_numpy(truth).to(device)[None])
            told = sketch.decode(sketch.encode(true))                                # (1, C, X/4, Y/4)
            poses, layout = clip.world_SE3_ego[max(0, index - 1) : index + 1], clip.layouts[index]
            memory = None if past is None else all_of(past, clip.grid, poses[0]).from_pose(clip.grid, poses[1])
            history, known = generator.remembered(layout, memory)
            if past is not None:
                told = torch.where(torch.from_numpy(known).to(device), history[:, 0], told)
            given = known | ~painted_cells(layouts[0])[0].cpu().numpy()              # (X/4, Y/4)
            cells = world_cells(poses[-1], known.shape, clip.grid.origin_m[:2])
            begun = generator.prior.begin(Canvas(layouts, cells, places_in(*known.shape), told, given), seed, seed)
            # The truth is where it begins from, and only what is remembered stays as it is.
            begun = replace(begun, free=free_cells(known, device))
            latents = sample(generator.velocity(layouts, history, sampler.guidance), begun, sampler.steps)
        assert latents is not None, "nobody cancels"
        yield latents
        past = generator.decode(latents, layouts)


@dataclass(frozen=True, slots=True, eq=False)
class GeneratedBatches:
    """Every other batch is of generated frames, the others are `usual` ones; the batch of step n is a function of (seed, n)."""

    usual: Callable[[int], Mapping[str, Tensor]]
    semantics: np.ndarray
    """uint8 (N, X, Y, Z)."""
    layouts: np.ndarray
    """Packed bits, uint8 (N, bytes)."""
    latents: np.ndarray
    """Normalised, float16 (N, C, X/4, Y/4)."""
    seed: int
    batch: int
    crop: int

    @staticmethod
    def read(folder: Path, usual: Callable[[int], Mapping[str, Tensor]], seed: int, batch: int, crop: int) -> GeneratedBatches:
        """Of every file in a folder that `generate_frames` wrote."""
        semantics, layouts, latents = read_files(folder, ("semantics", "layouts", "latents"))
        return GeneratedBatches(usual, semantics, layouts, latents, seed, batch, crop)

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        """semantics uint8 (B, x, y, Z), layouts uint8 (B, 15, x, y) and, of generated frames, latents float32 (B, C, x/4, y/4)."""
        if step % 2:
            return self.usual(step)
        rng = np.random.default_rng([self.seed, step])
        cells = self.semantics.shape[1:3]
        rows: Columns = {"semantics": [], "layouts": [], "latents": []}
        for number in rng.integers(0, len(self.semantics), self.batch):
            x, y = (LATENT_CELLS * int(rng.integers(0, (size - self.crop) // LATENT_CELLS + 1)) for size in cells)
            window = (slice(x, x + self.crop), slice(y, y + self.crop))
            corner = (slice(x // LATENT_CELLS, (x + self.crop) // LATENT_CELLS), slice(y // LATENT_CELLS, (y + self.crop) // LATENT_CELLS))
            semantics, layout = self.semantics[number][window].copy(), unpack_layout(self.layouts[number], cells)[:, *window].copy()
            stamp(rng, semantics, layout)
            rows["semantics"].append(semantics)
            rows["layouts"].append(layout)
            rows["latents"].append(self.latents[number][:, *corner].astype(np.float32))
        return {name: torch.from_numpy(np.stack(row)) for name, row in rows.items()}
