"""Whole frames of procedural worlds as latents on disk: encoded once, read as often as a model wants to see them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from engine.data.worlds import make_world
from engine.occupancy.vae import OccupancyVae
from engine.spec.classes import CHANNELS

FIRST_SEED = 500_000_000
"""Worlds from here on; those of other recipes lie elsewhere, those held out above."""
WORLDS_PER_FILE = 50
SNAPSHOTS = 2
"""Frames of a world beside its first one."""


@torch.no_grad()
def encode_worlds(
    vae: OccupancyVae, folder: Path, worlds: int, device: torch.device, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Writes what `folder` lacks of the first `worlds` worlds (rounded up to whole files)."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, worlds, WORLDS_PER_FILE):
        path = folder / f"{first:06d}.npz"
        progress(first, worlds)
        if path.exists():
            continue
        layouts, latents = [], []
        for seed in range(FIRST_SEED + first, FIRST_SEED + first + WORLDS_PER_FILE):
            world = make_world(seed)
            for clip in (world.clip(1), world.snapshots(SNAPSHOTS)):
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
