"""`launch.py train sketch`: the masked-token model that sketches what stands where nothing is painted (ours; `occupancy/sketch.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn
from torch.nn import functional as F

from engine.devices import pick_device
from engine.occupancy.cells import agent_cells, near_agents, painted_cells
from engine.occupancy.config import PRESETS, TokensConfig
from engine.occupancy.prior.sketch import Sketch, places_in
from engine.occupancy.shipped import frozen_vae
from engine.spec.grid import LATENT_CELLS
from engine.train import processes
from engine.train.cores import printed
from engine.train.encoded import encode_worlds, read_encoded, unpack_layouts
from engine.train.loop import Schedule, check_preset, train
from engine.weights import WEIGHTS, load_model, save_model

SCHEDULES = {
    "tiny": Schedule(steps=60, batch=4, rate=2e-3, warmup=10, ema=None, workers=0),
    "compact": Schedule(steps=2400, batch=256, rate=1e-3, warmup=100, ema=0.998, fall=0.4, workers=0),
}
BEGUN = {"rate": 6e-4, "fall": 0.6}
"""Going on from weights: gentler, and longer downhill."""
WORLDS = {"tiny": 4, "compact": 3600}
CROP = 26
"""Latent cells along a crop's edge."""
WHOLE_EVERY = 4
"""Every how many steps a batch holds whole frames, a quarter as many: the size that it will be asked for."""
CODEBOOK_POINTS = 60_000
HELD_BACK = 128
"""Frames that are never learned from, for the loss that the card names."""
REGIONS = 0.3
"""Share of examples in which what is unknown is one rectangle, or all around one: how regions are redrawn and rollouts go on."""
PAINTED_FIRST = 0.6
"""Share of examples in which all that is painted is given: it is drawn before the rest."""
REMEMBERED = 0.4
"""Share of examples as in a rollout: most is given, of a frame without agents, and what is to be drawn are the agents and a new strip."""
STRIP = 8
"""Latent cells that come into view at most, along one edge."""


@dataclass(frozen=True, slots=True, eq=False)
class CodeBatches:
    """Crops of frames that were encoded before, made where the frames lie; the batch of step n is a function of (seed, n)."""

    layouts: Tensor
    """Packed bits, uint8 (N, bytes)."""
    codes: Tensor
    """int16 (N, h, w)."""
    emptied: Tensor
    """int16 (N, h, w): codes of the same frames without their agents."""
    seed: int
    batch: int

    def __call__(self, step: int) -> dict[str, Tensor]:
        """codes int16 (B, h, w), given int16 (B, h, w) where known bool (B, h, w), wanted bool (B, h, w), layouts uint8 (B, 15, 4h, 4w),
        places float32 (B, 2, h, w). One window of the frame for all of a batch."""
        chance = Chance(self.codes.device, self.seed * 1_000_003 + step)
        h, w = self.codes.shape[1:]
        whole = step % WHOLE_EVERY == 0
        count = max(1, self.batch // 4) if whole else self.batch
        edge = (h, w) if whole else (min(h, CROP), min(w, CROP))
        chosen = chance.below(len(self.codes), count)                                # (B,)
        x, y = (int(chance.below(n - e + 1, 1)) for n, e in zip((h, w), edge, strict=True))
        window = (slice(x, x + edge[0]), slice(y, y + edge[1]))
        layouts = unpack_layouts(self.layouts[chosen], (LATENT_CELLS * h, LATENT_CELLS * w))
        layouts = layouts[..., LATENT_CELLS * x : LATENT_CELLS * (x + edge[0]), LATENT_CELLS * y : LATENT_CELLS * (y + edge[1])].contiguous()
        codes, emptied = (each[chosen][:, *window] for each in (self.codes, self.emptied))
        remembered, scattered = _remembered(chance, layouts, codes, emptied), _scattered(chance, layouts, codes)
        lived = chance.happens(REMEMBERED, count)
        example = {name: torch.where(lived, remembered[name], scattered[name]) for name in scattered}
        places = places_in(h, w).to(codes.device)[:, *window].expand(count, -1, -1, -1)
        return example | {"codes": codes, "layouts": layouts, "places": places}


class Chance:
    """Random numbers of one step, on a device."""

    def __init__(self, device: torch.device, seed: int) -> None:
        self.device, self.generator = device, torch.Generator(device).manual_seed(seed)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.device)

    def below(self, high: int, count: int) -> Tensor:
        """Integers (count,) from 0 to high - 1."""
        return torch.randint(high, (count,), generator=self.generator, device=self.device)

    def happens(self, share: float, count: int) -> Tensor:
        """Bool (count, 1, 1), true with a probability of `share`."""
        return self.uniform(count, 1, 1) < share


