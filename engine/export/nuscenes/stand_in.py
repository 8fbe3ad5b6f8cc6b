"""A take's pictures under the names that a nuScenes set gives its own: a tree for `samples/` and `sweeps/`, as W-CODA 2024's toolbox takes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from engine.export.nuscenes.words import JPEG_QUALITY
from engine.export.parts import ExportError, ExportReport, pictures, videos
from engine.spec.grid import RATE_HZ
from engine.spec.take import Take

FARTHEST_S = 1 / RATE_HZ
"""Cameras of a key frame are up to 50 ms early: the first ones are taken before the scene's first key frame, which is the take's first frame."""


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """One picture of a set: when it was taken on the scene's clock, under which name it lies, how large it is."""

    channel: str
    time_s: float
    name: str
    """Relative to the set's folder."""
    width: int
    height: int


def stand_in(take: Take, named: Iterable[NamedPicture], out: Path) -> ExportReport:
    """Writes for every picture of the set the frame that is nearest in time, at most FARTHEST_S away, in the set's size.

    Raises ExportError where none fits, and for a name that leads out of the folder.
    """
    if out.exists() and (out.is_file() or any(out.iterdir())):
        raise ExportError(f"{out} holds other things already: export into a new folder.")
    wanted: dict[str, dict[int, list[NamedPicture]]] = defaultdict(lambda: defaultdict(list))
    early_late, farthest_s = 0, 0.0
    for one in named:
        frame = int(np.abs(take.timestamps_s - one.time_s).argmin())
        apart_s = abs(float(take.timestamps_s[frame]) - one.time_s)
        if apart_s > FARTHEST_S:
            early_late += 1
            continue
        farthest_s = max(farthest_s, apart_s)
        path = PurePosixPath(one.name)
        if path.is_absolute() or ".." in path.parts or path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
            raise ExportError(f"The set names a picture '{one.name[:80]}', which is no picture inside of it: mend its sample_data table.")
        wanted[one.channel][frame].append(one)
    files, absent = 0, sorted(wanted)
    for video in videos(take):
        if video.stem not in wanted:
            continue
        absent.remove(video.stem)
        for k, rgb in enumerate(pictures(video)):
            for one in wanted[video.stem].get(k, ()):
                path = out / one.name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rgb).resize((one.width, one.height), Image.Resampling.LANCZOS).save(path, quality=JPEG_QUALITY)
                files += 1
    if not files:
        raise ExportError(f"None of the set's pictures falls into the take {take.folder} by camera and time: name the scene that it was made of.")
    said = [f"Noted: pictures were resized to the set's size; each is the frame nearest in time, up to {1000 * farthest_s:.0f} ms away."]
    if early_late:
        said.append(f"Dropped: {early_late} pictures of the set are of times that the take does not show.")
    if absent:
        said.append(f"Dropped: pictures of {', '.join(absent)}, for which the take has no video.")
    return ExportReport(files, tuple(said))
