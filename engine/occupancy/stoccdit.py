"""STOccDiT (paper 3.2, B.2): a diffusion transformer from layouts to occupancy latents, frame after frame.

`forward` is the whole story. `read_layout` and `read_history` do not depend on the noise or the timestep, so that a
sampler computes them once per frame and calls `denoise` for every step and guidance branch.
Legend: B batch, T noisy frames, M clean frames, N = h * w tokens, D width, C latent channels, P patch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from engine.occupancy.attention import rope_2d
from engine.occupancy.blocks import Block, KeysValues, modulate
from engine.occupancy.config import DitConfig
from engine.occupancy.layout_encoder import LayoutTokens
from engine.occupancy.local import LocalHead


@dataclass(frozen=True, slots=True)
class LayoutState:
    """What the noisy tokens need of a layout: tokens to add, and per block either tokens to refine or keys and values."""

    tokens: Tensor
    """(B*T, N, D)."""
    per_block: tuple[KeysValues, ...]
    """Empty unless the layout stream is one-way."""
    local: Tensor | None = None
    """(B*T, W, H, W) for the local head, where there is one."""

    def repeated(self, times: int) -> LayoutState:
        """For `times` noisy frames under each layout: training draws several noises per layout and pays for it once."""
        kept = tuple(KeysValues(*(part.repeat_interleave(times, 0) for part in (kv.keys, kv.values))) for kv in self.per_block)
        local = None if self.local is None else self.local.repeat_interleave(times, 0)
        return LayoutState(self.tokens.repeat_interleave(times, 0), kept, local)


@dataclass(frozen=True, slots=True)
class HistoryState:
    """What the noisy tokens need of the clean frames."""

    per_block: tuple[KeysValues, ...]
    ages: Tensor
    """(T, M) or (B, T, M) integers: how many frames back each clean frame lies from each noisy one; negative is unseen."""


class StOccDit(nn.Module):
    """Predicts the rectified-flow velocity of occupancy latents under a layout and a history of clean frames."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.config = config
        d, cells = config.width, config.patch**2 * config.latent
        self.enter = nn.Linear(cells, d)
        self.layout = LayoutTokens(config.layout_width, d)
        self.null_layout = nn.Parameter(torch.zeros(d))
        """Stands for 'no layout given' in guidance; a blank page is not that, it is a layout with nothing on it."""
        self.time = nn.Sequential(nn.Linear(256, d), nn.SiLU(), nn.Linear(d, d))
        self.blocks = nn.ModuleList(Block(d, config.heads, config.history, config.frame_embeddings) for _ in range(config.blocks))
        self.checkpointing = False
        """Whether training keeps one activation a block and works the others out again: a third slower, at the paper's size a quarter of the memory."""
        self.leave_modulation = nn.Linear(d, 2 * d)
        self.leave = nn.Linear(d, cells)
        for layer in (self.leave_modulation, self.leave):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.local: LocalHead | None = None
        if config.local_width:
            self.local = LocalHead(config.latent, config.local_width, config.local_blocks, d, config.patch, 4 * config.layout_width)

    def forward(
        self,
        noisy: Tensor,
        t: Tensor,
        layouts: Tensor,
        history: Tensor | None = None,
        ages: Tensor | None = None,
        drop_layout: Tensor | None = None,
    ) -> Tensor:
        """Velocity (B, T, C, H, W) of noisy latents (B, T, C, H, W) at times t (B, T) under layouts (B, T, 15, X, Y).

        `history` (B, M, C, H, W) holds clean latents in the coordinates of the frames that see them; `ages` says which those are.
        Without it the temporal branch is off (phase 1). `drop_layout` (B,) replaces layouts by the null embedding.
        """
        layout = self.read_layout(layouts, drop_layout)
        past = None if history is None else self.read_history(history, ages)
        return self.denoise(noisy, t, layout, past)

    def denoise(self, noisy: Tensor, t: Tensor, layout: LayoutState, history: HistoryState | None) -> Tensor:
        """One evaluation of the velocity field, (B, T, C, H, W)."""
        h, w = noisy.shape[-2] // self.config.patch, noisy.shape[-1] // self.config.patch
        rope = self._rope(h, w, noisy)
        condition = self.time(timestep_features(t).to(noisy.dtype))                  # (B, T, D)
        x = self.enter(self._patchify(noisy))                                        # (B, T, N, D)
        if self.config.layout_added:
            x = x + layout.tokens.view_as(x)                                         # (B, T, N, D)
        stream = layout.tokens if self.config.layout_tokens == "joint" else None
        for index, block in enumerate(self.blocks):
            offered = layout.per_block[index] if layout.per_block else stream
            past = history.per_block[index] if history else None
            ages = history.ages if history else None
            x, refined = self._worked(block.noisy_pass, x, condition, rope, offered, past, ages)
            stream = refined if stream is not None else None
        shift, scale = self.leave_modulation(condition).unsqueeze(2).chunk(2, -1)    # (B, T, 1, D) each
        x = modulate(x, shift, scale)                                                # (B, T, N, D)
        velocity = self._unpatchify(self.leave(x), h, w)                             # (B, T, C, H, W)
        if self.local is None or layout.local is None:
            return velocity
        nearby = (x.flatten(0, 1), noisy.flatten(0, 1), layout.local, condition.flatten(0, 1))
        return velocity + self.local(*nearby).view_as(velocity)                      # (B, T, C, H, W)

    def read_layout(self, layouts: Tensor, drop: Tensor | None = None) -> LayoutState:
        """Layouts (B, T, 15, X, Y) as tokens, refined through the depth where the stream is one-way."""
        tokens, features = self.layout(layouts.flatten(0, 1))                        # (B*T, N, D), (B*T, 4 E, H, W)
        if drop is not None:
            drop = drop.repeat_interleave(layouts.shape[1])
            tokens = torch.where(drop[:, None, None], self.null_layout.to(tokens.dtype), tokens)
        local = None if self.local is None else self.local.read_layout(features, drop)     # (B*T, W, H, W)
        return self._refine_layout(tokens, layouts.shape[-2] // 8, layouts.shape[-1] // 8, local)

    def null_state(self, batch: int, h: int, w: int) -> LayoutState:
        """The layout state of 'no layout given' for a grid of h x w tokens, for the second branch of guidance."""
        size = h * self.config.patch, w * self.config.patch
        local = None if self.local is None else self.local.null_layout[:, None, None].expand(batch, -1, *size)
        return self._refine_layout(self.null_layout.expand(batch, h * w, -1), h, w, local)

    def _refine_layout(self, tokens: Tensor, h: int, w: int, local: Tensor | None) -> LayoutState:
        if self.config.layout_tokens != "one_way":
            return LayoutState(tokens, (), local)
        rope, x, kept = self._rope(h, w, tokens), tokens, []
        for block in self.blocks:
            x, offered = block.layout_pass(x, rope)
            kept.append(offered)
        return LayoutState(tokens, tuple(kept), local)

    def read_history(self, history: Tensor, ages: Tensor | None = None) -> HistoryState:
        """Clean latents (B, M, C, H, W), oldest first, as keys and values per block; ages default to M, ..., 1 for one noisy frame."""
        m = history.shape[1]
        device = history.device
        if ages is None:
            ages = torch.arange(m, 0, -1, device=device)[None]
        own = torch.arange(m, device=device)
        own = own[:, None] - own[None, :]                                            # (M, M), negative = later, unseen
        own = own.masked_fill(own > self.config.history, -1)                         # nor does a rollout see farther back
        rope = self._rope(history.shape[-2] // self.config.patch, history.shape[-1] // self.config.patch, history)
        x, kept = self.enter(self._patchify(history)), []
        for block in self.blocks:
            x, offered = self._worked(block.clean_pass, x, rope, own)
            kept.append(offered)
        return HistoryState(tuple(kept), ages)

    def _worked(self, work: Callable[..., Any], *given: Any) -> Any:
        return checkpoint(work, *given, use_reentrant=False) if self.checkpointing and torch.is_grad_enabled() else work(*given)

    @property
    def remembers(self) -> bool:
        """Whether phase 2 has opened the temporal branch."""
        return any(bool(block.time_gate != 0) for block in self.blocks)

    def _patchify(self, latents: Tensor) -> Tensor:
        p = self.config.patch
        b, t, c, height, width = latents.shape
        cut = latents.reshape(b, t, c, height // p, p, width // p, p)
        return cut.permute(0, 1, 3, 5, 2, 4, 6).reshape(b, t, (height // p) * (width // p), c * p * p)

    def _unpatchify(self, tokens: Tensor, h: int, w: int) -> Tensor:
        p, c = self.config.patch, self.config.latent
        b, t = tokens.shape[:2]
        cut = tokens.reshape(b, t, h, w, c, p, p).permute(0, 1, 4, 2, 5, 3, 6)
        return cut.reshape(b, t, c, h * p, w * p)

    def _rope(self, h: int, w: int, like: Tensor) -> Tensor:
        return rope_2d(h, w, self.config.width // self.config.heads, like.device, like.dtype)


def timestep_features(t: Tensor) -> Tensor:
    """Sinusoids (..., 256) float32 of times in [0, 1]."""
    frequency = torch.exp(-math.log(10000.0) * torch.arange(128, device=t.device, dtype=torch.float32) / 128)
    angle = t.float()[..., None] * 1000.0 * frequency
    return torch.cat([angle.cos(), angle.sin()], -1)
