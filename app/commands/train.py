"""`train`: the recipes of engine.train, by name."""

from __future__ import annotations

import importlib
import json
from argparse import Namespace

from app.commands.paths import output_folder


def train(args: Namespace) -> int:
    from engine import presets

    presets.check(args.preset)
    out = args.out if args.resume else output_folder(args.out)
    recipe = importlib.import_module(f"engine.train.{args.model}")
    options = {} if args.steps is None else {"steps": args.steps}
    facts = recipe.main(args.preset, out, resume=args.resume, device=args.device, **options)
    print(json.dumps(facts, indent=2, default=str))
    return 0
