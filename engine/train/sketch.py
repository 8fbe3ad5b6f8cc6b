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
from engine.occupancy.begin import agent_cells, near_agents, painted_cells
from engine.occupancy.config import PRESETS
from engine.occupancy.shipped import frozen_vae
from engine.occupancy.sketch import CELLS, Sketch, places_in
from engine.train import processes
from engine.train.encoded import encode_worlds, read_encoded, unpack_layout
from engine.train.loop import Schedule, train
from engine.weights import WEIGHTS, load_model, save_model

SCHEDULES = {
    "tiny": Schedule(steps=60, batch=4, rate=2e-3, warmup=10, ema=None, workers=0),
    "compact": Schedule(steps=2400, batch=16, rate=1e-3, warmup=100, ema=0.998, fall=0.4, workers=0),
}
BEGUN = {"rate": 6e-4, "fall": 0.6}
"""Going on from weights: gentler, and longer downhill."""
WORLDS = {"tiny": 4, "compact": 1000}
CROP = 26
"""Latent cells along a crop's edge."""
WHOLE_EVERY = 4
"""Every how many steps a batch holds whole frames, a quarter as many: the size that it will be asked for."""
CODEBOOK_POINTS = 60_000
HELD_BACK = 32
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
    """Crops of frames that were encoded before; the batch of step n is a function of (seed, n)."""

    layouts: np.ndarray
    """Packed bits, uint8 (N, bytes)."""
    codes: np.ndarray
    """int16 (N, h, w)."""
    emptied: np.ndarray
    """int16 (N, h, w): codes of the same frames without their agents."""
    seed: int
    batch: int

    def __call__(self, step: int) -> dict[str, Tensor]:
        """codes int16 (B, h, w), given int16 (B, h, w) where known bool (B, h, w), wanted bool (B, h, w), layouts uint8 (B, 15, 4h, 4w),
        places float32 (B, 2, h, w)."""
        rng = np.random.default_rng([self.seed, step])
        h, w = self.codes.shape[1:]
        whole = step % WHOLE_EVERY == 0
        count = max(1, self.batch // 4) if whole else self.batch
        edge = (h, w) if whole else (min(h, CROP), min(w, CROP))
        places = places_in(h, w)
        rows: dict[str, list[Tensor]] = {name: [] for name in ("codes", "given", "known", "wanted", "layouts", "places")}
        for number in rng.integers(0, len(self.codes), count):
            x, y = (int(rng.integers(0, n - e + 1)) for n, e in zip((h, w), edge, strict=True))
            window = (slice(x, x + edge[0]), slice(y, y + edge[1]))
            layout = unpack_layout(self.layouts[number], (CELLS * h, CELLS * w))
            layout = torch.from_numpy(layout[:, CELLS * x : CELLS * (x + edge[0]), CELLS * y : CELLS * (y + edge[1])].copy())
            codes, emptied = (torch.from_numpy(each[number][window].copy()) for each in (self.codes, self.emptied))
            example = _remembered(rng, layout, codes, emptied) if rng.random() < REMEMBERED else _scattered(rng, layout, codes)
            for name, tensor in (example | {"codes": codes, "layouts": layout, "places": places[:, *window]}).items():
                rows[name].append(tensor)
        return {name: torch.stack(row) for name, row in rows.items()}


def _scattered(rng: np.random.Generator, layout: Tensor, codes: Tensor) -> dict[str, Tensor]:
    """An example in which some of the true codes (h, w) are given, as at a random moment of a first frame's draw."""
    known = torch.from_numpy(_known(rng, codes.shape))
    painted = painted_cells(layout[None])[0]
    if rng.random() < PAINTED_FIRST and not (known | painted).all():
        known |= painted
    return {"given": codes, "known": known, "wanted": ~known}


def _remembered(rng: np.random.Generator, layout: Tensor, codes: Tensor, emptied: Tensor) -> dict[str, Tensor]:
    """An example as a rollout brings it: `emptied` codes (h, w) are given but where an agent is painted and in a strip that is new.

    Either what is painted is being drawn, without a look at the memory beside agents, or it has been and the rest is.
    """
    agents, painted = agent_cells(layout[None])[0], painted_cells(layout[None])[0]   # (h, w) each
    new = torch.zeros_like(agents)
    width = int(rng.integers(0 if agents.any() else 1, STRIP + 1))
    edge = new if rng.random() < 0.5 else new.T
    edge[:width] = True
    if rng.random() < 0.5:
        new = new.flip(0, 1)
    memory = ~new & ~agents
    drawn = painted & ~memory                                                        # (h, w)
    shown = memory
    if rng.random() < 0.5 or (memory | drawn).all():
        drawn &= torch.from_numpy(rng.random(codes.shape) < 0.9 * rng.random())
        shown = memory & ~near_agents(layout[None])[0]
    return {"given": torch.where(drawn, codes, emptied), "known": shown | drawn, "wanted": ~memory & ~drawn}


def _known(rng: np.random.Generator, edge: tuple[int, ...]) -> np.ndarray:
    """Bool (h, w): what of an example is given, as much as at a random moment of `Sketch.draw`."""
    known = rng.random(edge) < rng.random() ** 2
    if rng.random() < REGIONS:
        inside = np.zeros(edge, bool)
        spans = [np.sort(rng.integers(0, size + 1, 2)) for size in edge]
        inside[spans[0][0] : spans[0][1], spans[1][0] : spans[1][1]] = True
        known |= inside if rng.random() < 0.5 else ~inside
    if known.all():
        known[rng.integers(edge[0]), rng.integers(edge[1])] = False
    return known


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
    numbers = PRESETS[preset]
    if numbers.sketch is None:
        named = ", ".join(name for name, each in PRESETS.items() if each.sketch is not None)
        raise ValueError(f"Preset '{preset}' begins from noise, as the paper does, and has no sketch to train: choose one of {named}.")
    torch.manual_seed(1)
    out, where, among = Path(out), pick_device(device), processes.current(device)
    codec, vae_card = frozen_vae(Path(vae) if vae else WEIGHTS / preset / "vae", numbers.vae, where)
    worlds = worlds or WORLDS[preset]
    encode_worlds(codec, out / "frames", first_world, worlds, where, lambda done, total: print(f"worlds: {done} of {total} files", flush=True))
    layouts, latents, emptied = read_encoded(out / "frames")
    model = Sketch(numbers.sketch)
    schedule = SCHEDULES[preset].scaled(steps, batch)
    if begin is None:
        model.codebook.copy_(fit_codebook(latents[:-HELD_BACK], numbers.sketch.codes))
        facts: dict[str, Any] = {}
    else:
        schedule = replace(schedule, **BEGUN)
        facts = {"began_from": load_model(model, Path(begin), numbers.sketch)["sha256"]}
    codes, emptied = _codes(model, latents), _codes(model, emptied)
    learned = CodeBatches(layouts[:-HELD_BACK], codes[:-HELD_BACK], emptied[:-HELD_BACK], schedule.seed, schedule.batch)
    facts |= {"vae_sha256": vae_card["sha256"], "frames": len(learned.codes), "first_world": first_world, "data": "engine.data procedural worlds"}
    facts |= train(model, code_loss, learned, schedule, out, device=where, resume=resume)
    held = CodeBatches(layouts[-HELD_BACK:], codes[-HELD_BACK:], emptied[-HELD_BACK:], 1, HELD_BACK)
    with torch.no_grad():
        moved = {name: value.to(where) for name, value in held(0).items()}
        facts["held_out_nats"] = round(float(code_loss(model, moved, torch.Generator())["total"]), 4)
    if among.writes:
        save_model(model, out / "sketch", numbers.sketch, facts)
    return facts


def _codes(model: Sketch, latents: np.ndarray) -> np.ndarray:
    """int16 (N, h, w) of normalised latents (N, C, h, w)."""
    parts = np.array_split(latents, max(1, len(latents) // 64))
    return torch.cat([model.encode(torch.from_numpy(part).float()).short() for part in parts]).numpy()


def fit_codebook(latents: np.ndarray, codes: int) -> Tensor:
    """float32 (K, C): k-means centres of normalised latents (N, C, h, w)."""
    points = latents.transpose(0, 2, 3, 1).reshape(-1, latents.shape[1])
    rng = np.random.default_rng(0)
    chosen = points[rng.choice(len(points), min(len(points), CODEBOOK_POINTS), replace=False)].astype(np.float32)
    centres, _ = kmeans2(chosen, codes, iter=15, minit="points", rng=rng)
    return torch.from_numpy(centres.astype(np.float32))
