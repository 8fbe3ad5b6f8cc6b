"""Frame after frame (paper 3.2): layouts in, occupancy out, each frame conditioned on the one generated before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.devices import half_precision
from engine.occupancy.config import DitConfig, OccupancyPreset
from engine.occupancy.flow import sample
from engine.occupancy.noise import world_noise
from engine.occupancy.panoptic import Panoptic
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import warp_static
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert
from engine.spec.grid import GridSpec
from engine.weights import load_model, read_card

Velocity = Callable[[Tensor, float], Tensor]


class OccupancyGenerator:
    """A VAE and a STOccDiT on one device. Memory does not grow with the length of a rollout."""

    def __init__(self, preset: OccupancyPreset, vae: OccupancyVae, dit: StOccDit, device: torch.device, weaker: StOccDit | None = None) -> None:
        """`weaker` is the model of less training that the preset's autoguidance leads away from; without it there is none."""
        if vae.config.latent != dit.config.latent:
            raise ValueError(f"The VAE makes latents of {vae.config.latent} channels, the DiT was built for {dit.config.latent}: load weights of one preset.")
        self.preset, self.device = preset, device
        self.vae, self.dit = vae.to(device).eval(), dit.to(device).eval()
        self.weaker = None if weaker is None else weaker.to(device).eval()
        if device.type == "cpu":
            self.vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def frames(
        self,
        clip: SceneClip,
        recipe: Recipe,
        cancelled: Cancelled = lambda: False,
        first: int = 0,
        past: OccupancyFrame | None = None,
    ) -> Iterator[OccupancyFrame]:
        """Frames in order from index `first` on, each as soon as it is done; ends early where `cancelled()` says so.

        `past` is frame `first` - 1, the history of the first one: going on from a frame of a rollout gives the rest of that rollout.
        Raises ValueError where the two do not fit.
        """
        if first != (0 if past is None else past.index + 1):
            before = "none" if past is None else f"frame {past.index}"
            raise ValueError(f"A rollout from frame {first} needs frame {first - 1} as its history and was given {before}: pass that frame.")
        ids = [box.instance_id for boxes in clip.boxes for box in boxes]
        if past is not None:
            ids.append(int(past.instances.max()))
        panoptic = Panoptic(clip.grid, max(ids, default=0) + 1)
        if past is not None:
            panoptic.go_on_from(past.semantics, past.instances, clip.boxes[past.index], clip.world_SE3_ego[past.index])
        before = None if past is None else past.semantics
        for index in range(first, len(clip)):
            semantics = self._frame(clip, index, before, recipe, cancelled)
            if semantics is None:
                return
            instances = panoptic.assign(semantics, clip.boxes[index], clip.world_SE3_ego[index])
            yield OccupancyFrame(index, semantics, instances)
            before = semantics

    @torch.no_grad()
    def _frame(self, clip: SceneClip, index: int, past: np.ndarray | None, recipe: Recipe, cancelled: Cancelled) -> np.ndarray | None:
        """Semantics (X, Y, Z) of one frame; None where the work was cancelled."""
        layouts = torch.from_numpy(clip.layouts[index]).to(self.device)[None, None]  # (1, 1, 15, X, Y)
        steps = recipe.steps or self.preset.sampler.steps
        guidance = self.preset.sampler.guidance if recipe.guidance is None else recipe.guidance
        with half_precision(self.device):
            noise = self.noise(clip.grid, clip.world_SE3_ego[index], recipe.seed)    # (1, 1, C, X/4, Y/4)
            velocity = self.velocity(layouts, self._remembered(clip, index, past), guidance)
            latents = sample(velocity, noise, steps, cancelled=cancelled)            # (1, 1, C, X/4, Y/4)
            if latents is None:
                return None
            voxels = self.vae.decode(self.vae.denormalise(latents[0]), layouts[0])   # (1, X, Y, Z, E)
        return self.vae.semantics(voxels, layouts[0])[0].cpu().numpy()               # (X, Y, Z)

    def noise(self, grid: GridSpec, world_SE3_ego: np.ndarray, seed: int) -> Tensor:
        """World-anchored noise (1, 1, C, X/4, Y/4) of one frame on a grid."""
        nx, ny = grid.bev_shape
        noise = world_noise(world_SE3_ego, (nx // 4, ny // 4), self.vae.config.latent, seed, grid.origin_m[:2])
        return torch.from_numpy(noise).to(self.device)[None, None]

    def velocity(self, layouts: Tensor, history: Tensor, guidance: float, autoguided: bool = True) -> Velocity:
        """The velocity of noisy latents (1, 1, C, X/4, Y/4) at a time, under layouts (1, 1, 15, X, Y) and past latents (1, M, C, X/4, Y/4).

        Everything that does not depend on noise and time is computed here, once. `autoguided` asks the weaker model too, where there is one.
        """
        sampler = self.preset.sampler
        good = _field(self.dit, layouts, history, guidance)
        if self.weaker is None or not autoguided:
            return good
        weak = _field(self.weaker, layouts, history, 1.0)

        def velocity(x: Tensor, t: float) -> Tensor:
            v = good(x, t)                                                           # (1, 1, C, X/4, Y/4)
            if t < sampler.autoguided_above:
                return v
            w = weak(x, t)                                                           # (1, 1, C, X/4, Y/4)
            return w + sampler.autoguidance * (v - w)

        return velocity

    def _remembered(self, clip: SceneClip, index: int, past: np.ndarray | None) -> Tensor:
        """Latents (1, M, C, X/4, Y/4) of the frame before, in this frame's coordinates; M is 0 for the first one."""
        if past is None:
            return torch.zeros(1, 0, self.vae.config.latent, *(n // 4 for n in clip.grid.bev_shape), device=self.device)
        past_SE3_now = invert(clip.world_SE3_ego[index - 1]) @ clip.world_SE3_ego[index]
        remembered = torch.from_numpy(warp_static(past, clip.grid, past_SE3_now)).to(self.device)
        return self.vae.normalise(self.vae.encode(remembered[None]).mean)[:, None]


def _field(dit: StOccDit, layouts: Tensor, history: Tensor, guidance: float) -> Velocity:
    """One model's velocity, with classifier-free guidance over the layout: null + guidance * (conditioned - null)."""
    layout = dit.read_layout(layouts)
    h, w = (size // dit.config.patch for size in history.shape[-2:])
    null = dit.null_state(1, h, w) if guidance != 1 else None
    # Before phase 2 has opened the temporal branch there is nothing to remember with.
    past = dit.read_history(history) if dit.remembers else None

    def velocity(x: Tensor, t: float) -> Tensor:
        times = torch.full(x.shape[:2], t, device=x.device)
        given = dit.denoise(x, times, layout, past).float()
        if null is None:
            return given
        blind = dit.denoise(x, times, null, past).float()
        return blind + guidance * (given - blind)

    return velocity


def weaker_sibling(stem: Path, preset: OccupancyPreset) -> StOccDit | None:
    """The model that autoguidance leads away from, of the sizes its card says; None where the preset has no autoguidance.

    Raises WeightsError where the weights cannot be used.
    """
    if preset.sampler.autoguidance == 1:
        return None
    config = DitConfig(**read_card(stem)["config"])
    weaker = StOccDit(config)
    load_model(weaker, stem, config)
    return weaker
