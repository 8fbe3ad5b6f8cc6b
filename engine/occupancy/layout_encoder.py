"""The multi-hot layout encoder (paper 3.2): a learnable vector per channel, summed where channels overlap.

Not a plain image convolution over 15 planes: that is what makes other systems overlook small objects.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec.classes import CHANNELS


class LayoutEmbedding(nn.Module):
    """Layouts (B, 15, X, Y), 0 or 1 -> features (B, E, X, Y): the sum of active channels' vectors, or the *empty* vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(len(CHANNELS), width) * 0.5)
        self.empty = nn.Parameter(torch.zeros(width))

    def forward(self, layouts: Tensor) -> Tensor:
        active = layouts.to(self.vectors.dtype)
        summed = torch.einsum("bcxy,ce->bexy", active, self.vectors)
        nothing = (active.amax(1, keepdim=True) == 0).to(self.vectors.dtype)
        return summed + nothing * self.empty[:, None, None]


class LayoutTokens(nn.Module):
    """Layouts (B, 15, X, Y) -> tokens (B, X/8 * Y/8, D) on the DiT's token grid."""

    def __init__(self, embedding: int, width: int) -> None:
        super().__init__()
        self.embed = LayoutEmbedding(embedding)
        self.down = nn.Sequential(
            nn.Conv2d(embedding, embedding * 2, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(embedding * 2, embedding * 4, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(embedding * 4, width, 2, 2),
        )

    def forward(self, layouts: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens, and the features (B, 4 E, X/4, Y/4) at latent resolution that they are made of."""
        features = self.down[:4](self.embed(layouts))
        return self.down[4](features).flatten(2).transpose(1, 2), features
