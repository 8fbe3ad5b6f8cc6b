"""`vace-*`: photoreal pictures from the public weights of Wan2.1-VACE, through the same chain as `wan-*`.

VACE's own control blocks are a valid start of our branch: its inactive latents are our hint, its reactive latents stand in the semantic
place, and its mask is the inverse of ours. What it sees of a take is the drawn world: nearness (it knows depth) or pictures.

Legend: P frames of H x W pixels, D width.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.models.transformers.transformer_wan_vace import WanVACETransformer3DModel
from torch import Tensor

from engine.api import Picture
from engine.devices import pick_device
from engine.views.drawn.model import DrawnViews
from engine.views.ggve.control import RAY, ControlConfig, Controlled
from engine.views.ggve.wan import loading, places
from engine.views.ggve.wan.buffers import nearness_video
from engine.views.ggve.wan.latents import video_of
from engine.views.ggve.wan.model import WanViews, assembled
from engine.views.ggve.wan.settings import Settings, read_settings
from engine.views.ggve.wan.sources import Seen
from engine.views.scene import ViewScene

MASKS = 64
"""Channels of VACE's mask, one for each pixel of a latent cell."""


def converted(vace: Any, stride: tuple[int, int, int] = (4, 8, 8)) -> Controlled:
    """A `WanVACETransformer3DModel` as an unchanged `WanTransformer3DModel` and our branch, sharing its tensors.

    Equal to it on a wide canvas as long as rays and coordinates have no weights: training gives them some.
    """
    own, channels = vace.config, vace.config.in_channels
    config = ControlConfig(tuple(own.vace_layers), channels, channels, channels, stride)
    with torch.device("meta"):
        base = WanTransformer3DModel(**{name: own[name] for name in signature(WanTransformer3DModel.__init__).parameters if name in own})
        model = Controlled(base, config)
    base.rope = vace.rope
    state = vace.state_dict()
    base.load_state_dict({name: tensor for name, tensor in state.items() if not name.startswith("vace_")}, assign=True)
    model.control.load_state_dict(_branch(state, channels, stride), assign=True)
    return model.eval().requires_grad_(False)


def _branch(state: dict[str, Tensor], channels: int, stride: tuple[int, int, int]) -> dict[str, Tensor]:
    """VACE's tensors under our branch's names."""
    weight, bias = state["vace_patch_embedding.weight"], state["vace_patch_embedding.bias"]          # (D, 2 C + MASKS, 1, 2, 2), (D,)
    inactive, reactive, mask = weight.split([channels, channels, MASKS], 1)
    mask = mask.float().sum(1, keepdim=True)                                         # (D, 1, 1, 2, 2)
    rays = weight.new_zeros(len(weight), RAY, *weight.shape[2:])                     # (D, RAY, 1, 2, 2)
    mean = torch.eye(RAY, dtype=weight.dtype)[:, :, None, None, None].expand(-1, -1, *stride) / (stride[0] * stride[1] * stride[2])
    made = {
        "plucker.weight": mean.contiguous(),
        "plucker.bias": weight.new_zeros(RAY),
        "rgb.weight": torch.cat([inactive, -mask.to(weight.dtype), rays], 1),
        "rgb.bias": (bias.float() + mask.sum((1, 2, 3, 4))).to(bias.dtype),
        "semantic.weight": reactive.contiguous(),
        "semantic.bias": torch.zeros_like(bias),
        "coordinate.weight": torch.zeros_like(reactive),
        "coordinate.bias": torch.zeros_like(bias),
    }
    for name, tensor in state.items():
        if name.startswith("vace_blocks."):
            _, number, rest = name.split(".", 2)
            part, _, leaf = rest.partition(".")
            made[f"proj_in.{leaf}" if part == "proj_in" else f"proj_out.{number}.{leaf}" if part == "proj_out" else name[5:]] = tensor
    return made


class DrawnSource:
    """The drawn world's nearness or pictures, as VACE takes them: see engine.views.ggve.wan.sources.Source."""

    empty_is_grey = True

    def __init__(self, scene: ViewScene, settings: Settings) -> None:
        self.scene, self.settings = scene, settings
        self._drawn = DrawnViews(settings.pixels)
        self._stream: Iterator[Picture] = iter(())
        self._first: dict[int, np.ndarray] = {}
        self._kept: OrderedDict[int, tuple[list[np.ndarray], list[np.ndarray]]] = OrderedDict()
        """Frame -> pictures (H, W, 3) and depths (H, W) by camera, those of a chunk."""

    def arrived(self, index: int) -> None:
        """See Source. The drawn world sees frames in order, each once."""
        settings, cameras = self.settings, self.scene.cameras
        pictures: list[np.ndarray] = []
        depths: list[np.ndarray] = []
        if settings.drive == "pictures" or settings.strength < 1:
            if index == 0:
                self._stream = self._drawn.pictures(self.scene, iter(range(len(self.scene))), lambda: False)
            pictures = [next(self._stream).rgb for _ in cameras]
        elif settings.first_frame == "drawn" and index == 0:
            pictures = [picture.rgb for picture in self._drawn.pictures(self.scene, iter([0]), lambda: False)]
        if settings.drive == "depth":
            depths = [seen.depth for _, seen in self._drawn.gbuffers(self.scene, index)]
        if index == 0 and settings.first_frame == "drawn":
            self._first = dict(enumerate(pictures))
        self._kept[index] = pictures, depths
        while len(self._kept) > settings.chunk_frames:
            self._kept.popitem(last=False)

    def seen(self, camera: int, frames: Sequence[int], given: int) -> Seen:
        """See Source. Where pictures are known, VACE is shown grey in this place."""
        start = video_of(np.stack([self._kept[index][0][camera] for index in frames])) if self.settings.strength < 1 else None
        if given >= len(frames):
            return Seen(None, None, start)
        if self.settings.drive == "depth":
            video = nearness_video(np.stack([self._kept[index][1][camera] for index in frames])).clone()         # (3, P, H, W)
        else:
            video = video_of(np.stack([self._kept[index][0][camera] for index in frames]))
        video[:, :given] = 0.0
        return Seen(video, None, start)

    def first(self, camera: int) -> np.ndarray | None:
        """See Source: a reference picture under the camera's name, or the drawn one."""
        return self.scene.reference.get(self.scene.cameras[camera].name, self._first.get(camera))


def load_views(name: str, device: str = "auto", dtype: torch.dtype = torch.bfloat16) -> WanViews:
    """`vace-1.3b` or `vace-14b`. WanError where weights are missing or do not fit."""
    folder, settings, where = places.repository_folder(name), read_settings(name), pick_device(device)
    latents = loading.load_latents(folder, where, settings.tiling)
    model = converted(load_vace(folder, dtype), (latents.temporal, latents.spatial, latents.spatial))
    return assembled(name, model, latents, folder, settings, where, DrawnSource)


def load_vace(folder: Path, dtype: torch.dtype) -> Any:
    """diffusers' `WanVACETransformer3DModel`, on the CPU."""
    return loading.pretrained(WanVACETransformer3DModel, folder / "transformer", dtype).eval().requires_grad_(False)
