"""`launch.py train vae`: the occupancy VAE on procedural worlds (paper 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.devices import half_precision, pick_device
from engine.occupancy.config import PRESETS
from engine.occupancy.losses import (
    KL_WEIGHT,
    LOVASZ_VOXELS,
    SHOWN_WEIGHT,
    UNASKED_WEIGHT,
    chosen_rows,
    classes_out_of_reach,
    focal,
    lovasz_softmax,
    small_agent_columns,
    unasked,
    unshown,
    volume_error,
    voxels_that_matter,
)
from engine.occupancy.shipped import load_generator
from engine.occupancy.vae import NEAR_CELLS, OccupancyVae
from engine.spec.worlds import HELD_OUT_SEED
from engine.train import processes, sources
from engine.train.batches import OccupancyBatches
from engine.train.cores import printed
from engine.train.generated import GeneratedBatches, generate_frames
from engine.train.loop import Schedule, check_preset, train
from engine.train.pictures import bev_sheet
from engine.weights import WeightsError, read_tensors, save_model

SCHEDULES = {
    "tiny": Schedule(steps=300, batch=4, rate=2e-3, warmup=20, ema=None),
    "compact": Schedule(steps=1500, batch=4, rate=1e-3),
    "paper": Schedule(steps=60_000, batch=16, rate=1e-3, warmup=1000, ema=0.9999, workers=8),
}
DECODER_ONLY = {"rate": 2e-4, "warmup": 20, "fall": 0.5, "ema": 0.98}
"""A trained decoder is adjusted in a few hundred steps, not taught."""
NO_LAYOUT = "no_layout"
CROP = {"tiny": 64, "compact": 104, "paper": 200}
ASKED_RATE = 0.02
"""Learning rate of the layer from paint to class logits, whatever the schedule's: it was tried at this one."""
SHOWN_COLUMNS = 4000
"""Painted columns of a batch that are asked whether they show it, beside all of small agents."""
LATENT_NOISE = 0.5
"""Largest noise on training latents, in their own standard deviations: the decoder must live with what the DiT generates."""


def main(
    preset: str,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    steps: int | None = None,
    batch: int | None = None,
    workers: int | None = None,
    latent: int | None = None,
    ablation: str | None = None,
    begin: Path | None = None,
    decoder_only: bool = False,
    generated: int | None = None,
    data: str | None = None,
    data_share: float | None = None,
) -> dict[str, Any]:
    """Trains, measures reconstruction on held-out worlds and writes `vae.safetensors` and `vae.card.json` into `out`.

    `latent` is C where it is not the preset's; the `ablation` no_layout is a decoder that does not see the layout. `begin` is the stem
    of weights to begin from, of this C or another (the two layers around the latent then start untrained). `decoder_only` holds the
    encoder, so that a STOccDiT trained on its latents stays valid. `generated` frames are half of what a decoder alone learns from;
    those that `out`/generated lacks are made with it, before it learns. `data` and `data_share` are those of `engine.train.sources.pick`.
    Raises ValueError for `generated` without `decoder_only`, and for another ablation.
    """
    if ablation not in (None, NO_LAYOUT):
        raise ValueError(f"The VAE has one ablation, {NO_LAYOUT}, and '{ablation}' was asked for: leave it out or take that.")
    if generated is not None and not decoder_only:
        raise ValueError("Generated latents are those of the shipped encoder, which this run would change: add --decoder-only.")
    check_preset(preset, SCHEDULES, "VAE")
    torch.manual_seed(0)
    config = PRESETS[preset].vae
    if latent is not None:
        config = replace(config, latent=latent)
    if ablation is not None:
        config = replace(config, decoder_sees_layout=False)
    schedule = SCHEDULES[preset].scaled(steps, batch, workers)
    model = OccupancyVae(config)
    fresh = _begin_from(model, Path(begin)) if begin is not None else {}
    if decoder_only:
        schedule = replace(schedule, **DECODER_ONLY)
        hold_encoder(model)
    where = pick_device(device)
    among = processes.current(where.type)
    batches = sources.pick(data, OccupancyBatches(schedule.seed, schedule.batch, CROP[preset]), data_share)
    facts = train(
        model,
        vae_loss if generated is None else lived_loss,
        batches if generated is None else _half_generated(preset, model, Path(out), generated, batches, schedule, where),
        schedule,
        Path(out),
        device=where,
        resume=resume,
        groups=lambda m: _groups(m, schedule.rate),
        picture=lambda m, step: _picture(m, Path(out), step, where),
    )
    if not decoder_only:
        measure_latents(model, sources.pick(data, OccupancyBatches(schedule.seed + 1, 4, CROP[preset]), data_share), where)
    measured = reconstruction(model, where, frames=24 if preset != "paper" else 200)
    facts |= {"measured_on": "held-out procedural frames", "reconstruction": measured, "data": sources.describe(batches)}
    facts |= fresh | {"decoder_only": decoder_only} | ({} if generated is None else {"generated_frames": generated})
    if among.writes:
        save_model(model, Path(out) / "vae", config, facts)
    return facts


