"""Pickles of strangers, read so that a hostile file can build arrays and containers and nothing else."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from editor.formats.report import FormatError, what_is_wrong


def _counter(*_: Any) -> dict[Any, Any]:
    """What a `collections.defaultdict` becomes: its entries in a plain dict, without its factory."""
    return {}


_CORE = np.ndarray(0).__reduce__()[0]  # numpy's own array maker; its module's name differs between numpy 1 and 2
ALLOWED = {
    **{(module, "_reconstruct"): _CORE for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(module, "scalar"): np.float64(0).__reduce__()[0] for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    # ScenarioNet's own converter counts in a defaultdict(int).
    ("collections", "defaultdict"): _counter,
    ("builtins", "int"): int,
}


def _latin1(text: Any, encoding: Any = "latin1") -> bytes:
    """How pickles of protocol 2 write bytes, which is how they write the numbers of an array."""
    if not isinstance(text, str) or encoding != "latin1":
        raise FormatError("it encodes text in a way that no array needs")
    return text.encode("latin1")


PROTOCOL_2: Mapping[tuple[str, str], Any] = {("_codecs", "encode"): _latin1}
"""What infos ask for on top, because they are written in an old protocol."""


class _Unpickler(pickle._Unpickler):  # pyright: ignore[reportPrivateUsage]
    """The one in Python: the one in C sets aside memory for whatever memo number a file names."""

    allowed: Mapping[tuple[str, str], Any] = ALLOWED

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise FormatError(f"it asks for {module}.{name}, and only numpy arrays and plain containers are let in")
        return self.allowed[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise FormatError("it points to objects outside itself")


def read_pickle(path: Path, writer: str, more: Mapping[tuple[str, str], Any] | None = None) -> Any:
    """What a pickle holds, which may ask for ALLOWED and `more`.

    Raises FormatError, which names `writer` as the program to export again with, where it is broken or hostile.
    """
    try:
        with path.open("rb") as file:
            unpickler = _Unpickler(file)
            unpickler.allowed = {**ALLOWED, **(more or {})}
            return unpickler.load()
    except FormatError as error:
        raise FormatError(f"{path} was not opened: {error}; export the file again with {writer}.") from error
    # A broken pickle can fail inside any opcode, so anything it raises means the same thing.
    except Exception as error:
        said = " ".join(str(error).split()).rstrip(".")[:200]
        what = said if isinstance(error, pickle.UnpicklingError) and said else what_is_wrong(error)
        raise FormatError(f"{path} is not a whole pickle ({what}): copy it again, or give a .pkl of {writer}.") from error
