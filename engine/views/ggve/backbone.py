"""A small transformer of the Wan class, for weights that we train and ship.

Its modules have the names, shapes and calls of diffusers' `WanTransformer3DModel`, so that the control branch (`control.py`) takes either,
weights go across unchanged, and a test compares the two. Written for a machine that has no diffusers.

Legend: B groups, N tokens, D width, E text width, L text tokens, F latent frames (of all views in turn), h w latent rows and columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rotary = tuple[Tensor, Tensor]
"""Cosines and sines, each (1, N, 1, head), of interleaved pairs."""


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """Sizes, by diffusers' names."""

    num_attention_heads: int = 5
    attention_head_dim: int = 32
    in_channels: int = 8
    out_channels: int = 8
    text_dim: int = 96
    freq_dim: int = 128
    ffn_dim: int = 448
    num_layers: int = 6
    patch_size: tuple[int, int, int] = (1, 2, 2)
    eps: float = 1e-6

    @property
    def width(self) -> int:
        return self.num_attention_heads * self.attention_head_dim


class Backbone(nn.Module):
    """Rectified-flow velocity of latents, given text."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.patch_embedding = nn.Conv3d(config.in_channels, width, config.patch_size, config.patch_size)
        self.condition_embedder = ConditionEmbedder(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm_out = nn.LayerNorm(width, config.eps, elementwise_affine=False)
        self.proj_out = nn.Linear(width, config.out_channels * math.prod(config.patch_size))
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2, width) / width**0.5)


class ConditionEmbedder(nn.Module):
    """Time and text for the blocks."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        width = config.width
        self.freq_dim = config.freq_dim
        self.time_embedder = _Two(config.freq_dim, width, nn.SiLU())
        self.time_proj = nn.Linear(width, 6 * width)
        self.text_embedder = _Two(config.text_dim, width, nn.GELU(approximate="tanh"))

    def forward(self, timestep: Tensor, text: Tensor, image: None = None) -> tuple[Tensor, Tensor, Tensor, None]:
        """Timesteps (B,) from 0 to 1000 and text (B, L, E) to (B, D), (B, 6 D) and (B, L, D)."""
        half = self.freq_dim // 2
        rates = torch.exp(-math.log(10_000) * torch.arange(half, device=timestep.device) / half)     # (freq / 2,)
        angles = timestep.float()[:, None] * rates                                   # (B, freq / 2)
        time = self.time_embedder(torch.cat([angles.cos(), angles.sin()], -1))       # (B, D)
        return time, self.time_proj(F.silu(time)), self.text_embedder(text), image


class _Two(nn.Module):
    """Two linear layers with a curve between them."""

    def __init__(self, enter: int, width: int, act: nn.Module) -> None:
        super().__init__()
        self.linear_1, self.linear_2, self._act = nn.Linear(enter, width), nn.Linear(width, width), act

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_2(self._act(self.linear_1(x)))                            # (.., D)


class Attention(nn.Module):
    """Of tokens to each other, or to text; queries and keys are normalised over all heads together."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        width, self.heads = config.width, config.num_attention_heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        self.norm_q, self.norm_k = nn.RMSNorm(width, config.eps), nn.RMSNorm(width, config.eps)

    def forward(self, x: Tensor, other: Tensor, rotary: Rotary | None) -> Tensor:
        q, k, v = self.norm_q(self.to_q(x).float()), self.norm_k(self.to_k(other).float()), self.to_v(other)         # (B, N, D), (B, M, D) twice
        q, k, v = (part.unflatten(2, (self.heads, -1)) for part in (q, k, v))        # (B, .., heads, head)
        if rotary is not None:
            q, k = turned(q, rotary), turned(k, rotary)
        q, k, v = (part.to(v.dtype).transpose(1, 2) for part in (q, k, v))           # (B, heads, .., head)
        return self.to_out[0](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))    # (B, N, D)


class Block(nn.Module):
    """Self-attention, cross-attention to text, feed-forward; time scales and shifts the first and the last (AdaLN)."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        width = config.width
        self.norm1 = nn.LayerNorm(width, config.eps, elementwise_affine=False)
        self.attn1, self.attn2 = Attention(config), Attention(config)
        self.norm2 = nn.LayerNorm(width, config.eps)
        self.norm3 = nn.LayerNorm(width, config.eps, elementwise_affine=False)
        self.ffn = FeedForward(width, config.ffn_dim)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 6, width) / width**0.5)

    def forward(self, x: Tensor, text: Tensor, time: Tensor, rotary: Rotary) -> Tensor:
        """x (B, N, D), text (B, L, D), time (B, 6, D)."""
        shift, scale, gate, f_shift, f_scale, f_gate = (self.scale_shift_table + time.float()).chunk(6, 1)   # (B, 1, D) each
        seen = (self.norm1(x.float()) * (1 + scale) + shift).type_as(x)              # (B, N, D)
        x = (x.float() + gate * self.attn1(seen, seen, rotary)).type_as(x)           # (B, N, D)
        x = x + self.attn2(self.norm2(x.float()).type_as(x), text, None)             # (B, N, D)
        seen = (self.norm3(x.float()) * (1 + f_scale) + f_shift).type_as(x)          # (B, N, D)
        return (x.float() + f_gate * self.ffn(seen).float()).type_as(x)              # (B, N, D)


class FeedForward(nn.Module):
    """Up, GELU, down; numbered as diffusers numbers them."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        up = nn.Module()
        up.proj = nn.Linear(width, inner)
        self.net = nn.ModuleList([up, nn.Identity(), nn.Linear(inner, width)])

    def forward(self, x: Tensor) -> Tensor:
        return self.net[2](F.gelu(self.net[0].proj(x), approximate="tanh"))          # (B, N, D)


def turned(x: Tensor, rotary: Rotary) -> Tensor:
    """x (B, N, heads, head) with each pair of numbers turned by its angle."""
    cosine, sine = rotary
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)                          # (B, N, heads, head / 2) each
    c, s = cosine[..., ::2], sine[..., ::2]                                          # (1, N, 1, head / 2) each
    return torch.stack([even * c - odd * s, even * s + odd * c], -1).flatten(3).type_as(x)           # (B, N, heads, head)
