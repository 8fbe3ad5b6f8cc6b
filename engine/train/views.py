"""`launch.py train views`: the compact view model on shaded procedural worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from engine.data.pictures import PicturePair, picture_pairs
from engine.devices import half_precision, pick_device
from engine.train import processes
from engine.train.batches import HELD_OUT_SEED
from engine.train.loop import Schedule, train
from engine.views.refiner import Refiner, RefinerConfig
from engine.weights import save_model

SCHEDULES = {
    "tiny": Schedule(steps=20, batch=2, rate=1e-3, warmup=5, ema=None, seed=3),
    "compact": Schedule(steps=420, batch=6, rate=1e-3, warmup=50, seed=3),
}


@dataclass(frozen=True, slots=True)
class PictureBatches:
    """Pairs of one world a step, picklable for data workers."""

    seed: int
    batch: int
    first_seed: int = 0

    def __call__(self, step: int) -> dict[str, Tensor]:
        """features (B, 14, H, W), labels (B, H, W), look (B, 6), teacher (B, 3, H, W)."""
        pairs: list[PicturePair] = []
        world = 0
        while len(pairs) < self.batch:
            number = self.first_seed + (self.seed * 7919 + step) * 16 + world
            pairs += picture_pairs(number, self.batch - len(pairs))
            world += 1
        return {
            "features": torch.from_numpy(np.stack([pair.shaded.features.transpose(2, 0, 1) for pair in pairs])),
            "labels": torch.from_numpy(np.stack([pair.shaded.labels for pair in pairs])),
            "look": torch.from_numpy(np.stack([pair.look.vector() for pair in pairs])),
            "teacher": torch.from_numpy(np.stack([pair.teacher.transpose(2, 0, 1) for pair in pairs])),
        }


def picture_loss(model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """L1 on pixels, and on their differences to the right and below, which keeps outlines sharp."""
    made, teacher = model(batch["features"], batch["labels"], batch["look"]).float(), batch["teacher"]
    pixel = (made - teacher).abs().mean()
    edge = sum((made.diff(dim=axis) - teacher.diff(dim=axis)).abs().mean() for axis in (-1, -2))
    assert isinstance(edge, Tensor)
    return {"pixel": pixel, "edge": edge, "total": pixel + edge}


def main(
    preset: str,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    steps: int | None = None,
    batch: int | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """Trains, measures PSNR on held-out worlds beside the unrefined shading, and writes `views.safetensors` and its card."""
    if preset not in SCHEDULES:
        raise ValueError(f"There is no view model of our own for preset '{preset}': choose {' or '.join(SCHEDULES)}.")
    among = processes.current(device)
    torch.manual_seed(3)
    out, where, config = Path(out), pick_device(device), RefinerConfig()
    schedule = SCHEDULES[preset].scaled(steps, batch, workers)
    model = Refiner(config)
    batches = PictureBatches(schedule.seed, schedule.batch)
    facts = train(
        model,
        picture_loss,
        batches,
        schedule,
        out / "views_run",
        device=where,
        resume=resume,
        picture=lambda m, step: _picture(m, out / "views_run" / f"sample_{step:06d}.png", where),
    )
    facts |= {
        "measured": held_out_psnr(model, where),
        "measured_on": "held-out procedural worlds, 144 x 256",
        "data": "engine.data.pictures",
    }
    if among.writes:
        save_model(model, out / "views", config, facts)
    return facts


@torch.no_grad()
def held_out_psnr(model: nn.Module, device: torch.device, batches: int = 8) -> dict[str, float]:
    """Mean PSNR (dB) against the teacher, of the network and of the shading that it starts from."""
    made, plain = [], []
    for step in range(batches):
        batch = {key: value.to(device) for key, value in PictureBatches(0, 6, HELD_OUT_SEED)(step).items()}
        with half_precision(device):
            rgb = model(batch["features"], batch["labels"], batch["look"]).float().clamp(0, 1)
        for pictures, kept in ((rgb, made), (batch["features"][:, :3].clamp(0, 1), plain)):
            error = (pictures - batch["teacher"]).square().mean((1, 2, 3))
            kept += (-10 * torch.log10(error.clamp_min(1e-10))).tolist()
    return {"psnr_db": round(float(np.mean(made)), 2), "psnr_of_plain_shading_db": round(float(np.mean(plain)), 2), "pictures": len(made)}


@torch.no_grad()
def _picture(model: nn.Module, path: Path, device: torch.device) -> None:
    """Rows: the shading, the network's picture, the teacher's."""
    training = model.training
    model.eval()
    batch = {key: value.to(device) for key, value in PictureBatches(0, 6, HELD_OUT_SEED)(0).items()}
    with half_precision(device):
        rgb = model(batch["features"], batch["labels"], batch["look"]).float()
    rows = [torch.cat(list(row.clamp(0, 1)), -1) for row in (batch["features"][:, :3], rgb, batch["teacher"])]
    sheet = (torch.cat(rows, -2).permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()
    Image.fromarray(sheet).save(path)
    model.train(training)
