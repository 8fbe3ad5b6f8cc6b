"""Rectified flow: x_t = (1 - t) x + t eps, the model predicts eps - x (paper 3.2, B.2)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.occupancy.prior import Begun
from engine.spec.classes import CHANNEL, SMALL_AGENTS

SMALL_AGENT_WEIGHT = 3.0
"""Added to the loss weight of latent cells that hold a small agent."""


def training_times(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Logit-normal (0, 1) times (B, T) in (0, 1) on the generator's device.

    The T draws of a row are stratified, one from each T-th of the distribution: one by one they are as random as before, together
    they cover it, and the loss of a step varies less.
    """
    count = shape[1]
    uniform = torch.rand(shape, generator=generator, device=generator.device)
    spread = (torch.arange(count, device=generator.device) + uniform) / count
    return torch.sigmoid(torch.special.ndtri(spread.clamp(1e-6, 1 - 1e-6)))


def noised(clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """x_t for latents (B, T, C, H, W) and times (B, T)."""
    t = t[..., None, None, None].to(clean.dtype)
    return (1 - t) * clean + t * noise


def small_agent_weight(layouts: Tensor, factor: int = 4) -> Tensor:
    """Loss weights (B, T, 1, H, W) from layouts (B, T, 15, X, Y): 1, plus 3 on latent cells that hold a small agent."""
    channels = [CHANNEL[name] for name in SMALL_AGENTS]
    small = layouts[:, :, channels].amax(2, keepdim=True).float()
    pooled = F.max_pool2d(small.flatten(0, 1), factor).unflatten(0, small.shape[:2])
    return 1 + SMALL_AGENT_WEIGHT * pooled


def painted_weight(layouts: Tensor, painted: float, factor: int = 4) -> Tensor:
    """Loss weights (B, T, 1, H, W) from layouts (B, T, 15, X, Y): `painted` on cells that are painted all over, 1 on unpainted ones."""
    share = F.avg_pool2d(layouts.amax(2, keepdim=True).float().flatten(0, 1), factor).unflatten(0, layouts.shape[:2])
    return 1 - (1 - painted) * share


def velocity_loss(predicted: Tensor, clean: Tensor, noise: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean squared error of the velocity, a scalar in float32."""
    error = (predicted.float() - (noise - clean).float()).square()
    return (error * weight).sum() / (weight.expand_as(error)).sum()


def euler_times(steps: int, begin: float = 1.0) -> list[float]:
    """steps + 1 times from `begin` (1 is noise) to 0 (data)."""
    return [begin * (1 - index / steps) for index in range(steps)] + [0.0]


@torch.no_grad()
def sample(
    velocity: Callable[[Tensor, float], Tensor], begun: Begun, steps: int, cancelled: Callable[[], bool] = lambda: False
) -> Tensor | None:
    """Euler steps from where a prior begins to data, latents (B, T, C, H, W); None where `cancelled()` said so between two steps.

    What is not free follows its own straight path, which is inpainting for a straight flow.
    """
    x = (1 - begun.at) * begun.latents + begun.at * begun.noise
    times = euler_times(steps, begun.at)
    for now, after in zip(times[:-1], times[1:], strict=True):
        if cancelled():
            return None
        x = x + (after - now) * velocity(x, now)
        x = begun.free * x + (1 - begun.free) * ((1 - after) * begun.latents + after * begun.noise)
    return x
