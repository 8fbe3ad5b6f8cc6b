"""Sizes of the occupancy models. One class of model serves every preset: a preset is numbers, not another code path."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class VaeConfig:
    """Occupancy VAE (paper 3.2). The latent has a quarter of the grid's resolution."""

    heights: int = 16
    """Voxels along z; heights are folded into channels."""
    embedding: int = 8
    """Width of a class embedding."""
    latent: int = 16
    """C: 4, 16 or 64 in the paper's ladder."""
    width: int = 96
    """Channels at half resolution; twice that at a quarter."""
    blocks: int = 2
    """Residual blocks at each resolution."""
    axial_blocks: int = 1
    """Axial-attention blocks at a quarter resolution."""
    decoder_sees_layout: bool = True
    """The layout is always known, so the latent need not spend itself on where a cone stands. False is the paper's decoder."""


@dataclass(frozen=True, slots=True)
class DitConfig:
    """STOccDiT (paper 3.2, B.2)."""

    latent: int = 16
    """Must equal the VAE's."""
    patch: int = 2
    """Latent cells along a token's edge: 50 x 50 latents become 25 x 25 tokens."""
    blocks: int = 24
    width: int = 1024
    heads: int = 16
    layout_width: int = 64
    """Width of the layout encoder's channel vectors."""
    layout_tokens: Literal["joint", "one_way", "none"] = "joint"
    """joint: layout and noisy tokens attend to each other (the paper). one_way: layout attends only to itself, so that its keys and
    values are computed once for all steps. none: no layout tokens in attention (the paper's additive ablation)."""
    layout_added: bool = False
    """Also add each layout token to the noisy token at its place: learns faster; alone it is the paper's additive ablation."""
    history: int = 2
    """Clean frames that a noisy frame may see, counted back from itself."""
    frame_embeddings: bool = False
    """B.2's learnable per-frame embeddings, one per frame of age and head, beside the learnt bias of each age. Added to the keys by age, not by
    a frame's number: a rollout has no last frame."""
    local_width: int = 0
    """Channels of the convolutions that finish the velocity at latent resolution (`local.py`); 0 is the paper's, without them."""
    local_blocks: int = 3


@dataclass(frozen=True, slots=True)
class SketchConfig:
    """The masked-token model that sketches a frame's latents before the flow begins (`sketch.py`; ours)."""

    latent: int = 16
    """Must equal the VAE's."""
    codes: int = 512
    width: int = 256
    """Channels at half the latents' resolution, where most is decided."""
    fine_width: int = 128
    """Channels at the latents' own."""
    blocks: int = 6
    heads: int = 8


@dataclass(frozen=True, slots=True)
class NoiseConfig:
    """The flow begins from noise alone (the paper's prior)."""


@dataclass(frozen=True, slots=True)
class TokensConfig:
    """The flow begins from a sketch under noise (our prior)."""

    sketch: SketchConfig = field(default_factory=SketchConfig)
    begin_at: float = 0.6
    """Level of that noise."""
    rounds: int = 12
    """In which a whole frame is sketched; what is remembered is not sketched anew, and a rollout needs fewer."""


@dataclass(frozen=True, slots=True)
class SamplerConfig:
    """Defaults of generation."""

    steps: int = 30
    draft_steps: int = 10
    """Of a region that is drawn anew while the hand still holds the pen: fewer than of the frame that follows."""
    guidance: float = 2.0
    guided_from: float = 0.0
    """Noise level from which on the flow is guided; 0 guides every step, as the paper does. What is drawn is decided at high levels
    (Kynkaanniemi et al. 2024, guidance in a limited interval), and each step below costs half."""


@dataclass(frozen=True, slots=True)
class OccupancyPreset:
    """Everything that names one occupancy generator."""

    vae: VaeConfig
    dit: DitConfig
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    prior: NoiseConfig | TokensConfig = field(default_factory=NoiseConfig)
    """What the flow begins from (`prior/`)."""
    memory: Literal["frames", "static_frames", "world"] = "frames"
    """What a frame of a rollout remembers. frames: the last `dit.history` frames, in its own coordinates (the paper). static_frames: the same
    without their agents. world: what stands still, drawn once on key grids and held (`static_world.py`), as one frame."""
    flow_sees: tuple[str, ...] = ("layout", "history")
    """What the flow is told beside the latents that it works on: the layout, what is remembered. Where it begins from tokens, remembered cells
    are held and the layout says the rest: being told the memory too changes nothing and costs a tenth of a frame (docs/models.md)."""
    weights: str = ""
    """The preset whose weights it takes, where it has none of its own."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


PRESETS: dict[str, OccupancyPreset] = {
    "tiny": OccupancyPreset(
        VaeConfig(latent=4, width=16, blocks=1, axial_blocks=1),
        DitConfig(latent=4, blocks=2, width=32, heads=2, layout_width=8),
        SamplerConfig(steps=2, draft_steps=1, guidance=1.0),
        TokensConfig(SketchConfig(latent=4, codes=32, width=32, fine_width=32, blocks=1, heads=1), rounds=4),
        memory="world",
    ),
    "compact": OccupancyPreset(
        VaeConfig(),
        DitConfig(blocks=8, width=192, heads=6, layout_width=32, layout_tokens="one_way", layout_added=True, history=1, local_width=96),
        SamplerConfig(steps=3, draft_steps=2, guidance=1.0),
        TokensConfig(),
        memory="world",
        flow_sees=("layout",),
    ),
    "sequences": OccupancyPreset(
        VaeConfig(),
        DitConfig(blocks=8, width=192, heads=6, layout_width=32, layout_tokens="one_way", layout_added=True, history=3, local_width=96),
        SamplerConfig(steps=10, draft_steps=5, guidance=1.0),
    ),
    "paper": OccupancyPreset(VaeConfig(width=128, decoder_sees_layout=False), DitConfig(frame_embeddings=True)),
}
PRESETS["noise"] = replace(
    PRESETS["compact"],
    prior=NoiseConfig(),
    weights="compact",
    sampler=SamplerConfig(steps=10, draft_steps=5, guidance=5.0, guided_from=0.65),
    flow_sees=("layout", "history"),
)


def weights_folder(preset: str) -> str:
    """Name of the folder of a preset's weights among the shipped ones."""
    return PRESETS[preset].weights or preset
