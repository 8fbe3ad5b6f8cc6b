"""Light, weather and appearance of a take: read from the prompt and the seed, the same for every view and frame."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Look:
    """What the pictures share. Directions are in the world frame."""

    sun_azimuth_rad: float = 0.8
    sun_elevation_rad: float = 0.75
    sun: float = 1.0
    """Strength of direct light: 1 on a clear day, 0 under cloud or at night."""
    cloud: float = 0.35
    """Share of the sky that clouds cover."""
    night: float = 0.0
    """0 is day, 1 is night: lamps, headlights and windows are on."""
    fog_per_m: float = 0.0015
    """Share of light lost per metre of air."""
    wet: float = 0.0
    """0 is dry, 1 is a road that mirrors."""
    rain: float = 0.0
    """0 is none, 1 is steady rain: streaks in the air."""
    snow: float = 0.0
    """0 is none, 1 covers what lies open to the sky, with flakes in the air."""
    warmth: float = 0.0
    """0 is noon's white, 1 is a low orange sun."""
    seed: int = 0
    """Draws car colours, facades, clothes."""

    def sun_direction(self) -> np.ndarray:
        """(3,) float64 unit vector of the world that points to the sun."""
        level = math.cos(self.sun_elevation_rad)
        return np.array([math.cos(self.sun_azimuth_rad) * level, math.sin(self.sun_azimuth_rad) * level, math.sin(self.sun_elevation_rad)])


_DAY = {"sun": 1.0, "night": 0.0}
_CLEAR = {"sun": 1.0, "cloud": 0.12}
_LOW = {"sun_elevation_rad": 0.16, "warmth": 1.0, "sun": 0.9, "cloud": 0.35}
_DUSK = {"sun_elevation_rad": 0.05, "warmth": 0.9, "sun": 0.12, "night": 0.5, "cloud": 0.4}
_NIGHT = {"night": 1.0, "sun": 0.0}
_OVERCAST = {"sun": 0.0, "cloud": 1.0}
_FOG = {"fog_per_m": 0.035, "sun": 0.0, "cloud": 1.0}
_RAIN = {"wet": 1.0, "rain": 0.7, "sun": 0.0, "cloud": 1.0, "fog_per_m": 0.005}
_SNOW = {"snow": 1.0, "sun": 0.0, "cloud": 1.0, "fog_per_m": 0.005}
WORDS: dict[str, dict[str, float]] = {
    "clear": _CLEAR, "sunny": _CLEAR, "sun": _CLEAR, "bright": _CLEAR, "cloudless": {"sun": 1.0, "cloud": 0.0}, "blue": _CLEAR,
    "day": _DAY, "daytime": _DAY, "daylight": _DAY, "summer": _DAY,
    "noon": _DAY | {"sun_elevation_rad": 1.15}, "midday": _DAY | {"sun_elevation_rad": 1.15},
    "morning": _DAY | {"warmth": 0.5, "sun_elevation_rad": 0.42}, "afternoon": _DAY | {"warmth": 0.2, "sun_elevation_rad": 0.6},
    "sunset": _LOW, "sunrise": _LOW, "golden": _LOW | {"sun_elevation_rad": 0.24, "cloud": 0.2},
    "dusk": _DUSK, "dawn": _DUSK, "twilight": _DUSK, "evening": _LOW | {"sun_elevation_rad": 0.2, "warmth": 0.8},
    "night": _NIGHT, "nighttime": _NIGHT, "dark": _NIGHT, "midnight": _NIGHT, "nocturnal": _NIGHT,
    "fog": _FOG, "foggy": _FOG, "mist": _FOG | {"fog_per_m": 0.018}, "misty": _FOG | {"fog_per_m": 0.018},
    "haze": {"fog_per_m": 0.008, "sun": 0.7}, "hazy": {"fog_per_m": 0.008, "sun": 0.7}, "smoke": {"fog_per_m": 0.014, "sun": 0.4, "warmth": 0.5},
    "cloudy": {"sun": 0.45, "cloud": 0.75}, "clouds": {"cloud": 0.6}, "overcast": _OVERCAST, "grey": _OVERCAST, "gray": _OVERCAST, "gloomy": _OVERCAST,
    "rain": _RAIN, "rainy": _RAIN, "raining": _RAIN, "drizzle": _RAIN | {"rain": 0.3, "wet": 0.7}, "wet": {"wet": 1.0},
    "downpour": _RAIN | {"rain": 1.0, "fog_per_m": 0.012}, "storm": _RAIN | {"rain": 1.0, "fog_per_m": 0.012}, "stormy": _RAIN | {"rain": 1.0},
    "puddles": {"wet": 1.0}, "dry": {"wet": 0.0, "rain": 0.0},
    "snow": _SNOW, "snowy": _SNOW, "snowing": _SNOW, "snowfall": _SNOW,
    "winter": _SNOW | {"fog_per_m": 0.003, "snow": 0.7}, "blizzard": _SNOW | {"fog_per_m": 0.03},
}  # fmt: skip
"""What a word sets. Of two words that set the same, the later one in the prompt holds, except that night stays night."""
_STRONGER = {"heavy": 1.6, "dense": 1.6, "thick": 1.6, "strong": 1.6, "light": 0.5, "slight": 0.5, "thin": 0.5}
"""Words that scale the weather that the next known word names."""
_SCALED = {"fog_per_m": 0.08, "rain": 1.0, "snow": 1.0}
"""What they scale, and the most that it can be."""
_SILENT = frozenset(
    re.findall(
        r"\w+",
        "a an the of in on at and with under along between through very some "
        "weather time hour sky street streets road roads city urban suburban town scene driving "
        "traffic view camera photo video photorealistic realistic",
    )
)
"""Words that say nothing about light and weather, and need not."""


