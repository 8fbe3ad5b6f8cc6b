"""The second phase of `launch.py train views`: GGVE's compact model over the latents of a trained appearance autoencoder (paper 3.3).

Backbone, control branch and words' encoder begin together from nothing, as there is no public backbone of this size.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.data import drawn_pictures
from engine.devices import half_precision
from engine.train.groups import HINT_NOISE, GroupBatches, controls_of, encode
from engine.train.loop import Schedule, train
from engine.views.ggve.autoencoder import Autoencoder
from engine.views.ggve.compact import CONFIGS, CompactGGVE, velocity_of
from engine.views.ggve.flow import flow_loss, sample, sigmas
from engine.weights import begun, save_model

SCHEDULES = {
    "tiny": Schedule(steps=10, batch=2, rate=2e-3, warmup=3, ema=0.9, seed=5, workers=0),
    "compact": Schedule(steps=12_000, batch=16, rate=1e-3, warmup=300, ema=0.999, seed=5, fall=0.4, workers=0, checkpoint_every_s=120.0),
}
STEPS = 8
"""Of the sampler when samples are measured."""
SHIFT = 3.0
"""Of the times in training: geometry and look leave little to chance, so what a picture becomes is decided where it is nearly all noise."""


def train_ggve(
    preset: str,
    out: Path,
    autoencoder: Autoencoder,
    pictures: Path,
    *,
    worlds: tuple[int, int],
    schedule: Schedule,
    resume: bool,
    device: torch.device,
    begin: Path | None = None,
) -> dict[str, Any]:
    """Encodes the pictures of `worlds` (to learn from, held out) once, trains, measures, writes `ggve.safetensors` and its card."""
    encode_all(out, autoencoder, worlds=worlds, resume=resume, device=device, pictures=pictures)
    torch.manual_seed(schedule.seed)
    config = CONFIGS[preset]
    model = CompactGGVE(config)
    before = begun(model, begin, "ggve", config)
    facts = train_model(model, encoded(out, "train"), schedule, out / "ggve_run", resume=resume, device=device)
    facts |= before | {"measured": held_out_error(model, encoded(out, "held_out"), device), "measured_on": f"{worlds[1]} drawn held-out procedural worlds"}
    save_model(model, out / "ggve", config, facts)
    return facts


def encode_all(
    out: Path, autoencoder: Autoencoder, *, worlds: tuple[int, int], resume: bool, device: torch.device, pictures: Path = drawn_pictures.FOLDER
) -> None:
    """Writes the latents and conditions of the pictures of `worlds` (to learn from, held out) into `out`, those that are not there."""
    out.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", worlds[0]), ("held_out", worlds[1])):
        file = encoded(out, name)
        if not (resume and file.exists()):
            encode(autoencoder.to(device), pictures / name, file, count, device)


def train_model(
    model: CompactGGVE, pictures: Path, schedule: Schedule, run: Path, *, resume: bool, device: torch.device, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Trains on encoded `pictures`, `without` some conditions of `Controls`; returns what `loop.train` does."""
    batches = GroupBatches(pictures, schedule.seed, schedule.batch, schedule.steps, without)
    return train(model, ggve_loss, batches, schedule, run, device=device, resume=resume)


def ggve_loss(model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Rectified flow over a batch of `GroupBatches`."""
    latent = batch["latent"]                                                         # (B, V, C, F, h, w)
    noise = HINT_NOISE * torch.randn(latent.shape, generator=generator, device=latent.device)
    controls, observed = controls_of(batch, noise)
    return {"total": flow_loss(velocity_of(model, batch["words"], batch["look"], controls), latent, observed, generator, SHIFT)}


@torch.no_grad()
def held_out_error(model: nn.Module, path: Path, device: torch.device, batches: int = 12, without: frozenset[str] = frozenset()) -> dict[str, float]:
    """Root mean square error of sampled latents (whose deviation is 1) by mode, the look told, and what the mean latent would give."""
    model.eval()
    errors: dict[str, list[float]] = {}
    source = GroupBatches(path, 7, 8, 1, without)
    for step in range(batches):
        batch = {name: value.to(device) for name, value in source(step + 1).items()}
        controls, observed = controls_of(batch)
        noise = torch.randn(batch["latent"].shape, generator=torch.Generator().manual_seed(step)).to(device)
        with half_precision(device):
            velocity = velocity_of(model, batch["words"], batch["look"], controls)
            made = sample(velocity, noise, controls.hint, observed, sigmas(STEPS), lambda: False)
        assert made is not None
        unseen = (1 - observed).expand_as(made)
        if unseen.sum() == 0:
            continue
        for name, wrong in (("rmse", made - batch["latent"]), ("rmse_of_mean", batch["latent"])):
            errors.setdefault(name, []).append(float(((wrong.square() * unseen).sum() / unseen.sum()).sqrt()))
    return {name: round(float(np.mean(values)), 3) for name, values in errors.items()}


def encoded(out: Path, name: str) -> Path:
    """Where the encoded pictures of a training lie."""
    return out / f"encoded_{name}.npz"
