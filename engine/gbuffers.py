"""G-buffers as files of a take: gbuffers/CAMERA/KIND/%05d, PNG for whole numbers and npy for floats (NaN and 0 stand for 'nothing')."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from engine.api import GBuffers
from engine.png import decode_png, encode_png
from engine.spec.take import TakeError

KINDS: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "albedo": (np.uint8, (3,)),
    "normal": (np.float32, (3,)),
    "depth": (np.float32, ()),
    "coordinate": (np.float32, (3,)),
    "roughness": (np.uint8, ()),
    "metallic": (np.uint8, ()),
    "material": (np.uint8, ()),
    "semantic": (np.uint8, ()),
    "instance": (np.uint16, ()),
    "motion": (np.float32, (2,)),
}
"""Field of `GBuffers` -> its type and what follows (H, W)."""


def encoded(camera: str, index: int, drawn: GBuffers, size: tuple[int, int]) -> Iterator[tuple[str, bytes | np.ndarray]]:
    """(path inside the take, PNG's bytes or the npy's array) of every kind. Raises TakeError where one is not what it should be.

    `size` is the camera's (height, width).
    """
    for field in fields(GBuffers):
        pixels, (dtype, more) = getattr(drawn, field.name), KINDS[field.name]
        if pixels.dtype != dtype or pixels.shape != (*size, *more):
            raise TakeError(
                f"Camera '{camera}' sent G-buffer '{field.name}' as {pixels.dtype} {pixels.shape}, not {np.dtype(dtype)} "
                f"{(*size, *more)}: report this view model."
            )
        yield _name(camera, field.name, index), pixels if dtype is np.float32 else encode_png(pixels)


def read_gbuffers(folder: Path, camera: str, index: int) -> GBuffers:
    """Those of one camera at one frame of the take in `folder`. Raises TakeError where they are not there or damaged."""
    return GBuffers(**{kind: _read(folder / _name(camera, kind, index)) for kind in KINDS})


def _name(camera: str, kind: str, index: int) -> str:
    return f"gbuffers/{camera}/{kind}/{index:05d}.{'npy' if KINDS[kind][0] is np.float32 else 'png'}"


def _read(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False) if path.suffix == ".npy" else decode_png(path.read_bytes())
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise TakeError(f"{path} cannot be read ({error}): make the take again with --gbuffers.") from error
