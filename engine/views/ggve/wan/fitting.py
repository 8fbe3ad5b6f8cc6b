"""How a controlled Wan fits into memory and time: LoRA, float8, offloading, attention back-ends. Each has a test against the plain model."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers.hooks.group_offloading import apply_group_offloading
from diffusers.hooks.layerwise_casting import apply_layerwise_casting
from diffusers.loaders.lora_pipeline import WanLoraLoaderMixin
from torch import nn
from torch.utils.checkpoint import checkpoint

from engine.views.ggve.control import Controlled
from engine.views.ggve.wan.places import WanError
from engine.views.ggve.wan.settings import Settings

_UNCAST = ("norm", "patch_embedding", "condition_embedder", "plucker", "rgb", "semantic", "coordinate")
"""Layers that float8 does not touch, as diffusers leaves them out, and the branch's embedders."""


def fit(model: Controlled, settings: Settings, device: torch.device, scratch: Path | None = None) -> None:
    """Does what the settings say, and brings the model to `device`. `scratch` holds blocks that are offloaded to disk."""
    if settings.lora:
        add_lora(model, settings.lora, settings.lora_scale)
    if settings.attention != "native":
        attend_by(model, settings.attention)
    if settings.fp8:
        keep_in_float8(model)
    if settings.offload == "none":
        model.to(device)
    else:
        offload(model, device, scratch if settings.offload == "disk" else None)


def add_lora(model: Controlled, file: str, scale: float) -> None:
    """Over the frozen backbone; the branch keeps its own weights. Files of the original Wan's names are converted."""
    backbone: Any = model.backbone
    try:
        weights = WanLoraLoaderMixin.lora_state_dict(file, local_files_only=True)
        backbone.load_lora_adapter(weights, adapter_name="chosen")
    except (OSError, ValueError, LookupError, RuntimeError) as error:
        raise WanError(f"The LoRA {file} does not fit this backbone ({(str(error) or repr(error)).splitlines()[0]}): take one made for it.") from error
    if not getattr(backbone, "peft_config", None):
        raise WanError(f"The LoRA {file} holds nothing for this backbone: take one made for Wan 2.1's text-to-video model of this size.")
    backbone.set_adapters(["chosen"], [scale])


def attend_by(model: Controlled, backend: str) -> None:
    """Attention by one of diffusers' back-ends, in backbone and branch."""
    backbone: Any = model.backbone
    try:
        backbone.set_attention_backend(backend)
    except (ValueError, RuntimeError, ImportError) as error:
        raise WanError(f"Attention '{backend}' cannot be had here ({str(error).splitlines()[0]}): take 'native'.") from error
    chosen = next(m.processor._attention_backend for m in backbone.modules() if hasattr(m, "processor"))
    for module in model.control.modules():
        processor: Any = getattr(module, "processor", None)
        if processor is not None:
            processor._attention_backend = chosen


def keep_in_float8(model: Controlled) -> None:
    """Weights of the blocks in float8_e4m3fn, each cast to the model's own type while it multiplies: half the memory of bfloat16."""
    compute = model.control.rgb.weight.dtype
    for part in (model.backbone, model.control):
        apply_layerwise_casting(part, torch.float8_e4m3fn, compute, skip_modules_pattern=(*_UNCAST, "lora_"))


def offload(model: Controlled, device: torch.device, folder: Path | None = None) -> None:
    """Blocks wait in main memory, or in files under `folder`, and come to `device` layer by layer; the rest stays there."""
    blocks = [*_blocks(model.backbone), *model.control.blocks]
    inside = {id(p) for block in blocks for p in block.parameters()}
    for module in model.modules():
        for own in module.parameters(recurse=False):
            if id(own) not in inside:
                own.data = own.data.to(device)
    stream = device.type == "cuda" and folder is None
    for number, block in enumerate(blocks):
        at = None if folder is None else str(folder / f"{number:03d}")
        apply_group_offloading(block, device, torch.device("cpu"), "leaf_level", use_stream=stream, offload_to_disk_path=at)


def recompute(model: Controlled) -> None:
    """Training keeps what goes into a block and works its inside out again on the way back (gradient checkpointing)."""
    for block in (*_blocks(model.backbone), *model.control.blocks):
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)      # type: ignore[method-assign]


def _blocks(backbone: Any) -> list[nn.Module]:
    return list(backbone.blocks)