def _scattered(chance: Chance, layouts: Tensor, codes: Tensor) -> dict[str, Tensor]:
    """Examples in which some of the true codes (B, h, w) are given, as at a random moment of a first frame's draw."""
    known, painted = _known(chance, codes.shape), painted_cells(layouts)             # (B, h, w) each
    first = chance.happens(PAINTED_FIRST, len(codes)) & ~(known | painted).all((1, 2), keepdim=True)
    known = known | painted & first                                                  # (B, h, w)
    return {"given": codes, "known": known, "wanted": ~known}


def _remembered(chance: Chance, layouts: Tensor, codes: Tensor, emptied: Tensor) -> dict[str, Tensor]:
    """Examples as a rollout brings them: `emptied` codes (B, h, w) are given but where an agent is painted and in a strip that is new.

    Either what is painted is being drawn, without a look at the memory beside agents, or it has been and the rest is.
    """
    count, h, w = codes.shape
    agents, painted = agent_cells(layouts), painted_cells(layouts)                   # (B, h, w) each
    along, across = (torch.arange(size, device=codes.device) for size in (h, w))
    along, across = along[:, None].expand(h, w), across[None].expand(h, w)
    along, across = (torch.where(chance.happens(0.5, count), each, each.amax() - each) for each in (along, across))
    width = chance.below(STRIP + 1, count)[:, None, None]
    width = torch.where(agents.any((1, 2), keepdim=True), width, width.clamp(min=1))
    new = torch.where(chance.happens(0.5, count), along, across) < width             # (B, h, w)
    memory = ~new & ~agents
    drawn = painted & ~memory                                                        # (B, h, w)
    drawing = chance.happens(0.5, count) | (memory | drawn).all((1, 2), keepdim=True)
    drawn = drawn & (~drawing | (chance.uniform(count, h, w) < 0.9 * chance.uniform(count, 1, 1)))
    shown = memory & ~(drawing & near_agents(layouts))                               # (B, h, w)
    return {"given": torch.where(drawn, codes, emptied), "known": shown | drawn, "wanted": ~memory & ~drawn}


def _known(chance: Chance, shape: torch.Size) -> Tensor:
    """Bool (B, h, w): what of each example is given, as much as at a random moment of `Sketch.draw`, and never all."""
    count, h, w = shape
    known = chance.uniform(count, h, w) < chance.uniform(count, 1, 1).square()
    inside = torch.ones_like(known)
    for size, axis in ((h, 1), (w, 2)):
        low, high = torch.stack([chance.below(size + 1, count), chance.below(size + 1, count)]).sort(0).values[:, :, None, None]
        cells = torch.arange(size, device=known.device).view([-1 if k == axis else 1 for k in range(3)])
        inside = inside & (cells >= low) & (cells < high)                            # (B, h, w)
    region = torch.where(chance.happens(0.5, count), inside, ~inside)
    known = known | region & chance.happens(REGIONS, count)
    left = torch.zeros_like(known).flatten(1)
    left[torch.arange(count, device=known.device), chance.below(h * w, count)] = True
    return known & ~(left.view_as(known) & known.all((1, 2), keepdim=True))


