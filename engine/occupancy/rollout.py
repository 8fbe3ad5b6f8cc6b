"""Frame after frame (paper 3.2): layouts in, occupancy out, each frame conditioned on the one generated before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.devices import half_precision
from engine.occupancy.agent_memory import AgentMemory, own_columns
from engine.occupancy.cells import agent_cells, stale_cells, whole_cells
from engine.occupancy.config import OccupancyPreset
from engine.occupancy.dice import CELL_M, world_cells
from engine.occupancy.flow import sample
from engine.occupancy.history import frames_before
from engine.occupancy.keyframe import KEY_MARGIN_M, KeyPlace, key_grid, static_layout
from engine.occupancy.memory import WorldMemory
from engine.occupancy.panoptic import Panoptic
from engine.occupancy.prior import Canvas, Prior
from engine.occupancy.prior.sketch import places_in
from engine.occupancy.shared_columns import every_agent_shown
from engine.occupancy.static_world import Seen, StaticWorld, all_of, expanded, seen_by
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import LAST_AGENT
from engine.spec.classes import FREE
from engine.spec.clip import SceneClip
from engine.spec.columns import shown_channels
from engine.spec.grid import LATENT_CELLS, GridSpec

PAINTED_SEED = 0
"""Of what is painted, under every seed: seeds are for the rest."""
MARGIN_CELLS = round(KEY_MARGIN_M / CELL_M)
SAME_WORLD = 0.8
"""Share of a past frame's voxels that come out again where a rollout goes on in its world."""
Velocity = Callable[[Tensor, float], Tensor]


