"""Whole frames of procedural worlds as latents on disk: encoded once, read as often as a model wants to see them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from engine.data.worlds import make_world
from engine.devices import half_precision
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import warp_static
from engine.spec.classes import AGENTS, CHANNELS, CLASSES, FREE
from engine.spec.grid import LATENT_CELLS
from engine.spec.worlds import ENCODED_SEED
from engine.train.cores import Progress, made_on_every_core
from engine.train.frame_files import Columns, File, make_files, missing_files, read_files, write_file

WORLDS_PER_FILE = 50
SNAPSHOTS = 3
"""Frames of a world beside its first one."""
TOGETHER = 16
"""Frames that a GPU encodes at once."""
STATIC = np.array([c for c in range(FREE) if CLASSES[c] not in AGENTS])
"""Classes of what stands still."""


class Encoded(NamedTuple):
    """Every frame of a folder, N of them."""

    layouts: np.ndarray
    """uint8 (N, bytes): packed bits, see `unpack_layout`."""
    latents: np.ndarray
    """float16 (N, C, h, w), normalised."""
    emptied: np.ndarray
    """float16 (N, C, h, w): of the same frames without their agents, as a rollout remembers them."""
    volumes: np.ndarray
    """int16 (N, h, w, S): voxels of each static class in a latent cell."""


def encode_worlds(
    vae: OccupancyVae, folder: Path, first: int, worlds: int, device: torch.device, progress: Progress = lambda done, total: None
) -> None:
    """Writes what `folder` lacks of `worlds` worlds from number `first` on (rounded up to whole files); progress counts files.

    Every core makes worlds; it also encodes them, unless there is a GPU for that.
    """
    numbers = range(first, first + worlds, WORLDS_PER_FILE)
    if device.type == "cpu":
        make_files(folder, numbers, partial(_encode_file, vae, SNAPSHOTS), device, progress)
        return
    files = missing_files(folder, numbers)
    progress(0, len(files))
    for done, (file, rows) in enumerate(made_on_every_core(partial(_world_frames, SNAPSHOTS), files)):
        write_file(file[0], _with_latents(vae, rows, device))
        progress(done + 1, len(files))


def _encode_file(vae: OccupancyVae, snapshots: int, file: File) -> None:
    write_file(file[0], _with_latents(vae, _world_frames(snapshots, file), torch.device("cpu")))


def _world_frames(snapshots: int, file: File) -> Columns:
    """Of a file's worlds: layouts, volumes, and in "semantics" uint8 (2, X, Y, Z), each frame with its agents and without."""
    rows: Columns = {"layouts": [], "volumes": [], "semantics": []}
    for number in file[1]:
        world = make_world(ENCODED_SEED + number)
        for clip in (world.clip(1), world.snapshots(snapshots)):
            for frame in world.occupancy(clip):
                emptied = warp_static(frame.semantics, clip.grid, np.eye(4))
                rows["semantics"].append(np.stack([frame.semantics, emptied]))
                rows["layouts"].append(np.packbits(clip.layouts[frame.index]))
                rows["volumes"].append(volumes_by_cell(torch.from_numpy(frame.semantics)[None])[0].numpy())
    return rows


@torch.no_grad()
def _with_latents(vae: OccupancyVae, rows: Columns, device: torch.device) -> Columns:
    """The rows of a file, with the latents of "semantics" in its place."""
    pairs, together = rows.pop("semantics"), 1 if device.type == "cpu" else TOGETHER
    latents: list[np.ndarray] = []
    for start in range(0, len(pairs), together):
        both = torch.from_numpy(np.concatenate(pairs[start : start + together])).to(device)
        with half_precision(device):
            latents.extend(vae.latents(both).half().cpu().numpy())
    return rows | {"latents": latents[::2], "emptied": latents[1::2]}


def volumes_by_cell(semantics: torch.Tensor) -> torch.Tensor:
    """int16 (B, X/4, Y/4, S): voxels of each static class in every latent cell of class ids (B, X, Y, Z)."""
    cells = semantics.unflatten(2, (-1, LATENT_CELLS)).unflatten(1, (-1, LATENT_CELLS))            # (B, h, 4, w, 4, Z)
    return torch.stack([(cells == c).sum((2, 4, 5), dtype=torch.int16) for c in STATIC.tolist()], -1)


def read_encoded(folder: Path) -> Encoded:
    """Of every file of a folder, in order."""
    return Encoded(*read_files(folder, Encoded._fields))


def unpack_layout(packed: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """uint8 (15, X, Y) of packed bits."""
    count = len(CHANNELS) * cells[0] * cells[1]
    return np.unpackbits(packed, count=count).reshape(len(CHANNELS), *cells)


def unpack_layouts(packed: torch.Tensor, cells: tuple[int, int]) -> torch.Tensor:
    """uint8 (B, 15, X, Y) of packed bits (B, bytes), on their device."""
    places = torch.arange(7, -1, -1, device=packed.device, dtype=torch.uint8)
    bits = (packed[..., None] >> places) & 1                                         # (B, bytes, 8)
    return bits.flatten(1)[:, : len(CHANNELS) * cells[0] * cells[1]].reshape(-1, len(CHANNELS), *cells)
