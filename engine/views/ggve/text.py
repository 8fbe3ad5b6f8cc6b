"""A prompt as the small model reads it: a token for each word of light and weather that it learned, and one for the look that the words and
the seed choose (`engine.views.look`), so that a sun has its place before any picture is drawn.

Legend: B prompts, L words, E width.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.views.drawn.light import EXPOSURE, Light
from engine.views.look import WORDS, Look

VOCABULARY = (
    "noon", "day", "morning", "afternoon", "golden", "sunset", "sunrise", "evening", "dusk", "dawn", "night", "clear", "cloudy", "overcast",
    "haze", "mist", "fog", "drizzle", "rain", "downpour", "wet", "snow", "winter", "dense", "light",
)  # fmt: skip
"""Words with a token of their own: those of the training captions."""
_LIKE = {
    "cloudless": "clear", "clouds": "cloudy", "puddles": "wet", "storm": "downpour", "stormy": "downpour", "smoke": "haze", "blizzard": "snow",
    "heavy": "dense", "thick": "dense", "strong": "dense", "slight": "light", "thin": "light",
}  # fmt: skip
LENGTH = 6
"""Words that are read; a longer prompt keeps its last ones, which hold where two speak of the same."""
LOOK = 21
"""Numbers of a look (`look_numbers`)."""


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Sizes of the encoder."""

    width: int = 96
    heads: int = 4
    layers: int = 1


class TextEncoder(nn.Module):
    """Words and a look to (B, LENGTH + 1, E)."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(len(VOCABULARY) + 1, config.width)
        self.places = nn.Parameter(torch.randn(LENGTH, config.width) * 0.02)
        layer = nn.TransformerEncoderLayer(config.width, config.heads, 2 * config.width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.look = nn.Sequential(nn.Linear(LOOK, config.width), nn.SiLU(), nn.Linear(config.width, config.width))

    def forward(self, words: Tensor, look: Tensor) -> Tensor:
        """words int64 (B, LENGTH) of `tokens`, look (B, LOOK) of `look_numbers`, zeros where it is not told."""
        read = self.layers(self.words(words) + self.places)                          # (B, LENGTH, E)
        return torch.cat([read, self.look(look)[:, None]], 1)                        # (B, LENGTH + 1, E)


def tokens(prompt: str) -> list[int]:
    """LENGTH numbers: of each word that is understood 1 + its place in VOCABULARY, then 0."""
    known = [1 + VOCABULARY.index(word) for word in map(_plain, re.findall(r"[a-z]+", prompt.lower())) if word]
    return (known[-LENGTH:] + [0] * LENGTH)[:LENGTH]


def look_numbers(look: Look, light: Light, world_R_ego: np.ndarray) -> np.ndarray:
    """float32 (LOOK,): the sun's direction in the ego frame of frame 0, how light and weather are, 1 to say that they are told; and the colours
    of sun, sky and air under the exposure that `light` gives them, ln(1 + x)."""
    told = (look.sun, look.cloud, look.night, 20 * look.fog_per_m, look.wet, look.rain, look.snow, look.warmth, 1.0)
    colours = np.stack([light.sun_rgb, light.ambient[0], light.haze.mean(0)]) * light.numbers[EXPOSURE]
    return np.concatenate([look.sun_direction() @ world_R_ego, told, np.log1p(np.maximum(colours, 0)).ravel()]).astype(np.float32)


def batch_of(prompts: Sequence[str], looks: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """What the encoder reads, of prompts and `look_numbers`."""
    return torch.tensor([tokens(prompt) for prompt in prompts]), torch.from_numpy(np.stack(looks))


def _plain(word: str) -> str:
    """The word of VOCABULARY that says the same; '' where none does."""
    if word in VOCABULARY:
        return word
    if word in _LIKE:
        return _LIKE[word]
    says = WORDS.get(word)
    return next((known for known in VOCABULARY if says is not None and WORDS.get(known) == says), "")
