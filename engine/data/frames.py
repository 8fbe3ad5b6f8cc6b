"""What every data set gives: single frames of occupancy with their layout, and the frame before where poses are known.

The adapters (`occ3d.py`, `nucraft.py`, `datasets.py`) know files and labels; what follows from them is here once.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from engine.occupancy.warp import warp_static
from engine.spec.classes import CHANNELS
from engine.spec.columns import shown_channels
from engine.spec.geometry import invert
from engine.spec.grid import GridSpec

UNKNOWN = 255
"""In a table of labels: not a label of this source."""
LABELS = 256
"""Rows of a table of labels, more than any source uses."""


class DataError(ValueError):
    """Training data that cannot be used: one sentence that names both sides and what to do."""


class Frame(NamedTuple):
    """One training frame in its own ego frame."""

    semantics: np.ndarray
    """uint8 (X, Y, Z), our class ids."""
    layout: np.ndarray
    """uint8 (15, X, Y), 0 or 1."""
    past: np.ndarray | None
    """uint8 (X, Y, Z): the frame before as `warp_static` brings it here; None at the start of a scene and where there are no poses."""


class Dataset(Protocol):
    """Frames by number. Opening lists names only, so `len` costs nothing; a frame is read when asked for. Picklable for data workers."""

    name: str
    """What a card says of it: format and folder."""
    grid: GridSpec
    past_of: np.ndarray
    """int64 (N,): number of the frame before each frame, or -1."""

    def __len__(self) -> int: ...

    def alone(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Semantics uint8 (X, Y, Z) and layout uint8 (15, X, Y), without the cost of a past. DataError where a file is not as it must be."""
        ...

    def __getitem__(self, index: int) -> Frame: ...


class PosedFrames:
    """The part of an adapter that does not depend on its format: a frame together with its past."""

    name: str
    grid: GridSpec
    past_of: np.ndarray
    world_SE3_ego: np.ndarray | None = None
    """float64 (N, 4, 4) where `past_of` names any frame."""

    def __len__(self) -> int:
        return len(self.past_of)

    def semantics(self, index: int) -> np.ndarray:
        """uint8 (X, Y, Z), our class ids."""
        raise NotImplementedError

    def layout(self, index: int, semantics: np.ndarray) -> np.ndarray:
        """uint8 (15, X, Y), derived from the occupancy where a source has none of its own."""
        return derived_layout(semantics)

    def alone(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """See Dataset."""
        semantics = self.semantics(index)
        return semantics, self.layout(index, semantics)

    def __getitem__(self, index: int) -> Frame:
        if not 0 <= index < len(self):
            raise IndexError(f"There is no frame {index} in {self.name}, which has {len(self)}: count from 0.")
        semantics, layout = self.alone(index)
        before = int(self.past_of[index])
        if before < 0 or self.world_SE3_ego is None:
            return Frame(semantics, layout, None)
        past_SE3_now = invert(self.world_SE3_ego[before]) @ self.world_SE3_ego[index]
        return Frame(semantics, layout, warp_static(self.semantics(before), self.grid, past_SE3_now))


def derived_layout(semantics: np.ndarray) -> np.ndarray:
    """uint8 (15, X, Y): the channels that the columns of a volume (X, Y, Z) show, for sources that have no map and no boxes.

    It knows what the volume knows and no more: agents are the outline of their voxels instead of boxes, road that was hidden under
    or behind something is not painted, and a source without crossings and dividers leaves those channels empty.
    """
    return shown_channels(semantics).astype(np.uint8)


def relabelled(labels: np.ndarray, table: np.ndarray, where: str, expected: str) -> np.ndarray:
    """Our class ids uint8 of a source's labels (any integers, any shape), by a table (256,) with UNKNOWN where there is no label.

    Raises DataError for a label that is not in the table; `expected` says which are, `where` which file it is.
    """
    if labels.dtype.kind not in "iu":
        raise DataError(f"{where} holds labels of type {labels.dtype}, labels are whole numbers: write them as uint8.")
    if labels.dtype != np.uint8:
        low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
        if low < 0 or high >= LABELS:
            raise DataError(f"{where} holds label {low if low < 0 else high}, {expected}: correct the file or the class map.")
    classes = table[labels]
    if (classes == UNKNOWN).any():
        label = int(labels[classes == UNKNOWN].flat[0])
        raise DataError(f"{where} holds label {label}, {expected}: correct the file or the class map.")
    return classes


def read_array(path: Path, key: str | None = None) -> np.ndarray:
    """The array of an .npy file, or array `key` of an .npz file. Never unpickles. Raises DataError, one sentence."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded as archive:
            if key not in archive.files:
                raise DataError(f"{path} has no array '{key}', only {', '.join(archive.files) or 'nothing'}: write it with that name.")
            return archive[key]
    except FileNotFoundError:
        raise DataError(f"{path} is not there any more, it was when the folder was listed: restore it or start again.") from None
    except DataError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read as a numpy file ({reason}): copy it again from where it came.") from error


def check_shape(array: np.ndarray, wanted: tuple[int, ...], where: str) -> np.ndarray:
    """`array` itself. DataError where its shape is another."""
    if array.shape != wanted:
        raise DataError(f"{where} has shape {array.shape}, it must be {wanted}: convert it to one grid first.")
    return array


def check_layout(layout: np.ndarray, grid: GridSpec, where: str) -> np.ndarray:
    """uint8 (15, X, Y), 0 or 1, of a source's own layout."""
    return (check_shape(layout, (len(CHANNELS), *grid.bev_shape), where) != 0).astype(np.uint8)
