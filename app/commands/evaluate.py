"""`evaluate`: takes, an engine on procedural worlds, or an engine on a scene, measured."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from app.commands.paths import output_file
from app.commands.progress import ProgressBar
from app.commands.scenes import frames_left, load_scene
from app.errors import CommandError
from engine.spec.words import plural

OF_SCENE: dict[str, object] = {"frames": None, "seeds": (0,), "sensitivity": False, "start": 0.0}
"""Options that only --scene knows, and their defaults."""


def evaluate(args: Namespace) -> int:
    if sum(map(bool, (args.takes, args.procedural, args.scene))) != 1:
        raise CommandError("evaluate measures either takes or an engine: name takes, or ask for --procedural N frames or --scene SCENE.")
    if not args.scene and (given := [name for name, default in OF_SCENE.items() if getattr(args, name) != default]):
        raise CommandError(f"--{given[0]} is for --scene, which is not given: leave it out, or name a scene.")
    if args.views_by and not args.procedural:
        raise CommandError("--views-by measures a view model on held-out worlds: say how many with --procedural N.")
    if args.who and not (args.procedural or args.scene):
        raise CommandError("--who measures an engine: ask for --procedural N worlds, or name a --scene.")
    if args.weights and (args.takes or args.views_by):
        raise CommandError("--weights are those of an engine's occupancy: leave them out, or measure it with --procedural or --scene.")
    if args.views and not args.takes:
        raise CommandError("--views draws takes again and compares: name takes.")
    if args.every_pair and not args.views:
        raise CommandError("--every-pair says which frames --views compares, which is not given: leave it out, or ask for --views.")
    page = output_file(args.page) if args.page else None
    bar = ProgressBar()
    try:
        report = _measure_takes(args, bar) if args.takes else _measure_scene(args, bar) if args.scene else _measure_engine(args, bar)
    finally:
        bar.close()
    if page is not None:
        from engine.metrics.page import render_page

        render_page(report, args.takes, page)
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        for name, value in _flat(report):
            print(f"{name:<64} {value}")
    return 0


def _measure_takes(args: Namespace, bar: ProgressBar) -> dict[str, Any]:
    from engine.metrics.report import evaluate as measure

    if args.inception and not args.against:
        raise CommandError("--inception compares renders with those of the truth: name it with --against, or ask for --procedural.")
    if args.inception and str(args.against).startswith("occ3d:"):
        raise CommandError("--inception needs a take as the truth, and Occ3D's is known in parts only: leave it out.")
    report = measure(args.takes, against=args.against, held_out=args.held_out, inception=args.inception, progress=bar)
    if args.views:
        from engine.metrics.drawn import evaluate_drawn
        from engine.spec.take import Take

        report["drawn"] = {str(take): evaluate_drawn(Take.open(take), every_pair=args.every_pair) for take in args.takes}
    return report


def _measure_engine(args: Namespace, bar: ProgressBar) -> dict[str, Any]:
    if args.against:
        raise CommandError("--against compares one take with one ground truth, and --procedural has its own: leave one of them out.")
    if args.views_by:
        return _measure_views(args, bar)
    if args.who:
        return _measure_parts(args, bar, worlds=args.procedural)
    from engine import presets
    from engine.metrics.procedural import evaluate_procedural

    model = presets.load_occupancy(args.preset, args.device, args.weights)
    per_world = {} if args.frames_per_world is None else {"frames_per_world": args.frames_per_world}
    asked = {"held_out": args.held_out or 64, "inception": args.inception} | per_world
    return evaluate_procedural(model, args.procedural, recipe=_recipe(args), progress=bar, **asked)


def _measure_parts(args: Namespace, bar: ProgressBar, worlds: int = 0, scenes: Sequence[tuple[str, Any]] = ()) -> dict[str, Any]:
    from engine.devices import pick_device
    from engine.metrics.who import who_does_the_work
    from engine.occupancy.shipped import load_generator

    generator, _ = load_generator(args.preset, pick_device(args.device), args.weights)
    return who_does_the_work(generator, args.who, worlds, args.frames_per_world or 3, scenes, bar)


def _measure_views(args: Namespace, bar: ProgressBar) -> dict[str, Any]:
    from engine.metrics.judge import load_judge
    from engine.metrics.lite import LiteFeatures
    from engine.metrics.surround import evaluate_surround
    from engine.views import registry

    model, teacher = registry.load(args.views_by, args.device), registry.load("drawn", args.device)
    return {args.views_by: evaluate_surround(model, teacher, load_judge(), args.procedural, bar, LiteFeatures.load())}


def _measure_scene(args: Namespace, bar: ProgressBar) -> dict[str, Any]:
    if args.against or args.held_out or args.inception:
        raise CommandError("--against, --held-out and --inception need a truth or takes, which --scene does not have: leave them out, or generate a take.")
    from editor.clip import scene_clip
    from engine import presets
    from engine.metrics.scene import evaluate_scene

    document = load_scene(args.scene)
    left = frames_left(document, args.start, args.frames)
    clip = scene_clip(document, args.start, args.frames or left)
    if args.who:
        return _measure_parts(args, bar, scenes=[(f"{args.scene.name} from {args.start:g} s, {plural(len(clip), 'frame')}", clip)])
    return evaluate_scene(presets.load_occupancy(args.preset, args.device, args.weights), clip, _recipe(args), args.seeds, args.sensitivity, bar)


def _recipe(args: Namespace) -> Any:
    from engine.api import Recipe

    return Recipe(args.preset, steps=args.steps, guidance=args.guidance)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        rows = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in rows:
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, f"{value:.4g}" if isinstance(value, float) else str(value)

