"""What is known of a take is taken from memory while it is made: its scores, its counts and its thumbnail. Nothing of it is read or decoded again."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from app.fanout.histograms import Counts, counts_of_clip
from app.jobs.take_maker import Watch
from engine.api import OccupancyFrame, Picture
from engine.metrics.instances import InstanceScores
from engine.metrics.layout import Obedience
from engine.render.above import layout_cells, turned_up
from engine.spec.classes import CLASS_RGB, FREE
from engine.spec.clip import SceneClip
from engine.spec.columns import top_class
from engine.spec.grid import GridSpec

if TYPE_CHECKING:
    from engine.metrics.judge import Judge

Scores = dict[str, float | None]
READ_PICTURES, READ_OF = 4, 8
"""Pictures of a take that the judge reads: one of eight, four at most, spread over its cameras and its frames; 0.1 s of one core each."""
THUMBNAIL_PX = 200
"""Height."""
EMPTY_RGB = (236, 236, 232)
"""Where there is nothing."""


class Measured:
    """One take, watched. `watch` is what `make_take` is given; the rest is asked when the take is finished."""

    def __init__(self, judge: Callable[[], Judge] | None) -> None:
        """`judge` is asked for where there are pictures to read; None where pictures are not for it."""
        self.seconds = 0.0
        """Spent here while the take was made."""
        self._judge = judge
        self._frames = 0
        self._above: np.ndarray | None = None
        self._shown: np.ndarray | None = None
        self._read: dict[tuple[str, int], np.ndarray | None] = {}

    def watch(self) -> Watch:
        return Watch(on_clip=self._begin, on_frame=self._frame, on_picture=self._picture)

    def _begin(self, clip: SceneClip) -> None:
        self.clip = clip
        self._obedience, self._instances = Obedience(), InstanceScores(clip.grid)
        names = sorted(camera.name for camera in clip.cameras)
        self._front = next((name for name in names if name.endswith("FRONT")), names[0] if names else "")
        if self._judge is not None:
            self._read = {(names[camera], frame): None for camera, frame in read_where(len(names), len(clip))}

    def _frame(self, frame: OccupancyFrame) -> None:
        with self._timed():
            layout = self.clip.layouts[frame.index]
            self._obedience.add(frame.semantics, layout)
            self._instances.add(frame.semantics, frame.instances, layout, self.clip.boxes[frame.index])
            self._frames += 1
            if frame.index == len(self.clip) // 2:
                self._above = top_class(frame.semantics)

    def _picture(self, picture: Picture) -> None:
        if (picture.camera, picture.index) in self._read:
            self._read[picture.camera, picture.index] = picture.rgb
        if (picture.camera, picture.index) == (self._front, len(self.clip) // 2):
            self._shown = picture.rgb

    @contextmanager
    def _timed(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start

    def scores(self, folder: Path) -> Scores:
        """Those of `gate.SCORES` that the take in `folder` can have. None where nothing asks for a score, and empty for a take of layouts."""
        if not self._frames:
            return {}
        layout, found = self._obedience.scores(), self._instances.scores()
        recalls: dict[str, Any] = found["recall"]
        names = {"recall_vehicles": "vehicles", "recall_vulnerable": "vulnerable", "recall_small": "small_static"}
        return {
            "obedience_miou": layout["miou"],
            "obedience_iou": layout["iou"],
            **{name: recalls[group]["recall"] for name, group in names.items()},
            "phantoms_per_frame": found["phantoms_per_frame"],
            **self._adherence(folder),
        }

    def _adherence(self, folder: Path) -> Scores:
        """What the judge reads in the pictures, against the take's buffers; empty without pictures."""
        read = {at: rgb for at, rgb in self._read.items() if rgb is not None}
        if self._judge is None or not read:
            return {}
        from engine.metrics.judge import Reading, weather_of
        from engine.png import decode_png
        from engine.views.look import read_prompt

        reading = Reading(self._judge())
        for (camera, frame), rgb in read.items():
            label = decode_png((folder / "buffers" / camera / "semantic" / f"{frame:05d}.png").read_bytes())
            height, width = (side // 8 * 8 for side in label.shape)  # the judge halves three times
            look = read_prompt(self.clip.prompt, 0, float(self.clip.timestamps_s[frame]))[0]
            reading.add(rgb[:height, :width], label[:height, :width], weather_of(look))
        return {"adherence_miou": round(100 * reading.miou(), 2), "adherence_weather": round(100 * (reading.weather_right() or 0.0), 1)}

    def counts(self) -> Counts:
        """For the page's histograms."""
        return counts_of_clip(self.clip)

    def thumbnail(self) -> bytes:
        """JPEG of the middle frame: the front camera's picture, or what is seen from above of voxels or layout, ahead of the ego upwards."""
        picture = Image.fromarray(self._from_above() if self._shown is None else self._shown)
        picture.thumbnail((THUMBNAIL_PX * 16 // 9, THUMBNAIL_PX))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=85)
        return buffer.getvalue()

    def _from_above(self) -> np.ndarray:
        if self._above is None:
            return _around_ego(layout_cells(self.clip.layouts[len(self.clip) // 2], EMPTY_RGB), self.clip.grid)
        cells = CLASS_RGB[self._above]
        cells[self._above == FREE] = EMPTY_RGB
        return _around_ego(cells, self.clip.grid)


def _around_ego(cells: np.ndarray, grid: GridSpec) -> np.ndarray:
    """16:9 of what is around the ego, a little more of it ahead."""
    rows = cells.shape[1] * 9 // 16
    low = max(0, round(-grid.origin_m[0] / grid.voxel_m) - rows // 3)
    return turned_up(cells[low : low + rows])


def read_where(cameras: int, frames: int) -> list[tuple[int, int]]:
    """(camera, frame) of each picture that is read: from the first to the last of both, side by side; each once."""
    count = max(1, min(READ_PICTURES, cameras * frames // READ_OF))
    steps = max(1, count - 1)
    return list(dict.fromkeys((k * (cameras - 1) // steps, k * (frames - 1) // steps) for k in range(count))) if cameras else []
