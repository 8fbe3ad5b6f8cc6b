"""From weights on disk to what generates, or is learned from: the one place that knows which files a preset has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from engine.occupancy.config import PRESETS, TokensConfig, VaeConfig, weights_folder
from engine.occupancy.prior import Prior
from engine.occupancy.prior.noise import NoisePrior
from engine.occupancy.prior.sketch import Sketch
from engine.occupancy.prior.tokens import TokenPrior
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.weights import WEIGHTS, load_model


def load_generator(preset: str, device: torch.device, weights: Path | None = None) -> tuple[OccupancyGenerator, dict[str, str]]:
    """A preset's generator and the SHA-256 of each of its weights: of `weights` itself or its folder for the preset, the shipped ones by default.

    Raises WeightsError, one sentence, where they cannot be used.
    """
    numbers, root = PRESETS[preset], weights or WEIGHTS
    folder = root if (root / "vae.card.json").exists() else root / weights_folder(preset)
    vae, dit = OccupancyVae(numbers.vae), StOccDit(numbers.dit)
    shas = {"vae": load_model(vae, folder / "vae", numbers.vae)["sha256"], "stoccdit": load_model(dit, folder / "stoccdit", numbers.dit)["sha256"]}
    prior: Prior = NoisePrior()
    if isinstance(numbers.prior, TokensConfig):
        sketch = Sketch(numbers.prior.sketch)
        shas["sketch"] = load_model(sketch, folder / "sketch", numbers.prior.sketch)["sha256"]
        prior = TokenPrior(numbers.prior, sketch)
    return OccupancyGenerator(numbers, vae, dit, prior, device), shas


def frozen_vae(stem: Path, config: VaeConfig, device: torch.device) -> tuple[OccupancyVae, dict[str, Any]]:
    """A VAE whose latents another model learns from, and its card. Raises WeightsError, one sentence, where it cannot be used."""
    vae = OccupancyVae(config)
    card = load_model(vae, stem, config)
    vae.to(device).eval().requires_grad_(False)
    if device.type == "cpu":
        vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return vae, card
