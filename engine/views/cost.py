"""What pictures cost, told before anything is loaded: tokens, seconds and memory of every call of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.spec.camera import Camera
from engine.views.calls import Call, Chunk, Plan, chunks


@dataclass(frozen=True, slots=True)
class PictureCost:
    """Of a view model that draws picture by picture, all cameras of a frame together."""

    seconds_per_pixel: float
    setup_s: float
    """Before the first picture of a take."""
    most_pixels: int
    """It draws larger cameras at this size."""
    memory_bytes: float | None
    """Of the whole process; None where nobody measured it."""
    basis: str
    """What these numbers were measured on, or computed from: half a sentence."""

    def seconds(self, cameras: Sequence[Camera], frames: int) -> float:
        """Of all pictures, one after another."""
        pixels = sum(min(camera.width * camera.height, self.most_pixels) for camera in cameras)
        return self.setup_s + frames * pixels * self.seconds_per_pixel


@dataclass(frozen=True, slots=True)
class ModelCost:
    """Of a view model that runs the calls of a plan: a transformer over the tokens of all active views of a call."""

    tokens_per_latent: int
    """Of one view at one latent frame."""
    flop_per_token: float
    """Of one pass, without attention between the tokens. Seconds will do in place of FLOP, with `flop_per_s` 1."""
    flop_per_pair: float
    """Of one pass, for each ordered pair of tokens: the attention."""
    passes: int
    """Steps of the sampler, twice that with guidance."""
    flop_per_s: float
    fixed_bytes: float
    """Weights, and whatever else does not grow with the call."""
    bytes_per_token: float
    basis: str
    """What these numbers were measured on, or computed from: half a sentence."""
    seconds_per_picture: float = 0.0
    """Of each picture made, beside the passes: its geometry, its decoding."""
    per_latent: int = 4
    """Frames in a latent frame behind the first one, which holds one."""
    chunk_frames: int = 49
    carried_frames: int = 5

    def chunks(self, frames: int) -> tuple[Chunk, ...]:
        """The pieces in which a video of that length is made."""
        return chunks(frames, self.chunk_frames, self.carried_frames, self.per_latent)

    def tokens(self, views: int, frames: int) -> int:
        """Of one pass over `views` views of `frames` frames."""
        return views * self.tokens_per_latent * (1 + -(-(frames - 1) // self.per_latent))

    def pass_flop(self, tokens: int) -> float:
        """Of one pass."""
        return tokens * self.flop_per_token + tokens**2 * self.flop_per_pair

    def memory_bytes(self, tokens: int) -> float:
        """At the height of a pass; no more for a longer video, which is made chunk by chunk."""
        return self.fixed_bytes + tokens * self.bytes_per_token


Cost = PictureCost | ModelCost


@dataclass(frozen=True, slots=True)
class CallCost:
    """Of one call, over all its chunks."""

    call: Call
    chunks: int
    tokens: int
    """Of its largest pass."""
    passes: int
    flop: float
    seconds: float
    memory_bytes: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of a plan."""

    calls: tuple[CallCost, ...]
    seconds: float
    """The calls one after another."""
    side_by_side_s: float
    """As soon as their anchors are there, each on a device of its own."""
    memory_bytes: float
    """The largest of the calls."""


def estimate(plan: Plan, frames: int, cost: ModelCost) -> Estimate:
    """What a plan costs for videos of `frames` frames, call by call."""
    costs = tuple(_call_cost(call, frames, cost) for call in plan.calls)
    ends: list[float] = []
    for told, needs in zip(costs, plan.needs, strict=True):
        ends.append(told.seconds + max((ends[k] for k in needs), default=0.0))
    memory = max((told.memory_bytes for told in costs), default=cost.fixed_bytes)
    return Estimate(costs, sum(told.seconds for told in costs), max(ends, default=0.0), memory)


def _call_cost(call: Call, frames: int, cost: ModelCost) -> CallCost:
    views, pieces = len(call.group), cost.chunks(frames)
    tokens = [cost.tokens(views, piece.length) for piece in pieces]
    flop = sum(cost.passes * cost.pass_flop(count) for count in tokens)
    seconds = flop / cost.flop_per_s + len(call.targets) * frames * cost.seconds_per_picture
    return CallCost(call, len(pieces), max(tokens), cost.passes * len(pieces), flop, seconds, cost.memory_bytes(max(tokens)))


def wan_cost(width: int, ffn: int, blocks: int, control_blocks: int, weights_bytes: float, passes: int = 4) -> ModelCost:
    """A Wan 2.1 backbone with our control branch, 480 x 832, bf16, at 4e14 FLOP/s. Not measured: it follows from the sizes.

    A block multiplies a token with 6 width^2 + 2 width ffn weights (self-attention, queries and outputs of the text's, feed-forward)
    and compares it with all others. Beside the weights lie the hints and about ten states of a token, and the feed-forward's inside twice.
    """
    all_blocks = blocks + control_blocks
    return ModelCost(
        tokens_per_latent=(480 // 16) * (832 // 16),
        flop_per_token=2.0 * all_blocks * (6 * width**2 + 2 * width * ffn),
        flop_per_pair=4.0 * all_blocks * width,
        passes=passes,
        flop_per_s=4e14,
        fixed_bytes=weights_bytes,
        bytes_per_token=2.0 * ((control_blocks + 10) * width + 2 * ffn),
        basis="computed from the model's size for 400 TFLOP/s, without text encoder and video autoencoder; not measured",
    )


WAN_14B = wan_cost(5120, 13824, 40, 8, 35.2e9)
WAN_1_3B = wan_cost(1536, 8960, 30, 6, 3.9e9)
COMPACT = ModelCost(
    tokens_per_latent=(256 // 32) * (448 // 32),
    flop_per_token=5.8e-5,
    flop_per_pair=0.0,
    passes=12,
    flop_per_s=1.0,
    fixed_bytes=0.95e9,
    bytes_per_token=0.0,
    basis="measured on the template 'crossing' on 2 cores of an EPYC with AVX-512",
    seconds_per_picture=0.29,
    chunk_frames=5,
    carried_frames=1,
)
"""docs/ggve.md; seconds in place of FLOP. Memory is that of the whole process."""
DRAWN = PictureCost(
    seconds_per_pixel=0.17 / (448 * 256),
    setup_s=0.9,
    most_pixels=448 * 256,
    memory_bytes=0.6e9,
    basis="measured on the template 'crossing' on 2 cores of an EPYC with AVX-512",
)
"""docs/drawn.md. Memory: six cameras x 16 frames of that take, its occupancy kept; process and six video encoders 0.58 GB together."""
