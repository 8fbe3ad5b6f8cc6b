"""Whole frames of procedural worlds as latents on disk: encoded once, read as often as a model wants to see them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch

from engine.data.worlds import make_world
from engine.devices import half_precision
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import warp_static
from engine.spec.classes import CHANNELS
from engine.train.cores import Progress
from engine.train.frame_files import Columns, make_files, read_files, write_file

FIRST_SEED = 500_000_000
"""Worlds from here on; those of other recipes lie elsewhere, those held out above."""
WORLDS_PER_FILE = 50
SNAPSHOTS = 2
"""Frames of a world beside its first one."""


def encode_worlds(
    vae: OccupancyVae, folder: Path, first: int, worlds: int, device: torch.device, progress: Progress = lambda done, total: None
) -> None:
    """Writes what `folder` lacks of `worlds` worlds from number `first` on (rounded up to whole files); progress counts files."""
    make_files(folder, range(first, first + worlds, WORLDS_PER_FILE), partial(_encode_file, vae, SNAPSHOTS, device), device, progress)


@torch.no_grad()
def _encode_file(vae: OccupancyVae, snapshots: int, device: torch.device, file: tuple[Path, range]) -> None:
    path, worlds = file
    rows: Columns = {"layouts": [], "latents": [], "emptied": []}
    for number in worlds:
        world = make_world(FIRST_SEED + number)
        for clip in (world.clip(1), world.snapshots(snapshots)):
            for frame in world.occupancy(clip):
                emptied = warp_static(frame.semantics, clip.grid, np.eye(4))
                both = torch.from_numpy(np.stack([frame.semantics, emptied])).to(device)
                with half_precision(device):
                    latents = vae.latents(both).half().cpu().numpy()
                rows["latents"].append(latents[0])
                rows["emptied"].append(latents[1])
                rows["layouts"].append(np.packbits(clip.layouts[frame.index]))
    write_file(path, rows)


def read_encoded(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every file of a folder: layouts, bits packed, uint8 (N, bytes); normalised latents float16 (N, C, h, w); and those of the
    same frames without their agents, as a rollout remembers them."""
    layouts, latents, emptied = read_files(folder, ("layouts", "latents", "emptied"))
    return layouts, latents, emptied


def unpack_layout(packed: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """uint8 (15, X, Y) of packed bits."""
    count = len(CHANNELS) * cells[0] * cells[1]
    return np.unpackbits(packed, count=count).reshape(len(CHANNELS), *cells)
