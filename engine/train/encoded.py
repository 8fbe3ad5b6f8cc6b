"""Whole frames of procedural worlds as latents on disk: encoded once, read as often as a model wants to see them."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import numpy as np
import torch

from engine.data.worlds import make_world
from engine.occupancy.vae import OccupancyVae
from engine.spec.classes import CHANNELS
from engine.train.cores import Progress, on_every_core

FIRST_SEED = 500_000_000
"""Worlds from here on; those of other recipes lie elsewhere, those held out above."""
WORLDS_PER_FILE = 50
SNAPSHOTS = 2
"""Frames of a world beside its first one."""


def encode_worlds(
    vae: OccupancyVae, folder: Path, first: int, worlds: int, device: torch.device, progress: Progress = lambda done, total: None
) -> None:
    """Writes what `folder` lacks of `worlds` worlds from number `first` on (rounded up to whole files); progress counts files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {number: folder / f"{number:06d}.npz" for number in range(first, first + worlds, WORLDS_PER_FILE)}
    missing = [(path, range(number, number + WORLDS_PER_FILE)) for number, path in paths.items() if not path.exists()]
    on_every_core(partial(_encode_file, vae, SNAPSHOTS, device), missing, device, progress)


@torch.no_grad()
def _encode_file(vae: OccupancyVae, snapshots: int, device: torch.device, file: tuple[Path, range]) -> None:
    path, worlds = file
    layouts, latents = [], []
    for number in worlds:
        world = make_world(FIRST_SEED + number)
        for clip in (world.clip(1), world.snapshots(snapshots)):
            for frame in world.occupancy(clip):
                semantics = torch.from_numpy(frame.semantics)[None].to(device)
                latents.append(vae.normalise(vae.encode(semantics).mean)[0].half().cpu().numpy())
                layouts.append(np.packbits(clip.layouts[frame.index]))
    beside = path.with_suffix(".tmp.npz")
    np.savez(beside, layouts=np.stack(layouts), latents=np.stack(latents))
    os.replace(beside, path)


def read_encoded(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Layouts, bits packed, uint8 (N, bytes), and normalised latents float16 (N, C, h, w), of every file of a folder."""
    files = [path for path in sorted(folder.glob("*.npz")) if not path.name.endswith(".tmp.npz")]
    read = [(archive["layouts"], archive["latents"]) for archive in map(np.load, files)]
    return np.concatenate([layouts for layouts, _ in read]), np.concatenate([latents for _, latents in read])


def unpack_layout(packed: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """uint8 (15, X, Y) of packed bits."""
    count = len(CHANNELS) * cells[0] * cells[1]
    return np.unpackbits(packed, count=count).reshape(len(CHANNELS), *cells)
