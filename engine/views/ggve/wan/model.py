"""`wan-*`: the view model at the paper's size. Every call of the plan, chunk by chunk, through one controlled backbone.

Legend: V views of a call, P pixel frames of a chunk, F latent frames, H W pixels, C channels, h w = H/8, W/8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from zlib import crc32

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from engine.api import Cancelled, Picture
from engine.devices import pick_device
from engine.spec.camera import Camera
from engine.views.calls import Call, Chunk, chunks
from engine.views.ggve.control import Controlled, Controls, observed_mask
from engine.views.ggve.wan import loading, places
from engine.views.ggve.wan.buffers import ray_video, repeated_first
from engine.views.ggve.wan.fitting import fit
from engine.views.ggve.wan.latents import VideoLatents, pictures_of, video_of
from engine.views.ggve.wan.sampling import guided, sample, scheduler_of
from engine.views.ggve.wan.settings import Settings, read_settings
from engine.views.ggve.wan.sources import Source, VoxelSource
from engine.views.ggve.wan.text import encode_prompts
from engine.views.look import prompt_of
from engine.views.scene import ViewScene
from engine.views.surround import plan

EncodeText = Callable[[Sequence[str]], Tensor]
"""Prompts to (N, L, E)."""
MULTIPLE = 16
"""Pixels along a token."""


class WanViews:
    """See engine.api.ViewModel."""

    order: Literal["frame", "camera"] = "camera"

    def __init__(
        self,
        model: Controlled,
        latents: VideoLatents,
        text: EncodeText,
        settings: Settings,
        device: torch.device,
        source: Callable[[ViewScene, Settings], Source] = VoxelSource,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """`model` is on `device` already, or comes there block by block."""
        self.model, self.latents, self.settings, self.device, self.source = model.eval(), latents, settings, device, source
        self.facts: dict[str, object] = dict(facts or {})
        self.scratch: object = None
        """Whatever must live as long as the model: the folder of blocks that wait on disk, which goes with it."""
        self._encode_text = text
        self._texts: dict[str, Tensor] = {}

    def size(self, camera: Camera) -> Camera:
        """At most about `settings.pixels`, sides divisible by 16."""
        return camera.within(self.settings.pixels, MULTIPLE)

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        """None: UMT5 reads every word."""
        return ()

    def pictures(self, scene: ViewScene, arrived: Iterator[int], cancelled: Cancelled) -> Iterator[Picture]:
        """Chunk by chunk, and in a chunk call by call, so memory does not grow with the clip. Views that are given come back as they are."""
        take = _Take(self, scene, cancelled)
        there = 0
        for chunk in chunks(len(scene), self.settings.chunk_frames, self.settings.carried_frames, self.latents.temporal):
            while there < chunk.stop:
                index = None if cancelled() else next(arrived, None)
                if index is None:
                    return
                take.source.arrived(index)
                there = index + 1
            for name, video in take.videos(chunk):
                for k in range(chunk.carried, chunk.carried + chunk.new):
                    yield Picture(name, chunk.start + k, video[k])

    def text(self, prompt: str) -> Tensor:
        """(1, L, E) on the device; encoded when first asked for, together with the negative prompt, and kept."""
        if prompt not in self._texts:
            wanted = [one for one in dict.fromkeys((prompt, self.settings.negative)) if one not in self._texts]
            self._texts |= dict(zip(wanted, self._encode_text(wanted).split(1), strict=True))
        return self._texts[prompt].to(self.device, self.model.control.rgb.weight.dtype)


class _Take:
    """One take on its way: the plan, and the pictures that a chunk begins with."""

    def __init__(self, views: WanViews, scene: ViewScene, cancelled: Cancelled) -> None:
        self.views, self.scene, self.cancelled = views, scene, cancelled
        self.latents, self.settings = views.latents, views.settings
        self.source = views.source(scene, views.settings)
        self.numbers = {camera.name: number for number, camera in enumerate(scene.cameras)}
        self.given = [name for name in scene.given if name in self.numbers]
        first = next((name for name in scene.reference if name in self.numbers and name not in self.given), None)
        self.calls = plan(scene.cameras, self.given, first).calls
        self.made: dict[str, np.ndarray] = {}
        """Name -> uint8 (k, H, W, 3), the last frames of the chunk before."""

    def videos(self, chunk: Chunk) -> Iterator[tuple[str, np.ndarray]]:
        """(Camera's name, uint8 (P, H, W, 3)) of a chunk, each as soon as it is made; ends early where cancelled."""
        frames = [min(chunk.start + k, len(self.scene) - 1) for k in range(chunk.length)]
        known = self._known(chunk, frames)
        for name in self.given:
            yield name, known[name]
        for call in self.calls:
            made = self._run(call, chunk, frames, known)
            if made is None:
                return
            known |= made
            yield from made.items()
        end = chunk.carried + chunk.new
        self.made = {name: video[max(0, end - self.settings.carried_frames) : end] for name, video in known.items()}

    def _known(self, chunk: Chunk, frames: Sequence[int]) -> dict[str, np.ndarray]:
        """Pictures that a chunk begins with: all of a given view, otherwise those that are carried over, or a first one that is given."""
        known: dict[str, np.ndarray] = {}
        for number, camera in enumerate(self.scene.cameras):
            if camera.name in self.given:
                known[camera.name] = np.stack([_fitted(self.scene.given[camera.name](index), camera) for index in frames])
            elif chunk.carried:
                known[camera.name] = self.made[camera.name][-chunk.carried :]
            elif (first := self.source.first(number)) is not None:
                known[camera.name] = _fitted(first, camera)[None]
        return known

    def _run(self, call: Call, chunk: Chunk, frames: Sequence[int], known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | None:
        """Target's name -> uint8 (P, H, W, 3), its first frames those that are known; None where cancelled."""
        views, device = self.views, self.views.device
        cameras = [self.scene.cameras[self.numbers[name]] for name in call.group]
        size = (max(c.height for c in cameras), max(c.width for c in cameras))       # H, W of all views of the call
        columns = [self._view(camera, frames, known.get(camera.name), size) for camera in cameras]
        controls = Controls(*(torch.stack([column[0][part] for column in columns])[None] for part in range(len(Controls._fields))))
        starts = [start if start is not None else hint for _, start, hint in columns]
        noise = torch.stack([self._noise(camera.name, chunk, starts[0].shape) for camera in cameras])[None]          # (1, V, C, F, h, w)
        start = torch.stack(starts)[None] if any(one is not None for _, one, _ in columns) else None
        text = views.text(". ".join(dict.fromkeys(prompt_of(self.scene.prompt, name) for name in call.targets)))  # one for a call
        controls = Controls(*(part.to(device, text.dtype) for part in controls))
        negative = views.text(self.settings.negative) if self.settings.guidance > 1 else None
        latents = sample(
            guided(views.model, controls, text, negative, self.settings.guidance, self.settings.scale),
            noise.to(device),
            torch.stack([hint for _, _, hint in columns])[None].to(device),
            controls.observed.float(),
            scheduler_of(self.settings, device),
            self.cancelled,
            start if start is None else start.to(device),
        )
        if latents is None:
            return None
        made: dict[str, np.ndarray] = {}
        for place, camera in enumerate(cameras):
            if camera.name in call.targets:
                video = pictures_of(self.latents.decode(latents[0, place : place + 1])[0])           # (P, H, W, 3)
                made[camera.name] = np.ascontiguousarray(video[:, : camera.height, : camera.width])
                if camera.name in known:
                    made[camera.name][: len(known[camera.name])] = known[camera.name]
        return made

    def _view(
        self, camera: Camera, frames: Sequence[int], known: np.ndarray | None, size: tuple[int, int]
    ) -> tuple[Controls, Tensor | None, Tensor]:
        """A view's controls, each (channels, F, h, w) on the CPU, from where video-to-video begins, and the latents of what is known."""
        number, count = self.numbers[camera.name], len(frames)
        given = 0 if known is None else min(len(known), count)
        seen = self.source.seen(number, frames, given)
        empty = self.latents.empty(count, *size).cpu()                               # (C, F, h, w)
        nothing = torch.zeros_like(empty)
        hint = empty if self.source.empty_is_grey else nothing
        if known is not None and given:
            video = _padded(video_of(known[:count]), size)                           # (3, given, H, W)
            if self.source.empty_is_grey:
                video = torch.cat([video, torch.zeros(3, count - given, *size)], 1)  # (3, P, H, W)
            told = self.latents.encode(video[None])[0].cpu()                         # (C, F or fewer, h, w)
            hint = torch.cat([told, hint[:, told.shape[1] :]], 1)                    # (C, F, h, w)
        flags = [k < self.latents.latent_frames(given) and given > 0 for k in range(empty.shape[1])]
        clip = self.scene.clip
        poses = np.stack([self.scene.ego0_SE3_ego(index) @ clip.camera_pose(index, number) for index in frames])
        rays = repeated_first(_padded(ray_video(camera, poses), size, 0.0), self.latents.temporal)   # (6, F ft, H, W)
        controls = Controls(
            hint,
            observed_mask([flags], (empty.shape[2], empty.shape[3]))[0],
            rays,
            empty if seen.semantic is None else self._encoded(seen.semantic, size),
            nothing if seen.coordinate is None else self._encoded(seen.coordinate, size),
        )
        return controls, None if seen.start is None else self._encoded(seen.start, size), hint

    def _encoded(self, video: Tensor, size: tuple[int, int]) -> Tensor:
        return self.latents.encode(_padded(video, size)[None])[0].cpu()

    def _noise(self, name: str, chunk: Chunk, shape: torch.Size) -> Tensor:
        """By seed, camera and chunk, so that another camera in the rig changes nothing of it."""
        generator = torch.Generator().manual_seed(crc32(f"{self.scene.seed} {name} {chunk.start}".encode()))  # it reads 32 bits
        return torch.randn(shape, generator=generator)


def load_views(name: str, device: str = "auto", dtype: torch.dtype = torch.bfloat16) -> WanViews:
    """`wan-1.3b` or `wan-14b`: the backbone as it was published, and our branch. WanError where something is missing or does not fit."""
    folder, branch, settings, where = places.repository_folder(name), places.branch_folder(name), read_settings(name), pick_device(device)
    latents = loading.load_latents(folder, where, settings.tiling)
    model, card = loading.load_branch(loading.load_backbone(folder, dtype), branch, dtype)
    return assembled(name, model, latents, folder, settings, where, facts={"branch": {key: card[key] for key in card if key != "config"}})


def assembled(
    name: str,
    model: Controlled,
    latents: VideoLatents,
    folder: Path,
    settings: Settings,
    device: torch.device,
    source: Callable[[ViewScene, Settings], Source] = VoxelSource,
    facts: Mapping[str, object] | None = None,
) -> WanViews:
    """A view model of its parts, brought to the device as the settings say."""
    scratch = TemporaryDirectory(prefix="anyscene-") if settings.offload == "disk" else None
    fit(model, settings, device, Path(scratch.name) if scratch else None)
    told = {
        "views": name,
        "weights": {"repository": places.SOURCES[name].repository, "revision": folder.name},
        "settings": asdict(settings),
        "versions": {package: version(package) for package in ("torch", *places.EXTRA)},
    }

    def encode(prompts: Sequence[str]) -> Tensor:
        return encode_prompts(folder, prompts, device, model.control.rgb.weight.dtype)

    views = WanViews(model, latents, encode, settings, device, source, told | dict(facts or {}))
    views.scratch = scratch
    return views


def _padded(video: Tensor, size: tuple[int, int], value: float = -1.0) -> Tensor:
    """(.., H, W) enlarged to the right and below to the size of the call's largest view."""
    return F.pad(video, (0, size[1] - video.shape[-1], 0, size[0] - video.shape[-2]), value=value)


def _fitted(picture: np.ndarray, camera: Camera) -> np.ndarray:
    """uint8 (H, W, 3) of a camera's size."""
    if picture.shape[:2] == (camera.height, camera.width):
        return picture
    return np.array(Image.fromarray(picture).resize((camera.width, camera.height), Image.Resampling.LANCZOS))
