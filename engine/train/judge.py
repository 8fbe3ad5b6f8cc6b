"""`launch.py train judge`: the network that reads pictures of view models (`engine.metrics.judge`), on the drawn pictures that these learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.data import drawn_pictures
from engine.devices import pick_device
from engine.metrics.judge import WEATHERS, Judge, JudgeConfig, Reading, kinds_of, weather_of
from engine.train.loop import Schedule, check_preset, train
from engine.views.look import Look
from engine.weights import begun, save_model

SCHEDULES = {
    "tiny": Schedule(steps=10, batch=2, rate=1e-2, warmup=3, ema=0.9, seed=4, workers=0),
    "compact": Schedule(steps=5_000, batch=4, rate=2e-3, warmup=200, ema=0.998, seed=4, fall=0.4, workers=0, checkpoint_every_s=120.0),
}
CONFIGS = {"tiny": JudgeConfig((4, 4, 8, 8)), "compact": JudgeConfig()}
WORLDS = {"tiny": (4, 4), "compact": (400, 24)}
WEATHER_WEIGHT = 0.2


@dataclass(slots=True)
class JudgeBatches:
    """Whole pictures, half of them mirrored, with brightness and colour moved a little."""

    folder: Path
    worlds: int
    seed: int
    batch: int
    _pictures: dict[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, step: int) -> dict[str, Tensor]:
        """ "picture" float32 (B, 3, H, W), "label" int64 (B, H, W), "weather" int64 (B,)."""
        if not self._pictures:
            self._pictures = drawn_pictures.read(self.folder, self.worlds)
        random = np.random.Generator(np.random.PCG64([self.seed, step]))
        chosen = random.integers(len(self._pictures["picture"]), size=self.batch)
        picture, label = self._pictures["picture"][chosen] / np.float32(255), kinds_of(self._pictures["label"][chosen])
        picture = np.clip(picture * random.uniform(0.9, 1.1, (self.batch, 3, 1, 1)).astype(np.float32), 0, 1)
        if random.random() < 0.5:
            picture, label = picture[..., ::-1].copy(), label[..., ::-1].copy()
        weather = [WEATHERS.index(weather_of(_look(row))) for row in self._pictures["look"][chosen]]
        return {"picture": torch.from_numpy(picture), "label": torch.from_numpy(label), "weather": torch.tensor(weather)}


def judge_loss(model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Cross entropy of pixels and of the weather."""
    kinds, weather = model(batch["picture"])
    pixel, sky = F.cross_entropy(kinds, batch["label"]), F.cross_entropy(weather, batch["weather"])
    return {"pixel": pixel, "weather": sky, "total": pixel + WEATHER_WEIGHT * sky}


def main(
    preset: str, out: Path, *, resume: bool = False, device: str = "auto", steps: int | None = None, batch: int | None = None,
    worlds: int | None = None, begin: Path | None = None, pictures: Path = drawn_pictures.FOLDER,
) -> dict[str, Any]:  # fmt: skip
    """Trains on drawn pictures, which `train views` makes, measures on held-out ones and writes `judge.safetensors` and its card.
    It begins from nothing, or from the judge in the folder `begin`."""
    check_preset(preset, SCHEDULES, "judge")
    learned, held = worlds or WORLDS[preset][0], WORLDS[preset][1]
    if not (pictures / "train").is_dir():
        raise ValueError(f"There are no pictures in {pictures}: `launch.py train views` draws them.")
    torch.manual_seed(4)
    model, schedule = Judge(CONFIGS[preset]), SCHEDULES[preset].scaled(steps, batch)
    before = begun(model, begin, "judge", CONFIGS[preset])
    batches = JudgeBatches(pictures / "train", learned, schedule.seed, schedule.batch)
    facts = train(model, judge_loss, batches, schedule, Path(out) / "judge_run", device=pick_device(device), resume=resume)
    held_out = drawn_pictures.read(pictures / "held_out", held)
    facts |= before | {"measured": measured(model.cpu(), held_out), "measured_on": f"{held} drawn held-out procedural worlds"}
    save_model(model, Path(out) / "judge", CONFIGS[preset], facts)
    return facts


def measured(model: Judge, pictures: Mapping[str, np.ndarray], every: int = 2) -> dict[str, Any]:
    """How well it reads drawn pictures."""
    reading = Reading(model)
    for number in range(0, len(pictures["picture"]), every):
        rgb = pictures["picture"][number].transpose(1, 2, 0)
        reading.add(rgb, pictures["label"][number], weather_of(_look(pictures["look"][number])))
    return {"miou": round(reading.miou(), 4), "weather": round(reading.weather_right() or 0.0, 4), "pictures": len(reading.weathers)}


def _look(row: np.ndarray) -> Look:
    """Of Look's fields without the seed (10,)."""
    return Look(*(float(value) for value in row))
