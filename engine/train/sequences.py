"""Sequences for phase 2: consecutive frames at 12 Hz in one frame of coordinates, that of the last of them, encoded once (paper B.2).

There the clean stream of all frames is one row of latents, which every noisy frame looks back into under the causal mask. What a past ego
did not see yet is free in its clean frame, as it is in a rollout, where history is moved into the coordinates of the frame that looks back.
Legend: B batch, T frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.data.worlds import World, make_world
from engine.devices import half_precision
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import LAST_AGENT, columns_in_view
from engine.spec.classes import FREE
from engine.spec.geometry import invert
from engine.spec.grid import LATENT_CELLS, OCC3D, RATE_HZ, GridSpec
from engine.spec.worlds import SEQUENCE_SEED
from engine.train.cores import Progress
from engine.train.encoded import unpack_layout
from engine.train.frame_files import Columns, File, make_files, read_files, write_file

WORLDS_PER_FILE = 5
PER_WORLD = 3
"""Sequences of a world, each beginning somewhere in its first 6 s: a world costs as much as twenty frames."""
LATEST_START_S = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """T consecutive frames on one grid, that of the last one's ego."""

    layouts: np.ndarray
    """uint8 (T, 15, X, Y)."""
    semantics: np.ndarray
    """uint8 (T, X, Y, Z)."""
    clean: np.ndarray
    """uint8 (T, X, Y, Z): what each frame's own ego saw of them."""


def sequence_of(world: World, frames: int, start_s: float, agents: bool = True, grid: GridSpec = OCC3D) -> Sequence:
    """A world's frames from a moment on. `agents` stay in the clean stream, or are taken out of it."""
    drive = world.clip(frames, grid, start_s)
    clip = world.clip(frames, grid, start_s, seen_from=frames - 1)
    semantics = np.stack([frame.semantics for frame in world.occupancy(clip)])
    here = clip.world_SE3_ego[-1]
    views = np.stack([columns_in_view(grid, invert(pose) @ here) for pose in drive.world_SE3_ego])     # (T, X, Y)
    shown = views[..., None] if agents else views[..., None] & ((semantics == 0) | (semantics > LAST_AGENT))
    return Sequence(clip.layouts, semantics, np.where(shown, semantics, FREE).astype(np.uint8))


def encode_sequences(vae: OccupancyVae, folder: Path, frames: int, worlds: int, device: torch.device, progress: Progress, agents: bool = True) -> None:
    """Writes what `folder` lacks of `worlds` worlds (rounded up to whole files), PER_WORLD sequences each; progress counts files."""
    make_files(folder, range(0, worlds, WORLDS_PER_FILE), partial(_encode_file, vae, frames, agents), device, progress)


def _sequences(frames: int, agents: bool, number: int) -> Iterator[Sequence]:
    world = make_world(SEQUENCE_SEED + number, horizon_s=LATEST_START_S + frames / RATE_HZ)
    for start_s in np.random.default_rng(number).uniform(0, LATEST_START_S, PER_WORLD):
        yield sequence_of(world, frames, round(float(start_s) * RATE_HZ) / RATE_HZ, agents)


@torch.no_grad()
def _encode_file(vae: OccupancyVae, frames: int, agents: bool, file: File) -> None:
    rows: Columns = {"layouts": [], "latents": [], "past": []}
    device = vae.latent_mean.device
    for number in file[1]:
        for sequence in _sequences(frames, agents, number):
            with half_precision(device):
                latents, past = (
                    torch.cat([vae.latents(torch.from_numpy(one).to(device)[None]) for one in each]).half().cpu().numpy()
                    for each in (sequence.semantics, sequence.clean)
                )
            rows["layouts"].append(np.stack([np.packbits(layout) for layout in sequence.layouts]))
            rows["latents"].append(latents)
            rows["past"].append(past)
    write_file(file[0], rows)


@dataclass(frozen=True, slots=True, eq=False)
class SequenceBatches:
    """Square crops of encoded sequences; the batch of step n is a function of (seed, n)."""

    layouts: np.ndarray
    """uint8 (N, T, bytes), packed bits."""
    latents: np.ndarray
    """float16 (N, T, C, h, w), normalised."""
    past: np.ndarray
    """float16 (N, T, C, h, w): the clean stream, normalised."""
    seed: int
    batch: int
    crop: int
    """Latent cells along an edge."""

    @staticmethod
    def read(folder: Path, seed: int, batch: int, crop: int) -> SequenceBatches:
        """Of every file in a folder that `encode_sequences` wrote."""
        return SequenceBatches(*read_files(folder, ("layouts", "latents", "past")), seed, batch, crop)

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        """layouts uint8 (B, T, 15, 4c, 4c), latents and past_latents float32 (B, T, C, c, c)."""
        random = np.random.default_rng([self.seed, step])
        h, w = self.latents.shape[3:]
        rows: dict[str, list[np.ndarray]] = {"layouts": [], "latents": [], "past_latents": []}
        for index in random.integers(0, len(self.latents), self.batch):
            x, y = (int(random.integers(0, n - self.crop + 1)) for n in (h, w))
            window = np.s_[..., x : x + self.crop, y : y + self.crop]
            painted = np.s_[:, LATENT_CELLS * x : LATENT_CELLS * (x + self.crop), LATENT_CELLS * y : LATENT_CELLS * (y + self.crop)]
            rows["layouts"].append(np.stack([unpack_layout(bits, (LATENT_CELLS * h, LATENT_CELLS * w))[painted] for bits in self.layouts[index]]))
            rows["latents"].append(self.latents[index][window].astype(np.float32))
            rows["past_latents"].append(self.past[index][window].astype(np.float32))
        return {name: torch.from_numpy(np.stack(row)) for name, row in rows.items()}
