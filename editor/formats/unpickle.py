"""Pickles of strangers, read so that a hostile file can build arrays and containers and nothing else.

numpy's own makers are not let in either: a damaged state of a dtype or an array can make them reach past their memory. What pickles ask
numpy for is done here, on checked values.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from editor.formats.report import FormatError, what_is_wrong

PLAIN = re.compile(r"[<>=|]?(?:b1|[iu][1248]|f[248]|c(?:8|16)|[SU]\d{1,6}|O8?)")
"""Numbers, text and objects; no records, no times."""
LAST_CODE_POINT = 0x10FFFF


class _Dtype:
    """A dtype as a pickle makes it: by a name, then by a state of which only the byte order matters."""

    def __init__(self, name: Any = "", *_: Any) -> None:
        if not isinstance(name, str) or not PLAIN.fullmatch(name):
            raise FormatError("it holds an array of something else than numbers, text or objects")
        self.made = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]) or state[1] not in tuple("<>=|"):
            raise FormatError("it holds an array of something else than numbers, text or objects")
        self.made = self.made.newbyteorder(state[1])


def _reconstruct(kind: Any, *_: Any) -> np.ndarray:
    """The empty array that a pickle fills by a state."""
    if kind is not _NDARRAY:
        raise FormatError("it holds an array of an unusual kind")
    return np.empty(0, np.int8)


def _scalar(dtype: Any, raw: Any = None) -> Any:
    return _filled((), dtype, False, raw)[()]


def _filled(shape: Any, dtype: Any, is_fortran: Any, raw: Any) -> np.ndarray:
    """An array of checked parts. Raises FormatError where they do not fit each other."""
    if not isinstance(dtype, _Dtype) or not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
        raise FormatError("it holds an array without a proper shape or kind")
    count = 1
    for side in shape:
        count *= side
    made, order = dtype.made, "F" if is_fortran else "C"
    if made.kind == "O":
        if not isinstance(raw, list) or len(raw) != count:
            raise FormatError("it holds an array that is shorter or longer than its shape")
        array = np.empty(count, object)
        array[:] = raw
        return array.reshape(shape, order=order)
    if not isinstance(raw, bytes) or len(raw) != count * made.itemsize:
        raise FormatError("it holds an array that is shorter or longer than its shape")
    if made.kind == "U" and count and made.itemsize:
        points = np.frombuffer(raw, np.dtype(np.uint32).newbyteorder(made.byteorder))
        if points.max() > LAST_CODE_POINT:
            raise FormatError("it holds text that is none")
    return np.frombuffer(raw, made).reshape(shape, order=order) if made.itemsize else np.empty(shape, made)


def _counter(*_: Any) -> dict[Any, Any]:
    """What a `collections.defaultdict` becomes: its entries in a plain dict, without its factory."""
    return {}


def _ordered(pairs: Any = ()) -> dict[Any, Any]:
    """What an OrderedDict becomes; protocols 2 and older hand it its pairs."""
    return dict(pairs) if isinstance(pairs, list) else {}


def _path(*parts: Any) -> str:
    """What a path becomes: its text, which nobody opens."""
    if not all(isinstance(part, str) for part in parts):
        raise FormatError("it holds a path that is not made of text")
    return "/".join(parts)


def _frombuffer(raw: Any, dtype: Any, shape: Any, order: Any, *_: Any) -> np.ndarray:
    """How protocol 5 writes an array."""
    if order not in ("C", "F") or not isinstance(raw, bytes | bytearray):
        raise FormatError("it holds an array in an unusual order")
    return _filled(shape, dtype, order == "F", bytes(raw))


def _latin1(text: Any, encoding: Any = "latin1") -> bytes:
    """How pickles of protocol 2 write bytes, which is how they write the numbers of an array."""
    if not isinstance(text, str) or encoding != "latin1":
        raise FormatError("it encodes text in a way that no array needs")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How protocol 2 writes bytes of length zero."""
    return b""


_NDARRAY = object()
ALLOWED: Mapping[tuple[str, str], Any] = {
    # The module's name differs between numpy 1 and 2.
    **{(module, "_reconstruct"): _reconstruct for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(module, "scalar"): _scalar for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Dtype,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    # ScenarioNet's own converter counts in a defaultdict(int).
    ("collections", "defaultdict"): _counter,
    ("builtins", "int"): int,
    **{(module, "_frombuffer"): _frombuffer for module in ("numpy.core.numeric", "numpy._core.numeric")},
}
INFOS: Mapping[tuple[str, str], Any] = {
    ("_codecs", "encode"): _latin1,
    ("__builtin__", "bytes"): _no_bytes,
    ("__builtin__", "set"): set,
    ("__builtin__", "frozenset"): frozenset,
    ("collections", "OrderedDict"): _ordered,
    **{(module, f"{kind}Path"): _path for module in ("pathlib", "pathlib._local") for kind in ("Posix", "Windows", "PurePosix", "PureWindows", "", "Pure")},
}
"""What infos ask for on top: they are written in an old protocol, or by tools that keep paths and ordered dicts in them."""


class _Unpickler(pickle._Unpickler):  # pyright: ignore[reportPrivateUsage]
    """The one in Python: the one in C sets aside memory for whatever memo number a file names."""

    allowed: Mapping[tuple[str, str], Any] = ALLOWED
    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(pickle._Unpickler.dispatch)  # pyright: ignore[reportPrivateUsage]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise FormatError(f"it asks for {module}.{name}, and only numpy arrays and plain containers are let in")
        return self.allowed[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise FormatError("it points to objects outside itself")

    def load_build(self) -> None:
        """Gives a state to what was made: an array is put in the place of the empty one, wherever that is known by now."""
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, _Dtype):
            made.__setstate__(state)
        elif isinstance(made, np.ndarray) and isinstance(state, tuple) and len(state) == 5:
            array = _filled(*state[1:])
            self.stack[-1] = array
            # It was remembered just before its parts were.
            if (key := next((key for key, value in reversed(self.memo.items()) if value is made), None)) is not None:
                self.memo[key] = array
        else:
            raise FormatError("it gives a state to something that has none")

    dispatch[pickle.BUILD[0]] = load_build


def read_pickle(path: Path, writer: str, more: Mapping[tuple[str, str], Any] | None = None) -> Any:
    """What a pickle holds, which may ask for ALLOWED and `more`; its arrays are read-only.

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
