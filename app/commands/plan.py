"""`generate --plan`: the calls, minutes and memory of a take's pictures, before anything is loaded or made."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from app.commands.scenes import frames_left, load_scene
from app.errors import CommandError
from app.jobs.request import SEEN
from editor.clip import scene_clip
from engine import presets
from engine.spec.camera import Camera
from engine.spec.grid import RATE_HZ
from engine.spec.words import plural
from engine.views import registry
from engine.views.calls import Plan
from engine.views.cost import Cost, Estimate, PictureCost, estimate
from engine.views.surround import plan


def show(args: Namespace) -> int:
    """Prints the plan. Raises CommandError, EditError or ViewsError (one sentence) where there is none."""
    if args.until not in SEEN:
        raise CommandError(f"A take until '{args.until}' has no pictures to plan: leave --until out.")
    if args.basis is not None or args.from_frame is not None:
        raise CommandError("--plan is of a take from its scene: leave --continue and --from-frame out.")
    views = presets.recipe(args.preset, args.views).views
    found = registry.entry(views)
    document = load_scene(args.scene)
    frames = args.frames or frames_left(document, args.start)
    cameras = scene_clip(document, args.start, 1, args.cameras).cameras
    if not cameras:
        raise CommandError(f"Scene '{document.name}' has no enabled camera to plan for: add a camera or a rig.")
    print(f"'{document.name}' by '{views}': {_count(cameras, 'camera')} x {plural(frames, 'frame')} ({frames / RATE_HZ:.1f} s).")
    for line in lines(cameras, frames, found.cost):
        print(line)
    if (reason := found.why_not()) is not None:
        print(reason)
    return 0


def lines(cameras: Sequence[Camera], frames: int, cost: Cost | None) -> list[str]:
    """What there is to say of a view model's work on these cameras, a sentence or a call a line."""
    if cost is None:
        return ["This view model tells neither minutes nor memory."]
    pictures_only = "Pictures only: the occupancy is not counted."
    if isinstance(cost, PictureCost):
        memory = "" if cost.memory_bytes is None else f", memory up to {_gigabytes(cost.memory_bytes)}"
        return [
            f"{plural(len(cameras) * frames, 'picture')}, all cameras of a frame together, frame by frame.",
            f"{_time(cost.seconds(cameras, frames))}{memory}: {cost.basis}.",
            pictures_only,
        ]
    wanted = plan(cameras)
    told = estimate(wanted, frames, cost)
    waves = [wave for wave in wanted.waves() if len(wave) > 1]
    beside = [f"Side by side may run: {'; '.join(', '.join(str(k + 1) for k in wave) for wave in waves)}."] if waves else []
    faster = f"{_time(told.side_by_side_s)} side by side, " if waves else ""
    return [
        *_table(wanted, told),
        *beside,
        f"{_time(told.seconds)} one after another, {faster}memory up to {_gigabytes(told.memory_bytes)} a call: {cost.basis}.",
        pictures_only,
    ]


def _table(wanted: Plan, told: Estimate) -> list[str]:
    rows = []
    for number, (one, needs) in enumerate(zip(told.calls, wanted.needs, strict=True), 1):
        made = " + ".join(one.call.targets) + (f" from {' and '.join(one.call.anchors)}" if one.call.anchors else "")
        work = f"{one.passes} passes of {one.tokens:,} tokens"
        if one.chunks > 1:
            work += f" in {one.chunks} chunks"
        after = f"after {' and '.join(str(k + 1) for k in needs)}" if needs else ""
        rows.append((f"{number}.", made, one.call.mode, work, _time(one.seconds), _gigabytes(one.memory_bytes), after))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
