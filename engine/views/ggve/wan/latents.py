"""Videos to Wan's latents and back, scaled as the transformer knows them.

Legend: V views, P pixel frames, F = 1 + (P - 1) / 4 latent frames, H W pixels, C = 16 channels, h w = H/8, W/8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


class VideoLatents:
    """An `AutoencoderKLWan`, one view after another: its memory does not grow with their number."""

    def __init__(self, vae: Any) -> None:
        self.vae = vae.eval().requires_grad_(False)
        self.spatial, self.temporal = int(vae.config.scale_factor_spatial), int(vae.config.scale_factor_temporal)
        self.channels = int(vae.config.z_dim)
        self._mean, self._std = (torch.tensor(v)[:, None, None, None] for v in (vae.config.latents_mean, vae.config.latents_std))
        self._empty: dict[tuple[int, ...], Tensor] = {}

    @property
    def device(self) -> torch.device:
        return self.vae.device

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        """Latents float32 (V, C, F, h, w) of videos (V, 3, P, H, W) in [-1, 1]; P is 1, 5, 9, ..."""
        made = []
        for view in video:
            moved = view[None].to(self.vae.device, self.vae.dtype)                   # (1, 3, P, H, W)
            raw = self.vae.encode(moved).latent_dist.mode()[0].float()               # (C, F, h, w)
            made.append((raw - self._mean.to(raw)) / self._std.to(raw))
        return torch.stack(made)                                                     # (V, C, F, h, w)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Videos float32 (V, 3, P, H, W) in [-1, 1] of latents (V, C, F, h, w)."""
        made = []
        for view in latents:
            raw = view.float() * self._std.to(view.device) + self._mean.to(view.device)              # (C, F, h, w)
            made.append(self.vae.decode(raw[None].to(self.vae.device, self.vae.dtype)).sample[0].float())
        return torch.stack(made)                                                     # (V, 3, P, H, W)

    def empty(self, frames: int, height: int, width: int) -> Tensor:
        """Latents (C, F, h, w) of mid-grey, what VACE takes for nothing, P frames of H x W pixels."""
        key = (frames, height, width)
        if key not in self._empty:
            self._empty = {key: self.encode(torch.zeros(1, 3, *key))[0]}
        return self._empty[key]

    def latent_frames(self, frames: int) -> int:
        """Of so many frames of pixels."""
        return 1 + (frames - 1) // self.temporal


def video_of(pictures: np.ndarray) -> Tensor:
    """float32 (3, P, H, W) in [-1, 1] of uint8 (P, H, W, 3)."""
    return torch.from_numpy(pictures).permute(3, 0, 1, 2).float() / 127.5 - 1


def pictures_of(video: Tensor) -> np.ndarray:
    """uint8 (P, H, W, 3) of a video (3, P, H, W) in [-1, 1]."""
    return ((video.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0).cpu().numpy()
