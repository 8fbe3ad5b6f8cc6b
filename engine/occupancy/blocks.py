"""What STOccDiT is made of: modulation, spatial and temporal attention, SwiGLU, one block.

Legend: B batch, T noisy frames, M clean (history) frames, N tokens of a frame, D width, H heads, K head width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.occupancy.attention import attend, rotate


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """AdaLN: layer norm without weights, then scale and shift."""
    return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift


class SwiGlu(nn.Module):
    """Gated feed-forward of about 4 D parameters' cost."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = 8 * ((width * 8 // 3 + 7) // 8)
        self.enter, self.leave = nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.enter(x).chunk(2, -1)
        return self.leave(F.silu(gate) * value)


class Projections(nn.Module):
    """Queries, keys and values with normalised queries and keys, and the way out."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"Width {width} must be divisible by its {heads} heads.")
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.q_scale, self.k_scale = nn.Parameter(torch.ones(width // heads)), nn.Parameter(torch.ones(width // heads))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., N, D) -> three of (..., H, N, K)."""
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(-2, -3) for part in self.qkv(x).chunk(3, -1))
        return _unit(q, self.q_scale), _unit(k, self.k_scale), v


def _unit(x: Tensor, scale: Tensor) -> Tensor:
    """RMS norm over the head's width; the scale in x's own type, without which torch leaves its fused kernel."""
    return F.rms_norm(x, x.shape[-1:], scale.to(x.dtype))


@dataclass(frozen=True, slots=True)
class KeysValues:
    """What one block keeps of a stream that others attend to."""

    keys: Tensor
    values: Tensor


