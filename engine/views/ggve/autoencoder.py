"""The appearance autoencoder: a picture to a small latent of light, weather and colours, and back by a decoder that sees the geometry.

The latent (8 numbers for 16 x 16 pixels) need not hold an edge: the decoder is a U-Net over the drawn world's G-buffers whose every stage
it modulates, x (1 + a) + b, as RAD does (`shared/notes/ggve.md`; a latent concatenated once at the bottom is ignored). The picture is
`lit S + B` of the lit albedo, which is where an untrained decoder begins (RenderFlow's form, the same notes). The encoder is shown the same as
the decoder, so the latent need not say what the geometry does: what is left is light and weather, nearly the same from cell to cell.

Legend: B views, H W pixels, h w = H/16, W/16, L latent channels, C context channels, Wi channels at stage i of Hi = H/2^i by Wi' = W/2^i.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.views.ggve.shown import FEATURES, LABELS, MATERIALS, Shown

STRIDE = 16
"""Pixels along an edge of the latent's cells; pictures are whole cells high and wide."""


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """Sizes of the networks."""

    widths: tuple[int, ...] = (16, 32, 64, 96, 128)
    """Channels of the decoder at full, half, ... and a sixteenth of the resolution."""
    encoder_widths: tuple[int, ...] = (24, 48, 64, 96)
    """Channels of the encoder from half to a sixteenth of the resolution."""
    latent: int = 8
    context: int = 24
    """Channels to which the latent is read before it modulates."""
    label_width: int = 8
    material_width: int = 4


CONFIGS = {
    "tiny": AutoencoderConfig((8, 8, 8, 8, 16), (8, 8, 8, 16), context=8),
    "compact": AutoencoderConfig(),
    "paper": AutoencoderConfig((64, 128, 256, 384, 512), (64, 128, 256, 512), context=64),
}


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a skip; `context` may modulate what lies between them."""

    def __init__(self, enter: int, width: int, context: int = 0) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(enter, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.skip = nn.Conv2d(enter, width, 1) if enter != width else nn.Identity()
        self.modulate = nn.Conv2d(context, 2 * width, 1) if context else None

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        inner = self.first(x)                                                        # (B, W, Hi, Wi')
        if self.modulate is not None and context is not None:
            a, b = self.modulate(context).chunk(2, 1)                                # (B, W, Hi, Wi') each
            inner = inner * (1 + a) + b
        return self.skip(x) + self.second(F.silu(inner))                             # (B, W, Hi, Wi')


class Encoder(nn.Module):
    """A picture, beside what is shown of its geometry, to its latent, whose L numbers have a mean square of 1 in every cell: noise of a given
    size weighs the same everywhere."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        w = config.encoder_widths
        self.enter = nn.Conv2d(24 + FEATURES, w[0], 3, 1, 1)
        self.levels = nn.ModuleList(Block(width, width) for width in w)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(w[:-1], w[1:], strict=True))
        self.leave = nn.Conv2d(w[-1], config.latent, 3, 1, 1)

    def forward(self, picture: Tensor, shown: Shown) -> Tensor:
        pixels = F.pixel_unshuffle(torch.cat([2 * picture - 1, 2 * shown.lit - 1], 1), 2)            # (B, 24, H/2, W/2)
        x = self.enter(_last(torch.cat([pixels, F.avg_pool2d(shown.features, 2)], 1)))               # (B, W0, H/2, W/2)
        for number, level in enumerate(self.levels):
            x = level(x if number == 0 else self.down[number - 1](F.silu(x)))        # (B, Wi, H/2^(i+1), W/2^(i+1))
        return _of_size_one(self.leave(F.silu(x)).float())                           # (B, L, h, w)


class Decoder(nn.Module):
    """A U-Net over what is shown of the geometry, every stage of it modulated by the latent."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        w, c = config.widths, config.context
        self.labels = nn.Embedding(LABELS, config.label_width)
        self.materials = nn.Embedding(MATERIALS, config.material_width)
        self.read = nn.Sequential(nn.Conv2d(config.latent, 2 * c, 3, 1, 1), nn.SiLU(), nn.Conv2d(2 * c, c, 3, 1, 1))
        entering = FEATURES + config.label_width + config.material_width
        self.down = nn.ModuleList(Block(a, b, c) for a, b in zip((entering, *w[:-1]), w, strict=True))
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in zip(w[:-1], w[1:], strict=True))
        self.up = nn.ModuleList(Block(width, width, c) for width in w[:-1])
        self.leave = nn.Conv2d(w[0], 6, 3, 1, 1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, latent: Tensor, shown: Shown) -> Tensor:
        kinds = torch.cat([self.labels(shown.label), self.materials(shown.material)], -1)   # (B, H, W, kinds)
        x = _last(torch.cat([shown.features, kinds.permute(0, 3, 1, 2)], 1))         # (B, FEATURES + kinds, H, W)
        read = self.read(latent)                                                     # (B, C, h, w)
        contexts, kept = [], []
        for number, stage in enumerate(self.down):
            contexts.append(_enlarged(read, STRIDE >> number))                       # (B, C, Hi, Wi')
            x = stage(x if number == 0 else F.avg_pool2d(x, 2), contexts[-1])        # (B, Wi, Hi, Wi')
            kept.append(x)
        for number in reversed(range(len(self.up))):
            wide = F.interpolate(self.narrow[number](F.silu(x)), scale_factor=2.0)   # (B, Wi, Hi, Wi')
            x = self.up[number](kept[number] + wide, contexts[number])               # (B, Wi, Hi, Wi')
        factor, shift = self.leave(F.silu(x)).float().chunk(2, 1)                    # (B, 3, H, W) each
        return shown.lit * (1 + factor) + shift                                      # (B, 3, H, W)


class Autoencoder(nn.Module):
    """Pictures in [0, 1] (B, 3, H, W) to latents (B, L, h, w) and, with what is shown of their geometry, back."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.register_buffer("latent_mean", torch.zeros(config.latent))
        self.register_buffer("latent_std", torch.ones(config.latent))
        self.to(memory_format=torch.channels_last)

    def forward(self, picture: Tensor, shown: Shown) -> Tensor:
        """There and back, not held to [0, 1]."""
        return self.decoder(self.encoder(picture, shown), shown)                     # (B, 3, H, W)

    def latents(self, picture: Tensor, shown: Shown) -> Tensor:
        """What a model of appearance learns: latents with mean 0 and deviation 1 in each channel over the training pictures."""
        raw = self.encoder(picture, shown)                                           # (B, L, h, w)
        return (raw - self.latent_mean[:, None, None]) / self.latent_std[:, None, None]              # (B, L, h, w)

    def draw(self, latents: Tensor, shown: Shown) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] of such latents."""
        raw = latents * self.latent_std[:, None, None] + self.latent_mean[:, None, None]     # (B, L, h, w)
        return self.decoder(_of_size_one(raw), shown).clamp(0, 1)                    # (B, 3, H, W)


def _of_size_one(raw: Tensor) -> Tensor:
    """Each cell's L numbers with a mean square of 1: where the encoder puts latents, and what was dreamt or mixed is put back."""
    return raw * torch.rsqrt(raw.square().mean(1, keepdim=True) + 1e-8)              # (B, L, h, w)


def _last(x: Tensor) -> Tensor:
    """The same numbers with channels last in memory: convolutions on a CPU take half the time."""
    return x.contiguous(memory_format=torch.channels_last)


def _enlarged(x: Tensor, times: int) -> Tensor:
    """Bilinear, cells' centres where their pixels' are."""
    return x if times == 1 else F.interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)
