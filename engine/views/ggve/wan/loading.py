"""Wan's backbone and video autoencoder from a folder in diffusers' form, and our branch beside them.

The backbone is loaded and used as it is; nothing of it is trained, written or subclassed.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from engine.views.ggve.control import ControlBranch, ControlConfig, Controlled, control_layers
from engine.views.ggve.wan.latents import VideoLatents
from engine.views.ggve.wan.places import WanError


def load_backbone(folder: Path, dtype: torch.dtype) -> nn.Module:
    """`WanTransformer3DModel`, frozen, on the CPU. Norms and times stay in float32, as diffusers keeps them."""
    return pretrained(WanTransformer3DModel, folder / "transformer", dtype).eval().requires_grad_(False)


def load_latents(folder: Path, device: torch.device, tiling: bool = False) -> VideoLatents:
    """`AutoencoderKLWan` in float32 on a device."""
    vae = pretrained(AutoencoderKLWan, folder / "vae", torch.float32)
    if tiling:
        vae.enable_tiling()
    return VideoLatents(vae.to(device))


def pretrained(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    """One of diffusers' classes from its own folder. WanError, one sentence, where it cannot be read."""
    try:
        return kind.from_pretrained(folder, torch_dtype=dtype, local_files_only=True)
    except (OSError, ValueError, SafetensorError, RuntimeError) as error:
        raise WanError(f"{folder} cannot be loaded ({str(error).splitlines()[0]}): download it again.") from error


def control_config(backbone: Any, latents: VideoLatents, hints: int) -> ControlConfig:
    """Of a branch of `hints` blocks for a backbone and its video autoencoder."""
    return ControlConfig(
        layers=control_layers(len(backbone.blocks), hints),
        hint_channels=latents.channels,
        semantic_channels=latents.channels,
        coordinate_channels=latents.channels,
        plucker_stride=(latents.temporal, latents.spatial, latents.spatial),
    )


def controlled(backbone: nn.Module, config: ControlConfig, dtype: torch.dtype) -> Controlled:
    """A branch that begins without effect beside a backbone; its embedders are of `dtype`, its blocks of the backbone's types."""
    model = Controlled(backbone, config)
    in_type(model.control, dtype)
    return model


def in_type(control: ControlBranch, dtype: torch.dtype) -> None:
    """Brings a branch to `dtype`; of its blocks, what the backbone keeps in float32 stays there."""
    for name, part in control.named_children():
        if name != "blocks":
            part.to(dtype)


def save_branch(control: ControlBranch, folder: Path, dtype: torch.dtype, facts: dict[str, Any]) -> None:
    """Writes `control.safetensors` and `control.card.json`, the branch alone."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in control.state_dict().items()}
    save_file(tensors, folder / "control.safetensors.tmp")
    (folder / "control.safetensors.tmp").replace(folder / "control.safetensors")
    (folder / "control.card.json").write_text(json.dumps({"config": asdict(control.config)} | facts, indent=1, default=str) + "\n")


def load_branch(backbone: nn.Module, folder: Path, dtype: torch.dtype) -> tuple[Controlled, dict[str, Any]]:
    """A backbone with the branch in a folder, loaded strictly, and its card. WanError where it is damaged or belongs to another backbone."""
    path = folder / "control.safetensors"
    try:
        card = json.loads((folder / "control.card.json").read_text())
        sizes = {name: tuple(value) if isinstance(value, list) else value for name, value in card["config"].items()}
        model = controlled(backbone, ControlConfig(**sizes), dtype)
        model.control.load_state_dict(load_file(path))
    except (OSError, SafetensorError, ValueError, TypeError, LookupError, RuntimeError) as error:
        raise WanError(f"{path} is no branch for this backbone ({str(error).splitlines()[0]}): train one for it.") from error
    model.control.requires_grad_(False)
    return model, card
