"""`train`: the recipes of engine.train, by name."""

from __future__ import annotations

import importlib
import json
from argparse import Namespace

from app.commands.paths import output_folder
from app.errors import CommandError

OF_MODEL = {
    "steps": ("vae", "occupancy", "sketch", "ablations", "views", "view_ablations", "judge", "wan"),
    "batch": ("vae", "occupancy", "sketch", "ablations", "views", "view_ablations", "judge", "wan"),
    "begin": ("vae", "occupancy", "sketch", "odds", "views", "view_ablations", "judge"),
    "phase": ("occupancy", "views"),
    "ablation": ("vae", "occupancy"),
    "latent": ("vae",),
    "decoder_only": ("vae",),
    "generated": ("vae",),
    "worlds": ("occupancy", "sketch", "odds", "ablations", "views", "view_ablations", "judge"),
    "first_world": ("sketch", "odds", "ablations"),
    "data": ("vae", "occupancy", "wan"),
    "data_share": ("vae", "occupancy"),
}
"""Which models' recipes know an option."""


def train(args: Namespace) -> int:
    """One recipe. Under torchrun or accelerate every process comes here; the first looks after the folder and speaks."""
    from engine import presets

    presets.check(args.preset)
    options = {name: value for name in OF_MODEL if (value := getattr(args, name)) is not None}
    for name, models in OF_MODEL.items():
        if name in options and args.model not in models:
            known = " and ".join(filter(None, (", ".join(models[:-1]), models[-1])))
            raise CommandError(f"--{name.replace('_', '-')} is for {known}, not for {args.model}: leave it out.")
    if "data_share" in options and "data" not in options:
        raise CommandError("--data-share says how much comes from --data, which is not given: name the data too.")
    processes = importlib.import_module("engine.train.processes")
    among = processes.current(args.device)
    out = args.out if args.resume or not among.writes else output_folder(args.out)
    facts = importlib.import_module(f"engine.train.{args.model}").main(args.preset, out, resume=args.resume, device=args.device, **options)
    if among.writes:
        print(json.dumps(facts, indent=2, default=str))
    processes.leave()
    return 0
