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
from engine.occupancy.flow import noised, painted_weight, small_agent_weight, training_times, velocity_loss
from engine.occupancy.prior.noise import NoisePrior
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.shipped import frozen_vae
from engine.occupancy.stoccdit import HistoryState, StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.spec.grid import LATENT_CELLS
from engine.spec.worlds import HELD_OUT_SEED
from engine.train import processes, sources
from engine.train.batches import OccupancyBatches
from engine.train.cores import printed
from engine.train.loop import Schedule, check_preset, train
from engine.train.pictures import bev_sheet
from engine.train.sequences import SequenceBatches, encode_sequences
from engine.weights import WEIGHTS, WeightsError, load_model, read_tensors, save_model

SCHEDULES: dict[str, dict[int, Schedule]] = {
    "tiny": {
        1: Schedule(steps=200, batch=4, rate=1e-3, warmup=20, ema=None, seed=1),
        2: Schedule(steps=60, batch=4, rate=1e-3, warmup=50, ema=0.99, seed=2),
    },
    "compact": {
        1: Schedule(steps=2600, batch=8, rate=8e-4, warmup=200, seed=1),
        2: Schedule(steps=500, batch=8, rate=8e-4, warmup=50, ema=0.99, seed=2),
        3: Schedule(steps=1100, batch=4, rate=5e-4, warmup=50, ema=0.995, seed=3, fall=0.5),
    },
    "sequences": {
        1: Schedule(steps=2600, batch=8, rate=8e-4, warmup=200, seed=1, cosine=True),
        2: Schedule(steps=4000, batch=2, rate=8e-4, warmup=100, ema=0.99, seed=2, workers=0, cosine=True, checkpoint_every_s=600),
    },
    "paper": {
        1: Schedule(steps=200_000, batch=32, rate=1e-4, warmup=5000, ema=0.9999, ema_from=5000, workers=8, seed=1, cosine=True),
        2: Schedule(steps=60_000, batch=32, rate=1e-4, warmup=5000, ema=None, workers=8, seed=2, cosine=True),
    },
}


@dataclass(frozen=True, slots=True)
class Phase:
    """What a phase does beside its schedule."""

    history_every: int
    """Every how many steps a batch has history; 0 is never."""
    draws: int = 1
    """Noises per layout: its tokens, the encoder and the data are paid for once."""
    painted: float = 1.0
    """Loss weight of cells that are painted all over; below 1 only where the decoder sees the layout."""
    sequences: bool = False
    """Whether batches are sequences of consecutive frames (`sequences.py`), all of them learned at once."""


PHASES = {
    1: Phase(history_every=0),
    2: Phase(history_every=1, sequences=True),
    3: Phase(history_every=4, draws=4, painted=0.5),
}
"""1: single frames. 2: sequences, what phase 1 learned moving slowly. 3 (ours): single frames and pairs mixed, all at full rate."""
CROP = {"tiny": 64, "compact": 104, "sequences": 104, "paper": 200}
FRAMES = {"tiny": 3, "compact": 4, "sequences": 4, "paper": 8}
"""T of a sequence."""
SEQUENCE_WORLDS = {"tiny": 1, "compact": 200, "sequences": 200, "paper": 2000}
"""Worlds that sequences are encoded of, three each."""
CHECKPOINTED = ("paper",)
"""Presets whose activations would not fit beside their batch: they are worked out again on the way back."""
LAYOUT_DROPOUT = HISTORY_DROPOUT = 0.1
HISTORY_NOISE = 0.1
INHERITED_RATE = 0.1
"""In phase 2, what phase 1 has learned moves at a tenth of the rate."""
NO_TEACHER_FORCING = "no_teacher_forcing"
ABLATIONS = ("full", "half_depth", "additive", NO_TEACHER_FORCING)
TEMPORAL = ("temporal.", "time_gate", "age_bias", "age_embedding", "clean_modulation")