_STAGE = re.compile(r"[,;]?\s*\bat\s+(\d+(?:\.\d+)?)\s*s\b[:,]?", re.IGNORECASE)


def read_prompt(prompt: str, seed: int, time_s: float = 0.0) -> tuple[Look, tuple[str, ...]]:
    """The look that a prompt asks for at a time of the scene, and the words of it that are not known (to be told to the user), each once.

    "clear noon, at 3 s dusk, at 6 s rain" changes while driving: each stage says all of its light and weather, which is reached at its time;
    between two the look goes evenly from one to the other. What it says to single cameras (`prompt_of`) is read for its unknown words only.
    """
    everyone, own = parts(prompt)
    told = stages(everyone)
    read = [_read(words, seed) for _, words in told]
    unread = [words for one in own.values() for words in read_prompt(one, seed)[1]]
    unknown = tuple(dict.fromkeys([*(word for _, words in read for word in words), *unread]))
    later = next((k for k, (reached_s, _) in enumerate(told) if reached_s > time_s), len(told))
    if later in (0, len(told)):
        return read[max(0, later - 1)][0], unknown
    (before_s, _), (after_s, _) = told[later - 1 : later + 1]
    share = (time_s - before_s) / (after_s - before_s)
    before, after = (asdict(read[k][0]) for k in (later - 1, later))
    return Look(**{name: (1 - share) * value + share * after[name] for name, value in before.items() if name != "seed"}, seed=seed), unknown


def parts(prompt: str) -> tuple[str, dict[str, str]]:
    """What a prompt says to every camera, and what to single ones by their names: "clear noon | rear: night | left: fog, at 2 s rain"."""
    everyone, *own = prompt.split("|")
    named = (part.partition(":") for part in own)
    return everyone.strip(), {name.strip(): words.strip() for name, _, words in named}


def prompt_of(prompt: str, camera: str) -> str:
    """What a prompt says to the camera of a name: what is said to it alone, or else to all."""
    everyone, own = parts(prompt)
    return own.get(camera, everyone)


def stages(prompt: str) -> list[tuple[float, str]]:
    """Times of the scene in seconds, ascending, and what a prompt says of each; most prompts have one."""
    first, *later = _STAGE.split(prompt)
    told = [(float(time_s), words.strip()) for time_s, words in zip(later[::2], later[1::2], strict=True)]
    if first.strip() or not any(time_s == 0 for time_s, _ in told):
        told.insert(0, (0.0, first.strip()))
    return sorted(dict(told).items())


def words_at(prompt: str, time_s: float) -> str:
    """What a prompt says to all, or one of `prompt_of`, of the stage that a time is nearest to."""
    return min(stages(parts(prompt)[0]), key=lambda stage: abs(stage[0] - time_s))[1]


def _read(prompt: str, seed: int) -> tuple[Look, tuple[str, ...]]:
    """The look of one stage, and its unknown words."""
    values: dict[str, float] = {}
    unknown: dict[str, None] = {}
    scale = 1.0
    for word in re.findall(r"[a-z]+", prompt.lower()):
        if word in _STRONGER:
            scale = _STRONGER[word]
        elif word in WORDS:
            says = dict(WORDS[word])
            for key, most in _SCALED.items():
                if key in says:
                    says[key] = min(most, says[key] * scale)
            if values.get("night") == 1.0:  # 'night, clear sky' has no sun
                says = says | {"night": 1.0, "sun": 0.0}
            values |= says
            scale = 1.0
        elif word not in _SILENT:
            unknown[word] = None
    if values.get("night") == 1.0:
        values["sun"] = 0.0
    azimuth = float(np.random.default_rng(seed).uniform(0, 2 * np.pi))
    return Look(**({"sun_azimuth_rad": azimuth} | values), seed=seed), tuple(unknown)
