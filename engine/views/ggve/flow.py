"""Rectified flow over the latents of a group of views (paper 3.3): the loss, and the sampler that keeps what is observed.

Legend: B groups, V views, C channels, F latent frames, h w latent rows and columns. Time t goes from 0 (clean) to 1 (noise).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from engine.api import Cancelled

Time = TypeVar("Time", float, Tensor)
Velocity = Callable[[Tensor, Tensor], Tensor]
"""Latents (B, V, C, F, h, w) and t (B,) to their velocity, noise less clean."""
ANCHOR_WEIGHT = 0.1
"""Of observed latents in the loss, where others weigh 1 (paper B.3: anchors are weighted down)."""


def flow_loss(velocity: Velocity, clean: Tensor, observed: Tensor, generator: torch.Generator, shift: float = 1.0) -> Tensor:
    """Mean squared error of the velocity, t logit-normal and shifted as in `sigmas`; clean (B, V, C, F, h, w), observed (B, V, 1, F, h, w)."""
    t = shifted(torch.randn(len(clean), generator=generator, device=clean.device).sigmoid(), shift)  # (B,)
    noise = torch.randn(clean.shape, generator=generator, device=clean.device)       # (B, V, C, F, h, w)
    at = t[:, None, None, None, None, None]
    error = (velocity((1 - at) * clean + at * noise, t).float() - (noise - clean)).square()          # (B, V, C, F, h, w)
    weight = (1 - (1 - ANCHOR_WEIGHT) * observed).expand_as(error)                   # (B, V, C, F, h, w)
    return (error * weight).sum() / weight.sum()


def sigmas(steps: int, shift: float = 1.0) -> list[float]:
    """Times of `steps` Euler steps, from 1 to 0; a shift above 1 spends more of them near the noise."""
    return [shifted(1 - k / steps, shift) for k in range(steps + 1)]


def shifted(t: Time, shift: float) -> Time:
    """Times in [0, 1] moved towards the noise, 1, by a shift above 1."""
    return shift * t / (1 + (shift - 1) * t)


@torch.no_grad()
def sample(velocity: Velocity, noise: Tensor, clean: Tensor, observed: Tensor, times: list[float], cancelled: Cancelled) -> Tensor | None:
    """Latents that begin as `noise`, in Euler steps through `times` (`sigmas`); None where cancelled.

    What is `observed` (B, V, 1, F, h, w) is `clean` at every step, under as much noise as the step's, and clean at the end.
    """
    x, known = noise, observed > 0.5
    for now, after in zip(times[:-1], times[1:], strict=True):
        if cancelled():
            return None
        x = torch.where(known, (1 - now) * clean + now * noise, x)                   # (B, V, C, F, h, w)
        v = velocity(x, torch.full((len(x),), now, device=x.device)).float()         # (B, V, C, F, h, w)
        x = x + (after - now) * v
    return torch.where(known, clean, x)                                              # (B, V, C, F, h, w)
