"""Frames of occupancy from a take's folder one at a time, so that memory does not grow with the take."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from engine.spec.take import DAMAGE, TakeError

_KINDS = (("semantics", np.dtype(np.uint8)), ("instances", np.dtype(np.uint16)))


class FrameReader:
    """Reads frames of the take in `folder`, which may still be written. In order is fastest; going back reads from the start again.

    Not for several threads at once. Every method raises TakeError (one sentence) where a frame is not there or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = ExitStack()
        self._streams: list[IO[bytes]] = []
        self._shape: tuple[int, ...] = ()
        self._next = 0

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Semantics uint8 and instances uint16, both (X, Y, Z), of frame `index`."""
        single = self.folder / "partial" / f"{index:05d}.npz"
        try:
            if single.is_file():
                with np.load(single, allow_pickle=False) as frame:
                    return frame["semantics"], frame["instances"]
            return self._from_whole(index)
        except DAMAGE as error:
            raise TakeError(f"Frame {index} of the take in {self.folder} cannot be read ({error}): make the take again.") from error

    def frames(self, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The first `count` frames in order."""
        for index in range(count):
            yield self.read(index)

    def close(self) -> None:
        self._open.close()
        self._streams = []

    def _from_whole(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """From occupancy.npz, which is deflated in one piece: what lies before the frame is read and dropped."""
        if not self._streams or index < self._next:
            self._begin()
        size = int(np.prod(self._shape))
        while True:
            semantics, instances = (
                np.frombuffer(_exactly(stream, size * dtype.itemsize), dtype).reshape(self._shape)
                for stream, (_, dtype) in zip(self._streams, _KINDS, strict=True)
            )
            self._next += 1
            if self._next > index:
                return semantics, instances

    def _begin(self) -> None:
        self.close()
        archive = self._open.enter_context(zipfile.ZipFile(self.folder / "occupancy.npz"))
        for key, dtype in _KINDS:
            stream = self._open.enter_context(archive.open(f"{key}.npy"))
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            (_, *shape), fortran, have = read(stream)
            if have != dtype or fortran or len(shape) != 3:
                raise ValueError(f"'{key}' is {have} {shape}, not {dtype} frames of (X, Y, Z)")
            self._streams.append(stream)
            self._shape = tuple(shape)
        self._next = 0


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("it has fewer frames")
    return data