def vae_loss(model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """10 focal + Lovasz + 1e-4 KL, on the voxels that matter; where the decoder sees the layout, also no agent that nobody painted."""
    assert isinstance(model, OccupancyVae)
    semantics, layouts = batch["semantics"], batch["layouts"]
    latents, kl = _encoded(model, semantics, generator)
    decoded = _decoded(model, latents, semantics, layouts, generator)
    logits, target = decoded.logits, decoded.target
    some = torch.randperm(len(target), generator=generator, device=target.device)[:LOVASZ_VOXELS]
    terms = {"focal": focal(logits, target, decoded.weight), "lovasz": lovasz_softmax(logits[some], target[some]), "kl": kl}
    total = 10 * terms["focal"] + terms["lovasz"] + KL_WEIGHT * terms["kl"]
    if model.config.decoder_sees_layout:
        terms["unasked"] = unasked(logits, _impossible(layouts, decoded.chosen))
        total = total + UNASKED_WEIGHT * terms["unasked"]
    return terms | {"total": total}


def lived_loss(model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """What a decoder learns from generated latents (`engine.train.generated`), where a batch brings them, and from encoded ones.

    Cross entropy in which a voxel counts for as many as it was chosen from, and each class's volume. Focal and Lovasz, on voxels near
    matter, call a voxel occupied that is so less than half the time: in one frame that is good for mIoU, in a rollout everything grows;
    cross entropy alone drops what is thin and uncertain, and everything shrinks. Also no agent that nobody painted, and no hole in what was.
    """
    assert isinstance(model, OccupancyVae)
    semantics, layouts = batch["semantics"], batch["layouts"]
    latents = model.denormalise(batch["latents"]) if "latents" in batch else _encoded(model, semantics, generator)[0]
    decoded = _decoded(model, latents, semantics, layouts, generator)
    entropy = F.cross_entropy(decoded.logits.float(), decoded.target, reduction="none")
    weight = decoded.weight * decoded.stands_for
    painted = layouts.amax(1).bool()                                                 # (B, x, y)
    some = torch.rand(painted.shape, generator=generator, device=painted.device) < SHOWN_COLUMNS / painted.sum().clamp(min=1)
    columns = painted & some | small_agent_columns(layouts)[..., 0].bool()           # (B, x, y)
    asked = layouts.permute(0, 2, 3, 1)[columns]                                     # (n, 15)
    logits = model.classify(decoded.voxels[columns], decoded.columns[columns][:, None])
    terms = {
        "entropy": (entropy * weight).sum() / weight.sum(),
        "unasked": unasked(decoded.logits, _impossible(layouts, decoded.chosen)),
        "unshown": unshown(logits, asked, semantics[columns]),
        "volume": volume_error(decoded.logits, decoded.target, decoded.stands_for),
    }
    asked_for = UNASKED_WEIGHT * terms["unasked"] + SHOWN_WEIGHT * terms["unshown"]
    return terms | {"total": 10 * terms["entropy"] + asked_for + terms["volume"]}


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the losses look at: which n voxels were chosen (B, X, Y, Z), of these logits (n, 21), target (n,), weight (n,) and how many
    voxels each stands for (n,); of all columns the voxel features (B, X, Y, Z, E) and class logits (B, X, Y, 21)."""

    chosen: Tensor
    logits: Tensor
    target: Tensor
    weight: Tensor
    stands_for: Tensor
    voxels: Tensor
    columns: Tensor


def _decoded(model: OccupancyVae, latents: Tensor, semantics: Tensor, layouts: Tensor, generator: torch.Generator) -> Decoded:
    voxels = model.decode(latents, layouts)                                          # (B, X, Y, Z, E)
    columns = model.column_logits(layouts).expand(*semantics.shape[:3], -1)          # (B, X, Y, 21)
    chosen, stands_for = voxels_that_matter(semantics, generator)
    logits = model.classify(chosen_rows(voxels, chosen), chosen_rows(columns[..., None, :].expand(*semantics.shape, -1), chosen))
    weight = (1 + 3 * small_agent_columns(layouts)).expand_as(semantics)[chosen]
    return Decoded(chosen, logits, semantics[chosen].long(), weight, stands_for[chosen], voxels, columns)


def _impossible(layouts: Tensor, chosen: Tensor) -> Tensor:
    """Bool (n, 21): which classes cannot be at the n chosen voxels (B, X, Y, Z)."""
    return classes_out_of_reach(layouts, NEAR_CELLS)[..., None, :].expand(*chosen.shape, -1)[chosen]


def _encoded(model: OccupancyVae, semantics: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noisy latents (B, C, X/4, Y/4) of semantics (B, X, Y, Z), and their divergence from the unit Gaussian."""
    with torch.set_grad_enabled(model.to_latent.weight.requires_grad):
        posterior = model.encode(semantics)
    latents = posterior.sample(_noise_like(posterior.mean, generator))
    spread = latents.detach().float().std((0, 2, 3), keepdim=True)
    amount = LATENT_NOISE * torch.rand((len(latents), 1, 1, 1), generator=generator, device=latents.device).square()
    return latents + (amount * spread * _noise_like(latents, generator)).to(latents.dtype), posterior.kl()


def _noise_like(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device).to(like.dtype)


def _half_generated(
    preset: str, model: OccupancyVae, out: Path, frames: int, usual: sources.Batches, schedule: Schedule, device: torch.device
) -> GeneratedBatches:
    """Generated with this decoder as it is at the start; frames that lie in the folder already, made by an earlier one, count too."""
    generator, _ = load_generator(preset, device)
    generator.vae.load_state_dict(model.state_dict())
    generate_frames(generator, out / "generated", frames, printed("generated"))
    return GeneratedBatches.read(out / "generated", usual, schedule.seed, schedule.batch, CROP[preset])


def hold_encoder(model: OccupancyVae) -> None:
    """Only what decodes learns. The class embeddings are the encoder's too."""
    model.classes.requires_grad_(False)
    for part in (model.enter, model.encoder_half, model.down, model.encoder_quarter, model.to_latent):
        part.requires_grad_(False)


def _groups(model: nn.Module, rate: float) -> list[dict[str, Any]]:
    """The 651 numbers between paint and class logits have far to go (an impossible class is 10 below) and learn faster."""
    learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    fast = [parameter for name, parameter in learning.items() if name.startswith("asked.")]
    rest = [parameter for name, parameter in learning.items() if not name.startswith("asked.")]
    return [{"params": rest, "lr": rate}, {"params": fast, "lr": ASKED_RATE, "weight_decay": 0.0}]


def _begin_from(model: OccupancyVae, stem: Path) -> dict[str, Any]:
    """Takes over what fits; anything else than the layers around the latent, `asked` and the one that read the layout must."""
    tensors, card = read_tensors(stem)
    own = model.state_dict()
    fitting = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    untrained = sorted(own.keys() - fitting.keys())
    strange = [name for name in untrained if not name.startswith(("asked.", "to_latent.", "from_latent.", "latent_", "column.0."))]
    if strange:
        raise WeightsError(f"The weights {stem} have nothing that fits {strange[:3]} of this VAE: begin from weights of the same widths.")
    model.load_state_dict(fitting, strict=False)
    return {"began_from": card["sha256"], "untrained_at_first": untrained}


@torch.no_grad()
def measure_latents(model: OccupancyVae, batches: sources.Batches, device: torch.device, steps: int = 16) -> None:
    """Sets the buffers that scale latents to zero mean and unit variance per channel."""
    means = []
    with half_precision(device):
        for step in range(steps):
            means.append(model.encode(batches(step)["semantics"].to(device)).mean.float())
    latents = torch.cat(means)
    model.latent_mean.copy_(latents.mean((0, 2, 3)))
    model.latent_std.copy_(latents.std((0, 2, 3)))


@torch.no_grad()
def reconstruction(model: OccupancyVae, device: torch.device, frames: int, first_seed: int = HELD_OUT_SEED) -> dict[str, Any]:
    """mIoU and IoU (percent) of held-out whole frames through the VAE, from the posterior's mean."""
    from engine.data.worlds import sample_clip
    from engine.metrics.occupancy import Confusion

    confusion = Confusion()
    for index in range(frames):
        layouts, semantics, _, _ = sample_clip(first_seed + index, 1)
        with half_precision(device):
            truth, painted = torch.from_numpy(semantics).to(device), torch.from_numpy(layouts).to(device)
            voxels = model.decode(model.encode(truth).mean, painted)
        confusion.add(model.semantics(voxels, painted)[0].cpu().numpy(), semantics[0])
    return confusion.scores() | {"frames": frames}


def _picture(model: nn.Module, out: Path, step: int, device: torch.device) -> None:
    """A sheet of held-out crops: truth above, reconstruction below."""
    assert isinstance(model, OccupancyVae)
    model.eval()
    batch = OccupancyBatches(0, 4, 104)(HELD_OUT_SEED // 64 - 1)
    with torch.no_grad(), half_precision(device):
        truth, painted = batch["semantics"].to(device), batch["layouts"].to(device)
        voxels = model.decode(model.encode(truth).mean, painted)
    bev_sheet([list(batch["semantics"].numpy()), list(model.semantics(voxels, painted).cpu().numpy())], out / f"sample_{step:06d}.png")
