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
from engine.occupancy.begin import painted_cells
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


@dataclass(frozen=True, slots=True, eq=False)
class CodeBatches:
    """Crops of frames that were encoded before; the batch of step n is a function of (seed, n)."""

    layouts: np.ndarray
    """Packed bits, uint8 (N, bytes)."""
    codes: np.ndarray
    """int16 (N, h, w)."""
    seed: int
    batch: int

    def __call__(self, step: int) -> dict[str, Tensor]:
        """codes int16 (B, h, w), known bool (B, h, w), layouts uint8 (B, 15, 4h, 4w), places float32 (B, 2, h, w)."""
        rng = np.random.default_rng([self.seed, step])
        h, w = self.codes.shape[1:]
        whole = step % WHOLE_EVERY == 0
        count = max(1, self.batch // 4) if whole else self.batch
        edge = (h, w) if whole else (min(h, CROP), min(w, CROP))
        places = places_in(h, w)
        rows: dict[str, list[Tensor]] = {"codes": [], "known": [], "layouts": [], "places": []}
        for number in rng.integers(0, len(self.codes), count):
            x, y = (int(rng.integers(0, n - e + 1)) for n, e in zip((h, w), edge, strict=True))
            layout = unpack_layout(self.layouts[number], (CELLS * h, CELLS * w))
            layout = layout[:, CELLS * x : CELLS * (x + edge[0]), CELLS * y : CELLS * (y + edge[1])]
            rows["layouts"].append(torch.from_numpy(np.ascontiguousarray(layout)))
            rows["codes"].append(torch.from_numpy(self.codes[number, x : x + edge[0], y : y + edge[1]].copy()))
            known = torch.from_numpy(_known(rng, edge))
            painted = painted_cells(rows["layouts"][-1][None])[0]
            if rng.random() < PAINTED_FIRST and not (known | painted).all():
                known |= painted
            rows["known"].append(known)
            rows["places"].append(places[:, x : x + edge[0], y : y + edge[1]])
        return {name: torch.stack(row) for name, row in rows.items()}


def _known(rng: np.random.Generator, edge: tuple[int, int]) -> np.ndarray:
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
    """Cross entropy of the codes that are not given, in nats."""
    odds = model(batch["codes"], batch["known"], batch["layouts"], batch["places"])
    each = F.cross_entropy(odds.float(), batch["codes"].long(), reduction="none")    # (B, h, w)
    unknown = (~batch["known"]).float()
    return {"total": (each * unknown).sum() / unknown.sum()}


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
    layouts, latents = read_encoded(out / "frames")
    model = Sketch(numbers.sketch)
    schedule = SCHEDULES[preset].scaled(steps, batch)
    if begin is None:
        model.codebook.copy_(fit_codebook(latents[:-HELD_BACK], numbers.sketch.codes))
        facts: dict[str, Any] = {}
    else:
        schedule = replace(schedule, **BEGUN)
        facts = {"began_from": load_model(model, Path(begin), numbers.sketch)["sha256"]}
    codes = torch.cat([model.encode(torch.from_numpy(part).float()) for part in np.array_split(latents, max(1, len(latents) // 64))])
    codes = codes.short().numpy()
    learned = CodeBatches(layouts[:-HELD_BACK], codes[:-HELD_BACK], schedule.seed, schedule.batch)
    facts |= {"vae_sha256": vae_card["sha256"], "frames": len(learned.codes), "first_world": first_world, "data": "engine.data procedural worlds"}
    facts |= train(model, code_loss, learned, schedule, out, device=where, resume=resume)
    held = CodeBatches(layouts[-HELD_BACK:], codes[-HELD_BACK:], 1, HELD_BACK)
    with torch.no_grad():
        moved = {name: value.to(where) for name, value in held(0).items()}
        facts["held_out_nats"] = round(float(code_loss(model, moved, torch.Generator())["total"]), 4)
    if among.writes:
        save_model(model, out / "sketch", numbers.sketch, facts)
    return facts


def fit_codebook(latents: np.ndarray, codes: int) -> Tensor:
    """float32 (K, C): k-means centres of normalised latents (N, C, h, w)."""
    points = latents.transpose(0, 2, 3, 1).reshape(-1, latents.shape[1])
    rng = np.random.default_rng(0)
    chosen = points[rng.choice(len(points), min(len(points), CODEBOOK_POINTS), replace=False)].astype(np.float32)
    centres, _ = kmeans2(chosen, codes, iter=15, minit="points", rng=rng)
    return torch.from_numpy(centres.astype(np.float32))
