"""Data sets by name: 'occ3d:DIR', 'nucraft:DIR', 'takes:DIR', several with commas between."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.data.frames import DataError, Dataset, PosedFrames
from engine.data.nucraft import ArrayFrames
from engine.data.occ3d import Occ3dFrames
from engine.spec.take import Take

OPEN_TAKES = 4
"""Takes that a data worker keeps in memory, about 60 MB each at 49 frames: a take's occupancy can only be read as a whole."""


class TakeFrames(PosedFrames):
    """The frames of our own takes, with the layouts they were made from; a take's first frame has no past.

    A step that draws from more takes than OPEN_TAKES reads whole takes for single frames: for many takes, have several workers.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is a take or holds takes. Raises DataError where there is none, one has no occupancy, or they differ in grid.

        A damaged take raises TakeError, which says what is wrong with it.
        """
        folders = [folder] if (folder / "take.json").is_file() else sorted(path.parent for path in folder.glob("*/take.json"))
        if not folders:
            raise DataError(f"{folder} is no take and holds none: name a folder that `generate` has written into.")
        takes = [Take.open(path) for path in folders]
        for take in takes:
            if not (take.folder / "occupancy.npz").is_file() and not (take.folder / "partial/00000.npz").is_file():
                raise DataError(f"The take {take.folder} has no occupancy to learn from: generate it with --until occupancy or move it away.")
            if take.grid != takes[0].grid:
                raise DataError(f"The take {take.folder} has grid {take.grid.shape} and {takes[0].folder} has {takes[0].grid.shape}: keep them apart.")
        self.places = tuple((take.folder, k) for take in takes for k in range(take.frame_count))
        self.name, self.grid = f"takes:{folder}", takes[0].grid
        self.past_of = np.array([index - 1 if k else -1 for index, (_, k) in enumerate(self.places)])
        self.world_SE3_ego = np.concatenate([take.world_SE3_ego for take in takes])

    def semantics(self, index: int) -> np.ndarray:
        folder, k = self.places[index]
        return _open(folder).semantics[k]

    def layout(self, index: int, semantics: np.ndarray) -> np.ndarray:
        folder, k = self.places[index]
        return _open(folder).layouts[k]


@lru_cache(OPEN_TAKES)
def _open(folder: Path) -> Take:
    return Take.open(folder)


FORMATS: dict[str, Callable[[Path], Dataset]] = {"occ3d": Occ3dFrames, "nucraft": ArrayFrames, "takes": TakeFrames}


def open_datasets(text: str) -> tuple[Dataset, ...]:
    """The data sets of 'FORMAT:DIR[,FORMAT:DIR ...]'. Raises DataError for an unknown format or a folder that is not there."""
    opened = []
    for part in text.split(","):
        name, _, where = part.strip().partition(":")
        if name not in FORMATS or not where:
            raise DataError(f"Data '{part.strip()}' is not FORMAT:DIR with a format of {', '.join(FORMATS)}: write for example occ3d:/data/occ3d.")
        folder = Path(where).expanduser()
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder} for '{name}' data: name one that exists.")
        opened.append(FORMATS[name](folder))
    return tuple(opened)
