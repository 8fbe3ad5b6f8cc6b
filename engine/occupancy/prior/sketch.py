"""What might stand where nothing is painted: a masked-token model over a codebook of latents, drawn before the flow begins.

Ours, not the paper's. A flow of few steps and little training answers "anything may stand here" with the mean of everything, and
the mean of houses and meadows decodes to meadow. A classifier has no such middle: cross entropy learns how often each thing
occurs long before it learns where. So a frame's latents are first sketched as entries of a codebook, a few at a time in random
order, each in the light of those before it (masked generation, Chang et al. 2022, with samples instead of the most confident
guesses, which would be meadow again). The flow then starts from that sketch under noise instead of from noise alone.

Legend: B batch, C latent channels, K codes, h w latent cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.occupancy.config import SketchConfig
from engine.occupancy.dice import Dice
from engine.occupancy.vae import ChannelNorm, ResidualBlock
from engine.spec.classes import CHANNELS
from engine.spec.grid import LATENT_CELLS


class FullAttention(nn.Module):
    """Attention of every token with every other, with a skip around it. Where they stand, the convolutions around it say."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = ChannelNorm(width)
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).flatten(2).unflatten(1, (3, self.heads, -1)).transpose(-1, -2).unbind(1)
        seen = F.scaled_dot_product_attention(q, k, v)                               # (B, heads, h*w/4, width/heads)
        return x + self.out(seen.transpose(-1, -2).reshape(x.shape))


class Sketch(nn.Module):
    """Log odds of every code at every latent cell, given the layout and the codes that are known."""

    codebook: Tensor

    def __init__(self, config: SketchConfig) -> None:
        super().__init__()
        self.config = config
        width, fine = config.width, config.fine_width
        self.register_buffer("codebook", torch.zeros(config.codes, config.latent))
        self.layout = nn.Conv2d(len(CHANNELS), fine, LATENT_CELLS, LATENT_CELLS)
        self.enter = nn.Conv2d(config.latent + 3, fine, 1)
        self.fine_in = ResidualBlock(fine)
        self.down = nn.Conv2d(fine, width, 2, 2)
        self.blocks = nn.ModuleList(nn.Sequential(ResidualBlock(width), FullAttention(width, config.heads)) for _ in range(config.blocks))
        self.up = nn.Conv2d(width, 4 * fine, 1)
        self.fine_out = ResidualBlock(fine)
        self.leave = nn.Sequential(ChannelNorm(fine), nn.Conv2d(fine, config.codes, 1))

    def forward(self, codes: Tensor, known: Tensor, layouts: Tensor, places: Tensor) -> Tensor:
        """Codes (B, h, w) integers, known (B, h, w) bool, layouts (B, 15, 4h, 4w), places (B, 2, h, w) -> log odds (B, K, h, w).

        h and w are even. `places` are those of `places_in`, or a crop of them.
        """
        seen = self.codebook[codes.long()].permute(0, 3, 1, 2) * known[:, None]      # (B, C, h, w)
        given = torch.cat([seen, known[:, None].to(seen.dtype), places.to(seen.dtype)], 1)   # (B, C + 3, h, w)
        fine = self.fine_in(self.enter(given) + self.layout(layouts.to(seen.dtype))) # (B, F, h, w)
        coarse = self.down(fine)                                                     # (B, W, h/2, w/2)
        for block in self.blocks:
            coarse = block(coarse)                                                   # (B, W, h/2, w/2)
        fine = self.fine_out(fine + F.pixel_shuffle(self.up(coarse), 2))             # (B, F, h, w)
        return self.leave(fine)                                                      # (B, K, h, w)

    def encode(self, latents: Tensor) -> Tensor:
        """Nearest code (B, h, w) of normalised latents (B, C, h, w)."""
        points = latents.permute(0, 2, 3, 1).flatten(0, 2)                           # (B*h*w, C)
        # |p - c|^2 without |p|^2, which all codes share.
        near = self.codebook.square().sum(1) - 2 * points @ self.codebook.T          # (B*h*w, K)
        return near.argmin(1).reshape(latents.shape[0], *latents.shape[2:])

    def decode(self, codes: Tensor) -> Tensor:
        """Normalised latents (B, C, h, w) of codes (B, h, w)."""
        return self.codebook[codes].permute(0, 3, 1, 2)

    @torch.no_grad()
    def draw(
        self, codes: Tensor, known: Tensor, wanted: Tensor, layouts: Tensor, places: Tensor, steps: int, dice: Dice
    ) -> Tensor:
        """Codes (B, h, w) with every `wanted` cell (B, h, w) drawn, in `steps` rounds of random cells, few at first, when each decides most.

        What is neither `known` (B, h, w) nor wanted stays unknown to all of them. A cell's round and its noise come from its
        dice alone, not from which other cells are wanted: an edit in one corner leaves another's draw as it was.
        """
        begin = dice(0, 1)[:, 0].to(known.device).sqrt() * steps                     # (B, h, w)
        # Gumbel noise on log odds: the highest is a sample.
        uniform = dice(1, self.config.codes).to(known.device)                        # (B, K, h, w)
        gumbel = -torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))               # (B, K, h, w)
        for step in range(steps):
            now = wanted & (begin >= step) & (begin < step + 1)                      # (B, h, w)
            if now.any():
                odds = self(codes, known, layouts, places).float()                   # (1, K, h, w)
                codes, known = torch.where(now, (odds + gumbel).argmax(1), codes), known | now
        return codes


def places_in(h: int, w: int, margin: int = 0) -> Tensor:
    """Each cell's place in its frame, (2, h, w), -1 to 1: what stands near the ego differs from what stands far off.

    A grid that has `margin` more cells on every side than a frame goes on beyond that.
    """
    x, y = (torch.linspace(-1, 1, size) * ((size - 1) / (size - 1 - 2 * margin)) for size in (h, w))
    return torch.stack(torch.meshgrid(x, y, indexing="ij"))
