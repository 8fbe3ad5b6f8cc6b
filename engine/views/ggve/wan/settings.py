"""What can be chosen of a Wan view model: `settings.json` in its folder under $ANYSCENE_MODELS (`docs/wan.md`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from engine.views.ggve.wan.places import WanError, own_folder

NEGATIVE = (
    "overexposed, static, blurred details, subtitles, painting, still picture, grey, worst quality, low quality, JPEG artefacts, ugly, "
    "deformed, extra fingers, messy background"
)
"""Wan's own negative prompt in short."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model samples, and how it fits into memory."""

    steps: int = 30
    guidance: float = 5.0
    """1 leaves the second pass, with the negative prompt, out."""
    shift: float = 3.0
    """Wan's own: 3 at 480 rows, 5 at 720 and for few steps."""
    scheduler: Literal["unipc", "euler"] = "unipc"
    scale: float = 1.0
    """Of the branch's hints: below 1 the geometry counts for less."""
    negative: str = NEGATIVE
    lora: str = ""
    """A safetensors file over the frozen backbone, for example one that needs four steps without guidance."""
    lora_scale: float = 1.0
    offload: Literal["none", "cpu", "disk"] = "none"
    """Where the blocks wait until their turn comes."""
    fp8: bool = False
    """Blocks are kept in float8_e4m3fn and multiplied in bfloat16."""
    attention: str = "native"
    """One of diffusers' attention back-ends."""
    tiling: bool = False
    """The video autoencoder works in overlapping tiles."""
    cache: str = ""
    """Refused: see `check`."""
    chunk_frames: int = 49
    carried_frames: int = 5
    pixels: int = 832 * 480
    """Largest picture."""
    drive: Literal["depth", "pictures"] = "depth"
    """Of VACE: what it sees of the drawn world."""
    first_frame: Literal["none", "drawn"] = "none"
    """Of VACE: whether the drawn world's first pictures are given."""
    strength: float = 1.0
    """Of VACE: below 1 it is video-to-video from the drawn pictures, which keep 1 - strength of themselves at the start."""

    def check(self) -> Settings:
        """Itself. WanError where something cannot be."""
        if self.cache:
            raise WanError(
                f"Setting cache = '{self.cache}' gives wrong pictures here: FirstBlockCache and MagCache keep a residual that already holds "
                "the branch's hints, and they would be added twice; leave it out, and take the four-step LoRA for speed."
            )
        for name, right, wanted in (
            ("steps", self.steps >= 1, "at least 1"),
            ("strength", 0 < self.strength <= 1, "above 0 and at most 1"),
            ("guidance", self.guidance >= 1, "at least 1"),
            ("scale", self.scale >= 0, "at least 0"),
            ("shift", self.shift > 0, "above 0"),
            ("chunk_frames", self.chunk_frames % 4 == 1, "1, 5, 9, ..., 49"),
            ("carried_frames", self.carried_frames % 4 == 1 and self.carried_frames < self.chunk_frames, "1, 5, 9, ..., fewer than a chunk"),
            ("scheduler", self.scheduler in ("unipc", "euler"), "unipc or euler"),
            ("offload", self.offload in ("none", "cpu", "disk"), "none, cpu or disk"),
            ("drive", self.drive in ("depth", "pictures"), "depth or pictures"),
            ("first_frame", self.first_frame in ("none", "drawn"), "none or drawn"),
        ):
            if not right:
                raise WanError(f"Setting {name} = {getattr(self, name)!r} cannot be: it must be {wanted}.")
        return self


FEW_STEPS = Settings(steps=4, guidance=1.0, shift=5.0, scheduler="euler")
"""With a LoRA that was distilled for it: times 1, 0.75, 0.5, 0.25 before the shift."""


def read_settings(name: str, usual: Settings | None = None) -> Settings:
    """Those of a view model: its settings.json over `usual`. WanError where the file is unreadable or names what there is not."""
    usual = usual or Settings()
    folder = own_folder(name)
    path = folder / "settings.json" if folder is not None else None
    if path is None or not path.is_file():
        return usual.check()
    try:
        told: dict[str, Any] = json.loads(path.read_text())
        known = {field.name: type(getattr(usual, field.name)) for field in fields(Settings)}
        for key, value in told.items():
            if key not in known:
                raise WanError(f"{path} sets '{key}', which there is not: choose among {', '.join(known)}.")
            if not isinstance(value, (int, float) if known[key] is float else known[key]):
                raise WanError(f"{path} sets '{key}' to {value!r}: it must be of type {known[key].__name__}.")
            if key in ("drive", "first_frame", "strength") and not name.startswith("vace"):
                raise WanError(f"{path} sets '{key}', which only the VACE models have: leave it out.")
    except (OSError, ValueError, AttributeError) as error:
        if isinstance(error, WanError):
            raise
        raise WanError(f"{path} is not a readable JSON object ({error}): mend it or remove it.") from None
    settings = replace(usual, **told).check()
    if settings.lora and not Path(settings.lora).is_file():
        raise WanError(f"{path} names the LoRA {settings.lora}, which is not there: give its whole path.")
    return settings


def passes(name: str) -> int:
    """Of the backbone for each chunk of a call, by a view model's settings; by the usual ones where those cannot be read."""
    try:
        settings = read_settings(name)
    except WanError:
        settings = Settings()
    return settings.steps * (2 if settings.guidance > 1 else 1)
