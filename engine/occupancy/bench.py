"""The compact preset beside UniScene's published OccDiT configuration, in one process, whole frames end to end.

UniScene's sizes (12 blocks, width 512, 16 heads, 625 tokens, 50 sampler steps, no guidance, odd blocks temporal over 5
frames) are run with random weights in our own classes: speed needs no training, and neither side gains from the other's kernels.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import numpy as np
import torch

from engine.api import Recipe
from engine.devices import pick_device
from engine.occupancy.config import DitConfig, OccupancyPreset, SamplerConfig, VaeConfig
from engine.occupancy.prior import prior_without_weights
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.shipped import load_generator
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.spec.clip import SceneClip
from engine.spec.grid import OCC3D
from engine.spec.layout import Layout
from engine.spec.raster import rasterise

UNISCENE = OccupancyPreset(
    VaeConfig(latent=4, decoder_sees_layout=False),
    DitConfig(latent=4, blocks=12, width=512, heads=16, layout_tokens="none", layout_added=True, history=4),
    SamplerConfig(steps=50, guidance=1.0),
)
FRAMES = 4
MEASURED_STEPS = 5
"""UniScene's steps are all alike: this many are timed and the frame is scaled up to its 50."""


def bench_occupancy(clip: SceneClip) -> dict[str, float | int | str]:
    """Frames per second of both on `clip`, and their ratio (above 1: ours is faster)."""
    device = pick_device()
    (ours, _), theirs = load_generator("compact", device), _random(UNISCENE, device)
    ours_s = _seconds_per_frame(ours, clip, Recipe())
    few = _seconds_per_frame(theirs, clip, Recipe(steps=MEASURED_STEPS))
    one = _seconds_per_frame(theirs, clip, Recipe(steps=1))
    step_s = (few - one) / (MEASURED_STEPS - 1)
    theirs_s = one + step_s * (UNISCENE.sampler.steps - 1)
    return {
        "ours_steps": ours.preset.sampler.steps,
        "ours_frames_per_s": 1 / ours_s,
        "uniscene_configuration_frames_per_s": 1 / theirs_s,
        "ratio": theirs_s / ours_s,
    }


def _seconds_per_frame(generator: OccupancyGenerator, clip: SceneClip, recipe: Recipe) -> float:
    """Median over frames, the first one left out: it pays for warming up."""
    times, started = [], time.perf_counter()
    for _ in generator.frames(clip, recipe):
        now = time.perf_counter()
        times.append(now - started)
        started = now
    return statistics.median(times[1:])


def _random(preset: OccupancyPreset, device: torch.device) -> OccupancyGenerator:
    torch.manual_seed(0)
    dit = StOccDit(preset.dit)
    for block in dit.blocks:
        torch.nn.init.constant_(block.time_gate, 0.1)  # type: ignore[arg-type]  # so that its temporal branch is paid for
    return OccupancyGenerator(preset, OccupancyVae(preset.vae), dit, prior_without_weights(preset), device)


def standing(street: Layout, frames: int = FRAMES) -> SceneClip:
    """A clip of one street while the ego stands: enough for timing."""
    layout, ground = rasterise(street, OCC3D, np.eye(4)), (replace(street, boxes=()),) * frames
    return SceneClip(np.repeat(layout[None], frames, 0), ((),) * frames, np.repeat(np.eye(4)[None], frames, 0), ground=ground)
