"""`fan-out`: many takes of a plan, resumable, with a manifest."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from app.commands.paths import output_folder
from app.commands.progress import ProgressBar
from app.errors import INTERRUPTED, CommandError
from app.fanout.estimate import estimate
from app.fanout.items import Expansion, expand
from app.fanout.plan import Plan, plan_from, read_plan
from app.fanout.run import Executor, run
from app.fanout.store import KNOWN_BY, Store
from engine.spec.words import plural

SOMETHING_IS_MISSING = 3
"""Exit code where some of what was asked for failed, was refused or was rejected, and the rest is there."""


def fan_out(args: Namespace) -> int:
    if args.list:
        _list_variations()
        return 0
    plan = _plan(args)
    expansion = expand(plan)
    if args.dry_run:
        store = _store(args) if args.out is not None and (args.out / KNOWN_BY).is_dir() else None
        _announce(expansion, plan, store, args)
        for refusal in expansion.refusals:
            print(f"refused   {refusal.sentence}")
        return 0
    out = output_folder(args.out, known_by=KNOWN_BY, replace=True)
    store = _store(args)
    store.prepare()
    left = _announce(expansion, plan, store, args)
    if left.bytes > shutil.disk_usage(out).free:
        print(f"launch.py: the disk has {shutil.disk_usage(out).free / 1e9:.1f} GB left, which may not be enough.", file=sys.stderr)
    bar = ProgressBar()
    try:
        report = run(expansion, store, _executor(args, plan), plan.gate, _sources(plan), bar)
    except KeyboardInterrupt:
        print("launch.py: stopped; whole takes are kept, and the same command goes on from here.", file=sys.stderr)
        return INTERRUPTED
    finally:
        bar.close()
    for line in report.lines():
        print(line)
    for kind in args.export or ():
        from app.fanout.export import export

        print(export(store, kind))
    print(f"Manifest and page: {out / 'manifest.parquet'}, {out / 'index.html'}.")
    return 0 if report.whole else SOMETHING_IS_MISSING


def _plan(args: Namespace) -> Plan:
    """Of a plan file, or of scenes and arguments; arguments stand over what the file says."""
    paths: list[Path] = args.plan
    if not paths:
        raise CommandError("fan-out needs a plan file, or scenes: for example fan-out scene.anyscene --variations jaywalker,cut_in -o DIR.")
    asked = {
        "variations": args.variations, "seeds": args.seeds, "prompts": args.prompts, "frames": args.frames, "until": args.until,
        "start_s": args.start, "preset": args.preset_given, "views": args.views, "steps": args.steps, "cameras": args.cameras,
    }  # fmt: skip
    asked = {key: list(value) if isinstance(value, tuple) else value for key, value in asked.items() if value is not None}
    if paths[0].suffix == ".toml":
        if len(paths) > 1:
            raise CommandError("fan-out takes one plan file, or scenes: leave the others out.")
        plan = read_plan(paths[0])
        if not asked:
            return plan
        over = plan_from({"scenes": [str(source.path) for source in plan.sources], **asked})
        fields = {"variations": "variations", "seeds": "seeds", "prompts": "prompts", "frames": "frames", "until": "until", "start_s": "start_s",
                  "preset": "presets", "views": "views", "steps": "steps", "cameras": "cameras"}  # fmt: skip
        return replace(plan, **{fields[key]: getattr(over, fields[key]) for key in asked})
    return plan_from({"scenes": [str(path) for path in paths], **asked})


def _announce(expansion: Expansion, plan: Plan, store: Store | None, args: Namespace):  # noqa: ANN202
    landed = store.landed() if store is not None else set()
    left = [item for item in expansion.items if item.key not in landed]
    told = estimate(left, store)
    print(f"{plural(len(expansion.items), 'take')}, of which {len(expansion.items) - len(left)} are there.")
    if expansion.alike:
        print(f"{expansion.alike} more would be the same takes again.")
    if left:
        print(told.words(len(left), _workers(args, plan)), flush=True)
    return told


def _store(args: Namespace) -> Store:
    """The folder, or what `--store` names beside it."""
    if args.store is None:
        return Store(args.out)
    from app.fanout.remote import RemoteStore

    return RemoteStore(args.out, args.store)


def _workers(args: Namespace, plan: Plan) -> int:
    from app.fanout.pool import workers_here

    return args.workers or workers_here(plan.presets, args.device)


def _executor(args: Namespace, plan: Plan) -> Executor:
    if args.ray is not None:
        from app.fanout.ray_actors import RayActors

        return RayActors(args.ray, args.workers, args.device)
    from app.fanout.pool import LocalPool

    return LocalPool(_workers(args, plan), args.device)


def _sources(plan: Plan) -> dict[str, object]:
    """The scenes that can be read, by name."""
    from editor.files import project

    found = {}
    for source in plan.sources:
        try:
            found[source.name] = source.document if source.document is not None else project.load(source.path or "")
        except project.ProjectError:
            continue  # the report says it
    return found


def _list_variations() -> None:
    from editor.variations import VARIATIONS, Range

    for one in VARIATIONS.values():
        print(f"{one.name}\n  {one.about}\n  Holds: {one.guarantee}")
        for name, parameter in one.parameters.items():
            span = (
                f"{parameter.low:g} to {parameter.high:g}"
                if isinstance(parameter, Range)
                else ", ".join(word or "''" for word in parameter.options)
            )
            print(f"    {name:<16} {span}: {parameter.about}")