def code_loss(model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Cross entropy of the codes that are wanted, in nats."""
    odds = model(batch["given"], batch["known"], batch["layouts"], batch["places"])
    each = F.cross_entropy(odds.float(), batch["codes"].long(), reduction="none")    # (B, h, w)
    wanted = batch["wanted"].float()
    return {"total": (each * wanted).sum() / wanted.sum().clamp(min=1)}


def main(
    preset: str,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    vae: Path | None = None,
    steps: int | None = None,
    batch: int | None = None,
    worlds: int | None = None,
    first_world: int = 0,
    begin: Path | None = None,
) -> dict[str, Any]:
    """Encodes worlds into `out`/frames, fits the codebook, trains, and writes `sketch.safetensors` and its card into `out`.

    `vae` is the stem of the VAE's weights; by default the shipped one. `begin` is the stem of a sketch to go on from, its codebook
    too, and `first_world` a world that it has not seen. Raises ValueError for a preset that has no sketch.
    """
    check_preset(preset, SCHEDULES, "sketch")
    numbers = PRESETS[preset]
    assert isinstance(numbers.prior, TokensConfig)
    torch.manual_seed(1)
    out, where, among = Path(out), pick_device(device), processes.current(device)
    codec, vae_card = frozen_vae(Path(vae) if vae else WEIGHTS / preset / "vae", numbers.vae, where)
    worlds = worlds or WORLDS[preset]
    encode_worlds(codec, out / "frames", first_world, worlds, where, printed("worlds"))
    frames = read_encoded(out / "frames")
    model = Sketch(numbers.prior.sketch)
    schedule = SCHEDULES[preset].scaled(steps, batch)
    if begin is None:
        model.codebook.copy_(fit_codebook(frames.latents[:-HELD_BACK], numbers.prior.sketch.codes))
        facts: dict[str, Any] = {}
    else:
        schedule = replace(schedule, **BEGUN)
        facts = {"began_from": load_model(model, Path(begin), numbers.prior.sketch)["sha256"]}
    model.to(where)
    layouts = torch.from_numpy(frames.layouts).to(where)                             # (N, bytes)
    codes, emptied = (_codes(model, each, where) for each in (frames.latents, frames.emptied))
    parts = [[each[part] for each in (layouts, codes, emptied)] for part in (slice(None, -HELD_BACK), slice(-HELD_BACK, None))]
    learned, held = CodeBatches(*parts[0], schedule.seed, schedule.batch), CodeBatches(*parts[1], 1, HELD_BACK)
    facts |= {"vae_sha256": vae_card["sha256"], "frames": len(learned.codes), "first_world": first_world, "data": "engine.data procedural worlds"}
    facts |= train(
        model, code_loss, learned, schedule, out, device=where, resume=resume, picture=lambda m, step: print(f"held out: {_nats(m, held)} nats", flush=True)
    )
    facts["held_out_nats"] = _nats(model, held)
    if among.writes:
        save_model(model, out / "sketch", numbers.prior.sketch, facts)
    return facts


@torch.no_grad()
def _nats(model: nn.Module, held: CodeBatches) -> float:
    """Cross entropy of frames that are never learned from; the same masks every time."""
    return round(float(code_loss(model, held(0), torch.Generator())["total"]), 4)


def _codes(model: Sketch, latents: np.ndarray, device: torch.device) -> Tensor:
    """int16 (N, h, w) of normalised latents (N, C, h, w)."""
    parts = np.array_split(latents, max(1, len(latents) // 64))
    return torch.cat([model.encode(torch.from_numpy(part).to(device).float()).short() for part in parts])


def fit_codebook(latents: np.ndarray, codes: int) -> Tensor:
    """float32 (K, C): k-means centres of normalised latents (N, C, h, w)."""
    points = latents.transpose(0, 2, 3, 1).reshape(-1, latents.shape[1])
    rng = np.random.default_rng(0)
    chosen = points[rng.choice(len(points), min(len(points), CODEBOOK_POINTS), replace=False)].astype(np.float32)
    centres, _ = kmeans2(chosen, codes, iter=15, minit="points", rng=rng)
    return torch.from_numpy(centres.astype(np.float32))
