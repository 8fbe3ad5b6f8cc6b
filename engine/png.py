"""PNG files of exact numbers: 8 or 16 bits, grey or RGB (16-bit RGB, which coordinates take, Pillow cannot write)."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KINDS = {(8 * size, colour): (np.dtype(f">u{size}"), samples) for size in (1, 2) for colour, samples in ((0, 1), (2, 3))}
"""(bit depth, colour type) -> (sample, samples a pixel)."""


def encode_png(pixels: np.ndarray) -> bytes:
    """PNG of uint8 or uint16, (H, W) or (H, W, 3). Raises ValueError on anything else."""
    colour = {(): 0, (3,): 2}.get(pixels.shape[2:])
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim < 2 or colour is None:
        raise ValueError(f"A PNG here is uint8 or uint16, (H, W) or (H, W, 3), not {pixels.dtype} {pixels.shape}.")
    depth = 8 * pixels.dtype.itemsize
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels, _KINDS[depth, colour][0]).view(np.uint8).reshape(height, -1)
    lines = np.full((height, rows.shape[1] + 1), 2, np.uint8)  # filter 2: each row as its difference from the one above
    lines[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 3)) + _chunk(b"IEND", b"")


def decode_png(data: bytes) -> np.ndarray:
    """Inverse of `encode_png`. Raises ValueError on any other PNG (use a picture library for those)."""
    if data[:8] != _SIGNATURE:
        raise ValueError("These bytes are no PNG.")
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        chunks[name] = chunks.get(name, b"") + data[at + 8 : at + 8 + length]
        at += length + 12
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if (depth, colour) not in _KINDS:
        raise ValueError(f"A PNG of {depth} bits and colour type {colour} was not written here: open it with a picture library.")
    sample, samples = _KINDS[depth, colour]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    if (lines[:, 0] != 2).any():
        raise ValueError("A PNG with other filters than 'up' was not written here: open it with a picture library.")
    pixels = np.cumsum(lines[:, 1:], axis=0, dtype=np.uint8).view(sample).astype(sample.newbyteorder("="))
    return pixels.reshape((height, width) if samples == 1 else (height, width, samples))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
