"""What every exporter shares: its error, its report, and what it asks of a take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.spec.take import Take


class ExportError(ValueError):
    """A take that cannot be handed over as asked: one sentence."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote and what it left behind."""

    files: int
    dropped: tuple[str, ...]
    """One sentence each."""


def occupancy(take: Take) -> np.ndarray:
    """uint8 (T, X, Y, Z)."""
    if not len(take.semantics):
        raise ExportError(f"The take {take.folder} has no occupancy: generate it with --until occupancy or further.")
    return take.semantics


def videos(take: Take) -> list[Path]:
    """The finished videos, CAMERA.mp4, by name."""
    found = sorted((take.folder / "video").glob("*.mp4"))
    if not found:
        raise ExportError(f"The take {take.folder} has no video: generate it with --until video.")
    return found


def pictures(video: Path) -> Iterator[np.ndarray]:
    """uint8 (H, W, 3), frame by frame."""
    import imageio.v2 as imageio

    with imageio.get_reader(video, format="FFMPEG") as reader:  # type: ignore[arg-type]
        yield from reader  # type: ignore[misc]


def pose_row(a_SE3_b: np.ndarray) -> dict[str, list[float]]:
    """nuScenes' way: translation in metres and a unit quaternion [w, x, y, z]."""
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(a_SE3_b[:3, :3]).as_quat(canonical=True)
    return {"translation": [float(v) for v in a_SE3_b[:3, 3]], "rotation": [float(v) for v in (w, x, y, z)]}


def write_whole(path: Path, content: bytes) -> None:
    """All or nothing, so that a viewer that watches the file never sees half of it."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
