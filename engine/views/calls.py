"""The language of surround video: one call of a view model, a plan of calls, and the chunks of a long video. No geometry, numpy only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Mode = Literal["one view", "two views", "three views", "neighbour", "middle"]
MODES: dict[tuple[int, int], Mode] = {(0, 1): "one view", (0, 2): "two views", (0, 3): "three views", (1, 1): "neighbour", (2, 1): "middle"}
"""The paper's five, by their numbers of anchors and targets."""


class CallError(ValueError):
    """A call, plan or rig that cannot be: one sentence."""


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a view model, by cameras' names. Training samples the same calls."""

    anchors: tuple[str, ...]
    """Views that are there already, left to right; none, one or two."""
    targets: tuple[str, ...]
    """Views to make, left to right."""
    first_frame: bool = False
    """Whether the first frame of a target is given."""
    group: tuple[str, ...] = ()
    """All of them in the order of a panorama, left to right. Left out: targets, or the anchor first, or the target in the middle."""

    def __post_init__(self) -> None:
        if (len(self.anchors), len(self.targets)) not in MODES:
            raise CallError(
                f"A call of {len(self.anchors)} anchors and {len(self.targets)} targets is none of the modes: "
                "take 1 to 3 targets without anchors, or 1 target with 1 or 2 anchors."
            )
        active = self.anchors + self.targets
        if len(set(active)) < len(active):
            raise CallError(f"A call names a camera twice ({', '.join(active)}): anchors and targets must be different cameras.")
        if not self.group:
            object.__setattr__(self, "group", (*self.anchors[:1], *self.targets, *self.anchors[1:]))
        elif sorted(self.group) != sorted(active):
            raise CallError(f"The group {', '.join(self.group)} must hold the call's own views {', '.join(active)}, each once.")

    @property
    def mode(self) -> Mode:
        return MODES[len(self.anchors), len(self.targets)]


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls in an order in which they can run one after another."""

    calls: tuple[Call, ...]
    given: frozenset[str] = frozenset()
    """Cameras whose video is there before the first call."""
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)
    """Camera's name -> its first frame uint8 (H, W, 3), where that is given."""

    def __post_init__(self) -> None:
        there = set(self.given)
        for call in self.calls:
            for name in call.targets:
                if name in there:
                    raise CallError(f"Camera '{name}' would be made twice: a plan makes every camera once.")
            for name in call.anchors:
                if name not in there:
                    raise CallError(f"Camera '{name}' is an anchor of {', '.join(call.targets)} before it is made: make it first, or give it.")
            there.update(call.targets)

    @property
    def needs(self) -> tuple[tuple[int, ...], ...]:
        """For each call the calls, by number, that make its anchors."""
        maker = {name: number for number, call in enumerate(self.calls) for name in call.targets}
        return tuple(tuple(sorted({maker[name] for name in call.anchors if name in maker})) for call in self.calls)

    def ready(self, done: Collection[int]) -> tuple[int, ...]:
        """Calls, by number, that are not done and whose anchors are: they may run side by side."""
        return tuple(k for k, needs in enumerate(self.needs) if k not in done and set(needs) <= set(done))

    def waves(self) -> tuple[tuple[int, ...], ...]:
        """All calls as groups that run one group after the other, the calls of one side by side."""
        done: list[int] = []
        waves = []
        while wave := self.ready(done):
            waves.append(wave)
            done.extend(wave)
        return tuple(waves)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a long video, by frames of the clip."""

    start: int
    """The frame at which it begins."""
    carried: int
    """Frames at its beginning that the chunk before has made: given, encoded again, and kept as they were."""
    new: int
    """Frames behind those that it is made for."""
    length: int
    """Frames that the model runs: `carried + new`, and in a last chunk up to three more, which are thrown away."""

    @property
    def stop(self) -> int:
        """The frame behind its last kept one."""
        return self.start + self.carried + self.new


def chunks(frames: int, size: int, carried: int, per_latent: int = 4) -> tuple[Chunk, ...]:
    """The chunks of at most `size` frames that make `frames`, each beginning with the last `carried` frames of the one before.

    A latent holds one frame and then `per_latent` a piece, so `size` and `carried` are 1, 5, 9, ... (`carried` may be 0).
    Raises CallError where they are not, or where a chunk would make nothing new.
    """
    for what, number in (("A chunk", size), ("What is carried over", carried)):
        if number < 0 or (number % per_latent != 1 % per_latent and (number or what == "A chunk")):
            raise CallError(f"{what} cannot be {number} frames: take one of {1}, {1 + per_latent}, {1 + 2 * per_latent}, and so on.")
    if frames < 1:
        raise CallError(f"A video of {frames} frames has no chunks: ask for at least one frame.")
    if carried >= size:
        raise CallError(f"Chunks of {size} frames that carry {carried} over make nothing new: carry fewer, or make them longer.")
    pieces: list[Chunk] = []
    made = 0
    while made < frames:
        kept = carried if pieces else 0
        new = min(size - kept, frames - made)
        pieces.append(Chunk(made - kept, kept, new, 1 + -(-(kept + new - 1) // per_latent) * per_latent))
        made += new
    return tuple(pieces)