@dataclass(frozen=True, slots=True)
class FlowLoss:
    """The rectified-flow loss in latents of a frozen VAE; with history where the batch has a past."""

    vae: OccupancyVae
    draws: int = 1
    """K: noises and times per layout."""
    painted: float = 1.0
    """Loss weight of latent cells that are painted all over: what the decoder sees of the layout the latent need not hold."""
    remember: bool = False
    """Whether the temporal branch is open for frames without a past, as it is at the start of a rollout."""
    teacher_forcing: bool = True
    """Whether history is clean, as it is in a rollout; if not, it is as noisy as the frame that is learned (the paper's ablation)."""

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        assert isinstance(model, StOccDit)
        layouts = batch["layouts"]
        layouts = layouts if layouts.dim() == 5 else layouts[:, None]                # (B, T, 15, X, Y), T = 1 without a sequence
        clean = self._latents(batch, "semantics", "latents")                         # (B, T, C, H, W)
        device, (count, frames) = clean.device, clean.shape[:2]
        noisy = self.draws if frames == 1 else frames                                # K = T in a sequence: a time and a noise each
        t = training_times((count, noisy), generator)                                # (B, K)
        noise = torch.randn((count, noisy, *clean.shape[2:]), generator=generator, device=device)
        drop = torch.rand(count, generator=generator, device=device) < LAYOUT_DROPOUT
        layout = model.read_layout(layouts, drop).repeated(noisy // frames)
        history = self._history(model, batch, clean, t, generator)
        predicted = model.denoise(noised(clean, noise, t), t, layout, history)       # (B, K, C, H, W)
        weight = small_agent_weight(layouts) * painted_weight(layouts, self.painted)
        return {"total": velocity_loss(predicted, clean, noise, weight)}

    def _history(
        self, model: StOccDit, batch: Mapping[str, Tensor], clean: Tensor, t: Tensor, generator: torch.Generator
    ) -> HistoryState | None:
        if "past" not in batch and "past_latents" not in batch:
            return model.read_history(clean[:, :0]) if self.remember else None
        past = self._latents(batch, "past", "past_latents")                          # (B, M, C, H, W), M = T
        frames = past.shape[1]
        noise = torch.randn(past.shape, generator=generator, device=past.device)
        past = past + HISTORY_NOISE * noise if self.teacher_forcing else noised(past, noise, t[:, :frames])
        forget = torch.rand((len(past), 1, frames), generator=generator, device=past.device) < HISTORY_DROPOUT
        ages = seen_ages(frames, model.config.history, past.device) if frames > 1 else torch.ones(1, 1, dtype=torch.long, device=past.device)
        return model.read_history(past, torch.where(forget, -1, ages).expand(-1, t.shape[1], -1))

    @torch.no_grad()
    def _latents(self, batch: Mapping[str, Tensor], semantics: str, encoded: str) -> Tensor:
        """Those of a batch that brings them encoded, else the VAE's of its semantics; (B, T, C, H, W)."""
        latents = batch[encoded] if encoded in batch else self.vae.latents(batch[semantics])
        return (latents if latents.dim() == 5 else latents[:, None]).float()


def seen_ages(frames: int, history: int, device: torch.device) -> Tensor:
    """The causal mask of a sequence (T, T): how many frames before each noisy frame each clean one lies, -1 where it is not seen."""
    at = torch.arange(frames, device=device)
    ages = at[:, None] - at[None, :]
    return ages.masked_fill((ages < 1) | (ages > history), -1)


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
    begin: Path | None = None,
    data: str | None = None,
    data_share: float | None = None,
    worlds: int | None = None,
) -> dict[str, Any]:
    """Trains the preset's phases in turn (or only `phase`), and writes `stoccdit.safetensors` and its card into `out`.

    `vae` is the stem of the VAE's weights; by default `out`/vae where it is there, else the shipped one.
    `begin` is the stem of weights to begin from; what this architecture has beyond them starts untrained.
    `data` and `data_share` are those of `engine.train.sources.pick`; with data, frames with a history are pairs. Without, sequences of `worlds`
    worlds are encoded into `out`/sequences first.
    """
    check_preset(preset, SCHEDULES, "STOccDiT")
    if phase is not None and phase not in SCHEDULES[preset]:
        raise ValueError(f"Preset '{preset}' is trained in phases {', '.join(map(str, SCHEDULES[preset]))}, phase {phase} is not one of them.")
    among = processes.current(device)
    torch.manual_seed(1)
    out, where, numbers = Path(out), pick_device(device), ablated(PRESETS[preset], ablation)
    stem = Path(vae) if vae else out / "vae" if (out / "vae.card.json").exists() else WEIGHTS / preset / "vae"
    codec, vae_card = frozen_vae(stem, numbers.vae, where)
    model = StOccDit(numbers.dit)
    model.checkpointing = preset in CHECKPOINTED
    facts: dict[str, Any] = {"vae_sha256": vae_card["sha256"], "ablation": ablation}
    if begin is not None:
        facts |= _begin_from(model, Path(begin))
    for number in SCHEDULES[preset] if phase is None else (phase,):
        if phase is not None and number > 1 and begin is None:
            facts |= {name: fact for name, fact in load_model(model, out / f"phase{number - 1}", numbers.dit).items() if name.startswith("phase")}
        schedule = SCHEDULES[preset][number].scaled(steps, batch, workers)
        kind = PHASES[number]
        every = kind.history_every
        if kind.sequences and data is None:
            batches: sources.Batches = _sequences(preset, codec, numbers, out / "sequences", schedule, worlds, where)
            facts["sequences"] = {"frames": FRAMES[preset], "agents_in_history": numbers.memory == "frames", "history": numbers.dit.history}
        else:
            procedural = OccupancyBatches(schedule.seed, schedule.batch, CROP[preset], history=every > 0, history_every=max(1, every))
            batches = sources.pick(data, procedural, data_share)
            facts["data"] = sources.describe(batches)
        painted = kind.painted if numbers.vae.decoder_sees_layout else 1.0
        loss = FlowLoss(codec, kind.draws, painted, remember=number > 1, teacher_forcing=ablation != NO_TEACHER_FORCING)
        groups = (lambda m, rate=schedule.rate: phase_2_groups(m, rate)) if number == 2 else None
        facts[f"phase{number}"] = train(
            model, loss, batches, schedule, out / f"phase{number}", device=where, resume=resume, groups=groups,
            picture=lambda m, step, n=number: _picture(numbers, codec, m, out / f"phase{n}" / f"sample_{step:06d}.png", where),
        )  # fmt: skip
        if among.writes:
            save_model(model, out / f"phase{number}", numbers.dit, facts)
        if not facts[f"phase{number}"]["finished"]:
            break
    if among.writes:
        save_model(model, out / "stoccdit", numbers.dit, facts)
    return facts


