"""`launch.py train ablations`: the paper's ablations (Tab. 4) at a preset's size, learned from the same frames and set side by side.

Four models that differ in one thing (`engine.train.occupancy.ablated`) see the same latents in the same order for as many steps, and are then
judged on rollouts of held-out worlds: against the world's true occupancy, as in the paper, and against the layout. Latents are
encoded once, so that a CPU's time goes into the models.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.api import Recipe
from engine.data.worlds import make_world, sample_clip
from engine.devices import half_precision, pick_device
from engine.metrics.layout import Obedience
from engine.metrics.occupancy import Confusion
from engine.occupancy.config import PRESETS, OccupancyPreset
from engine.occupancy.prior import prior_without_weights
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.shipped import frozen_vae
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import warp_frame
from engine.spec.geometry import invert
from engine.spec.grid import LATENT_CELLS, OCC3D
from engine.spec.worlds import ABLATION_SEED, HELD_OUT_SEED
from engine.train.cores import printed
from engine.train.encoded import unpack_layout
from engine.train.frame_files import Columns, File, make_files, read_files, write_file
from engine.train.loop import Schedule, train
from engine.train.occupancy import ABLATIONS, CROP, NO_TEACHER_FORCING, FlowLoss, ablated, phase_2_groups
from engine.weights import WeightsError, save_model

WORLDS = 400
WORLDS_PER_FILE = 25
FRAMES_PER_WORLD = 2
"""Frames of a world that are learned from, each with the one before it."""
PHASE_1 = Schedule(steps=1200, batch=8, rate=8e-4, warmup=100, ema=0.995, seed=1, workers=0)
PHASE_2 = Schedule(steps=400, batch=8, rate=8e-4, warmup=50, ema=0.99, seed=2, workers=0)
"""As `SCHEDULES` of `engine.train.occupancy`, shorter: three steps without a history for each with one."""
JUDGED_WORLDS, JUDGED_FRAMES = 6, 5
JUDGED_STEPS = 10
"""Sampler steps: a third of the paper's, for all alike."""


