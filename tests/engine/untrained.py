"""Generators of the tiny preset whose weights nobody trained, the same each time: for tests of what goes on around the models."""

from __future__ import annotations

import torch

from engine.occupancy.config import OccupancyPreset, TokensConfig
from engine.occupancy.prior.sketch import Sketch
from engine.occupancy.prior.tokens import TokenPrior
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae


def untrained_generator(preset: OccupancyPreset, spread: float = 0.0, spread_sketch: bool = False) -> OccupancyGenerator:
    """A preset that begins from tokens, with random codes; STOccDiT's parameters, and the sketch's where asked, are moved by `spread`, so that none is zero."""
    torch.manual_seed(0)
    assert isinstance(preset.prior, TokensConfig)
    vae, dit, sketch = OccupancyVae(preset.vae), StOccDit(preset.dit), Sketch(preset.prior.sketch)
    sketch.codebook.copy_(torch.randn(sketch.codebook.shape))
    with torch.no_grad():
        for model in (dit, sketch) if spread_sketch else (dit,) if spread else ():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * spread)
    return OccupancyGenerator(preset, vae, dit, TokenPrior(preset.prior, sketch), torch.device("cpu"))
