"""The occupancy VAE (paper 3.2): semantics to a quarter-resolution latent and back.

Heights are folded into channels, so that everything after the class embedding is 2D. Legend: B batch, X Y Z voxels,
C latent channels, E class-embedding width, W feature width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor, nn
from torch.nn import functional as F

from engine.occupancy.config import VaeConfig
from engine.occupancy.layout_encoder import LayoutEmbedding
from engine.spec.classes import CHANNELS, CLASSES

LAYOUT_WIDTH = 32
"""Width of the layout features that the decoder sees, at full and (folded 2 x 2) at half resolution."""
NEAR_CELLS = 2
"""How far around a column its paint is felt by the class logits."""


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a skip; layer norm over channels keeps each column apart from the rest of the frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(width), ChannelNorm(width)
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(h)))


class ChannelNorm(nn.Module):
    """RMS norm over channels at each position: local, so an edit in one corner cannot move another (GroupNorm would leak)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        scale = torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-6).to(x.dtype)
        return x * scale * self.weight[:, None, None]


class AxialAttention(nn.Module):
    """Attention along rows, then along columns, with a skip around each."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.ModuleList(ChannelNorm(width) for _ in range(2))
        self.qkv = nn.ModuleList(nn.Conv2d(width, 3 * width, 1) for _ in range(2))
        self.out = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(2))
        for layer in self.out:
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        for axis in range(2):
            q, k, v = self._split(self.qkv[axis](self.norm[axis](x)), axis)
            # Plain matmul and softmax: at these short lengths torch's fused attention is slower backwards on a CPU.
            weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
            x = x + self.out[axis](self._merge(weights @ v, axis))
        return x

    def _split(self, qkv: Tensor, axis: int) -> tuple[Tensor, ...]:
        b, c3, nx, ny = qkv.shape
        parts = qkv.reshape(b, 3, self.heads, c3 // 3 // self.heads, nx, ny).unbind(1)
        order = (0, 4, 1, 3, 2) if axis == 0 else (0, 3, 1, 4, 2)
        return tuple(part.permute(*order) for part in parts)

    def _merge(self, out: Tensor, axis: int) -> Tensor:
        b, _, h, _, k = out.shape
        order = (0, 2, 4, 3, 1) if axis == 0 else (0, 2, 4, 1, 3)
        merged = out.permute(*order)
        return merged.reshape(b, h * k, *merged.shape[-2:])


@dataclass(frozen=True, slots=True)
class Posterior:
    """Diagonal Gaussian over latents, (B, C, X/4, Y/4)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        return self.mean + noise * torch.exp(0.5 * self.log_variance)

    def kl(self) -> Tensor:
        """Mean divergence from the unit Gaussian, a scalar in float32."""
        mean, log_variance = self.mean.float(), self.log_variance.float()
        return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()


