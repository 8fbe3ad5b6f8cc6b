"""The control branch of GGVE (paper 3.3, B.3): what the geometry and the pictures that are there already say, for a backbone of the Wan family.

A group's views are one sequence of tokens at one timestep. Beside the backbone's blocks runs a short row of blocks of the same structure
that sees the conditions; each hands the backbone a hint. Which mode a group is in, the conditions alone say: clean latents where pictures
are observed, zero elsewhere, and a mask (1 = observed; VACE's own means the opposite).

Legend: B groups, V views, C latent channels, F latent frames of a view, h w latent rows and columns, D width, N = V F h w / 4 tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from engine.views.ggve.backbone import Rotary

RAY = 6
"""Numbers of a Pluecker ray, [d, o x d]."""


class Controls(NamedTuple):
    """What is known of a group, all (B, V, channels, F, h, w) but `plucker`."""

    hint: Tensor
    """Clean latents where observed, 0 elsewhere; C channels."""
    observed: Tensor
    """1 channel, 1 = observed."""
    plucker: Tensor
    """(B, V, 6, F ft, h fh, w fw) rays [d, o x d] of pixels in the ego frame of frame 0, ft fh fw being ControlConfig.plucker_stride."""
    semantic: Tensor
    """Latents of the semantic buffer."""
    coordinate: Tensor
    """Latents of the coordinate buffer: one metric box for all views and calls."""


@dataclass(frozen=True, slots=True)
class ControlConfig:
    """Sizes of the branch."""

    layers: tuple[int, ...] = (0, 2, 4)
    """Backbone blocks after which a hint is added, one block of the branch for each."""
    hint_channels: int = 8
    semantic_channels: int = 16
    coordinate_channels: int = 16
    plucker_stride: tuple[int, int, int] = (1, 1, 1)
    """Frames, rows and columns of rays to a latent cell."""
    zero_init: bool = True
    """Begin without effect, beside a trained backbone; False where the two are trained together from nothing."""
    positions: Literal["width", "time", "shared"] = "width"
    """Where the views lie for rotary attention: side by side as one panorama, one after the other in time, or all in one place."""
    columns: float = 0.0
    """A picture is so many tokens wide for rotary attention, whatever its size; 0 counts tokens."""


class ControlBranch(nn.Module):
    """Conditions to hints. Its blocks begin as copies of the backbone's."""

    def __init__(self, config: ControlConfig, backbone: nn.Module) -> None:
        super().__init__()
        if config.layers[:1] != (0,) or list(config.layers) != sorted(set(config.layers)) or config.layers[-1] >= len(_blocks(backbone)):
            raise ValueError(f"Hints after blocks {config.layers} do not fit {len(_blocks(backbone))} blocks: begin with 0 and go up.")
        patch = backbone.patch_embedding
        assert isinstance(patch, nn.Conv3d)
        width, size = patch.out_channels, cast(Any, patch.kernel_size)
        self.config = config
        self.plucker = nn.Conv3d(RAY, RAY, config.plucker_stride, config.plucker_stride)
        self.rgb = nn.Conv3d(config.hint_channels + 1 + RAY, width, size, size)
        self.semantic = nn.Conv3d(config.semantic_channels, width, size, size)
        self.coordinate = nn.Conv3d(config.coordinate_channels, width, size, size)
        self.proj_in = nn.Linear(width, width)
        self.blocks = nn.ModuleList(deepcopy(_blocks(backbone)[layer]) for layer in config.layers)
        self.proj_out = nn.ModuleList(nn.Linear(width, width) for _ in config.layers)
        if config.zero_init:
            for linear in (self.proj_in, *self.proj_out):
                nn.init.zeros_(linear.weight)
                nn.init.zeros_(linear.bias)

    def forward(self, tokens: Tensor, controls: Controls, text: Tensor, time: Tensor, rotary: Rotary) -> list[Tensor]:
        """Hints (B, N, D), one for each layer; `tokens` (B, N, D) is the backbone's state before its first block."""
        rays = self.plucker(stacked(controls.plucker))                               # (B, 6, V F, h, w)
        known = torch.cat([stacked(controls.hint), stacked(controls.observed), rays], 1)             # (B, C + 7, V F, h, w)
        seen = self.rgb(known) + self.semantic(stacked(controls.semantic)) + self.coordinate(stacked(controls.coordinate))
        state = seen.flatten(2).transpose(1, 2)                                      # (B, M, D), M <= N
        state = torch.cat([state, state.new_zeros(len(state), tokens.shape[1] - state.shape[1], state.shape[2])], 1)
        state = tokens + self.proj_in(state)                                         # (B, N, D)
        hints = []
        for block, leave in zip(self.blocks, self.proj_out, strict=True):
            state = block(state, text, time, rotary)                                 # (B, N, D)
            hints.append(leave(state))                                               # (B, N, D)
        return hints


