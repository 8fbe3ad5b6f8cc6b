"""`generate` and `export`: takes made and handed over."""

from __future__ import annotations

import contextlib
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.paths import output_folder
from app.commands.progress import ProgressBar
from app.commands.scenes import frames_left, load_scene
from app.errors import INTERRUPTED, CommandError
from engine.spec.grid import RATE_HZ
from engine.spec.words import plural

if TYPE_CHECKING:
    from app.jobs.basis import Basis
    from editor.document import Document
    from engine.export import ExportReport
    from engine.spec.take import Take


def generate(args: Namespace) -> int:
    if args.plan:
        from app.commands import plan

        return plan.show(args)
    from app.jobs.request import SEEN, TakeRequest
    from editor.clip import frame_count
    from engine import presets
    from engine.views import registry

    recipe = presets.recipe(args.preset, args.views, seed=args.seed, steps=args.steps, guidance=args.guidance)
    if args.until in SEEN:
        registry.check(recipe.views)
    document = load_scene(args.scene)
    if args.prompt is not None:
        document = replace(document, prompt=args.prompt)
    basis = _basis(args)
    if basis is None:
        left = frames_left(document, args.start)
        frames = args.frames or left
    else:
        args.start = float(basis.take.timestamps_s[0])
        frames = basis.frames if basis.seen_anew else _continued_frames(args, basis, frame_count(document))
    _check_cameras(document, args.cameras)
    out = output_folder(args.out, known_by="take.json", replace=args.replace)
    anchors = _anchors(document, args)
    request = TakeRequest(document, out, recipe, args.until, args.start, frames, args.cameras, basis, args.gbuffers, anchors, args.world)

    from app.jobs.take_maker import TakeCancelled, Watch, make_take

    bar, notes = ProgressBar(), []
    with _ctrl_c_asks() as cancelled:
        try:
            make_take(request, presets.RecipeModels(recipe, args.device, args.weights), Watch(bar, cancelled, note=notes.append))
        except TakeCancelled as stop:
            print(f"launch.py: {stop}", file=sys.stderr)
            return INTERRUPTED
        finally:
            bar.close()
    print(f"Take with {plural(frames, 'frame')} until '{args.until}' in {out}.")
    for note in notes:
        print(f"launch.py: {note}", file=sys.stderr)
    return 0


def _anchors(document: Document, args: Namespace) -> dict[str, Path]:
    """Camera -> file that its video begins with, of the cameras that are made."""
    from editor.entities import CameraEntity
    from editor.source_pictures import source_pictures

    given = dict(args.anchor or ())
    if given.pop("recorded", None) is None:
        return given
    made = {entity.camera.name for entity in document.of(CameraEntity) if entity.enabled and (args.cameras is None or entity.camera.name in args.cameras)}
    found = {camera: path for camera, path in source_pictures(document, args.start).items() if camera in made}
    if not found:
        raise CommandError(
            f"'{document.name}' has no recorded picture near {args.start:g} s: import its log with its pictures, or name one with --anchor CAMERA=FILE."
        )
    return found | given


def _basis(args: Namespace) -> Basis | None:
    """What `--continue` keeps, None where it was not asked for."""
    if args.basis is None and args.from_frame is None:
        return None
    if args.basis is None:
        raise CommandError("--from-frame goes on from a take: name it with --continue.")
    if args.start:
        raise CommandError("--continue starts where its take starts: leave --start out.")
    if args.basis.resolve() == args.out.resolve():
        raise CommandError(f"--continue reads {args.basis} while --out writes it: give the new take a folder of its own.")

    from app.jobs.basis import Basis
    from app.jobs.request import SEEN
    from engine.spec.take import Take, frames_on_disk

    take = Take.open(args.basis)
    first, has = round(float(take.timestamps_s[0]) * RATE_HZ), frames_on_disk(args.basis)
    if args.from_frame is None:
        if args.until not in SEEN:
            raise CommandError("--continue without --from-frame makes pictures anew: ask for --until buffers or video, or name the first new frame.")
        if not 1 <= (args.frames or has) <= has:
            raise CommandError(f"{args.basis} has {plural(has, 'frame')} of occupancy, {args.frames or 'some'} were asked for: name --from-frame to make more.")
        return Basis(args.basis, args.frames or has, seen_anew=True)
    if args.until == "layout":
        raise CommandError("--continue keeps occupancy, which a take until 'layout' has none of: ask for 'occupancy' or more.")
    if not first < args.from_frame <= first + has:
        span = f"can go on from frame {first + 1} to {first + has}" if has else "has no occupancy to go on from"
        raise CommandError(f"--from-frame {args.from_frame} does not fit {args.basis}, which {span}.")
    return Basis(args.basis, args.from_frame - first)


def _continued_frames(args: Namespace, basis: Basis, scene_frames: int) -> int:
    """Frames of a take that goes on: as many as the older one has, from behind its end to the end of the scene."""
    first, has = args.from_frame - basis.frames, basis.take.frame_count
    frames = args.frames or (has if basis.frames < has else scene_frames - first)
    if frames <= basis.frames:
        raise CommandError(f"Nothing is left to make from frame {args.from_frame} on, where {plural(first + frames, 'frame')} end: ask for an earlier one.")
    return frames


def export(args: Namespace) -> int:
    from engine.export import export_take
    from engine.spec.take import Take

    for name, given in (("--verify", args.verify), ("--like", args.like)):
        if given and args.format != "nuscenes":
            raise CommandError(f"{name} is for the format 'nuscenes': leave it out.")
    if args.scene and not args.like:
        raise CommandError("--scene names a scene of the set that --like points at: name that too, or leave it out.")
    if args.verify and args.like:
        raise CommandError("--verify reads tables back, and --like writes pictures alone: leave one of them out.")
    take = Take.open(args.take)
    report = _stand_in(take, args) if args.like else export_take(take, args.format, args.out)
    for sentence in report.dropped:
        print(sentence)
    print(f"Wrote {report.files} {'file' if report.files == 1 else 'files'} to {args.out}.")
    if args.verify:
        from editor.formats.nuscenes.verify import verify

        for sentence in verify(take, args.out).sentences():
            print(sentence)
    return 0


def _stand_in(take: Take, args: Namespace) -> ExportReport:
    """The take's pictures under the names of another set."""
    from editor.formats.nuscenes.pictures import pictures_of
    from engine.export.nuscenes import NamedPicture, stand_in

    scene = args.scene or str(take.info.get("recipe", {}).get("scene", "")) or None
    named = pictures_of(args.like, scene)
    return stand_in(take, (NamedPicture(one.channel, one.time_s, one.name, one.width, one.height) for one in named), args.out)


def _check_cameras(document: Any, wanted: tuple[str, ...] | None) -> None:
    from editor.entities import CameraEntity

    names = [entity.camera.name for entity in document.of(CameraEntity)]
    for name in wanted or ():
        if name not in names:
            has = f"it has {', '.join(names)}" if names else "it has none"
            raise CommandError(f"Scene '{document.name}' has no camera '{name}': {has}.")


@contextlib.contextmanager
def _ctrl_c_asks() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks the engine to stop after this step, so that the take is closed well; the second one stops at once."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        print("\nlaunch.py: stopping after this step; Ctrl-C again stops at once.", file=sys.stderr)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
