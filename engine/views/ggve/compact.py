"""GGVE at a size that a CPU runs: the words' encoder, a small backbone and its control branch, over the latents of appearance.

Legend: B groups, V views, C latent channels, F latent frames, h w latent rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from engine.views.ggve.backbone import Backbone, BackboneConfig
from engine.views.ggve.conditions import COORDINATE, SEMANTIC
from engine.views.ggve.control import ControlConfig, Controlled, Controls
from engine.views.ggve.flow import Velocity
from engine.views.ggve.text import TextConfig, TextEncoder

TIMES = 1000.0
"""The backbone counts time so far."""


@dataclass(frozen=True, slots=True)
class CompactConfig:
    """Sizes. Backbone and branch begin together from nothing, so the branch has an effect from the start."""

    text: TextConfig = field(default_factory=TextConfig)
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    control: ControlConfig = ControlConfig(
        layers=(0, 2, 4), semantic_channels=SEMANTIC, coordinate_channels=COORDINATE, zero_init=False, columns=9.0
    )


CONFIGS = {
    "tiny": CompactConfig(
        TextConfig(16, 2),
        BackboneConfig(2, 12, text_dim=16, freq_dim=16, ffn_dim=32, num_layers=2),
        ControlConfig(layers=(0,), semantic_channels=SEMANTIC, coordinate_channels=COORDINATE, zero_init=False, columns=9.0),
    ),
    "compact": CompactConfig(),
}


class CompactGGVE(nn.Module):
    """Velocity of the appearance latents of a group of views."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.config = config
        self.text = TextEncoder(config.text)
        self.controlled = Controlled(Backbone(config.backbone), config.control)

    def forward(self, latents: Tensor, time: Tensor, words: Tensor, look: Tensor, controls: Controls) -> Tensor:
        """latents (B, V, C, F, h, w) at `time` (B,), 0 to 1, words int64 (B, LENGTH), look (B, LOOK); their velocity, noise less clean."""
        read = self.text(words, look)                                                # (B, LENGTH + 1, E)
        return self.controlled(latents, TIMES * time, read, controls)                # (B, V, C, F, h, w)


def velocity_of(model: nn.Module, words: Tensor, look: Tensor, controls: Controls) -> Velocity:
    """What `flow.sample` asks, of a CompactGGVE under its conditions."""
    return lambda latents, time: model(latents, time, words, look, controls)