class Controlled(nn.Module):
    """A backbone of the Wan family (ours, or diffusers' as it is) and the branch that steers it."""

    def __init__(self, backbone: nn.Module, config: ControlConfig) -> None:
        super().__init__()
        self.backbone, self.control = backbone, ControlBranch(config, backbone)

    def forward(self, latents: Tensor, timestep: Tensor, text: Tensor, controls: Controls | None, scale: float = 1.0) -> Tensor:
        """Velocity (B, V, C, F, h, w) of latents of that shape at `timestep` (B,), 0 to 1000, given text (B, L, E).

        Without `controls` it is the backbone's own, which sees the views as one video.
        """
        base, views, size = self.backbone, latents.shape[1], latents.shape[3:]
        rotary = self.rotary(views, cast(tuple[int, int, int], tuple(size)), latents.device)
        tokens = base.patch_embedding(stacked(latents)).flatten(2).transpose(1, 2)   # (B, N, D)
        time, time_proj, words, _ = base.condition_embedder(timestep, text, None)    # (B, D), (B, 6 D), (B, L, D)
        time_proj = time_proj.unflatten(1, (6, -1))                                  # (B, 6, D)
        hints = {}
        if controls is not None:
            hints = dict(zip(self.control.config.layers, self.control(tokens, controls, words, time_proj, rotary), strict=True))
        for number, block in enumerate(_blocks(base)):
            tokens = block(tokens, words, time_proj, rotary)                         # (B, N, D)
            if number in hints:
                tokens = tokens + scale * hints[number]                              # (B, N, D)
        shift, factor = (base.scale_shift_table + time.unsqueeze(1)).chunk(2, 1)     # (B, 1, D) each
        tokens = (base.norm_out(tokens.float()) * (1 + factor) + shift).type_as(tokens)              # (B, N, D)
        return self._unpatched(base.proj_out(tokens), views, cast(tuple[int, int, int], tuple(size)))       # (B, V, C, F, h, w)

    def rotary(self, views: int, size: tuple[int, int, int], device: torch.device) -> Rotary:
        """Angles of the tokens of `views` views of F, h, w latents each."""
        f, h, w = (whole // part for whole, part in zip(size, self._patch, strict=True))
        config, head = self.control.config, cast(Any, self.backbone).config.attention_head_dim
        unit = config.columns / w if config.columns else 1.0
        view, t, y, x = torch.meshgrid(*(torch.arange(n, device=device, dtype=torch.float64) for n in (views, f, h, w)), indexing="ij")
        if config.positions == "width":
            x = x + view * w
        elif config.positions == "time":
            t = t + view * f
        level = 2 * (head // 6)
        parts = []
        for place, numbers in ((t, head - 2 * level), (y * unit, level), (x * unit, level)):
            rates = 1 / 10_000 ** (torch.arange(0, numbers, 2, device=device, dtype=torch.float64) / numbers)
            parts.append((place.flatten()[:, None] * rates).repeat_interleave(2, 1))  # (N, numbers)
        angles = torch.cat(parts, 1)[None, :, None]                                  # (1, N, 1, head)
        return angles.cos().float(), angles.sin().float()

    @property
    def _patch(self) -> tuple[int, int, int]:
        return cast(tuple[int, int, int], tuple(cast(Any, self.backbone).config.patch_size))

    def _unpatched(self, tokens: Tensor, views: int, size: tuple[int, int, int]) -> Tensor:
        a, b, c = self._patch
        f, h, w = size[0] // a, size[1] // b, size[2] // c
        x = tokens.reshape(len(tokens), views, f, h, w, a, b, c, -1)
        return x.permute(0, 1, 8, 2, 5, 3, 6, 4, 7).reshape(len(tokens), views, -1, *size)           # (B, V, C, F, h, w)


def stacked(x: Tensor) -> Tensor:
    """(B, V, C, F, h, w) with the views one after the other on the frames' axis: (B, C, V F, h, w)."""
    return x.transpose(1, 2).flatten(2, 3)


def control_layers(blocks: int, count: int) -> tuple[int, ...]:
    """Blocks of a backbone after which `count` hints come, evenly: 0, 5, ..., 35 of 40 for 8 (paper B.3)."""
    return tuple(range(0, blocks, math.ceil(blocks / count)))


def observed_mask(flags: Sequence[Sequence[bool]], size: tuple[int, int]) -> Tensor:
    """(V, 1, F, h, w) of a flag for each view and latent frame."""
    return torch.tensor(flags, dtype=torch.float32)[:, None, :, None, None].expand(-1, -1, -1, *size).clone()


def _blocks(backbone: nn.Module) -> nn.ModuleList:
    return cast(nn.ModuleList, backbone.blocks)
