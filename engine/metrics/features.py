"""Features of occupancy in the studio's own autoencoder, for Frechet and kernel distances. They are not Inception's.

A frame's latent means (normalised to unit variance per channel) are pooled over 5 x 5 squares, 16 m wide on the `occ3d` grid; the
mean and the standard deviation of every channel in one square make one feature vector. Squares rather than whole frames are the
samples: what is judged is how streets and blocks look, 25 samples a frame keep covariances well estimated, and where a road lies in the
frame is the layout's doing. What the VAE's decoder learns from the layout its latent need not hold, so these features
say most about what is invented, least about what is painted; `engine.metrics.layout` is for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from engine.devices import half_precision, pick_device
from engine.occupancy.config import PRESETS
from engine.occupancy.vae import OccupancyVae
from engine.weights import WEIGHTS, WeightsError, load_model

SQUARES = 5
"""Squares along a frame's edge."""


@dataclass(frozen=True, slots=True, eq=False)
class AutoencoderFeatures:
    """A loaded encoder; called with one frame it gives that frame's features."""

    vae: OccupancyVae
    device: torch.device
    facts: dict[str, str]
    """Which weights these features are of."""

    @staticmethod
    def load(stem: Path | None = None, preset: str = "compact", device: str = "auto") -> AutoencoderFeatures:
        """The shipped encoder of `preset`, or the weights at `stem`. Raises WeightsError where they cannot be used."""
        config = PRESETS[preset].vae
        stem = stem or WEIGHTS / preset / "vae"
        vae = OccupancyVae(config)
        card = load_model(vae, stem, config)
        where = pick_device(device)
        return AutoencoderFeatures(vae.to(where).eval(), where, {"autoencoder": f"{preset} VAE", "sha256": str(card["sha256"])})

    @torch.no_grad()
    def __call__(self, semantics: np.ndarray) -> np.ndarray:
        """float32 (25, 2 C) of class ids (X, Y, Z): per square the means, then the standard deviations of C latent channels.

        Raises WeightsError where the volume has another height than the encoder was built for.
        """
        if semantics.shape[2] != self.vae.config.heights:
            raise WeightsError(
                f"The autoencoder was trained on volumes {self.vae.config.heights} voxels high, these are {semantics.shape[2]}: "
                "compare takes of the 'occ3d' grid."
            )
        with half_precision(self.device):
            mean = self.vae.encode(torch.from_numpy(np.ascontiguousarray(semantics))[None].to(self.device)).mean
        latents = self.vae.normalise(mean.float())                                   # (1, C, X/4, Y/4)
        first = F.adaptive_avg_pool2d(latents, SQUARES)                              # (1, C, 5, 5)
        second = F.adaptive_avg_pool2d(latents.square(), SQUARES)
        spread = (second - first.square()).clamp(min=0).sqrt()
        return torch.cat([first, spread], 1)[0].flatten(1).T.contiguous().cpu().numpy()


def load_features(preset: str = "compact", device: str = "auto") -> AutoencoderFeatures | str:
    """The shipped autoencoder's features, or one sentence that says why there are none."""
    try:
        return AutoencoderFeatures.load(preset=preset, device=device)
    except WeightsError as error:
        return str(error)
