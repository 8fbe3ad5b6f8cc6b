"""A score by how far into the rollout a frame lies: does the 120th frame still look and obey as the 8th did?

Frames at 12 Hz are counted from the start of the take. The buckets are ours; the bucket 112-127 lies about the frame 120
that long rollouts are judged by.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from engine.spec.grid import RATE_HZ

STARTS = (0, 8, 16, 32, 64, 112, 128, 256, 512)
"""First frame of each bucket; the last one has no end."""


class HasScores(Protocol):
    """What is bucketed: `engine.metrics.layout.Obedience` or `engine.metrics.occupancy.Confusion`."""

    def scores(self) -> dict[str, Any]: ...


S = TypeVar("S", bound=HasScores)


class ByHorizon(Generic[S]):
    """One accumulator per bucket of frame indices, made when the first frame falls into it."""

    def __init__(self, make: Callable[[], S], starts: Sequence[int] = STARTS) -> None:
        self.make, self.starts = make, tuple(starts)
        self.buckets: dict[int, S] = {}

    def at(self, frame: int) -> S:
        """The accumulator that frame `frame` belongs to."""
        number = bisect_right(self.starts, frame) - 1
        if number not in self.buckets:
            self.buckets[number] = self.make()
        return self.buckets[number]

    def scores(self) -> list[dict[str, Any]]:
        """Per bucket that has frames: its frames, when it begins (s), mIoU and IoU in percent."""
        rows = []
        for number, bucket in sorted(self.buckets.items()):
            first, end = self.starts[number], self.starts[number + 1] if number + 1 < len(self.starts) else None
            result = bucket.scores()
            name = f"{first}-{end - 1}" if end else f"{first}-"
            rows.append({"frames": name, "from_s": round(first / RATE_HZ, 2), "miou": result["miou"], "iou": result["iou"]})
        return rows
