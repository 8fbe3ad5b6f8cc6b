"""`launch.py train occupancy`: STOccDiT on procedural worlds, phase 1 (one frame) and phase 2 (frames with history) (paper B.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.devices import pick_device
from engine.occupancy.config import PRESETS, OccupancyPreset
from engine.occupancy.flow import noised, small_agent_weight, training_times, velocity_loss
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.train.batches import HELD_OUT_SEED, OccupancyBatches
from engine.train.loop import Schedule, train
from engine.train.pictures import bev_sheet
from engine.weights import WEIGHTS, load_model, save_model

SCHEDULES = {
    "tiny": Schedule(steps=200, batch=4, rate=1e-3, warmup=20, ema=None, seed=1),
    "compact": Schedule(steps=2600, batch=8, rate=8e-4, warmup=200, seed=1),
    "paper": Schedule(steps=200_000, batch=32, rate=1e-4, warmup=5000, ema=0.9999, workers=8, seed=1),
}
PHASE_2 = {"tiny": 60, "compact": 500, "paper": 60_000}
CROP = {"tiny": 64, "compact": 104, "paper": 200}
LAYOUT_DROPOUT = HISTORY_DROPOUT = 0.1
HISTORY_NOISE = 0.1
INHERITED_RATE = 0.1
"""In phase 2, what phase 1 has learned moves at a tenth of the rate."""
TEMPORAL = ("temporal.", "time_gate", "age_bias", "clean_modulation")


@dataclass(frozen=True, slots=True)
class FlowLoss:
    """The rectified-flow loss in latents of a frozen VAE; with history in phase 2."""

    vae: OccupancyVae

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        assert isinstance(model, StOccDit)
        layouts = batch["layouts"][:, None]  # (B, 1, 15, X, Y)
        clean = self._latents(batch["semantics"])  # (B, 1, C, H, W)
        device, count = clean.device, len(clean)
        t = training_times((count, 1), generator)
        noise = torch.randn(clean.shape, generator=generator, device=device)
        drop = torch.rand(count, generator=generator, device=device) < LAYOUT_DROPOUT
        history = ages = None
        if "past" in batch:
            history = self._latents(batch["past"])  # (B, 1, C, H, W)
            history = history + HISTORY_NOISE * torch.randn(history.shape, generator=generator, device=device)
            forget = torch.rand((count, 1, 1), generator=generator, device=device) < HISTORY_DROPOUT
            ages = torch.where(forget, -1, 1)  # (B, 1, 1)
        predicted = model(noised(clean, noise, t), t, layouts, history, ages, drop)
        return {"total": velocity_loss(predicted, clean, noise, small_agent_weight(layouts))}

    @torch.no_grad()
    def _latents(self, semantics: Tensor) -> Tensor:
        return self.vae.normalise(self.vae.encode(semantics).mean)[:, None].float()


def main(
    preset: str,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    vae: Path | None = None,
    phase: int | None = None,
    steps: int | None = None,
    batch: int | None = None,
    workers: int | None = None,
    ablation: str | None = None,
) -> dict[str, Any]:
    """Trains phase 1, then phase 2 (or only `phase`), and writes `stoccdit.safetensors` and its card into `out`.

    `vae` is the stem of the VAE's weights; by default `out`/vae where it is there, else the shipped one.
    """
    torch.manual_seed(1)
    out, where, numbers = Path(out), pick_device(device), ablated(PRESETS[preset], ablation)
    codec = OccupancyVae(numbers.vae)
    stem = Path(vae) if vae else out / "vae" if (out / "vae.card.json").exists() else WEIGHTS / preset / "vae"
    vae_card = load_model(codec, stem, numbers.vae)
    codec.to(where).eval().requires_grad_(False)
    if where.type == "cpu":
        codec.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model = StOccDit(numbers.dit)
    base = SCHEDULES[preset].scaled(steps, batch, workers)
    facts: dict[str, Any] = {"vae_sha256": vae_card["sha256"], "ablation": ablation, "data": "engine.data procedural worlds"}
    for number in (1, 2) if phase is None else (phase,):
        if number == 2 and phase == 2:
            facts |= {"phase1": load_model(model, out / "phase1", numbers.dit)["phase1"]}
        schedule = (
            base
            if number == 1
            else replace(
                base, steps=steps if steps and phase == 2 else PHASE_2[preset], ema=None if preset == "paper" else 0.99, seed=2, warmup=50
            )
        )
        batches = OccupancyBatches(schedule.seed, schedule.batch, CROP[preset], history=number == 2)
        loss = FlowLoss(codec)
        groups = (lambda m, rate=schedule.rate: phase_2_groups(m, rate)) if number == 2 else None
        facts[f"phase{number}"] = train(
            model, loss, batches, schedule, out / f"phase{number}", device=where, resume=resume, groups=groups,
            picture=lambda m, step, n=number: _picture(numbers, codec, m, out / f"phase{n}" / f"sample_{step:06d}.png", where),
        )  # fmt: skip
        save_model(model, out / f"phase{number}", numbers.dit, facts)
        if not facts[f"phase{number}"]["finished"]:
            break
    save_model(model, out / "stoccdit", numbers.dit, facts)
    return facts


def ablated(preset: OccupancyPreset, ablation: str | None) -> OccupancyPreset:
    """The paper's ablations as numbers: half_depth, additive (layout only added, no layout tokens)."""
    if ablation is None:
        return preset
    if ablation == "half_depth":
        return replace(preset, dit=replace(preset.dit, blocks=preset.dit.blocks // 2))
    if ablation == "additive":
        return replace(preset, dit=replace(preset.dit, layout_tokens="none", layout_added=True))
    raise ValueError(f"Ablation '{ablation}' is not one of half_depth, additive.")


def phase_2_groups(model: nn.Module, rate: float) -> list[dict[str, Any]]:
    """Temporal parameters at the full rate, inherited ones at a tenth."""
    new, inherited = [], []
    for name, parameter in model.named_parameters():
        (new if any(part in name for part in TEMPORAL) else inherited).append(parameter)
    return [{"params": new, "lr": rate}, {"params": inherited, "lr": rate * INHERITED_RATE}]


def _picture(preset: OccupancyPreset, vae: OccupancyVae, model: nn.Module, path: Path, device: torch.device) -> None:
    """Held-out frames: truth above, generated from the layout alone below."""
    from engine.api import Recipe
    from engine.data.worlds import make_world

    assert isinstance(model, StOccDit)
    training = model.training
    generator = OccupancyGenerator(preset, vae, model, device)
    truth, made = [], []
    for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + 3):
        world = make_world(seed)
        clip = world.clip(1)
        truth.append(next(iter(world.occupancy(clip))).semantics)
        made.append(next(iter(generator.frames(clip, Recipe(seed=seed)))).semantics)
    bev_sheet([truth, made], path)
    model.train(training)
