"""Light, weather and appearance of a take: read from the prompt and the seed, the same for every view and frame."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Look:
    """What the pictures share. Directions are in the world frame, colours linear in [0, 1]."""

    sun_azimuth_rad: float = 0.8
    sun_elevation_rad: float = 0.9
    sun: float = 1.0
    """Strength of direct light: 1 on a clear day, 0 under cloud or at night."""
    night: float = 0.0
    """0 is day, 1 is night: lamps, headlights and windows are on."""
    fog_per_m: float = 0.003
    """Share of light lost per metre of air."""
    wet: float = 0.0
    """0 is dry, 1 is a road that mirrors the sky."""
    warmth: float = 0.0
    """0 is noon's white, 1 is a low orange sun."""
    seed: int = 0
    """Draws car colours, facades, clothes."""

    def vector(self) -> np.ndarray:
        """(6,) float32 in about [0, 1], for the network."""
        return np.array(
            [self.sun, self.night, min(1.0, self.fog_per_m * 20), self.wet, self.warmth, self.sun_elevation_rad / 1.6], np.float32
        )


_DAY = {"sun": 1.0, "night": 0.0}
WORDS: dict[str, dict[str, float]] = {
    "clear": {}, "sunny": _DAY, "sun": _DAY, "day": _DAY, "daytime": _DAY, "noon": _DAY | {"sun_elevation_rad": 1.25}, "summer": _DAY,
    "morning": {"warmth": 0.5, "sun_elevation_rad": 0.45}, "afternoon": {"sun_elevation_rad": 0.7},
    "sunset": {"warmth": 1.0, "sun_elevation_rad": 0.2}, "dusk": {"warmth": 0.9, "sun": 0.3, "night": 0.4, "sun_elevation_rad": 0.15},
    "dawn": {"warmth": 0.8, "sun": 0.4, "night": 0.3, "sun_elevation_rad": 0.15}, "evening": {"warmth": 0.8, "sun": 0.5, "sun_elevation_rad": 0.25},
    "night": {"night": 1.0, "sun": 0.0}, "dark": {"night": 1.0, "sun": 0.0}, "nighttime": {"night": 1.0, "sun": 0.0},
    "fog": {"fog_per_m": 0.045, "sun": 0.1}, "foggy": {"fog_per_m": 0.045, "sun": 0.1}, "mist": {"fog_per_m": 0.025, "sun": 0.3},
    "haze": {"fog_per_m": 0.012}, "cloudy": {"sun": 0.1}, "clouds": {"sun": 0.2}, "overcast": {"sun": 0.0}, "grey": {"sun": 0.0},
    "rain": {"wet": 1.0, "sun": 0.0, "fog_per_m": 0.010}, "rainy": {"wet": 1.0, "sun": 0.0, "fog_per_m": 0.010}, "wet": {"wet": 1.0},
}  # fmt: skip
_SILENT = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "and",
        "with",
        "under",
        "very",
        "light",
        "heavy",
        "weather",
        "time",
        "street",
        "road",
        "city",
        "urban",
        "scene",
        "driving",
        "traffic",
    ]
)


def read_prompt(prompt: str, seed: int) -> tuple[Look, tuple[str, ...]]:
    """The look that a prompt asks for, and the words that this model does not know (to be told to the user)."""
    values: dict[str, float] = {}
    unknown = []
    for word in re.findall(r"[a-z]+", prompt.lower()):
        if word in WORDS:
            values |= WORDS[word]
        elif word not in _SILENT:
            unknown.append(word)
    azimuth = float(np.random.default_rng(seed).uniform(0, 2 * np.pi))
    return Look(**({"sun_azimuth_rad": azimuth} | values), seed=seed), tuple(unknown)


def random_look(random: np.random.Generator) -> Look:
    """A look for training: every kind of light, in between too."""
    night = float(random.random() < 0.25)
    fog = float(random.choice([0.003, random.uniform(0.003, 0.05)], p=[0.7, 0.3]))
    return Look(
        sun_azimuth_rad=float(random.uniform(0, 2 * np.pi)),
        sun_elevation_rad=float(random.uniform(0.12, 1.3)),
        sun=(1 - night) * float(random.choice([1.0, 0.0, random.random()], p=[0.5, 0.25, 0.25])),
        night=night if night else float(random.choice([0.0, 0.35], p=[0.9, 0.1])),
        fog_per_m=fog,
        wet=float(random.random() < 0.2),
        warmth=float(random.choice([0.0, random.random()])),
        seed=int(random.integers(1 << 20)),
    )
