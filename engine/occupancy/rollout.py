"""Frame after frame (paper 3.2): layouts in, occupancy out, each frame conditioned on the one generated before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.devices import half_precision
from engine.metrics.layout import shown_channels
from engine.occupancy.begin import agent_cells, sketched, stale_cells, touched_cells, whole_cells
from engine.occupancy.config import OccupancyPreset
from engine.occupancy.flow import sample
from engine.occupancy.noise import place_seed, world_noise
from engine.occupancy.panoptic import Panoptic
from engine.occupancy.sketch import Sketch, places_in
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import seen_columns, warp_static
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert
from engine.spec.grid import GridSpec

SEEDS = 1_000_003
"""Between the seeds of two recipes lie those of as many frames."""
Velocity = Callable[[Tensor, float], Tensor]


class OccupancyGenerator:
    """A VAE and a STOccDiT on one device. Memory does not grow with the length of a rollout."""

    def __init__(
        self,
        preset: OccupancyPreset,
        vae: OccupancyVae,
        dit: StOccDit,
        device: torch.device,
        sketch: Sketch | None = None,
    ) -> None:
        """`sketch` draws what the flow begins from; without it the flow begins from noise alone, as in the paper."""
        if vae.config.latent != dit.config.latent:
            raise ValueError(f"The VAE makes latents of {vae.config.latent} channels, the DiT was built for {dit.config.latent}: load weights of one preset.")
        self.preset, self.device = preset, device
        self.vae, self.dit = vae.to(device).eval(), dit.to(device).eval()
        self.sketch = None if sketch is None else sketch.to(device).eval()
        if device.type == "cpu":
            for model in (self.vae, self.sketch):
                if model is not None:
                    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

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
            semantics = self.frame(clip, index, before, recipe, cancelled)
            if semantics is None:
                return
            instances = panoptic.assign(semantics, clip.boxes[index], clip.world_SE3_ego[index])
            yield OccupancyFrame(index, semantics, instances)
            before = semantics

    @torch.no_grad()
    def frame(
        self, clip: SceneClip, index: int, past: np.ndarray | None, recipe: Recipe, cancelled: Cancelled = lambda: False
    ) -> np.ndarray | None:
        """Semantics (X, Y, Z) of one frame after the `past` one (X, Y, Z), None for the first; None where the work was cancelled."""
        layouts = torch.from_numpy(clip.layouts[index]).to(self.device)[None, None]  # (1, 1, 15, X, Y)
        steps = recipe.steps or self.preset.sampler.steps
        guidance = self.preset.sampler.guidance if recipe.guidance is None else recipe.guidance
        with half_precision(self.device):
            noise = self._noise(clip, index, layouts, recipe.seed)                   # (1, 1, C, X/4, Y/4)
            history, known = self.remembered(clip, index, past)
            velocity = self.velocity(layouts, history, guidance)
            held = torch.zeros_like(noise[0]) if past is None else history[:, 0]     # (1, C, X/4, Y/4)
            sketch = self.begin(layouts, held, known, recipe.seed * SEEDS + index, place_seed(clip.world_SE3_ego[index]) + index)
            latents = self.flow(velocity, noise, steps, sketch, known, cancelled)
        return None if latents is None else self.decode(latents, layouts)

    def flow(
        self, velocity: Velocity, noise: Tensor, steps: int, sketch: Tensor | None, known: np.ndarray, cancelled: Cancelled = lambda: False
    ) -> Tensor | None:
        """Latents (1, 1, C, X/4, Y/4) from noise, or from a sketch under noise; None where the work was cancelled.

        What is `known` (X/4, Y/4) of a sketch is held: noised and drawn anew in every frame, a remembered tree would grow.
        """
        if sketch is None:
            return sample(velocity, noise, steps, cancelled=cancelled)
        free = torch.from_numpy(~known).to(self.device).float()[None, None, None]    # (1, 1, 1, X/4, Y/4)
        return sample(velocity, noise, steps, sketch, free, cancelled, sketch, self.preset.sampler.begin_at)

    @torch.no_grad()
    def decode(self, latents: Tensor, layouts: Tensor) -> np.ndarray:
        """Semantics uint8 (X, Y, Z) of normalised latents (1, 1, C, X/4, Y/4) under layouts (1, 1, 15, X, Y)."""
        with half_precision(self.device):
            voxels = self.vae.decode(self.vae.denormalise(latents[0]), layouts[0])   # (1, X, Y, Z, E)
        return self.vae.semantics(voxels, layouts[0])[0].cpu().numpy()               # (X, Y, Z)

    def noise(self, grid: GridSpec, world_SE3_ego: np.ndarray, seed: int) -> Tensor:
        """World-anchored noise (1, 1, C, X/4, Y/4) of one frame on a grid."""
        nx, ny = grid.bev_shape
        noise = world_noise(world_SE3_ego, (nx // 4, ny // 4), self.vae.config.latent, seed, grid.origin_m[:2])
        return torch.from_numpy(noise).to(self.device)[None, None]

    def velocity(self, layouts: Tensor, history: Tensor, guidance: float) -> Velocity:
        """The velocity of noisy latents (1, 1, C, X/4, Y/4) at a time, under layouts (1, 1, 15, X, Y) and past latents (1, M, C, X/4, Y/4).

        Everything that does not depend on noise and time is computed here, once. Classifier-free guidance is over the layout:
        null + guidance * (conditioned - null).
        """
        layout = self.dit.read_layout(layouts)
        h, w = (size // self.dit.config.patch for size in history.shape[-2:])
        null = self.dit.null_state(1, h, w) if guidance != 1 else None
        # Before phase 2 has opened the temporal branch there is nothing to remember with.
        past = self.dit.read_history(history) if self.dit.remembers else None

        def velocity(x: Tensor, t: float) -> Tensor:
            times = torch.full(x.shape[:2], t, device=x.device)
            given = self.dit.denoise(x, times, layout, past).float()                 # (1, 1, C, X/4, Y/4)
            if null is None:
                return given
            blind = self.dit.denoise(x, times, null, past).float()                   # (1, 1, C, X/4, Y/4)
            return blind + guidance * (given - blind)

        return velocity

    def _noise(self, clip: SceneClip, index: int, layouts: Tensor, seed: int) -> Tensor:
        """Noise of a frame, (1, 1, C, X/4, Y/4). Where something is painted it is the same under every seed: seeds are for the rest."""
        noise = self.noise(clip.grid, clip.world_SE3_ego[index], seed)
        if self.sketch is None or not seed:
            return noise
        return torch.where(touched_cells(layouts[0])[:, None, None], self.noise(clip.grid, clip.world_SE3_ego[index], 0), noise)

    def begin(
        self, layouts: Tensor, latents: Tensor, known: np.ndarray, seed: int, painted_seed: int, places: Tensor | None = None
    ) -> Tensor | None:
        """What the flow begins from, (1, 1, C, X/4, Y/4): latents (1, C, X/4, Y/4) where `known` (X/4, Y/4), a sketch of the rest.

        `places` (2, X/4, Y/4) where this is a part of a frame. None where this generator begins from noise.
        """
        if self.sketch is None:
            return None
        given = torch.from_numpy(known).to(self.device)[None]
        places = places_in(*known.shape) if places is None else places
        places = places.to(self.device)[None]                                        # (1, 2, X/4, Y/4)
        return sketched(self.sketch, layouts[0], latents, given, places, self.preset.sampler.sketch_rounds, seed, painted_seed)[None]

    def remembered(self, clip: SceneClip, index: int, past: np.ndarray | None) -> tuple[Tensor, np.ndarray]:
        """Latents (1, M, C, X/4, Y/4) of the frame before, in this frame's coordinates, M = 0 for the first one, and where they hold.

        Bool (X/4, Y/4): where the past frame saw what stands still, no agent is painted, and the ground is what is painted now.
        """
        nx, ny = (n // 4 for n in clip.grid.bev_shape)
        if past is None:
            return torch.zeros(1, 0, self.vae.config.latent, nx, ny, device=self.device), np.zeros((nx, ny), bool)
        past_SE3_now = invert(clip.world_SE3_ego[index - 1]) @ clip.world_SE3_ego[index]
        warped, layout = warp_static(past, clip.grid, past_SE3_now), clip.layouts[index]
        agents = agent_cells(torch.from_numpy(layout)[None])[0].numpy()              # (X/4, Y/4)
        known = whole_cells(seen_columns(past, clip.grid, past_SE3_now)) & ~agents & ~stale_cells(shown_channels(warped), layout)
        return self.vae.latents(torch.from_numpy(warped).to(self.device)[None])[:, None], known
