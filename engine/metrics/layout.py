"""BEV versus layout (paper B.4): does each column of a generated volume show what was painted there?

Source: AnyScene, appendix B.4. A deterministic lift of the layout scores 100 here, so this is never reported without what
`engine.metrics.invention` says.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.spec.classes import CHANNELS
from engine.spec.columns import shown_channels


class Obedience:
    """Counts of painted and shown columns per channel, accumulated over frames."""

    def __init__(self) -> None:
        self.both = np.zeros(len(CHANNELS), np.int64)
        self.painted = np.zeros(len(CHANNELS), np.int64)
        self.shown = np.zeros(len(CHANNELS), np.int64)
        self.any_both = self.any_either = 0
        self.frames = 0

    def add(self, semantics: np.ndarray, layout: np.ndarray) -> None:
        """One frame: semantics (X, Y, Z), layout (15, X, Y)."""
        shown, painted = shown_channels(semantics), layout.astype(bool)
        if shown.shape != painted.shape:
            raise ValueError(
                f"Semantics seen from above are {shown.shape}, the layout is {painted.shape}: they must belong to one grid."
            )
        self.both += (shown & painted).sum((1, 2))
        self.painted += painted.sum((1, 2))
        self.shown += shown.sum((1, 2))
        any_shown, any_painted = shown.any(0), painted.any(0)
        self.any_both += int((any_shown & any_painted).sum())
        self.any_either += int((any_shown | any_painted).sum())
        self.frames += 1

    def merge(self, other: Obedience) -> None:
        """Take the counts of `other` in."""
        for name in ("both", "painted", "shown", "any_both", "any_either", "frames"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def scores(self) -> dict[str, Any]:
        """Percent. A channel that is nowhere painted is left out of the mean; columns it was shown in are reported apart.

        per_channel is the IoU; recall the share of painted columns that show their channel; precision the share of showing
        columns that were painted; iou asks of every column only whether anything is painted and anything shown.
        """
        either = self.painted + self.shown - self.both
        present = self.painted > 0
        iou = np.divide(self.both, either, out=np.zeros(len(CHANNELS)), where=either > 0)
        recall = np.divide(self.both, self.painted, out=np.zeros(len(CHANNELS)), where=present)
        precision = np.divide(self.both, self.shown, out=np.zeros(len(CHANNELS)), where=self.shown > 0)

        def percent(values: np.ndarray) -> dict[str, float]:
            return {CHANNELS[c]: round(100 * float(values[c]), 2) for c in range(len(CHANNELS)) if present[c]}

        unpainted = {CHANNELS[c]: int(self.shown[c]) for c in range(len(CHANNELS)) if not present[c] and self.shown[c]}
        return {
            "miou": round(100 * float(iou[present].mean()), 2) if present.any() else None,
            "iou": round(100 * self.any_both / self.any_either, 2) if self.any_either else None,
            "per_channel": percent(iou),
            "recall": percent(recall),
            "precision": percent(precision),
            "painted_columns": {CHANNELS[c]: int(self.painted[c]) for c in range(len(CHANNELS)) if present[c]},
            "unpainted_but_shown_columns": unpainted,
            "frames": self.frames,
        }