def main(
    preset: str,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    steps: int | None = None,
    batch: int | None = None,
    worlds: int | None = None,
    first_world: int = 0,
) -> dict[str, Any]:
    """Trains what `out` lacks of the four, judges them and writes `ablations.json` and each model with its card into `out`.

    `out`/vae must be there, of `train vae --ablation no_layout -o out`. `steps` are those without a history; a third of them with one follow.
    Returns the table. Raises WeightsError without that VAE.
    """
    out, where = Path(out), pick_device(device)
    if not (out / "vae.card.json").exists():
        raise WeightsError(
            f"The ablations need a VAE whose decoder does not see the layout, and {out / 'vae'} is not there: "
            f"run `launch.py train vae --ablation no_layout -o {out}` first, then this with --resume."
        )
    vae, card = frozen_vae(out / "vae", ablated(PRESETS[preset], "full").vae, where)
    encode_clips(vae, out / "frames", first_world, worlds or WORLDS, where)
    columns = read_files(out / "frames", ("layouts", "latents", "past"))
    batches = ClipBatches(*columns, batch=batch or PHASE_1.batch, crop=CROP[preset] // LATENT_CELLS)
    table: dict[str, Any] = {}
    for name in ABLATIONS:
        numbers = ablated(PRESETS[preset], name)
        model, trained = _trained(name, numbers, vae, batches, steps, out, resume, where)
        if not all(phase["finished"] for phase in trained.values()):
            break
        judged = judge(OccupancyGenerator(numbers, vae, model, prior_without_weights(numbers), where))
        table[name] = {"vae_sha256": card["sha256"], "parameters": sum(p.numel() for p in model.parameters())} | trained | judged
        save_model(model, out / name / "stoccdit", numbers.dit, table[name])
        (out / "ablations.json").write_text(json.dumps(table, indent=1))
        print(f"{name}: {json.dumps(judged)}", flush=True)
    return table


def encode_clips(vae: OccupancyVae, folder: Path, first: int, worlds: int, device: torch.device) -> None:
    """Writes what `folder` lacks of `worlds` worlds from number `first` on (rounded up to whole files)."""
    work = partial(_encode_file, vae)
    make_files(folder, range(first, first + worlds, WORLDS_PER_FILE), work, device, printed("worlds"))


@torch.no_grad()
def _encode_file(vae: OccupancyVae, file: File) -> None:
    """Of each frame the packed layout, its latents (C, h, w) and those of the frame before it, moved to where it would lie in this one."""
    rows: Columns = {"layouts": [], "latents": [], "past": []}
    device = vae.latent_mean.device
    for number in file[1]:
        layouts, semantics, _, poses = sample_clip(ABLATION_SEED + number, FRAMES_PER_WORLD + 1)
        for k in range(1, FRAMES_PER_WORLD + 1):
            warped = warp_frame(semantics[k - 1], OCC3D, invert(poses[k - 1]) @ poses[k])
            with half_precision(device):
                now, past = vae.latents(torch.from_numpy(np.stack([semantics[k], warped])).to(device)).half().cpu().numpy()
            rows["layouts"].append(np.packbits(layouts[k]))
            rows["latents"].append(now)
            rows["past"].append(past)
    write_file(file[0], rows)


@dataclass(frozen=True, slots=True, eq=False)
class ClipBatches:
    """Square crops of encoded frames; the batch of step n is a function of n."""

    layouts: np.ndarray
    """uint8 (N, bytes), packed bits."""
    latents: np.ndarray
    """float16 (N, C, h, w), normalised."""
    past: np.ndarray
    """float16 (N, C, h, w), normalised."""
    batch: int
    crop: int
    """Latent cells along an edge."""
    history: bool = False

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        """layouts uint8 (B, 15, 4c, 4c), latents float32 (B, C, c, c), and with a history past_latents, the same."""
        random = np.random.default_rng([step, int(self.history)])
        rows: dict[str, list[np.ndarray]] = {"layouts": [], "latents": []} | ({"past_latents": []} if self.history else {})
        h, w = self.latents.shape[2:]
        for index in random.integers(0, len(self.latents), self.batch):
            # Layout and latents share a corner: whole cells.
            x, y = (int(random.integers(0, n - self.crop + 1)) for n in (h, w))
            window = np.s_[:, x : x + self.crop, y : y + self.crop]
            painted = np.s_[:, LATENT_CELLS * x : LATENT_CELLS * (x + self.crop), LATENT_CELLS * y : LATENT_CELLS * (y + self.crop)]
            rows["layouts"].append(unpack_layout(self.layouts[index], (LATENT_CELLS * h, LATENT_CELLS * w))[painted])
            rows["latents"].append(self.latents[index][window].astype(np.float32))
            if self.history:
                rows["past_latents"].append(self.past[index][window].astype(np.float32))
        return {name: torch.from_numpy(np.stack(row)) for name, row in rows.items()}


def _trained(
    name: str, numbers: OccupancyPreset, vae: OccupancyVae, batches: ClipBatches, steps: int | None, out: Path, resume: bool, device: torch.device
) -> tuple[StOccDit, dict[str, Any]]:
    """One of the four after both phases. Without teacher forcing only history differs, so its first phase is that of `full`, taken over."""
    torch.manual_seed(1)
    model = StOccDit(numbers.dit)
    clean = name != NO_TEACHER_FORCING
    first, second = (replace(phase, batch=batches.batch) for phase in (PHASE_1.scaled(steps), PHASE_2.scaled(None if steps is None else -(-steps // 3))))
    alone = out / (name if clean else "full") / "phase1"
    facts = {"phase1": train(model, FlowLoss(vae), batches, first, alone, device=device, resume=resume or not clean)}
    if facts["phase1"]["finished"]:
        loss = FlowLoss(vae, remember=True, teacher_forcing=clean)
        groups = partial(phase_2_groups, rate=second.rate)
        with_past = replace(batches, history=True)
        facts["phase2"] = train(model, loss, with_past, second, out / name / "phase2", device=device, resume=resume, groups=groups)
    return model, facts


@torch.no_grad()
def judge(generator: OccupancyGenerator) -> dict[str, Any]:
    """Percent over rollouts of held-out worlds: mIoU and IoU of the occupancy against the world's, and of its BEV against the layout."""
    truth, painted = Confusion(), Obedience()
    for number in range(JUDGED_WORLDS):
        world = make_world(HELD_OUT_SEED + number)
        clip, recipe = world.clip(JUDGED_FRAMES), Recipe(seed=number, steps=JUDGED_STEPS)
        past: deque[np.ndarray] = deque(maxlen=generator.preset.dit.history)
        for true in world.occupancy(clip):
            # No ids: what little training makes has agents by the thousand, and nobody asks which is which.
            made = generator.frame(clip, true.index, past, recipe)                   # (X, Y, Z)
            assert made is not None, "nobody cancels"
            past.append(made)
            truth.add(made, true.semantics)
            painted.add(made, clip.layouts[true.index])
    return {"versus_truth": truth.scores(), "bev_versus_layout": painted.scores()}
