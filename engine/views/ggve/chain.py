"""Surround latents of a rig, call by call and key frame by key frame (paper 3.3, B.3), by the compact model.

A key frame is each fourth one, and the last. It is made from the key frame before it, which is observed, and within it the calls of the rig's
plan go from view to view. So memory does not grow with the length of a video, and its first picture needs its first frame only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.api import Cancelled
from engine.devices import half_precision
from engine.views.calls import Call, Plan
from engine.views.ggve.autoencoder import STRIDE
from engine.views.ggve.carried import Cells, agreed
from engine.views.ggve.compact import CompactGGVE, velocity_of
from engine.views.ggve.conditions import conditions
from engine.views.ggve.control import Controls
from engine.views.ggve.flow import sample, sigmas
from engine.views.ggve.levelled import Seen

SPREAD = 0.6
"""Of the noise that sampling begins with: light and weather are told, so little is left to chance, and less spread is less blotchy (docs/ggve.md)."""
STAYS = 0.7
"""Of what a static point showed at the key frame before, so much stays."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the model is told beside the geometry."""

    words: Tensor
    """int64 (1, LENGTH)."""
    look: Tensor
    """float32 (1, LOOK), sun in the world frame; zeros where the look is not known."""
    albedo: bool = True
    sun: bool = True
    without: frozenset[str] = frozenset()
    """Conditions that are zeroed, of `Controls`: to measure what each one does."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyView:
    """One camera at a key frame."""

    guide: Mapping[str, Tensor]
    """As `show` takes it, with a batch of 1."""
    cells: Cells
    """Of its latents, and where it is seen from."""
    seen: Seen
    """Of its picture, likewise."""
    told: Told
    """What it is told at this time: the same object for all views of a key frame that one prompt speaks to."""


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A key frame, before it has latents."""

    views: Mapping[str, KeyView]
    """By camera's name."""
    world_SE3_ego: np.ndarray
    """float64 (4, 4)."""