class OccupancyGenerator:
    """A VAE and a STOccDiT on one device. Memory does not grow with the length of a rollout."""

    def __init__(
        self,
        preset: OccupancyPreset,
        vae: OccupancyVae,
        dit: StOccDit,
        prior: Prior,
        device: torch.device,
    ) -> None:
        """`prior` says what the flow begins from. Raises ValueError where the two models do not belong together."""
        if vae.config.latent != dit.config.latent:
            raise ValueError(f"The VAE makes latents of {vae.config.latent} channels, the DiT was built for {dit.config.latent}: load weights of one preset.")
        self.preset, self.device = preset, device
        self.vae, self.dit = vae.to(device).eval(), dit.to(device).eval()
        self.prior = prior
        self.prior.to(device)
        self._begun: dict[tuple[object, ...], np.ndarray] = {}
        """The latest key grid that was drawn from nothing: the next draft, or the take of an edited scene, begins from the same."""
        if device.type == "cpu":
            self.vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def frames(
        self,
        clip: SceneClip,
        recipe: Recipe,
        cancelled: Cancelled = lambda: False,
        first: int = 0,
        past: OccupancyFrame | None = None,
        memory: WorldMemory | None = None,
        earlier: Iterable[OccupancyFrame] = (),
    ) -> Iterator[OccupancyFrame]:
        """Frames in order from index `first` on, each as soon as it is done; ends early where `cancelled()` says so.

        `past` is frame `first` - 1, the history of the first one: going on from a frame of a rollout gives the rest of that rollout, agents
        in the shapes that the frames `earlier` than it show, or without those in the shape that it shows itself.
        What the `memory` of an earlier take holds is taken over, by rollouts from the first frame on. Raises ValueError where these do not fit.
        """
        if past is not None and memory is not None:
            raise ValueError("A rollout that goes on from a frame stays in that frame's world: leave the memory out, or begin anew.")
        if first != (0 if past is None else past.index + 1):
            before = "none" if past is None else f"frame {past.index}"
            raise ValueError(f"A rollout from frame {first} needs frame {first - 1} as its history and was given {before}: pass that frame.")
        ids = [box.instance_id for boxes in clip.boxes for box in boxes]
        if past is not None:
            ids.append(int(past.instances.max()))
        panoptic = Panoptic(clip.grid, max(ids, default=0) + 1)
        if past is not None:
            panoptic.go_on_from(past.semantics, past.instances, clip.boxes[past.index], clip.world_SE3_ego[past.index])
        world = self._world(clip, recipe, past, cancelled)
        agents = self._agents(clip, past, earlier)
        before = deque([] if past is None else [past.semantics], max(1, self.dit.config.history))
        for index in range(first, len(clip)):
            own = own_columns(clip.layouts[index], clip.boxes[index], clip.grid)
            remembered = None if memory is None else memory.of(index)
            if remembered is not None and remembered.whole:
                semantics = remembered.seen.semantics
            else:
                seen = None if remembered is None else remembered.seen
                around = None if world is None else world.around(index, cancelled, seen)
                if world is not None and around is None:
                    return
                semantics = self.frame(clip, index, before, recipe, cancelled, (seen, around))
                if semantics is None:
                    return
                if agents is not None:
                    semantics = agents.onto(semantics, own, around, clip.world_SE3_ego[index])
                    semantics = every_agent_shown(semantics, clip.layouts[index], clip.grid)
                semantics = semantics if remembered is None else remembered.onto(semantics)
            if agents is not None:
                agents.learn(semantics, own)
            instances = panoptic.assign(semantics, clip.boxes[index], clip.world_SE3_ego[index])
            yield OccupancyFrame(index, semantics, instances)
            before.append(semantics)

    @torch.no_grad()
    def frame(
        self,
        clip: SceneClip,
        index: int,
        past: Sequence[np.ndarray],
        recipe: Recipe,
        cancelled: Cancelled = lambda: False,
        around: Sequence[Seen | None] = (),
    ) -> np.ndarray | None:
        """Semantics (X, Y, Z) of one frame after the `past` ones (X, Y, Z), oldest first, none for the first, in the static world `around` it.

        What is told first of that world counts most, and all of it before the past. None where the work was cancelled.
        """
        pose = clip.world_SE3_ego[index]
        layouts = torch.from_numpy(clip.layouts[index]).to(self.device)[None, None]  # (1, 1, 15, X, Y)
        cells = world_cells(pose, self._latent_shape(clip.grid), clip.grid.origin_m[:2])
        with half_precision(self.device):
            if self.preset.memory == "world":
                before = all_of(past[-1], clip.grid, clip.world_SE3_ego[index - 1]) if past else None
                history, known = self.remembered(clip.layouts[index], seen_by((*around, before), clip.grid, pose))
            else:
                told = seen_by(around, clip.grid, pose)
                frames = frames_before(clip, index, past, self.preset.memory == "frames", told)
                history, known = self.encoded(frames, cells.shape[:2]), np.zeros(cells.shape[:2], bool)
            latents = self._drawn(layouts, history, known, cells, recipe, cancelled)
        return None if latents is None else self.decode(latents, layouts)

    @torch.no_grad()
    def key(
        self, recipe: Recipe, clip: SceneClip, index: int, place: KeyPlace, known_already: Sequence[Seen | None], cancelled: Cancelled
    ) -> Seen | None:
        """The static world on a key grid at a frame's moment; what is known already is taken over as it is. None where cancelled."""
        assert clip.ground is not None
        grid, pose = key_grid(clip.grid), place.world_SE3_key(clip.world_SE3_ego[index])
        layout, memory = static_layout(clip.ground[index], clip.grid, place), seen_by(known_already, grid, pose)
        asked = place, recipe.seed, recipe.steps, recipe.guidance, layout.tobytes()
        if memory is None and asked in self._begun:
            return all_of(self._begun[asked], grid, pose)
        layouts = torch.from_numpy(layout).to(self.device)[None, None]               # (1, 1, 15, X, Y)
        with half_precision(self.device):
            history, known = self.remembered(layout, memory)
            latents = self._drawn(layouts, history, known, place.cells(known.shape), recipe, cancelled, margin=MARGIN_CELLS)
        if latents is None:
            return None
        semantics = self.decode(latents, layouts)
        semantics[(semantics >= 1) & (semantics <= LAST_AGENT)] = FREE
        if memory is None:
            self._begun = {asked: semantics}
        else:
            held = expanded(known)
            semantics[held] = memory.semantics[held]
        return all_of(semantics, grid, pose)

    def _drawn(
        self,
        layouts: Tensor,
        history: Tensor,
        known: np.ndarray,
        cells: np.ndarray,
        recipe: Recipe,
        cancelled: Cancelled,
        margin: int = 0,
    ) -> Tensor | None:
        """Latents (1, 1, C, h, w) of a grid whose latent cells are `cells` (h, w, 2) of the world: history where `known`, the rest drawn."""
        steps = recipe.steps or self.preset.sampler.steps
        guidance = self.preset.sampler.guidance if recipe.guidance is None else recipe.guidance
        latents = history[:, -1] if history.shape[1] else torch.zeros(1, self.vae.config.latent, *known.shape, device=self.device)
        canvas = Canvas(layouts, cells, places_in(*known.shape, margin), latents, known)
        velocity = self.velocity(layouts, history, guidance)
        return sample(velocity, self.prior.begin(canvas, recipe.seed, PAINTED_SEED), steps, cancelled)

    def _world(self, clip: SceneClip, recipe: Recipe, past: OccupancyFrame | None, cancelled: Cancelled) -> StaticWorld | None:
        """The static world of a rollout; one that goes on has drawn the key grids up to there. None where the ground is not known, and where
        frames remember frames.

        The past frame is made again: where it does not come out as it was, it is of another world (an edited scene, another seed), and what it
        shows is believed instead.
        """
        if self.preset.memory != "world" or clip.ground is None:
            return None
        world = StaticWorld(clip, clip.ground, partial(self.key, recipe, clip))
        if past is None:
            return world
        around = [world.around(index, cancelled) for index in range(past.index + 1)][-1]
        again = None if around is None else self.frame(clip, past.index, (), recipe, cancelled, (around,))
        if again is None or (again == past.semantics)[(again != FREE) | (past.semantics != FREE)].mean() < SAME_WORLD:
            world.believe(all_of(past.semantics, clip.grid, clip.world_SE3_ego[past.index]))
        return world

    def _agents(
        self, clip: SceneClip, past: OccupancyFrame | None, earlier: Iterable[OccupancyFrame]
    ) -> AgentMemory | None:
        """What the agents of a rollout look like up to its `past` frame. None where frames remember frames, agents in them."""
        if self.preset.memory != "world":
            return None
        memory = AgentMemory(clip.grid)
        if past is not None:
            for frame in chain((one for one in earlier if one.index < past.index), (past,)):
                memory.learn(frame.semantics, own_columns(clip.layouts[frame.index], clip.boxes[frame.index], clip.grid))
        return memory

    @torch.no_grad()
    def decode(self, latents: Tensor, layouts: Tensor) -> np.ndarray:
        """Semantics uint8 (X, Y, Z) of normalised latents (1, 1, C, X/4, Y/4) under layouts (1, 1, 15, X, Y)."""
        with half_precision(self.device):
            voxels = self.vae.decode(self.vae.denormalise(latents[0]), layouts[0])   # (1, X, Y, Z, E)
        return self.vae.semantics(voxels, layouts[0])[0].cpu().numpy()               # (X, Y, Z)

    def velocity(self, layouts: Tensor, history: Tensor, guidance: float) -> Velocity:
        """The velocity of noisy latents (1, 1, C, X/4, Y/4) at a time, under layouts (1, 1, 15, X, Y) and past latents (1, M, C, X/4, Y/4).

        Everything that does not depend on noise and time is computed here, once. What the preset's flow is not told is left out. Classifier-free
        guidance is over the layout: null + guidance * (conditioned - null), at times from the sampler's `guided_from` on.
        """
        sees, guided = self.preset.flow_sees, guidance != 1
        h, w = (size // self.dit.config.patch for size in history.shape[-2:])
        null = self.dit.null_state(1, h, w) if guided or "layout" not in sees else None
        layout = self.dit.read_layout(layouts) if guided or null is None else null
        # Before phase 2 has opened the temporal branch there is nothing to remember with.
        past = self.dit.read_history(history if "history" in sees else history[:, :0]) if self.dit.remembers else None

        def velocity(x: Tensor, t: float) -> Tensor:
            times = torch.full(x.shape[:2], t, device=x.device)
            given = self.dit.denoise(x, times, layout, past).float()                 # (1, 1, C, X/4, Y/4)
            if not guided or null is None or t < self.preset.sampler.guided_from:
                return given
            blind = self.dit.denoise(x, times, null, past).float()                   # (1, 1, C, X/4, Y/4)
            return blind + guidance * (given - blind)

        return velocity

    def remembered(self, layout: np.ndarray, memory: Seen | None) -> tuple[Tensor, np.ndarray]:
        """Latents (1, M, C, X/4, Y/4) of what is remembered on a grid, M = 0 where nothing is, and where they hold.

        Bool (X/4, Y/4): where all columns are known, no agent is painted in the layout (15, X, Y), and the ground is what is painted now.
        """
        if memory is None:
            nx, ny = (n // LATENT_CELLS for n in layout.shape[1:])
            return self.encoded([], (nx, ny)), np.zeros((nx, ny), bool)
        agents = agent_cells(torch.from_numpy(layout)[None])[0].numpy()              # (X/4, Y/4)
        known = whole_cells(memory.known) & ~agents & ~stale_cells(shown_channels(memory.semantics), layout)
        return self.encoded([memory.semantics], known.shape), known

    def encoded(self, frames: Sequence[np.ndarray], shape: tuple[int, int]) -> Tensor:
        """Latents (1, M, C, X/4, Y/4) of M frames (X, Y, Z); of none of them (1, 0, C, *shape)."""
        if not frames:
            return torch.zeros(1, 0, self.vae.config.latent, *shape, device=self.device)
        # One by one: what a frame decodes to may not depend on how many others are encoded beside it.
        each = [self.vae.latents(torch.from_numpy(semantics).to(self.device)[None]) for semantics in frames]
        return torch.stack(each, 1)

    def _latent_shape(self, grid: GridSpec) -> tuple[int, int]:
        return grid.shape[0] // LATENT_CELLS, grid.shape[1] // LATENT_CELLS
