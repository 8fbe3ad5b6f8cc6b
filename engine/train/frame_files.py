"""Frames that are made once and read often: a folder of .npz files named by their first number, each written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from engine.train.cores import Progress, on_every_core

File = tuple[Path, range]
"""Its path, and the numbers it holds."""
Columns = dict[str, list[np.ndarray]]
"""Per name one array for each frame."""


def make_files(
    folder: Path, numbers: range, work: Callable[[File], None], device: torch.device, progress: Progress
) -> None:
    """`work` for each file that `folder` lacks, given its path and the numbers it holds; `numbers` has the first number of every file."""
    on_every_core(work, missing_files(folder, numbers), device, progress)


def missing_files(folder: Path, numbers: range) -> list[File]:
    """Paths that `folder`, made where it is not there, lacks of those that begin with `numbers`, and the numbers they hold."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [(folder / f"{first:06d}.npz", range(first, first + numbers.step)) for first in numbers]
    return [file for file in files if not file[0].exists()]


def write_file(path: Path, rows: Columns, compress: bool = False) -> None:
    """Writes beside `path`, then renames. Latents are noise and do not compress; occupancy does, thirtyfold."""
    beside = path.with_suffix(".tmp.npz")
    (np.savez_compressed if compress else np.savez)(beside, **{name: np.stack(row) for name, row in rows.items()})  # type: ignore[arg-type]
    os.replace(beside, path)


def read_files(folder: Path, names: Sequence[str]) -> tuple[np.ndarray, ...]:
    """Each named column of all files in turn."""
    paths = [path for path in sorted(folder.glob("*.npz")) if not path.name.endswith(".tmp.npz")]
    read = [[archive[name] for name in names] for archive in map(np.load, paths)]
    return tuple(np.concatenate(column) for column in zip(*read, strict=True))