class OccupancyVae(nn.Module):
    """`encode` semantics, `decode` latents to logits; `normalise`/`denormalise` go to and from unit variance for the DiT."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.config = config
        folded, w = config.embedding * config.heights, config.width
        self.classes = nn.Parameter(torch.randn(len(CLASSES), config.embedding))
        self.enter = nn.Conv2d(folded, w, 2, 2)
        self.encoder_half = nn.Sequential(*(ResidualBlock(w) for _ in range(config.blocks)))
        self.down = nn.Conv2d(w, 2 * w, 2, 2)
        self.encoder_quarter = nn.Sequential(*_quarter(config))
        self.to_latent = nn.Conv2d(2 * w, 2 * config.latent, 1)

        self.from_latent = nn.Conv2d(config.latent, 2 * w, 3, 1, 1)
        self.decoder_quarter = nn.Sequential(*_quarter(config))
        self.up = nn.Conv2d(2 * w, 4 * w, 1)
        if config.decoder_sees_layout:
            self.layout = LayoutEmbedding(LAYOUT_WIDTH)
            self.layout_half = nn.Conv2d(LAYOUT_WIDTH, w, 4, 2, 1)
            self.layout_full = nn.Conv2d(LAYOUT_WIDTH, LAYOUT_WIDTH, 3, 1, 1)
            self.asked = nn.Conv2d(2 * len(CHANNELS), len(CLASSES), 1)
            nn.init.zeros_(self.asked.weight)
            nn.init.zeros_(self.asked.bias)  # type: ignore[arg-type]
        self.decoder_half = nn.Sequential(*(ResidualBlock(w) for _ in range(config.blocks)))
        column = max(32, w // 2)
        self.leave = nn.Conv2d(w, 4 * column, 1)
        seen = column + (2 * LAYOUT_WIDTH if config.decoder_sees_layout else 0)
        self.column = nn.Sequential(nn.Conv2d(seen, folded, 1), nn.SiLU(), nn.Conv2d(folded, folded, 1))
        self.class_scale = nn.Parameter(torch.tensor(1.0))
        self.class_bias = nn.Parameter(torch.zeros(len(CLASSES)))

        self.register_buffer("latent_mean", torch.zeros(config.latent))
        self.register_buffer("latent_std", torch.ones(config.latent))

    def encode(self, semantics: Tensor) -> Posterior:
        """Semantics (B, X, Y, Z) integers -> posterior over (B, C, X/4, Y/4)."""
        embedded = self.classes[semantics.long()]                                    # (B, X, Y, Z, E)
        folded = embedded.flatten(3).permute(0, 3, 1, 2)                             # (B, Z*E, X, Y)
        half = self.encoder_half(self.enter(folded))                                 # (B, W, X/2, Y/2)
        quarter = self.encoder_quarter(self.down(half))                              # (B, 2W, X/4, Y/4)
        mean, log_variance = self.to_latent(quarter).chunk(2, 1)                     # (B, C, X/4, Y/4) each
        return Posterior(mean, log_variance.clamp(-12, 4))

    def decode(self, latents: Tensor, layouts: Tensor | None = None) -> Tensor:
        """Latents (B, C, X/4, Y/4), layouts (B, 15, X, Y) -> voxel features (B, X, Y, Z, E); `classify` turns them into logits."""
        quarter = self.decoder_quarter(self.from_latent(latents))                    # (B, 2W, X/4, Y/4)
        half = F.pixel_shuffle(self.up(quarter), 2)                                  # (B, W, X/2, Y/2)
        if self.config.decoder_sees_layout:
            if layouts is None:
                raise ValueError("This VAE's decoder sees the layout, and none was given: pass layouts to decode().")
            painted = self.layout(layouts)                                           # (B, L, X, Y)
            half = half + self.layout_half(painted)                                  # (B, W, X/2, Y/2)
        full = F.pixel_shuffle(self.leave(self.decoder_half(half)), 2)               # (B, W/2, X, Y)
        if self.config.decoder_sees_layout:
            full = torch.cat([full, painted, self.layout_full(painted)], 1)          # (B, W/2 + 2L, X, Y)
        columns = self.column(full).permute(0, 2, 3, 1)                              # (B, X, Y, Z*E)
        return columns.unflatten(-1, (self.config.heights, self.config.embedding))   # (B, X, Y, Z, E)

    def column_logits(self, layouts: Tensor | None) -> Tensor:
        """What the layout alone says of each column's classes, (B, X, Y, 21): no bus can stand where no bus is painted nearby.

        Eight numbers per voxel cannot keep ten kinds of vehicle apart with certainty; the paint, and the paint within NEAR_CELLS, can.
        The paper's decoder, which does not see the layout, has one bias per class: (21,).
        """
        if not self.config.decoder_sees_layout:
            return self.class_bias
        if layouts is None:
            raise ValueError("This VAE's classes depend on the layout, and none was given: pass layouts.")
        painted = layouts.to(self.class_bias.dtype)                                  # (B, 15, X, Y)
        near = F.max_pool2d(painted, 2 * NEAR_CELLS + 1, 1, NEAR_CELLS)              # (B, 15, X, Y)
        return self.asked(torch.cat([painted, near], 1)).permute(0, 2, 3, 1) + self.class_bias

    def classify(self, voxels: Tensor, columns: Tensor) -> Tensor:
        """Voxel features (..., E) -> class logits (..., 21): the dot product with each class embedding, and what is known of its column."""
        return voxels @ (self.class_scale * self.classes).T + columns

    def semantics(self, voxels: Tensor, layouts: Tensor | None = None) -> Tensor:
        """Most likely class, uint8 (B, X, Y, Z), of features (B, X, Y, Z, E). On a CPU a fused loop; a test holds it to `classify`."""
        columns = self.column_logits(layouts)
        if voxels.device.type == "cpu":
            classes = (self.class_scale * self.classes).detach().float().numpy()
            each = columns.detach().float().expand(*voxels.shape[:3], -1).contiguous().numpy()
            return torch.from_numpy(_most_likely(voxels.float().contiguous().numpy(), classes, each))
        return self.classify(voxels.float(), columns.float()[..., None, :]).argmax(-1).to(torch.uint8)

    def latents(self, semantics: Tensor) -> Tensor:
        """Normalised latents (B, C, X/4, Y/4) of class ids (B, X, Y, Z): the posterior's mean."""
        return self.normalise(self.encode(semantics).mean)

    def normalise(self, latents: Tensor) -> Tensor:
        """To zero mean and unit variance per channel; channels are on axis -3."""
        return (latents - self.latent_mean[:, None, None]) / self.latent_std[:, None, None]

    def denormalise(self, latents: Tensor) -> Tensor:
        return latents * self.latent_std[:, None, None] + self.latent_mean[:, None, None]


def _quarter(config: VaeConfig) -> list[nn.Module]:
    """Blocks at a quarter resolution: convolutions first, then attention over whole rows and columns."""
    convolutions: list[nn.Module] = [ResidualBlock(2 * config.width) for _ in range(config.blocks)]
    return convolutions + [AxialAttention(2 * config.width) for _ in range(config.axial_blocks)]


def _most_likely(voxels: np.ndarray, classes: np.ndarray, columns: np.ndarray) -> np.ndarray:
    *shape, heights, width = voxels.shape
    flat = _argmax_dot(voxels.reshape(-1, heights, width), classes, columns.reshape(-1, len(classes)))
    return flat.reshape(*shape, heights)


@njit(parallel=True, cache=True, fastmath=False)
def _argmax_dot(voxels: np.ndarray, classes: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """argmax over classes of voxels @ classes.T + columns for voxels (N, Z, E) without ever holding the (N, Z, 21) logits."""
    best = np.empty(voxels.shape[:2], np.uint8)
    for i in prange(len(voxels)):
        for z in range(voxels.shape[1]):
            top, winner = -np.inf, 0
            for c in range(len(classes)):
                score = columns[i, c]
                for e in range(classes.shape[1]):
                    score += voxels[i, z, e] * classes[c, e]
                if score > top:
                    top, winner = score, c
            best[i, z] = winner
    return best
