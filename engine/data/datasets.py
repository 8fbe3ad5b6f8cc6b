"""Data sets by name: 'occ3d:DIR', 'nucraft:DIR', 'takes:DIR', 'layouts:DIR', several with commas between."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.data.frames import DataError, Dataset, PosedFrames
from engine.data.lift import occupy
from engine.data.nucraft import ArrayFrames
from engine.data.occ3d import Occ3dFrames
from engine.data.surroundings import invent_surroundings
from engine.data.voxelise import StaticMap
from engine.spec.clip import SceneClip
from engine.spec.take import Take

OPEN_TAKES = 4
"""Takes that a data worker keeps in memory, about 60 MB each at 49 frames: a take's occupancy can only be read as a whole."""


class _Takes(PosedFrames):
    """Frames of takes with the layouts they were made from; where their occupancy comes from, a subclass knows."""

    def __init__(self, kind: str, folder: Path) -> None:
        """`folder` is a take or holds takes. Raises DataError where there is none or they differ in grid, TakeError for a damaged one."""
        folders = [folder] if (folder / "take.json").is_file() else sorted(path.parent for path in folder.glob("*/take.json"))
        if not folders:
            raise DataError(f"{folder} is no take and holds none: name a folder that `generate` has written into.")
        takes = [Take.open(path) for path in folders]
        for take in takes:
            if take.grid != takes[0].grid:
                raise DataError(f"The take {take.folder} has grid {take.grid.shape} and {takes[0].folder} has {takes[0].grid.shape}: keep them apart.")
        self.places = tuple((take.folder, k) for take in takes for k in range(take.frame_count))
        self.name, self.grid = f"{kind}:{folder}", takes[0].grid
        self.past_of = np.array([index - 1 if k else -1 for index, (_, k) in enumerate(self.places)])
        self.world_SE3_ego = np.concatenate([take.world_SE3_ego for take in takes])

    def layout(self, index: int, semantics: np.ndarray) -> np.ndarray:
        folder, k = self.places[index]
        return _open(folder).layouts[k]


class TakeFrames(_Takes):
    """The frames of our own takes; a take's first frame has no past.

    A step that draws from more takes than OPEN_TAKES reads whole takes for single frames: for many takes, have several workers.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is a take or holds takes. Raises DataError where there is none, one has no occupancy, or they differ in grid.

        A damaged take raises TakeError, which says what is wrong with it.
        """
        super().__init__("takes", folder)
        for take in dict.fromkeys(folder for folder, _ in self.places):
            if not (take / "occupancy.npz").is_file() and not (take / "partial/00000.npz").is_file():
                raise DataError(f"The take {take} has no occupancy to learn from: generate it with --until occupancy, or read it as layouts:.")

    def semantics(self, index: int) -> np.ndarray:
        folder, k = self.places[index]
        return _open(folder).semantics[k]


class LayoutFrames(_Takes):
    """Takes' layouts with the occupancy that `lift` gives them amid invented surroundings: real maps, and no sensor that saw the place.

    `import` a log or map, `generate --until layout` it, and its roads and agents are learned from. What a take holds beyond is not read.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is a take or holds takes. Raises DataError where there is none or they differ in grid."""
        super().__init__("layouts", folder)

    def semantics(self, index: int) -> np.ndarray:
        folder, k = self.places[index]
        clip, statics = _stage(folder)
        alone = SceneClip(clip.layouts[k : k + 1], clip.boxes[k : k + 1], clip.world_SE3_ego[k : k + 1], grid=clip.grid)
        return next(occupy(alone, statics)).semantics


@lru_cache(OPEN_TAKES)
def _stage(folder: Path) -> tuple[SceneClip, StaticMap]:
    """A take's clip, and what is invented around all of its layouts together: the same in each of its frames."""
    take = _open(folder)
    clip = SceneClip(take.layouts, tuple(map(tuple, take.boxes)), take.world_SE3_ego, grid=take.grid)
    return clip, invent_surroundings(clip, seed=zlib.crc32(folder.name.encode()))


@lru_cache(OPEN_TAKES)
def _open(folder: Path) -> Take:
    return Take.open(folder)


FORMATS: dict[str, Callable[[Path], Dataset]] = {"occ3d": Occ3dFrames, "nucraft": ArrayFrames, "takes": TakeFrames, "layouts": LayoutFrames}


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
