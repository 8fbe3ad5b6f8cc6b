"""3D occupancy scores (paper B.4): mIoU over 20 classes and occupied-or-free IoU, accumulated over frames.

BEV top-down (paper B.4) is the same score on `engine.spec.columns.lowest_class` of both volumes, (X, Y) instead of (X, Y, Z).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.spec.classes import CLASSES, FREE


class Confusion:
    """Counts of (truth, prediction) pairs over voxels, or over columns seen from above."""

    def __init__(self) -> None:
        self.counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)

    def add(self, predicted: np.ndarray, truth: np.ndarray) -> None:
        """Two uint8 volumes, or two maps, of one shape."""
        if predicted.shape != truth.shape:
            raise ValueError(f"A prediction of shape {predicted.shape} cannot be scored against a truth of shape {truth.shape}.")
        pairs = truth.astype(np.int64).ravel() * len(CLASSES) + predicted.ravel()
        self.counts += np.bincount(pairs, minlength=len(CLASSES) ** 2).reshape(self.counts.shape)

    def scores(self) -> dict[str, Any]:
        """Percent. A class absent from the truth is excluded; `legacy_miou` counts it as 100, as a widely copied script does."""
        hits = np.diag(self.counts)[:FREE].astype(float)
        truth, predicted = self.counts.sum(1)[:FREE], self.counts.sum(0)[:FREE]
        union = truth + predicted - hits
        iou = np.divide(hits, union, out=np.zeros_like(hits), where=union > 0)
        present = truth > 0
        occupied = self.counts[:FREE, :FREE].sum()
        either = self.counts.sum() - self.counts[FREE, FREE]
        return {
            "miou": round(100 * float(iou[present].mean()), 2) if present.any() else None,
            "iou": round(100 * float(occupied / either), 2) if either else None,
            "legacy_miou": round(100 * float(np.where(present, iou, 1.0).mean()), 2),
            "per_class": {CLASSES[c]: round(100 * float(iou[c]), 2) for c in range(FREE) if present[c]},
        }
