"""The gate: which scores a take has (`measured.py`), and whether with them it passes, is flagged or is rejected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["pass", "flag", "reject", "unmeasured"]
SCORES: Mapping[str, str] = {
    "obedience_miou": "mIoU of layout against what the voxels show from above, percent",
    "obedience_iou": "IoU of anything painted against anything shown, percent",
    "recall_vehicles": "vehicles found, percent of those asked for",
    "recall_vulnerable": "pedestrians and cycles found, percent",
    "recall_small": "cones and barriers found, percent",
    "phantoms_per_frame": "agents that nobody asked for, a frame",
    "adherence_miou": "mIoU of what the judge reads in the pictures against the buffers, percent (drawn pictures: 20 and more)",
    "adherence_weather": "pictures in which the judge reads the weather that the prompt asks for, percent",
}
"""What is measured of every take with occupancy (engine/metrics/layout.py, instances.py), and of every video (engine/metrics/judge.py)."""
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
