"""The gate: scores of a take, measured where it is made, and whether it passes, is flagged or is rejected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from engine.metrics.judge import Judge

Verdict = Literal["pass", "flag", "reject", "unmeasured"]
SCORES: Mapping[str, str] = {
    "obedience_miou": "mIoU of layout against what the voxels show from above, percent",
    "obedience_iou": "IoU of anything painted against anything shown, percent",
    "recall_vehicles": "vehicles found, percent of those asked for",
    "recall_vulnerable": "pedestrians and cycles found, percent",
    "recall_small": "cones and barriers found, percent",
    "phantoms_per_frame": "agents that nobody asked for, a frame",
    "adherence_miou": "mIoU of what the judge reads in the pictures against the buffers, percent (drawn pictures: about 30)",
    "adherence_weather": "pictures in which the judge reads the weather that the prompt asks for, percent",
}
"""What is measured of every take with occupancy (engine/metrics/layout.py, instances.py), and of every video (engine/metrics/judge.py)."""
READ_PICTURES = 4
"""Pictures of a take that the judge reads, spread over its cameras and its frames: 0.13 s of one core each."""
_MORE_IS_WORSE = {"phantoms_per_frame"}


class GateError(ValueError):
    """A threshold that makes no sense: one sentence."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a score flags a take and where it rejects it: below these, or above them for what should be few."""

    flag: float
    reject: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Thresholds by score; a score without one, or without a value (nothing of the kind was asked for), does not count."""

    thresholds: Mapping[str, Threshold] = field(
        default_factory=lambda: {
            "obedience_miou": Threshold(90.0, 70.0),
            "recall_vehicles": Threshold(95.0, 80.0),
            "recall_vulnerable": Threshold(90.0, 70.0),
            "phantoms_per_frame": Threshold(0.5, 3.0),
            "adherence_miou": Threshold(14.0, 7.0),
        }
    )

    def verdict(self, scores: Mapping[str, float | None]) -> tuple[Verdict, tuple[str, ...]]:
        """The verdict, and one half-sentence for each score that did not pass."""
        if not scores:
            return "unmeasured", ()
        worst, reasons = 0, []
        for name, threshold in self.thresholds.items():
            value = scores.get(name)
            if value is None:
                continue
            sign = -1.0 if name in _MORE_IS_WORSE else 1.0
            fails = 2 if sign * value < sign * threshold.reject else 1 if sign * value < sign * threshold.flag else 0
            worst = max(worst, fails)
            if fails:
                limit = threshold.reject if fails == 2 else threshold.flag
                reasons.append(f"{name} is {value:g}, {'above' if name in _MORE_IS_WORSE else 'below'} {limit:g}")
        verdicts: tuple[Verdict, ...] = ("pass", "flag", "reject")
        return verdicts[worst], tuple(reasons)


def gate_from(data: object) -> Gate:
    """The gate of a plan's table: score = { flag = .., reject = .. }; those not named keep their defaults. Raises GateError."""
    if not isinstance(data, Mapping):
        raise GateError("'gate' must be a table of scores, for example obedience_miou = { flag = 90, reject = 70 }.")
    thresholds = dict(Gate().thresholds)
    for name, value in data.items():
        if name not in SCORES:
            raise GateError(f"The gate knows no score '{name}': choose from {', '.join(SCORES)}.")
        ends = value if isinstance(value, Mapping) and value.keys() == {"flag", "reject"} else {}
        if not ends or not all(isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end) for end in ends.values()):
            raise GateError(f"The gate's '{name}' must be {{ flag = NUMBER, reject = NUMBER }}, not {value!r}.")
        flag, reject = float(ends["flag"]), float(ends["reject"])
        if (flag < reject) != (name in _MORE_IS_WORSE) and flag != reject:
            raise GateError(
                f"The gate's '{name}' would reject before it flags: put flag {'below' if name in _MORE_IS_WORSE else 'above'} reject."
            )
        thresholds[name] = Threshold(flag, reject)
    return Gate(thresholds)


def measure(folder: Path) -> dict[str, float | None]:
    """Scores of a take with occupancy, one frame in memory at a time; empty for one without. A score is None where nothing asks for it."""
    from contextlib import closing

    from engine.metrics.instances import InstanceScores
    from engine.metrics.layout import Obedience
    from engine.spec.frames import FrameReader
    from engine.spec.take import Take, frames_on_disk

    take = Take.open(folder)
    count = frames_on_disk(folder)
    if not count:
        return {}
    obedience, instances = Obedience(), InstanceScores(take.grid)
    with closing(FrameReader(folder)) as reader:
        for k, (semantics, ids) in enumerate(reader.frames(count)):
            obedience.add(semantics, take.layouts[k])
            instances.add(semantics, ids, take.layouts[k], take.boxes[k])
    layout, found = obedience.scores(), instances.scores()
    recalls: dict[str, Any] = found["recall"]
    names = {"recall_vehicles": "vehicles", "recall_vulnerable": "vulnerable", "recall_small": "small_static"}
    return {
        "obedience_miou": layout["miou"],
        "obedience_iou": layout["iou"],
        **{name: recalls[group]["recall"] for name, group in names.items()},
        "phantoms_per_frame": found["phantoms_per_frame"],
    }


def read_pictures(folder: Path, judge: Callable[[], Judge]) -> dict[str, float | None]:
    """What the judge reads in the videos of a take; empty for one without. The judge is asked for where there is one."""
    from engine.export.parts import pictures
    from engine.metrics.judge import Reading, weather_of
    from engine.png import decode_png
    from engine.spec.take import Take
    from engine.views.look import read_prompt

    videos = sorted((folder / "video").glob("*.mp4"))
    if not videos:
        return {}
    take = Take.open(folder)
    prompt = str(take.info.get("prompt", ""))
    reading = Reading(judge())
    for video, frame in read_where(len(videos), take.frame_count):
        rgb = next(islice(pictures(videos[video]), frame, None))
        label = decode_png((folder / "buffers" / videos[video].stem / "semantic" / f"{frame:05d}.png").read_bytes())
        height, width = (side // 8 * 8 for side in label.shape)  # the judge halves three times
        reading.add(rgb[:height, :width], label[:height, :width], weather_of(read_prompt(prompt, 0, float(take.timestamps_s[frame]))[0]))
    return {"adherence_miou": round(100 * reading.miou(), 2), "adherence_weather": round(100 * (reading.weather_right() or 0.0), 1)}


def read_where(videos: int, frames: int) -> list[tuple[int, int]]:
    """(video, frame) of each picture that is read: from the first to the last of both, side by side; each once."""
    steps = READ_PICTURES - 1
    return list(dict.fromkeys((k * (videos - 1) // steps, k * (frames - 1) // steps) for k in range(READ_PICTURES)))
