"""`launch.py train view_ablations`: the paper's ablation of GGVE (Tab. 5) at a preset's size: which latents of geometry the control branch gets.

Each variant goes on from the same weights for as many steps with its conditions taken away, in training and when it is measured. The decoder
of `compact` sees the geometry in every variant: what is measured is the light, weather and colours that the branch gives the latents.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from engine.data import drawn_pictures
from engine.devices import pick_device
from engine.metrics.surround import first_frames
from engine.train.ggve import SCHEDULES, encode_all, encoded, held_out_error, train_model
from engine.views import registry
from engine.views.ggve.autoencoder import CONFIGS as AUTOENCODERS
from engine.views.ggve.autoencoder import Autoencoder
from engine.views.ggve.compact import CONFIGS, CompactGGVE
from engine.views.ggve.model import CompactViews
from engine.weights import WEIGHTS, begun, load_model, save_model

VARIANTS: dict[str, frozenset[str]] = {
    "full": frozenset(),
    "no_semantic": frozenset({"semantic"}),
    "no_coordinate": frozenset({"coordinate"}),
    "neither": frozenset({"semantic", "coordinate"}),
}
"""Name -> conditions of `Controls` that are taken away."""
STEPS, WORLDS, HELD_OUT = 300, 100, 24
JUDGED = 8
"""Held-out worlds whose first frames are compared with the teacher's."""


def main(
    preset: str, out: Path, *, resume: bool = False, device: str = "auto", steps: int | None = None, batch: int | None = None,
    worlds: int | None = None, begin: Path | None = None, pictures: Path = drawn_pictures.FOLDER,
) -> dict[str, Any]:  # fmt: skip
    """Trains what `out` lacks of VARIANTS from the weights in the folder `begin`, on the pictures of `train views`, and writes each into `out`/NAME and
    their table into `out`/table5.json. Returns the table. WeightsError without weights to begin from."""
    out, where, begin = Path(out), pick_device(device), begin or WEIGHTS / preset
    autoencoder = Autoencoder(AUTOENCODERS[preset])
    load_model(autoencoder, begin / "autoencoder", AUTOENCODERS[preset])
    autoencoder = autoencoder.to(where).eval()
    encode_all(out, autoencoder, worlds=(worlds or WORLDS, HELD_OUT), resume=resume, device=where, pictures=pictures)
    schedule = SCHEDULES[preset].scaled(steps or STEPS, batch)
    table: dict[str, Any] = {}
    for name, without in VARIANTS.items():
        torch.manual_seed(schedule.seed)
        model = CompactGGVE(CONFIGS[preset])
        before = begun(model, begin, "ggve", CONFIGS[preset])
        facts = train_model(model, encoded(out, "train"), schedule, out / name / "run", without=without, resume=resume, device=where)
        if not facts["finished"]:
            break
        views = CompactViews(autoencoder, model, where, {})
        views.without = without
        judged = {"psnr_db_to_teacher": first_frames(views, registry.load("drawn", device), JUDGED)}
        table[name] = facts | before | judged | held_out_error(model, encoded(out, "held_out"), where, without=without)
        save_model(model, out / name / "ggve", CONFIGS[preset], table[name])
        (out / "table5.json").write_text(json.dumps(table, indent=1))
        print(f"{name}: {json.dumps(judged)}", flush=True)
    return table
