"""Where view models learn from, by name: 'takes:DIR', 'nuscenes:DIR,occ3d:DIR', several with commas between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.data.frames import DataError
from engine.data.nuscenes_videos import open_nuscenes
from engine.data.take_videos import TakeVideos

EXAMPLE = "takes:TAKES or nuscenes:DIR,occ3d:DIR"


class Videos(Protocol):
    """One drive of one rig: pictures with what its cameras look at. Picklable for data workers."""

    frames: int
    prompt: str
    numbers: list[int]
    """Its cameras."""
    pairs: list[tuple[int, int]]
    """(Left, right) neighbours, by number."""
    triplets: list[tuple[int, int, int]]
    """Three neighbours, left to right."""

    def clip(self, cameras: Sequence[int], start: int, count: int, origin: int, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """The columns of `TakeVideos.clip`."""
        ...


def open_videos(data: str | None) -> list[Videos]:
    """The takes and scenes of 'FORMAT:DIR[,FORMAT:DIR ...]'; 'takes' is a take or holds takes, 'nuscenes' goes with the 'occ3d' behind it.

    DataError where there is none, or one cannot be used.
    """
    if not data:
        raise DataError(f"The branch of a Wan model learns from videos of places whose occupancy is known: name them, for example --data {EXAMPLE}.")
    parts = [part.strip().partition(":") for part in data.split(",")]
    videos: list[Videos] = []
    for number, (kind, _, where) in enumerate(parts):
        folder = Path(where).expanduser()
        if kind not in ("takes", "nuscenes", "occ3d") or not where or not folder.is_dir():
            raise DataError(f"Data '{kind}:{where}' is no folder to learn from: write for example {EXAMPLE}.")
        if kind == "takes":
            videos += _takes(folder)
        elif kind == "nuscenes":
            beside = parts[number + 1] if number + 1 < len(parts) else ("", "", "")
            if beside[0] != "occ3d":
                raise DataError(f"nuscenes:{where} has pictures and no occupancy: put Occ3D's behind it, nuscenes:DIR,occ3d:DIR.")
            videos += open_nuscenes(folder, Path(beside[2]).expanduser())
        elif not number or parts[number - 1][0] != "nuscenes":
            raise DataError(f"occ3d:{where} has occupancy and no pictures: put nuScenes' before it, nuscenes:DIR,occ3d:DIR.")
    return videos


def _takes(folder: Path) -> list[TakeVideos]:
    folders = sorted(path.parent for path in [folder / "take.json", *folder.glob("*/take.json")] if path.is_file())
    if not folders:
        raise DataError(f"There is no take in {folder}: make some with `launch.py generate` or `launch.py fan-out`.")
    return [TakeVideos(one) for one in folders]
