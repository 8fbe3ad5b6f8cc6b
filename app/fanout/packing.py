"""How a take's files travel: depth, nine tenths of a take's bytes as raw float32, deflated without loss to about a thirtieth."""

from __future__ import annotations

import gzip
from pathlib import PurePosixPath

SUFFIX = ".gz"


def packed(path: str, content: bytes) -> tuple[str, bytes]:
    """Name and bytes under which a file of a take is handed over. Same file, same bytes."""
    if PurePosixPath(path).suffix != ".npy":
        return path, content
    return path + SUFFIX, gzip.compress(content, 6, mtime=0)


def unpacked(name: str, content: bytes) -> tuple[str, bytes]:
    """The file of the take again. Raises OSError or EOFError where the bytes are damaged."""
    return (name.removesuffix(SUFFIX), gzip.decompress(content)) if name.endswith(SUFFIX) else (name, content)
