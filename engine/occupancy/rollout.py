"""Frame after frame (paper 3.2): layouts in, occupancy out, each frame conditioned on the one generated before it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.devices import half_precision
from engine.occupancy.config import OccupancyPreset
from engine.occupancy.flow import sample
from engine.occupancy.noise import world_noise
from engine.occupancy.panoptic import Panoptic
from engine.occupancy.stoccdit import HistoryState, LayoutState, StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import warp_static
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert
from engine.spec.grid import GridSpec


class OccupancyGenerator:
    """A VAE and a STOccDiT on one device. Memory does not grow with the length of a rollout."""

    def __init__(self, preset: OccupancyPreset, vae: OccupancyVae, dit: StOccDit, device: torch.device) -> None:
        if vae.config.latent != dit.config.latent:
            raise ValueError(f"The VAE makes latents of {vae.config.latent} channels, the DiT was built for {dit.config.latent}: load weights of one preset.")
        self.preset, self.device = preset, device
        self.vae, self.dit = vae.to(device).eval(), dit.to(device).eval()
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
            layout = self.dit.read_layout(layouts)
            noise = self.noise(clip.grid, clip.world_SE3_ego[index], recipe.seed)    # (1, 1, C, X/4, Y/4)
            h, w = noise.shape[-2] // self.dit.config.patch, noise.shape[-1] // self.dit.config.patch
            null = self.dit.null_state(1, h, w) if guidance != 1 else None
            history = self._history(clip, index, past)

            def velocity(x: Tensor, t: float) -> Tensor:
                return guided_velocity(self.dit, x, t, layout, null, history, guidance)

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

    def _history(self, clip: SceneClip, index: int, past: np.ndarray | None) -> HistoryState | None:
        """The frame before, in this frame's coordinates; None before phase 2 has opened the temporal branch."""
        if not self.dit.remembers:
            return None
        if past is None:
            empty = torch.zeros(1, 0, self.vae.config.latent, *(n // 4 for n in clip.grid.bev_shape), device=self.device)
            return self.dit.read_history(empty)
        past_SE3_now = invert(clip.world_SE3_ego[index - 1]) @ clip.world_SE3_ego[index]
        remembered = torch.from_numpy(warp_static(past, clip.grid, past_SE3_now)).to(self.device)
        latents = self.vae.normalise(self.vae.encode(remembered[None]).mean)
        return self.dit.read_history(latents[:, None])


def guided_velocity(
    dit: StOccDit, x: Tensor, t: float, layout: LayoutState, null: LayoutState | None, history: HistoryState | None, guidance: float
) -> Tensor:
    """Classifier-free guidance over the layout: null + guidance * (conditioned - null). One evaluation where guidance is 1."""
    times = torch.full(x.shape[:2], t, device=x.device)
    given = dit.denoise(x, times, layout, history).float()
    if null is None:
        return given
    blind = dit.denoise(x, times, null, history).float()
    return blind + guidance * (given - blind)
