"""diffusers' schedulers over the latents of a group of views: what is observed stays.

Legend: B groups, V views, C channels, F latent frames, h w latent rows and columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from torch import Tensor

from engine.api import Cancelled
from engine.views.ggve.control import Controlled, Controls
from engine.views.ggve.wan.settings import Settings

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Latents (B, V, C, F, h, w) and timesteps (B,), 0 to 1000, to their velocity, noise less clean."""


def scheduler_of(settings: Settings, device: torch.device | str = "cpu") -> Any:
    """A scheduler with its times set: `steps` of them from 1 down, shifted, without those above `strength`.

    They are always handed over: asked for a number alone, diffusers' Euler scheduler wastes its last step (`shared/notes/ggve.md`).
    UniPC's are those of Wan's own pipelines, which end a thousandth later.
    """
    shift, last = settings.shift, 1e-3 if settings.scheduler == "unipc" else 0.0
    even = np.linspace(1, last, settings.steps + 1)[:-1]
    shifted = shift * even / (1 + (shift - 1) * even)
    kept = even[shifted <= settings.strength + 1e-9] if settings.strength >= shifted[-1] else even[-1:]
    if settings.scheduler == "euler":
        scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    else:
        scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)
    scheduler.set_timesteps(sigmas=kept.copy(), device=device)
    return scheduler


def guided(model: Controlled, controls: Controls, text: Tensor, negative: Tensor | None, guidance: float, scale: float = 1.0) -> Velocity:
    """The velocity under classifier-free guidance; one pass where guidance is 1. Text is (B, L, E), of the model's own type."""

    def velocity(latents: Tensor, timestep: Tensor) -> Tensor:
        latents = latents.to(text.dtype)
        made = model(latents, timestep, text, controls, scale)                       # (B, V, C, F, h, w)
        if negative is None or guidance <= 1:
            return made
        without = model(latents, timestep, negative, controls, scale)
        return without + guidance * (made - without)

    return velocity


@torch.no_grad()
def sample(
    velocity: Velocity,
    noise: Tensor,
    clean: Tensor,
    observed: Tensor,
    scheduler: Any,
    cancelled: Cancelled,
    start: Tensor | None = None,
) -> Tensor | None:
    """Latents (B, V, C, F, h, w) float32; None where cancelled.

    What is `observed` (B, V, 1, F, h, w) is `clean` at every step, under as much noise as the step's, and clean at the end. With
    `start` the rest begins there under the noise of the scheduler's first time (video-to-video), else as noise.
    """
    first, known = float(scheduler.sigmas[0]), observed > 0.5
    x = noise if start is None else (1 - first) * start + first * noise
    for number, time in enumerate(scheduler.timesteps):
        if cancelled():
            return None
        now = float(scheduler.sigmas[number])
        x = torch.where(known, (1 - now) * clean + now * noise, x)                   # (B, V, C, F, h, w)
        v = velocity(x, time.to(x.device).expand(len(x))).float()                    # (B, V, C, F, h, w)
        x = scheduler.step(v, time, x, return_dict=False)[0]
    return torch.where(known, clean, x)                                              # (B, V, C, F, h, w)