class Block(nn.Module):
    """Spatial attention, temporal attention, feed-forward; AdaLN-Zero around each (paper 3.2, B.2).

    Three streams share its weights and have modulations of their own: noisy tokens (by timestep), layout tokens and clean
    tokens (both always at timestep 0, so their modulations are plain parameters).
    """

    def __init__(self, width: int, heads: int, history: int, frame_embeddings: bool = False) -> None:
        super().__init__()
        self.spatial, self.temporal = Projections(width, heads), Projections(width, heads)
        self.feed = SwiGlu(width)
        self.noisy_modulation = nn.Linear(width, 9 * width)
        self.layout_modulation = nn.Parameter(torch.zeros(6, width))
        self.clean_modulation = nn.Parameter(torch.zeros(9, width))
        self.time_gate = nn.Parameter(torch.zeros(()))
        """Scales the temporal branch; 0 at the start of phase 2, so that it begins as the single-frame model."""
        self.age_bias = nn.Parameter(torch.zeros(heads, history + 1))
        """Learned per frame of age: 0 is the frame itself."""
        self.age_embedding = nn.Parameter(torch.zeros(heads, history + 1, width // heads)) if frame_embeddings else None
        nn.init.zeros_(self.noisy_modulation.weight)
        nn.init.zeros_(self.noisy_modulation.bias)

    def layout_pass(self, x: Tensor, rope: Tensor) -> tuple[Tensor, KeysValues]:
        """Layout tokens (B, N, D) that attend only to themselves; what they offer to noisy tokens."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.layout_modulation
        q, k, v = self.spatial(modulate(x, shift1, scale1))                          # 3 x (B, H, N, K)
        q, k = rotate(q, rope), rotate(k, rope)
        x = x + gate1 * self.spatial.out(attend(q, k, v))                            # (B, N, D)
        x = x + gate2 * self.feed(modulate(x, shift2, scale2))                       # (B, N, D)
        return x, KeysValues(k, v)

    def clean_pass(self, x: Tensor, rope: Tensor, ages: Tensor) -> tuple[Tensor, KeysValues]:
        """Clean tokens (B, M, N, D): each frame by itself in space, causal in time; what they offer to noisy tokens."""
        shift1, scale1, gate1, shift2, scale2, gate2, shift3, scale3, gate3 = self.clean_modulation
        q, k, v = self.spatial(modulate(x, shift1, scale1))                          # 3 x (B, M, H, N, K)
        spatial = attend(rotate(q, rope).flatten(0, 1), rotate(k, rope).flatten(0, 1), v.flatten(0, 1))
        x = x + gate1 * self.spatial.out(spatial).view_as(x)                         # (B, M, N, D)
        q, k, v = self.temporal(modulate(x, shift2, scale2).transpose(1, 2))         # 3 x (B, N, H, M, K)
        offered = KeysValues(k, v)
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + self._age_scores(q, ages)
        mixed = (scores.softmax(-1) @ v).transpose(-2, -3).flatten(-2)               # (B, N, M, D)
        x = x + self.time_gate * (1 + gate2) * self.temporal.out(mixed).transpose(1, 2)    # (B, M, N, D)
        x = x + gate3 * self.feed(modulate(x, shift3, scale3))                       # (B, M, N, D)
        return x, offered

    def noisy_pass(
        self,
        x: Tensor,
        condition: Tensor,
        rope: Tensor,
        layout: Tensor | KeysValues | None,
        history: KeysValues | None,
        ages: Tensor,
    ) -> tuple[Tensor, Tensor | KeysValues | None]:
        """Noisy tokens (B, T, N, D) under conditions (B, T, D); joint layout tokens (B*T, N, D) are refined and returned."""
        modulation = self.noisy_modulation(F.silu(condition)).unsqueeze(2)           # (B, T, 1, 9D)
        shift1, scale1, gate1, shift2, scale2, gate2, shift3, scale3, gate3 = modulation.chunk(9, -1)
        q, k, v = (part.flatten(0, 1) for part in self.spatial(modulate(x, shift1, scale1)))
        q, k = rotate(q, rope), rotate(k, rope)                                      # (B*T, H, N, K)
        if isinstance(layout, Tensor):
            mixed, layout = self._joint(q, k, v, layout, rope)
        elif layout is None:
            mixed = attend(q, k, v)
        else:
            mixed = attend(q, torch.cat([k, layout.keys], -2), torch.cat([v, layout.values], -2))
        x = x + gate1 * self.spatial.out(mixed).view_as(x)                           # (B, T, N, D)
        if history is not None:
            seen = self._look_back(modulate(x, shift2, scale2), history, ages)       # (B, T, N, D)
            x = x + self.time_gate * (1 + gate2) * seen
        x = x + gate3 * self.feed(modulate(x, shift3, scale3))                       # (B, T, N, D)
        return x, layout

    def _joint(self, q: Tensor, k: Tensor, v: Tensor, layout: Tensor, rope: Tensor) -> tuple[Tensor, Tensor]:
        """Layout and noisy tokens attend to each other; returns the noisy tokens' mixture and the refined layout tokens."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.layout_modulation
        lq, lk, lv = self.spatial(modulate(layout, shift1, scale1))
        queries = torch.cat([q, rotate(lq, rope)], -2)
        mixed = attend(queries, torch.cat([k, rotate(lk, rope)], -2), torch.cat([v, lv], -2))
        mine, theirs = mixed.split([q.shape[-2], lq.shape[-2]], 1)
        layout = layout + gate1 * self.spatial.out(theirs)
        return mine, layout + gate2 * self.feed(modulate(layout, shift2, scale2))

    def _look_back(self, x: Tensor, history: KeysValues, ages: Tensor) -> Tensor:
        """Each noisy token sees itself and the clean tokens at its place, where `ages` (T, M) allows it."""
        q, k, v = self.temporal(x.transpose(1, 2))                                   # 3 x (B, N, H, T, K)
        scale = q.shape[-1] ** -0.5
        past = q @ history.keys.transpose(-1, -2) * scale + self._age_scores(q, ages)    # (B, N, H, T, M)
        now = torch.zeros(q.shape[-2], 1, dtype=ages.dtype, device=ages.device)      # (T, 1)
        itself = (q * k).sum(-1, keepdim=True) * scale + self._age_scores(q, now)    # (B, N, H, T, 1)
        weights = torch.cat([past, itself], -1).softmax(-1)
        mixed = weights[..., :-1] @ history.values + weights[..., -1:] * v           # (B, N, H, T, K)
        return self.temporal.out(mixed.transpose(-2, -3).flatten(-2)).transpose(1, 2)

    def _age_scores(self, q: Tensor, ages: Tensor) -> Tensor:
        """What queries (B, N, H, T, K) score for a frame's age alone, (..., H, T, M), ages (T, M) or (B, T, M); minus infinity where a frame must
        not be seen (age < 0)."""
        at = ages.clamp(0, self.age_bias.shape[1] - 1)
        scores = self.age_bias[:, at].masked_fill(ages < 0, float("-inf"))           # (H, ..., T, M)
        scores = scores if ages.dim() == 2 else scores.transpose(0, 1).unsqueeze(1)  # (B, 1, H, T, M) for ages of each sample
        if self.age_embedding is None:
            return scores
        by_age = q @ self.age_embedding.transpose(-1, -2) * q.shape[-1] ** -0.5      # (B, N, H, T, history + 1)
        at = at.expand(q.shape[0], *at.shape[-2:])[:, None, None]                    # (B, 1, 1, T, M)
        return scores + by_age.gather(-1, at.expand(*q.shape[:-1], -1))
