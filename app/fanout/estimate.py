"""Count, disk and minutes of a plan before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.fanout.items import Item
from app.fanout.store import Store
from app.jobs.request import SEEN, STAGES
from editor.entities import CameraEntity
from engine.spec.camera import Camera
from engine.spec.words import plural
from engine.views import registry

FRAME_BYTES = {"layout": 5e3, "occupancy": 60e3}
"""Of a frame: layouts, poses and boxes; occupancy, compressed."""
VIEW_BYTES = {"buffers": 517e3, "video": 10e3}
"""Of one camera at one frame of 448 x 256 pixels: buffers as docs/scale.md has them."""
FRAME_SECONDS = {"fake": 0.05, "tiny": 0.4, "compact": 1.5, "paper": 0.5}
"""Seconds of occupancy of one frame by preset, guessed; those of takes that are there replace them."""
VIEW_SECONDS = 0.02
"""Of one camera's buffers at one frame."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of what is still to be made."""

    bytes: float
    seconds: float
    """One after another."""
    measured: bool
    """Whether the seconds are of takes of the same kind in the folder."""

    def words(self, count: int, workers: int) -> str:
        minutes = self.seconds / max(1, min(workers, count)) / 60
        basis = "by the takes that are there" if self.measured else "a rough guess until the first take is there"
        long = f"about {plural(round(minutes), 'minute')}" if minutes >= 0.5 else "less than a minute"
        return f"{plural(count, 'take')} to make: {size_words(self.bytes)}, {long} with {plural(workers, 'worker')} ({basis})."


def estimate(items: Sequence[Item], store: Store | None) -> Estimate:
    """Seconds and bytes a frame of takes of the same kind where the store has any, of the tables above where not."""
    size = seconds = 0.0
    known = _measured(store) if store is not None else {}
    measured = True
    for item in items:
        kind = _kind(item)
        if kind in known:
            per_frame, bytes_per_frame = known[kind]
            seconds, size = seconds + per_frame * item.frames, size + bytes_per_frame * item.frames
        else:
            measured = False
            more = _guess(item)
            seconds, size = seconds + more[0], size + more[1]
    return Estimate(size, seconds, measured and bool(items))


def _kind(item: Item) -> tuple[str, str, str, int]:
    return item.recipe.occupancy, item.recipe.views, item.until, _cameras(item)


def _cameras(item: Item) -> int:
    return len(_seen_by(item)) if item.until in SEEN else 0


def _seen_by(item: Item) -> list[Camera]:
    cameras = [entity.camera for entity in item.document.of(CameraEntity) if entity.enabled]
    return cameras if item.cameras is None else [camera for camera in cameras if camera.name in item.cameras]


def _measured(store: Store) -> dict[tuple[str, str, str, int], tuple[float, float]]:
    """Kind -> seconds and bytes a frame, of up to 20 takes that have landed."""
    totals: dict[tuple[str, str, str, int], list[float]] = {}
    for key in sorted(store.landed())[:20]:
        row = store.row(key)
        recipe = row["recipe"]
        kind = recipe["occupancy"], recipe["views"], recipe["until"], row["cameras"] if recipe["until"] in SEEN else 0
        one = totals.setdefault(kind, [0.0, 0.0, 0.0])
        for k, value in enumerate((sum(row["seconds"].values()), row["bytes"], row["frames"])):
            one[k] += value
    return {kind: (seconds / frames, size / frames) for kind, (seconds, size, frames) in totals.items() if frames}


def _guess(item: Item) -> tuple[float, float]:
    last = STAGES.index(item.until)
    views = _cameras(item)
    seconds = FRAME_SECONDS.get(item.recipe.occupancy.partition(":")[0], 1.0) * item.frames if last >= 1 else 0.01 * item.frames
    size = sum(value for stage, value in FRAME_BYTES.items() if STAGES.index(stage) <= last) * item.frames
    size += sum(value for stage, value in VIEW_BYTES.items() if STAGES.index(stage) <= last) * item.frames * views
    seconds += VIEW_SECONDS * item.frames * views
    cost = registry.entry(item.recipe.views).cost
    if item.until == "video" and cost is not None and hasattr(cost, "seconds_per_pixel"):
        seconds += cost.seconds(_seen_by(item), item.frames)  # type: ignore[union-attr]
    return seconds, size


def size_words(count: float) -> str:
    """Bytes in a unit that a person reads."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):.1f} MB"
