"""Looks for training, each with the words that ask for it: every light and weather, and what lies between the words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.views.look import Look, read_prompt

LIGHTS = {
    "noon": 1.0, "day": 1.5, "morning": 1.2, "afternoon": 1.2, "golden": 0.8, "sunset": 0.8, "sunrise": 0.4, "evening": 0.5, "dusk": 0.9, "dawn": 0.5,
    "night": 1.8,
}  # fmt: skip
"""Words of light, and how often each is drawn."""
WEATHERS = {
    "clear": 2.5, "": 1.5, "cloudy": 1.3, "overcast": 1.2, "haze": 0.4, "mist": 0.4, "fog": 0.5, "dense fog": 0.3, "drizzle": 0.5, "rain": 1.0, "downpour": 0.4,
    "wet": 0.4, "light snow": 0.4, "snow": 0.9, "winter": 0.5,
}  # fmt: skip
"""Words of weather, likewise."""


def random_look(random: np.random.Generator, seed: int) -> tuple[Look, str]:
    """A look whose appearances `seed` draws, and its caption: what the words ask for, moved a little, under a sun anywhere."""
    words = [_drawn(random, kinds) for kinds in (LIGHTS, WEATHERS)]
    if random.random() < 0.2:  # of two words that speak of the sun the later holds
        words.reverse()
    caption = " ".join(word for word in words if word)
    look = read_prompt(caption, seed)[0]
    night = look.night if look.night in (0.0, 1.0) else float(np.clip(look.night + random.normal(0, 0.1), 0.2, 0.9))
    return replace(
        look,
        sun_azimuth_rad=float(random.uniform(0, 2 * np.pi)),
        sun_elevation_rad=float(np.clip(look.sun_elevation_rad * np.exp(random.normal(0, 0.2)), 0.03, 1.4)),
        sun=_moved(random, look.sun, 0.1),
        cloud=_moved(random, look.cloud, 0.15),
        night=night,
        fog_per_m=float(min(0.08, look.fog_per_m * np.exp(random.normal(0, 0.35)))),
        wet=_moved(random, look.wet, 0.15),
        rain=_moved(random, look.rain, 0.15),
        snow=_moved(random, look.snow, 0.15),
        warmth=_moved(random, look.warmth, 0.15),
    ), caption


def _drawn(random: np.random.Generator, kinds: dict[str, float]) -> str:
    weights = np.array(list(kinds.values()))
    return str(random.choice(list(kinds), p=weights / weights.sum()))


def _moved(random: np.random.Generator, value: float, far: float) -> float:
    """What is in [0, 1], moved within it; nothing stays nothing, so that no dry day has a little rain."""
    step = random.normal(0, far)
    return float(np.clip(value + step, 0, 1)) if value > 0 else 0.0
