"""Who judges pictures without a download: a small network that learned from drawn worlds to name what every pixel shows, and the weather.

Its scores mean something beside its scores on the drawn world itself: a view model that obeys is read as well as its teacher
(`shared/notes/ggve.md`, "Ours first").

Legend: B pictures, H W pixels, multiples of 8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.spec.classes import FREE, NOTHING_HIT
from engine.views.ggve.autoencoder import Block
from engine.views.look import Look
from engine.weights import WEIGHTS, load_model

KINDS = FREE + 1
"""Classes that a pixel may have; the sky stands in FREE's place."""
WEATHERS = ("dry", "rain", "fog", "snow")
RAIN, SNOW, FOG_PER_M = 0.2, 0.3, 0.012
"""From here on a look is called so."""


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """Channels at full, half, a quarter and an eighth of the resolution."""

    widths: tuple[int, ...] = (12, 24, 48, 96)


class Judge(nn.Module):
    """Pictures in [0, 1] to classes of pixels and the weather."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        w = config.widths
        self.down = nn.ModuleList(Block(a, b) for a, b in zip((3, *w[:-1]), w, strict=True))
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in zip(w[:-1], w[1:], strict=True))
        self.up = nn.ModuleList(Block(width, width) for width in w[:-1])
        self.kinds = nn.Conv2d(w[0], KINDS, 1)
        self.weather = nn.Sequential(nn.Linear(2 * w[-1], w[-1]), nn.SiLU(), nn.Linear(w[-1], len(WEATHERS)))

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) to logits (B, KINDS, H, W) and (B, len(WEATHERS))."""
        x = (2 * picture - 1).contiguous(memory_format=torch.channels_last)          # (B, 3, H, W)
        kept = []
        for number, stage in enumerate(self.down):
            x = stage(x if number == 0 else F.max_pool2d(x, 2))                      # (B, Wi, H/2^i, W/2^i)
            kept.append(x)
        seen = F.silu(x).float()                                                     # (B, W3, H/8, W/8)
        weather = self.weather(torch.cat([seen.mean((2, 3)), seen.std((2, 3))], 1))  # (B, len(WEATHERS))
        for number in reversed(range(len(self.up))):
            wide = F.interpolate(self.narrow[number](F.silu(x)), scale_factor=2.0)   # (B, Wi, H/2^i, W/2^i)
            x = self.up[number](kept[number] + wide)                                 # (B, Wi, H/2^i, W/2^i)
        return self.kinds(F.silu(x)).float(), weather


class Reading:
    """How well a judge reads pictures: classes of pixels against labels, the weather against what was asked for."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge.eval()
        self.counts = np.zeros((KINDS, KINDS), np.int64)
        self.weathers: list[bool] = []

    @torch.no_grad()
    def add(self, rgb: np.ndarray, label: np.ndarray, weather: str | None = None) -> None:
        """A picture uint8 (H, W, 3), the label uint8 (H, W) of what it is to show, 255 = sky, and the weather that was asked for."""
        x = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float() / 255
        kinds, sky = self.judge(x)
        read = kinds[0].permute(1, 2, 0).numpy().argmax(-1)  # as they lie in memory: a third of the time
        self.counts += np.bincount(kinds_of(label).ravel() * KINDS + read.ravel(), minlength=KINDS**2).reshape(KINDS, KINDS)
        if weather is not None:
            self.weathers.append(WEATHERS[int(sky[0].argmax())] == weather)

    def miou(self) -> float:
        """Mean over classes that the labels show, in [0, 1]."""
        hit, union = np.diag(self.counts), self.counts.sum(0) + self.counts.sum(1) - np.diag(self.counts)
        there = self.counts.sum(1) > 0
        return float((hit[there] / union[there]).mean()) if there.any() else 0.0

    def weather_right(self) -> float | None:
        """Share of the pictures; None where none was asked for."""
        return float(np.mean(self.weathers)) if self.weathers else None


def kinds_of(label: np.ndarray) -> np.ndarray:
    """Labels with the sky in FREE's place, int64."""
    return np.where(label == NOTHING_HIT, FREE, label).astype(np.int64)


def weather_of(look: Look) -> str:
    """What a look's weather is called: the first that it has of snow, rain and fog."""
    if look.snow >= SNOW:
        return "snow"
    if look.rain >= RAIN:
        return "rain"
    return "fog" if look.fog_per_m >= FOG_PER_M else "dry"


def load_judge() -> Judge:
    """The shipped one. WeightsError where it is missing."""
    judge = Judge(JudgeConfig())
    load_model(judge, WEIGHTS / "judge", JudgeConfig())
    return judge.to(memory_format=torch.channels_last)
