"""`launch.py train wan`: the control branch of `wan-*`, on takes with video or nuScenes with Occ3D (paper B.3).

The backbone stays as it was published. The branch alone is in the optimiser, in the averaged weights and in the checkpoints.
A step is of one mode, drawn from a mixture that goes from mostly generation to all five alike; anchors weigh little in the loss;
in a third of the generated samples the first pictures are known, under a little noise, as they are when a long video goes on.

Legend: B samples, V views, P pixel frames, H W pixels, C latent channels, F latent frames, h w = H/8, W/8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.data.videos import Videos, open_videos
from engine.devices import pick_device
from engine.train import processes
from engine.train.loop import Schedule, check_preset, train
from engine.views.calls import MODES, Mode
from engine.views.ggve.control import Controlled, Controls, observed_mask
from engine.views.ggve.flow import flow_loss
from engine.views.ggve.wan import loading, places
from engine.views.ggve.wan.buffers import coordinate_video, rays_to_video, repeated_first, semantic_video
from engine.views.ggve.wan.fitting import recompute
from engine.views.ggve.wan.latents import VideoLatents, video_of
from engine.views.ggve.wan.text import encode_prompts

NAMES = {"tiny": "wan-1.3b", "compact": "wan-1.3b", "paper": "wan-14b"}
"""Preset -> view model."""
SCHEDULES = {
    "tiny": Schedule(steps=4, batch=1, rate=1e-3, warmup=1, ema=0.9, seed=5, workers=0),
    "compact": Schedule(steps=20_000, batch=1, rate=5e-5, warmup=500, ema=0.999, seed=5, workers=2, checkpoint_every_s=600.0),
    "paper": Schedule(steps=20_000, batch=1, rate=2e-5, warmup=500, ema=0.999, seed=5, workers=2, checkpoint_every_s=1200.0),
}
SHOWN = {"tiny": (5, 16, 32), "compact": (49, 480, 832), "paper": (49, 480, 832)}
"""Frames, rows and columns of a sample."""
MIXTURE: tuple[tuple[float, dict[Mode, float]], ...] = (
    (0.0, {"one view": 0.3, "two views": 0.3, "three views": 0.3, "neighbour": 0.05, "middle": 0.05}),
    (0.3, {"one view": 0.2, "two views": 0.2, "three views": 0.3, "neighbour": 0.15, "middle": 0.15}),
    (0.6, {"one view": 0.2, "two views": 0.2, "three views": 0.2, "neighbour": 0.2, "middle": 0.2}),
)
"""Share of the steps -> how often each mode is drawn, linear between milestones."""
HISTORY, HISTORY_NOISE = 0.35, 0.05
"""How often first pictures are known to a generated sample, and the noise on their latents, of 1."""
TEXT_DROPPED = 0.1
"""Samples without a prompt, so that guidance has something to go away from."""


def mixture(share: float) -> dict[Mode, float]:
    """How often each mode is drawn when a share of the steps is done."""
    if share >= MIXTURE[-1][0]:
        return MIXTURE[-1][1]
    place = next(k for k in range(1, len(MIXTURE)) if share < MIXTURE[k][0])
    (before, a), (after, b) = MIXTURE[place - 1], MIXTURE[place]
    part = (share - before) / (after - before)
    return {mode: a[mode] + part * (b[mode] - a[mode]) for mode in a}


@dataclass(frozen=True, slots=True)
class VideoBatches:
    """Clips of takes or logs by step; all samples of a step are of one mode. Picklable for data workers."""

    takes: tuple[Videos, ...]
    shown: tuple[int, int, int]
    steps: int
    batch: int
    seed: int

    def __call__(self, step: int) -> dict[str, Tensor]:
        """The columns of `TakeVideos.clip` with a batch in front, "observed" float32 (B, V, F), "prompt" int64 (B,), -1 where it is dropped."""
        random = np.random.Generator(np.random.PCG64([self.seed, step]))
        frames, *size = self.shown
        fitting = {mode: [k for k, take in enumerate(self.takes) if take.frames >= frames and _groups(take, mode)] for mode in MODES.values()}
        odds = {mode: odd for mode, odd in mixture(step / max(1, self.steps)).items() if fitting[mode]}
        modes = list(odds)
        mode = modes[int(random.choice(len(modes), p=np.array(list(odds.values())) / sum(odds.values())))]
        rows, observed, prompts = [], [], []
        for number in random.choice(fitting[mode], self.batch):
            take = self.takes[number]
            groups = _groups(take, mode)
            group = groups[int(random.integers(len(groups)))]
            start = int(random.integers(take.frames - frames + 1))
            origin = start if random.random() < 0.5 else int(random.integers(start + 1))
            rows.append(take.clip(group, start, frames, origin, (size[0], size[1])))
            observed.append(_observed(mode, len(group), 1 + (frames - 1) // 4, random))
            prompts.append(-1 if random.random() < TEXT_DROPPED else int(number))
        made = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
        return made | {"observed": torch.from_numpy(np.stack(observed)), "prompt": torch.tensor(prompts)}


def _groups(take: Videos, mode: Mode) -> list[tuple[int, ...]]:
    """Cameras of a take, left to right, that a mode can be drawn of."""
    if mode == "one view":
        return [(number,) for number in take.numbers]
    return list(take.pairs if mode in ("two views", "neighbour") else take.triplets)


def _observed(mode: Mode, views: int, frames: int, random: np.random.Generator) -> np.ndarray:
    """float32 (V, F), 1 = observed."""
    flags = np.zeros((views, frames), np.float32)
    if mode == "middle":
        flags[[0, 2]] = 1
    elif mode == "neighbour":
        flags[int(random.integers(2))] = 1
    if random.random() < HISTORY:
        flags[:, : min(int(random.integers(1, 3)), frames - 1)] = 1
    return flags


class BranchLoss:
    """Rectified flow of the latents of a batch's pictures, under a frozen backbone; the loop hands over the branch that it trains."""

    def __init__(self, model: Controlled, latents: VideoLatents, texts: Tensor) -> None:
        """`texts` (takes + 1, L, E): each take's prompt, then the empty one."""
        self.model, self.latents, self.texts = model, latents, texts

    def __call__(self, branch: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """The flow's loss; anchors weigh a tenth."""
        if branch is not self.model.control:
            raise ValueError("The branch that is trained is not the model's own: hand the loop model.control.")
        with torch.no_grad(), torch.autocast(generator.device.type, enabled=False):
            clean, controls = self.inputs(batch, generator)
        text = self.texts[batch["prompt"].cpu()].to(clean.device)                    # (B, L, E)
        kind = text.dtype

        def velocity(x: Tensor, t: Tensor) -> Tensor:
            return self.model(x.to(kind), 1000 * t, text, Controls(*(part.to(kind) for part in controls)))

        return {"total": flow_loss(velocity, clean, controls.observed, generator)}

    def inputs(self, batch: Mapping[str, Tensor], generator: torch.Generator) -> tuple[Tensor, Controls]:
        """Clean latents (B, V, C, F, h, w) and the controls of a batch."""
        pictures, device = batch["picture"], batch["picture"].device                 # (B, V, P, H, W, 3)
        shape = pictures.shape[:2]

        def encoded(name: str, video: Any) -> Tensor:
            views = [video(view.cpu().numpy()) for view in batch[name].flatten(0, 1)]
            return self.latents.encode(torch.stack(views)).unflatten(0, shape).to(device)            # (B, V, C, F, h, w)

        clean = encoded("picture", video_of)
        flags = batch["observed"]                                                    # (B, V, F)
        observed = torch.stack([observed_mask(one.bool().tolist(), (clean.shape[4], clean.shape[5])) for one in flags]).to(device)
        noise = torch.randn(clean.shape, generator=generator, device=device)
        carried = (flags.mean(2) < 1).float()[..., None, None, None, None]           # (B, V, 1, 1, 1, 1): anchors are clean
        hint = (clean + HISTORY_NOISE * carried * noise) * observed                  # (B, V, C, F, h, w)
        rays = rays_to_video(batch["rays"].flatten(0, 1), batch["pose"].flatten(0, 1)).unflatten(0, shape)           # (B, V, 6, P, H, W)
        return clean, Controls(
            hint,
            observed,
            repeated_first(rays, self.latents.temporal),
            encoded("semantic", semantic_video),
            encoded("coordinate", coordinate_video),
        )


def main(
    preset: str,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    steps: int | None = None,
    batch: int | None = None,
    workers: int | None = None,
    data: str | None = None,
) -> dict[str, Any]:
    """Trains a branch on the videos of `data` (`engine.data.videos`) and writes `control.safetensors` and its card into `out`, which `wan-*` loads.

    WanError where the backbone's weights are not here, DataError where the data cannot be used.
    """
    check_preset(preset, SCHEDULES, "Wan branch")
    among, where = processes.current(device), pick_device(device)
    name = NAMES[preset]
    takes, folder = open_videos(data), places.repository_folder(name)
    shown, schedule = SHOWN[preset], SCHEDULES[preset].scaled(steps, batch, workers)
    if not any(take.frames >= shown[0] for take in takes):
        raise ValueError(f"Nothing in {data} has the {shown[0]} frames of a sample of preset '{preset}': generate longer takes, or copy nuScenes' sweeps too.")
    kind = torch.bfloat16 if where.type == "cuda" else torch.float32
    latents = loading.load_latents(folder, where)
    backbone = loading.load_backbone(folder, kind).to(where)
    torch.manual_seed(schedule.seed)
    model = loading.controlled(backbone, loading.control_config(backbone, latents, places.SOURCES[name].hints), torch.float32)
    model.control.float().requires_grad_(True)
    recompute(model)
    texts = encode_prompts(folder, [*(take.prompt for take in takes), ""], where, kind)
    facts = train(
        model.control,
        BranchLoss(model, latents, texts),
        VideoBatches(tuple(takes), shown, schedule.steps, schedule.batch, schedule.seed),
        schedule,
        out / "wan_run",
        device=where,
        resume=resume,
    )
    facts |= {"backbone": places.SOURCES[name].repository, "data": f"{len(takes)} videos of {data}", "shown": shown}
    if among.writes:
        loading.save_branch(model.control, out, torch.bfloat16 if where.type == "cuda" else torch.float32, facts)
    return facts