class Chain:
    """Latents of the views of one take. Its pictures follow from the seed, the plan and the key frames."""

    def __init__(self, model: CompactGGVE, plan: Plan, cells: tuple[int, int], seed: int = 0, steps: int = 6) -> None:
        """`cells` are the rows and columns of all its latents, even numbers; a view of another shape is fitted to them and back."""
        self.model, self.plan, self.cells = model, plan, cells
        self.device = next(model.parameters()).device
        self.seed, self.times = seed, sigmas(steps)
        self._before: tuple[Key, dict[str, Tensor]] | None = None
        settled = (call.group[place] for call in plan.calls for place in middle_first(call.group))
        self.order = tuple(dict.fromkeys((*sorted(plan.given), *settled)))
        """Every view's name, in the order in which they are settled: each is at one with those before it."""

    def follow(self, key: Key, known: Mapping[str, Tensor], cancelled: Cancelled) -> dict[str, Tensor] | None:
        """Latents (C, *cells) of every view of the next key frame by name; `known` are those that are observed. None where cancelled."""
        keys = [*([self._before[0]] if self._before else []), key]
        made, seen = dict(known), dict[str, tuple[Tensor, ...]]()
        for call in self.plan.calls:
            if all(name in made for name in call.group):
                continue
            for name in call.group:
                if name not in seen:  # a view is in several calls
                    seen[name] = self._conditions(name, keys)
            for told in {id(one): one for one in (key.views[name].told for name in call.group if name not in made)}.values():
                latents = self._run(call, keys, made, seen, told, cancelled)
                if latents is None:
                    return None
                for place in middle_first(call.group):
                    name = call.group[place]
                    if name not in made and key.views[name].told is told:
                        made[name] = self._across(name, self._stayed(name, latents[place], key), key.views, made, call)
        self._before = key, made
        return made

    def at_one(self, latents: Mapping[str, Tensor], views: Mapping[str, KeyView]) -> dict[str, Tensor]:
        """Latents of every view at a frame between key frames, as much at one as those of a key frame; what the plan is given stays."""
        settled = {name: latents[name] for name in self.plan.given}
        for call in self.plan.calls:
            for place in middle_first(call.group):
                name = call.group[place]
                if name not in settled:
                    settled[name] = self._across(name, latents[name], views, settled, call)
        return settled

    def _stayed(self, name: str, latents: Tensor, key: Key) -> Tensor:
        """(C, *cells): a view's latents with what the key frame before showed of what stands still."""
        if self._before is None:
            return latents
        earlier, before = self._before
        return agreed(latents, key.views[name].cells, [(before[name], earlier.views[name].cells)], same_moment=False, share=STAYS)

    @staticmethod
    def _across(name: str, latents: Tensor, views: Mapping[str, KeyView], settled: Mapping[str, Tensor], call: Call) -> Tensor:
        """(C, *cells): a view's latents, at one with the views of its call that are settled where they show the same, and are told the same."""
        others = [(settled[other], views[other].cells) for other in call.group if other in settled and views[other].told is views[name].told]
        return agreed(latents, views[name].cells, others, same_moment=True)

    def _run(
        self, call: Call, keys: list[Key], made: Mapping[str, Tensor], seen: Mapping[str, tuple[Tensor, ...]], told: Told, cancelled: Cancelled
    ) -> Tensor | None:
        """(V, C, *cells): the group's latents at the last of `keys` if all of it were told so, `seen` being each view's `_conditions`."""
        channels = self.model.config.backbone.in_channels
        hint = torch.zeros(1, len(call.group), channels, len(keys), *self.cells, device=self.device)      # (1, V, C, F, h, w)
        observed = torch.zeros(1, len(call.group), 1, len(keys), 1, 1, device=self.device)           # (1, V, 1, F, 1, 1)
        before = self._before[1] if self._before else {}
        for place, name in enumerate(call.group):
            for moment, there in ((len(keys) - 1, made), (0, before if len(keys) > 1 else {})):
                if name in there and keys[-1].views[name].told is told:
                    hint[0, place, :, moment], observed[0, place, :, moment] = there[name], 1.0
        observed = observed.expand(-1, -1, -1, -1, *self.cells)                           # (1, V, 1, F, h, w)
        noise = torch.stack([self._noise(name, channels) for name in call.group])    # (V, C, h, w)
        noise = noise[None, :, :, None].expand_as(hint)                              # (1, V, C, F, h, w)
        semantic, coordinate, plucker = (torch.stack(column)[None] for column in zip(*(seen[name] for name in call.group), strict=True))
        controls = Controls(hint, observed, plucker, semantic, coordinate)           # (1, V, channels, F, h, w) each
        controls = controls._replace(**{name: torch.zeros_like(getattr(controls, name)) for name in told.without})
        look = told.look.clone()
        look[:, :3] = look[:, :3] @ torch.from_numpy(keys[0].world_SE3_ego[:3, :3]).float()
        with half_precision(self.device), torch.no_grad():
            velocity = velocity_of(self.model, told.words.to(self.device), look.to(self.device), controls)
            latents = sample(velocity, noise, hint, observed, self.times, cancelled)                 # (1, V, C, F, h, w)
        return None if latents is None else latents[0, :, :, -1]

    def _conditions(self, name: str, keys: list[Key]) -> tuple[Tensor, ...]:
        """Semantic, coordinate and Pluecker latents (channels, F, h, w) of a view, in the ego frame of the first of `keys`."""
        ego0_SE3_world, told = np.linalg.inv(keys[0].world_SE3_ego), keys[-1].views[name].told
        albedo, sun = (torch.full((1,), float(given), device=self.device) for given in (told.albedo, told.sun))
        moments = []
        for key in keys:
            view = key.views[name]
            pose = torch.from_numpy(ego0_SE3_world @ view.cells.world_SE3_camera).float()[None].to(self.device)
            moments.append([fitted(part, self.cells)[0] for part in conditions(view.guide, pose, albedo, sun)])
        return tuple(torch.stack(column, 1) for column in zip(*moments, strict=True))

    def _noise(self, name: str, channels: int) -> Tensor:
        """(C, *cells) of a camera: by its name, so that another camera in the rig changes nothing of it."""
        generator = torch.Generator().manual_seed(crc32(f"{self.seed} {name}".encode()))
        return SPREAD * torch.randn((channels, *self.cells), generator=generator).to(self.device)


def middle_first(group: Sequence[str]) -> list[int]:
    """Places of a call's views in the order in which they are settled: the middle one has neighbours on both sides."""
    return sorted(range(len(group)), key=lambda place: abs(2 * place + 1 - len(group)))


def fitted(x: Tensor, cells: tuple[int, int]) -> Tensor:
    """(B, C, h, w) as so many cells."""
    if x.shape[2:] == cells:
        return x
    return F.interpolate(x, cells, mode="bilinear", align_corners=False, antialias=True)


def cells_of(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Rows and columns for views whose pictures have sizes (rows, columns) in pixels: those of the most frequent one, made even for the backbone's patches."""
    height, width = Counter(sizes).most_common(1)[0][0]
    return max(2, 2 * round(height / STRIDE / 2)), max(2, 2 * round(width / STRIDE / 2))