def _sequences(
    preset: str, codec: OccupancyVae, numbers: OccupancyPreset, folder: Path, schedule: Schedule, worlds: int | None, device: torch.device
) -> SequenceBatches:
    """Batches of the sequences in `folder`, where those that it lacks are encoded first; one process makes them for all."""
    if processes.current(device.type).writes:
        asked = FRAMES[preset], worlds or SEQUENCE_WORLDS[preset]
        encode_sequences(codec, folder, *asked, device, printed("sequences"), agents=numbers.memory == "frames")
    processes.wait()
    return SequenceBatches.read(folder, schedule.seed, schedule.batch, CROP[preset] // LATENT_CELLS)


def _begin_from(model: StOccDit, stem: Path) -> dict[str, Any]:
    """Takes over the weights of a smaller sibling, or of one that looks less far back, and returns what its card says of its phases."""
    tensors, card = read_tensors(stem)
    for name, own in model.state_dict().items():
        if name.endswith("age_bias") and name in tensors and (more := own.shape[1] - tensors[name].shape[1]) > 0:
            tensors[name] = torch.cat([tensors[name], tensors[name][:, -1:].expand(-1, more)], 1)  # frames farther back count as the last one did
    missing, unknown = model.load_state_dict(tensors, strict=False)
    strange = [name for name in missing if not name.startswith("local.")]
    if strange or unknown:
        raise WeightsError(f"The weights {stem} lack {strange[:3] or 'nothing'} and have {unknown[:3] or 'nothing'} that this model does not know.")
    kept = {name: fact for name, fact in card.items() if name.startswith("phase")}
    return {"began_from": card["sha256"]} | kept


def ablated(preset: OccupancyPreset, ablation: str | None) -> OccupancyPreset:
    """The paper's ablations as numbers (Tab. 4). `full` is the paper's own model at the preset's size: layout tokens that attend and are
    attended to, nothing beside them, a decoder that does not see the layout (one that does would answer for the layout), no sketch.
    `half_depth` has half its blocks; in `additive` layouts are only added; `no_teacher_forcing` is `full`, trained with noisy history.
    """
    if ablation is None:
        return preset
    if ablation not in ABLATIONS:
        raise ValueError(f"Ablation '{ablation}' is not one of {', '.join(ABLATIONS)}.")
    dit = replace(preset.dit, layout_tokens="joint", layout_added=False, local_width=0)
    if ablation == "half_depth":
        dit = replace(dit, blocks=dit.blocks // 2)
    if ablation == "additive":
        dit = replace(dit, layout_tokens="none", layout_added=True)
    return OccupancyPreset(replace(preset.vae, decoder_sees_layout=False), dit)


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
    generator = OccupancyGenerator(preset, vae, model, NoisePrior(), device)
    truth, made = [], []
    for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + 3):
        world = make_world(seed)
        clip = world.clip(1)
        truth.append(next(iter(world.occupancy(clip))).semantics)
        # From noise alone, so in more steps than a preset with a sketch takes.
        made.append(next(iter(generator.frames(clip, Recipe(seed=seed, steps=max(8, preset.sampler.steps))))).semantics)
    bev_sheet([truth, made], path)
    model.train(training)
