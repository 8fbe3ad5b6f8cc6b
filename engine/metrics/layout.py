"""BEV versus layout (paper B.4): does each column of a generated volume show what was painted there?"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.spec.classes import CHANNEL_TO_CLASSES, CHANNELS, CLASSES

_SHOWS = np.zeros((len(CLASSES), len(CHANNELS)), bool)
for _channel, _labels in enumerate(CHANNEL_TO_CLASSES):
    _SHOWS[list(_labels), _channel] = True


def shown_channels(semantics: np.ndarray) -> np.ndarray:
    """Bool (15, X, Y): channel c is shown in a column when any voxel of the column has one of its classes."""
    present = np.stack([(semantics == label).any(2) for label in range(len(CLASSES))])
    return np.einsum("kxy,kc->cxy", present, _SHOWS)


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
            raise ValueError(f"Semantics seen from above are {shown.shape}, the layout is {painted.shape}: they must belong to one grid.")
        self.both += (shown & painted).sum((1, 2))
        self.painted += painted.sum((1, 2))
        self.shown += shown.sum((1, 2))
        self.any_both += int((shown.any(0) & painted.any(0)).sum())
        self.any_either += int((shown.any(0) | painted.any(0)).sum())
        self.frames += 1

    def scores(self) -> dict[str, Any]:
        """Percent. A channel that is nowhere painted is left out of the mean; columns it was shown in are reported apart."""
        either = self.painted + self.shown - self.both
        present = self.painted > 0
        iou = np.divide(self.both, either, out=np.zeros(len(CHANNELS)), where=either > 0)
        recall = np.divide(self.both, self.painted, out=np.zeros(len(CHANNELS)), where=present)
        return {
            "miou": round(100 * float(iou[present].mean()), 2) if present.any() else None,
            "iou": round(100 * self.any_both / self.any_either, 2) if self.any_either else None,
            "per_channel": {CHANNELS[c]: round(100 * float(iou[c]), 2) for c in range(len(CHANNELS)) if present[c]},
            "recall": {CHANNELS[c]: round(100 * float(recall[c]), 2) for c in range(len(CHANNELS)) if present[c]},
            "unpainted_but_shown_columns": {CHANNELS[c]: int(self.shown[c]) for c in range(len(CHANNELS)) if not present[c] and self.shown[c]},
            "frames": self.frames,
        }
